use fake_providers::{
    Cut, Download, Endpoint, Failure, Fake, Name, Outcome, OutputShape, Scripted,
};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::registry::Registry;
use crate::webhook::ReplicateVerifier;
use crate::webhook::receiver::Receiver;
use crate::{fixtures, in_words};

const CLIP: &[u8] = b"a clip, as far as anybody asks";
const PHOTO: &[u8] = b"a photo, as far as anybody asks";

struct Scene {
    fake: Fake,
    replicate: Replicate,
    order: ClipOrder,
    _folder: TempDir,
}

async fn scene() -> Scene {
    of(&Registry::built_in(), None).await
}

async fn of(registry: &Registry, webhook_base: Option<Base>) -> Scene {
    with(registry.entry(NAME).expect("an entry"), webhook_base).await
}

async fn with(entry: Arc<ProviderEntry>, webhook_base: Option<Base>) -> Scene {
    let fake = Fake::start(CLIP.to_vec()).await.expect("a port");
    let base = Base::parse(&fake.base(Name::Replicate)).expect("a root");
    let folder = tempfile::tempdir().expect("a folder");
    let photo = folder.path().join("photo.jpg");
    std::fs::write(&photo, PHOTO).expect("written");
    let order = ClipOrder { photo, ..fixtures::order(&entry) };
    let key = Key::new(Name::Replicate.key());
    let replicate = Replicate::new(base, key, webhook_base, entry);
    Scene { fake, replicate, order, _folder: folder }
}

impl Scene {
    async fn accepted(&self) -> ProviderJob {
        in_words::accepted(&self.replicate, &self.order).await
    }

    async fn submitted(&self) -> String {
        in_words::submitted(&self.replicate.submit(&self.order).await)
    }

    async fn looked(&self, job: &ProviderJob) -> String {
        in_words::looked(&self.replicate.look(&self.order, job).await)
    }

    async fn called_off(&self, job: &ProviderJob) -> String {
        in_words::called_off(&self.replicate.call_off(&self.order, job).await)
    }

    async fn collected(&self, job: &ProviderJob) -> Vec<u8> {
        in_words::collected(&self.replicate, &self.order, job).await
    }

    fn answers(&self, scripted: Scripted) {
        self.fake.change(Name::Replicate, |switches| switches.answers = vec![scripted]);
    }

    fn outcome(&self, outcome: Outcome) {
        self.fake.change(Name::Replicate, |switches| switches.outcome = outcome);
    }
}

#[tokio::test]
async fn a_photo_becomes_a_clip() {
    let scene = scene().await;
    scene.fake.change(Name::Replicate, |switches| switches.latency_ms = 60);

    let job = scene.accepted().await;
    let early = scene.replicate.look(&scene.order, &job).await.expect("an answer");
    tokio::time::sleep(Duration::from_millis(80)).await;

    assert!(matches!(early, Look::Pending { after } if (5..8).contains(&after.as_secs())));
    assert_eq!(scene.looked(&job).await, "ready");
    assert_eq!(scene.collected(&job).await, CLIP);
    let order = &scene.fake.orders(Name::Replicate)[0];
    assert_eq!((order.photo, &order.user_webhook), (Some(PHOTO.len()), &None));
    let mut input = order.body["input"].clone();
    assert!(input["input_image"].take().as_str().is_some_and(|url| url.contains("/files/")));
    assert_eq!(
        input,
        json!({"input_image": null, "video_length": "25_frames_with_svd_xt",
            "sizing_strategy": "crop_to_16_9", "frames_per_second": 6, "motion_bucket_id": 127,
            "cond_aug": 0.02, "decoding_t": 14})
    );
    let calls = scene.fake.calls(Name::Replicate);
    let shown = |call: &fake_providers::Call| call.had_authorization;
    assert!(calls.iter().all(|call| shown(call) == (call.what != Endpoint::Download)));
}

#[tokio::test]
async fn a_photo_that_is_somewhere_is_not_uploaded() {
    let mut scene = scene().await;
    scene.order.photo_url = Some("https://img.example.com/a.jpg".to_owned());

    scene.accepted().await;

    let calls = scene.fake.calls(Name::Replicate);
    assert_eq!(calls.iter().map(|call| call.what).collect::<Vec<_>>(), [Endpoint::Submit]);
}

#[tokio::test]
async fn an_official_model_is_called_by_its_name() {
    let text = include_str!("../../registry.toml").replace(
        "version = \"3f0457e4619daac51203dedb472816fd4af51f3149fa7a9e0b5ffcf1b8172438\"",
        "endpoint = \"example/mover\"",
    );
    let scene = of(&Registry::parse(&text).expect("a registry"), None).await;

    scene.accepted().await;

    assert_eq!(scene.fake.orders(Name::Replicate)[0].model, "example/mover");
}

#[tokio::test]
async fn the_clip_is_found_in_whatever_shape() {
    let scene = scene().await;
    let job = scene.accepted().await;

    for shape in [OutputShape::Url, OutputShape::List, OutputShape::Object] {
        scene.fake.change(Name::Replicate, |switches| switches.output = shape);
        assert_eq!(scene.collected(&job).await, CLIP, "{shape:?}");
    }
}

#[tokio::test]
async fn every_documented_no_is_understood() {
    let mut scene = scene().await;
    scene.order.photo_url = Some("https://img.example.com/a.jpg".to_owned());
    let job = scene.accepted().await;
    let mut answers = Vec::new();

    for no in fake_providers::replicate::documented() {
        scene.answers(no.scripted(1));
        let answer = match no.endpoint {
            Endpoint::Submit => scene.submitted().await,
            Endpoint::Look => scene.looked(&job).await,
            Endpoint::Cancel => scene.called_off(&job).await,
            _ => continue,
        };
        answers.push(format!("{:?} {}: {answer}", no.endpoint, no.name));
    }

    answers.sort();
    assert_eq!(
        answers,
        [
            "Cancel error.401: fault",
            "Cancel error.404: too late",
            "Cancel error.500: fault",
            "Cancel error.502: fault",
            "Cancel error.503: fault",
            "Look error.401: fault",
            "Look error.404: gone",
            "Look error.429: busy for 30 s",
            "Look error.500: busy",
            "Look error.502: busy",
            "Look error.503: busy",
            "Submit error.401: refused over key",
            "Submit error.402: refused over credit",
            "Submit error.422-input: refused over input",
            "Submit error.422-version: refused over model",
            "Submit error.429: in 30 s",
            "Submit error.500: lost",
            "Submit error.502: lost",
            "Submit error.503: lost",
        ]
    );
}

#[tokio::test]
async fn the_pause_may_be_told_in_the_body_alone() {
    let mut scene = scene().await;
    scene.order.photo_url = Some("https://img.example.com/a.jpg".to_owned());
    let throttled = |secs| json!({"detail": "Request was throttled.", "retry_after": secs});
    scene.answers(Scripted::new(Endpoint::Submit, 429, throttled(77)));
    assert_eq!(scene.submitted().await, "in 77 s");

    scene.answers(Scripted::new(Endpoint::Submit, 429, throttled(0)));
    let at_once = scene.replicate.submit(&scene.order).await.expect("an answer");
    let job = scene.accepted().await;
    scene.answers(Scripted::new(Endpoint::Look, 429, throttled(0)));
    let look = scene.replicate.look(&scene.order, &job).await.expect("an answer");

    let second = Duration::from_secs(1);
    assert!(matches!(at_once, Submitted::Later { after, .. } if after == second), "{at_once:?}");
    assert_eq!(look, Look::Busy { after: second });
}

#[tokio::test]
async fn failures_are_billed_where_the_registry_says_so_and_what_did_not_begin_never() {
    let scene = with(fixtures::billing_failures(NAME), None).await;
    let mut ends = Vec::new();

    for outcome in [Outcome::failing(Failure::Internal), Outcome::Aborted] {
        scene.outcome(outcome);
        ends.push(scene.looked(&scene.accepted().await).await);
    }

    assert_eq!(ends, ["failed over fault, $0.20", "failed over fault, $0.00"]);
}

#[tokio::test]
async fn a_photo_that_did_not_get_there_means_that_nothing_was_ordered() {
    let scene = scene().await;
    let mut answers = Vec::new();

    for (status, body) in [(401, "{}"), (429, "{}"), (500, "{}"), (201, "{}"), (201, "<html>")] {
        scene.answers(Scripted::new(Endpoint::Upload, status, body));
        answers.push(scene.submitted().await);
    }

    assert_eq!(answers, ["refused over key", "later", "later", "not taken", "not taken"]);
    assert!(scene.fake.orders(Name::Replicate).is_empty());
}

#[tokio::test]
async fn a_lost_answer_is_told_from_an_order_that_never_left() {
    let mut scene = scene().await;
    scene.order.photo_url = Some("https://img.example.com/a.jpg".to_owned());
    let cut = Cut { to: Endpoint::Submit, times: 1, after_bytes: 0, take: true };
    scene.fake.change(Name::Replicate, |switches| switches.cuts = vec![cut]);

    let lost = scene.submitted().await;
    scene.answers(Scripted::new(Endpoint::Submit, 201, "{\"id\":").taking());
    let garbled = scene.submitted().await;
    assert_eq!(scene.fake.orders(Name::Replicate).len(), 2);
    scene.fake.stop().await;
    let unsent = in_words::submitted(&scene.replicate.submit(&scene.order).await);

    assert_eq!([lost, garbled, unsent], ["lost", "lost", "not taken"]);
}

#[tokio::test]
async fn work_that_ends_without_a_clip_says_why() {
    let scene = scene().await;
    let mut ends = Vec::new();

    for kind in [Failure::Moderation, Failure::Input, Failure::Internal] {
        scene.outcome(Outcome::failing(kind));
        ends.push(scene.looked(&scene.accepted().await).await);
    }
    scene.outcome(Outcome::Aborted);
    ends.push(scene.looked(&scene.accepted().await).await);

    assert_eq!(
        ends,
        [
            "failed over content, $0.00",
            "failed over input, $0.00",
            "failed over fault, $0.00",
            "failed over fault, $0.00"
        ]
    );
}

#[tokio::test]
async fn what_was_deleted_is_gone() {
    let scene = scene().await;
    let job = scene.accepted().await;
    let expired = Download::Expired { status: 404, expire_first: None };
    scene.fake.change(Name::Replicate, |switches| switches.download = expired);

    let collected = scene.replicate.collect(&scene.order, &job, Path::new("unused")).await;

    assert!(collected.is_err());
    assert_eq!(scene.looked(&job).await, "gone");
    assert_eq!(scene.looked(&ProviderJob::named("never/heard?of")).await, "gone");
}

#[tokio::test]
async fn an_address_that_has_expired_is_asked_for_again() {
    let scene = scene().await;
    let job = scene.accepted().await;
    let expired = Download::Expired { status: 403, expire_first: Some(1) };
    scene.fake.change(Name::Replicate, |switches| switches.download = expired);

    assert_eq!(scene.collected(&job).await, CLIP);
}

#[tokio::test]
async fn work_is_called_off_while_it_goes_on() {
    let scene = scene().await;
    let ended = scene.accepted().await;
    scene.outcome(Outcome::Never);
    scene.fake.change(Name::Replicate, |switches| switches.latency_ms = 0);
    let going_on = scene.accepted().await;

    assert_eq!(scene.looked(&going_on).await, "pending");
    assert_eq!(scene.called_off(&going_on).await, "stopped");
    assert_eq!(scene.called_off(&ended).await, "too late");
    assert_eq!(scene.called_off(&ProviderJob::named("unknown")).await, "too late");
    assert_eq!(scene.looked(&going_on).await, "failed over stopped, $0.20");
}

#[tokio::test]
async fn the_webhook_is_sent_where_it_was_asked_for_and_is_believed() {
    let receiver = Receiver::start().await;
    let scene = of(&Registry::built_in(), Some(receiver.base.clone())).await;

    let job = scene.accepted().await;
    let posted = receiver.next().await;

    assert_eq!(posted.path, format!("/webhooks/replicate/{}/1", scene.order.job));
    let secret = scene.replicate.webhook_secret().await.expect("a secret");
    let verifier = ReplicateVerifier::new(&[secret]).expect("a secret");
    let notice = verifier.verify(&posted.headers, &posted.body, posted.at).expect("believed");
    assert_eq!(notice.provider_job, job.id);
}

#[tokio::test]
async fn what_cannot_be_ordered_is_refused_before_anything_is_sent() {
    let mut scene = scene().await;
    scene.order.spec.model = "unheard-of".to_owned();
    let unknown = scene.submitted().await;
    scene.order = fixtures::order(&Registry::built_in().entry(NAME).expect("an entry"));
    let without_photo = scene.submitted().await;

    assert_eq!([unknown, without_photo], ["refused over model", "not taken"]);
    assert!(scene.fake.calls(Name::Replicate).is_empty());
    assert!(!scene.replicate.resubmits_safely());
}

#[tokio::test]
async fn an_order_has_a_deadline() {
    let (receiver, mut scene) = (Receiver::start().await, scene().await);
    scene.order.photo_url = Some("https://img.example.com/a.jpg".to_owned());
    let Scene { replicate, order, .. } = &scene;
    let replicate =
        Replicate { http: receiver.http(), base: receiver.base.clone(), ..replicate.clone() };

    let (_, posted) = tokio::join!(replicate.submit(order), receiver.next());

    assert_eq!(posted.header("cancel-after"), Some("1800s"));
    assert_eq!(posted.path, "/predictions");
}
