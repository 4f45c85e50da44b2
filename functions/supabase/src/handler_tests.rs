//! What becomes of the row.

mod orders;

use domain::{Job, JobState, Stage, Step};
use events::BusEvent;
use ports::{HandleRecord, Handled};
use serde_json::{Value, json};
use testkit::{InMemoryJobs, Moment, samples};

use crate::fake_rows::InMemoryRows;
use crate::history::{History, OWNER, failure, redrive, rerender};
use crate::{RowsError, Supabase, SupabaseError};

fn new() -> History {
    History::named("villa")
}

/// After everything that leads to `state`.
fn to(state: JobState) -> History {
    new().on_to(state)
}

/// The table after all of a job, in order, each fact as soon as it has happened.
async fn in_order(history: &History) -> InMemoryRows {
    let rows = InMemoryRows::default();
    for told in history.sent() {
        deliver(&rows, &told.job, &told.event).await;
    }
    rows
}

fn handler(rows: &InMemoryRows, job: &Job) -> Supabase<InMemoryRows, InMemoryJobs> {
    Supabase { rows: rows.clone(), jobs: InMemoryJobs::default().with(job) }
}

/// Delivers a fact while the job is as given.
async fn deliver(rows: &InMemoryRows, job: &Job, event: &BusEvent) {
    let handled = handler(rows, job).handle(event).await.expect("handled");
    assert_eq!(handled, Handled::Done);
}

#[tokio::test]
async fn a_good_job_fills_its_row_step_by_step() {
    let history = to(JobState::Rendered);
    let rows = InMemoryRows::default();
    let mut statuses = vec![];

    for told in history.sent() {
        deliver(&rows, &told.job, &told.event).await;
        statuses.push(rows.row(history.id()).expect("a row")["status"].clone());
    }

    let (id, row) = (history.id(), rows.row(history.id()).expect("a row"));
    assert_eq!(statuses, ["pending", "pending", "ltx_done", "rendered"]);
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
        "created_at": "2026-11-20T10:00:00.000Z",
        "updated_at": "2026-11-20T10:00:05.000Z",
    });
    assert_eq!(row, expected);
    assert_eq!(rows.calls(), ["insert", "change", "change", "change"]);
}

#[tokio::test]
async fn a_bad_job_says_why_there_is_no_video() {
    for (end, state, reason) in [
        (failure(Stage::Ltx), "failed", "the photo is too small"),
        (Step::Cancel, "cancelled", "the job was called off"),
        (Step::Expire, "expired", "the photo did not come in time"),
    ] {
        let history = new().then(&end);

        let row = in_order(&history).await.row(history.id()).expect("a row");

        assert_eq!((&row["status"], &row["job_state"]), (&json!("failed"), &json!(state)));
        assert_eq!(row["failure_reason"], reason);
    }
}

#[tokio::test]
async fn a_job_that_is_tried_again_is_where_it_is_tried_again() {
    for (stage, status, state) in [
        (Stage::Ingest, "pending", "pending"),
        (Stage::Ltx, "pending", "queued"),
        (Stage::Render, "ltx_done", "ltx_done"),
    ] {
        let history = to(JobState::Rendering).then(&failure(stage)).then(&redrive(stage));

        let row = in_order(&history).await.row(history.id()).expect("a row");

        assert_eq!((&row["status"], &row["job_state"]), (&json!(status), &json!(state)));
        assert_eq!(row["failure_reason"], Value::Null);
    }
}

#[tokio::test]
async fn another_rendering_that_fails_leaves_the_video() {
    let requested = to(JobState::Rendered).then(&Step::Rerender(rerender()));
    let failed = requested.clone().then(&failure(Stage::Render));

    let meanwhile = in_order(&requested).await.row(requested.id()).expect("a row");
    let row = in_order(&failed).await.row(failed.id()).expect("a row");

    assert_eq!(meanwhile["status"], "ltx_done");
    assert_eq!(row["status"], "rendered");
    assert!(row["final_video_url_s3"].as_str().is_some_and(|url| url.ends_with("/out.mp4")));
}

#[tokio::test]
async fn a_repeated_creation_resets_nothing() {
    let history = to(JobState::Rendered);
    let rows = in_order(&history).await;
    let before = rows.row(history.id());

    deliver(&rows, history.job(), &history.fact("JobCreated.v1")).await;

    assert_eq!(rows.row(history.id()), before);
}

#[tokio::test]
async fn a_missing_row_is_made_as_the_job_is() {
    let history = to(JobState::Rendering);
    let rows = InMemoryRows::default();

    deliver(&rows, history.job(), &history.fact("PhotoAccepted.v1")).await;

    let row = rows.row(history.id()).expect("a row");
    assert_eq!((&row["status"], &row["event_seq"]), (&json!("ltx_done"), &json!(5)));
    assert_eq!((&row["job_state"], &row["user_id"]), (&json!("rendering"), &json!(OWNER)));
}

#[tokio::test]
async fn a_job_that_is_not_there_gets_no_row() {
    let history = to(JobState::Rendered);
    let rows = InMemoryRows::default();
    let handler = Supabase { rows: rows.clone(), jobs: InMemoryJobs::default() };

    for told in history.sent() {
        handler.handle(&told.event).await.expect("handled");
    }

    assert_eq!(rows.row(history.id()), None);
}

#[tokio::test]
async fn what_is_deleted_does_not_come_back() {
    let history = to(JobState::Rendered).then(&Step::Delete);
    let rows = in_order(&history).await;

    for told in history.sent() {
        deliver(&rows, history.job(), &told.event).await;
    }

    assert_eq!(rows.row(history.id()), None);
}

#[tokio::test]
async fn a_fact_that_is_stuck_behind_its_successor_is_caught_up_with() {
    let history = to(JobState::Generating).then(&failure(Stage::Ltx)).then(&redrive(Stage::Ltx));
    let history = history.then(&Step::StoreClip(samples::clip_made()));
    let rows = InMemoryRows::default();

    for detail_type in ["JobCreated.v1", "JobFailed.v1", "LtxDone.v1"] {
        deliver(&rows, history.job(), &history.fact(detail_type)).await;
    }

    assert_eq!(rows.row(history.id()), in_order(&history).await.row(history.id()));
}

#[tokio::test]
async fn a_row_that_somebody_else_changed_is_left_alone() {
    let history = to(JobState::Rendered);
    let rows = InMemoryRows::default();
    deliver(&rows, history.job(), &history.fact("JobCreated.v1")).await;
    rows.edit(history.id(), &json!({ "status": "failed" }));
    let before = rows.row(history.id());

    deliver(&rows, history.job(), &history.fact("LtxDone.v1")).await;
    deliver(&rows, history.job(), &history.fact("Rendered.v1")).await;

    assert_eq!(rows.row(history.id()), before);
}

#[tokio::test]
async fn a_row_that_the_frontend_made_is_ours_from_then_on() {
    let history = to(JobState::Rendered);
    let rows = InMemoryRows::default();
    let photo = "https://cdn.test/villa.jpg";
    let made = json!({ "status": "pending", "photo_url_s3": photo, "user_id": OWNER });
    rows.edit(history.id(), &made);

    for told in history.sent() {
        deliver(&rows, &told.job, &told.event).await;
    }

    let row = rows.row(history.id()).expect("a row");
    assert_eq!((&row["status"], &row["event_seq"]), (&json!("rendered"), &json!(6)));
}

#[tokio::test]
async fn a_row_that_changes_while_it_is_looked_at_is_looked_at_again() {
    let history = to(JobState::Rendered);
    let rows = InMemoryRows::default();
    deliver(&rows, history.job(), &history.fact("JobCreated.v1")).await;
    rows.edit(history.id(), &json!({ "status": "failed", "job_state": "failed" }));
    rows.meanwhile(2, history.id(), json!({ "status": "pending", "job_state": "pending" }));

    deliver(&rows, history.job(), &history.fact("LtxDone.v1")).await;

    assert_eq!(rows.row(history.id()).expect("a row")["status"], "ltx_done");
    assert_eq!(rows.calls(), ["insert", "change", "get", "change"]);
}

#[tokio::test]
async fn a_cut_line_is_a_fault_and_a_redelivery_mends_it() {
    let history = to(JobState::Generating).then(&failure(Stage::Ltx)).then(&redrive(Stage::Ltx));
    let expected = in_order(&history).await.row(history.id());

    for moment in [Moment::Before, Moment::After] {
        for at in 1..=6 {
            let rows = InMemoryRows::default();
            rows.break_at(at, moment);
            let handler = handler(&rows, history.job());
            for told in history.sent().into_iter().rev() {
                while let Err(fault) = handler.handle(&told.event).await {
                    assert!(!Supabase::<InMemoryRows, InMemoryJobs>::is_hopeless(&fault));
                    assert!(matches!(
                        fault,
                        SupabaseError::Rows { source: RowsError::Unanswered(_), .. }
                    ));
                }
            }
            assert_eq!(rows.row(history.id()), expected, "cut {moment:?} call {at}");
        }
    }
}

#[tokio::test]
async fn a_row_that_never_holds_still_is_a_fault() {
    let history = to(JobState::LtxDone);
    let rows = InMemoryRows::default();
    rows.edit(history.id(), &json!({ "status": "failed", "job_state": "failed", "event_seq": 1 }));
    // A table of jobs that is behind its facts.
    let behind = new();

    let fault = handler(&rows, behind.job()).handle(&history.fact("LtxDone.v1")).await;

    assert!(matches!(fault, Err(SupabaseError::Contended { job }) if job == history.id()));
}

#[tokio::test]
async fn events_of_others_are_hopeless_and_unknown_ones_mean_nothing() {
    let rows = InMemoryRows::default();
    let handler = handler(&rows, &samples::job());
    let event = |detail_type: &str, detail: Value| BusEvent {
        source: "stillmotion.api".to_owned(),
        detail_type: detail_type.to_owned(),
        detail,
    };
    let mut nameless = new().fact("JobCreated.v1");
    nameless.detail["jobId"] = json!("villa");
    let mut incomplete = new().fact("JobCreated.v1");
    incomplete.detail.as_object_mut().expect("an object").remove("uploadUrlS3");

    for foreign in [event("LtxDone.v1", json!({ "a": 1 })), nameless, incomplete] {
        let fault = handler.handle(&foreign).await.expect_err("foreign");
        assert!(Supabase::<InMemoryRows, InMemoryJobs>::is_hopeless(&fault), "{fault}");
    }
    for unknown in [event("JobSung.v1", json!({})), event("RenderStarted.v1", json!({}))] {
        assert_eq!(handler.handle(&unknown).await.expect("done"), Handled::Done);
    }
    handler.give_up(&event("LtxDone.v1", json!({})), "cause").await.expect("only told");
    assert!(rows.calls().is_empty());
}
