use domain::{MicroUsd, RefusedOver};
use fake_providers::{
    Cut, Download, Endpoint, Failure, KEY_RUNWAY, Name, Outcome, Scripted, contract, runway,
};
use ports::Submitted;

use super::*;
use crate::fault::class_of_status;
use crate::fixtures::{PHOTO_BYTES, Rig, billing_failures, clip, is_lost, is_not_taken};

async fn rig() -> (Rig, Runway) {
    let rig = Rig::start(Name::Runway).await;
    let version = Runway::VERSION.to_owned();
    let runway = Runway::new(rig.base(), Key::new(KEY_RUNWAY), version, rig.entry());
    (rig, runway)
}

async fn look(rig: &Rig, runway: &Runway, job: &ProviderJob) -> Look {
    runway.look(&rig.order, job).await.expect("a look")
}

#[tokio::test]
async fn a_photo_becomes_a_clip_at_the_quoted_price() {
    let (rig, runway) = rig().await;
    let quote = runway.quote(&ClipOptions::default()).expect("a quote");

    let job = rig.accepted(&runway).await;

    let charged = Some(quote.price);
    assert_eq!(look(&rig, &runway, &job).await, Look::Ready { charged });
    assert_eq!(rig.collected(&runway, &job).await, Ok(clip()));
    let orders = rig.fake.orders(Name::Runway);
    assert_eq!((orders.len(), orders[0].photo), (1, Some(PHOTO_BYTES)));
    let calls = rig.fake.calls(Name::Runway);
    let to_storage = |call: &&fake_providers::Call| {
        matches!(call.what, Endpoint::UploadTarget | Endpoint::Download)
    };
    assert!(calls.iter().filter(to_storage).all(|call| !call.had_authorization));
}

#[tokio::test]
async fn tasks_that_wait_for_others_are_under_way() {
    let (rig, runway) = rig().await;
    rig.change(|switches| (switches.concurrency, switches.outcome) = (Some(1), Outcome::Never));

    let (first, second) = (rig.accepted(&runway).await, rig.accepted(&runway).await);

    for job in [first, second] {
        assert!(matches!(look(&rig, &runway, &job).await, Look::Pending { .. }));
    }
}

#[tokio::test]
async fn every_documented_answer_to_an_order_has_its_class() {
    let (rig, runway) = rig().await;
    for documented in runway::documented().into_iter().filter(|it| it.endpoint == Endpoint::Submit)
    {
        rig.change(|switches| switches.answers = vec![documented.scripted(1)]);

        let answer = runway.submit(&rig.order).await;

        let over = |over| matches!(&answer, Ok(Submitted::Refused(it)) if it.over == over);
        let is_right = match documented.name {
            "error.400-credits" => over(RefusedOver::Credit),
            "error.400-validation" => over(RefusedOver::Input),
            "error.400-version" | "error.401" => over(RefusedOver::Key),
            "error.403" | "error.405" => over(RefusedOver::Model),
            "error.429" | "error.502" | "error.503" => {
                matches!(&answer, Ok(Submitted::Later { .. }))
            }
            "error.504" => is_lost(&answer),
            other => panic!("{other} is new"),
        };
        assert!(is_right, "{}: {answer:?}", documented.name);
    }
    assert_eq!(rig.taken(), 0);
}

#[tokio::test]
async fn every_documented_answer_to_a_look_has_its_class() {
    let (rig, runway) = rig().await;
    let job = rig.accepted(&runway).await;
    for documented in runway::documented().into_iter().filter(|it| it.endpoint == Endpoint::Look) {
        rig.change(|switches| switches.answers = vec![documented.scripted(1)]);

        let seen = runway.look(&rig.order, &job).await;

        match class_of_status(NAME, Phase::Look, documented.status) {
            Class::Gone => assert!(matches!(seen, Ok(Look::Gone)), "{seen:?}"),
            Class::Later => assert!(matches!(seen, Ok(Look::Busy { .. })), "{seen:?}"),
            _ => assert!(seen.is_err(), "{seen:?}"),
        }
    }
}

#[tokio::test]
async fn every_documented_failure_is_refused_over_something_and_costs_what_it_says() {
    let cases = [
        ("look.failed", RefusedOver::Content, 250_000),
        ("look.failed-input-image", RefusedOver::Content, 250_000),
        ("look.failed-output", RefusedOver::Content, 0),
        ("look.failed-input", RefusedOver::Input, 0),
        ("look.failed-preprocessing", RefusedOver::Input, 0),
        ("look.failed-bad-output", RefusedOver::Fault, 0),
        ("look.failed-internal", RefusedOver::Fault, 0),
        ("look.failed-no-code", RefusedOver::Fault, 0),
        ("look.cancelled", RefusedOver::Stopped, 0),
    ];
    let (rig, runway) = rig().await;
    let job = rig.accepted(&runway).await;
    for (name, over, cost) in cases {
        let body = contract(Name::Runway, name)["body"].clone();
        rig.change(|switches| switches.answers = vec![Scripted::new(Endpoint::Look, 200, body)]);

        let seen = look(&rig, &runway, &job).await;

        let Look::Failed { refusal, charged } = seen else { panic!("{name}: {seen:?}") };
        assert_eq!((refusal.over, charged), (over, MicroUsd(cost)), "{name}");
    }
}

#[tokio::test]
async fn without_a_word_on_the_cost_what_is_not_refunded_is_taken_for_paid() {
    let (rig, runway) = rig().await;
    let billing = Runway { entry: billing_failures(NAME), ..runway.clone() };
    let job = rig.accepted(&runway).await;
    let price = runway.quote(&ClipOptions::default()).expect("a quote").price;
    let charge = async |runway: &Runway, name| {
        let mut body = contract(Name::Runway, name)["body"].clone();
        body["cost"] = serde_json::Value::Null;
        rig.change(|switches| switches.answers = vec![Scripted::new(Endpoint::Look, 200, body)]);
        let seen = look(&rig, runway, &job).await;
        let Look::Failed { charged, .. } = seen else { panic!("{name}: {seen:?}") };
        charged
    };

    assert_eq!(charge(&runway, "look.failed").await, price, "moderated input");
    assert_eq!(charge(&runway, "look.cancelled").await, price);
    assert_eq!(charge(&runway, "look.failed-internal").await, MicroUsd::ZERO);
    assert_eq!(charge(&billing, "look.failed-internal").await, price);
}

#[tokio::test]
async fn a_lost_answer_is_told_from_an_order_that_never_left() {
    let (rig, runway) = rig().await;
    let cut = |to, take| Cut { to, times: 1, after_bytes: 0, take };
    rig.change(|switches| {
        switches.cuts = vec![cut(Endpoint::Submit, true), cut(Endpoint::UploadTarget, false)];
    });

    // The photo of the first order gets through no more than its order would without it.
    assert!(is_not_taken(&runway.submit(&rig.order).await));
    assert!(is_lost(&runway.submit(&rig.order).await));
    assert_eq!(rig.taken(), 1);
}

#[tokio::test]
async fn an_expired_address_is_asked_for_again() {
    let (rig, runway) = rig().await;
    let job = rig.accepted(&runway).await;
    rig.change(|switches| {
        switches.download = Download::Expired { status: 404, expire_first: Some(1) };
    });

    assert_eq!(rig.collected(&runway, &job).await, Ok(clip()));
}

#[tokio::test]
async fn work_under_way_is_called_off_and_its_cost_is_known() {
    let (rig, runway) = rig().await;
    rig.change(|switches| switches.outcome = Outcome::Never);
    let job = rig.accepted(&runway).await;

    let first = runway.call_off(&rig.order, &job).await.expect("an answer");
    let again = runway.call_off(&rig.order, &job).await.expect("an answer");

    let stopped = CallOff::Stopped { charged: Some(MicroUsd::ZERO) };
    assert_eq!((&first, &again), (&stopped, &stopped));
    assert_eq!(rig.fake.bill(Name::Runway).cancelled, 1);
}

#[tokio::test]
async fn a_clip_that_is_done_is_not_deleted() {
    let (rig, runway) = rig().await;
    let job = rig.accepted(&runway).await;

    assert_eq!(runway.call_off(&rig.order, &job).await.expect("an answer"), CallOff::TooLate);
    assert_eq!(rig.collected(&runway, &job).await, Ok(clip()));
    let unknown = ProviderJob::named("17f20503-6c24-4c16-946b-35dbbce2af2f");
    assert_eq!(runway.call_off(&rig.order, &unknown).await.expect("known"), CallOff::TooLate);
}

#[tokio::test]
async fn whether_work_stopped_is_not_made_up() {
    let (rig, runway) = rig().await;
    rig.change(|switches| {
        switches.outcome = Outcome::Never;
        switches.answers = vec![Scripted::new(Endpoint::Cancel, 503, "")];
    });
    let job = rig.accepted(&runway).await;

    assert!(runway.call_off(&rig.order, &job).await.is_err());
}

#[tokio::test]
async fn moderation_is_the_providers_own_word() {
    let (rig, runway) = rig().await;
    rig.change(|switches| switches.outcome = Outcome::failing(Failure::Moderation));
    let job = rig.accepted(&runway).await;

    let Look::Failed { refusal, .. } = look(&rig, &runway, &job).await else { panic!("failed") };

    assert_eq!(refusal.over, RefusedOver::Content);
    assert!(refusal.reason.contains("does not allow"), "{}", refusal.reason);
}
