//! `costs`: what was spent.

use std::collections::BTreeMap;
use std::io::Write;

use clap::Args;
use domain::{Attempt, AttemptState, Cap, MicroUsd, Window};
use ltx::Policy;
use ports::{Clock, Ledger, Spent, SystemClock, environment, spent};
use serde_json::json;

use super::{CommandError, Where};
use crate::Home;
use crate::report::table;

/// Options of `costs`.
#[derive(Debug, Args)]
pub struct CostsArgs {
    #[command(flatten)]
    at: Where,
    /// How many days to look back, today included.
    #[arg(long, default_value_t = 30)]
    days: u64,
    /// One JSON object a line.
    #[arg(long)]
    json: bool,
}

/// What one user spent with one provider in a day.
#[derive(Clone, Copy, Debug, Default)]
struct Sum {
    orders: u32,
    quoted: MicroUsd,
    charged: MicroUsd,
    reserved: MicroUsd,
    unknown: MicroUsd,
    at_risk: MicroUsd,
    reused: u32,
}

impl Sum {
    fn add(&mut self, attempt: &Attempt) {
        self.reused += u32::from(attempt.reused_from.is_some());
        self.orders += u32::from(attempt.reused_from.is_none());
        self.quoted = self.quoted.plus(attempt.quoted);
        self.at_risk = self.at_risk.plus(attempt.at_risk);
        let booked = attempt.booking().money;
        match attempt.state {
            AttemptState::Unknown => self.unknown = self.unknown.plus(booked),
            state if state.is_end() => self.charged = self.charged.plus(booked),
            _ => self.reserved = self.reserved.plus(booked),
        }
    }
}

/// Lists what was spent, per day, provider and user, and what today and this month come to.
///
/// # Errors
/// One line that says what is missing.
pub async fn costs(args: CostsArgs) -> Result<(), CommandError> {
    let policy = Policy::from_vars(environment)?;
    let home = args.at.look().await?;
    let today = SystemClock.now().day();
    let mut sums: BTreeMap<(String, String, String), Sum> = BTreeMap::new();
    for back in (0..args.days.max(1)).rev() {
        let day = today.back(back);
        for attempt in home.ledger().of_day(day).await? {
            let user = attempt.user.clone().unwrap_or_else(|| "-".to_owned());
            let key = (day.to_string(), attempt.provider.clone(), user);
            sums.entry(key).or_default().add(&attempt);
        }
    }
    let limits = limits(&home, &policy).await?;
    home.stop().await;

    let mut out = std::io::stdout();
    if args.json {
        for ((day, provider, user), sum) in &sums {
            writeln!(out, "{}", json_line(day, provider, user, sum))?;
        }
        return Ok(());
    }
    writeln!(out, "{}", table(&rows(&sums)))?;
    for limit in limits {
        writeln!(out, "{limit}")?;
    }
    Ok(())
}

fn rows(sums: &BTreeMap<(String, String, String), Sum>) -> Vec<Vec<String>> {
    let head = ["day", "provider", "user", "orders", "reused", "charged", "reserved", "unknown"];
    let cells = |key: [String; 3], sum: &Sum| {
        let (orders, reused) = (sum.orders.to_string(), sum.reused.to_string());
        let money = [sum.charged, sum.reserved, sum.unknown].map(|money| money.to_string());
        key.into_iter().chain([orders, reused]).chain(money).collect()
    };
    let mut rows = vec![head.map(ToOwned::to_owned).to_vec()];
    let mut all = Sum::default();
    for ((day, provider, user), sum) in sums {
        rows.push(cells([day.clone(), provider.clone(), user.clone()], sum));
        all.orders += sum.orders;
        all.reused += sum.reused;
        all.charged = all.charged.plus(sum.charged);
        all.reserved = all.reserved.plus(sum.reserved);
        all.unknown = all.unknown.plus(sum.unknown);
    }
    rows.push(cells(["all".to_owned(), String::new(), String::new()], &all));
    rows
}

fn json_line(day: &str, provider: &str, user: &str, sum: &Sum) -> serde_json::Value {
    json!({
        "day": day, "provider": provider, "user": user, "orders": sum.orders,
        "reused": sum.reused, "quotedMicroUsd": sum.quoted, "chargedMicroUsd": sum.charged,
        "reservedMicroUsd": sum.reserved, "unknownMicroUsd": sum.unknown,
        "atRiskMicroUsd": sum.at_risk,
    })
}

/// What is spent of today and of this month, and of the limits that the environment names.
async fn limits(home: &Home, policy: &Policy) -> Result<Vec<String>, CommandError> {
    let mut lines = Vec::new();
    let spent = spent(&home.ledger(), &policy.caps, SystemClock.now()).await?;
    for Spent { window, cap: Cap { money, clips }, booked } in spent {
        let name = if window == Window::Month { "this month" } else { "today" };
        let of = money.map(|cap| format!(" of {cap}")).unwrap_or_default();
        lines.push(format!("{name}: {}{of} are spent or reserved", booked.money));
        if let Some(cap) = clips {
            lines.push(format!("{name}: {} of {cap} clips are made or under way", booked.clips));
        }
    }
    Ok(lines)
}
