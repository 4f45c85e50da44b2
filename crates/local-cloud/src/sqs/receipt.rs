//! Receipt handles: which message, and which receive of it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// One receive of one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Receipt {
    /// The queue it was received from.
    pub(crate) queue: i64,
    /// The row of the message.
    pub(crate) message: i64,
    /// Which receive it was.
    pub(crate) nonce: i64,
}

impl Receipt {
    /// The handle that a client keeps.
    pub(crate) fn to_handle(self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}.{}.{}", self.queue, self.message, self.nonce))
    }

    /// The receipt behind `handle`, if this cloud made it.
    pub(crate) fn parse(handle: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(handle).ok()?).ok()?;
        let mut parts = text.splitn(3, '.').map(|part| part.parse().ok());
        Some(Self { queue: parts.next()??, message: parts.next()??, nonce: parts.next()?? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_survives_being_a_handle() {
        let receipt = Receipt { queue: 3, message: 12, nonce: -7 };
        assert_eq!(Receipt::parse(&receipt.to_handle()), Some(receipt));
    }

    #[test]
    fn what_is_no_handle_is_refused() {
        assert_eq!(Receipt::parse("no handle"), None);
    }
}
