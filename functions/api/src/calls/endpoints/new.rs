//! Registering somebody who asks to be told.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, StatusCode, header};
use events::TOLD;
use guard::Guard;
use ports::{Clock, Endpoint, Endpoints, Replaced, SigningSecret};
use serde::{Deserialize, Serialize};
use url::form_urlencoded;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{new_secret, owner};
use crate::endpoint_view::EndpointView;
use crate::extract::Json;
use crate::openapi::{Always, Body, Conflict, Forbidden};
use crate::query_fields::QueryFields;
use crate::{Api, Caller, Parts, Problem};

/// How many endpoints one owner may have.
const MOST: usize = 10;

/// Where to post webhooks, and which.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NewEndpoint {
    /// Where to: a public https address, at most 2048 characters.
    url: String,
    /// Which facts, by their type, such as `Rendered.v1`; none, or left out: every one.
    #[serde(default)]
    events: Option<Vec<String>>,
    /// Whose jobs it is told about; from a service, left out: everybody's.
    #[serde(default)]
    user_id: Option<String>,
}

impl NewEndpoint {
    /// The address as it is asked, and the types without repeats.
    fn read(&self, guard: Guard) -> Result<(String, Vec<String>), Problem> {
        let mut fields = QueryFields::default();
        let url = match guard.check(&self.url) {
            Ok(url) => url.to_string(),
            Err(refusal) => {
                fields.refuse("/url", refusal.to_string());
                String::new()
            }
        };
        let mut events: Vec<String> = Vec::new();
        for (index, name) in self.events.iter().flatten().enumerate() {
            if !TOLD.contains(&name.as_str()) {
                // What is not ours may be of any length.
                let named: String = name.chars().take(100).collect();
                fields.refuse(
                    &format!("/events/{index}"),
                    format!("{named:?} is none of {}", TOLD.join(", ")),
                );
            } else if !events.contains(name) {
                events.push(name.clone());
            }
        }
        fields.done()?;
        Ok((url, events))
    }
}

/// An endpoint that is new.
#[derive(Serialize, ToSchema)]
pub(super) struct NewEndpointView {
    /// The endpoint.
    #[serde(flatten)]
    endpoint: EndpointView,
    /// What webhooks are signed with: `whsec_` and base64. It is shown this once.
    secret: String,
}

/// Asks to be told.
///
/// By signed webhooks (Standard Webhooks) about the jobs of one user; an endpoint that a service makes
/// for nobody in particular is told about everybody's. An owner has at most 10, so that its receivers,
/// four attempts at once each, never take all that is given to deliveries.
#[utoipa::path(
    post,
    path = "/api/webhook-endpoints",
    operation_id = "registerEndpoint",
    tag = "endpoints",
    request_body(content = NewEndpoint, description = "Where to post webhooks, and which."),
    responses(
        (status = 201, description = "It is told from now on.", body = NewEndpointView,
            headers(("location" = String, description = "Where it is."))),
        Always, Body, Forbidden, Conflict,
    ),
)]
pub(super) async fn register<P: Parts>(
    State(api): State<Arc<Api<P>>>,
    caller: Caller,
    Json(wanted): Json<NewEndpoint>,
) -> Result<(StatusCode, [(HeaderName, String); 1], axum::Json<NewEndpointView>), Problem> {
    let owner = owner(&caller, wanted.user_id.as_deref(), "/userId")?;
    let loopback = api.rules.allows_loopback;
    let guard = if loopback { Guard::with_loopback() } else { Guard::STRICT };
    let (url, events) = wanted.read(guard)?;
    // Of several at the same time a few more may get through: it is no promise to anybody.
    if api.endpoints.of_owner(owner.as_deref()).await?.len() >= MOST {
        return Err(Problem::conflict(format!("there are {MOST} already: remove one first")));
    }
    let endpoint = Endpoint {
        id: Uuid::new_v4().to_string(),
        owner,
        url,
        events,
        secrets: vec![SigningSecret { secret: new_secret(), until: None }],
        disabled: None,
        created_at: api.chronicle.clock.now(),
    };
    if api.endpoints.write(None, &endpoint).await? == Replaced::Conflict {
        return Err(Problem::conflict("its id was taken: ask again"));
    }
    let location = (header::LOCATION, location(&caller, &endpoint));
    let view = NewEndpointView {
        endpoint: EndpointView::from(&endpoint),
        secret: endpoint.secrets[0].secret.expose().to_owned(),
    };
    Ok((StatusCode::CREATED, [location], axum::Json(view)))
}

/// Where whoever made it finds it.
fn location(caller: &Caller, endpoint: &Endpoint) -> String {
    let path = format!("/api/webhook-endpoints/{}", endpoint.id);
    match &endpoint.owner {
        Some(owner) if caller.acts_for_others() => {
            let owner: String = form_urlencoded::byte_serialize(owner.as_bytes()).collect();
            format!("{path}?userId={owner}")
        }
        _ => path,
    }
}
