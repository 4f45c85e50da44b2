//! Requests that lie in the bucket, and messages that ask for one delivery.

use domain::{JobId, ObjectKey, RenderId};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What something that is fetched is to be used as.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum FetchedAs {
    /// The picture on the video.
    Logo,
    /// What is heard.
    Music,
    /// What is filmed. It is fetched last: where it arrives, the chain begins.
    Photo,
}

/// One thing to be fetched. Its `Debug` leaves the address out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchItem {
    /// What it is used as.
    #[serde(rename = "as")]
    pub used_as: FetchedAs,
    /// Where it is: `https://…`, or `s3://bucket/key` in our own bucket. It may hold a token.
    pub from: String,
    /// Key in our bucket that it is stored at.
    pub to: String,
}

impl std::fmt::Debug for FetchItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut told = f.debug_struct("FetchItem");
        told.field("used_as", &self.used_as).field("to", &self.to).finish_non_exhaustive()
    }
}

/// Things are wanted from elsewhere for a job, before the chain goes on.
///
/// Written by `api` to `fetch-requests/{jobId}/….json`; read, and removed when done, by `fetch`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FetchRequest {
    /// The job.
    pub job_id: String,
    /// What is wanted.
    pub items: Vec<FetchItem>,
    /// The rendering that is asked for once they are there; absent: the photo is among them, or is uploaded
    /// by whoever asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub render_id: Option<String>,
}

/// The clip of a job is to be rendered again: with what, is in the job's row.
///
/// Written by `api` or `fetch` to `render-requests/{jobId}/{renderId}.json`; its arrival sets `render`
/// going.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RenderRequest {
    /// The job.
    pub job_id: String,
    /// Which rendering it is.
    pub render_id: String,
}

impl RenderRequest {
    /// The request for a rendering.
    pub fn of(job: JobId, render: RenderId) -> Self {
        Self { job_id: job.to_string(), render_id: render.to_string() }
    }

    /// The key of the request.
    pub fn key(job: JobId, render: RenderId) -> ObjectKey {
        domain::keys::render_request(job, render)
    }
}

/// An event is to be delivered to an endpoint: what, and how far it is, is in the log of deliveries.
///
/// Sent by `notify`, and by `api` for a replay; consumed by `deliver`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeliveryRequest {
    /// Identity of the event.
    pub event_id: String,
    /// Identity of the endpoint.
    pub endpoint_id: String,
    /// Whose endpoint it is; absent: it is told about everybody's jobs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
}
