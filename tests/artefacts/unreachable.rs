//! Days on which nothing on AWS answers.

use std::time::Duration;

use testkit::samples;

use crate::events::{From, Message, batch};
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_wrong_credentials_a_record_fails_and_the_program_lives() {
    let stage = Stage::new().await;
    let photo = stage.put("uploads/villa.jpg", &samples::photo_jpeg(64, 64), &[]).await;
    let ingest = stage.setup("ingest").with("AWS_SECRET_ACCESS_KEY", "another-secret");
    let ingest = ingest.start().await;
    let batch = batch("ingest", &[Message::new("m", photo.told(From::Sam))]);

    for _ in 0..2 {
        assert_eq!(ingest.failed_of(&batch).await, ["m"]);
    }

    assert!(!stage.knows(photo.job()).await);
    assert!(ingest.is_running());
    assert!(ingest.written().contains("media bucket"), "{}", ingest.written());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_cloud_records_fail_and_the_program_lives() {
    let stage = Stage::new().await;
    let photo = stage.put("uploads/villa.jpg", &samples::photo_jpeg(64, 64), &[]).await;
    let ingest = stage.setup("ingest").at("http://127.0.0.1:9").start().await;

    let failed = ingest
        .failed_of(&batch(
            "ingest",
            &[Message::new("a", photo.told(From::Sam)), Message::new("b", photo.told(From::Crate))],
        ))
        .await;

    assert_eq!(failed, ["a", "b"]);
    assert!(ingest.is_running());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_takes_longer_than_allowed_is_ended() {
    let stage = Stage::new().await;
    let photo = stage.put("uploads/villa.jpg", &samples::photo_jpeg(64, 64), &[]).await;
    let ingest = stage.setup("ingest").limited_to(Duration::ZERO).start().await;

    let outcome =
        ingest.invoke(&batch("ingest", &[Message::new("m", photo.told(From::Sam))])).await;

    assert_eq!(outcome.expect_err("too late").error_type, "Sandbox.Timedout");
}
