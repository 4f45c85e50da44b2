//! How queues are called: names, URLs and ARNs.

/// What all names of a cloud have in common.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// Where the cloud answers, without a slash at the end.
    pub(crate) endpoint: String,
    pub(crate) region: String,
    pub(crate) account: String,
}

impl Names {
    /// ARN of the queue `name`.
    pub(crate) fn arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{name}", self.region, self.account)
    }

    /// URL of the queue `name`.
    pub(crate) fn url(&self, name: &str) -> String {
        format!("{}/{}/{name}", self.endpoint, self.account)
    }
}

/// The queue that `url` means. Only the last part counts: the port may have changed since.
pub(crate) fn name_in_url(url: &str) -> &str {
    url.trim_end_matches('/').rsplit('/').next().unwrap_or(url)
}

/// The queue that `arn` means, if it is the ARN of a queue.
pub(crate) fn name_in_arn(arn: &str) -> Option<&str> {
    let rest = arn.strip_prefix("arn:aws:sqs:")?;
    rest.splitn(3, ':').nth(2).filter(|name| !name.is_empty())
}

/// Whether `name` may be the name of a standard queue.
pub(crate) fn is_valid(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=80).contains(&name.len()) && name.bytes().all(allowed)
}
