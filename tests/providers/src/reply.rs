//! An answer, before it is written.

use std::io;

use bytes::Bytes;
use futures::{Stream, StreamExt as _};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::Frame;
use serde_json::Value;

use crate::contract;
use crate::name::Name;
use crate::switches::Scripted;

/// What hyper writes.
pub(crate) type Body = UnsyncBoxBody<Bytes, io::Error>;

/// An answer.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Nothing,
    Text(String),
    Json(Value),
    Stream(Body),
}

impl Reply {
    /// The answer in the contract of that name.
    pub(crate) fn of(provider: Name, name: &str) -> Self {
        let Some(answer) = contract::answer(provider, name) else {
            return Self::text(500, format!("there is no contract {name}"));
        };
        let headers = answer.headers.into_iter().collect();
        Self { headers, ..Self::new(answer.status, content(answer.body)) }
    }

    pub(crate) fn json(status: u16, body: Value) -> Self {
        Self::new(status, Content::Json(body))
    }

    pub(crate) fn text(status: u16, body: impl Into<String>) -> Self {
        Self::new(status, Content::Text(body.into()))
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self::new(status, Content::Nothing)
    }

    /// A stream under a declared length, which need not be true.
    pub(crate) fn stream<S>(status: u16, declared_bytes: u64, pieces: S) -> Self
    where
        S: Stream<Item = io::Result<Bytes>> + Send + 'static,
    {
        let body = StreamBody::new(pieces.map(|piece| piece.map(Frame::data))).boxed_unsync();
        Self::new(status, Content::Stream(body))
            .header(CONTENT_LENGTH.as_str(), &declared_bytes.to_string())
    }

    pub(crate) fn scripted(scripted: &Scripted) -> Self {
        let headers = scripted.headers.clone();
        let reply = Self { headers, ..Self::new(scripted.status, content(scripted.body.clone())) };
        match &scripted.content_type {
            Some(content_type) => reply.header(CONTENT_TYPE.as_str(), content_type),
            None => reply,
        }
    }

    fn new(status: u16, content: Content) -> Self {
        Self { status, headers: Vec::new(), content }
    }

    /// With this header, instead of any of that name.
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With another status.
    pub(crate) fn status(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// With this at that place of the JSON body, such as `/error/message`, or new in the object.
    pub(crate) fn with(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        if let Content::Json(body) = &mut self.content {
            let (parent, key) = pointer.rsplit_once('/').unwrap_or_default();
            match body.pointer_mut(parent) {
                Some(Value::Object(object)) => {
                    object.insert(key.to_owned(), value.into());
                }
                Some(Value::Array(items)) => {
                    let item = key.parse::<usize>().ok().and_then(|index| items.get_mut(index));
                    if let Some(item) = item {
                        *item = value.into();
                    }
                }
                _ => {}
            }
        }
        self
    }

    /// The JSON body; null if it is not JSON.
    pub(crate) fn into_json(self) -> Value {
        if let Content::Json(body) = self.content { body } else { Value::Null }
    }

    /// As hyper writes it.
    pub(crate) fn into_response(self) -> Response<Body> {
        let (content_type, body) = match self.content {
            Content::Nothing => (None, full(Bytes::new())),
            Content::Text(text) => (Some("text/plain; charset=utf-8"), full(text.into())),
            Content::Json(body) => (Some("application/json"), full(body.to_string().into())),
            Content::Stream(body) => (None, body),
        };
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Some(content_type) = content_type {
            response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        for (name, value) in self.headers {
            if let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name), HeaderValue::try_from(value))
            {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

fn content(body: Value) -> Content {
    match body {
        Value::Null => Content::Nothing,
        Value::String(text) => Content::Text(text),
        body => Content::Json(body),
    }
}

fn full(bytes: Bytes) -> Body {
    Full::new(bytes).map_err(|never| match never {}).boxed_unsync()
}
