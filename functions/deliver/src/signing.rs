//! Signing webhooks.

use domain::Timestamp;
use ports::{Delivery, Endpoint, WebhookRequest};
use standardwebhooks::Webhook;

use crate::DeliverError;

/// The signed request that carries the body of `delivery`, byte for byte.
///
/// The id is that of the event, the same in every attempt and replay; the timestamp is that of the
/// attempt. Every secret signs that is good now, the newest first.
/// Source: Standard Webhooks specification, "Signature scheme" and "Key rotation".
pub(crate) fn sign(
    endpoint: &Endpoint,
    delivery: &Delivery,
    now: Timestamp,
) -> Result<WebhookRequest, DeliverError> {
    let (id, body) = (delivery.event.to_string(), delivery.body.as_bytes());
    let seconds = i64::try_from(now.epoch_ms() / 1000).unwrap_or(i64::MAX);
    let good = endpoint.secrets.iter().filter(|secret| secret.until.is_none_or(|end| end > now));
    let signatures: Vec<String> = good
        .map(|secret| Webhook::new(secret.secret.expose())?.sign(&id, seconds, body))
        .collect::<Result<_, _>>()
        .map_err(|source| DeliverError::Secret { endpoint: endpoint.id.clone(), source })?;
    if signatures.is_empty() {
        return Err(DeliverError::NoSecret(endpoint.id.clone()));
    }
    let headers = vec![
        ("content-type", "application/json".to_owned()),
        ("webhook-id", id),
        ("webhook-timestamp", seconds.to_string()),
        ("webhook-signature", signatures.join(" ")),
    ];
    Ok(WebhookRequest { url: endpoint.url.clone(), headers, body: body.to_vec() })
}
