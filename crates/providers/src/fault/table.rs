//! The table. The first row that fits decides: rows with a sign stand before those without.
//!
//! Sources: the providers' documentation of errors, as collected with its degree of certainty in
//! `docs/` ("provider wire reference"); LTX "Errors", Runway "API errors" and "Task failures",
//! Replicate "HTTP API" and "Prediction lifecycle", fal "Errors" and "Queue".

use domain::RefusedOver::{Content, Credit, Fault, Input, Key, Model, Stopped};

use super::Class::{Broken, Gone, Later, Refused, Unknown};
use super::Phase::{CallOff, Collect, Look, Result, Submit, Upload};
use super::When::{Ended, Status};
use super::{Class, Phase, Row, STORAGE, When};

const fn row(
    provider: &'static str,
    phases: &'static [Phase],
    when: When,
    class: Class,
    note: &'static str,
) -> Row {
    Row { provider, phases, when, sign: None, class, note }
}

const fn ltx(phases: &'static [Phase], when: When, class: Class, note: &'static str) -> Row {
    row("ltx", phases, when, class, note)
}

const fn runway(phases: &'static [Phase], when: When, class: Class, note: &'static str) -> Row {
    row("runway", phases, when, class, note)
}

const fn replicate(phases: &'static [Phase], when: When, class: Class, note: &'static str) -> Row {
    row("replicate", phases, when, class, note)
}

const fn fal(phases: &'static [Phase], when: When, class: Class, note: &'static str) -> Row {
    row("fal", phases, when, class, note)
}

const fn storage(phases: &'static [Phase], when: When, class: Class, note: &'static str) -> Row {
    row(STORAGE, phases, when, class, note)
}

impl Row {
    const fn saying(self, sign: &'static str) -> Self {
        Self { sign: Some(sign), ..self }
    }
}

/// The sign of a prediction that somebody stopped.
pub const REPLICATE_STOPPED: &str = "status: canceled";
/// The sign of a prediction that did not begin before its deadline.
pub const REPLICATE_ABORTED: &str = "status: aborted";

/// Orders and what goes before them.
const ORDER: &[Phase] = &[Upload, Submit];
/// Whatever can be asked again for free.
const FREE: &[Phase] = &[Look, Result, CallOff];

/// Every answer that is documented and not a yes.
pub const TABLE: &[Row] = &[
    // LTX.
    ltx(&[Submit], Status(400), Refused(Input), "the request is not valid"),
    ltx(ORDER, Status(401), Refused(Key), "the key is missing or bad"),
    ltx(ORDER, Status(402), Refused(Credit), "the balance does not cover it"),
    ltx(ORDER, Status(403), Refused(Key), "the key may not do that"),
    ltx(&[Submit], Status(404), Refused(Model), "the version of the API is gone"),
    ltx(&[Submit], Status(410), Refused(Model), "the version of the API is gone"),
    ltx(&[Submit], Status(413), Refused(Input), "the request is too large"),
    ltx(&[Submit], Status(422), Refused(Content), "photo or prompt rejected by the filter")
        .saying("content_filtered_error"),
    ltx(&[Submit], Status(422), Refused(Input), "the request is not valid"),
    ltx(&[Submit], Status(429), Later, "too many at once").saying("concurrency_limit_error"),
    ltx(&[Submit], Status(429), Later, "too many in this time").saying("rate_limit_error"),
    ltx(ORDER, Status(429), Later, "too many requests"),
    ltx(ORDER, Status(500), Later, "it broke, and bills nothing"),
    ltx(ORDER, Status(503), Later, "not available"),
    ltx(&[Submit], Status(504), Unknown, "v1 took too long, and may be billed"),
    ltx(ORDER, Status(529), Later, "overloaded"),
    ltx(&[Look], Status(401), Broken, "the key is missing or bad"),
    ltx(&[Look], Status(404), Gone, "unknown, or ended more than 24 h ago"),
    ltx(&[Look], Status(429), Later, "too many requests"),
    ltx(&[Look], Status(500), Later, "it broke"),
    ltx(&[Look], Status(503), Later, "not available"),
    ltx(&[Look], Status(529), Later, "overloaded"),
    ltx(&[Look], Ended, Refused(Content), "photo or prompt rejected by the filter")
        .saying("content_filtered_error"),
    ltx(&[Look], Ended, Refused(Input), "the request is not valid").saying("invalid_request_error"),
    ltx(&[Look], Ended, Refused(Credit), "the balance does not cover it")
        .saying("insufficient_funds_error"),
    ltx(&[Look], Ended, Refused(Fault), "it broke"),
    // Runway. What ended work costs is told with it.
    runway(ORDER, Status(400), Refused(Credit), "not enough credits").saying("credit"),
    runway(ORDER, Status(400), Refused(Key), "the version header is not accepted")
        .saying("X-Runway-Version"),
    runway(ORDER, Status(400), Refused(Input), "the request is not valid"),
    runway(ORDER, Status(401), Refused(Key), "the key is missing or bad"),
    runway(&[Submit], Status(403), Refused(Model), "the model is not enabled for us"),
    runway(&[Upload], Status(403), Refused(Key), "the key may not do that"),
    runway(&[Submit], Status(404), Refused(Model), "there is no such model or version"),
    runway(&[Submit], Status(405), Refused(Model), "the version of the API is gone"),
    runway(ORDER, Status(408), Later, "the request did not come through"),
    runway(ORDER, Status(409), Later, "in conflict with another request"),
    runway(ORDER, Status(429), Later, "daily limit, or too many requests"),
    runway(ORDER, Status(502), Later, "load is shed"),
    runway(ORDER, Status(503), Later, "load is shed"),
    runway(&[Upload], Status(504), Later, "overloaded"),
    runway(&[Submit], Status(504), Unknown, "overloaded: the order may go on behind the gateway"),
    runway(FREE, Status(400), Broken, "the version header is not accepted"),
    runway(FREE, Status(401), Broken, "the key is missing or bad"),
    runway(FREE, Status(404), Gone, "unknown, or deleted"),
    runway(FREE, Status(405), Broken, "the version of the API is gone"),
    runway(FREE, Status(429), Later, "too many requests"),
    runway(FREE, Status(502), Later, "load is shed"),
    runway(FREE, Status(503), Later, "load is shed"),
    runway(FREE, Status(504), Later, "overloaded"),
    runway(&[Look], Ended, Refused(Stopped), "somebody stopped it").saying("status: CANCELLED"),
    runway(&[Look], Ended, Refused(Content), "input moderated; not refunded")
        .saying("SAFETY.INPUT"),
    runway(&[Look], Ended, Refused(Content), "output moderated").saying("SAFETY"),
    runway(&[Look], Ended, Refused(Input), "the input cannot be used")
        .saying("INPUT_PREPROCESSING"),
    runway(&[Look], Ended, Refused(Input), "the photo cannot be used").saying("ASSET.INVALID"),
    runway(&[Look], Ended, Refused(Fault), "did not pass its own check")
        .saying("INTERNAL.BAD_OUTPUT"),
    runway(&[Look], Ended, Refused(Fault), "it broke").saying("INTERNAL"),
    runway(&[Look], Ended, Refused(Fault), "it broke, and gives no code"),
    // Replicate. Its own client repeats an order after 429 and after nothing else.
    replicate(ORDER, Status(401), Refused(Key), "the token is missing or bad"),
    replicate(ORDER, Status(402), Refused(Credit), "not enough credit"),
    replicate(ORDER, Status(403), Refused(Key), "the token may not do that"),
    replicate(&[Submit], Status(404), Refused(Model), "there is no such model"),
    replicate(&[Submit], Status(422), Refused(Model), "no such version, or not ours to use")
        .saying("Invalid version or not permitted"),
    replicate(&[Submit], Status(422), Refused(Input), "the input is not valid"),
    replicate(ORDER, Status(429), Later, "too many requests"),
    replicate(&[Submit], Status(500), Unknown, "it broke: the order may go on"),
    replicate(&[Submit], Status(502), Unknown, "it broke: the order may go on"),
    replicate(&[Submit], Status(503), Unknown, "it broke: the order may go on"),
    replicate(&[Submit], Status(504), Unknown, "took too long: the order may go on"),
    replicate(&[Upload], Status(413), Refused(Input), "the photo is too large"),
    replicate(&[Upload], Status(500), Later, "it broke"),
    replicate(&[Upload], Status(502), Later, "it broke"),
    replicate(&[Upload], Status(503), Later, "not available"),
    replicate(FREE, Status(401), Broken, "the token is missing or bad"),
    replicate(FREE, Status(404), Gone, "there is no such prediction"),
    replicate(FREE, Status(429), Later, "too many requests"),
    replicate(FREE, Status(500), Later, "it broke"),
    replicate(FREE, Status(502), Later, "it broke"),
    replicate(FREE, Status(503), Later, "not available"),
    replicate(&[Look], Ended, Refused(Content), "moderated by the model").saying("E005"),
    replicate(&[Look], Ended, Refused(Content), "moderated by the model").saying("sensitive"),
    replicate(&[Look], Ended, Refused(Input), "the photo cannot be read")
        .saying("cannot identify image"),
    replicate(&[Look], Ended, Refused(Stopped), "somebody stopped it").saying(REPLICATE_STOPPED),
    replicate(&[Look], Ended, Refused(Fault), "its deadline passed before it began")
        .saying(REPLICATE_ABORTED),
    replicate(&[Look], Ended, Refused(Fault), "it failed"),
    // fal. An answer of 5xx is not billed; one without fal's own type came from before fal.
    fal(&[Submit, Result], Status(400), Refused(Input), "the request is not valid"),
    fal(ORDER, Status(401), Refused(Key), "the key is missing or bad"),
    fal(ORDER, Status(403), Refused(Credit), "the balance is exhausted")
        .saying("Exhausted balance"),
    fal(ORDER, Status(403), Refused(Key), "the key may not do that"),
    fal(&[Submit], Status(404), Refused(Model), "there is no such model"),
    fal(&[Submit, Result], Status(422), Refused(Content), "moderated")
        .saying("content_policy_violation"),
    fal(&[Result], Status(422), Refused(Fault), "it failed, and might not the next time")
        .saying("x-fal-retryable: true"),
    fal(&[Submit, Result], Status(422), Refused(Input), "the input is not valid"),
    fal(ORDER, Status(429), Later, "too many requests"),
    fal(&[Submit], Status(499), Unknown, "thinks that we went away"),
    fal(&[Submit], Status(500), Later, "it broke").saying("internal_error"),
    fal(&[Submit], Status(500), Later, "the runner broke").saying("runner_server_error"),
    fal(&[Submit], Status(502), Later, "the runner broke").saying("runner_incomplete_response"),
    fal(&[Submit], Status(503), Later, "no runner").saying("runner_"),
    fal(&[Submit], Status(504), Later, "no runner in time").saying("request_timeout"),
    fal(&[Submit], Status(504), Later, "no runner in time").saying("startup_timeout"),
    fal(&[Result], Status(499), Refused(Stopped), "somebody stopped it"),
    fal(&[Result], Status(500), Refused(Fault), "the runner broke").saying("runner_server_error"),
    fal(&[Result], Status(502), Refused(Fault), "the runner broke")
        .saying("runner_incomplete_response"),
    fal(&[Result], Status(503), Refused(Fault), "no runner, or it went away").saying("runner_"),
    fal(&[Result], Status(504), Refused(Fault), "no runner in time").saying("request_timeout"),
    fal(&[Result], Status(504), Refused(Fault), "no runner in time").saying("startup_timeout"),
    fal(FREE, Status(401), Broken, "the key is missing or bad"),
    fal(&[CallOff], Status(400), Gone, "has ended already").saying("ALREADY_COMPLETED"),
    fal(FREE, Status(404), Gone, "there is no such request"),
    fal(FREE, Status(429), Later, "too many requests"),
    fal(FREE, Status(500), Later, "it broke"),
    // The storage that they name: its addresses are good for a while.
    storage(&[Upload], Status(400), Refused(Input), "the photo is not accepted"),
    storage(&[Upload], Status(413), Refused(Input), "the photo is too large"),
    storage(&[Upload], Status(401), Later, "the address has expired: ask for another"),
    storage(&[Upload], Status(403), Later, "the address has expired: ask for another"),
    storage(&[Upload], Status(404), Later, "the address has expired: ask for another"),
    storage(&[Upload], Status(410), Later, "the address has expired: ask for another"),
    storage(&[Upload], Status(412), Later, "the address was used: ask for another"),
    storage(&[Collect], Status(401), Gone, "the address has expired: look for a fresh one"),
    storage(&[Collect], Status(403), Gone, "the address has expired: look for a fresh one"),
    storage(&[Collect], Status(404), Gone, "the address has expired: look for a fresh one"),
    storage(&[Collect], Status(410), Gone, "the address has expired: look for a fresh one"),
];
