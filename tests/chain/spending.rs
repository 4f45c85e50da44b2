//! Limits on spending, through the embedded database.

use std::collections::BTreeMap;

use domain::{Account, Attempt, Cap, Caps, JobId, MicroUsd, Settlement};
use futures::stream::{self, StreamExt};
use ports::{Ledger, Opened};
use testkit::samples;

use crate::world::World;

/// How many orders are made at once.
const ORDERS: usize = 1_000;
/// What they may cost together.
const CAP: MicroUsd = MicroUsd(10_000_000);

fn caps() -> Caps {
    Caps { day: Cap { money: Some(CAP), clips: None }, ..Caps::NONE }
}

fn attempt(n: usize) -> Attempt {
    let job = JobId::of_object("media", &format!("uploads/{n}.jpg"), "e");
    let user = Some(format!("user-{}", n % 7));
    Attempt { user, ..samples::attempt(job) }
}

/// Opens an attempt; asks again when too many others write the same accounts.
async fn open(ledger: &impl Ledger, attempt: &Attempt) -> Opened {
    loop {
        if let Ok(opened) = ledger.open(attempt, &caps()).await {
            return opened;
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_orders_at_once_do_not_pass_the_limit() {
    let world = World::new().await;
    let ledger = world.home.ledger();
    let attempts: Vec<_> = (0..ORDERS).map(attempt).collect();

    let opened: Vec<_> = stream::iter(&attempts)
        .map(async |attempt| (attempt, open(&ledger, attempt).await))
        .buffer_unordered(ORDERS)
        .collect()
        .await;

    let price = attempts[0].quoted;
    let fit = usize::try_from(CAP.0 / price.0).expect("a few");
    let new: Vec<_> =
        opened.iter().filter(|(_, opened)| *opened == Opened::New).map(|(one, _)| *one).collect();
    assert_eq!(new.len(), fit, "of {ORDERS} orders at {price}");
    let [_, day, month] = Account::of(None, samples::AT);
    let booked = ledger.booked(&day).await.expect("the account");
    assert_eq!(booked.money, price.times(u32::try_from(fit).expect("a few")));
    assert_eq!(ledger.booked(&month).await.expect("the account"), booked);
    assert!(booked.money <= CAP);

    // What fails at no charge makes room again, and for no more than that.
    let failed = new[0];
    let settled = failed.settled(Settlement::not_taken(None), samples::AT).expect("legal");
    ledger.replace(failed, &settled).await.expect("settled");
    assert_eq!(open(&ledger, &attempt(ORDERS)).await, Opened::New);
    assert!(matches!(open(&ledger, &attempt(ORDERS + 1)).await, Opened::Over(_)));
    assert_eq!(ledger.booked(&day).await.expect("the account"), booked);

    // The users' accounts add up to the day's.
    let mut of_users = BTreeMap::new();
    for n in 0..7 {
        let [user, ..] = Account::of(Some(&format!("user-{n}")), samples::AT);
        of_users.insert(n, ledger.booked(&user).await.expect("the account").money);
    }
    assert_eq!(of_users.into_values().sum::<MicroUsd>(), booked.money);
}
