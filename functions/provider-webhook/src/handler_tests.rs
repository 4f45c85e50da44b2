//! What becomes of posts.

use std::sync::Mutex;
use std::time::Duration;

use domain::{Attempt, JobState, Settlement, Timestamp};
use events::{Heard, LtxRequest};
use ports::{Clock, NotGenuine, Notice, ProviderPost, VerifyPost};
use testkit::{
    InMemoryJobs, InMemoryLedger, InMemoryRegisters, RecordingQueue, TestClock, samples,
};

use crate::{Answer, ProviderWebhook};

/// Believes what says so of itself: `{id} {work} {how}`.
struct Credulous(Mutex<u32>);

impl VerifyPost for Credulous {
    fn provider(&self) -> &'static str {
        "ready"
    }

    async fn verify(&self, post: &ProviderPost, _now: Timestamp) -> Result<Notice, NotGenuine> {
        *self.0.lock().expect("not poisoned") += 1;
        let text = String::from_utf8(post.body.clone()).expect("text");
        match text.split(' ').collect::<Vec<_>>()[..] {
            [id, work, "genuine"] => {
                Ok(Notice { id: id.to_owned(), provider_job: work.to_owned() })
            }
            [_, _, "keyless"] => Err(NotGenuine::NoKeys("connection refused".into())),
            _ => Err(NotGenuine::Forged),
        }
    }
}

struct World {
    webhook: ProviderWebhook<
        InMemoryJobs,
        InMemoryLedger,
        InMemoryRegisters,
        RecordingQueue,
        TestClock,
        Credulous,
    >,
}

impl World {
    fn with(state: JobState, attempt: &Attempt) -> Self {
        let webhook = ProviderWebhook {
            jobs: InMemoryJobs::default().with(&samples::job_in(state)),
            ledger: InMemoryLedger::default().with(attempt),
            registers: InMemoryRegisters::default(),
            ltx_queue: RecordingQueue::default(),
            clock: TestClock::default(),
            verifiers: vec![Credulous(Mutex::default())],
        };
        Self { webhook }
    }

    async fn hear(&self, path: &str, body: &str) -> Answer {
        let post = ProviderPost { headers: Vec::new(), body: body.into() };
        self.webhook.hear(path, &post).await
    }

    fn wishes(&self) -> Vec<LtxRequest> {
        let sent = self.webhook.ltx_queue.sent().into_iter();
        sent.map(|body| serde_json::from_str(&body).expect("a wish")).collect()
    }
}

fn submitted() -> Attempt {
    samples::attempt(samples::job().id).submitted("p-1", None).expect("legal")
}

fn path() -> String {
    format!("/webhooks/ready/{}/1", samples::job().id)
}

#[tokio::test]
async fn a_genuine_post_has_a_look_taken_once() {
    let world = World::with(JobState::Generating, &submitted());

    let answers = [
        world.hear(&path(), "d-1 p-1 genuine").await,
        world.hear(&path(), "d-1 p-1 genuine").await,
        world.hear(&path(), "d-2 p-1 genuine").await,
    ];

    assert_eq!(answers, [Answer::Accepted, Answer::Ignored, Answer::Accepted]);
    let heard = Heard { attempt: 1, provider_job: "p-1".to_owned() };
    let wish = LtxRequest::look_now(&samples::job(), Some(heard));
    assert_eq!(world.wishes(), [wish.clone(), wish]);
}

#[tokio::test]
async fn a_post_that_is_not_believed_does_nothing() {
    let world = World::with(JobState::Generating, &submitted());

    assert_eq!(world.hear(&path(), "d-1 p-1 forged").await, Answer::NotGenuine);
    assert_eq!(world.hear(&path(), "d-1 p-1 keyless").await, Answer::Unavailable);

    assert_eq!(world.wishes(), []);
}

#[tokio::test]
async fn work_that_was_not_ordered_is_not_found() {
    let world = World::with(JobState::Generating, &submitted());
    let stranger = samples::job_named("stranger").id;

    for path in [
        format!("/webhooks/ready/{stranger}/1"),
        format!("/webhooks/ready/{}/2", samples::job().id),
        format!("/webhooks/other/{}/1", samples::job().id),
        "/webhooks/ready/holiday/1".to_owned(),
        format!("{}/more", path()),
        "/".to_owned(),
    ] {
        assert_eq!(world.hear(&path, "d-1 p-1 genuine").await, Answer::NotFound, "{path}");
    }
    assert_eq!(world.hear(&path(), "d-1 p-2 genuine").await, Answer::NotFound);
    assert_eq!(world.wishes(), []);
}

#[tokio::test]
async fn an_order_whose_answer_was_lost_is_looked_into() {
    let attempt = samples::attempt(samples::job().id);
    let lost = Settlement::unknown("connection reset".to_owned());
    let unknown = attempt.settled(lost, samples::AT).expect("legal");
    let world = World::with(JobState::Generating, &unknown);

    assert_eq!(world.hear(&path(), "d-1 p-9 genuine").await, Answer::Accepted);

    let heard = world.wishes()[0].heard.clone().expect("what was heard");
    assert_eq!((heard.attempt, heard.provider_job.as_str()), (1, "p-9"));
}

#[tokio::test]
async fn nobody_waits_for_a_job_that_has_its_clip() {
    let world = World::with(JobState::LtxDone, &submitted());

    assert_eq!(world.hear(&path(), "d-1 p-1 genuine").await, Answer::Ignored);

    assert_eq!(world.wishes(), []);
}

#[tokio::test]
async fn a_post_is_forgotten_after_its_signature_is() {
    let world = World::with(JobState::Generating, &submitted());
    world.hear(&path(), "d-1 p-1 genuine").await;

    world.webhook.clock.advance(Duration::from_hours(25));

    assert!(world.webhook.clock.now() > samples::AT);
    assert_eq!(world.hear(&path(), "d-1 p-1 genuine").await, Answer::Accepted);
}
