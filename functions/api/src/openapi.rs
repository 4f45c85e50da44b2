//! What can be asked for, as an `OpenAPI` document, made of what is written at each call.
//!
//! Every module of [`crate::calls`] describes its own calls:
//!
//! ```ignore
//! use utoipa::{OpenApi, ToSchema};
//!
//! use crate::extract::Path;
//! use crate::openapi::{Always, NotFound};
//! use crate::{Api, Caller, Parts, Problem};
//!
//! #[derive(OpenApi)]
//! #[openapi(paths(show))] // names of functions; their `<P>` is left out
//! struct Docs;
//!
//! /// The calls of this group, described.
//! pub(super) fn docs() -> utoipa::openapi::OpenApi {
//!     Docs::openapi()
//! }
//!
//! /// The calls of this group.
//! pub(super) fn routes<P: Parts>() -> Router<Arc<Api<P>>> {
//!     Router::new().route("/api/jobs/{id}", get(show::<P>))
//! }
//!
//! /// One job.
//! ///
//! /// The first line is the summary, the rest the description: Markdown, for callers.
//! #[utoipa::path(
//!     get,
//!     path = "/api/jobs/{id}",                    // as the router has it
//!     operation_id = "showJob",                   // unique among all calls
//!     tag = "jobs",                               // one of those in `Document` below
//!     params(("id" = Uuid, Path, description = "Identity of the job.")),
//!     responses(
//!         (status = 200, description = "The job.", body = JobView, example = json!({ "id": "…" })),
//!         Always,                                 // 401, 429, 500, 503: every call under /api
//!         NotFound,                               // and the groups below that it may answer with
//!     ),
//! )]
//! async fn show<P: Parts>(
//!     State(api): State<Arc<Api<P>>>,
//!     caller: Caller,
//!     Path(id): Path<String>,
//! ) -> Result<axum::Json<JobView>, Problem> { … }
//! ```
//!
//! A body is `request_body(content = NewJob, description = "…")` and the group [`Body`]; a query is
//! `params(ListQuery)` with `#[derive(utoipa::IntoParams)] #[into_params(parameter_in = Query)]` and the
//! group [`Invalid`]; a header is `("idempotency-key" = Option<String>, Header, description = "…")`; an
//! event stream is `(status = 200, content_type = "text/event-stream", body = String, …)`. Types that go
//! over the wire derive `ToSchema`; those they refer to are found by themselves. Security is that of the
//! document: say nothing. Then put the `docs()` of the module in [`crate::calls::docs`].
//! `UPDATE_SCHEMAS=1 cargo test -p api` writes `schemas/openapi.json` anew.

use std::collections::BTreeMap;

use serde_json::json;
use utoipa::openapi::schema::Ref;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{ContentBuilder, RefOr, Response, ResponseBuilder};
use utoipa::{IntoResponses, Modify, OpenApi};

use crate::{FieldProblem, Problem, calls, docs, health};

/// Problems by the name of their response: status, name of the kind, title, and when.
const RESPONSES: [(&str, u16, &str, &str, &str); 11] = [
    ("Malformed", 400, "malformed", "Not readable", "The body is no JSON."),
    ("Unauthenticated", 401, "unauthenticated", "Not known", "It is not known who is calling."),
    ("Forbidden", 403, "not-your-user", "Not your user", "The caller may not do this."),
    ("NotFound", 404, "not-found", "Not found", "There is no such thing, or it is not yours."),
    ("Conflict", 409, "conflict", "Not possible as it is now", "Not now, or not any more."),
    ("TooLarge", 413, "too-large", "Too large", "The body is larger than this call takes."),
    ("NotJson", 415, "not-json", "Not JSON", "The body is not said to be JSON."),
    (
        "Invalid",
        422,
        "invalid",
        "Some fields cannot be used",
        "Fields that cannot be used, all of them.",
    ),
    ("TooMany", 429, "too-many", "Too many requests", "Ask again after `retry-after` seconds."),
    ("Bug", 500, "bug", "Something broke", "A mistake of ours. Name the request id."),
    ("Unavailable", 503, "fault", "Something broke", "Something does not answer. Ask again."),
];

/// Groups of problems that a call may answer with.
macro_rules! problems {
    ($($(#[$doc:meta])* $group:ident: [$($response:literal),+];)+) => {$(
        $(#[$doc])*
        pub(crate) struct $group;

        impl IntoResponses for $group {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                [$($response),+].into_iter().map(shared).collect()
            }
        }
    )+};
}

problems! {
    /// What every call under `/api` may answer.
    Always: ["Unauthenticated", "TooMany", "Bug", "Unavailable"];
    /// What the calls of the door itself may answer.
    Open: ["TooMany", "Bug"];
    /// What a call that takes a body may answer.
    Body: ["Malformed", "TooLarge", "NotJson", "Invalid"];
    /// What a call may answer that takes no body but a query or headers that can be wrong.
    Invalid: ["Invalid"];
    /// The caller may not do this for that user.
    Forbidden: ["Forbidden"];
    /// What a call about one thing may answer.
    NotFound: ["NotFound"];
    /// It cannot be done now, or not any more.
    Conflict: ["Conflict"];
}

/// The response of this name, by reference, under its status.
fn shared(name: &str) -> (String, RefOr<Response>) {
    let known = RESPONSES.iter().find(|response| response.0 == name);
    let status = known.expect("a response of the table").1;
    (status.to_string(), RefOr::Ref(Ref::from_response_name(name)))
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "stillmotion",
        description = "A photo becomes a cinematic, branded video: begin a job, upload the photo with the \
                       request that comes back, watch, download. Errors are RFC 9457 problems.",
    ),
    paths(health::health, health::ready, docs::openapi, docs::page),
    components(schemas(Problem, FieldProblem)),
    security(("bearer" = [])),
    tags(
        (name = "uploads", description = "Photos, logos and music: requests that the bucket takes."),
        (name = "jobs", description = "Jobs: begin, look, call off, try again, remove."),
        (name = "progress", description = "What happens to jobs, as it happens."),
        (name = "renders", description = "The same clip with other words."),
        (name = "endpoints", description = "Who is told by signed webhooks, and what was delivered."),
        (name = "usage", description = "What is used, and what may be."),
        (name = "door", description = "The door itself. No token is needed."),
    ),
    modifiers(&Shared),
)]
struct Document;

/// What every call shares: how callers say who they are, and the problems.
struct Shared;

impl Modify for Shared {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("A user's access token of Supabase, or a service key: `smk_…`."));
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer.build()));
        for (name, status, kind, title, when) in RESPONSES {
            let example = json!({
                "type": format!("urn:stillmotion:problem:{kind}"),
                "title": title,
                "status": status,
                "detail": when,
                "requestId": "0192f0c1-7e57-7abc-8def-001122334455",
            });
            let content = ContentBuilder::new()
                .schema(Some(Ref::from_schema_name("Problem")))
                .example(Some(example));
            let response = ResponseBuilder::new()
                .description(when)
                .content("application/problem+json", content.build());
            components.responses.insert(name.to_owned(), response.build().into());
        }
    }
}

/// Everything that can be asked for.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = Document::openapi();
    for group in calls::docs() {
        document.merge(group);
    }
    document
}
