//! What operators do to jobs at providers, while everything is up; the providers are played.

use domain::{Job, JobState};
use fake_providers::{Download, Name};
use serde_json::Value;
use support::{Shop, until};

mod support;

/// Long enough for a person, or a test, to do something meanwhile.
const LONG_MS: u64 = 600_000;

async fn under_way(shop: &Shop, provider: Name) -> Job {
    shop.fake.change(provider, |switches| switches.latency_ms = LONG_MS);
    let job = shop.drop_in("villa.jpg", &[("provider", provider.as_str())]).await;
    shop.attempt_is(&job, "submitted").await;
    job
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_cancelled_is_called_off_where_that_can_be_done() {
    let shop = Shop::open(&[Name::Runway], &[]).await;
    let job = under_way(&shop, Name::Runway).await;

    let said = shop.says(&["cancel", &job.id.to_string()]);

    shop.job_is(&job, JobState::Cancelled).await;
    assert!(said.contains("is cancelled") && said.contains("runway has stopped"), "{said}");
    assert_eq!(shop.fake.bill(Name::Runway).cancelled, 1);
    assert_eq!(shop.ledger(&job)[0]["state"], "cancelled");
    let again = shop.run(&["cancel", &job.id.to_string()]);
    assert!(support::text(&again.stderr).contains("cannot be cancelled"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_cancelled_is_billed_where_it_cannot_be_called_off() {
    let shop = Shop::open(&[Name::Ltx], &[]).await;
    let job = under_way(&shop, Name::Ltx).await;

    let said = shop.says(&["cancel", &job.id.to_string()]);

    shop.job_is(&job, JobState::Cancelled).await;
    assert!(said.contains("ltx cannot be stopped") && said.contains("billed: $0.36"), "{said}");
    assert_eq!(shop.fake.bill(Name::Ltx).cancelled, 0);
    let attempt = &shop.ledger(&job)[0];
    assert_eq!((&attempt["state"], &attempt["charged"]), (&"cancelled".into(), &360_000.into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn costs_are_those_of_the_ledger_by_day_provider_and_user() {
    let shop = Shop::open(&[Name::Ltx, Name::Fal], &[]).await;
    let ana = shop.drop_in("ana.jpg", &[("user-id", "ana")]).await;
    let ben = shop.drop_in("ben.jpg", &[("user-id", "ben"), ("duration", "7")]).await;
    let bea = shop.drop_in("bea.jpg", &[("user-id", "ana"), ("provider", "fal")]).await;
    for job in [&ana, &bea] {
        shop.job_is(job, JobState::Rendered).await;
    }
    shop.job_is(&ben, JobState::Failed).await;

    let lines = shop.lines(&["costs"]);
    let table = shop.says(&["costs"]);

    let row = |line: &Value| {
        let text = |name: &str| line[name].as_str().expect("text").to_owned();
        (text("provider"), text("user"), line["chargedMicroUsd"].as_u64().expect("money"))
    };
    let rows: Vec<_> = lines.iter().map(row).collect();
    let charged = |job: &Job| shop.ledger(job)[0]["charged"].as_u64().expect("money");
    let expected = [("fal", "ana", charged(&bea)), ("ltx", "ana", charged(&ana))];
    let expected = expected.map(|(provider, user, sum)| (provider.into(), user.into(), sum));
    assert_eq!(rows, expected, "what was refused is not there");
    assert_eq!((charged(&ana), charged(&bea)), (360_000, 200_000));
    let all = table.lines().find(|line| line.starts_with("all"));
    assert!(all.is_some_and(|all| all.contains("$0.56")), "{table}");
    assert!(table.contains("today: $0.56 are spent or reserved"), "{table}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_would_pass_a_limit_fails_and_names_it() {
    let shop = Shop::open(&[Name::Ltx], &[("CAP_DAY_USD", "0.40")]).await;
    let first = shop.drop_in("one.jpg", &[("prompt", "one")]).await;
    shop.job_is(&first, JobState::Rendered).await;

    let second = shop.drop_in("two.jpg", &[("prompt", "two")]).await;

    let second = shop.job_is(&second, JobState::Failed).await;
    let reason = second.failure.clone().expect("a failure").reason;
    assert!(reason.starts_with("the limit of $0.40 a day is reached; it resets on 20"), "{reason}");
    assert_eq!(shop.fake.bill(Name::Ltx).orders, 1);
    let costs = shop.says(&["costs"]);
    assert!(costs.contains("today: $0.36 of $0.40 are spent or reserved"), "{costs}");

    let plan = shop.says(&["redrive", "--job", &second.id.to_string()]);
    assert!(plan.contains("--refused"), "{plan}");
    shop.says(&["redrive", "--job", &second.id.to_string(), "--refused"]);
    until("a second refusal", async || {
        let ended = shop.announced(&second).iter().filter(|name| *name == "JobFailed.v1").count();
        (ended == 2).then_some(())
    })
    .await;
    assert_eq!(shop.fake.bill(Name::Ltx).orders, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_is_listed_by_stage_and_reason() {
    let shop = Shop::open(&[Name::Ltx], &[("MAX_FAULTS", "1")]).await;
    shop.fake.change(Name::Ltx, |switches| switches.download = Download::Html);
    let broken = shop.drop_in("broken.jpg", &[]).await;
    let odd = [("duration", "7"), ("prompt", "a")];
    let refused = [shop.drop_in("odd.jpg", &odd).await, shop.drop_in("odder.jpg", &odd).await];
    for job in refused.iter().chain([&broken]) {
        shop.job_is(job, JobState::Failed).await;
    }

    let table = shop.says(&["dead"]);
    let lines = shop.lines(&["dead"]);

    let row = |what: &str| table.lines().find(|line| line.contains(what)).expect("a row");
    let words: Vec<_> = row("has no clips of 7 s").split_whitespace().take(3).collect();
    assert_eq!(words, ["ltx", "refused", "2"]);
    let words: Vec<_> = row("a fault on our side").split_whitespace().take(3).collect();
    assert_eq!(words, ["ltx", "fault", "1"]);
    let jobs = lines.iter().filter(|line| line["stage"] == "ltx" && line["failedAt"].is_string());
    assert_eq!(jobs.count(), 3);
    let queue = lines.iter().find(|line| line["queue"] == "ltx-dead").expect("the queue");
    assert_eq!(queue["messages"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_equal_order_takes_the_stored_clip_unless_it_is_not_to() {
    let shop = Shop::open(&[Name::Ltx], &[]).await;
    let wishes = [("user-id", "ana"), ("prompt", "a pool")];
    let first = shop.drop_in("one.jpg", &wishes).await;
    shop.job_is(&first, JobState::Rendered).await;

    let equal = shop.drop_in("two.jpg", &wishes).await;
    shop.job_is(&equal, JobState::Rendered).await;

    assert_eq!(shop.fake.bill(Name::Ltx).orders, 1);
    let attempt = &shop.ledger(&equal)[0];
    assert_eq!(
        (&attempt["reused_from"], &attempt["charged"]),
        (&first.id.to_string().into(), &0.into())
    );
    let costs = &shop.lines(&["costs"])[0];
    assert_eq!((&costs["orders"], &costs["reused"]), (&1.into(), &1.into()));
    assert_eq!(costs["chargedMicroUsd"], 360_000);

    let anew = shop.drop_in("three.jpg", &[&wishes[..], &[("reuse", "false")]].concat()).await;
    let another = shop.drop_in("four.jpg", &[("user-id", "ben"), ("prompt", "a pool")]).await;
    shop.job_is(&anew, JobState::Rendered).await;
    shop.job_is(&another, JobState::Rendered).await;
    assert_eq!(shop.fake.bill(Name::Ltx).orders, 3, "one is to be new, one is another's");
}
