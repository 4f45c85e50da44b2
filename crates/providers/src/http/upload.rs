//! Uploads of photos to the storage that a provider names.

use std::collections::BTreeMap;
use std::path::Path;

use ports::Source;
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::multipart::{Form, Part};
use reqwest::{Body, RequestBuilder};
use tokio::fs::File;
use tokio_util::io::ReaderStream;

use super::{Answer, Http, Unanswered, not_sent, unanswered};

/// What photos are, once they are accepted.
const PHOTO_TYPE: &str = "image/jpeg";

impl Http {
    /// Puts a photo at an address that a provider named, with the headers that it named. The key
    /// is not shown there.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn put_file(
        &self,
        address: &str,
        headers: &BTreeMap<String, String>,
        photo: &Path,
    ) -> Result<Answer, Unanswered> {
        let url = self.guard.check_any_length(address).map_err(|refusal| unsent(refusal.into()))?;
        let mut named = HeaderMap::new();
        named.insert(CONTENT_TYPE, HeaderValue::from_static(PHOTO_TYPE));
        for (name, value) in headers {
            let (name, value) = header(name, value).map_err(unsent)?;
            named.insert(name, value);
        }
        let (body, size_bytes) = open(photo).await.map_err(unsent)?;
        let request = self.open.put(url).headers(named).header(CONTENT_LENGTH, size_bytes);
        self.upload(request.body(body)).await
    }

    /// Posts a form with these fields, and the photo last, to an address that a provider named.
    /// The key is not shown there.
    ///
    /// # Errors
    /// [`Unanswered`].
    pub async fn post_form(
        &self,
        address: &str,
        fields: &BTreeMap<String, String>,
        photo: &Path,
    ) -> Result<Answer, Unanswered> {
        let url = self.guard.check_any_length(address).map_err(|refusal| unsent(refusal.into()))?;
        let (body, size_bytes) = open(photo).await.map_err(unsent)?;
        let part = Part::stream_with_length(body, size_bytes).file_name("photo.jpg");
        let part = part.mime_str(PHOTO_TYPE).map_err(not_sent)?;
        let text =
            |form: Form, (name, value): (&String, &String)| form.text(name.clone(), value.clone());
        let form = fields.iter().fold(Form::new(), text).part("file", part);
        self.upload(self.open.post(url).multipart(form)).await
    }

    async fn upload(&self, request: RequestBuilder) -> Result<Answer, Unanswered> {
        let sent = request.timeout(self.timeouts.upload).send().await;
        Answer::read(sent.map_err(unanswered)?).await
    }
}

fn unsent(source: Source) -> Unanswered {
    Unanswered::NotSent(source)
}

fn header(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), Source> {
    Ok((name.parse()?, value.parse()?))
}

/// A file that is read while it is sent, and its size in bytes.
async fn open(photo: &Path) -> Result<(Body, u64), Source> {
    let file = File::open(photo).await?;
    let size_bytes = file.metadata().await?.len();
    Ok((Body::wrap_stream(ReaderStream::new(file)), size_bytes))
}
