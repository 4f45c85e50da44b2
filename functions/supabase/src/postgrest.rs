//! The table through `PostgREST`, the way Supabase offers it.

use std::time::Duration;

use domain::JobId;
use ports::Source;
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use url::Url;

use crate::rows::{Rows, RowsError, Said};
use crate::{Progress, Project, Row, Seen, ServiceKey, Status, Urls};

/// How long an answer may take.
const TIME_LIMIT: Duration = Duration::from_secs(10);
/// Largest answer that is read, in bytes. Ours are one row.
const MAX_BODY_BYTES: usize = 64 * 1024;
/// How much of a message is told, in characters.
const MAX_MESSAGE_CHARS: usize = 300;

/// What of a row is looked at: the fields of [`Seen`].
const SEEN: &str = "status,job_state,event_seq,photo_url_s3,ltx_video_url_s3,final_video_url_s3,\
                    poster_url_s3";

const PREFER: HeaderName = HeaderName::from_static("prefer");
const API_KEY: HeaderName = HeaderName::from_static("apikey");

/// The user's table.
///
/// Source: `PostgREST` documentation, "Tables and Views" and "Errors".
#[derive(Clone, Debug)]
pub struct PostgRest {
    client: reqwest::Client,
    table: Url,
    key: ServiceKey,
}

impl PostgRest {
    /// The table of a project. Redirects are not followed: they would be told the key.
    ///
    /// # Errors
    /// If the TLS library cannot be set up.
    pub fn new(project: &Project) -> Result<Self, reqwest::Error> {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(TIME_LIMIT)
            .user_agent("stillmotion-supabase/1")
            .build()?;
        let mut table = project.url.clone();
        table.set_path(&format!("/rest/v1/{}", project.table.as_str()));
        Ok(Self { client, table, key: project.key.clone() })
    }

    /// Whether the table can be read, and has our columns. Reads no row.
    ///
    /// # Errors
    /// [`RowsError`].
    pub async fn ping(&self) -> Result<(), RowsError> {
        let request = self.request(Method::GET, &[("select", SEEN), ("limit", "0")]);
        self.rows::<IgnoredAny>(request).await.map(drop)
    }

    fn request(&self, method: Method, query: &[(&str, &str)]) -> RequestBuilder {
        let secret = |text: &str| {
            let mut value = HeaderValue::from_str(text).expect("keys are printable ASCII");
            value.set_sensitive(true);
            value
        };
        let mut headers = HeaderMap::new();
        headers.insert(API_KEY, secret(self.key.expose()));
        if let Some(bearer) = self.key.bearer() {
            headers.insert(AUTHORIZATION, secret(&bearer));
        }
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        self.client.request(method, self.table.clone()).query(query).headers(headers)
    }

    /// A change of the row of one job. Without `id` a PATCH would change every row there is.
    fn patch(&self, job: JobId, query: &[(&str, &str)]) -> RequestBuilder {
        let job = format!("eq.{job}");
        self.request(Method::PATCH, &[("id", &*job), ("select", "id")])
            .query(query)
            .header(PREFER, "return=representation")
    }

    /// The rows of an answer.
    async fn rows<R: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<Vec<R>, RowsError> {
        let body = self.answer(request).await?;
        serde_json::from_slice(&body).map_err(|error| RowsError::NotUnderstood(error.into()))
    }

    async fn answer(&self, request: RequestBuilder) -> Result<Vec<u8>, RowsError> {
        let answer = request.send().await.map_err(unanswered)?;
        let status = answer.status();
        let body = read(answer).await?;
        if status.is_success() { Ok(body) } else { Err(self.refusal(status, &body)) }
    }

    fn refusal(&self, status: StatusCode, body: &[u8]) -> RowsError {
        let problem: Problem = serde_json::from_slice(body).unwrap_or_default();
        let message = problem.message.unwrap_or_default().replace(self.key.expose(), "(key)");
        let said = Said {
            status: status.as_u16(),
            code: problem.code.unwrap_or_default(),
            message: message.chars().take(MAX_MESSAGE_CHARS).collect(),
        };
        match said.code.as_str() {
            // Columns, table, rights; those of PostgREST are from its cache of the schema.
            "42703" | "PGRST204" | "42P01" | "PGRST205" | "42501" => RowsError::Schema(said),
            code if code.starts_with("08") || code.starts_with("53") => {
                RowsError::Unavailable(said)
            }
            // A table that is not in its cache may be said without a code.
            _ if status == StatusCode::NOT_FOUND => RowsError::Schema(said),
            _ if status == StatusCode::UNAUTHORIZED => RowsError::Key(said),
            _ if status.is_server_error() => RowsError::Unavailable(said),
            _ if matches!(status.as_u16(), 408 | 429) => RowsError::Unavailable(said),
            _ => RowsError::Refused(said),
        }
    }
}

/// How `PostgREST` says no; a gateway in front says less.
#[derive(Default, Deserialize)]
struct Problem {
    code: Option<String>,
    message: Option<String>,
}

impl Rows for PostgRest {
    async fn insert(&self, row: &Row) -> Result<bool, RowsError> {
        let request = self
            .request(Method::POST, &[("on_conflict", "id"), ("select", "id")])
            .header(PREFER, "resolution=ignore-duplicates,return=representation")
            .json(row);
        Ok(!self.rows::<IgnoredAny>(request).await?.is_empty())
    }

    async fn change(
        &self,
        job: JobId,
        from: &[Status],
        progress: &Progress,
    ) -> Result<bool, RowsError> {
        let from = from.iter().map(|status| status.as_str()).collect::<Vec<_>>().join(",");
        let from = format!("in.({from})");
        let older = format!("lt.{}", progress.event_seq);
        // One after the other: PostgREST 12 holds `or` against the row as it is written, too, and
        // returns none of those that it has changed.
        for newest in [older.as_str(), "is.null"] {
            let guard = [("status", from.as_str()), ("event_seq", newest)];
            let changed = self.rows::<IgnoredAny>(self.patch(job, &guard).json(progress)).await?;
            // To match no row is a success: only the rows that come back tell.
            if !changed.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    async fn add(&self, job: JobId, event_seq: u64, urls: &Urls) -> Result<bool, RowsError> {
        let same = format!("eq.{event_seq}");
        let request = self.patch(job, &[("event_seq", &same)]).json(urls);
        Ok(!self.rows::<IgnoredAny>(request).await?.is_empty())
    }

    async fn get(&self, job: JobId) -> Result<Option<Seen>, RowsError> {
        let job = format!("eq.{job}");
        let request = self.request(Method::GET, &[("id", &*job), ("select", SEEN)]);
        Ok(self.rows(request).await?.pop())
    }

    async fn delete(&self, job: JobId) -> Result<(), RowsError> {
        let job = format!("eq.{job}");
        let request = self.request(Method::DELETE, &[("id", &*job)]);
        self.answer(request.header(PREFER, "return=minimal")).await.map(drop)
    }
}

async fn read(mut answer: Response) -> Result<Vec<u8>, RowsError> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(unanswered)? {
        if body.len() + chunk.len() > MAX_BODY_BYTES {
            let source = format!("more than {MAX_BODY_BYTES} bytes");
            return Err(RowsError::NotUnderstood(source.into()));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn unanswered(error: reqwest::Error) -> RowsError {
    RowsError::Unanswered(Source::from(error.without_url()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::TableName;

    fn table() -> PostgRest {
        PostgRest::new(&Project {
            url: Url::parse("https://abc.supabase.co").expect("an address"),
            key: ServiceKey::parse("sb_secret_abc").expect("a key"),
            table: TableName::parse("videos").expect("a name"),
        })
        .expect("a client")
    }

    fn refusal(status: u16, code: &str) -> RowsError {
        let body = format!(r#"{{"code":"{code}","details":null,"message":"no sb_secret_abc"}}"#);
        table().refusal(StatusCode::from_u16(status).expect("a status"), body.as_bytes())
    }

    #[test]
    fn what_cannot_be_now_is_told_from_what_has_to_be_mended() {
        for (status, code) in [
            (503, "PGRST000"),
            (503, "PGRST002"),
            (504, "PGRST003"),
            (503, "08006"),
            (503, "53300"),
            (500, "XX000"),
            (429, ""),
            (408, ""),
        ] {
            let error = refusal(status, code);
            assert!(matches!(error, RowsError::Unavailable(_)), "{status} {code}: {error}");
        }
        for (status, code) in [
            (400, "42703"),
            (400, "PGRST204"),
            (404, "42P01"),
            (404, "PGRST205"),
            (404, ""),
            (403, "42501"),
            (401, "42501"),
        ] {
            let error = refusal(status, code);
            assert!(matches!(error, RowsError::Schema(_)), "{status} {code}: {error}");
            assert!(error.to_string().ends_with("apply infra/supabase/migrations"), "{error}");
        }
        for code in ["PGRST301", "PGRST303", ""] {
            assert!(matches!(refusal(401, code), RowsError::Key(_)), "{code}");
        }
        assert!(matches!(refusal(400, "22P02"), RowsError::Refused(_)));
        assert!(matches!(refusal(302, ""), RowsError::Refused(_)));
    }

    #[test]
    fn neither_an_error_nor_debug_tells_the_key() {
        let told = format!("{:?} {:?} {}", table(), refusal(400, "22P02"), refusal(400, "22P02"));

        assert!(!told.contains("sb_secret_abc"), "{told}");
        assert!(told.contains("no (key)"), "{told}");
    }

    #[test]
    fn an_answer_of_a_gateway_needs_no_code() {
        let error = table().refusal(StatusCode::BAD_GATEWAY, b"<html>502</html>");

        assert_eq!(error.to_string(), "Supabase cannot answer now: 502");
    }
}
