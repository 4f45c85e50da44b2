//! The inbound half: a handler, run on each record of a batch.

use std::time::Duration;

use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use domain::{Timestamp, TraceId};
use ports::{
    Chain, Clock as _, HandleRecord, Handled, MessageSender, Metric, Source, SystemClock,
    Visibility,
};
use tracing::Instrument;
use tracing::field::Empty;

use crate::sqs_queue::TRACE_ID;

/// What happens to records that fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// After this many deliveries the queue moves a record to its dead-letter queue.
    pub max_receive_count: u32,
    /// Time until the second delivery; it doubles with every further one.
    pub first: Duration,
    /// It does not grow beyond this.
    pub longest: Duration,
}

/// Deliveries after which a record that cannot be read, or whose fault is hopeless, is moved to the
/// dead-letter queue, however many the queue itself allows for records that wait.
const HOPELESS_DELIVERIES: u32 = 3;

/// The queue that records come from, and what happens to those that fail.
#[derive(Clone, Copy, Debug)]
pub struct Inbound<'a, Q> {
    /// The queue.
    pub queue: &'a Q,
    /// Its dead-letter queue.
    pub dead_letters: &'a Q,
    /// What happens to records that fail.
    pub policy: &'a RetryPolicy,
}

impl RetryPolicy {
    /// The usual policy for a queue that gives up after `max_receive_count` deliveries: a second,
    /// then twice as long each time, up to five minutes.
    pub const fn up_to(max_receive_count: u32) -> Self {
        let (first, longest) = (Duration::from_secs(1), Duration::from_mins(5));
        Self { max_receive_count, first, longest }
    }

    /// Time until the delivery after the `received`-th.
    pub fn back_off(&self, received: u32) -> Duration {
        let doublings = received.saturating_sub(1).min(31);
        self.first.saturating_mul(1 << doublings).min(self.longest)
    }
}

/// Runs `handler` on each record and reports those that are to be delivered again.
///
/// One record does not disturb the others. A record that waits for something is hidden for as long
/// as it asks; one that failed, for the back-off of the policy, and on its last delivery the handler
/// is told to give it up. One that no delivery can help goes to the dead-letter queue, where a
/// person sees it. Needs `ReportBatchItemFailures` on the event source.
///
/// What is logged of a record has its `message.id` and, once that is known, `job.id` and `trace.id`.
pub async fn each_record<H: HandleRecord, Q: Visibility + MessageSender>(
    batch: SqsEvent,
    handler: &H,
    parse: impl Fn(&str) -> Result<H::Record, Source>,
    inbound: &Inbound<'_, Q>,
) -> SqsBatchResponse {
    let mut response = SqsBatchResponse::default();
    for message in batch.records {
        let delivery = Delivery::of(message);
        let (id, received) = (delivery.id.clone(), delivery.received);
        // At the highest level: whatever is logged of the record is to say which it is.
        let span = tracing::error_span!(
            "record", message.id = %id, receive.count = received,
            job.id = Empty, trace.id = delivery.trace.as_ref().map(TraceId::as_str),
        );
        span.in_scope(|| delivery.measure_wait());

        let verdict = delivery.run(handler, &parse, inbound.policy).instrument(span.clone()).await;

        if !delivery.settle(verdict, inbound).instrument(span).await {
            response.add_failure(id);
        }
    }
    response
}

/// What is to become of a record.
enum Verdict {
    Done,
    Again { after: Duration },
    Bury,
}

/// One record, this time.
struct Delivery {
    id: String,
    receipt: String,
    received: u32,
    sent_at: Option<Timestamp>,
    trace: Option<TraceId>,
    body: String,
}

impl Delivery {
    fn of(message: SqsMessage) -> Self {
        let received = message.attributes.get("ApproximateReceiveCount");
        let sent_ms = message.attributes.get("SentTimestamp").and_then(|at| at.parse().ok());
        let trace = message.message_attributes.get(TRACE_ID);
        let trace = trace.and_then(|trace| TraceId::parse(trace.string_value.as_deref()?));
        Self {
            trace,
            sent_at: sent_ms.map(Timestamp::from_epoch_ms),
            id: message.message_id.unwrap_or_default(),
            receipt: message.receipt_handle.unwrap_or_default(),
            received: received.and_then(|count| count.parse().ok()).unwrap_or(1),
            body: message.body.unwrap_or_default(),
        }
    }

    /// A record that comes again has waited for something else than the function.
    fn measure_wait(&self) {
        if let Some(sent_at) = self.sent_at.filter(|_| self.received == 1) {
            let waited_ms = SystemClock.now().since(sent_at).as_millis();
            Metric::RecordWait.record(u32::try_from(waited_ms).unwrap_or(u32::MAX));
        }
    }

    async fn run<H: HandleRecord>(
        &self,
        handler: &H,
        parse: &impl Fn(&str) -> Result<H::Record, Source>,
        policy: &RetryPolicy,
    ) -> Verdict {
        let record = match parse(&self.body) {
            Ok(record) => record,
            Err(fault) => {
                self.report(&Chain(fault.as_ref()).to_string());
                return self.hopeless(policy);
            }
        };
        match handler.handle(&record).await {
            Ok(Handled::Done) => Verdict::Done,
            Ok(Handled::NotYet { after }) => {
                tracing::debug!(after_ms = after.as_millis(), "record {} is not ready", self.id);
                Verdict::Again { after }
            }
            Err(fault) => {
                let cause = Chain(&fault).to_string();
                self.report(&cause);
                if H::is_hopeless(&fault) {
                    return self.hopeless(policy);
                }
                if self.received >= policy.max_receive_count {
                    self.give_up(handler, &record, &cause).await;
                }
                Verdict::Again { after: policy.back_off(self.received) }
            }
        }
    }

    fn hopeless(&self, policy: &RetryPolicy) -> Verdict {
        if self.received >= HOPELESS_DELIVERIES {
            return Verdict::Bury;
        }
        Verdict::Again { after: policy.back_off(self.received) }
    }

    /// Does what the verdict says; whether the record is done with.
    async fn settle<Q: Visibility + MessageSender>(
        &self,
        verdict: Verdict,
        inbound: &Inbound<'_, Q>,
    ) -> bool {
        match verdict {
            Verdict::Done => true,
            Verdict::Again { after } => {
                hide(inbound.queue, &self.receipt, after).await;
                false
            }
            Verdict::Bury => match inbound.dead_letters.send(&self.body, self.trace.as_ref()).await
            {
                Ok(()) => {
                    Metric::RecordsBuried.count();
                    true
                }
                Err(fault) => {
                    tracing::warn!(error = %Chain(&fault), "record {} stays in its queue", self.id);
                    false
                }
            },
        }
    }

    fn report(&self, cause: &str) {
        let (id, received) = (&*self.id, self.received);
        tracing::error!(
            message.id = id,
            receive.count = received,
            error = cause,
            "record {id} failed"
        );
        Metric::RecordsFailed.count();
    }

    async fn give_up<H: HandleRecord>(&self, handler: &H, record: &H::Record, cause: &str) {
        Metric::RecordsGivenUp.count();
        if let Err(fault) = handler.give_up(record, cause).await {
            let (id, error) = (&*self.id, Chain(&fault));
            tracing::warn!(message.id = id, %error, "record {id} is left to the sweep");
        }
    }
}

/// Without it the record comes back when the queue says so, which is not wrong, only not when asked.
async fn hide(visibility: &impl Visibility, receipt: &str, after: Duration) {
    if let Err(fault) = visibility.hide(receipt, after).await {
        tracing::warn!(error = %Chain(&fault), "a record comes back at a time of the queue's choice");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use serde_json::json;
    use testkit::{Fuse, Fused, Measurements, Moment, RecordingQueue, samples};

    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        max_receive_count: 3,
        first: Duration::from_secs(2),
        longest: Duration::from_mins(1),
    };

    #[derive(Debug, thiserror::Error)]
    #[error("media bucket")]
    struct Broken(#[source] std::io::Error);

    /// Does what a record says, and keeps what it was asked.
    #[derive(Default)]
    struct Obedient {
        handled: Mutex<Vec<String>>,
        given_up: Mutex<Vec<(String, String)>>,
    }

    impl HandleRecord for Obedient {
        type Record = String;
        type Error = Broken;

        async fn handle(&self, record: &String) -> Result<Handled, Broken> {
            self.handled.lock().expect("not poisoned").push(record.clone());
            match record.as_str() {
                "wait" => Ok(Handled::NotYet { after: Duration::from_secs(7) }),
                "break" => Err(Broken(std::io::Error::other("connection refused"))),
                "hopeless" => Err(Broken(std::io::Error::other("not a job"))),
                _ => Ok(Handled::Done),
            }
        }

        fn is_hopeless(fault: &Broken) -> bool {
            fault.0.to_string() == "not a job"
        }

        async fn give_up(&self, record: &String, cause: &str) -> Result<(), Broken> {
            let given_up = (record.clone(), cause.to_owned());
            self.given_up.lock().expect("not poisoned").push(given_up);
            Ok(())
        }
    }

    fn parse(body: &str) -> Result<String, Source> {
        if body == "garbage" { Err("not a record".into()) } else { Ok(body.to_owned()) }
    }

    /// Bodies and how often each was received, as Lambda passes them.
    fn batch(records: &[(&str, u32)]) -> SqsEvent {
        let record = |(at, (body, count)): (usize, &(&str, u32))| {
            json!({"messageId": format!("m{at}"), "receiptHandle": format!("r{at}"), "body": body,
                "attributes": {"ApproximateReceiveCount": count.to_string()}})
        };
        let records: Vec<_> = records.iter().enumerate().map(record).collect();
        serde_json::from_value(json!({ "Records": records })).expect("a batch")
    }

    async fn run(
        handler: &Obedient,
        queue: &RecordingQueue,
        records: &[(&str, u32)],
    ) -> Vec<String> {
        run_above(handler, queue, &RecordingQueue::default(), records).await
    }

    async fn run_above(
        handler: &Obedient,
        queue: &RecordingQueue,
        dead_letters: &RecordingQueue,
        records: &[(&str, u32)],
    ) -> Vec<String> {
        let inbound = Inbound { queue, dead_letters, policy: &POLICY };
        let response = each_record(batch(records), handler, parse, &inbound).await;
        response.batch_item_failures.into_iter().map(|failure| failure.item_identifier).collect()
    }

    fn secs(receipt: &str, secs: u64) -> (String, Duration) {
        (receipt.to_owned(), Duration::from_secs(secs))
    }

    #[tokio::test]
    async fn one_record_does_not_disturb_the_others() {
        let (handler, queue) = (Obedient::default(), RecordingQueue::default());

        let failed =
            run(&handler, &queue, &[("a", 1), ("garbage", 1), ("break", 1), ("wait", 1), ("b", 1)])
                .await;

        assert_eq!(failed, ["m1", "m2", "m3"]);
        assert_eq!(*handler.handled.lock().expect("not poisoned"), ["a", "break", "wait", "b"]);
        assert_eq!(queue.hidden(), [secs("r1", 2), secs("r2", 2), secs("r3", 7)]);
    }

    #[tokio::test]
    async fn on_its_last_delivery_a_broken_record_is_given_up_and_a_waiting_one_is_not() {
        let (handler, queue) = (Obedient::default(), RecordingQueue::default());

        let failed = run(&handler, &queue, &[("break", 2), ("break", 3), ("wait", 90)]).await;

        assert_eq!(failed, ["m0", "m1", "m2"]);
        let expected = ("break".to_owned(), "media bucket: connection refused".to_owned());
        assert_eq!(*handler.given_up.lock().expect("not poisoned"), [expected]);
        assert_eq!(queue.hidden(), [secs("r0", 4), secs("r1", 8), secs("r2", 7)]);
    }

    #[tokio::test]
    async fn what_no_delivery_can_help_is_buried_on_the_third() {
        let (handler, queue) = (Obedient::default(), RecordingQueue::default());
        let dead_letters = RecordingQueue::default();
        let records = [("hopeless", 2), ("garbage", 2), ("hopeless", 3), ("garbage", 3)];

        let failed = run_above(&handler, &queue, &dead_letters, &records).await;

        assert_eq!(failed, ["m0", "m1"]);
        assert_eq!(queue.hidden(), [secs("r0", 4), secs("r1", 4)]);
        assert_eq!(dead_letters.sent(), ["hopeless", "garbage"]);
        assert!(handler.given_up.lock().expect("not poisoned").is_empty());
    }

    #[tokio::test]
    async fn a_record_that_cannot_be_buried_stays_in_its_queue() {
        let (handler, queue) = (Obedient::default(), RecordingQueue::default());
        let dead = Fuse::new(1, Moment::Before);
        let (queue, dead_letters) =
            (Fused::new(queue, &Fuse::never()), Fused::new(RecordingQueue::default(), &dead));
        let inbound = Inbound { queue: &queue, dead_letters: &dead_letters, policy: &POLICY };

        let response = each_record(batch(&[("garbage", 3)]), &handler, parse, &inbound).await;

        assert_eq!(response.batch_item_failures[0].item_identifier, "m0");
    }

    #[tokio::test]
    async fn faults_are_measured_and_so_is_what_follows_from_them() {
        let (handler, queue) = (Obedient::default(), RecordingQueue::default());
        let records = [("a", 1), ("wait", 2), ("break", 2), ("break", 3), ("garbage", 3)];
        let measured = Measurements::listen();

        run(&handler, &queue, &records).await;

        let counts = [Metric::RecordsFailed, Metric::RecordsGivenUp, Metric::RecordsBuried];
        assert_eq!(counts.map(|metric| measured.of(metric).len()), [3, 1, 1]);
    }

    #[tokio::test]
    async fn what_could_not_be_buried_is_not_counted_as_buried() {
        let (handler, queue) = (Obedient::default(), RecordingQueue::default());
        let dead = Fuse::new(1, Moment::Before);
        let queue = Fused::new(queue, &Fuse::never());
        let dead_letters = Fused::new(RecordingQueue::default(), &dead);
        let inbound = Inbound { queue: &queue, dead_letters: &dead_letters, policy: &POLICY };
        let measured = Measurements::listen();

        each_record(batch(&[("garbage", 3)]), &handler, parse, &inbound).await;

        assert_eq!(measured.of(Metric::RecordsBuried), Vec::<f64>::new());
    }

    /// A record that was sent five seconds ago, received for the `count`-th time.
    fn sent_before(count: u32) -> SqsEvent {
        let sent_ms = SystemClock.now().epoch_ms() - 5_000;
        serde_json::from_value(json!({ "Records": [{
            "messageId": "m", "receiptHandle": "r", "body": "a",
            "attributes": {
                "ApproximateReceiveCount": count.to_string(),
                "SentTimestamp": sent_ms.to_string(),
            },
        }]}))
        .expect("a batch")
    }

    #[tokio::test]
    async fn how_long_a_record_has_waited_is_measured_at_its_first_delivery() {
        let (handler, queue) = (Obedient::default(), RecordingQueue::default());
        let inbound = Inbound { queue: &queue, dead_letters: &queue, policy: &POLICY };
        let measured = Measurements::listen();

        for count in 1..=3 {
            each_record(sent_before(count), &handler, parse, &inbound).await;
        }

        let [waited_ms] = measured.of(Metric::RecordWait)[..] else { panic!("one measurement") };
        assert!((5_000.0..60_000.0).contains(&waited_ms), "{waited_ms}");
    }

    #[tokio::test]
    async fn the_trace_of_a_record_that_is_buried_goes_with_it() {
        let (handler, queue) = (Obedient::default(), RecordingQueue::default());
        let dead_letters = RecordingQueue::default();
        let inbound = Inbound { queue: &queue, dead_letters: &dead_letters, policy: &POLICY };
        let trace = samples::job().trace_id;
        let record = |trace: &str| {
            json!({"messageId": "m", "receiptHandle": "r", "body": "garbage",
                "attributes": {"ApproximateReceiveCount": "3"}, "messageAttributes": {
                    "traceId": {"stringValue": trace, "stringListValues": [],
                        "binaryListValues": [], "dataType": "String"}}})
        };
        let records = json!({ "Records": [record(trace.as_str()), record("not a trace")] });
        let batch = serde_json::from_value(records).expect("a batch");

        each_record(batch, &handler, parse, &inbound).await;

        let garbage = || "garbage".to_owned();
        assert_eq!(dead_letters.messages(), [(garbage(), Some(trace)), (garbage(), None)]);
    }

    #[test]
    fn the_back_off_doubles_up_to_its_limit() {
        let secs = |received| POLICY.back_off(received).as_secs();

        assert_eq!([0, 1, 2, 5, 6, 1000].map(secs), [2, 2, 4, 32, 60, 60]);
    }

    #[test]
    fn a_batch_can_be_run_on_any_thread() {
        fn any_thread(_: impl Send) {}
        let (handler, queue) = (Obedient::default(), RecordingQueue::default());

        let inbound = Inbound { queue: &queue, dead_letters: &queue, policy: &POLICY };

        any_thread(each_record(batch(&[]), &handler, parse, &inbound));
    }
}
