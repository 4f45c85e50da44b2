//! `api`: the calls, through an HTTP API.

use std::time::Duration;

use api::{KeyName, create_service_key};
use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use domain::{JobId, JobState, Step, keys};
use hmac::{Hmac, Mac as _};
use ports::{Clock, Content, ObjectMeta, ObjectStore, SystemClock};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use testkit::samples;

use crate::deployed::Deployed;
use crate::events::{Call, From, http};
use crate::stage::{Stage, all_of};
use crate::vault::Vault;

const JWT_SECRET: &str = "a-secret-of-thirty-two-bytes-or-more";

/// A running `api`, and somebody who calls it.
struct Door {
    stage: Stage,
    api: Deployed,
    /// `Authorization` of a service.
    service: String,
    http: reqwest::Client,
}

/// An answer through the HTTP API.
#[derive(Debug)]
struct Answer {
    status: u64,
    body: Value,
}

impl Answer {
    #[track_caller]
    fn expect(self, status: u64) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }
}

impl Door {
    async fn open() -> Self {
        let stage = Stage::new().await;
        let name = KeyName::parse("shop").expect("a name");
        let now = SystemClock.now();
        let key = create_service_key(name, &stage.home.registers(), now).await.expect("a key");
        let vault = Vault::with("tokens", &[("SUPABASE_JWT_SECRET", JWT_SECRET)]);
        let setup = stage.setup("api").reading(&vault);
        let mut api = setup.with("STREAM_SECS", "1").start().await;
        api.keep_secret(JWT_SECRET);
        api.keep_secret(key.expose());
        let service = format!("Bearer {}", key.expose());
        Self { stage, api, service, http: reqwest::Client::new() }
    }

    /// Calls as the service.
    async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        self.call_as(&self.service, method, path, body).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.call("GET", path, Value::Null).await
    }

    async fn call_as(&self, who: &str, method: &str, target: &str, body: Value) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let body = if body.is_null() { Vec::new() } else { body.to_string().into_bytes() };
        let mut call = Call { query, body, ..Call::new(method, path) };
        call.headers.push(("content-type", "application/json".to_owned()));
        if !who.is_empty() {
            call.headers.push(("authorization", who.to_owned()));
        }
        let answer = self.api.invoke(&http(From::Sam, &call)).await;
        let answer = answer.unwrap_or_else(|error| panic!("{error:?}\n{}", self.api.written()));
        let text = answer["body"].as_str().unwrap_or_default();
        let body = match answer["isBase64Encoded"].as_bool() {
            Some(true) => BASE64_STANDARD.decode(text).expect("base64"),
            _ => text.as_bytes().to_vec(),
        };
        Answer {
            status: answer["statusCode"].as_u64().expect("a status"),
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        }
    }

    /// Does what is signed; how it is answered.
    async fn follow(&self, signed: &Value, body: &[u8]) -> u16 {
        let url = signed["url"].as_str().expect("an address");
        let mut request = self.http.put(url).body(body.to_vec());
        for (name, value) in signed["headers"].as_object().into_iter().flatten() {
            request = request.header(name, value.as_str().expect("text"));
        }
        request.send().await.expect("an answer").status().as_u16()
    }
}

/// `Authorization` of a user.
fn user(id: &str) -> String {
    let part = |json: Value| BASE64_URL_SAFE_NO_PAD.encode(json.to_string());
    let expires = SystemClock.now().plus(Duration::from_hours(1)).epoch_ms() / 1000;
    let claims =
        json!({ "sub": id, "aud": "authenticated", "exp": expires, "role": "authenticated" });
    let signed = format!("{}.{}", part(json!({ "alg": "HS256", "typ": "JWT" })), part(claims));
    let mut code = Hmac::<Sha256>::new_from_slice(JWT_SECRET.as_bytes()).expect("a key");
    code.update(signed.as_bytes());
    let code = BASE64_URL_SAFE_NO_PAD.encode(code.finalize().into_bytes());
    format!("Bearer {signed}.{code}")
}

fn sha256(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(bytes))
}

fn photo_intent(photo: &[u8]) -> Value {
    json!({
        "fileName": "villa.jpg",
        "contentType": "image/jpeg",
        "sizeBytes": photo.len(),
        "sha256": sha256(photo),
        "title": "Villa Azul",
        "options": { "duration": 1, "resolution": "320x180" },
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_says_how_it_is_to_everybody_and_lets_only_callers_in_that_it_knows() {
    let door = Door::open().await;

    for event in [From::Sam, From::Crate] {
        let answer = door.api.invoke(&http(event, &Call::new("GET", "/health"))).await;
        assert_eq!(answer.expect("an answer")["statusCode"], 200);
    }
    let ready = door.call_as("", "GET", "/ready", Value::Null).await.expect(200);
    assert!(ready.to_string().contains("media bucket"), "{ready}");
    door.call_as("", "GET", "/openapi.json", Value::Null).await.expect(200);

    let forged = user("user-1").replace("Bearer e", "Bearer f");
    for stranger in ["", "Bearer smk_shop_AAAA", &forged] {
        door.call_as(stranger, "GET", "/api/jobs", Value::Null).await.expect(401);
    }
    door.call_as(&user("user-1"), "GET", "/api/jobs", Value::Null).await.expect(200);
    door.get("/api/jobs?userId=user-1").await.expect(200);
    door.get("/nowhere").await.expect(404);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_photo_is_announced_uploaded_and_looked_after() {
    let door = Door::open().await;
    let photo = samples::photo_jpeg(64, 64);
    let caller = user("user-1");
    let intent = photo_intent(&photo);
    let granted =
        door.call_as(&caller, "POST", "/api/media/upload-intent", intent).await.expect(201);
    let job = granted["jobId"].as_str().expect("a job").to_owned();

    let other = vec![0; photo.len()];
    assert_eq!(door.follow(&granted["upload"], &other).await / 100, 4, "other bytes");
    assert_eq!(door.follow(&granted["upload"], &photo).await, 200);

    let told = door.stage.take_some("ingest").await;
    assert!(told[0].body.contains(&job), "{told:?}");
    let path = format!("/api/jobs/{job}");
    let as_user =
        async |method: &str, path: &str| door.call_as(&caller, method, path, Value::Null).await;
    assert_eq!(as_user("GET", &path).await.expect(200)["state"], "pending");
    let listed = as_user("GET", "/api/jobs?state=pending").await.expect(200);
    assert!(listed.to_string().contains(&job), "{listed}");
    as_user("GET", &format!("{path}/events?after=0&wait=1")).await.expect(200);
    let ticket = as_user("POST", &format!("{path}/events-ticket")).await.expect(200);
    let streamed = ticket["url"].as_str().expect("an address");
    door.call_as("", "GET", streamed, Value::Null).await.expect(200);
    as_user("GET", "/api/usage").await.expect(200);
    door.call_as(&user("user-2"), "GET", &path, Value::Null).await.expect(404);

    as_user("DELETE", &path).await.expect(409);
    assert_eq!(as_user("POST", &format!("{path}/cancel")).await.expect(202)["state"], "cancelled");
    as_user("POST", &format!("{path}/retry")).await.expect(409);
    let id = JobId::parse(&job).expect("an id");
    let prefixes = all_of(id, "user-1");
    for prefix in &prefixes {
        door.stage.put_photo(&format!("{prefix}left")).await;
    }
    as_user("DELETE", &path).await.expect(204);
    for prefix in &prefixes {
        assert_eq!(door.stage.keys(prefix).await, [""; 0], "{prefix} is removed");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logo_is_uploaded_and_a_large_file_in_parts_or_given_up() {
    let door = Door::open().await;
    let picture = samples::photo_jpeg(64, 64);
    let logo = json!({
        "fileName": "a.jpg", "contentType": "image/jpeg", "sizeBytes": picture.len(),
        "sha256": sha256(&picture), "purpose": "logo", "userId": "user-1",
    });
    let granted = door.call("POST", "/api/media/upload-intent", logo).await.expect(201);
    assert_eq!(door.follow(&granted["upload"], &picture).await, 200);
    assert_eq!(door.stage.keys("logos/").await, [granted["key"].as_str().expect("a key")]);

    let size: usize = 100_000_001;
    let intent = |purpose: &str, name: &str, kind: &str| {
        json!({
            "fileName": name, "contentType": kind, "sizeBytes": size, "purpose": purpose,
            "userId": "user-1",
        })
    };
    let music = intent("music", "a.mp3", "audio/mpeg");
    let granted = door.call("POST", "/api/media/upload-intent", music).await.expect(201);
    let upload = format!("/api/media/uploads/{}", granted["uploadId"].as_str().expect("an id"));
    let part_size = usize::try_from(granted["partSizeBytes"].as_u64().expect("a size"));
    let (part_size, content) = (part_size.expect("small"), vec![7; size]);
    let parts: Vec<_> = content.chunks(part_size).collect();
    let wanted: Vec<_> = parts
        .iter()
        .zip(1_u32..)
        .map(|(part, number)| json!({ "number": number, "sha256": sha256(part) }))
        .collect();
    let signed = door.call("POST", &format!("{upload}/parts"), json!({ "parts": wanted })).await;
    let signed = signed.expect(200)["parts"].as_array().expect("parts").clone();
    for (part, signed) in parts.iter().zip(&signed) {
        assert_eq!(door.follow(signed, part).await, 200);
    }
    assert_eq!(door.get(&upload).await.expect(200)["parts"].as_array().expect("parts").len(), 6);
    let stored = door.call("POST", &format!("{upload}/complete"), Value::Null).await.expect(200);
    let key = stored["key"].as_str().expect("a key");
    assert_eq!(door.stage.keys("music/").await, [key]);

    let logo = intent("logo", "a.png", "image/png");
    let refused = door.call("POST", "/api/media/upload-intent", logo).await;
    assert_eq!(refused.status, 422, "a logo is smaller: {}", refused.body);
    let photo = intent("music", "b.mp3", "audio/mpeg");
    let granted = door.call("POST", "/api/media/upload-intent", photo).await.expect(201);
    let upload = format!("/api/media/uploads/{}", granted["uploadId"].as_str().expect("an id"));
    door.call("DELETE", &upload, Value::Null).await.expect(204);
    assert_eq!(door.get(&upload).await.expect(200)["state"], "aborted");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn jobs_begin_with_what_is_there_or_elsewhere_and_are_rendered_again() {
    let door = Door::open().await;
    let stage = &door.stage;
    stage.put_photo("photos/earlier.jpg").await;
    stage.put_photo("uploads/dropped.jpg").await;
    let start = async |image: &str| {
        let body = json!({ "imageUrl": image, "userId": "user-1", "prompt": "over the pool" });
        door.call("POST", "/api/start-video-job", body).await.expect(202)
    };
    let there = start("photos/earlier.jpg").await;
    let elsewhere = start("https://photos.example/villa.jpg").await;
    start("uploads/dropped.jpg").await;
    let waiting = elsewhere["jobId"].as_str().expect("an id");
    let requests = stage.keys("fetch-requests/").await;
    assert!(requests.iter().any(|key| key.contains(waiting)), "{requests:?}");
    assert_ne!(there["jobId"], elsewhere["jobId"]);

    // A job with a video: shown with addresses that work, rendered again, with a logo that is there.
    let steps = samples::steps_to(&samples::job(), JobState::Rendered);
    let job = stage.begin("uploads/villa.jpg", samples::job().order, &steps).await;
    let user = samples::clip_made().to_metadata();
    let meta = ObjectMeta { content_type: "video/mp4".to_owned(), user };
    for key in [keys::photo(job.id), keys::clip(job.id), keys::video(job.id), keys::poster(job.id)]
    {
        stage.home.bucket().put(&key, Content::Bytes(b"media"), &meta).await.expect("put");
    }
    stage.put_photo("logos/user-1/logo.png").await;
    stage.put_photo("music/user-1/a.mp3").await;
    let shown = door.get(&format!("/api/jobs/{}", job.id)).await.expect(200);
    for medium in ["photo", "clip", "video", "poster"] {
        let url = shown["media"][medium]["url"].as_str().unwrap_or_else(|| panic!("{shown}"));
        let media = door.http.get(url).send().await.expect("an answer");
        assert_eq!(media.bytes().await.expect("bytes"), "media", "{medium}");
    }
    let again = json!({
        "jobId": job.id.to_string(), "title": "From May",
        "logoUrl": "logos/user-1/logo.png", "musicUrl": "music/user-1/a.mp3",
    });
    door.call("POST", "/api/render-final-video", again).await.expect(202);
    assert_eq!(stage.keys("render-requests/").await.len(), 1);
    let row = stage.job(job.id).await;
    assert_eq!(row.rerender.expect("a wish").branding.title.as_deref(), Some("From May"));
    door.call("POST", &format!("/api/jobs/{}/cancel", job.id), Value::Null).await.expect(202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_has_failed_is_tried_again_from_where_it_failed() {
    let door = Door::open().await;
    let stage = &door.stage;
    let fault = |at| Step::Fail(samples::failure(at, domain::FailureKind::Fault));
    for (queue, state) in
        [("ingest", JobState::Pending), ("ltx", JobState::Queued), ("render", JobState::LtxDone)]
    {
        let key = format!("uploads/{queue}.jpg");
        let photo = stage.put_photo(&key).await;
        let mut steps = samples::steps_to(&samples::job(), state);
        steps.push(fault(domain::Stage::Ltx));
        let job = stage.begin_as(photo.job(), &key, samples::job().order, &steps).await;
        let user = samples::clip_made().to_metadata();
        let meta = ObjectMeta { content_type: "x/x".to_owned(), user };
        if state >= JobState::Queued {
            stage.put_photo(keys::photo(job.id).as_str()).await;
        }
        if state == JobState::LtxDone {
            let clip = keys::clip(job.id);
            stage.home.bucket().put(&clip, Content::Bytes(b"clip"), &meta).await.expect("put");
        }
        stage.take(queue).await;

        let retry = format!("/api/jobs/{}/retry", job.id);
        let retried = door.call("POST", &retry, Value::Null).await.expect(202);

        assert_eq!(retried["stage"], queue, "{retried}");
        let sent = stage.take_some(queue).await;
        assert!(
            sent.iter().any(|it| it.body.contains(&job.id.to_string()) || it.body.contains(&key))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_wants_to_be_told_says_so_and_can_have_it_told_again() {
    let door = Door::open().await;
    let stage = &door.stage;
    let body = json!({ "url": "https://hooks.example/villa", "userId": "user-1" });
    let made = door.call("POST", "/api/webhook-endpoints", body).await.expect(201);
    let id = made["id"].as_str().expect("an id").to_owned();
    let one = format!("/api/webhook-endpoints/{id}");
    let of_user = "?userId=user-1";
    // An event is told of by notify, whose rows are what is shown and told again.
    let job = stage.begin("uploads/villa.jpg", samples::job().order, &[]).await;
    let event = &stage.history(job.id).await[0];
    let notify = stage.setup("notify").start().await;
    let told = crate::events::Message::new("m", crate::events::on_the_bus(event));
    assert_eq!(notify.failed_of(&crate::events::batch("notify", &[told])).await, [""; 0]);
    stage.take_some("deliver").await;

    let listed = door.get(&format!("/api/webhook-endpoints{of_user}")).await.expect(200);
    assert!(listed.to_string().contains(&id), "{listed}");
    door.get(&format!("{one}{of_user}")).await.expect(200);
    let deliveries = door.get(&format!("{one}/deliveries{of_user}")).await.expect(200);
    assert!(deliveries.to_string().contains(&event.id.to_string()), "{deliveries}");
    let replay = format!("{one}/deliveries/{}/replay{of_user}", event.id);
    door.call("POST", &replay, Value::Null).await.expect(202);
    assert!(stage.take_some("deliver").await[0].body.contains(&event.id.to_string()));
    let since = format!("{one}/replay{of_user}&since=2020-01-01T00:00:00Z");
    door.call("POST", &since, Value::Null).await.expect(202);
    door.call("POST", &format!("{one}/rotate-secret{of_user}"), Value::Null).await.expect(200);
    door.call("POST", &format!("{one}/enable{of_user}"), Value::Null).await.expect(200);
    door.call("DELETE", &format!("{one}{of_user}"), Value::Null).await.expect(204);
    door.get(&format!("{one}{of_user}")).await.expect(404);
}
