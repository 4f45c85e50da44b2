//! The whole chain, every function of it the deployed program.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use domain::{JobState, keys};
use local_cloud::lambda::{EventSourceMapping, Invoke, poll};
use ports::{ObjectStore, WebhookSecret};
use serde_json::Value;
use stillmotion::chain::register;
use stillmotion::home::REGION;
use stillmotion::topology::Trigger;
use testkit::samples;
use tokio_util::sync::CancellationToken;

use crate::deployed::Deployed;
use crate::stage::{Stage, until};
use crate::telling::{SECRET, SUPABASE_KEY, Stranger, postgrest};

/// Feeds a program from its queue as the event source mapping does, with one instance of it.
fn feed(stage: &Stage, name: &str, program: Arc<Deployed>, stop: &CancellationToken) {
    let function = &stage.home.topology.functions[name];
    let Trigger::Queue { queue, batch_size, batch_window_secs, .. } = &function.trigger else {
        panic!("no queue feeds {name}");
    };
    let mapping = EventSourceMapping {
        function: name.to_owned(),
        queue_url: stage.home.queue_url(queue),
        queue_arn: stage.home.queue_arn(queue),
        region: REGION.to_owned(),
        batch_size: *batch_size,
        batch_window: Duration::from_secs((*batch_window_secs).into()),
        maximum_concurrency: 1,
        function_timeout: function.timeout(),
    };
    let invoke: Invoke = Arc::new(move |event| {
        let program = program.clone();
        Box::pin(async move {
            let outcome = program.invoke(&event).await;
            outcome.map_err(|error| format!("{error:?}").into())
        })
    });
    poll(stage.home.aws.sqs_client(), mapping, invoke, stop.clone());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_photo_becomes_a_video_and_everybody_is_told_once() {
    let stage = Stage::new().await;
    let receiver = Stranger::start(|_| (StatusCode::NO_CONTENT, Value::Null)).await;
    let table = Stranger::start(postgrest).await;
    let secret = WebhookSecret::new(SECRET.to_owned());
    register(&stage.home, "n8n", &receiver.url, &secret).await.expect("registered");
    let stop = CancellationToken::new();
    let mut programs = Vec::new();
    for (name, function) in &stage.home.topology.functions {
        if function.queue().is_none() {
            continue;
        }
        let setup = match name.as_str() {
            "deliver" => stage.setup(name).with("WEBHOOK_ALLOW_LOOPBACK", "true"),
            "supabase" => stage
                .setup(name)
                .with("SUPABASE_URL", table.url.as_str())
                .with("SUPABASE_SERVICE_KEY", SUPABASE_KEY),
            _ => stage.setup(name),
        };
        let program = Arc::new(setup.start().await);
        feed(&stage, name, program.clone(), &stop);
        programs.push(program);
    }

    let wishes = [
        ("title", "Villa%20Azul"),
        ("subtitle", "by%20the%20sea"),
        ("duration", "1"),
        ("resolution", "320x180"),
        ("fps", "12"),
    ];
    let photo = samples::photo_jpeg(640, 480);
    let id = stage.put("uploads/Vila São João 1+1.jpg", &photo, &wishes).await.job();
    let types = |stranger: &Stranger| -> Vec<_> {
        stranger.got().iter().map(crate::telling::Got::verified).collect()
    };
    until("the receiver is told of the video", async || {
        types(&receiver).contains(&"Rendered.v1".to_owned()).then_some(())
    })
    .await;
    until("the row is moved to rendered", async || {
        let is_last = |body: &[u8]| String::from_utf8_lossy(body).contains("\"rendered\"");
        table.got().iter().any(|got| is_last(&got.body)).then_some(())
    })
    .await;
    let idle = ["fetch", "ingest", "ltx", "render", "notify", "deliver", "supabase"];
    until("every queue is empty", async || stage.are_empty(&idle).await.then_some(())).await;
    stop.cancel();

    let job = stage.job(id).await;
    assert_eq!(job.state, JobState::Rendered, "{:?}", job.failure);
    let renders = stage.keys(&format!("renders/{id}/")).await;
    assert_eq!(renders, [keys::video(id).to_string(), keys::poster(id).to_string()]);
    let video = stage.home.bucket().get(&keys::video(id), 64 << 20).await.expect("a video");
    assert_eq!(&video[4..8], b"ftyp");
    let mut told = types(&receiver);
    told.sort();
    let expected = ["JobCreated.v1", "LtxDone.v1", "PhotoAccepted.v1", "Rendered.v1"];
    assert_eq!(told, expected, "each once");
    for dead in stage.home.topology.queues.keys().filter(|name| name.ends_with("-dead")) {
        assert_eq!(stage.take(dead).await.len(), 0, "{dead}");
    }
    assert!(programs.iter().all(|program| program.is_running()));
}
