//! Scratch.
use aws::Aws;
use testkit::conformance;
fn aws() -> Aws {
    Aws::at(&std::env::var("SCRATCH_ENDPOINT").unwrap(), "us-east-1", "test", "test")
}
#[tokio::test] async fn store() { conformance::object_store(&aws().bucket("media")).await; }
#[tokio::test] async fn pages() { conformance::object_store_pages(&aws().bucket("media"), 1005).await; }
#[tokio::test] async fn jobs() { conformance::job_store(&aws().job_table("jobs")).await; }
#[tokio::test] async fn ledger() { conformance::ledger(&aws().ledger_table("ledger")).await; }
#[tokio::test] async fn log() { conformance::delivery_log(&aws().delivery_table("deliveries")).await; }
#[tokio::test] async fn queue() {
    let aws = aws(); let url = format!("{}/000000000000/q", std::env::var("SCRATCH_ENDPOINT").unwrap());
    let seen = std::sync::Mutex::new(Vec::new());
    let client = aws.sqs_client();
    conformance::message_sender(&aws.queue(&url), async || {
        let got = client.receive_message().queue_url(&url).max_number_of_messages(10).send().await.unwrap();
        let mut seen = seen.lock().unwrap();
        seen.extend(got.messages.unwrap_or_default().into_iter().filter_map(|m| m.body));
        seen.clone()
    }).await;
}
#[tokio::test] async fn bus() {
    let aws = aws(); let url = format!("{}/000000000000/busq", std::env::var("SCRATCH_ENDPOINT").unwrap());
    let seen = std::sync::Mutex::new(Vec::new());
    let client = aws.sqs_client();
    conformance::event_publisher(&aws.event_bus("stillmotion"), async || {
        let got = client.receive_message().queue_url(&url).max_number_of_messages(10).send().await.unwrap();
        let mut seen = seen.lock().unwrap();
        seen.extend(got.messages.unwrap_or_default().into_iter().filter_map(|m| m.body).map(|b| aws::bus_event::parse(&b).unwrap()));
        seen.clone()
    }).await;
}
