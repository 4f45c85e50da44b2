//! A record of queue `ltx`.

use events::LtxRequest;
use ports::Source;

/// Reads the body of one record.
///
/// # Errors
/// If it is no order for a clip.
pub fn parse(body: &str) -> Result<LtxRequest, Source> {
    Ok(serde_json::from_str(body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_may_leave_out_everything_but_job_and_photo() {
        let order = parse(r#"{"jobId":"j","photoKey":"photos/j.jpg"}"#).expect("an order");

        assert_eq!((&*order.job_id, &*order.photo_key, &*order.prompt), ("j", "photos/j.jpg", ""));
    }
}
