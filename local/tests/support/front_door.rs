//! The program up, and a caller at its front door.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use ports::ObjectStore as _;
use reqwest::header::{HeaderMap, HeaderName};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

use super::{PATIENCE, Ports, Up, free_port, small_photo, stillmotion, text, until, up_at};

/// How long a caller waits for news at a time, in seconds.
const WAIT_SECS: u32 = 20;

/// The setting that `./stillmotion test` makes.
///
/// # Panics
/// If it is missing.
pub(crate) fn installed(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run ./stillmotion test"))
}

/// SHA-256, in base64.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(Sha256::digest(bytes))
}

/// What the front door answers.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// The body; null if it is not JSON.
    pub(crate) body: Value,
}

impl Answer {
    /// The body of an answer with this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// What kind of problem it is.
    pub(crate) fn problem(&self) -> &str {
        let kind = self.body["type"].as_str().unwrap_or_default();
        kind.strip_prefix("urn:stillmotion:problem:").unwrap_or(kind)
    }
}

/// The program with an open front door, killed without a word when it is dropped.
pub(crate) struct FrontDoor {
    pub(crate) up: Up,
    pub(crate) data: PathBuf,
    pub(crate) photo: Vec<u8>,
    http: reqwest::Client,
    ports: Ports,
    arguments: Vec<String>,
    _folder: TempDir,
}

impl FrontDoor {
    /// Up with these arguments beside its ports, and nothing in its folder.
    pub(crate) fn open(arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        // They stay the same when it is brought up again: what is signed names them.
        let ports = Ports { cloud: free_port(), api: free_port() };
        let arguments: Vec<_> = arguments.iter().map(|text| (*text).to_owned()).collect();
        Self {
            up: start(ports, &data, &arguments),
            data,
            photo: small_photo(),
            http: reqwest::Client::new(),
            ports,
            arguments,
            _folder: folder,
        }
    }

    /// Kills it without a word.
    pub(crate) fn kill(&mut self) {
        self.up.kill();
    }

    /// Brings it up again, where it was.
    pub(crate) fn rise(&mut self) {
        self.up = start(self.ports, &self.data, &self.arguments);
    }

    /// A key, as an operator makes it.
    pub(crate) fn key(&self, name: &str) -> String {
        let mut command = stillmotion();
        let output = command.args(["key", "create", name, "--data"]).arg(&self.data).output();
        let output = output.expect("it runs");
        assert!(output.status.success(), "{}", text(&output.stderr));
        text(&output.stdout).trim().to_owned()
    }

    /// Where the API answers.
    pub(crate) fn api(&self) -> String {
        format!("http://127.0.0.1:{}", self.ports.api)
    }

    /// A request that nobody has sent yet.
    pub(crate) fn request(&self, method: &Method, path: &str) -> RequestBuilder {
        self.http.request(method.clone(), format!("{}{path}", self.api())).timeout(PATIENCE)
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request(&Method::GET, path)).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        answer(self.request(&Method::DELETE, path)).await
    }

    /// A POST without a body.
    pub(crate) async fn ask(&self, path: &str) -> Answer {
        answer(self.request(&Method::POST, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        answer(self.request(&Method::POST, path).json(body)).await
    }

    /// As [`Self::post`], so that it may be sent again under `key`.
    pub(crate) async fn post_once(&self, path: &str, key: &str, body: &Value) -> Answer {
        let request = self.request(&Method::POST, path).header("idempotency-key", key);
        answer(request.json(body)).await
    }

    /// The announcement of the photo.
    pub(crate) fn intent(&self) -> Value {
        json!({
            "fileName": "villa.jpg", "contentType": "image/jpeg",
            "sizeBytes": self.photo.len(), "sha256": sha256(&self.photo),
            "title": "Villa", "options": { "duration": 2, "resolution": "640x360" },
        })
    }

    /// Uploads the photo as an answer to its announcement says; the status of the bucket.
    pub(crate) async fn put(&self, grant: &Value) -> u16 {
        let upload = &grant["upload"];
        let mut request = self.http.put(upload["url"].as_str().expect("a url"));
        for (name, value) in upload["headers"].as_object().expect("headers") {
            let name: HeaderName = name.parse().expect("a name");
            request = request.header(name, value.as_str().expect("text"));
        }
        let answer = request.body(self.photo.clone()).send().await.expect("an answer");
        answer.status().as_u16()
    }

    /// Has a video made of the photo; its job, which has not ended yet.
    pub(crate) async fn begin(&self) -> String {
        let grant = self.post("/api/media/upload-intent", &self.intent()).await.expect(201);
        assert_eq!(self.put(&grant).await, 200);
        grant["jobId"].as_str().expect("a job").to_owned()
    }

    /// Everything that is known of a job.
    pub(crate) async fn job(&self, id: &str) -> Value {
        self.get(&format!("/api/jobs/{id}")).await.expect(200)
    }

    /// Waits until a job has ended behind the fact `after`; everything that is known of it then.
    pub(crate) async fn ended(&self, id: &str, after: u64) -> Value {
        let mut after = after;
        let waiting = async {
            loop {
                let path = format!("/api/jobs/{id}/events?after={after}&wait={WAIT_SECS}");
                let news = self.get(&path).await.expect(200);
                after = news["seq"].as_u64().expect("a number");
                let is_new = news["events"].as_array().is_some_and(|events| !events.is_empty());
                if is_new && news["ended"] == true {
                    return;
                }
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, waiting).await;
        in_time.unwrap_or_else(|_| panic!("job {id} does not end"));
        self.job(id).await
    }

    /// Waits until the fact `seq` has happened to a job.
    pub(crate) async fn reached(&self, id: &str, seq: u64) {
        until("a fact", async || self.job(id).await["seq"].as_u64().filter(|it| *it >= seq)).await;
    }

    /// GETs what is signed at `url`: status and bytes.
    pub(crate) async fn download(&self, url: &Value) -> (u16, Vec<u8>) {
        let url = url.as_str().unwrap_or_else(|| panic!("no url: {url}"));
        let answer = self.http.get(url).send().await.expect("an answer");
        (answer.status().as_u16(), answer.bytes().await.expect("bytes").into())
    }

    /// Every key in the bucket.
    pub(crate) async fn keys(&self) -> Vec<String> {
        let listed = self.up.home.bucket().list("", None).await.expect("a list");
        listed.into_iter().map(|listed| listed.key.to_string()).collect()
    }
}

/// Sends a request.
pub(crate) async fn answer(request: RequestBuilder) -> Answer {
    let answer = request.send().await.expect("an answer");
    let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
    let bytes = answer.bytes().await.expect("bytes");
    Answer { status, headers, body: serde_json::from_slice(&bytes).unwrap_or_default() }
}

fn start(ports: Ports, data: &Path, arguments: &[String]) -> Up {
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    up_at(ports, data, &[], &arguments)
}
