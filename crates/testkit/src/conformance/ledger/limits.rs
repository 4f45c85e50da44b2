//! The accounts, and the limits on what they hold.

use domain::{
    Account, Attempt, Booking, Cap, Caps, FailureKind, Limit, MicroUsd, OverCap, Settlement, Window,
};
use futures::future::join_all;
use ports::{Ledger, Opened, Replaced};

use super::{attempt, beside, open, opened, read, refused, replace};

/// How many want to open an attempt at the same time.
const RIVALS: usize = 64;
/// How many of them may.
const PLACES: u32 = 10;

pub(super) async fn are_kept(ledger: &impl Ledger) {
    an_attempt_is_booked_to_its_user_its_day_and_its_month(ledger).await;
    what_is_settled_is_booked_exactly(ledger).await;
    a_write_that_is_left_out_books_nothing(ledger).await;
    what_costs_nothing_is_not_booked(ledger).await;
    a_limit_can_be_reached_and_not_passed(ledger).await;
    an_attempt_that_is_there_exists_whatever_the_limits(ledger).await;
    a_smaller_charge_frees_the_rest(ledger).await;
    of_many_rivals_as_many_open_as_there_are_places(ledger).await;
}

/// What the accounts of an attempt hold: those of its user, its day and its month.
async fn booked(ledger: &impl Ledger, attempt: &Attempt) -> [Booking; 3] {
    let accounts = Account::of_attempt(attempt);
    let held = accounts.each_ref().map(async |account| ledger.booked(account).await);
    let held = join_all(held).await.into_iter().map(|held| held.expect("booked"));
    held.collect::<Vec<_>>().try_into().expect("three accounts")
}

fn booking(money: u64, clips: u32) -> Booking {
    Booking { money: MicroUsd(money), clips }
}

fn money(micro: u64) -> Cap {
    Cap { money: Some(MicroUsd(micro)), clips: None }
}

fn clips(clips: u32) -> Cap {
    Cap { money: None, clips: Some(clips) }
}

async fn an_attempt_is_booked_to_its_user_its_day_and_its_month(ledger: &impl Ledger) {
    let first = attempt();
    let other_user = Attempt { user: None, ..beside(&first) };
    assert_eq!(booked(ledger, &first).await, [Booking::NONE; 3]);

    for attempt in [&first, &beside(&first), &other_user] {
        open(ledger, attempt).await;
    }

    let [two, three] = [booking(720_000, 2), booking(1_080_000, 3)];
    assert_eq!(booked(ledger, &first).await, [two, three, three]);
    assert_eq!(booked(ledger, &other_user).await, [booking(360_000, 1), three, three]);
}

async fn what_is_settled_is_booked_exactly(ledger: &impl Ledger) {
    let at = attempt().deadline;
    let ends = [
        (Settlement::succeeded(MicroUsd(400_000)), booking(400_000, 1)),
        (Settlement::succeeded(MicroUsd(1)), booking(1, 1)),
        (refused(), Booking::NONE),
        (
            Settlement::given_up(FailureKind::Late, "late".to_owned(), MicroUsd(360_000)),
            booking(360_000, 1),
        ),
    ];
    for (settlement, expected) in ends {
        let intended = attempt();
        let submitted = intended.submitted("p-1", None).expect("legal");
        let settled = submitted.settled(settlement, at).expect("legal");
        open(ledger, &intended).await;

        replace(ledger, &intended, &submitted).await;
        assert_eq!(booked(ledger, &intended).await, [booking(360_000, 1); 3]);
        replace(ledger, &submitted, &settled).await;
        assert_eq!(booked(ledger, &intended).await, [expected; 3], "{:?}", settled.state);
    }
}

async fn a_write_that_is_left_out_books_nothing(ledger: &impl Ledger) {
    let (first, missing) = (attempt(), attempt());
    open(ledger, &first).await;
    let failed = first.settled(refused(), first.deadline).expect("legal");
    replace(ledger, &first, &first.with_fault("broken".to_owned())).await;

    let stale = ledger.replace(&first, &failed).await.expect("replace");
    let unopened = missing.settled(refused(), first.deadline).expect("legal");
    let unopened = ledger.replace(&missing, &unopened).await.expect("replace");
    let again = opened(ledger, &first, &Caps::NONE).await;

    assert_eq!((stale, unopened), (Replaced::Conflict, Replaced::Conflict));
    assert_eq!(again, Opened::Exists);
    assert_eq!(booked(ledger, &first).await, [booking(360_000, 1); 3]);
    assert_eq!(booked(ledger, &missing).await, [Booking::NONE; 3]);
}

async fn what_costs_nothing_is_not_booked(ledger: &impl Ledger) {
    let nothing = Caps { user_day: money(0), day: clips(0), month: money(0) };
    let reserved = attempt();
    let free = Attempt { reserved: MicroUsd::ZERO, ..reserved.clone() };
    let reused = Attempt { charged: Some(MicroUsd::ZERO), ..beside(&reserved) };

    for attempt in [&free, &reused] {
        assert_eq!(opened(ledger, attempt, &nothing).await, Opened::New);
    }
    assert_eq!(booked(ledger, &reserved).await, [Booking::NONE; 3]);

    let submitted = free.submitted("p-1", None).expect("legal");
    let paid = submitted.settled(Settlement::succeeded(MicroUsd(5)), free.deadline).expect("legal");
    replace(ledger, &free, &submitted).await;
    replace(ledger, &submitted, &paid).await;
    assert_eq!(booked(ledger, &reserved).await, [booking(5, 1); 3], "it cost something after all");
}

async fn a_limit_can_be_reached_and_not_passed(ledger: &impl Ledger) {
    for (window, at) in [(Window::UserDay, 0), (Window::Day, 1), (Window::Month, 2)] {
        for (cap, limit) in [
            (money(720_000), Limit::Money(MicroUsd(720_000))),
            (clips(2), Limit::Clips(2)),
            (Cap { money: Some(MicroUsd(9_000_000)), clips: Some(2) }, Limit::Clips(2)),
        ] {
            let first = attempt();
            let mut of_window = [Cap::default(); 3];
            of_window[at] = cap;
            let [user_day, day, month] = of_window;
            let caps = Caps { user_day, day, month };
            for attempt in [&first, &beside(&first)] {
                assert_eq!(opened(ledger, attempt, &caps).await, Opened::New, "{caps:?}");
            }

            let third = beside(&first);
            let over = opened(ledger, &third, &caps).await;

            let resets_at = Account::of_attempt(&first)[at].resets_at.day();
            assert_eq!(over, Opened::Over(OverCap { window, limit, resets_at }));
            assert_eq!(read(ledger, &third).await, []);
            assert_eq!(booked(ledger, &first).await, [booking(720_000, 2); 3]);
        }
    }
}

async fn an_attempt_that_is_there_exists_whatever_the_limits(ledger: &impl Ledger) {
    let attempt = attempt();
    open(ledger, &attempt).await;

    for cap in [money(0), money(360_000), money(720_000), clips(0), clips(1)] {
        let caps = Caps { day: cap, ..Caps::NONE };
        assert_eq!(opened(ledger, &attempt, &caps).await, Opened::Exists, "{caps:?}");
    }
    let none = Caps { month: money(0), ..Caps::NONE };
    let other = beside(&attempt);
    assert!(matches!(opened(ledger, &other, &none).await, Opened::Over(_)));
    assert_eq!(booked(ledger, &attempt).await, [booking(360_000, 1); 3]);
}

async fn a_smaller_charge_frees_the_rest(ledger: &impl Ledger) {
    let caps = Caps { user_day: money(500_000), ..Caps::NONE };
    let first = attempt();
    let second = beside(&first);
    assert_eq!(opened(ledger, &first, &caps).await, Opened::New);
    assert!(matches!(opened(ledger, &second, &caps).await, Opened::Over(_)));

    let submitted = first.submitted("p-1", None).expect("legal");
    let charge = Settlement::succeeded(MicroUsd(140_000));
    let settled = submitted.settled(charge, first.deadline).expect("legal");
    replace(ledger, &first, &submitted).await;
    replace(ledger, &submitted, &settled).await;

    assert_eq!(opened(ledger, &second, &caps).await, Opened::New);
    assert_eq!(booked(ledger, &first).await, [booking(500_000, 2); 3]);
}

async fn of_many_rivals_as_many_open_as_there_are_places(ledger: &impl Ledger) {
    let first = attempt();
    let quoted = first.reserved;
    let rivals: Vec<_> = (0..RIVALS).map(|_| beside(&first)).collect();
    let caps = Caps { day: Cap { money: Some(quoted.times(PLACES)), clips: None }, ..Caps::NONE };

    let answers = rivals.iter().map(async |rival| opened(ledger, rival, &caps).await);
    let answers = join_all(answers).await;

    let mut written = Vec::new();
    for rival in &rivals {
        written.extend(read(ledger, rival).await);
    }
    let over = answers.iter().filter(|answer| matches!(answer, Opened::Over(_))).count();
    assert_eq!((written.len(), over), (PLACES as usize, RIVALS - PLACES as usize));
    let money = written.iter().map(|attempt| attempt.booking().money).sum();
    assert_eq!(booked(ledger, &first).await, [Booking { money, clips: PLACES }; 3]);
}
