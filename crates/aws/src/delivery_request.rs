//! A record of queue `deliver`.

use events::DeliveryRequest;
use ports::Source;

/// Reads the body of one record.
///
/// # Errors
/// If it asks for no delivery.
pub fn parse(body: &str) -> Result<DeliveryRequest, Source> {
    Ok(serde_json::from_str(body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_without_an_owner_is_told_about_everybody() {
        let request = parse(r#"{"eventId":"e","endpointId":"n8n"}"#).expect("a request");

        assert_eq!((&*request.event_id, &*request.endpoint_id), ("e", "n8n"));
        assert_eq!(request.owner, None);
    }
}
