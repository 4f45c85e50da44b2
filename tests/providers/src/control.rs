//! `/_control`: the switches and the books, for tests in any language.

use http::Method;
use http::request::Parts;
use serde::Serialize;
use serde_json::{Value, json};

use crate::name::Name;
use crate::providers::{Providers, now};
use crate::reply::Reply;
use crate::switches::Switches;

/// Shows and sets what tests are to know and set; 404 for all paths of nobody.
pub(crate) fn answer(providers: &Providers, head: &Parts, body: &[u8]) -> Reply {
    let nothing = || Reply::json(404, json!({"error": "there is nothing here"}));
    let parts: Vec<&str> = head.uri.path().split('/').skip(1).collect();
    let ["_control", name, rest @ ..] = parts.as_slice() else { return nothing() };
    let Some(name) = Name::parse(name) else { return nothing() };
    let mut books = providers.books(name);
    match (&head.method, rest) {
        (&Method::GET, []) => shown(&books.switches),
        (&Method::GET, ["bill"]) => shown(&books.bill(now())),
        (&Method::GET, ["orders"]) => shown(&books.orders(now())),
        (&Method::GET, ["calls"]) => shown(&books.calls),
        (&Method::PUT, []) => match changed(&books.switches, body) {
            Ok(switches) => {
                books.switches = switches;
                shown(&books.switches)
            }
            Err(error) => Reply::json(400, json!({"error": error.to_string()})),
        },
        _ => nothing(),
    }
}

fn shown(value: &impl Serialize) -> Reply {
    match serde_json::to_value(value) {
        Ok(value) => Reply::json(200, value),
        Err(error) => Reply::text(500, error.to_string()),
    }
}

/// The switches with those changed that are named. `webhooks` is changed in the same way.
fn changed(switches: &Switches, body: &[u8]) -> serde_json::Result<Switches> {
    let mut whole = serde_json::to_value(switches)?;
    let named: serde_json::Map<String, Value> = serde_json::from_slice(body)?;
    for (name, value) in named {
        match (&mut whole[&name], value) {
            (Value::Object(inner), Value::Object(changes)) if name == "webhooks" => {
                inner.extend(changes);
            }
            (switch, value) => *switch = value,
        }
    }
    serde_json::from_value(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_named_stays() {
        let first = changed(&Switches::default(), br#"{"latency_ms":5,"download":{"sized":9}}"#);
        let first = first.expect("switches");
        let body = br#"{"webhooks":{"copies":2},"download":{"expired":{}}}"#;
        let second = changed(&first, body).expect("switches");

        assert_eq!((second.latency_ms, second.webhooks.copies, second.webhooks.send), (5, 2, true));
        assert!(changed(&second, br#"{"latency":5}"#).is_err());
    }
}
