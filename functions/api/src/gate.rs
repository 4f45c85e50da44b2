//! Finds out who is calling, before a call is made.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ports::Clock;

use crate::auth::{NotBelieved, ServiceKey, ServiceKeyError};
use crate::door::Door;
use crate::{Api, Caller, Parts, Problem};

/// The call that browsers make with a ticket: their `EventSource` cannot say who is calling.
const BY_TICKET: &str = "/api/jobs/{id}/events";

/// What the gate needs to know.
pub(crate) struct Gate<P: Parts> {
    pub(crate) api: Arc<Api<P>>,
    pub(crate) door: Arc<Door>,
}

impl<P: Parts> Clone for Gate<P> {
    fn clone(&self) -> Self {
        Self { api: self.api.clone(), door: self.door.clone() }
    }
}

/// Nobody is let in who is not known.
#[derive(Debug)]
enum Stopped {
    /// Nothing is said of who is calling.
    Unsaid,
    /// What is said cannot be read.
    Unreadable,
    /// A token is not believed.
    Token(NotBelieved),
    /// There is no such key.
    Key,
    /// It cannot be found out.
    Fault(ServiceKeyError),
}

impl IntoResponse for Stopped {
    fn into_response(self) -> Response {
        let what = match self {
            Self::Fault(error) => return Problem::fault(&error).into_response(),
            Self::Token(NotBelieved::NoKeys(error)) => {
                return Problem::fault(&error).into_response();
            }
            Self::Unsaid => None,
            Self::Unreadable => {
                Some("Authorization should be Bearer and a token or a service key".to_owned())
            }
            Self::Token(error) => Some(format!("the token is not accepted: {error}")),
            Self::Key => Some("there is no such service key, or it was revoked".to_owned()),
        };
        // Source: RFC 6750 §3.1: nothing is told of an error to who has said nothing.
        let challenge = match &what {
            None => "Bearer".to_owned(),
            Some(what) => {
                format!(r#"Bearer error="invalid_token", error_description="{what}""#)
            }
        };
        let usual = "send Authorization: Bearer with a token of Supabase or a service key";
        let detail = what.unwrap_or_else(|| usual.to_owned());
        let status = StatusCode::UNAUTHORIZED;
        let mut response =
            Problem::new(status, "unauthenticated", "Not known", detail).into_response();
        if let Ok(challenge) = HeaderValue::try_from(challenge) {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
        }
        response
    }
}

/// Lets a known caller in, as often as it may ask.
pub(crate) async fn gate<P: Parts>(
    State(gate): State<Gate<P>>,
    mut request: Request,
    next: Next,
) -> Response {
    let caller = match gate.caller(request.headers()).await {
        Ok(caller) => caller,
        // The call itself looks at the ticket, and refuses whoever has none that is good.
        Err(Stopped::Unsaid) if has_ticket(&request) => return next.run(request).await,
        Err(stopped) => return stopped.into_response(),
    };
    let left = match gate.door.limits.caller(&caller.name()) {
        Ok(left) => left,
        Err(none) => return none.refuse(),
    };
    request.extensions_mut().insert(caller);
    let mut response = next.run(request).await;
    if let Some(left) = left {
        left.tell(response.headers_mut());
    }
    response
}

impl<P: Parts> Gate<P> {
    async fn caller(&self, headers: &HeaderMap) -> Result<Caller, Stopped> {
        let mut said = headers.get_all(header::AUTHORIZATION).iter();
        let credential = match (said.next(), said.next()) {
            (None, _) => return self.developer().ok_or(Stopped::Unsaid),
            (Some(value), None) => bearer(value).ok_or(Stopped::Unreadable)?,
            (Some(_), Some(_)) => return Err(Stopped::Unreadable),
        };
        let now = self.api.chronicle.clock.now();
        if let Some(key) = ServiceKey::parse(credential) {
            let found = self.door.service_keys.find(&key, &self.api.registers, now).await;
            let name = found.map_err(Stopped::Fault)?.ok_or(Stopped::Key)?;
            return Ok(Caller::Service(name.as_str().to_owned()));
        }
        let Some(tokens) = &self.door.tokens else { return Err(Stopped::Unreadable) };
        tokens.verify(credential, now).await.map(Caller::User).map_err(Stopped::Token)
    }

    fn developer(&self) -> Option<Caller> {
        self.door.development.as_ref().map(|developer| Caller::Developer(developer.0.clone()))
    }
}

/// Whether it is the one call that can be made with a ticket, and is made with one.
fn has_ticket(request: &Request) -> bool {
    let path = request.extensions().get::<MatchedPath>();
    let query = request.uri().query().unwrap_or_default();
    let named = || url::form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "ticket");
    path.is_some_and(|path| path.as_str() == BY_TICKET) && named()
}

/// Source: RFC 9110 §11.1: the scheme is in any case.
fn bearer(value: &HeaderValue) -> Option<&str> {
    let (scheme, credential) = value.to_str().ok()?.split_once(' ')?;
    let credential = credential.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !credential.is_empty()).then_some(credential)
}
