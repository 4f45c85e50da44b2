//! What is made of secrets is made anew when they change, and nothing that fails takes it away.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ports::{Chain, Refreshed, Secrets, Source};
use testkit::{InMemorySecrets, TestClock};

const GOOD_FOR: Duration = Duration::from_mins(5);
/// Less than that by a second.
const NEARLY: Duration = Duration::from_secs(299);
const SECOND: Duration = Duration::from_secs(1);
const KEY: &str = "LTX_API_KEY";

/// Secrets, the time, and the key of LTX as it was made of them.
struct World {
    secrets: InMemorySecrets,
    clock: TestClock,
    made: Arc<AtomicU32>,
}

type Key = Refreshed<InMemorySecrets, TestClock, String>;

impl World {
    fn with(key: &str) -> Self {
        let secrets = InMemorySecrets::of(&[(KEY, key)]);
        Self { secrets, clock: TestClock::default(), made: Arc::default() }
    }

    /// Makes the key; of `broken` nothing can be made.
    async fn load_for(&self, good_for: Duration) -> Result<Key, Source> {
        let count = self.made.clone();
        let maker = move |secrets: &Secrets| {
            count.fetch_add(1, Ordering::SeqCst);
            let key = secrets.over(|_| None)(KEY).unwrap_or_default();
            if key == "broken" { Err("no key".into()) } else { Ok(key) }
        };
        Refreshed::load(self.secrets.clone(), self.clock.clone(), good_for, maker).await
    }

    async fn load(&self) -> Key {
        self.load_for(GOOD_FOR).await.expect("a key")
    }

    /// How often secrets were read, and how often something was made of them.
    fn work(&self) -> (u32, u32) {
        (self.secrets.fetches(), self.made.load(Ordering::SeqCst))
    }
}

#[tokio::test]
async fn a_new_value_is_used_as_soon_as_the_old_one_is_no_longer_good() {
    let world = World::with("old");
    let key = world.load().await;
    world.secrets.put(&[(KEY, "new")]);

    world.clock.advance(NEARLY);
    assert_eq!(*key.current().await, "old");
    assert_eq!(world.work(), (1, 1));
    world.clock.advance(SECOND);
    assert_eq!(*key.current().await, "new");
    assert_eq!(world.work(), (2, 2));
}

#[tokio::test]
async fn what_has_not_changed_is_kept_and_good_again() {
    let world = World::with("old");
    let key = world.load().await;
    let first = key.current().await;

    world.clock.advance(GOOD_FOR);
    let second = key.current().await;
    world.clock.advance(NEARLY);
    key.current().await;

    assert!(Arc::ptr_eq(&first, &second), "made anew");
    assert_eq!(world.work(), (2, 1));
}

#[tokio::test]
async fn secrets_that_cannot_be_read_again_stay_in_use_and_are_tried_after_a_pause() {
    let world = World::with("old");
    let key = world.load().await;
    world.secrets.put(&[(KEY, "new")]);
    world.secrets.fail(true);
    world.clock.advance(GOOD_FOR);

    assert_eq!(*key.current().await, "old");
    world.clock.advance(SECOND);
    assert_eq!(*key.current().await, "old");
    assert_eq!(world.secrets.fetches(), 2, "every invocation would wait");
    world.secrets.fail(false);
    world.clock.advance(30 * SECOND);
    assert_eq!(*key.current().await, "new");
}

#[tokio::test]
async fn a_value_of_which_nothing_can_be_made_leaves_the_old_one_and_is_tried_once() {
    let world = World::with("old");
    let key = world.load().await;
    world.secrets.put(&[(KEY, "broken")]);

    for _ in 0..3 {
        world.clock.advance(GOOD_FOR);
        assert_eq!(*key.current().await, "old");
    }
    assert_eq!(world.work(), (4, 2));
    world.secrets.put(&[(KEY, "new")]);
    world.clock.advance(GOOD_FOR);
    assert_eq!(*key.current().await, "new");
}

#[tokio::test]
async fn who_comes_while_somebody_reads_goes_on_with_what_there_is() {
    let world = World::with("old");
    let key = world.load().await;
    world.secrets.put(&[(KEY, "new")]);
    world.clock.advance(GOOD_FOR);

    let (reads, goes_on) = tokio::join!(key.current(), key.current());

    assert_eq!((reads.as_str(), goes_on.as_str()), ("new", "old"));
    assert_eq!(world.work(), (2, 2));
}

#[tokio::test]
async fn a_read_that_is_cut_off_is_made_again() {
    let world = World::with("old");
    let key = world.load().await;
    world.secrets.put(&[(KEY, "new")]);
    world.clock.advance(GOOD_FOR);

    // It is asked, and does not answer in time.
    let cut_off = futures::poll!(Box::pin(key.current()));
    assert!(cut_off.is_pending());

    world.clock.advance(30 * SECOND);
    assert_eq!(*key.current().await, "new");
}

#[tokio::test]
async fn without_pause_every_invocation_reads() {
    let world = World::with("old");
    let key = world.load_for(Duration::ZERO).await.expect("a key");
    world.secrets.put(&[(KEY, "new")]);

    assert_eq!(*key.current().await, "new");
    key.current().await;
    assert_eq!(world.work(), (3, 2));
}

#[tokio::test]
async fn nothing_starts_without_its_secrets() {
    let unread = World::with("old");
    unread.secrets.fail(true);
    let broken = World::with("broken");

    let unread = unread.load_for(GOOD_FOR).await.expect_err("unread");
    let broken = broken.load_for(GOOD_FOR).await.expect_err("broken");

    assert_eq!(Chain(&*unread).to_string(), "cannot read secret providers: connection refused");
    assert_eq!(broken.to_string(), "no key");
}
