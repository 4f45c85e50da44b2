use std::collections::HashMap;

use domain::{MicroUsd, RefusedOver};
use fake_providers::{Cut, Download, Endpoint, Failure, KEY_LTX, Name, Outcome, Scripted, ltx};
use futures::StreamExt as _;
use ports::Submitted;
use serde_json::json;

use super::*;
use crate::fault::{Class, class_of_status};
use crate::fixtures::{PHOTO_BYTES, Rig, billing_failures, bytes, clip, is_lost, is_not_taken};

const V1: LtxVersion = LtxVersion::V1 { answer_within: Duration::from_secs(10) };

async fn rig(version: LtxVersion) -> (Rig, Ltx) {
    let rig = Rig::start(Name::Ltx).await;
    let ltx = Ltx::new(rig.base(), Key::new(KEY_LTX), version, rig.entry());
    (rig, ltx)
}

async fn look(rig: &Rig, ltx: &Ltx, job: &ProviderJob) -> Look {
    ltx.look(&rig.order, job).await.expect("a look")
}

#[tokio::test]
async fn a_photo_becomes_a_clip() {
    let (rig, ltx) = rig(LtxVersion::V2).await;

    let job = rig.accepted(&ltx).await;

    assert_eq!(look(&rig, &ltx, &job).await, Look::Ready { charged: None });
    assert_eq!(rig.collected(&ltx, &job).await, Ok(clip()));
    let orders = rig.fake.orders(Name::Ltx);
    assert_eq!((orders.len(), orders[0].photo), (1, Some(PHOTO_BYTES)));
    assert_eq!(orders[0].body["generate_audio"], false);
    let calls = rig.fake.calls(Name::Ltx);
    let shown: HashMap<Endpoint, bool> =
        calls.iter().map(|call| (call.what, call.had_authorization)).collect();
    let (api, storage) = (
        [Endpoint::Submit, Endpoint::Look, Endpoint::Upload],
        [Endpoint::UploadTarget, Endpoint::Download],
    );
    assert!(api.iter().all(|what| shown[what]) && !storage.iter().any(|what| shown[what]));
}

#[tokio::test]
async fn work_under_way_is_looked_at_again_with_a_pause() {
    let (rig, ltx) = rig(LtxVersion::V2).await;
    rig.change(|switches| switches.outcome = Outcome::Never);

    let job = rig.accepted(&ltx).await;

    let Look::Pending { after } = look(&rig, &ltx, &job).await else { panic!("pending") };
    assert!((5_000..=7_500).contains(&after.as_millis()), "{after:?}");
}

#[tokio::test]
async fn every_documented_answer_to_an_order_has_its_class() {
    let (rig, ltx) = rig(LtxVersion::V2).await;
    for documented in ltx::documented().into_iter().filter(|it| it.endpoint == Endpoint::Submit) {
        rig.change(|switches| switches.answers = vec![documented.scripted(1)]);

        let answer = ltx.submit(&rig.order).await;

        let is_right = match documented.name {
            "error.400" | "error.413" => refused(&answer, RefusedOver::Input),
            "error.401" | "error.403" => refused(&answer, RefusedOver::Key),
            "error.402" => refused(&answer, RefusedOver::Credit),
            "error.422" => refused(&answer, RefusedOver::Content),
            "error.429-concurrency" => later(&answer, 5),
            "error.429-rate" => later(&answer, 30),
            "error.500" | "error.503" | "error.503-variant" | "error.529" => {
                matches!(&answer, Ok(Submitted::Later { .. }))
            }
            "error.504" => is_lost(&answer),
            other => panic!("{other} is new"),
        };
        assert!(is_right, "{}: {answer:?}", documented.name);
    }
    assert_eq!(rig.taken(), 0);
}

fn refused(answer: &Result<Submitted, SubmitError>, over: RefusedOver) -> bool {
    matches!(answer, Ok(Submitted::Refused(refusal)) if refusal.over == over)
}

fn later(answer: &Result<Submitted, SubmitError>, secs: u64) -> bool {
    matches!(answer, Ok(Submitted::Later { after, .. }) if after.as_secs() == secs)
}

#[tokio::test]
async fn every_documented_answer_to_a_look_has_its_class() {
    let (rig, ltx) = rig(LtxVersion::V2).await;
    let job = rig.accepted(&ltx).await;
    for documented in ltx::documented().into_iter().filter(|it| it.endpoint == Endpoint::Look) {
        rig.change(|switches| switches.answers = vec![documented.scripted(1)]);

        let seen = ltx.look(&rig.order, &job).await;

        match class_of_status(NAME, Phase::Look, documented.status) {
            Class::Gone => assert!(matches!(seen, Ok(Look::Gone)), "{seen:?}"),
            Class::Later => assert!(matches!(seen, Ok(Look::Busy { .. })), "{seen:?}"),
            _ => assert!(seen.is_err(), "{seen:?}"),
        }
    }
}

#[tokio::test]
async fn failed_work_is_refused_over_something_and_costs_what_the_registry_says() {
    let cases = [
        (Failure::Moderation, RefusedOver::Content),
        (Failure::Input, RefusedOver::Input),
        (Failure::Internal, RefusedOver::Fault),
    ];
    for (kind, over) in cases {
        let (rig, ltx) = rig(LtxVersion::V2).await;
        rig.change(|switches| switches.outcome = Outcome::failing(kind));

        let job = rig.accepted(&ltx).await;

        let Look::Failed { refusal, charged } = look(&rig, &ltx, &job).await else {
            panic!("failed")
        };
        assert_eq!((refusal.over, charged), (over, MicroUsd::ZERO));
        assert!(refusal.reason.starts_with("ltx "), "{}", refusal.reason);
        let billing = Ltx { entry: billing_failures(NAME), ..ltx };
        let Look::Failed { charged, .. } = look(&rig, &billing, &job).await else {
            panic!("failed")
        };
        assert_eq!(charged, MicroUsd(360_000));
    }
}

#[tokio::test]
async fn a_lost_answer_is_told_from_an_order_that_never_left() {
    let (rig, ltx) = rig(LtxVersion::V2).await;
    let cut = |take, after_bytes| Cut { to: Endpoint::Submit, times: 1, after_bytes, take };
    rig.change(|switches| switches.cuts = vec![cut(true, 0), cut(true, 40), cut(false, 0)]);

    for _ in 0..3 {
        assert!(is_lost(&ltx.submit(&rig.order).await));
    }
    assert_eq!(rig.taken(), 2, "sent once each, and never again by itself");

    let order = ClipOrder { photo_url: Some("https://a.example/a.jpg".to_owned()), ..rig.order };
    rig.fake.stop().await;
    assert!(is_not_taken(&ltx.submit(&order).await));
}

#[tokio::test]
async fn a_yes_that_cannot_be_read_is_a_lost_answer() {
    let (rig, ltx) = rig(LtxVersion::V2).await;
    let garbled = Scripted::new(Endpoint::Submit, 202, "{\"id\":").taking();
    rig.change(|switches| switches.answers = vec![garbled]);

    assert!(is_lost(&ltx.submit(&rig.order).await));
}

#[tokio::test]
async fn an_upload_that_fails_means_that_nothing_was_ordered() {
    let (rig, ltx) = rig(LtxVersion::V2).await;
    let cut = |to| Cut { to, times: 1, after_bytes: 0, take: false };
    rig.change(|switches| switches.cuts = vec![cut(Endpoint::Upload), cut(Endpoint::UploadTarget)]);

    assert!(is_not_taken(&ltx.submit(&rig.order).await));
    assert!(is_not_taken(&ltx.submit(&rig.order).await));
    rig.change(|switches| {
        let answer = |status| Scripted::new(Endpoint::UploadTarget, status, "");
        switches.answers = vec![answer(413), answer(403)];
    });
    assert!(refused(&ltx.submit(&rig.order).await, RefusedOver::Input));
    assert!(matches!(ltx.submit(&rig.order).await, Ok(Submitted::Later { .. })));
    assert_eq!(rig.taken(), 0);
}

#[tokio::test]
async fn a_photo_that_is_too_large_does_not_leave() {
    let (mut rig, ltx) = rig(LtxVersion::V2).await;
    rig.order.photo_url = Some("https://img.example.com/garden.jpg".to_owned());
    std::fs::File::create(&rig.order.photo)
        .and_then(|file| file.set_len(15_000_001))
        .expect("a large photo");

    let refusal = rig.refused(&ltx).await;

    assert!(refusal.reason.contains("15000000"), "{}", refusal.reason);
    assert!(rig.fake.calls(Name::Ltx).is_empty());
}

#[tokio::test]
async fn an_expired_address_is_asked_for_again() {
    let (rig, ltx) = rig(LtxVersion::V2).await;
    let job = rig.accepted(&ltx).await;
    let expired = |status, expire_first| Download::Expired { status, expire_first };

    rig.change(|switches| switches.download = expired(403, Some(1)));
    assert_eq!(rig.collected(&ltx, &job).await, Ok(clip()));

    rig.change(|switches| switches.download = expired(404, None));
    let fault = rig.collected(&ltx, &job).await.expect_err("all expired");
    assert_eq!(fault, "the address has expired");
}

#[tokio::test]
async fn what_is_no_whole_clip_breaks() {
    let (rig, ltx) = rig(LtxVersion::V2).await;
    let job = rig.accepted(&ltx).await;
    let broken = async |download| {
        rig.change(|switches| switches.download = download);
        rig.collected(&ltx, &job).await
    };

    let page = broken(Download::Html).await.expect_err("a page");
    assert!(page.ends_with("an answer of type text/html instead of a video"), "{page}");
    assert!(broken(Download::Truncated).await.is_err());
    // Half a clip under the length of half a clip is whole for HTTP; who probes it will tell.
    assert!(broken(Download::WrongLength).await.is_ok());
    let cut = Cut { to: Endpoint::Download, times: 1, after_bytes: 2_000, take: false };
    rig.change(|switches| switches.cuts = vec![cut]);
    assert!(broken(Download::Whole).await.is_err());
}

#[tokio::test]
async fn an_address_inside_is_not_fetched() {
    let (rig, ltx) = rig(LtxVersion::V2).await;
    let job = rig.accepted(&ltx).await;
    for url in ["http://169.254.169.254/latest", "https://10.0.0.1/a.mp4", "file:///etc/passwd"] {
        let body = json!({ "id": job.id, "status": "completed", "result": { "video_url": url } });
        rig.change(|switches| switches.answers = vec![Scripted::new(Endpoint::Look, 200, body)]);

        let fault = rig.collected(&ltx, &job).await.expect_err("refused");

        assert!(fault.contains("address"), "{fault}");
        assert!(!fault.contains("169.254") && !fault.contains("10.0.0.1"), "{fault}");
    }
}

#[tokio::test]
async fn over_v1_the_clip_comes_with_the_answer_and_cannot_be_seen_again() {
    for octets in [false, true] {
        let (rig, ltx) = rig(V1).await;
        rig.change(|switches| switches.legacy_octets = octets);

        let answer = ltx.submit(&rig.order).await.expect("an answer");

        let Submitted::Delivered(job, whole) = answer else { panic!("{answer:?}") };
        assert_eq!(bytes(whole).await, Ok(clip()));
        assert_eq!(look(&rig, &ltx, &job).await, Look::Gone);
        assert!(rig.collected(&ltx, &job).await.is_err());
    }
}

#[tokio::test]
async fn over_v1_what_goes_wrong_after_the_order_is_lost() {
    let (rig, ltx) = rig(V1).await;

    rig.change(|switches| switches.download = Download::Html);
    assert!(is_lost(&ltx.submit(&rig.order).await));
    rig.change(|switches| {
        switches.answers = vec![Scripted::new(Endpoint::Submit, 504, "").taking()];
    });
    assert!(is_lost(&ltx.submit(&rig.order).await));
    rig.change(|switches| switches.download = Download::Truncated);
    let Ok(Submitted::Delivered(_, half)) = ltx.submit(&rig.order).await else { panic!("a clip") };
    assert!(bytes(half).await.is_err());
    assert_eq!(rig.taken(), 3);
}

#[tokio::test]
async fn over_v1_an_answer_that_does_not_come_in_time_is_lost() {
    let (rig, _) = rig(V1).await;
    let version = LtxVersion::V1 { answer_within: Duration::from_millis(200) };
    let ltx = Ltx::new(rig.base(), Key::new(KEY_LTX), version, rig.entry());
    rig.change(|switches| switches.outcome = Outcome::Never);

    assert!(is_lost(&ltx.submit(&rig.order).await));
}

#[tokio::test]
async fn work_cannot_be_called_off() {
    let (rig, ltx) = rig(LtxVersion::V2).await;
    let job = rig.accepted(&ltx).await;

    assert_eq!(ltx.call_off(&rig.order, &job).await.expect("known"), CallOff::NotOffered);
    assert!(!ltx.resubmits_safely());
}

#[tokio::test]
async fn over_v1_the_clip_is_never_held_whole() {
    const SIZE: u64 = 96 * 1024 * 1024;
    let (rig, ltx) = rig(V1).await;
    rig.change(|switches| switches.download = Download::Sized(SIZE));
    let Ok(Submitted::Delivered(_, mut large)) = ltx.submit(&rig.order).await else {
        panic!("a clip")
    };

    let (before, mut most, mut came) = (resident_bytes(), 0, 0);
    while let Some(chunk) = large.bytes.next().await {
        came += chunk.expect("it is whole").len() as u64;
        most = most.max(resident_bytes());
    }

    assert_eq!(came, SIZE);
    let grown = most.saturating_sub(before);
    assert!(grown < SIZE / 2, "{grown} bytes more, with the provider and the other tests");
}

/// What this process has in memory.
fn resident_bytes() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").expect("Linux tells");
    let pages: u64 = pages.split(' ').nth(1).expect("a column").parse().expect("a number");
    pages * 4096
}
