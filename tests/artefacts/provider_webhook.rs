//! `provider-webhook`: what providers say by themselves.

use domain::{Attempt, JobState};
use events::LtxRequest;
use ports::{Clock, Ledger, SystemClock};
use serde_json::{Value, json};
use standardwebhooks::Webhook;
use testkit::samples;

use crate::deployed::Deployed;
use crate::events::{Call, From, http};
use crate::stage::Stage;
use crate::vault::Vault;

const SECRET: &str = "whsec_IB8eHRwbGhkYFxYVFBMSERAPDg0MCwoJCAcGBQQDAgE=";

/// A post of Replicate, signed with `secret`.
fn post(path: &str, id: &str, secret: &str) -> Value {
    let body = json!({ "id": "p-1", "status": "succeeded" }).to_string();
    let now = i64::try_from(SystemClock.now().epoch_ms() / 1000).expect("a time");
    let signature = Webhook::new(secret).expect("a secret").sign(id, now, body.as_bytes());
    let call = Call {
        headers: vec![
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", now.to_string()),
            ("webhook-signature", signature.expect("signed")),
            ("content-type", "application/json".to_owned()),
        ],
        body: body.into_bytes(),
        ..Call::new("POST", path)
    };
    http(From::Sam, &call)
}

async fn status(webhook: &Deployed, event: &Value) -> u64 {
    let answer = webhook.invoke(event).await.expect("an answer");
    answer["statusCode"].as_u64().expect("a status")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_genuine_post_has_a_look_taken_once_and_a_forged_one_none() {
    let stage = Stage::new().await;
    let steps = samples::steps_to(&samples::job(), JobState::Generating);
    let job = stage.begin("uploads/villa.jpg", samples::job().order, &steps).await;
    let attempt = Attempt { provider: "replicate".to_owned(), ..samples::attempt(job.id) };
    let ledger = stage.home.ledger();
    ledger.open(&attempt, &domain::Caps::NONE).await.expect("opened");
    let submitted = attempt.submitted("p-1", None).expect("legal");
    ledger.replace(&attempt, &submitted).await.expect("written");
    let token = "r8_0123456789";
    let settings = [("REPLICATE_API_TOKEN", token), ("REPLICATE_WEBHOOK_SECRET", SECRET)];
    let setup = stage.setup("provider-webhook").reading(&Vault::with("providers", &settings));
    let mut webhook = setup.start().await;
    webhook.keep_secret(token);
    webhook.keep_secret(SECRET);
    let path = format!("/webhooks/replicate/{}/1", job.id);
    let other = "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=";

    assert_eq!(status(&webhook, &post(&path, "m-1", other)).await, 401);
    assert_eq!(status(&webhook, &http(From::Crate, &Call::new("POST", &path))).await, 401);
    assert_eq!(stage.take("ltx").await.len(), 0);

    assert_eq!(status(&webhook, &post(&path, "m-1", SECRET)).await, 202);
    assert_eq!(status(&webhook, &post(&path, "m-1", SECRET)).await, 200, "it was heard before");

    let [wish] = &stage.take("ltx").await[..] else { panic!("one wish") };
    let wish: LtxRequest = serde_json::from_str(&wish.body).expect("a wish");
    assert_eq!((wish.job_id, wish.once), (job.id.to_string(), true));
    let nowhere = post("/webhooks/replicate/00000000-0000-0000-0000-000000000000/1", "m-2", SECRET);
    assert_eq!(status(&webhook, &nowhere).await, 404);
    assert_eq!(status(&webhook, &post("/webhooks/nobody/x/1", "m-3", SECRET)).await, 404);
}
