//! The promises of the ports, and the chain itself, before judges that do not know each other: the
//! embedded cloud, and `ministack` in both its modes.
//!
//! Where a judge does otherwise than AWS, it is listed in [`differences`].

mod differences;
mod secrets;

use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use aws::bus_event;
use aws_sdk_sqs::Client;
use domain::{FailureKind, JobId, JobState, ObjectKey, Stage, TraceId, keys};
use events::{BusEvent, LtxRequest};
use ports::{History, ObjectMeta, ObjectStore, Presigned};
use stillmotion::Home;
use stillmotion::home::{ACCESS_KEY, SECRET_KEY};
use stillmotion::topology::Topology;
use sweep::Swept;
use testkit::{conformance, samples};
use tokio::process::Command;

use crate::ministack::{Auth, Keys, Ministack, provision, python};
use crate::world::{Parts, World, told_ids};

/// More than a page of a listing holds.
const TWO_PAGES: usize = 1_001;
/// How long a request that was signed in advance may be made.
const EXPIRES: Duration = Duration::from_mins(1);

#[tokio::test]
async fn the_embedded_cloud_keeps_every_promise() {
    let mut world = World::new().await;
    let keys = Keys::new(ACCESS_KEY, SECRET_KEY);

    judge(&mut world, "the embedded cloud").await;
    conformance::uploads_are_bound(&world.home.bucket(), send_as_signed).await;
    differences::are_still_there(Judge::Embedded, world.home.endpoint(), &keys, &keys).await;
}

#[tokio::test]
async fn ministack_comes_to_the_same_verdict() {
    verdict_of_ministack(Judge::Ministack, Auth::Off).await;
}

#[tokio::test]
async fn ministack_that_checks_who_asks_comes_to_the_same_verdict() {
    verdict_of_ministack(Judge::MinistackWithAuth, Auth::On).await;
}

#[tokio::test]
async fn a_client_that_shares_no_code_with_ours_gets_the_answers_of_aws() {
    let world = World::new().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("clients/botocore_client.py");

    let client = Command::new(python())
        .arg(script)
        .args([world.home.endpoint(), ACCESS_KEY, SECRET_KEY])
        .output()
        .await
        .expect("the Python of ministack");

    let said = String::from_utf8_lossy(&client.stdout);
    let complained = String::from_utf8_lossy(&client.stderr);
    assert!(client.status.success(), "{said}{complained}");
}

/// Who judges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judge {
    Embedded,
    Ministack,
    MinistackWithAuth,
}

async fn verdict_of_ministack(judge: Judge, auth: Auth) {
    let ministack = Ministack::start(auth).await;
    let (endpoint, root) = (ministack.endpoint(), Keys::of_root());
    provision(endpoint, &root, &Topology::built_in()).await;
    let keys = match auth {
        Auth::Off => root.clone(),
        Auth::On => ministack.user().await,
    };
    let mut world = World::on(Home::at(endpoint, &keys.access, &keys.secret));

    self::judge(&mut world, &format!("{judge:?}")).await;
    println!("{judge:?}: secrets");
    secrets::are_read(endpoint, &keys, &root).await;
    differences::are_still_there(judge, endpoint, &keys, &root).await;
}

/// Everything that is judged, on a cloud that holds nothing yet.
async fn judge(world: &mut World, name: &str) {
    let home = &world.home;
    // Before the chain, whose abandoned receives might take them: see the differences.
    println!("{name}: messages");
    let messages = Inbox::of(home, "ltx");
    conformance::message_sender(&home.queue("ltx"), || messages.messages()).await;
    println!("{name}: events");
    let events = Inbox::of(home, "notify");
    conformance::event_publisher(&home.bus(), || events.events()).await;
    println!("{name}: the chain");
    the_chain(world).await;
    let home = &world.home;
    println!("{name}: objects");
    conformance::object_store(&home.bucket()).await;
    conformance::object_store_pages(&home.bucket(), TWO_PAGES).await;
    println!("{name}: requests signed in advance");
    requests_signed_in_advance(home).await;
    conformance::uploads(&home.bucket(), send_as_signed).await;
    println!("{name}: jobs");
    conformance::job_store(&home.jobs()).await;
    conformance::job_listing(&home.jobs()).await;
    println!("{name}: ledger");
    conformance::ledger(&home.ledger()).await;
    conformance::registers(&home.registers()).await;
    conformance::meters(&home.meters()).await;
    println!("{name}: deliveries");
    conformance::delivery_log(&home.deliveries()).await;
    conformance::endpoints(&home.endpoints()).await;
}

/// Photos become videos, once, whatever is told twice; what is no photo is refused; what nobody was
/// told of is found.
async fn the_chain(world: &mut World) {
    let parts = Parts::default();
    let lost = world.upload("lost.jpg").await;
    Inbox::of(&world.home, "ingest").empty().await;
    world.start(&parts).await;

    let mut uploads = Vec::new();
    for n in 0..6 {
        let name = format!("judged {n} a+b é.jpg");
        uploads.push((world.upload(&name).await, name));
    }
    let text = world.upload_bytes("text.jpg", b"this is not a photo").await;
    for (id, _) in &uploads {
        world.ended(*id).await;
    }
    let refused = world.ended(text).await;
    world.drained().await;
    let swept = world.sweep().await;
    world.ended(lost).await;
    world.drained().await;

    assert_eq!(swept, Swept { uploads: 1, ..Swept::default() }, "what nobody was told of");
    uploads.push((lost, "lost.jpg".to_owned()));
    tell_again(world, "ingest", "uploads/text.jpg").await;
    everything_again(world, &parts, &uploads).await;
    for (id, _) in uploads {
        world.assert_rendered_once(&parts, id, "judged").await;
    }
    let failure = refused.failure.as_ref().expect("a reason");
    let failure = (failure.stage, failure.kind);
    assert_eq!((refused.state, failure), (JobState::Failed, (Stage::Ingest, FailureKind::Refused)));
    world.assert_whole_history_told(&parts, text, "refused").await;
    assert_eq!(world.sweep().await, Swept::default(), "nothing is left to do");
    world.stop().await;
}

/// Tells every stage once more of what it has done, and asserts that nobody else hears of it.
///
/// Only when all is done: a repeat that comes while the same is being ordered or told comes again
/// when that may be lost, in minutes, and the time of a judge cannot be moved.
async fn everything_again(world: &World, parts: &Parts, uploads: &[(JobId, String)]) {
    let told = told_ids(&parts.receiver);
    for (id, name) in uploads {
        tell_again(world, "ingest", &format!("{}{name}", keys::UPLOADS)).await;
        let job = world.job(*id).await.expect("a row");
        let order = serde_json::to_string(&LtxRequest::of_job(&job)).expect("JSON");
        world.send("ltx", &order).await;
        tell_again(world, "render", keys::clip(*id).as_str()).await;
        let history = world.home.jobs().events(*id).await.expect("history");
        for event in history.into_iter().filter(|event| told.contains(&event.id)) {
            let detail = serde_json::from_str(&event.detail).expect("JSON");
            let (source, detail_type) = (event.source, event.detail_type);
            let event = BusEvent { source, detail_type, detail };
            world.send("notify", &serde_json::to_string(&event).expect("JSON")).await;
        }
    }
    world.drained().await;
    assert_eq!(told_ids(&parts.receiver), told, "told of the same again");
}

/// Sends the notification of an object to its queue again.
async fn tell_again(world: &World, queue: &str, key: &str) {
    let key = ObjectKey::new(key).expect("a key");
    let head = world.home.bucket().head(&key).await.expect("head").expect("an object");
    let bucket = world.home.bucket_name();
    let told = samples::s3_notification(&bucket, &key, &head.etag, head.size_bytes);
    world.send(queue, &told).await;
}

/// What a browser does: upload and download with signed URLs and nothing else.
async fn requests_signed_in_advance(home: &Home) {
    let (bucket, browser) = (home.bucket(), reqwest::Client::new());
    let key = ObjectKey::new("conformance/signed in advance/é a+b.jpg").expect("a key");
    let user = [("title".to_owned(), "S%C3%A3o".to_owned())].into();
    let meta = ObjectMeta { content_type: "image/jpeg".to_owned(), user };
    let signed = bucket.presign_put(&key, &meta.content_type, Some(5), &meta.user, EXPIRES);
    let signed = signed.await.expect("signed");
    let put = async |url: &str, body: &'static str| {
        let request = browser.put(url).body(body);
        let add = |request: reqwest::RequestBuilder, (name, value): &(String, String)| {
            if name == "content-length" { request } else { request.header(name, value) }
        };
        let answer = signed.headers.iter().fold(request, add).send().await.expect("an answer");
        answer.status().as_u16()
    };

    let forged = put(&signed.url.replace("%C3%A9", "forged"), "photo").await;
    let done = put(&signed.url, "photo").await;
    let url = bucket.presign_get(&key, EXPIRES).await.expect("signed");
    let got = browser.get(&url).send().await.expect("an answer");

    assert_eq!((forged, done), (403, 200));
    assert_eq!(got.text().await.expect("a body"), "photo");
    let head = bucket.head(&key).await.expect("head").expect("there");
    assert_eq!((head.size_bytes, head.meta), (5, meta));
}

/// Makes a request that was signed in advance. The client says how long its body is.
async fn send_as_signed(method: &'static str, signed: Presigned, body: Vec<u8>) -> (u16, Vec<u8>) {
    let method = method.parse().expect("a method");
    let request = reqwest::Client::new().request(method, &signed.url).body(body);
    let headers = signed.headers.iter().filter(|(name, _)| name != "content-length");
    let add = |request: reqwest::RequestBuilder, (name, value): &(String, String)| {
        request.header(name, value)
    };
    let answer = headers.fold(request, add).send().await.expect("an answer");
    (answer.status().as_u16(), answer.bytes().await.expect("a body").to_vec())
}

/// What arrives in a queue, kept.
struct Inbox {
    sqs: Client,
    url: String,
    kept: Mutex<Vec<(String, Option<TraceId>)>>,
}

impl Inbox {
    fn of(home: &Home, queue: &str) -> Self {
        let (sqs, url) = (home.aws.sqs_client(), home.queue_url(queue));
        Self { sqs, url, kept: Mutex::default() }
    }

    /// The bodies of all messages that have arrived so far, and the traces that came with them.
    async fn messages(&self) -> Vec<(String, Option<TraceId>)> {
        while self.receive().await > 0 {}
        self.kept.lock().expect("nobody has panicked").clone()
    }

    /// The same, as events of the bus.
    async fn events(&self) -> Vec<BusEvent> {
        let messages = self.messages().await;
        messages.iter().map(|(body, _)| bus_event::parse(body).expect("an event")).collect()
    }

    /// Waits for messages and throws them away.
    async fn empty(&self) {
        while self.messages().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn receive(&self) -> usize {
        let request = self.sqs.receive_message().queue_url(&self.url).max_number_of_messages(10);
        let request = request.message_attribute_names("traceId");
        let messages = request.send().await.expect("received").messages.unwrap_or_default();
        for message in &messages {
            let handle = message.receipt_handle.as_deref().expect("a handle");
            let request = self.sqs.delete_message().queue_url(&self.url).receipt_handle(handle);
            request.send().await.expect("deleted");
        }
        let messages = messages.into_iter().filter_map(|message| {
            let trace = message.message_attributes().and_then(|all| all.get("traceId"));
            let trace = trace.and_then(|trace| TraceId::parse(trace.string_value()?));
            Some((message.body?, trace))
        });
        let mut kept = self.kept.lock().expect("nobody has panicked");
        let before = kept.len();
        kept.extend(messages);
        kept.len() - before
    }
}
