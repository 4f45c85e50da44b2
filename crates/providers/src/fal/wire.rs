//! What is sent to fal and what comes back.
//!
//! Source: fal docs, "Queue"; its JavaScript client.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

/// What is told of a photo before it is put anywhere.
pub(super) const PHOTO: Photo = Photo { content_type: "image/jpeg", file_name: "photo.jpg" };

#[derive(Debug, Serialize)]
pub(super) struct Photo {
    content_type: &'static str,
    file_name: &'static str,
}

/// A place for a photo.
#[derive(Debug, Deserialize)]
pub(super) struct Upload {
    pub(super) upload_url: String,
    pub(super) file_url: String,
}

/// An order that was taken. Nothing but its name has to be understood.
#[derive(Debug, Deserialize)]
#[serde(from = "Reply")]
pub(super) struct Taken {
    pub(super) request_id: String,
    pub(super) links: Option<Links>,
}

#[derive(Deserialize)]
struct Reply {
    request_id: String,
    #[serde(flatten)]
    rest: Value,
}

impl From<Reply> for Taken {
    fn from(Reply { request_id, rest }: Reply) -> Self {
        Self { request_id, links: serde_json::from_value(rest).ok() }
    }
}

/// Where a request is looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Links {
    #[serde(rename = "status_url")]
    pub(super) status: String,
    #[serde(rename = "response_url")]
    pub(super) result: String,
    #[serde(rename = "cancel_url")]
    pub(super) cancel: String,
}

impl Links {
    /// Whether all of them are addresses of this kind.
    pub(super) fn all(&self, is: impl Fn(&Url) -> bool) -> bool {
        let all = [&self.status, &self.result, &self.cancel];
        all.into_iter().all(|url| Url::parse(url).is_ok_and(|url| is(&url)))
    }

    /// As it is kept.
    pub(super) fn to_text(&self) -> String {
        serde_json::json!(self).to_string()
    }
}

/// How a request stands, or what became of the wish to stop it.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    pub(super) status: String,
}

/// What came of a request: what its model makes of it.
#[derive(Debug, Deserialize)]
pub(super) struct Output(Value);

impl Output {
    /// The address of the clip.
    pub(super) fn address(&self) -> Option<&str> {
        ["/video/url", "/videos/0/url"].iter().find_map(|at| self.0.pointer(at)?.as_str())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_order_has_been_taken_whatever_else_is_told() {
        let taken = |reply| serde_json::from_value::<Taken>(reply).expect("taken");

        assert_eq!(taken(json!({"request_id": "r"})).links, None);
        let odd =
            json!({"request_id": "r", "status_url": 7, "response_url": "", "cancel_url": null});
        assert_eq!(taken(odd).links, None);
        let url = "https://queue.fal.run/a/b/requests/r";
        let whole = json!({"request_id": "r", "status": "IN_QUEUE", "queue_position": 0,
            "status_url": url, "response_url": url, "cancel_url": url});
        let links = taken(whole).links.expect("links");
        assert_eq!(serde_json::from_str::<Links>(&links.to_text()).expect("links"), links);
    }

    #[test]
    fn the_clip_is_found() {
        let found = |output| {
            let output: Output = serde_json::from_value(output).expect("an output");
            output.address().map(ToOwned::to_owned)
        };

        assert_eq!(found(json!({"video": {"url": "a"}, "seed": 1})).as_deref(), Some("a"));
        assert_eq!(found(json!({"videos": [{"url": "a"}, {"url": "b"}]})).as_deref(), Some("a"));
        assert_eq!([json!({"image": {"url": "a"}}), json!({"video": 7})].map(found), [None, None]);
    }
}
