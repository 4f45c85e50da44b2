//! Facts as callers see them.

use domain::{Job, JobState, Step};
use events::{
    Event, Fact, GenerationStarted, JobCancelled, JobCreated, JobDeleted, JobExpired, JobFailed,
    JobRedriven, LtxDone, PhotoAccepted, PhotoRefused, RenderRequested, RenderStarted, Rendered,
    RerenderFailed, announce, rfc3339,
};
use ports::{History, JobStoreError};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One fact of the history of a job.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FactView {
    /// Its place in the history, from 1.
    pub(crate) seq: u64,
    /// What happened: a past-tense name and a version, such as `Rendered.v1`.
    #[serde(rename = "type")]
    pub(crate) kind: String,
    /// When it happened: RFC 3339, UTC, milliseconds.
    pub(crate) occurred_at: String,
    /// The state of the job from then on.
    pub(crate) state: String,
    /// Envelope and fact, as the bus and webhooks have them.
    #[schema(value_type = Object)]
    pub(crate) data: Value,
}

impl FactView {
    /// A fact about `job`.
    pub(crate) fn of(event: &Event, job: &Job) -> Self {
        let data: Value = serde_json::from_str(&event.detail).unwrap_or_default();
        let state = state_after(&event.detail_type, &data).unwrap_or(job.state);
        Self {
            seq: event.seq,
            kind: event.detail_type.clone(),
            occurred_at: rfc3339(event.occurred_at),
            state: state.to_string(),
            data,
        }
    }
}

/// The state of a job after a fact; none for a fact of a later version than this program.
fn state_after(detail_type: &str, data: &Value) -> Option<JobState> {
    Some(match detail_type {
        JobCreated::DETAIL_TYPE => JobState::Pending,
        PhotoAccepted::DETAIL_TYPE => JobState::Queued,
        GenerationStarted::DETAIL_TYPE => JobState::Generating,
        LtxDone::DETAIL_TYPE | RenderRequested::DETAIL_TYPE => JobState::LtxDone,
        RenderStarted::DETAIL_TYPE => JobState::Rendering,
        Rendered::DETAIL_TYPE | RerenderFailed::DETAIL_TYPE => JobState::Rendered,
        // The end of the job is stored with it.
        PhotoRefused::DETAIL_TYPE | JobFailed::DETAIL_TYPE => JobState::Failed,
        JobCancelled::DETAIL_TYPE => JobState::Cancelled,
        JobExpired::DETAIL_TYPE => JobState::Expired,
        JobDeleted::DETAIL_TYPE => JobState::Deleted,
        JobRedriven::DETAIL_TYPE => match data["stage"].as_str()? {
            "ingest" => JobState::Pending,
            "ltx" => JobState::Queued,
            _ => JobState::LtxDone,
        },
        _ => return None,
    })
}

/// The facts of `job` behind `after`, in order and without gaps.
///
/// Of a deleted job these are what is left of its history, and always its last fact.
///
/// # Errors
/// [`JobStoreError`].
pub(crate) async fn facts_behind<H: History>(
    history: &H,
    job: &Job,
    after: u64,
) -> Result<Vec<FactView>, JobStoreError> {
    if after >= job.seq {
        return Ok(Vec::new());
    }
    let mut events = history.events(job.id).await?;
    events.retain(|event| event.seq > after);
    if job.state == JobState::Deleted {
        if events.last().is_none_or(|last| last.seq < job.seq) {
            // Its history is forgotten, but the fact follows from the row, which is kept longer.
            events.extend(announce(job, job, &Step::Delete));
        }
    } else {
        let in_order = events.iter().zip(after + 1..).take_while(|(event, seq)| event.seq == *seq);
        events.truncate(in_order.count());
    }
    Ok(events.iter().map(|event| FactView::of(event, job)).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::{FailureKind, JobId, RenderId, Rerender, Stage};
    use events::{DETAIL_TYPES, WebhookEndpointDisabled, announce_creation};
    use testkit::samples;

    use super::*;

    /// Every fact about a job, with the state of the job that it was announced with.
    fn announced() -> BTreeMap<String, (JobState, Value)> {
        let mut facts = BTreeMap::new();
        let mut tell = |before: &Job, step: &Step| {
            let after = before.after(step, before.updated_at).expect("a legal step");
            for event in announce(before, &after, step) {
                let data = serde_json::from_str(&event.detail).expect("JSON");
                facts.insert(event.detail_type, (after.state, data));
            }
            after
        };
        let job = samples::job();
        let steps = samples::steps_to(&job, JobState::Rendered);
        let rendered = steps.iter().fold(job.clone(), |job, step| tell(&job, step));
        let render_id = RenderId::of_request(job.id, "r");
        let branding = job.order.branding.clone();
        let again = tell(&rendered, &Step::Rerender(Rerender { render_id, branding }));
        tell(&again, &Step::Cancel);
        tell(&job, &Step::Cancel);
        tell(&job, &Step::Expire);
        let refused = samples::failure(Stage::Ingest, FailureKind::Refused);
        let failed = tell(&job, &Step::Fail(refused));
        tell(&failed, &Step::Redrive { stage: Stage::Ltx, by: "ana".to_owned() });
        tell(&failed, &Step::Delete);
        let created = announce_creation(&job);
        let data = serde_json::from_str(&created.detail).expect("JSON");
        facts.insert(created.detail_type, (job.state, data));
        facts
    }

    #[test]
    fn the_state_after_each_fact_is_that_of_the_step_that_announced_it() {
        let announced = announced();

        for (kind, (state, data)) in &announced {
            assert_eq!(state_after(kind, data), Some(*state), "{kind}");
        }
        let mut kinds: Vec<_> = announced.keys().map(String::as_str).collect();
        kinds.push(WebhookEndpointDisabled::DETAIL_TYPE);
        kinds.sort_unstable();
        let mut known = DETAIL_TYPES;
        known.sort_unstable();
        assert_eq!(kinds, known);
    }

    #[test]
    fn each_stage_that_is_tried_again_has_its_state() {
        for (stage, state) in [
            (Stage::Ingest, JobState::Pending),
            (Stage::Ltx, JobState::Queued),
            (Stage::Render, JobState::LtxDone),
        ] {
            let step = Step::Redrive { stage, by: String::new() };
            let data = serde_json::json!({ "stage": stage.to_string() });

            assert_eq!(step.after(JobState::Failed), Some(state));
            assert_eq!(state_after(JobRedriven::DETAIL_TYPE, &data), Some(state));
        }
    }

    /// A table that is read while it is written, or removed.
    struct Partial(Vec<Event>);

    impl History for Partial {
        async fn events(&self, _: JobId) -> Result<Vec<Event>, JobStoreError> {
            Ok(self.0.clone())
        }

        async fn unpublished(&self, _: JobId) -> Result<Vec<Event>, JobStoreError> {
            Ok(Vec::new())
        }

        async fn all_unpublished(&self, _: usize) -> Result<Vec<Event>, JobStoreError> {
            Ok(Vec::new())
        }

        async fn mark_published(&self, _: &Event) -> Result<(), JobStoreError> {
            Ok(())
        }
    }

    async fn behind(job: &Job, seqs: &[u64], after: u64) -> Vec<u64> {
        let created = announce_creation(&samples::job());
        let events = seqs.iter().map(|seq| Event { seq: *seq, ..created.clone() });
        let history = Partial(events.collect());
        let facts = facts_behind(&history, job, after).await.expect("read");
        facts.iter().map(|fact| fact.seq).collect()
    }

    #[tokio::test]
    async fn what_is_behind_a_gap_is_not_told_before_the_gap_is_closed() {
        let job = samples::job_in(JobState::Rendered);

        assert_eq!(behind(&job, &[1, 2, 3, 5, 6], 1).await, [2, 3]);
        assert_eq!(behind(&job, &[1, 2, 3, 5, 6], 3).await, [0; 0]);
        assert_eq!(behind(&job, &[1, 2, 3, 4, 5, 6, 7], 3).await, [4, 5, 6, 7]);
    }

    #[tokio::test]
    async fn of_a_deleted_job_the_last_fact_is_always_told() {
        let job = samples::job_in(JobState::Deleted);

        for left in [&[1, 2, 3][..], &[2, 3], &[3], &[]] {
            let told = behind(&job, left, 1).await;
            assert_eq!((told.last(), told.is_sorted()), (Some(&3), true), "{left:?}");
        }
        assert_eq!(behind(&job, &[], 3).await, [0; 0]);
    }
}
