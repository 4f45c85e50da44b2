//! Jobs that failed, and orders whose answer was lost, and what operators do about them.

use domain::{Job, JobState};
use fake_providers::{Cut, Download, Endpoint, Name};
use serde_json::Value;
use support::{Shop, text};

mod support;

/// One fault, and a job is given up.
const SOON_GIVEN_UP: (&str, &str) = ("MAX_FAULTS", "1");

/// A job whose clip is with the provider, from where it could not be fetched.
async fn job_that_failed(shop: &Shop) -> Job {
    shop.fake.change(Name::Ltx, |switches| switches.download = Download::Html);
    let job = shop.drop_in("villa.jpg", &[]).await;
    let failed = shop.job_is(&job, JobState::Failed).await;
    shop.fake.change(Name::Ltx, |switches| switches.download = Download::Whole);
    failed
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_is_tried_again_takes_the_clip_that_the_provider_still_has() {
    let operator = ("STILLMOTION_OPERATOR", "ana");
    let shop = Shop::open(&[Name::Ltx], &[SOON_GIVEN_UP, operator]).await;
    let job = job_that_failed(&shop).await;
    let id = job.id.to_string();
    let before = shop.tell(&job);

    let plan = shop.says(&["redrive", "--job", &id, "--dry-run"]);
    assert!(plan.contains("$0.36") && plan.contains("still has the clip"), "{plan}");
    let quoted = &shop.lines(&["redrive", "--from", "ltx", "--dry-run"])[0];
    assert_eq!((&quoted["costMicroUsd"], &quoted["stage"]), (&360_000.into(), &"ltx".into()));
    assert_eq!(shop.tell(&job), before, "nothing has changed");

    let said = shop.says(&["redrive", "--job", &id]);
    shop.job_is(&job, JobState::Rendered).await;

    assert!(said.contains("on its way"), "{said}");
    let told = shop.tell(&job);
    let history = told["history"].as_array().expect("a history");
    let redriven = history.iter().find(|event| event["detail-type"] == "JobRedriven.v1");
    let by = redriven.map(|event| event["detail"].to_string()).expect("it is announced");
    assert!(by.contains(r#""ana""#), "{by}");
    assert_eq!(shop.fake.bill(Name::Ltx).orders, 1, "it was not ordered again");
    assert_eq!(spent(&told), 360_000);
}

/// What the ledger of a job sums up to, in millionths of a dollar.
fn spent(told: &Value) -> u64 {
    let ledger = told["ledger"].as_array().expect("a ledger");
    ledger.iter().filter_map(|attempt| attempt["charged"].as_u64()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_operators_who_try_a_job_again_at_once_one_does() {
    let shop = Shop::open(&[Name::Ltx], &[SOON_GIVEN_UP]).await;
    let job = job_that_failed(&shop).await;
    let id = job.id.to_string();

    let children = [(); 4].map(|()| {
        let mut command = shop.command(&["redrive", "--job", &id]);
        command.stdout(std::process::Stdio::piped()).spawn().expect("it runs")
    });
    let outputs = children.map(|child| child.wait_with_output().expect("it ends"));
    shop.job_is(&job, JobState::Rendered).await;

    let on_its_way =
        outputs.iter().filter(|output| text(&output.stdout).contains("on its way")).count();
    assert_eq!(on_its_way, 1);
    let redriven = shop.announced(&job).iter().filter(|name| *name == "JobRedriven.v1").count();
    assert_eq!((redriven, shop.fake.bill(Name::Ltx).orders), (1, 1));
}

/// A job whose order was taken, or not, and nobody knows.
async fn job_that_is_unknown(shop: &Shop, taken: bool) -> Job {
    let cut = Cut { to: Endpoint::Submit, times: 1, after_bytes: 0, take: taken };
    shop.fake.change(Name::Ltx, |switches| switches.cuts = vec![cut]);
    let job = shop.drop_in("villa.jpg", &[]).await;
    let attempt = shop.attempt_is(&job, "unknown").await;
    assert_eq!(attempt["reserved"], 360_000, "the money is held back");
    job
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_order_that_was_taken_is_collected_under_the_name_that_an_operator_tells() {
    let shop = Shop::open(&[Name::Ltx], &[]).await;
    let job = job_that_is_unknown(&shop, true).await;
    let name = shop.fake.orders(Name::Ltx).remove(0).id;

    let costs = &shop.lines(&["costs"])[0];
    let said = shop.says(&["settle", &job.id.to_string(), "--taken", &name]);
    shop.job_is(&job, JobState::Rendered).await;

    assert_eq!(costs["unknownMicroUsd"], 360_000);
    assert!(said.contains("is submitted"), "{said}");
    assert_eq!(shop.fake.bill(Name::Ltx).orders, 1);
    let ledger = shop.ledger(&job);
    assert_eq!((ledger.len(), &ledger[0]["state"]), (1, &"succeeded".into()));
    assert_eq!(ledger[0]["provider_job"], name);
    let again = shop.run(&["settle", &job.id.to_string(), "--not-taken"]);
    assert!(text(&again.stderr).contains("no order of job"), "{}", text(&again.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_order_that_was_not_taken_is_made_again() {
    let shop = Shop::open(&[Name::Ltx], &[]).await;
    let job = job_that_is_unknown(&shop, false).await;
    assert_eq!(shop.fake.bill(Name::Ltx).orders, 0);

    shop.says(&["settle", &job.id.to_string(), "--not-taken"]);
    shop.job_is(&job, JobState::Rendered).await;

    let states: Vec<_> = shop.ledger(&job).iter().map(|one| one["state"].clone()).collect();
    assert_eq!(states, ["not_taken", "succeeded"]);
    assert_eq!(shop.fake.bill(Name::Ltx).orders, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_order_that_nobody_decides_ends_and_is_not_made_again() {
    let shop = Shop::open(&[Name::Ltx], &[("HOLD_FOR_SECS", "1")]).await;
    let job = job_that_is_unknown(&shop, true).await;
    let failed = shop.job_is(&job, JobState::Failed).await;
    let id = failed.id.to_string();

    let plan = shop.says(&["redrive", "--job", &id]);
    assert!(plan.contains("decide it with `settle` first"), "{plan}");
    let name = shop.fake.orders(Name::Ltx).remove(0).id;
    let said = shop.says(&["settle", &id, "--taken", &name]);
    assert!(said.contains("redrive --job"), "{said}");
    shop.says(&["redrive", "--job", &id]);
    shop.job_is(&failed, JobState::Rendered).await;

    let told = shop.tell(&job);
    assert_eq!((shop.fake.bill(Name::Ltx).orders, spent(&told)), (1, 360_000));
}
