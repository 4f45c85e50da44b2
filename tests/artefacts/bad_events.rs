//! What is no event of ours, in the queue of every function.

use serde_json::json;

use crate::events::{Message, batch, test_event};
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_every_queue_exactly_the_unreadable_records_come_again_and_later_they_are_buried() {
    let stage = Stage::new().await;
    let test_event = test_event(&stage.home.bucket_name());
    let fed: Vec<_> = stage
        .home
        .topology
        .functions
        .iter()
        .filter_map(|(name, function)| Some((name.clone(), function.queue()?.to_owned())))
        .collect();
    assert!(fed.len() >= 7, "{fed:?}");
    for (function, queue) in fed {
        let program = stage
            .setup(&function)
            .with("SUPABASE_URL", "http://127.0.0.1:9")
            .with("SUPABASE_SERVICE_KEY", "sb_secret_0123456789")
            .start()
            .await;
        let hears_of_objects = ["fetch", "ingest", "render"].contains(&function.as_str());
        let nothing = json!({ "Records": [] }).to_string();
        let bad = [
            Message::new("not JSON", "not JSON"),
            Message::new("a list", "[1, 2]"),
            Message::new("another shape", r#"{"hello":"world"}"#),
            Message::new(
                "nobody's",
                r#"{"jobId":"no-id","photoKey":"","eventId":"no-id","endpointId":"x","detail-type":"JobCreated.v1","source":"x","detail":{}}"#,
            ),
        ];
        let mut all = bad.to_vec();
        if hears_of_objects {
            all.insert(1, Message::new("test event", test_event.as_str()));
            all.insert(3, Message::new("nothing", nothing.as_str()));
        }

        let failed = program.failed_of(&batch(&queue, &all)).await;

        let expected: Vec<_> = bad.iter().map(|message| message.id.clone()).collect();
        assert_eq!(failed, expected, "{function}: {}", program.written());

        let last = bad.clone().map(|message| message.received(3));
        let left = program.failed_of(&batch(&queue, &last)).await;

        assert_eq!(left, [""; 0], "{function}: {}", program.written());
        let dead = stage.home.topology.queues[&queue].dead_letter_queue.clone().expect("a queue");
        let mut buried: Vec<_> = stage.take(&dead).await.into_iter().map(|it| it.body).collect();
        let mut expected = bad.map(|message| message.body);
        buried.sort();
        expected.sort();
        assert_eq!(buried, expected, "{function}");
    }
}
