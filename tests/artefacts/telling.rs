//! `notify`, `deliver` and `supabase`: everybody who asked is told.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use domain::{JobOrder, JobState, Step};
use ports::{DeliveryLog, DeliveryState, Endpoints, WebhookSecret};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use stillmotion::chain::register;
use testkit::samples;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::events::{Message, batch, on_the_bus};
use crate::stage::Stage;

/// What webhooks are signed with here.
pub(crate) const SECRET: &str = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
/// A key of the service role.
pub(crate) const SUPABASE_KEY: &str = "sb_secret_0123456789abcdef";

/// A request, as a stranger gets it.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Got {
    /// The type of a webhook that is genuine.
    pub(crate) fn verified(&self) -> String {
        let webhook = Webhook::new(SECRET).expect("a secret");
        webhook.verify(&self.body, &self.headers).expect("it is signed");
        let body: Value = serde_json::from_slice(&self.body).expect("JSON");
        body["type"].as_str().expect("a type").to_owned()
    }
}

/// How a stranger answers.
type Answers = fn(&Got) -> (StatusCode, Value);

/// Somebody on loopback who keeps what they got.
pub(crate) struct Stranger {
    pub(crate) url: String,
    got: Arc<Mutex<Vec<Got>>>,
    serving: JoinHandle<()>,
}

impl Stranger {
    /// Answers like this.
    pub(crate) async fn start(answers: Answers) -> Self {
        let got = Arc::new(Mutex::new(Vec::new()));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(take).with_state((got.clone(), answers));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("it serves");
        });
        Self { url, got, serving }
    }

    /// What they got so far.
    pub(crate) fn got(&self) -> Vec<Got> {
        self.got.lock().expect("not poisoned").clone()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn take(
    State((all, answers)): State<(Arc<Mutex<Vec<Got>>>, Answers)>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let got = Got { method, uri, headers, body };
    let (status, body) = answers(&got);
    all.lock().expect("not poisoned").push(got);
    (status, axum::Json(body)).into_response()
}

/// Says what the path says: `/204`.
fn as_asked(got: &Got) -> (StatusCode, Value) {
    let status = got.uri.path().trim_start_matches('/').parse().expect("a status");
    (StatusCode::from_u16(status).expect("a status"), Value::Null)
}

/// A table behind `PostgREST` in which every row is there.
pub(crate) fn postgrest(got: &Got) -> (StatusCode, Value) {
    let row = json!([{ "id": "00000000-0000-0000-0000-000000000000" }]);
    match got.method {
        Method::POST => (StatusCode::CREATED, row),
        _ => (StatusCode::OK, row),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asked_is_told_with_a_signature_and_once() {
    let stage = Stage::new().await;
    let hooks = Stranger::start(as_asked).await;
    let secret = WebhookSecret::new(SECRET.to_owned());
    for status in ["204", "410", "500"] {
        let url = format!("{}/{status}", hooks.url);
        register(&stage.home, status, &url, &secret).await.expect("registered");
    }
    let job = stage.begin("uploads/villa.jpg", samples::job().order, &[]).await;
    let notify = stage.setup("notify").start().await;
    let mut deliver = stage.setup("deliver").with("WEBHOOK_ALLOW_LOOPBACK", "true").start().await;
    deliver.keep_secret(SECRET);
    let events = stage.history(job.id).await;
    let told: Vec<_> = events.iter().map(on_the_bus).collect();

    let failed = notify
        .failed_of(&batch(
            "notify",
            &[
                Message::new("created", told[0].as_str()),
                Message::new("again", told[0].as_str()),
                Message::new("foreign", r#"{"source":"aws.ec2","detail-type":"X","detail":{}}"#),
                Message::new("not JSON", "JobCreated"),
            ],
        ))
        .await;
    assert_eq!(failed, ["foreign", "not JSON"], "{}", notify.written());

    let mut requests = stage.take("deliver").await;
    requests.push(Message::new("unknown", r#"{"eventId":"x","endpointId":"y"}"#));
    let failed = deliver.failed_of(&batch("deliver", &requests)).await;

    // Everybody is asked for twice, as the event came twice before anything was delivered; the one who
    // cannot take it is tried again later.
    let again = |endpoint: &str| {
        let its = requests.iter().filter(|it| it.body.contains(&format!("\"{endpoint}\"")));
        its.map(|it| it.id.clone()).collect::<Vec<_>>()
    };
    let mut expected = again("500");
    expected.push("unknown".to_owned());
    assert_eq!(failed, expected, "{}", deliver.written());
    let got = hooks.got();
    let to = |path: &str| got.iter().filter(|got| got.uri.path() == path).collect::<Vec<_>>();
    assert_eq!(to("/204").len(), 1, "told once");
    assert_eq!(to("/204")[0].verified(), "JobCreated.v1");
    let deliveries = stage.home.deliveries().of_job(job.id).await.expect("the log");
    let row = |id: &str| deliveries.iter().find(|it| it.endpoint == id).map(|it| it.state);
    assert_eq!(row("204"), Some(DeliveryState::Delivered));
    assert_eq!(row("500"), Some(DeliveryState::Waiting));
    let gone = stage.home.endpoints().get(None, "410").await.expect("endpoints").expect("there");
    let disabled = gone.disabled.expect("it is told nothing any more");
    assert!(disabled.announced, "the bus knows");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_leave_nobody_on_this_machine_is_told() {
    let stage = Stage::new().await;
    let receiver = Stranger::start(as_asked).await;
    let secret = WebhookSecret::new(SECRET.to_owned());
    let url = format!("{}/204", receiver.url);
    register(&stage.home, "inside", &url, &secret).await.expect("registered");
    let job = stage.begin("uploads/villa.jpg", JobOrder::default(), &[]).await;
    let notify = stage.setup("notify").start().await;
    let deliver = stage.setup("deliver").start().await;
    let event = on_the_bus(&stage.history(job.id).await[0]);
    notify.failed_of(&batch("notify", &[Message::new("m", event)])).await;

    deliver.failed_of(&batch("deliver", &stage.take_some("deliver").await)).await;

    assert_eq!(receiver.got().len(), 0);
    let deliveries = stage.home.deliveries().of_job(job.id).await.expect("the log");
    assert_ne!(deliveries[0].state, DeliveryState::Delivered, "{deliveries:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_row_of_a_job_is_made_moved_and_removed() {
    let stage = Stage::new().await;
    let table = Stranger::start(postgrest).await;
    let steps = samples::steps_to(&samples::job(), JobState::Rendered);
    let job = stage.begin("uploads/villa.jpg", samples::job().order, &steps).await;
    let supabase = stage
        .setup("supabase")
        .with("SUPABASE_URL", table.url.as_str())
        .with("SUPABASE_SERVICE_KEY", SUPABASE_KEY)
        .start()
        .await;
    let history = stage.history(job.id).await;
    let told = |detail_type: &str| {
        let event = history.iter().find(|event| event.detail_type == detail_type);
        on_the_bus(event.expect("it happened"))
    };

    let failed = supabase
        .failed_of(&batch(
            "supabase",
            &[
                Message::new("created", told("JobCreated.v1")),
                Message::new("not JSON", "JobCreated"),
                Message::new("clip", told("LtxDone.v1")),
                Message::new("video", told("Rendered.v1")),
            ],
        ))
        .await;

    assert_eq!(failed, ["not JSON"], "{}", supabase.written());
    let id = job.id.to_string();
    let got = table.got();
    let created = got.iter().find(|got| got.method == Method::POST).expect("a row is made");
    assert_eq!(created.uri.path(), "/rest/v1/videos");
    assert_eq!(created.headers["apikey"], SUPABASE_KEY);
    let row: Value = serde_json::from_slice(&created.body).expect("JSON");
    assert_eq!(row["id"], id);
    let moves: Vec<Value> = got
        .iter()
        .filter(|got| got.method == Method::PATCH)
        .map(|got| serde_json::from_slice(&got.body).expect("JSON"))
        .collect();
    let statuses: Vec<_> = moves.iter().map(|row| row["status"].as_str().expect("text")).collect();
    assert_eq!(statuses, ["ltx_done", "rendered"]);

    stage.chronicle().step(&stage.job(job.id).await, &Step::Delete).await.expect("deleted");
    let history = stage.history(job.id).await;
    let deleted = history.iter().find(|event| event.detail_type == "JobDeleted.v1");
    let deleted = on_the_bus(deleted.expect("it is told"));
    let failed = supabase.failed_of(&batch("supabase", &[Message::new("m", deleted)])).await;

    assert_eq!(failed, [""; 0], "{}", supabase.written());
    let last = table.got().pop().expect("a request");
    assert_eq!(
        (last.method, last.uri.query().unwrap_or_default().contains(&id)),
        (Method::DELETE, true)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_does_not_answer_or_refuses_the_key_is_asked_again_later() {
    let stage = Stage::new().await;
    let job = stage.begin("uploads/villa.jpg", JobOrder::default(), &[]).await;
    let event = on_the_bus(&stage.history(job.id).await[0]);
    let refuses: Answers = |_| (StatusCode::UNAUTHORIZED, json!({ "message": "Invalid API key" }));
    let table = Stranger::start(refuses).await;
    for url in [table.url.as_str(), "http://127.0.0.1:9"] {
        let supabase = stage
            .setup("supabase")
            .with("SUPABASE_URL", url)
            .with("SUPABASE_SERVICE_KEY", SUPABASE_KEY)
            .start()
            .await;

        let told = batch("supabase", &[Message::new("m", event.as_str())]);
        assert_eq!(supabase.failed_of(&told).await, ["m"], "{}", supabase.written());
        assert!(supabase.is_running());
    }
}
