use fake_providers::{Cut, Download, Endpoint, Failure, Fake, Name, Outcome, Scripted};
use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::registry::Registry;
use crate::webhook::receiver::Receiver;
use crate::{fixtures, in_words};
use ports::NotGenuine;

const CLIP: &[u8] = b"a clip, as far as anybody asks";
const PHOTO: &[u8] = b"a photo, as far as anybody asks";

struct Scene {
    fake: Fake,
    fal: Fal,
    order: ClipOrder,
    _folder: TempDir,
}

/// The photo is somewhere already.
async fn scene() -> Scene {
    let mut scene = of(None).await;
    scene.order.photo_url = Some("https://img.example.com/a.jpg".to_owned());
    scene
}

async fn of(webhook_base: Option<Base>) -> Scene {
    with(Registry::built_in().entry(NAME).expect("an entry"), webhook_base).await
}

async fn with(entry: Arc<ProviderEntry>, webhook_base: Option<Base>) -> Scene {
    let fake = Fake::start(CLIP.to_vec()).await.expect("a port");
    let root = |text: &str| Base::parse(text).expect("a root");
    let folder = tempfile::tempdir().expect("a folder");
    let photo = folder.path().join("photo.jpg");
    std::fs::write(&photo, PHOTO).expect("written");
    let order = ClipOrder { photo, ..fixtures::order(&entry) };
    let (queue, rest) = (root(&fake.base(Name::Fal)), root(&fake.rest_base()));
    let fal = Fal::new(queue, rest, Key::new(Name::Fal.key()), webhook_base, entry);
    Scene { fake, fal, order, _folder: folder }
}

impl Scene {
    async fn accepted(&self) -> ProviderJob {
        in_words::accepted(&self.fal, &self.order).await
    }

    async fn submitted(&self) -> String {
        in_words::submitted(&self.fal.submit(&self.order).await)
    }

    async fn looked(&self, job: &ProviderJob) -> String {
        in_words::looked(&self.fal.look(&self.order, job).await)
    }

    async fn called_off(&self, job: &ProviderJob) -> String {
        in_words::called_off(&self.fal.call_off(&self.order, job).await)
    }

    async fn collected(&self, job: &ProviderJob) -> Vec<u8> {
        in_words::collected(&self.fal, &self.order, job).await
    }

    fn answers(&self, scripted: Scripted) {
        self.fake.change(Name::Fal, |switches| switches.answers = vec![scripted]);
    }

    /// Orders take so long from now on.
    fn lasting(&self, latency_ms: u64) {
        self.fake.change(Name::Fal, |switches| switches.latency_ms = latency_ms);
    }
}

#[tokio::test]
async fn a_photo_becomes_a_clip() {
    let scene = of(None).await;
    scene.lasting(60);

    let job = scene.accepted().await;
    let early = scene.fal.look(&scene.order, &job).await.expect("an answer");
    tokio::time::sleep(Duration::from_millis(80)).await;

    assert!(matches!(early, Look::Pending { after } if (5..8).contains(&after.as_secs())));
    assert_eq!(scene.looked(&job).await, "ready");
    assert_eq!(scene.collected(&job).await, CLIP);
    let order = &scene.fake.orders(Name::Fal)[0];
    assert_eq!((order.photo, &order.user_webhook), (Some(PHOTO.len()), &None));
    let mut input = order.body.clone();
    assert!(input["image_url"].take().as_str().is_some_and(|url| url.ends_with("/photo.jpg")));
    let prompt = &scene.order.prompt;
    assert_eq!(
        input,
        json!({"image_url": null, "prompt": prompt, "resolution": "720p", "duration": "5"})
    );
    let calls = scene.fake.calls(Name::Fal);
    let is_open = |what| matches!(what, Endpoint::Download | Endpoint::UploadTarget);
    assert!(calls.iter().all(|call| call.had_authorization != is_open(call.what)));
}

#[tokio::test]
async fn every_model_of_the_registry_is_taken() {
    let mut scene = scene().await;
    let entry = Registry::built_in().entry(NAME).expect("an entry");
    let sizes = [None, domain::Resolution::parse("1080x1920").ok()];

    for (model, resolution) in entry.models.iter().flat_map(|model| sizes.map(|size| (model, size)))
    {
        let model = Some(model.name.clone());
        let wanted = ClipOptions { model, resolution, ..ClipOptions::default() };
        let Ok(quote) = entry.quote(&wanted) else { continue };
        scene.order.spec = quote.spec;
        let job = scene.accepted().await;
        assert_eq!(scene.looked(&job).await, "ready", "{wanted:?}");
    }

    let orders = scene.fake.orders(Name::Fal);
    assert_eq!(orders.len(), 7);
    assert_eq!(orders[3].body["aspect_ratio"], "9:16");
}

#[tokio::test]
async fn every_documented_no_is_understood() {
    let scene = scene().await;
    let job = scene.accepted().await;
    let mut answers = Vec::new();

    for no in fake_providers::fal::documented() {
        scene.answers(no.scripted(1));
        let answer = match no.endpoint {
            Endpoint::Submit => scene.submitted().await,
            Endpoint::Look | Endpoint::Result => scene.looked(&job).await,
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
            "Cancel error.500-internal-error: fault",
            "Look error.401: fault",
            "Look error.404: gone",
            "Look error.429: busy",
            "Look error.500-internal-error: busy",
            "Result error.400-bad-request: failed over input, $0.00",
            "Result error.401: fault",
            "Result error.404: gone",
            "Result error.422-image: failed over input, $0.00",
            "Result error.422-input: failed over input, $0.00",
            "Result error.422-moderation: failed over content, $0.00",
            "Result error.422-retryable: failed over fault, $0.00",
            "Result error.429: busy",
            "Result error.499-client-cancelled: failed over stopped, $0.00",
            "Result error.499-client-disconnected: failed over stopped, $0.00",
            "Result error.500-internal-error: busy",
            "Result error.500-runner-server-error: failed over fault, $0.00",
            "Result error.502-runner-incomplete-response: failed over fault, $0.00",
            "Result error.503-runner-connection-error: failed over fault, $0.00",
            "Result error.503-runner-connection-refused: failed over fault, $0.00",
            "Result error.503-runner-connection-timeout: failed over fault, $0.00",
            "Result error.503-runner-disconnected: failed over fault, $0.00",
            "Result error.503-runner-scheduling-failure: failed over fault, $0.00",
            "Result error.504-request-timeout: failed over fault, $0.00",
            "Result error.504-startup-timeout: failed over fault, $0.00",
            "Result error.504-user-timeout: failed over fault, $0.00",
            "Submit error.400-bad-request: refused over input",
            "Submit error.401: refused over key",
            "Submit error.403-balance: refused over credit",
            "Submit error.403: refused over key",
            "Submit error.422-input: refused over input",
            "Submit error.429: later",
            "Submit error.500-internal-error: later",
            "Submit error.503-runner-scheduling-failure: later",
            "Submit error.504-request-timeout: later",
        ]
    );
}

#[tokio::test]
async fn a_failure_that_shows_on_the_result_only_is_seen() {
    let scene = scene().await;
    let mut ends = Vec::new();

    for kind in [Failure::Moderation, Failure::Input, Failure::Internal] {
        scene.fake.change(Name::Fal, |switches| switches.outcome = Outcome::failing(kind));
        let job = scene.accepted().await;
        ends.push(scene.looked(&job).await);
        assert!(scene.fal.collect(&scene.order, &job, Path::new("unused")).await.is_err());
    }
    let job = ProviderJob::named("unheard-of");
    ends.push(scene.looked(&job).await);
    scene.fake.change(Name::Fal, |switches| switches.outcome = Outcome::Succeed);
    let job = scene.accepted().await;
    scene.answers(Scripted::new(Endpoint::Result, 200, json!({"image": {"url": "https://a/b"}})));
    ends.push(scene.looked(&job).await);

    assert_eq!(
        ends,
        [
            "failed over content, $0.00",
            "failed over input, $0.00",
            "failed over fault, $0.00",
            "gone",
            "failed over fault, $0.20",
        ]
    );
}

#[tokio::test]
async fn failures_are_billed_where_the_registry_says_so_and_those_of_fal_itself_never() {
    let mut scene = with(fixtures::billing_failures(NAME), None).await;
    scene.order.photo_url = Some("https://img.example.com/a.jpg".to_owned());
    let job = scene.accepted().await;
    let mut ends = Vec::new();

    for (status, body) in [
        (422, json!({"detail": [{"type": "missing", "msg": "no"}]})),
        (499, json!({"detail": "The request was cancelled."})),
        (503, json!({"detail": "no", "error_type": "runner_disconnected"})),
    ] {
        scene.answers(Scripted::new(Endpoint::Result, status, body));
        ends.push(scene.looked(&job).await);
    }

    assert_eq!(
        ends,
        ["failed over input, $0.20", "failed over stopped, $0.20", "failed over fault, $0.00"]
    );
}

#[tokio::test]
async fn a_photo_that_did_not_get_there_means_that_nothing_was_ordered() {
    let scene = of(None).await;
    let mut answers = Vec::new();

    for (to, status) in [
        (Endpoint::Upload, 401),
        (Endpoint::Upload, 403),
        (Endpoint::Upload, 500),
        (Endpoint::Upload, 200),
        (Endpoint::UploadTarget, 413),
        (Endpoint::UploadTarget, 403),
    ] {
        scene.answers(Scripted::new(to, status, json!({"detail": "no"})));
        answers.push(scene.submitted().await);
    }

    assert_eq!(
        answers,
        [
            "refused over key",
            "refused over key",
            "later",
            "not taken",
            "refused over input",
            "later"
        ]
    );
    assert!(scene.fake.orders(Name::Fal).is_empty());
}

#[tokio::test]
async fn a_lost_answer_is_told_from_an_order_that_never_left() {
    let scene = scene().await;
    let cut = Cut { to: Endpoint::Submit, times: 1, after_bytes: 0, take: true };
    scene.fake.change(Name::Fal, |switches| switches.cuts = vec![cut]);

    let lost = scene.submitted().await;
    scene.answers(Scripted::new(Endpoint::Submit, 200, "{\"request_id\":").taking());
    let garbled = scene.submitted().await;
    assert_eq!(scene.fake.orders(Name::Fal).len(), 2);
    scene.fake.stop().await;
    let unsent = in_words::submitted(&scene.fal.submit(&scene.order).await);

    assert_eq!([lost, garbled, unsent], ["lost", "lost", "not taken"]);
}

#[tokio::test]
async fn the_key_is_not_shown_where_others_say() {
    let scene = scene().await;
    let elsewhere = "https://queue.fal.example.com/a/b/requests/r";
    let reply = json!({"request_id": "r", "status_url": elsewhere, "response_url": elsewhere,
        "cancel_url": elsewhere});
    scene.answers(Scripted::new(Endpoint::Submit, 200, reply.clone()));

    let job = scene.accepted().await;
    let planted = ProviderJob { links: Some(reply.to_string()), ..job.clone() };

    assert_eq!(job, ProviderJob::named("r"));
    assert!(scene.fal.look(&scene.order, &planted).await.is_err());
    assert!(scene.fal.collect(&scene.order, &planted, Path::new("unused")).await.is_err());
    assert!(scene.fal.call_off(&scene.order, &planted).await.is_err());
}

#[tokio::test]
async fn work_of_which_only_the_name_is_known_is_found() {
    let scene = scene().await;
    let named = ProviderJob::named(scene.accepted().await.id);

    assert_eq!(scene.looked(&named).await, "ready");
    assert_eq!(scene.collected(&named).await, CLIP);
    assert_eq!(scene.called_off(&named).await, "too late");
}

#[tokio::test]
async fn an_address_that_has_expired_is_asked_for_again() {
    let scene = scene().await;
    let job = scene.accepted().await;
    let expired = Download::Expired { status: 403, expire_first: Some(1) };
    scene.fake.change(Name::Fal, |switches| switches.download = expired);

    assert_eq!(scene.collected(&job).await, CLIP);
}

#[tokio::test]
async fn work_is_called_off_for_free_until_it_begins() {
    let scene = scene().await;
    let ended = scene.accepted().await;
    scene.lasting(60_000);
    let waiting = scene.accepted().await;
    scene.lasting(0);
    scene.fake.change(Name::Fal, |switches| switches.outcome = Outcome::Never);
    let running = scene.accepted().await;

    assert_eq!(scene.called_off(&waiting).await, "stopped, $0.00");
    assert_eq!(scene.called_off(&running).await, "stopped");
    assert_eq!(scene.called_off(&ended).await, "too late");
    assert_eq!(scene.called_off(&ProviderJob::named("unknown")).await, "too late");
    assert_eq!(scene.looked(&waiting).await, "failed over stopped, $0.00");
}

#[tokio::test]
async fn the_webhook_is_sent_where_it_was_asked_for_and_is_believed() {
    let receiver = Receiver::start().await;
    let mut scene = of(Some(receiver.base.clone())).await;
    scene.order.photo_url = Some("https://img.example.com/a.jpg".to_owned());
    let verifier = scene.fal.verifier();

    let job = scene.accepted().await;
    let posted = receiver.next().await;
    let notice = verifier.verify(&posted.headers, &posted.body, posted.at).await.expect("believed");
    scene.fake.change(Name::Fal, |switches| switches.webhooks.wrong_key = true);
    scene.accepted().await;
    let forged = receiver.next().await;
    let refused = verifier.verify(&forged.headers, &forged.body, forged.at).await;

    assert_eq!(posted.path, format!("/webhooks/fal/{}/1", scene.order.job));
    assert_eq!((&notice.provider_job, &notice.id), (&job.id, &job.id));
    assert!(matches!(refused, Err(NotGenuine::Forged)));
    let asked = |call: &&fake_providers::Call| call.what == Endpoint::Jwks;
    assert_eq!(scene.fake.calls(Name::Fal).iter().filter(asked).count(), 1);
}

#[tokio::test]
async fn an_order_is_on_our_terms() {
    let (receiver, scene) = (Receiver::start().await, scene().await);
    let fal = Fal { http: receiver.http(), queue: receiver.base.clone(), ..scene.fal.clone() };

    let (_, posted) = tokio::join!(fal.submit(&scene.order), receiver.next());

    let life = "{\"expiration_duration_seconds\":86400}";
    assert_eq!(posted.header("x-fal-request-timeout"), Some("3600"));
    assert_eq!(posted.header("x-fal-object-lifecycle-preference"), Some(life));
    assert_eq!(posted.header("x-fal-no-retry"), None);
}
