//! How often somebody may ask.
//!
//! Buckets are those of this process: where several answer, each has its own. The limit of a stage as a
//! whole is its gateway's.

use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::Problem;

/// Requests between two looks at which buckets are full again and can be forgotten.
const TIDY_EVERY: u32 = 1024;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// A bucket holds `burst` requests and is filled again with `per_sec`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Requests per second, in the long run.
    pub per_sec: NonZeroU32,
    /// Requests at once.
    pub burst: NonZeroU32,
}

impl Rate {
    /// How long an empty bucket takes to be full, in seconds, rounded up.
    fn window_secs(self) -> u32 {
        self.burst.get().div_ceil(self.per_sec.get())
    }
}

/// Buckets, one for each caller and one for each address.
pub struct Limits {
    callers: Option<Buckets<String>>,
    addresses: Option<Buckets<IpAddr>>,
}

impl Limits {
    /// Limits each caller and each address; none: does not.
    pub fn new(caller: Option<Rate>, address: Option<Rate>) -> Self {
        Self {
            callers: caller.map(|rate| Buckets::new("caller", rate)),
            addresses: address.map(|rate| Buckets::new("address", rate)),
        }
    }

    /// Takes a request out of the bucket of a caller.
    pub(crate) fn caller(&self, name: &str) -> Result<Option<Left>, Left> {
        self.callers.as_ref().map(|buckets| buckets.take(&name.to_owned())).transpose()
    }

    /// Takes a request out of the bucket of an address.
    pub(crate) fn address(&self, address: IpAddr) -> Result<Option<Left>, Left> {
        self.addresses.as_ref().map(|buckets| buckets.take(&network(address))).transpose()
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let callers = self.callers.as_ref().map(|buckets| buckets.rate);
        let addresses = self.addresses.as_ref().map(|buckets| buckets.rate);
        f.debug_struct("Limits").field("callers", &callers).field("addresses", &addresses).finish()
    }
}

/// Who is counted as one: an IPv6 customer has a whole /64.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (!0 << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

struct Buckets<K: Hash + Eq + Clone> {
    name: &'static str,
    rate: Rate,
    limiter: Limiter<K>,
    taken: AtomicU32,
}

type Limiter<K> = RateLimiter<
    K,
    DefaultKeyedStateStore<K>,
    governor::clock::DefaultClock,
    StateInformationMiddleware,
>;

impl<K: Hash + Eq + Clone> Buckets<K> {
    fn new(name: &'static str, rate: Rate) -> Self {
        let quota = Quota::per_second(rate.per_sec).allow_burst(rate.burst);
        let limiter = DefaultKeyedRateLimiter::keyed(quota).with_middleware();
        Self { name, rate, limiter, taken: AtomicU32::new(0) }
    }

    fn take(&self, key: &K) -> Result<Left, Left> {
        if self.taken.fetch_add(1, Ordering::Relaxed) % TIDY_EVERY == TIDY_EVERY - 1 {
            self.limiter.retain_recent();
            self.limiter.shrink_to_fit();
        }
        let left =
            |remaining: u32, wait| Left { name: self.name, rate: self.rate, remaining, wait };
        match self.limiter.check_key(key) {
            Ok(state) => Ok(left(state.remaining_burst_capacity(), Duration::ZERO)),
            Err(not_until) => Err(left(0, not_until.wait_time_from(self.limiter.clock().now()))),
        }
    }
}

/// What is left in a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    name: &'static str,
    rate: Rate,
    remaining: u32,
    wait: Duration,
}

impl Left {
    /// Tells the caller. Structured fields may be told on several lines: what is there stays.
    ///
    /// Source: draft-ietf-httpapi-ratelimit-headers-10 §3 and §4.
    pub(crate) fn tell(self, headers: &mut HeaderMap) {
        let Self { name, rate, remaining, .. } = self;
        let missing = rate.burst.get().saturating_sub(remaining);
        let full_after = missing.div_ceil(rate.per_sec.get());
        let policy = format!(r#""{name}";q={};w={}"#, rate.burst, rate.window_secs());
        let limit = format!(r#""{name}";r={remaining};t={full_after}"#);
        for (header, value) in [(POLICY, policy), (LIMIT, limit)] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.append(header, value);
            }
        }
    }

    /// The answer when nothing is left.
    pub(crate) fn refuse(self) -> Response {
        let secs = self.wait.as_secs() + u64::from(self.wait.subsec_nanos() > 0);
        let detail = format!("more than {} requests a second: ask again later", self.rate.per_sec);
        let title = "Too many requests";
        let problem = Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many", title, detail);
        let problem = Problem { retry_after_secs: Some(secs.max(1)), ..problem };
        let mut response = problem.into_response();
        self.tell(response.headers_mut());
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rate(per_sec: u32, burst: u32) -> Rate {
        let some = |number| NonZeroU32::new(number).expect("not zero");
        Rate { per_sec: some(per_sec), burst: some(burst) }
    }

    #[test]
    fn a_bucket_is_one_callers_own() {
        let limits = Limits::new(Some(rate(1, 2)), None);

        let left = [limits.caller("a"), limits.caller("a"), limits.caller("a")];

        let [Ok(Some(first)), Ok(Some(second)), Err(third)] = left else { panic!("{left:?}") };
        assert_eq!((first.remaining, second.remaining, third.remaining), (1, 0, 0));
        assert!(third.wait > Duration::ZERO && third.wait <= Duration::from_secs(1));
        assert!(limits.caller("b").is_ok());
        assert_eq!(limits.address(Ipv6Addr::LOCALHOST.into()), Ok(None));
    }

    #[test]
    fn what_is_left_is_told_as_structured_fields() {
        let limits = Limits::new(Some(rate(50, 200)), Some(rate(100, 400)));
        let mut headers = HeaderMap::new();

        limits.caller("a").expect("let in").expect("limited").tell(&mut headers);
        let address = "192.0.2.1".parse().expect("an address");
        limits.address(address).expect("let in").expect("limited").tell(&mut headers);

        let told = |name| headers.get_all(name).iter().collect::<Vec<_>>();
        assert_eq!(told(POLICY), [r#""caller";q=200;w=4"#, r#""address";q=400;w=4"#]);
        assert_eq!(told(LIMIT), [r#""caller";r=199;t=1"#, r#""address";r=399;t=1"#]);
    }

    #[test]
    fn a_network_of_a_customer_is_one_address() {
        let limits = Limits::new(None, Some(rate(1, 1)));
        let take = |address: &str| limits.address(address.parse().expect("an address")).is_ok();

        assert_eq!(
            [take("2001:db8::1"), take("2001:db8::2"), take("2001:db8:0:1::1")],
            [true, false, true]
        );
        assert_eq!([take("192.0.2.1"), take("::ffff:192.0.2.1")], [true, false]);
    }

    #[test]
    fn full_buckets_are_forgotten() {
        let limits = Limits::new(Some(rate(1_000_000, 1)), None);

        for name in 0..TIDY_EVERY * 3 {
            limits.caller(&name.to_string()).expect("let in");
        }

        let kept = limits.callers.expect("limited").limiter.len();
        assert!(kept <= TIDY_EVERY as usize + 1, "{kept} kept");
    }
}
