use std::collections::VecDeque;
use std::sync::Mutex;

use super::*;

/// Answers each lookup with the next of these.
struct Answers(Mutex<VecDeque<Vec<IpAddr>>>);

impl Lookup for Answers {
    fn lookup(&self, _: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let next = self.0.lock().expect("no panic").pop_front().expect("one lookup more");
        Box::pin(async { Ok(next) })
    }
}

fn resolver(guard: Guard, answers: &[&[&str]]) -> Resolver {
    let ip = |text: &&str| text.parse().expect("an address");
    let answers = answers.iter().map(|ips| ips.iter().map(ip).collect()).collect();
    Resolver { guard, lookup: Arc::new(Answers(Mutex::new(answers))) }
}

/// The addresses that a connection for `name` may go to; none if it is refused.
async fn resolved(resolver: &Resolver, name: &str) -> Option<Vec<String>> {
    match resolver.resolve(name.parse().expect("a name")).await {
        Ok(found) => Some(found.map(|addr| addr.ip().to_string()).collect()),
        Err(error) => {
            assert!(error.is::<GuardRefusal>(), "{error}");
            None
        }
    }
}

#[tokio::test]
async fn a_name_leads_to_what_was_looked_up_for_it() {
    let resolver = resolver(Guard::STRICT, &[&["8.8.8.8", "2606:4700::1"]]);

    let found = resolved(&resolver, "example.com").await.expect("public");

    assert_eq!(found, ["8.8.8.8", "2606:4700::1"]);
}

#[tokio::test]
async fn a_name_that_leads_outside_first_and_inside_then_is_refused_then() {
    let resolver = resolver(Guard::STRICT, &[&["8.8.8.8"], &["10.0.0.1"], &["8.8.4.4"]]);

    assert_eq!(resolved(&resolver, "rebound.example").await, Some(vec!["8.8.8.8".to_owned()]));
    assert_eq!(resolved(&resolver, "rebound.example").await, None);
    assert_eq!(resolved(&resolver, "rebound.example").await, Some(vec!["8.8.4.4".to_owned()]));
}

#[tokio::test]
async fn one_address_inside_and_the_name_has_none() {
    let mixed: [&[&str]; 3] =
        [&["8.8.8.8", "169.254.169.254"], &["::1", "8.8.8.8"], &["8.8.8.8", "::ffff:8.8.8.8"]];
    let resolver = resolver(Guard::STRICT, &mixed);

    for _ in mixed {
        assert_eq!(resolved(&resolver, "mixed.example").await, None);
    }
}

#[tokio::test]
async fn loopback_is_for_names_of_this_machine() {
    let loopback: [&[&str]; 4] =
        [&["127.0.0.1"], &["127.0.0.1", "::1"], &["127.0.0.1"], &["10.0.0.1"]];
    let local = resolver(Guard::with_loopback(), &loopback);

    assert_eq!(resolved(&local, "example.com").await, None);
    assert!(resolved(&local, "localhost").await.is_some());
    assert!(resolved(&local, "a.localhost").await.is_some());
    assert_eq!(resolved(&local, "localhost").await, None);
}

#[tokio::test]
async fn the_system_is_asked_unless_somebody_else_is() {
    let resolver = |guard| Resolver { guard, lookup: Arc::new(SystemLookup) };

    assert_eq!(resolved(&resolver(Guard::STRICT), "localhost").await, None);
    assert!(resolved(&resolver(Guard::with_loopback()), "localhost").await.is_some());
}

#[tokio::test]
async fn a_strict_client_asks_nothing_but_https() {
    let client = Guard::STRICT.client().build().expect("a client");

    let refused = client.get("http://127.0.0.1:1/").send().await.expect_err("not https");

    assert!(refused.is_builder(), "{refused:?}");
}
