//! `ingest`: photos that arrive.

use domain::{JobId, JobState, keys};
use events::{LtxRequest, UploadOptions};
use ports::{Content, ObjectMeta, ObjectStore};
use serde_json::Value;
use testkit::samples;

use crate::events::{From, Message, batch, test_event, told_key};
use crate::stage::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_photo_is_made_usable_and_ordered_whoever_recorded_the_event() {
    let stage = Stage::new().await;
    let ingest = stage.setup("ingest").start().await;
    for (from, name) in [(From::Sam, "uploads/sam.jpg"), (From::Crate, "uploads/crate.jpg")] {
        let wishes = [("prompt", "over the pool"), ("title", "Villa%20Azul")];
        let photo = stage.put(name, &samples::photo_jpeg(640, 480), &wishes).await;

        let failed =
            ingest.failed_of(&batch("ingest", &[Message::new("m", photo.told(from))])).await;

        assert_eq!(failed, [""; 0], "{}", ingest.written());
        let job = stage.job(photo.job()).await;
        assert_eq!((job.state, job.order.prompt.as_str()), (JobState::Queued, "over the pool"));
        let stored = stage.home.bucket().get(&keys::photo(job.id), 1 << 20).await.expect("a photo");
        assert_eq!(&stored[..3], b"\xff\xd8\xff", "it is a JPEG");
        let [order] = &stage.take("ltx").await[..] else { panic!("one order") };
        let order: LtxRequest = serde_json::from_str(&order.body).expect("an order");
        assert_eq!(order, LtxRequest::of_job(&job));
        let told: Vec<_> = stage.history(job.id).await.into_iter().map(|e| e.detail_type).collect();
        assert_eq!(told, ["JobCreated.v1", "PhotoAccepted.v1"]);
    }
    assert_eq!(ingest.left_behind(), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_a_mixed_batch_exactly_the_bad_records_come_again() {
    let stage = Stage::new().await;
    let ingest = stage.setup("ingest").start().await;
    let good = stage.put_photo("uploads/good.jpg").await;
    let broken = stage.put("uploads/broken.jpg", b"no photo", &[]).await;
    let elsewhere = stage.put_photo("logos/stray.jpg").await;
    let mut gone = stage.put_photo("uploads/gone.jpg").await;
    stage
        .home
        .bucket()
        .delete(&domain::ObjectKey::new("uploads/gone.jpg").expect("a key"))
        .await
        .expect("deleted");
    gone.size_bytes = 7;

    let failed = ingest
        .failed_of(&batch(
            "ingest",
            &[
                Message::new("good", good.told(From::Sam)),
                Message::new("not JSON", "holiday.jpg"),
                Message::new("gone", gone.told(From::Crate)),
                Message::new("no photo", broken.told(From::Sam)),
                Message::new(
                    "shapeless",
                    r#"{"Records":[{"eventName":"ObjectCreated:Put","s3":{}}]}"#,
                ),
                Message::new("elsewhere", elsewhere.told(From::Sam)),
                Message::new("test event", test_event(&good.bucket)),
                Message::new("empty", ""),
            ],
        ))
        .await;

    assert_eq!(failed, ["not JSON", "shapeless", "elsewhere", "empty"]);
    assert_eq!(stage.job(good.job()).await.state, JobState::Queued);
    for refused in [broken, gone] {
        let job = stage.job(refused.job()).await;
        assert_eq!(job.state, JobState::Failed, "{}", refused.key);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_arrive_in_every_encoding_that_s3_has() {
    let stage = Stage::new().await;
    let ingest = stage.setup("ingest").start().await;
    let name = "uploads/Vila São João/1+1 = 2, half%2F.jpg";
    let plus = stage.put_photo(name).await;
    let told = told_key(name);
    assert!(
        ["+", "%2B", "%252F", "%3D", "%C3%A3"].iter().all(|part| told.contains(part)),
        "{told}"
    );
    let spaces = stage.put_photo("uploads/a b.jpg").await;
    let slashes = stage.put_photo("uploads/c/d.jpg").await;

    let failed = ingest
        .failed_of(&batch(
            "ingest",
            &[
                Message::new("plus", plus.told(From::Sam)),
                Message::new("%20", spaces.told_as(From::Crate, "uploads/a%20b.jpg")),
                Message::new("%2F", slashes.told_as(From::Sam, "uploads%2Fc%2Fd.jpg")),
            ],
        ))
        .await;

    assert_eq!(failed, [""; 0], "{}", ingest.written());
    for photo in [plus, spaces, slashes] {
        let job = stage.job(photo.job()).await;
        assert_eq!((job.state, job.upload_key.as_str()), (JobState::Queued, photo.key.as_str()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wishes_beside_the_photo_are_read_and_a_repeat_is_the_same_job() {
    let stage = Stage::new().await;
    let ingest = stage.setup("ingest").start().await;
    let photo = stage.put_photo("uploads/villa.jpg").await;
    let wishes = UploadOptions { title: Some("Villa Azul".to_owned()), ..UploadOptions::default() };
    let beside = keys::sidecar(&domain::ObjectKey::new("uploads/villa.jpg").expect("a key"));
    let beside = beside.expect("a key");
    let wishes = serde_json::to_vec(&wishes).expect("JSON");
    let meta = ObjectMeta { content_type: "application/json".into(), ..ObjectMeta::default() };
    stage.home.bucket().put(&beside, Content::Bytes(&wishes), &meta).await.expect("put");
    let twice = batch(
        "ingest",
        &[
            Message::new("once", photo.told(From::Sam)),
            Message::new("again", photo.told(From::Crate)),
        ],
    );

    let failed = ingest.failed_of(&twice).await;

    assert_eq!(failed, [""; 0], "{}", ingest.written());
    let job = stage.job(photo.job()).await;
    assert_eq!(job.order.branding.title.as_deref(), Some("Villa Azul"));
    assert_eq!(stage.history(job.id).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_delivery_can_help_is_buried_and_what_fails_is_hidden_for_a_while() {
    let stage = Stage::new().await;
    let ingest = stage.setup("ingest").start().await;
    ports::MessageSender::send(&stage.home.queue("ingest"), "holiday.jpg", None)
        .await
        .expect("sent");
    let [message] = &stage.take("ingest").await[..] else { panic!("one message") };

    let failed = ingest.failed_of(&batch("ingest", std::slice::from_ref(message))).await;
    assert_eq!(failed, std::slice::from_ref(&message.id));
    let buried = ingest.failed_of(&batch("ingest", &[message.clone().received(3)])).await;

    assert_eq!(buried, [""; 0]);
    let dead: Vec<_> = stage.take("ingest-dead").await.into_iter().map(|it| it.body).collect();
    assert_eq!(dead, ["holiday.jpg"]);
    // The receipt was a real one: nothing is said about a time of the queue's choice.
    assert!(!ingest.written().contains("a record comes back"), "{}", ingest.written());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_is_one_json_record_a_line() {
    let stage = Stage::new().await;
    let ingest = stage.setup("ingest").start().await;
    let stranger = JobId::of_object("b", "k", "e");

    ingest.failed_of(&batch("ingest", &[Message::new("m", stranger.to_string())])).await;

    let written = ingest.written();
    for line in written.lines() {
        let record: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
        assert!(record.is_object(), "{line}");
    }
    assert!(written.contains("record m failed"), "{written}");
}
