//! Every order of the facts of a job leads to the same row.

use domain::{Job, JobState, Stage, Step};
use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof};
use proptest::proptest;
use serde_json::Value;
use testkit::samples;

use super::{deliver, in_order, new, to};
use crate::fake_rows::InMemoryRows;
use crate::history::{History, Told, another_video, failure, redrive, rerender};

/// How much further a job may be than the newest fact that was delivered.
#[derive(Clone, Copy, Debug)]
enum Jobs {
    /// Not at all.
    JustAhead,
    /// Everything has happened before anything is delivered.
    AtTheEnd,
}

/// Six facts at most: 720 orders.
fn histories() -> Vec<History> {
    let rendered = to(JobState::Rendered);
    let requested = rendered.clone().then(&Step::Rerender(rerender()));
    let without_clip = to(JobState::Generating).then(&failure(Stage::Ltx));
    let without_video = to(JobState::Rendering).then(&failure(Stage::Render));
    vec![
        rendered.clone(),
        to(JobState::Failed),
        to(JobState::Expired),
        to(JobState::Generating).then(&Step::Cancel),
        without_video.clone(),
        without_clip.clone().then(&redrive(Stage::Ltx)),
        without_clip.then(&redrive(Stage::Ltx)).then(&Step::StoreClip(samples::clip_made())),
        without_video.clone().then(&redrive(Stage::Render)),
        without_video.then(&Step::Rerender(rerender())).then(&another_video()),
        requested.clone(),
        requested.clone().then(&another_video()),
        requested.then(&failure(Stage::Render)),
        rendered.then(&Step::Delete),
    ]
}

/// Every order of `items`, one after the other (Heap's algorithm).
fn each_order<T>(items: &mut [T], k: usize, see: &mut impl FnMut(&[T])) {
    if k <= 1 {
        return see(items);
    }
    for i in 0..k {
        each_order(items, k - 1, see);
        items.swap(if k.is_multiple_of(2) { i } else { 0 }, k - 1);
    }
}

/// Delivers facts in this order, each with the job at least as far as the newest of them, and sees
/// to it that the row never goes back.
async fn deliver_all(told: &[Told], end: &Told, jobs: Jobs) -> Option<Value> {
    let rows = InMemoryRows::default();
    let id = end.job.id;
    let mut newest = &told[0].job;
    let mut seq = 0;
    for Told { event, job } in told {
        newest = if job.seq > newest.seq { job } else { newest };
        let job = if matches!(jobs, Jobs::AtTheEnd) { &end.job } else { newest };
        deliver(&rows, job, event).await;

        let now = rows.row(id).and_then(|row| row["event_seq"].as_u64());
        assert!(now.is_none_or(|now| now >= seq), "{} after {seq}", now.unwrap_or_default());
        seq = now.unwrap_or(seq);
    }
    rows.row(id)
}

#[test]
fn every_order_with_repeats_ends_in_the_same_row() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for history in histories() {
        let expected = runtime.block_on(in_order(&history)).row(history.id());
        let (mut sent, end) = (history.sent(), history.0.last().expect("a fact").clone());
        let count = sent.len();

        each_order(&mut sent, count, &mut |order| {
            let repeated = [order, order].concat();
            for jobs in [Jobs::JustAhead, Jobs::AtTheEnd] {
                let row = runtime.block_on(deliver_all(&repeated, &end, jobs));
                let types = order.iter().map(|told| told.event.detail_type.clone());
                assert_eq!(row, expected, "{jobs:?} {:?}", types.collect::<Vec<_>>());
            }
        });
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let stage = || prop_oneof![Just(Stage::Ingest), Just(Stage::Ltx), Just(Stage::Render)];
    let steps = samples::steps_to(&samples::job(), JobState::Rendered);
    prop_oneof![
        6 => prop::sample::select(steps),
        1 => stage().prop_map(failure),
        2 => stage().prop_map(redrive),
        1 => Just(Step::Rerender(rerender())),
        1 => Just(another_video()),
        1 => prop_oneof![Just(Step::Cancel), Just(Step::Expire), Just(Step::Delete)],
    ]
}

/// Whether it can come next: what is tried again has what it works on.
fn can_follow(job: &Job, step: &Step) -> bool {
    let has_input = match step {
        Step::Redrive { stage: Stage::Ltx, .. } => job.photo.is_some(),
        Step::Redrive { stage: Stage::Render, .. } => job.clip.is_some(),
        _ => true,
    };
    has_input && job.after(step, job.updated_at).is_ok()
}

/// What of a row the rest of the business reads: of what has only begun no fact is sent.
fn read_by_others(row: Option<Value>) -> Option<Value> {
    row.map(|mut row| {
        let columns = row.as_object_mut().expect("columns");
        for ours in ["event_seq", "job_state", "updated_at"] {
            columns.remove(ours);
        }
        row
    })
}

proptest! {
    #[test]
    fn whatever_happens_to_a_job_and_however_it_is_told(
        steps in prop::collection::vec(steps(), 0..40),
        order in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        at_the_end in any::<bool>(),
    ) {
        let mut history = new();
        for step in &steps {
            if can_follow(history.job(), step) {
                history = history.then(step);
            }
        }
        let (sent, end) = (history.sent(), history.0.last().expect("a fact"));
        // Any of them at first, again and again; all that were left out at last.
        let mut told: Vec<_> = order.iter().map(|index| index.get(&sent).clone()).collect();
        told.extend(sent.iter().rev().cloned());
        let jobs = if at_the_end { Jobs::AtTheEnd } else { Jobs::JustAhead };

        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let row = runtime.block_on(deliver_all(&told, end, jobs));
        let again = runtime.block_on(deliver_all(&told, end, Jobs::AtTheEnd));
        let expected = runtime.block_on(in_order(&history)).row(history.id());

        prop_assert_eq!(read_by_others(row), read_by_others(expected.clone()));
        prop_assert_eq!(read_by_others(again), read_by_others(expected));
    }
}
