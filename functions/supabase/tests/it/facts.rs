//! What facts do to the row.

use domain::{JobState, Stage, Step};
use futures::future::join_all;
use ports::HandleRecord as _;
use serde_json::{Value, json};

use crate::history::{History, OWNER, another_video, failure, redrive, rerender};
use crate::keys::{SECRET_KEY, legacy};
use crate::world::World;

/// The row without what names its job.
fn anonymous(mut row: Value, history: &History) -> Value {
    let id = history.id().to_string();
    let columns = row.as_object_mut().expect("columns");
    for value in columns.values_mut() {
        if let Some(text) = value.as_str() {
            *value = json!(
                text.replace(&id, "{id}").replace(history.job().upload_key.as_str(), "{upload}")
            );
        }
    }
    row
}

#[tokio::test]
async fn a_good_job_fills_its_row_with_either_kind_of_key() {
    let world = World::shared();

    for (name, key) in [("new", SECRET_KEY.to_owned()), ("legacy", legacy("service_role"))] {
        let history = History::named(name).on_to(JobState::Rendered);
        let id = history.id();

        world.deliver_in_order(&key, &history).await;

        let expected = json!({
            "id": id,
            "user_id": OWNER,
            "property_id": null,
            "photo_url_s3": format!("s3://media/photos/{id}.jpg"),
            "ltx_video_url_s3": format!("s3://media/ltx-videos/{id}.mp4"),
            "final_video_url_s3": format!("s3://media/renders/{id}/out.mp4"),
            "poster_url_s3": format!("s3://media/renders/{id}/poster.jpg"),
            "status": "rendered",
            "job_state": "rendered",
            "failure_reason": null,
            "event_seq": 6,
            "created_at": "2026-11-20T10:00:00+00:00",
            "updated_at": "2026-11-20T10:00:05+00:00",
        });
        assert_eq!(world.row(id), Some(expected), "{name}");
    }
}

#[tokio::test]
async fn a_new_key_is_an_apikey_only_and_a_patch_names_its_row() {
    let world = World::shared();
    let history = History::named("headers").on_to(JobState::Rendered);
    let id = history.id().to_string();

    world.deliver_in_order(SECRET_KEY, &history).await;
    let with_new = world.gateway.asked(&id);
    world.deliver_in_order(&legacy("service_role"), &history).await;
    let with_legacy = world.gateway.asked(&id).split_off(with_new.len());

    let bearer = format!("Bearer {}", legacy("service_role"));
    assert!(with_new.iter().all(|asked| asked.authorization.is_none()));
    assert!(with_new.iter().all(|asked| asked.api_key.as_deref() == Some(SECRET_KEY)));
    assert!(with_legacy.iter().all(|asked| asked.authorization.as_ref() == Some(&bearer)));
    let patches = world.gateway.asked("/rest/v1/videos");
    let mut patches = patches.iter().filter(|asked| asked.method == "PATCH").peekable();
    assert!(patches.peek().is_some());
    assert!(patches.all(|asked| asked.target.starts_with("/rest/v1/videos?id=eq.")));
}

#[tokio::test]
async fn a_bad_job_says_why_there_is_no_video() {
    let world = World::shared();
    let refused = History::named("refused").on_to(JobState::Failed);
    let cancelled = History::named("cancelled").on_to(JobState::Generating).then(&Step::Cancel);
    let expired = History::named("expired").on_to(JobState::Expired);

    for (history, reason) in [
        (refused, "the photo is too small"),
        (cancelled, "the job was called off"),
        (expired, "the photo did not come in time"),
    ] {
        world.deliver_in_order(SECRET_KEY, &history).await;

        let row = world.row(history.id()).expect("a row");
        assert_eq!((&row["status"], &row["failure_reason"]), (&json!("failed"), &json!(reason)));
    }
}

#[tokio::test]
async fn every_order_of_the_facts_ends_in_the_same_row() {
    let world = World::shared();
    let histories: [fn(History) -> History; 2] = [
        |history| history.on_to(JobState::Rendered),
        |history| {
            let history = history.on_to(JobState::Generating).then(&failure(Stage::Ltx));
            history.then(&redrive(Stage::Ltx))
        },
    ];

    for (number, history) in histories.into_iter().enumerate() {
        let in_order = history(History::named(&format!("in-order-{number}")));
        world.deliver_in_order(SECRET_KEY, &in_order).await;
        let expected = anonymous(world.row(in_order.id()).expect("a row"), &in_order);

        for order in 0..24 {
            let history = history(History::named(&format!("order-{number}-{order}")));
            let (mut left, mut told, mut pick) = (history.sent(), vec![], order);
            for count in (1..=left.len()).rev() {
                told.push(left.remove(pick % count));
                pick /= count;
            }

            // The creation comes first, or last, or in between; then everything once more.
            world.deliver(SECRET_KEY, &history, &told).await;
            told.reverse();
            world.deliver(SECRET_KEY, &history, &told).await;

            let row = anonymous(world.row(history.id()).expect("a row"), &history);
            assert_eq!(row, expected, "order {order}");
        }
    }
}

#[tokio::test]
async fn facts_that_arrive_at_once_end_in_the_same_row() {
    let world = World::shared();
    let in_order = History::named("one-by-one").on_to(JobState::Rendered);
    world.deliver_in_order(SECRET_KEY, &in_order).await;
    let expected = anonymous(world.row(in_order.id()).expect("a row"), &in_order);

    for round in 0..10 {
        let history = History::named(&format!("at-once-{round}")).on_to(JobState::Rendered);
        let supabase = world.supabase(SECRET_KEY, history.job());
        let sent = [history.sent(), history.sent()].concat();
        let handled = join_all(sent.iter().map(|told| supabase.handle(&told.event))).await;

        assert!(handled.iter().all(Result::is_ok), "{handled:?}");
        assert_eq!(anonymous(world.row(history.id()).expect("a row"), &history), expected);
    }
}

#[tokio::test]
async fn a_late_fact_adds_what_it_alone_knows() {
    let world = World::shared();
    let history = History::named("late").on_to(JobState::Rendering).then(&failure(Stage::Render));
    let sent = history.sent();

    // Created, and failed before anybody heard of the photo and the clip.
    world.supabase(SECRET_KEY, &sent[0].job).handle(&sent[0].event).await.expect("handled");
    world.deliver(SECRET_KEY, &history, &sent[3..]).await;
    let before = world.row(history.id()).expect("a row");
    world.deliver(SECRET_KEY, &history, &sent[1..3]).await;

    let row = world.row(history.id()).expect("a row");
    assert_eq!((&before["status"], &before["ltx_video_url_s3"]), (&json!("failed"), &Value::Null));
    assert_eq!((&row["status"], &row["event_seq"]), (&json!("failed"), &json!(6)));
    let id = history.id();
    assert_eq!(row["ltx_video_url_s3"], format!("s3://media/ltx-videos/{id}.mp4"));
    assert_eq!(row["photo_url_s3"], format!("s3://media/photos/{id}.jpg"));
}

#[tokio::test]
async fn a_missing_row_is_made_as_the_job_is() {
    let world = World::shared();
    let history = History::named("missing").on_to(JobState::Rendering);

    let fact = history.fact("PhotoAccepted.v1");
    world.supabase(SECRET_KEY, history.job()).handle(&fact).await.expect("handled");

    let row = world.row(history.id()).expect("a row");
    assert_eq!((&row["status"], &row["event_seq"]), (&json!("ltx_done"), &json!(5)));
    assert_eq!(row["user_id"], OWNER);
}

#[tokio::test]
async fn what_is_deleted_stays_deleted() {
    let world = World::shared();
    let history = History::named("deleted").on_to(JobState::Rendered).then(&Step::Delete);

    world.deliver_in_order(SECRET_KEY, &history).await;
    let deleted = world.row(history.id());
    world.deliver(SECRET_KEY, &history, &history.sent()).await;

    assert_eq!((deleted, world.row(history.id())), (None, None));
}

#[tokio::test]
async fn another_rendering_comes_and_goes() {
    let world = World::shared();
    let asked = |name| {
        let history = History::named(name).on_to(JobState::Rendered);
        history.then(&Step::Rerender(rerender()))
    };
    let (under_way, done) = (asked("under-way"), asked("done").then(&another_video()));
    let failed = asked("rerender-failed").then(&failure(Stage::Render));

    for (history, status) in [(under_way, "ltx_done"), (done, "rendered"), (failed, "rendered")] {
        world.deliver_in_order(SECRET_KEY, &history).await;

        let row = world.row(history.id()).expect("a row");
        let video = row["final_video_url_s3"].as_str().expect("the earlier video");
        assert_eq!((row["status"].as_str(), video.ends_with("out.mp4")), (Some(status), true));
        assert_eq!(row["failure_reason"], Value::Null);
    }
}

#[tokio::test]
async fn a_row_that_somebody_else_changed_is_left_alone() {
    let world = World::shared();
    let history = History::named("edited").on_to(JobState::Rendered);
    let sent = history.sent();
    world.deliver(SECRET_KEY, &history, &sent[..1]).await;
    let id = history.id();
    world.postgres.sql(&format!("update videos set status = 'failed' where id = '{id}'"));
    let before = world.row(id);

    world.deliver(SECRET_KEY, &history, &sent[1..]).await;

    assert_eq!(world.row(id), before);
}

#[tokio::test]
async fn a_row_that_the_frontend_made_is_gone_on_with() {
    let world = World::shared();
    let history = History::named("frontend").on_to(JobState::Rendered);
    let id = history.id();
    world.postgres.sql(&format!(
        "insert into videos (id, user_id, photo_url_s3, status)
         values ('{id}', '{OWNER}', 'https://cdn.test/villa.jpg', 'pending')"
    ));

    world.deliver_in_order(SECRET_KEY, &history).await;

    let row = world.row(id).expect("a row");
    assert_eq!((&row["status"], &row["event_seq"]), (&json!("rendered"), &json!(6)));
}
