use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{Response, StatusCode, header};
use domain::{Job, JobState, Step};
use futures::StreamExt;
use ports::JobStore;
use serde_json::{Value, json};
use testkit::{Fuse, Moment, samples};
use tokio::time::Instant;
use tower::ServiceExt;

use crate::test_crash::dying;
use crate::test_world::{World, answer, request};
use crate::{Caller, Rules};

const MINUTE: Duration = Duration::from_mins(1);

async fn connect(caller: &World, job: &Job, headers: &[(&str, &str)]) -> Response<Body> {
    let path = format!("/api/jobs/{}/events", job.id);
    let headers = [headers, &[("accept", "text/event-stream")]].concat();
    let request = request("GET", &path, &headers, &Value::Null);
    caller.router().oneshot(request).await.expect("a router never fails")
}

/// One event, or a comment: its fields.
#[derive(Debug, Default, PartialEq)]
struct Told {
    id: String,
    event: String,
    data: Value,
    retry: String,
    comment: String,
}

impl Told {
    fn name(&self) -> &str {
        if self.event.is_empty() {
            self.data["type"].as_str().unwrap_or_default()
        } else {
            &self.event
        }
    }
}

/// What a stream tells, as a browser reads it.
struct Reader(BodyDataStream);

impl Reader {
    async fn of(caller: &World, job: &Job, headers: &[(&str, &str)]) -> Self {
        let response = connect(caller, job, headers).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self(response.into_body().into_data_stream())
    }

    async fn next(&mut self) -> Option<Told> {
        let bytes = self.0.next().await?.expect("a part");
        let text = String::from_utf8(bytes.to_vec()).expect("UTF-8");
        let mut told = Told::default();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let (name, value) = line.split_once(':').expect("a field");
            let value = value.trim_start().to_owned();
            match name {
                "id" => told.id = value,
                "event" => told.event = value,
                "data" => told.data = serde_json::from_str(&value).expect("JSON"),
                "retry" => told.retry = value,
                _ => told.comment = value,
            }
        }
        Some(told)
    }

    /// Everything until the end, without comments.
    async fn all(mut self) -> Vec<Told> {
        let mut all = Vec::new();
        while let Some(told) = self.next().await {
            if told.comment.is_empty() {
                all.push(told);
            }
        }
        all
    }
}

/// Number and type of each; only the end has a name.
fn names(all: &[Told]) -> Vec<(&str, &str)> {
    all.iter().map(|told| (told.id.as_str(), told.name())).collect()
}

#[tokio::test(start_paused = true)]
async fn a_stream_tells_every_fact_in_order_as_it_happens_and_ends_with_the_job() {
    let world = World::default();
    let job = world.job_in(JobState::Pending).await;
    let reader = Reader::of(&world.user("user-1"), &job, &[]).await;
    let happens = async {
        let mut job = job.clone();
        for step in samples::steps_to(&job, JobState::Rendered) {
            tokio::time::sleep(Duration::from_millis(1_300)).await;
            job = world.step(&job, &step).await;
        }
    };

    let (all, ()) = tokio::join!(reader.all(), happens);

    assert_eq!(all[0].retry, "1000");
    assert_eq!(
        names(&all[1..]),
        [
            ("1", "JobCreated.v1"),
            ("2", "PhotoAccepted.v1"),
            ("3", "GenerationStarted.v1"),
            ("4", "LtxDone.v1"),
            ("5", "RenderStarted.v1"),
            ("6", "Rendered.v1"),
            ("6", "end"),
        ]
    );
    let states: Vec<_> = all[1..].iter().map(|told| told.data["state"].as_str()).collect();
    assert_eq!(
        states,
        ["pending", "queued", "generating", "ltx_done", "rendering", "rendered", "rendered"]
            .map(Some)
    );
    let rendered = &all[6].data;
    assert_eq!((&rendered["seq"], &rendered["type"]), (&json!(6), &json!("Rendered.v1")));
    assert_eq!(rendered["data"]["jobId"], job.id.to_string());
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_behind_what_was_seen() {
    let world = World::default();
    let job = world.job_in(JobState::Rendered).await;
    let user = world.user("user-1");

    let all = Reader::of(&user, &job, &[("last-event-id", "4")]).await.all().await;

    assert_eq!(names(&all[1..]), [("5", "RenderStarted.v1"), ("6", "Rendered.v1"), ("6", "end")]);
    assert_eq!(
        (all[1].event.as_str(), all[3].event.as_str()),
        ("", "end"),
        "onmessage hears facts"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_has_seen_the_end_is_told_not_to_come_back() {
    let world = World::default();
    let job = world.job_in(JobState::Rendered).await;
    let user = world.user("user-1");

    let seen = connect(&user, &job, &[("last-event-id", "6")]).await;
    let wrong = connect(&user, &job, &[("last-event-id", "six")]).await;

    assert_eq!(seen.status(), StatusCode::NO_CONTENT);
    assert_eq!(wrong.status(), StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(start_paused = true)]
async fn another_rendering_after_the_end_is_news_again() {
    let world = World::default();
    let job = world.job_in(JobState::Rendered).await;
    let rerender = Step::Rerender(samples::rerender(job.id, "again"));
    let again = world.step(&job, &rerender).await;
    let user = world.user("user-1");

    let mut reader = Reader::of(&user, &again, &[("last-event-id", "6")]).await;
    reader.next().await.expect("the retry");
    let told = reader.next().await.expect("news");

    assert_eq!((told.id.as_str(), told.name()), ("7", "RenderRequested.v1"));
    let quiet = tokio::time::timeout(Duration::from_secs(10), reader.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_never_silent_for_longer_than_fifteen_seconds() {
    let world = World::default();
    let job = world.job_in(JobState::Queued).await;
    let mut reader = Reader::of(&world.user("user-1"), &job, &[("last-event-id", "2")]).await;
    reader.next().await.expect("the retry");
    let began = Instant::now();

    for beat in 1..=3 {
        let told = reader.next().await.expect("alive");
        assert_eq!(told, Told { comment: "still here".to_owned(), ..Told::default() });
        assert_eq!(began.elapsed(), Duration::from_secs(15 * beat));
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_ends_after_a_while_without_an_end() {
    let rules = Rules { stream_for: MINUTE, ..Rules::default() };
    let world = World::with(|api| api.rules = rules);
    let job = world.job_in(JobState::Queued).await;
    let reader = Reader::of(&world.user("user-1"), &job, &[]).await;
    let began = Instant::now();

    let all = reader.all().await;

    assert_eq!(began.elapsed(), MINUTE);
    assert_eq!(names(&all[1..]), [("1", "JobCreated.v1"), ("2", "PhotoAccepted.v1")]);
}

#[tokio::test(start_paused = true)]
async fn behind_a_gateway_of_whole_answers_a_stream_ends_with_the_first_news() {
    let rules = Rules { stream_ends_with_news: true, stream_for: MINUTE, ..Rules::default() };
    let world = World::with(|api| api.rules = rules);
    let job = world.job_in(JobState::Queued).await;
    let user = world.user("user-1");
    let began = Instant::now();

    let first = Reader::of(&user, &job, &[]).await.all().await;
    assert_eq!((names(&first[1..]).len(), began.elapsed()), (2, Duration::ZERO));

    let reader = Reader::of(&user, &job, &[("last-event-id", "2")]).await;
    let happens = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        world.step(&job, &Step::StartGenerating { provider: "ready".to_owned() }).await;
    };
    let (second, ()) = tokio::join!(reader.all(), happens);
    assert_eq!(names(&second[1..]), [("3", "GenerationStarted.v1")]);
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_removal_in_between_is_the_last_news() {
    let world = World::default();
    let job = world.job_in(JobState::Rendered).await;
    let rerender = Step::Rerender(samples::rerender(job.id, "again"));
    let again = world.step(&job, &rerender).await;
    let user = world.user("user-1");
    let reader = Reader::of(&user, &again, &[("last-event-id", "7")]).await;
    let happens = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        world.step(&again, &Step::Cancel).await;
        let path = format!("/api/jobs/{}", job.id);
        user.call("DELETE", &path, Value::Null).await;
        // As the sweep does in the end.
        world.api.chronicle.jobs.forget(&world.row(&job)).await.expect("forgotten");
    };

    let (all, ()) = tokio::join!(reader.all(), happens);

    // What happened in between is forgotten with the job.
    assert_eq!(names(&all[1..]), [("9", "JobDeleted.v1"), ("9", "end")]);
    let back = connect(&user, &again, &[("last-event-id", "9")]).await;
    assert_eq!(back.status(), StatusCode::NO_CONTENT);
    assert_eq!(connect(&user, &again, &[]).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test(start_paused = true)]
async fn nobody_looks_at_a_job_any_more_when_the_client_is_gone() {
    let world = World::default();
    let job = world.job_in(JobState::Queued).await;
    let user = world.user("user-1");
    let held = Arc::strong_count(&world.api);

    let mut reader = Reader::of(&user, &job, &[]).await;
    reader.next().await.expect("the retry");
    assert!(Arc::strong_count(&world.api) > held);
    drop(reader);

    assert_eq!(Arc::strong_count(&world.api), held);
}

#[tokio::test(start_paused = true)]
async fn a_browser_reads_a_stream_with_a_ticket() {
    let world = World::default();
    let job = world.job_in(JobState::Rendered).await;
    let path = format!("/api/jobs/{}/events-ticket", job.id);
    let (_, _, body) = world.user("user-1").call("POST", &path, Value::Null).await;
    let url = body["url"].as_str().expect("an address");
    let request = request("GET", url, &[("accept", "text/event-stream")], &Value::Null);

    let response = world.router().oneshot(request).await.expect("an answer");

    let all = Reader(response.into_body().into_data_stream()).all().await;
    assert_eq!(names(&all).last(), Some(&("6", "end")));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_breaks_off_is_gone_on_with_by_the_next() {
    let world = World::default();
    let job = world.job_in(JobState::Queued).await;
    let fuse = Fuse::new(1, Moment::Before);
    let broken = dying(&world, Caller::User("user-1".to_owned()), &fuse);
    let path = format!("/api/jobs/{}", job.id);
    let to = |method: &str, path: &str| {
        request(method, path, &[("accept", "text/event-stream")], &Value::Null)
    };
    let stream = broken.clone().oneshot(to("GET", &format!("{path}/events"))).await;
    let reader = Reader(stream.expect("an answer").into_body().into_data_stream());
    answer(broken, to("POST", &format!("{path}/cancel"))).await;
    assert!(fuse.blown());

    let told = reader.all().await;
    world.step(&job, &Step::Cancel).await;
    let rest = Reader::of(&world.user("user-1"), &job, &[("last-event-id", "2")]).await;

    assert_eq!(names(&told[1..]), [("1", "JobCreated.v1"), ("2", "PhotoAccepted.v1")]);
    assert_eq!(names(&rest.all().await[1..]), [("3", "JobCancelled.v1"), ("3", "end")]);
}
