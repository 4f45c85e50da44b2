//! What the head of an answer says.

use std::time::{Duration, SystemTime};

use reqwest::Response;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, LOCATION, RETRY_AFTER};
use url::Url;

/// Shortest pause that is obeyed: whoever asks for none would be asked all the time.
const MIN_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause that is obeyed.
const MAX_PAUSE: Duration = Duration::from_hours(1);

/// An answer sends us elsewhere and does not say where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a redirect to nowhere")]
pub struct Nowhere;

/// Where an answer sends us, if it does. It is not checked.
///
/// # Errors
/// [`Nowhere`].
pub fn redirect(response: &Response) -> Result<Option<Url>, Nowhere> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = text(response.headers(), &LOCATION);
    let next = location.and_then(|location| response.url().join(location).ok());
    next.map(Some).ok_or(Nowhere)
}

/// The type in `content-type`, in lower case and without its parameters.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = text(headers, &CONTENT_TYPE)?;
    Some(text.split(';').next().unwrap_or(text).trim().to_ascii_lowercase())
}

/// How long an answer asks us to wait, as far as that is obeyed.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let ms = text(headers, &HeaderName::from_static("retry-after-ms"));
    let ms = ms.and_then(|ms| ms.trim().parse().ok());
    let pause = ms.map(Duration::from_millis);
    let pause = pause.or_else(|| pause_in(text(headers, &RETRY_AFTER)?.trim(), SystemTime::now()));
    pause.map(obeyed)
}

/// What is obeyed of a pause that is asked for: a second at least, an hour at most.
pub fn obeyed(pause: Duration) -> Duration {
    pause.clamp(MIN_PAUSE, MAX_PAUSE)
}

/// Seconds, or the moment until when to wait.
fn pause_in(text: &str, now: SystemTime) -> Option<Duration> {
    if let Ok(secs) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(secs).ok();
    }
    let until = httpdate::parse_http_date(text).ok()?;
    Some(until.duration_since(now).unwrap_or_default())
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(HeaderName::from_static(name), value.parse().expect("a value"))])
    }

    #[test]
    fn the_pause_is_told_in_seconds_or_as_a_date_and_is_from_a_second_to_an_hour() {
        let pause = |value: &str| retry_after(&headers("retry-after", value));
        let in_a_minute = SystemTime::now() + Duration::from_mins(1);
        let date = pause(&httpdate::fmt_http_date(in_a_minute)).expect("a pause");

        assert_eq!(pause("30"), Some(Duration::from_secs(30)));
        assert!((58..=60).contains(&date.as_secs()), "{date:?}");
        assert_eq!(pause("Sun, 06 Nov 1994 08:49:37 GMT"), Some(MIN_PAUSE));
        assert_eq!(pause("0"), Some(MIN_PAUSE));
        assert_eq!(pause("999999999"), Some(MAX_PAUSE));
        assert_eq!([pause("-1"), pause("soon")], [None, None]);
        let ms = retry_after(&headers("retry-after-ms", "1500"));
        assert_eq!(ms, Some(Duration::from_millis(1500)));
    }

    #[test]
    fn a_type_is_read_without_case_and_parameters() {
        let read = |value: &str| media_type(&headers("content-type", value));

        assert_eq!(read("Image/JPEG; charset=binary").as_deref(), Some("image/jpeg"));
        assert_eq!(read(" audio/mpeg ").as_deref(), Some("audio/mpeg"));
        assert_eq!(media_type(&HeaderMap::new()), None);
    }
}
