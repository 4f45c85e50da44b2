use futures::TryStreamExt;
use ports::ClipDelivery;

use super::*;
use crate::samples;

const FIVE_SECS: Duration = Duration::from_secs(5);

async fn accepted(provider: &ReadyClip, order: &ClipOrder) -> ProviderJob {
    match provider.submit(order).await {
        Ok(Submitted::Accepted(job)) => job,
        other => panic!("accepted: {other:?}"),
    }
}

async fn read(delivery: ClipDelivery) -> Option<Vec<u8>> {
    let parts: Vec<_> = delivery.bytes.try_collect().await.ok()?;
    Some(parts.concat())
}

#[tokio::test]
async fn where_resubmitting_is_safe_an_attempt_is_charged_once() {
    let order = samples::clip_order();
    let safe = ReadyClip::new(b"clip").safe_to_resubmit().losing_answers(1, Loss::AfterTaking);
    let unsafe_ = ReadyClip::new(b"clip").losing_answers(1, Loss::AfterTaking);

    for provider in [&safe, &unsafe_] {
        assert!(matches!(provider.submit(&order).await, Err(SubmitError::Lost(_))));
        assert!(matches!(provider.submit(&order).await, Ok(Submitted::Accepted(_))));
    }

    assert_eq!((safe.billed(order.job), unsafe_.billed(order.job)), (1, 2));
}

#[tokio::test]
async fn a_clip_is_collected_once_it_is_ready() {
    let work = tempfile::tempdir().expect("a folder");
    let to = work.path().join("clip.mp4");
    let order = samples::clip_order();
    let provider = ReadyClip::new(b"clip").pending_for(1, FIVE_SECS).failing_to_collect(1);

    let job = accepted(&provider, &order).await;
    let looks = [provider.look(&order, &job).await.ok(), provider.look(&order, &job).await.ok()];
    let pending = Look::Pending { after: FIVE_SECS };
    assert_eq!(looks, [Some(pending), Some(Look::Ready { charged: None })]);
    assert!(provider.collect(&order, &job, &to).await.is_err());
    let collected = provider.collect(&order, &job, &to).await.expect("collected");

    assert!(matches!(collected, Collected::Filmed));
    assert_eq!(std::fs::read(&to).expect("a file"), b"clip");
}

#[tokio::test]
async fn a_provider_that_cannot_say_has_not_been_looked_at() {
    let order = samples::clip_order();
    let provider = ReadyClip::new(b"clip")
        .polled_every(FIVE_SECS)
        .unable_to_say(1, Duration::from_secs(7))
        .pending_for(1, FIVE_SECS);
    let job = accepted(&provider, &order).await;

    let mut looks = Vec::new();
    for _ in 0..3 {
        looks.push(provider.look(&order, &job).await.expect("a look"));
    }

    let busy = Look::Busy { after: Duration::from_secs(7) };
    let pending = Look::Pending { after: FIVE_SECS };
    assert_eq!(looks, [busy, pending, Look::Ready { charged: None }]);
    assert_eq!(provider.poll_every(), FIVE_SECS);
}

#[tokio::test]
async fn a_clip_that_is_streamed_breaks_halfway_or_arrives() {
    let (order, to) = (samples::clip_order(), Path::new("nowhere/clip.mp4"));
    let provider = ReadyClip::new(b"clip").streaming().failing_to_collect(1);
    let job = accepted(&provider, &order).await;
    let mut arrived = Vec::new();

    for _ in 0..2 {
        let Ok(Collected::Delivery(delivery)) = provider.collect(&order, &job, to).await else {
            panic!("a stream")
        };
        arrived.push(read(delivery).await);
    }

    assert_eq!(arrived, [None, Some(b"clip".to_vec())]);
}

#[tokio::test]
async fn a_clip_that_came_with_the_answer_cannot_be_looked_at() {
    let order = samples::clip_order();
    let provider = ReadyClip::new(b"clip").delivering_at_once();

    let Ok(Submitted::Delivered(job, delivery)) = provider.submit(&order).await else {
        panic!("delivered")
    };

    assert_eq!(read(delivery).await.as_deref(), Some(&b"clip"[..]));
    assert_eq!(provider.look(&order, &job).await.ok(), Some(Look::Gone));
    assert!(provider.collect(&order, &job, Path::new("clip.mp4")).await.is_err());
    assert_eq!((provider.billed(order.job), provider.most_at_once()), (1, 1));
}

#[tokio::test]
async fn work_that_was_not_ordered_is_not_known() {
    let (order, provider) = (samples::clip_order(), ReadyClip::new(b"clip").linking());
    let (other, named) = (ProviderJob::named("ready-7"), ProviderJob::named("ready-1"));
    let job = accepted(&provider, &order).await;

    let looked = [&other, &named].map(async |job| provider.look(&order, job).await.ok());
    let looked = futures::future::join_all(looked).await;

    assert_eq!(looked, [Some(Look::Gone), Some(Look::Gone)], "without its links");
    assert_ne!(provider.look(&order, &job).await.ok(), Some(Look::Gone));
}

#[tokio::test]
async fn orders_are_under_way_until_they_are_seen_to_have_ended() {
    let order = samples::clip_order();
    let stopped = CallOff::Stopped { charged: Some(MicroUsd(1)) };
    let provider = ReadyClip::new(b"clip").cancellable(stopped.clone());

    let first = accepted(&provider, &order).await;
    let second = accepted(&provider, &order).await;
    provider.look(&order, &first).await.expect("ready");
    assert_eq!(provider.call_off(&order, &second).await.ok(), Some(stopped));
    accepted(&provider, &order).await;

    assert_eq!((provider.most_at_once(), provider.billed_in_all()), (2, 3));
    assert_eq!(provider.called_off(), ["ready-2"]);
    assert_eq!(provider.look(&order, &second).await.ok(), Some(Look::Gone));
}

#[test]
fn a_quote_is_what_is_wanted_and_else_the_usual() {
    let wanted = ClipOptions { model: Some("ready-2".to_owned()), ..ClipOptions::default() };

    let quote = ReadyClip::new("").quoting(MicroUsd(5)).quote(&wanted).expect("on offer");
    let retired = ReadyClip::new("").retired("ready-1 is gone").quote(&wanted);

    assert_eq!((quote.spec.model.as_str(), quote.spec.duration_secs), ("ready-2", 6));
    assert_eq!(quote.price, MicroUsd(5));
    assert_eq!(retired.map_err(|refusal| refusal.over), Err(RefusedOver::Model));
}
