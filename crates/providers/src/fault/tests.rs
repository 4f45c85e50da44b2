use bytes::Bytes;
use domain::RefusedOver::{Content, Credit, Fault, Input, Key, Model, Stopped};
use fake_providers::{Documented, Endpoint};
use reqwest::StatusCode;
use reqwest::header::HeaderMap;

use super::Class::{Broken, Gone, Later, Unknown};
use super::*;

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn at_submit(provider: &str, status: u16, body: &str) -> Class {
    class_of(provider, Phase::Submit, &answer(status, body))
}

#[test]
fn the_first_row_that_fits_decides() {
    let filtered = r#"{"type":"error","error":{"type":"content_filtered_error","message":"no"}}"#;
    let credits = r#"{"error":"You do not have enough credits to run this task."}"#;
    let issues = r#"{"error":"Validation of body failed","issues":[{"message":"Invalid ratio"}]}"#;
    let version = r#"{"title":"Invalid version or not permitted","detail":"gone","status":422}"#;
    let invalid = r#"{"title":"Input validation failed","detail":"- input: x","status":422}"#;
    let conversion = r#"{"title":"Input validation failed","detail":"conversion failed"}"#;
    let empty = r#"{"detail":"User is locked. Reason: Exhausted balance. Top up."}"#;

    assert_eq!(at_submit("ltx", 422, filtered), Class::Refused(Content));
    assert_eq!(at_submit("ltx", 422, "{}"), Class::Refused(Input));
    assert_eq!(at_submit("runway", 400, credits), Class::Refused(Credit));
    assert_eq!(at_submit("runway", 400, issues), Class::Refused(Input));
    assert_eq!(at_submit("replicate", 422, version), Class::Refused(Model));
    assert_eq!(at_submit("replicate", 422, invalid), Class::Refused(Input));
    assert_eq!(at_submit("replicate", 422, conversion), Class::Refused(Input));
    assert_eq!(at_submit("fal", 403, empty), Class::Refused(Credit));
    assert_eq!(at_submit("fal", 403, "{}"), Class::Refused(Key));
}

#[test]
fn what_is_repeated_of_the_request_is_no_sign() {
    let detail = r#"{"detail":[{"type":"missing","input":"content_policy_violation","msg":"no"}]}"#;

    assert_eq!(at_submit("fal", 422, detail), Class::Refused(Input));
}

#[test]
fn a_header_can_be_the_sign() {
    let mut failed = answer(422, r#"{"detail":[{"type":"generation_timeout"}]}"#);
    failed.headers.insert("x-fal-retryable", "true".parse().expect("a value"));

    assert_eq!(class_of("fal", Phase::Result, &failed), Class::Refused(Fault));
}

#[test]
fn what_nobody_documents_is_never_taken_for_a_no_when_it_may_be_a_yes() {
    let classes = [302, 408, 418, 425, 429, 500, 504, 599].map(|status| at_submit("x", status, ""));
    let looks =
        [302, 404, 408, 418, 429, 500].map(|status| class_of_status("x", Phase::Look, status));

    let refused = Class::Refused(Input);
    assert_eq!(classes, [Broken, Unknown, refused, Later, Later, Unknown, Unknown, Unknown]);
    assert_eq!(looks, [Broken, Gone, Later, Broken, Later, Later]);
}

#[test]
fn work_that_ended_without_a_clip_was_refused_over_something() {
    let over = |provider, code| refused_over(provider, Phase::Look, &[code]);

    assert_eq!(over("ltx", "content_filtered_error"), Content);
    assert_eq!(over("ltx", "api_error"), Fault);
    assert_eq!(over("runway", "SAFETY.INPUT.TEXT"), Content);
    assert_eq!(over("runway", "SAFETY.OUTPUT.VIDEO"), Content);
    assert_eq!(over("runway", "INPUT_PREPROCESSING.INTERNAL"), Input);
    assert_eq!(over("runway", "INTERNAL.BAD_OUTPUT.CODE01"), Fault);
    assert_eq!(over("runway", ""), Fault);
    assert_eq!(over("replicate", "flagged as sensitive. (E005)"), Content);
    assert_eq!(over("runway", "status: CANCELLED"), Stopped);
    assert_eq!(over("replicate", REPLICATE_STOPPED), Stopped);
    assert_eq!(over("replicate", REPLICATE_ABORTED), Fault);
    assert_eq!(over("nobody", ""), Fault);
}

#[test]
fn no_row_hides_another() {
    for (index, row) in TABLE.iter().enumerate() {
        let hides = |earlier: &&Row| {
            earlier.provider == row.provider
                && earlier.when == row.when
                && row.phases.iter().all(|phase| earlier.phases.contains(phase))
                && (earlier.sign.is_none() || earlier.sign == row.sign)
        };
        assert_eq!(TABLE[..index].iter().find(hides), None, "{row:?}");
    }
}

#[test]
fn the_table_for_people_has_a_line_for_every_row() {
    let text = matrix();

    assert_eq!(text.lines().count(), TABLE.len() + 2);
    assert!(text.contains(
        "| ltx | submit | 504 |  | unknown | never by a retry | perhaps | v1 took too long, and may be billed |"
    ));
}

#[test]
fn whatever_is_documented_has_a_row() {
    for (name, documented) in documented() {
        for told in documented {
            let Some(phase) = phase(told.endpoint) else { continue };
            let answer = as_answer(&told);
            let said = signs(&answer.body);
            let shows =
                |sign: &str| said.iter().any(|said| said.contains(sign)) || header(&answer, sign);
            let row = first(name, phase, When::Status(told.status), shows);

            let by_status = undocumented(phase, told.status);
            let is_known = row.is_some() || (phase != Phase::Submit && by_status == Later);
            assert!(is_known, "{name} {} to {phase:?}", told.name);
        }
    }
}

#[test]
fn an_answer_to_an_order_is_later_only_where_it_is_known_not_to_be_taken() {
    let unknown = |name: &str| {
        let (_, documented) = documented().into_iter().find(|(of, _)| *of == name).expect("known");
        let submits = documented.into_iter().filter(|told| told.endpoint == Endpoint::Submit);
        let unknown = submits
            .filter(|told| class_of(name, Phase::Submit, &as_answer(told)) == Unknown)
            .map(|told| told.name);
        unknown.collect::<Vec<_>>()
    };

    assert_eq!(unknown("ltx"), ["error.504"]);
    assert_eq!(unknown("runway"), ["error.504"]);
    assert_eq!(unknown("replicate"), ["error.500", "error.502", "error.503"]);
    assert_eq!(unknown("fal"), [""; 0]);
}

fn documented() -> [(&'static str, Vec<Documented>); 4] {
    [
        ("ltx", fake_providers::ltx::documented()),
        ("runway", fake_providers::runway::documented()),
        ("replicate", fake_providers::replicate::documented()),
        ("fal", fake_providers::fal::documented()),
    ]
}

fn phase(endpoint: Endpoint) -> Option<Phase> {
    match endpoint {
        Endpoint::Submit => Some(Phase::Submit),
        Endpoint::Look => Some(Phase::Look),
        Endpoint::Result => Some(Phase::Result),
        Endpoint::Cancel => Some(Phase::CallOff),
        Endpoint::Upload => Some(Phase::Upload),
        _ => None,
    }
}

fn as_answer(told: &Documented) -> Answer {
    let body = match &told.body {
        serde_json::Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    let mut answer = answer(told.status, &body);
    for (name, value) in &told.headers {
        let name: reqwest::header::HeaderName = name.parse().expect("a name");
        answer.headers.insert(name, value.parse().expect("a value"));
    }
    answer
}
