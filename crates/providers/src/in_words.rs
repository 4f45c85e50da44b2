//! Answers in few words, for tests of many of them.

use std::path::Path;

use futures::TryStreamExt as _;
use ports::{
    CallOff, CallOffError, ClipOrder, Collected, Look, LookError, ProviderJob, SubmitError,
    Submitted, VideoGenerator,
};

pub(crate) fn submitted(answer: &Result<Submitted, SubmitError>) -> String {
    match answer {
        Ok(Submitted::Refused(refusal)) => format!("refused over {}", refusal.over.as_str()),
        Ok(Submitted::Later { after, .. }) if [30, 77].contains(&after.as_secs()) => {
            format!("in {} s", after.as_secs())
        }
        Ok(Submitted::Later { .. }) => "later".to_owned(),
        Ok(_) => "taken".to_owned(),
        Err(SubmitError::NotTaken(_)) => "not taken".to_owned(),
        Err(SubmitError::Lost(_)) => "lost".to_owned(),
    }
}

pub(crate) fn looked(answer: &Result<Look, LookError>) -> String {
    match answer {
        Ok(Look::Pending { .. }) => "pending".to_owned(),
        Ok(Look::Busy { after }) if after.as_secs() == 30 => "busy for 30 s".to_owned(),
        Ok(Look::Busy { .. }) => "busy".to_owned(),
        Ok(Look::Ready { .. }) => "ready".to_owned(),
        Ok(Look::Failed { refusal, charged }) => {
            format!("failed over {}, {charged}", refusal.over.as_str())
        }
        Ok(Look::Gone) => "gone".to_owned(),
        Err(_) => "fault".to_owned(),
    }
}

pub(crate) fn called_off(answer: &Result<CallOff, CallOffError>) -> String {
    match answer {
        Ok(CallOff::Stopped { charged: None }) => "stopped".to_owned(),
        Ok(CallOff::Stopped { charged: Some(charged) }) => format!("stopped, {charged}"),
        Ok(CallOff::TooLate) => "too late".to_owned(),
        Ok(CallOff::NotOffered) => "not offered".to_owned(),
        Err(_) => "fault".to_owned(),
    }
}

/// The job of an order that has to be taken.
pub(crate) async fn accepted(provider: &impl VideoGenerator, order: &ClipOrder) -> ProviderJob {
    match provider.submit(order).await.expect("an answer") {
        Submitted::Accepted(job) => job,
        other => panic!("accepted, not {other:?}"),
    }
}

/// The bytes of a clip that has to be there.
pub(crate) async fn collected(
    provider: &impl VideoGenerator,
    order: &ClipOrder,
    job: &ProviderJob,
) -> Vec<u8> {
    match provider.collect(order, job, Path::new("unused")).await.expect("a clip") {
        Collected::Delivery(clip) => {
            let chunks: Vec<_> = clip.bytes.try_collect().await.expect("whole");
            chunks.concat()
        }
        Collected::Filmed => panic!("a clip on its way"),
    }
}
