//! LTX v1: the answer to an order is the clip, minutes later.

use ports::{ClipOrder, ProviderJob, SubmitError, Submitted};
use reqwest::RequestBuilder;
use reqwest::header::HeaderMap;

use super::NAME;
use crate::fault::Phase;
use crate::http::{Http, Reply};
use crate::refusal::{Unexpected, not_submitted, submit_unanswered};

/// In the links of work that cannot be looked at.
const SYNCHRONOUS: &str = "v1";

/// Whether the clip came with the answer to the order, and LTX knows nothing of it.
pub(super) fn is_synchronous(job: &ProviderJob) -> bool {
    job.links.as_deref() == Some(SYNCHRONOUS)
}

/// Orders, and waits until the clip begins to come.
pub(super) async fn submit_and_wait(
    http: &Http,
    request: RequestBuilder,
    order: &ClipOrder,
) -> Result<Submitted, SubmitError> {
    match http.exchange_for_clip(request).await.map_err(submit_unanswered)? {
        Reply::Clip { headers, clip } => Ok(Submitted::Delivered(name(&headers, order), clip)),
        // It said yes, and what came is no clip.
        Reply::Whole(answer) if answer.status.is_success() => {
            Err(SubmitError::Lost(Unexpected::of(&answer).into()))
        }
        Reply::Whole(answer) => not_submitted(NAME, NAME, Phase::Submit, &answer),
    }
}

/// What the support calls it, for there is no other name.
fn name(headers: &HeaderMap, order: &ClipOrder) -> ProviderJob {
    let told = headers.get("x-request-id").and_then(|id| id.to_str().ok());
    let own = || format!("v1-{}-{}", order.job, order.attempt);
    ProviderJob {
        id: told.map_or_else(own, ToOwned::to_owned),
        links: Some(SYNCHRONOUS.to_owned()),
    }
}
