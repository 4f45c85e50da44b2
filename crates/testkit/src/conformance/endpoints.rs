use futures::future::join_all;
use ports::{Endpoint, Endpoints, Replaced};

use super::{RACERS, unique};
use crate::samples;

/// Asserts the promises of [`Endpoints`].
///
/// # Panics
/// On the first broken promise.
pub async fn endpoints(endpoints: &impl Endpoints) {
    what_was_written_is_read_and_replaced_by_whoever_has_read_it(endpoints).await;
    everybody_has_endpoints_of_their_own(endpoints).await;
    one_of_many_registers_and_one_of_many_replaces(endpoints).await;
    what_was_removed_is_not_there(endpoints).await;
}

async fn get(endpoints: &impl Endpoints, endpoint: &Endpoint) -> Option<Endpoint> {
    endpoints.get(endpoint.owner.as_deref(), &endpoint.id).await.expect("get")
}

async fn write(
    endpoints: &impl Endpoints,
    before: Option<&Endpoint>,
    after: &Endpoint,
) -> Replaced {
    endpoints.write(before, after).await.expect("write")
}

fn at(endpoint: &Endpoint, url: &str) -> Endpoint {
    Endpoint { url: url.to_owned(), ..endpoint.clone() }
}

async fn what_was_written_is_read_and_replaced_by_whoever_has_read_it(endpoints: &impl Endpoints) {
    let first = samples::endpoint(Some(&unique()), "crm a/b#c");
    let (second, third) = (at(&first, "https://b.example/"), at(&first, "https://c.example/"));
    assert_eq!(get(endpoints, &first).await, None);
    assert_eq!(write(endpoints, Some(&first), &second).await, Replaced::Conflict);

    assert_eq!(write(endpoints, None, &first).await, Replaced::Done);
    assert_eq!(get(endpoints, &first).await, Some(first.clone()));
    assert_eq!(write(endpoints, Some(&first), &second).await, Replaced::Done);
    assert_eq!(write(endpoints, Some(&first), &third).await, Replaced::Conflict);
    assert_eq!(write(endpoints, None, &third).await, Replaced::Conflict);

    assert_eq!(get(endpoints, &first).await, Some(second));
}

async fn everybody_has_endpoints_of_their_own(endpoints: &impl Endpoints) {
    let (owner, other, id) = (unique(), unique(), unique());
    let (b, a) = (samples::endpoint(Some(&owner), "b"), samples::endpoint(Some(&owner), "a"));
    let house = samples::endpoint(None, &id);
    let star = samples::endpoint(Some("*"), &id);
    for endpoint in [&b, &a, &house, &star] {
        assert_eq!(write(endpoints, None, endpoint).await, Replaced::Done);
    }
    let of_owner = async |owner| endpoints.of_owner(owner).await.expect("of owner");

    assert_eq!(of_owner(Some(&owner)).await, [a, b]);
    assert_eq!(of_owner(Some(&other)).await, []);
    assert_eq!(get(endpoints, &samples::endpoint(Some(&owner), &id)).await, None);
    let ours = async |owner| of_owner(owner).await.into_iter().filter(|one| one.id == id);
    assert!(ours(None).await.eq([house]));
    assert!(ours(Some("*")).await.eq([star]));
}

async fn one_of_many_registers_and_one_of_many_replaces(endpoints: &impl Endpoints) {
    let first = samples::endpoint(Some(&unique()), "contended");
    let mut before: Option<Endpoint> = None;
    for round in 0..2 {
        let rival = |n: usize| at(&first, &format!("https://{round}-{n}.example/"));
        let written = (0..RACERS)
            .map(async |n| endpoints.write(before.as_ref(), &rival(n)).await.expect("write"));
        let written = join_all(written).await;

        let winners: Vec<_> = (0..RACERS).filter(|n| written[*n] == Replaced::Done).collect();
        assert!(winners.len() <= 1, "{winners:?} all wrote the endpoint");
        // Rivals may keep each other out, and then all of them are told to read again.
        let expected = winners.first().map(|n| rival(*n)).or(before);
        before = get(endpoints, &first).await;
        assert_eq!(before, expected);
    }
}

async fn what_was_removed_is_not_there(endpoints: &impl Endpoints) {
    let owner = unique();
    let (gone, kept) = (samples::endpoint(Some(&owner), "a"), samples::endpoint(Some(&owner), "b"));
    write(endpoints, None, &gone).await;
    write(endpoints, None, &kept).await;

    for _ in 0..2 {
        endpoints.delete(Some(&owner), "a").await.expect("delete");
    }

    assert_eq!(get(endpoints, &gone).await, None);
    assert_eq!(endpoints.of_owner(Some(&owner)).await.expect("of owner"), [kept]);
    assert_eq!(write(endpoints, Some(&gone), &gone).await, Replaced::Conflict);
    assert_eq!(write(endpoints, None, &gone).await, Replaced::Done);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InMemoryEndpoints;

    #[tokio::test]
    async fn endpoints_in_memory() {
        endpoints(&InMemoryEndpoints::default()).await;
    }
}
