//! The switches and books over HTTP.

use fake_providers::{Download, Name};
use serde_json::{Value, json};

use crate::visitor::Visitor;

#[tokio::test]
async fn switches_are_set_and_books_are_read() {
    let visitor = Visitor::of(Name::Ltx).await;
    let control = format!("{}/_control/ltx", visitor.fake.url());
    let put = |body: Value| visitor.http.put(&control).json(&body).send();

    let body = json!({"latency_ms": 1, "download": {"expired": {"status": 404}}});
    assert_eq!(put(body).await.expect("an answer").status(), 200);
    assert_eq!(put(json!({"latency": 1})).await.expect("an answer").status(), 400);
    let switches = visitor.fake.switches(Name::Ltx);
    let expired = Download::Expired { status: 404, expire_first: None };
    assert_eq!((switches.latency_ms, switches.download), (1, expired));
    assert_eq!(visitor.get(&control).await.1["latency_ms"], 1);

    visitor.order(json!({})).await;
    assert_eq!(visitor.get(&format!("{control}/bill")).await.1["orders"], 1);
    assert_eq!(visitor.get(&format!("{control}/orders")).await.1[0]["model"], "ltx-2-3-fast");
    assert_eq!(visitor.get(&format!("{control}/calls")).await.1[0]["what"], "submit");
    assert_eq!(visitor.get(&format!("{control}/nothing")).await.0, 404);
}
