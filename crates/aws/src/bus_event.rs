//! A record that a rule of the bus put in a queue.

use events::BusEvent;
use ports::Source;

/// Reads the body of one record.
///
/// # Errors
/// If it is no event of the bus.
pub fn parse(body: &str) -> Result<BusEvent, Source> {
    Ok(serde_json::from_str(body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_bus_adds_is_ignored() {
        let body = r#"{"version":"0","id":"6f","detail-type":"LtxDone.v1","source":"stillmotion.ltx",
            "account":"123456789012","time":"2026-11-20T10:00:00Z","region":"eu-central-1",
            "resources":[],"detail":{"jobId":"j"}}"#;

        let event = parse(body).expect("an event");

        assert_eq!((&*event.source, &*event.detail_type), ("stillmotion.ltx", "LtxDone.v1"));
        assert_eq!(event.detail["jobId"], "j");
    }

    #[test]
    fn a_body_without_detail_type_is_a_fault_that_names_it() {
        let fault = parse(r#"{"source":"s","detail":{}}"#).expect_err("incomplete").to_string();

        assert!(fault.contains("detail-type"), "{fault}");
    }
}
