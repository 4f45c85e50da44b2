//! Who is told: registered at the front door, told by signed webhooks, told again.

use serde_json::{Value, json};
use standardwebhooks::Webhook;

use crate::support::{Asked, FrontDoor, Stranger, until};

const ENDPOINTS: &str = "/api/webhook-endpoints";

fn id_of(asked: &Asked) -> &str {
    asked.headers["webhook-id"].to_str().expect("text")
}

/// What was delivered, once nothing is on its way any more.
async fn delivered(door: &FrontDoor, endpoint: &str, count: usize) -> Vec<Value> {
    until("deliveries", async || {
        let log = door.get(&format!("{ENDPOINTS}/{endpoint}/deliveries")).await.expect(200);
        let log = log["deliveries"].as_array().expect("deliveries").clone();
        let is_done = log.iter().all(|delivery| delivery["state"] == "delivered");
        (is_done && log.len() >= count).then_some(log)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_is_told_with_a_signature_and_again_under_the_same_id() {
    let door = FrontDoor::open(&[]);
    let receiver = Stranger::start(|_| (200, Vec::new(), b"thank you".to_vec())).await;
    let wish = json!({ "url": receiver.url("/hook"), "events": ["JobCreated.v1", "Rendered.v1"] });
    let made = door.post(ENDPOINTS, &wish).await.expect(201);
    let (endpoint, secret) = (made["id"].as_str().expect("an id"), made["secret"].as_str());
    let webhook = Webhook::new(secret.expect("a secret")).expect("a secret");

    let job = door.begin().await;
    let told = receiver.asked_times(2).await;

    let mut kinds = Vec::new();
    for asked in &told {
        webhook.verify(&asked.body, &asked.headers).expect("genuine");
        let body: Value = serde_json::from_slice(&asked.body).expect("JSON");
        assert_eq!(body["data"]["jobId"], job.as_str(), "{body}");
        kinds.push(body["type"].as_str().unwrap_or_default().to_owned());
    }
    kinds.sort();
    assert_eq!(kinds, ["JobCreated.v1", "Rendered.v1"], "what was asked for and nothing else");
    let log = delivered(&door, endpoint, 2).await;
    let sent = log.iter().map(|delivery| delivery["eventId"].as_str().expect("an id"));
    assert!(
        sent.eq(log
            .iter()
            .map(|it| it["request"]["headers"]["webhook-id"].as_str().expect("an id")))
    );
    assert_eq!((&log[0]["status"], &log[0]["answer"]), (&json!(200), &json!("thank you")));
    let shown = door.get(&format!("{ENDPOINTS}/{endpoint}")).await.expect(200);
    assert!(shown.get("secret").is_none(), "it is shown once");

    let first = id_of(&told[0]);
    let path = format!("{ENDPOINTS}/{endpoint}/deliveries/{first}/replay");
    assert_eq!(door.ask(&path).await.expect(202)["replays"], 1);
    let again = receiver.asked_times(3).await.remove(2);

    assert_eq!((id_of(&again), &again.body), (first, &told[0].body));
    webhook.verify(&again.body, &again.headers).expect("genuine");

    assert_eq!(door.delete(&format!("{ENDPOINTS}/{endpoint}")).await.status, 204);
    assert_eq!(door.ask(&path).await.status, 404);
}
