//! A customer of a fake.

use std::time::Duration;

use fake_providers::{Fake, Name, RUNWAY_VERSION, Switches, contract};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};

/// What stands for a clip here.
pub(crate) const CLIP: &[u8] = b"....ftypisom....mdat the frames of a clip ....moov";
/// What stands for a photo here.
pub(crate) const PHOTO: &[u8] = b"\xff\xd8\xff a photo";

/// A customer of one provider.
pub(crate) struct Visitor {
    pub(crate) fake: Fake,
    pub(crate) http: Client,
    name: Name,
}

impl Visitor {
    pub(crate) async fn of(name: Name) -> Self {
        Self::to(name, Switches::default()).await
    }

    pub(crate) async fn to(name: Name, switches: Switches) -> Self {
        let fake = Fake::start(CLIP.to_vec()).await.expect("a port");
        fake.set(name, switches);
        let http = Client::builder().no_proxy().build().expect("a client");
        Self { fake, http, name }
    }

    /// A request with the key, to a path of the provider or a whole URL.
    pub(crate) fn ask(&self, method: Method, path: &str) -> RequestBuilder {
        let whole = path.starts_with("http");
        let url = if whole { path.to_owned() } else { self.fake.base(self.name) + path };
        let request =
            self.http.request(method, url).header("authorization", self.name.authorization());
        match self.name {
            Name::Runway => request.header("x-runway-version", RUNWAY_VERSION),
            _ => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        read(self.ask(Method::GET, path).send().await.expect("an answer")).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        read(self.ask(Method::POST, path).json(body).send().await.expect("an answer")).await
    }

    /// Places the order of the contract, with some of it changed.
    pub(crate) async fn order(&self, changes: Value) -> (u16, Value) {
        let (path, body) = self.request(&changes);
        self.post(&path, &body).await
    }

    /// Tries to place an order.
    pub(crate) async fn try_order(&self) -> reqwest::Result<Response> {
        let (path, body) = self.request(&json!({}));
        self.ask(Method::POST, &path).json(&body).send().await
    }

    /// Fetches without the key.
    pub(crate) async fn fetch(&self, url: &str) -> Response {
        self.http.get(url).send().await.expect("an answer")
    }

    fn request(&self, changes: &Value) -> (String, Value) {
        let mut request = contract(self.name, "submit.request");
        let mut body = request["body"].take();
        for (key, value) in changes.as_object().expect("changes") {
            body[key] = value.clone();
        }
        let path = request["path"].as_str().expect("a path").to_owned();
        let path = path.split('?').next().expect("a path").to_owned();
        if self.name == Name::Replicate && changes.get("webhook").is_none() {
            body["webhook"].take();
        }
        (path, body)
    }
}

async fn read(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let bytes = response.bytes().await.expect("a body");
    (status, serde_json::from_slice(&bytes).unwrap_or_default())
}

/// A text of a JSON answer.
pub(crate) fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

pub(crate) async fn pause(ms: u64) {
    tokio::time::sleep(Duration::from_millis(ms)).await;
}
