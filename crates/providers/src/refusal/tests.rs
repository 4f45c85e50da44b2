use bytes::Bytes;
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::*;

fn answer(status: u16, body: &str) -> Answer {
    Answer {
        status: StatusCode::from_u16(status).expect("a status"),
        headers: HeaderMap::new(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn submitted(status: u16, body: &str) -> Result<Submitted, SubmitError> {
    not_submitted("ltx", "ltx", Phase::Submit, &answer(status, body))
}

#[test]
fn the_sentence_is_found_in_every_shape() {
    let of = |body: &str| said(&answer(400, body));
    let some = |text: &str| Some(text.to_owned());

    assert_eq!(of(r#"{"type":"error","error":{"type":"x","message":"a"}}"#), some("a"));
    assert_eq!(of(r#"{"error":"V","issues":[{"message":"a"},{"message":"b"}]}"#), some("a; b"));
    assert_eq!(of(r#"{"title":"T","detail":"a","status":402}"#), some("a"));
    assert_eq!(of(r#"{"detail":[{"loc":["body"],"msg":"a","type":"t"}]}"#), some("a"));
    assert_eq!(of("plain\u{7}\n words"), some("plain words"));
    assert_eq!([of("{}"), of("")], [None, None]);
}

#[test]
fn keys_and_addresses_are_not_passed_on() {
    let told = cleaned(
        "bad key key_0f1e, r8_abc or 0123456789abcdef0123456789abcdef at https://a.b/c?sig=1 now",
    );

    assert_eq!(told.as_deref(), Some("bad key … … or … at … now"));
    assert_eq!(cleaned(&"é".repeat(500)).map(|text| text.chars().count()), Some(MAX_SAID + 1));
}

#[test]
fn a_page_is_not_passed_on() {
    let mut page = answer(413, "<html>413</html>");
    page.headers.insert("content-type", "text/html".parse().expect("a type"));

    let refused = not_submitted("ltx", "ltx", Phase::Submit, &page).expect("refused");

    let Submitted::Refused(refusal) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal, GenerationRefusal::of_input("ltx cannot film this"));
}

#[test]
fn the_pause_that_is_asked_for_is_the_pause() {
    let mut busy = answer(429, "{}");
    busy.headers.insert(RETRY_AFTER, 7.into());

    let told = not_submitted("ltx", "ltx", Phase::Submit, &busy).expect("later");
    let untold = submitted(429, "{}").expect("later");

    let Submitted::Later { after, .. } = told else { panic!("{told:?}") };
    assert_eq!(after, Duration::from_secs(7));
    let Submitted::Later { after, .. } = untold else { panic!("{untold:?}") };
    assert!((10..=15).contains(&after.as_secs()), "{after:?}");
}

#[test]
fn a_provider_that_cannot_say_is_not_asked_again_at_once() {
    let mut busy = answer(503, "{}");
    busy.headers.insert(RETRY_AFTER, 0.into());
    let pause = Duration::from_secs(5);

    let told = not_seen("ltx", &busy, pause).expect("later");
    let untold = not_seen("ltx", &answer(503, "{}"), pause).expect("later");
    let ordered = not_submitted("ltx", "ltx", Phase::Submit, &busy).expect("later");

    let second = Duration::from_secs(1);
    assert_eq!(told, Look::Busy { after: second });
    assert!(matches!(untold, Look::Busy { after } if (5..8).contains(&after.as_secs())));
    assert!(matches!(ordered, Submitted::Later { after, .. } if after == second));
}

#[test]
fn an_order_that_may_go_on_is_lost() {
    assert!(matches!(submitted(504, ""), Err(SubmitError::Lost(_))));
    assert!(matches!(submitted(302, ""), Err(SubmitError::NotTaken(_))));
}
