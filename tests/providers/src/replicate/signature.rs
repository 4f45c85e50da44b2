//! Signatures of webhooks as Standard Webhooks has them.

use standardwebhooks::{HEADER_WEBHOOK_ID, HEADER_WEBHOOK_SIGNATURE, HEADER_WEBHOOK_TIMESTAMP};
use standardwebhooks::{Webhook, WebhookError};

/// The secret of somebody else.
pub(crate) const STRANGER: &str = "whsec_c29tZWJvZHkgZWxzZSwgd2hvIGlzIG5vdCBrbm93bg==";

/// The headers of a delivery.
///
/// # Errors
/// If the secret is none.
pub(crate) fn headers(
    secret: &str,
    id: &str,
    timestamp_secs: i64,
    body: &str,
) -> Result<Vec<(&'static str, String)>, WebhookError> {
    let signature = Webhook::new(secret)?.sign(id, timestamp_secs, body.as_bytes())?;
    Ok(vec![
        (HEADER_WEBHOOK_ID, id.to_owned()),
        (HEADER_WEBHOOK_TIMESTAMP, timestamp_secs.to_string()),
        (HEADER_WEBHOOK_SIGNATURE, signature),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_known_answer_comes_out() {
        let secret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";
        let body = r#"{"id":"p1","status":"succeeded"}"#;
        let headers = headers(secret, "msg_0001", 1_790_000_000, body).expect("a secret");

        assert_eq!(headers[2].1, "v1,+UJ5qdiLcBLfUR3GyufxFuTp3e9E9Uipma4up1Bgt8o=");
    }
}
