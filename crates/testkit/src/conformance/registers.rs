use std::time::Duration;

use domain::Timestamp;
use futures::future::join_all;
use ports::{Clock, Registered, Registers, Replaced, SystemClock};

use super::{RACERS, unique};

/// Asserts the promises of [`Registers`].
///
/// # Panics
/// On the first broken promise.
pub async fn registers(registers: &impl Registers) {
    what_was_written_is_read_by_the_next_call(registers).await;
    a_stale_write_is_left_out(registers).await;
    one_of_many_registers_and_one_of_many_replaces(registers).await;
    what_has_expired_counts_as_gone(registers).await;
}

fn now() -> Timestamp {
    // Some keep expiry in whole seconds.
    Timestamp::from_epoch_ms(SystemClock.now().epoch_ms() / 1_000 * 1_000)
}

async fn read(registers: &impl Registers, name: &str, now: Timestamp) -> Option<Registered> {
    registers.read(name, now).await.expect("read")
}

async fn text(registers: &impl Registers, name: &str, now: Timestamp) -> Option<String> {
    read(registers, name, now).await.map(|registered| registered.text)
}

async fn write(
    registers: &impl Registers,
    name: &str,
    before: Option<u64>,
    text: &str,
) -> Replaced {
    registers.write(name, before, text, None).await.expect("write")
}

/// A register with a text in it, and the revision of that.
async fn registered(registers: &impl Registers, text: &str) -> (String, u64) {
    let name = format!("line#{}", unique());
    assert_eq!(write(registers, &name, None, text).await, Replaced::Done);
    let revision = read(registers, &name, now()).await.expect("registered").revision;
    (name, revision)
}

async fn what_was_written_is_read_by_the_next_call(registers: &impl Registers) {
    assert_eq!(read(registers, &unique(), now()).await, None);
    let (name, mut revision) = registered(registers, "first").await;
    let long = "é".repeat(60_000);

    for next in ["second", "", &long, r#"{"a":1}"#] {
        assert_eq!(write(registers, &name, Some(revision), next).await, Replaced::Done);
        let read = read(registers, &name, now()).await.expect("registered");
        assert_eq!(read.text, next);
        assert!(read.revision > revision, "{} after {revision}", read.revision);
        revision = read.revision;
    }
}

async fn a_stale_write_is_left_out(registers: &impl Registers) {
    let (name, first) = registered(registers, "first").await;
    write(registers, &name, Some(first), "second").await;
    let missing = unique();

    let stale = write(registers, &name, Some(first), "third").await;
    let anew = write(registers, &name, None, "third").await;
    let unwritten = write(registers, &missing, Some(first), "third").await;

    assert_eq!([stale, anew, unwritten], [Replaced::Conflict; 3]);
    assert_eq!(text(registers, &name, now()).await.as_deref(), Some("second"));
    assert_eq!(read(registers, &missing, now()).await, None);
}

async fn one_of_many_registers_and_one_of_many_replaces(registers: &impl Registers) {
    let name = unique();
    let mut before = None;
    for round in 0..3 {
        let text_of = |rival: usize| format!("{round}-{rival}");
        let written = (0..RACERS).map(async |rival| {
            registers.write(&name, before, &text_of(rival), None).await.expect("write")
        });
        let written = join_all(written).await;

        let winners: Vec<_> = (0..RACERS).filter(|at| written[*at] == Replaced::Done).collect();
        assert_eq!(winners.len(), 1, "{winners:?} all wrote the register");
        let read = read(registers, &name, now()).await.expect("registered");
        assert_eq!(read.text, text_of(winners[0]));
        before = Some(read.revision);
    }
}

async fn what_has_expired_counts_as_gone(registers: &impl Registers) {
    let (name, now, minute) = (unique(), now(), Duration::from_mins(1));
    let (past, later) = (Timestamp::from_epoch_ms(now.epoch_ms() - 60_000), now.plus(minute));
    let write = async |before, text: &str, expires| {
        registers.write(&name, before, text, expires).await.expect("write")
    };

    assert_eq!(write(None, "old", Some(past)).await, Replaced::Done);
    assert_eq!(read(registers, &name, now).await, None);
    assert_eq!(write(None, "new", Some(later)).await, Replaced::Done, "the old one is gone");
    assert_eq!(write(None, "newer", Some(later)).await, Replaced::Conflict);

    let before = Timestamp::from_epoch_ms(later.epoch_ms() - 1_000);
    assert_eq!(text(registers, &name, later).await, None);
    let registered = read(registers, &name, before).await.expect("registered");
    assert_eq!(registered.text, "new");
    assert_eq!(write(Some(registered.revision), "for good", None).await, Replaced::Done);
    assert_eq!(text(registers, &name, later).await.as_deref(), Some("for good"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InMemoryRegisters;

    #[tokio::test]
    async fn registers_in_memory() {
        registers(&InMemoryRegisters::default()).await;
    }
}
