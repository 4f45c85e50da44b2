//! Signing webhooks.

use domain::Timestamp;
use ports::WebhookRequest;
use standardwebhooks::{Webhook, WebhookError};

use crate::Endpoint;

/// The signed request that carries `body`.
///
/// The id is the same in every attempt, the timestamp is that of the attempt.
/// Source: Standard Webhooks specification, "Signature scheme".
pub(crate) fn sign(
    endpoint: &Endpoint,
    id: &str,
    now: Timestamp,
    body: Vec<u8>,
) -> Result<WebhookRequest, WebhookError> {
    let seconds = i64::try_from(now.epoch_ms() / 1000).unwrap_or(i64::MAX);
    let signature = Webhook::new(endpoint.secret.expose())?.sign(id, seconds, &body)?;
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signature),
    ];
    Ok(WebhookRequest { url: endpoint.url.clone(), headers, body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::WebhookSecret;

    #[test]
    fn a_known_answer_is_given() {
        let secret = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=".to_owned();
        let endpoint = Endpoint {
            name: "known".to_owned(),
            url: "https://receiver.test/".to_owned(),
            secret: WebhookSecret::new(secret),
        };
        let body = br#"{"id":"p1","status":"succeeded"}"#.to_vec();
        let now = Timestamp::from_epoch_ms(1_790_000_000_000);

        let request = sign(&endpoint, "msg_0001", now, body).expect("a secret");

        assert!(request.headers.contains(&(
            "webhook-signature",
            "v1,+UJ5qdiLcBLfUR3GyufxFuTp3e9E9Uipma4up1Bgt8o=".to_owned()
        )));
        assert!(request.headers.contains(&("webhook-timestamp", "1790000000".to_owned())));
    }
}
