//! The environment of the function.

use std::num::NonZeroU32;
use std::time::Duration;

use ports::{InvalidSetting, Settings, environment};
use url::{Host, Url};

use crate::auth::{HttpKeys, JwtSecret, KeySet, Verifier};
use crate::{Limits, Origin, Rate, Rules};

/// Whom tokens are for unless it is said. Source: Supabase documentation, "JWT fields".
const AUDIENCE: &str = "authenticated";
/// How long events are streamed unless it is said: what a gateway waits for an answer, and some.
const STREAM_FOR: Duration = Duration::from_secs(25);
/// What a gateway waits for an answer. Source: Amazon API Gateway, "Quotas for HTTP APIs".
const GATEWAY_TIME: Duration = Duration::from_secs(29);

/// How tokens of users are told from forged ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenConfig {
    /// `SUPABASE_JWT_SECRET`: the legacy secret; absent: tokens signed with it are not believed.
    pub secret: Option<JwtSecret>,
    /// `SUPABASE_JWKS_URL`: where the public keys are; absent: below `SUPABASE_URL`.
    pub keys_url: Option<Url>,
    /// `SUPABASE_JWT_ISSUER`: who issues tokens; absent: `{SUPABASE_URL}/auth/v1`, and if that is not
    /// set either, anybody.
    pub issuer: Option<String>,
    /// `SUPABASE_JWT_AUDIENCE`: whom tokens are for; absent: `authenticated`.
    pub audience: String,
}

impl TokenConfig {
    /// Reads settings from `lookup`; none if no project and no secret is set.
    ///
    /// # Errors
    /// [`InvalidSetting`] names the first setting that is unreadable.
    pub fn from_vars(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, InvalidSetting> {
        let settings = Settings(lookup);
        let expected = "https:// and a host, or http:// on loopback";
        let project = settings.maybe("SUPABASE_URL", expected, safe_url)?;
        let keys_url = settings.maybe("SUPABASE_JWKS_URL", expected, safe_url)?;
        let expected = "a secret of 32 bytes or more";
        let secret = settings.secret("SUPABASE_JWT_SECRET", expected, JwtSecret::parse)?;
        let text = |text: &str| Some(text.to_owned());
        let issuer = settings.maybe("SUPABASE_JWT_ISSUER", "an issuer", text)?;
        let audience = settings.maybe("SUPABASE_JWT_AUDIENCE", "an audience", text)?;

        let below = |path| project.as_ref().map(|project| beneath(project, path));
        let keys_url = keys_url.or_else(|| below(".well-known/jwks.json"));
        if secret.is_none() && keys_url.is_none() {
            return Ok(None);
        }
        let own_issuer = || below("").map(|url| url.as_str().trim_end_matches('/').to_owned());
        Ok(Some(Self {
            secret,
            keys_url,
            issuer: issuer.or_else(own_issuer),
            audience: audience.unwrap_or_else(|| AUDIENCE.to_owned()),
        }))
    }

    /// Whoever tells genuine tokens.
    ///
    /// # Errors
    /// If there is no TLS.
    pub fn verifier(&self) -> Result<Verifier, reqwest::Error> {
        let keys = self.keys_url.clone().map(HttpKeys::new).transpose()?.map(KeySet::new);
        let (issuer, audience) = (self.issuer.clone(), self.audience.clone());
        Ok(Verifier::new(self.secret.as_ref(), keys, issuer, audience))
    }
}

fn beneath(project: &Url, path: &str) -> Url {
    let mut url = project.clone();
    url.set_path(&format!("{}/auth/v1/{path}", project.path().trim_end_matches('/')));
    url
}

fn safe_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_local = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local);
    let is_nobodys = url.username().is_empty() && url.password().is_none();
    (is_safe && is_nobodys).then_some(url)
}

/// How often somebody may ask, as it is set up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LimitConfig {
    /// `API_RATE_PER_CALLER` (requests per second) and `API_BURST_PER_CALLER` (requests at once).
    pub caller: Option<Rate>,
    /// `API_RATE_PER_ADDRESS` and `API_BURST_PER_ADDRESS`, the same for each address.
    pub address: Option<Rate>,
}

impl LimitConfig {
    /// What holds on Lambda unless it is said: 50/s and 200 at once for a caller, 100/s and 400 at
    /// once for an address.
    pub fn usual() -> Self {
        let rate = |per_sec, burst| {
            Some(Rate { per_sec: NonZeroU32::new(per_sec)?, burst: NonZeroU32::new(burst)? })
        };
        Self { caller: rate(50, 200), address: rate(100, 400) }
    }

    /// Reads settings from `lookup`; what is not set is as `usual`. A rate of 0 is none.
    ///
    /// # Errors
    /// [`InvalidSetting`] names the first setting that is unreadable.
    pub fn from_vars(
        lookup: impl Fn(&str) -> Option<String>,
        usual: Self,
    ) -> Result<Self, InvalidSetting> {
        let settings = Settings(lookup);
        let rate = |per_sec, burst, usual: Option<Rate>| {
            let number = |name| settings.maybe(name, "a whole number", |text| text.parse().ok());
            let per_sec = number(per_sec)?.unwrap_or(usual.map_or(0, |rate| rate.per_sec.get()));
            let burst = number(burst)?.unwrap_or(usual.map_or(per_sec, |rate| rate.burst.get()));
            let both = NonZeroU32::new(per_sec).zip(NonZeroU32::new(burst));
            Ok(both.map(|(per_sec, burst)| Rate { per_sec, burst }))
        };
        Ok(Self {
            caller: rate("API_RATE_PER_CALLER", "API_BURST_PER_CALLER", usual.caller)?,
            address: rate("API_RATE_PER_ADDRESS", "API_BURST_PER_ADDRESS", usual.address)?,
        })
    }

    /// The buckets.
    pub fn limits(self) -> Limits {
        Limits::new(self.caller, self.address)
    }
}

/// Reads what users may use, `QUOTA_JOBS_PER_DAY` and `QUOTA_BYTES_STORED`, into `rules`; absent: any
/// number.
///
/// # Errors
/// [`InvalidSetting`] names the first setting that is unreadable.
pub fn quotas_from_vars(
    lookup: impl Fn(&str) -> Option<String>,
    rules: &Rules,
) -> Result<Rules, InvalidSetting> {
    let settings = Settings(lookup);
    let number = |name| settings.maybe(name, "a whole number", |text| text.parse().ok());
    Ok(Rules {
        jobs_per_day: number("QUOTA_JOBS_PER_DAY")?,
        bytes_stored: number("QUOTA_BYTES_STORED")?,
        ..rules.clone()
    })
}

/// Settings, read once at start. What holds a secret is read by [`TokenConfig`].
#[derive(Clone, Debug)]
pub struct Config {
    /// `MEDIA_BUCKET`: name of the bucket that everything is in.
    pub media_bucket: String,
    /// `JOBS_TABLE`: name of the table of jobs.
    pub jobs_table: String,
    /// `LEDGER_TABLE`: name of the table of orders.
    pub ledger_table: String,
    /// `ACCOUNTS_TABLE`: name of the table of what may be spent.
    pub accounts_table: String,
    /// `REGISTERS_TABLE`: name of the table of shared documents.
    pub registers_table: String,
    /// `DELIVERIES_TABLE`: name of the table of what was delivered.
    pub deliveries_table: String,
    /// `ENDPOINTS_TABLE`: name of the table of who asked to be told.
    pub endpoints_table: String,
    /// `METERS_TABLE`: name of the table of what is used.
    pub meters_table: String,
    /// `INGEST_QUEUE_URL`: where uploads are announced again.
    pub ingest_queue_url: String,
    /// `LTX_QUEUE_URL`: where clips are ordered again.
    pub ltx_queue_url: String,
    /// `RENDER_QUEUE_URL`: where clips are announced again.
    pub render_queue_url: String,
    /// `DELIVER_QUEUE_URL`: where deliveries are asked for.
    pub deliver_queue_url: String,
    /// `EVENT_BUS`: name of the bus.
    pub event_bus: String,
    /// `CORS_ORIGINS`: origins whose pages may call, separated by commas; absent: none.
    pub cors_origins: Vec<Origin>,
    /// `BEHIND_TLS`: whether callers come over TLS, `true` or `false`; absent: `true`.
    pub is_behind_tls: bool,
    /// How often somebody may ask: see [`LimitConfig`].
    pub limits: LimitConfig,
    /// `QUOTA_JOBS_PER_DAY`, `QUOTA_BYTES_STORED` (bytes), and `STREAM_SECS`: how long events are
    /// streamed, in seconds, less than 29; absent: 25.
    pub rules: Rules,
}

impl Config {
    /// Reads the process environment.
    ///
    /// # Errors
    /// [`InvalidSetting`] names the first setting that is missing or unreadable.
    pub fn from_env() -> Result<Self, InvalidSetting> {
        Self::from_vars(environment)
    }

    /// Reads settings from `lookup`.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn from_vars(lookup: impl Fn(&str) -> Option<String>) -> Result<Self, InvalidSetting> {
        let limits = LimitConfig::from_vars(&lookup, LimitConfig::usual())?;
        let rules = Rules { stream_ends_with_news: true, ..Rules::default() };
        let rules = quotas_from_vars(&lookup, &rules)?;
        let settings = Settings(lookup);
        let cors_origins = settings.maybe("CORS_ORIGINS", Origin::EXPECTED, origins)?;
        let is_behind_tls = settings.maybe("BEHIND_TLS", "true or false", |it| it.parse().ok())?;
        let expected = "a whole number of seconds, less than 29";
        let stream_for = settings.maybe("STREAM_SECS", expected, |secs| {
            let stream_for = Duration::from_secs(secs.parse().ok()?);
            (stream_for < GATEWAY_TIME).then_some(stream_for)
        })?;
        Ok(Self {
            media_bucket: settings.text("MEDIA_BUCKET")?,
            jobs_table: settings.text("JOBS_TABLE")?,
            ledger_table: settings.text("LEDGER_TABLE")?,
            accounts_table: settings.text("ACCOUNTS_TABLE")?,
            registers_table: settings.text("REGISTERS_TABLE")?,
            deliveries_table: settings.text("DELIVERIES_TABLE")?,
            endpoints_table: settings.text("ENDPOINTS_TABLE")?,
            meters_table: settings.text("METERS_TABLE")?,
            ingest_queue_url: settings.text("INGEST_QUEUE_URL")?,
            ltx_queue_url: settings.text("LTX_QUEUE_URL")?,
            render_queue_url: settings.text("RENDER_QUEUE_URL")?,
            deliver_queue_url: settings.text("DELIVER_QUEUE_URL")?,
            event_bus: settings.text("EVENT_BUS")?,
            cors_origins: cors_origins.unwrap_or_default(),
            is_behind_tls: is_behind_tls.unwrap_or(true),
            limits,
            rules: Rules { stream_for: stream_for.unwrap_or(STREAM_FOR), ..rules },
        })
    }
}

fn origins(text: &str) -> Option<Vec<Origin>> {
    text.split(',').map(|origin| Origin::parse(origin.trim())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(name: &str, value: &str) -> Result<Config, InvalidSetting> {
        Config::from_vars(|asked| match asked {
            asked if asked == name => Some(value.to_owned()),
            asked if asked.ends_with("_TABLE") || asked.ends_with("_QUEUE_URL") => {
                Some("1".to_owned())
            }
            "MEDIA_BUCKET" | "EVENT_BUS" => Some("1".to_owned()),
            _ => None,
        })
    }

    fn tokens(name: &str, value: &str) -> Result<Option<TokenConfig>, InvalidSetting> {
        TokenConfig::from_vars(|asked| match asked {
            asked if asked == name => Some(value.to_owned()),
            "SUPABASE_URL" => Some("https://abc.supabase.co".to_owned()),
            _ => None,
        })
    }

    fn unreadable(name: &str, value: &str) -> bool {
        let unreadable = |error| matches!(error, Some(InvalidSetting::Unreadable { .. }));
        unreadable(config(name, value).err()) || unreadable(tokens(name, value).err())
    }

    #[test]
    fn a_project_says_where_its_keys_are_and_who_issues() {
        let tokens = tokens("", "").expect("readable").expect("a project");

        let keys = tokens.keys_url.expect("an address");
        assert_eq!(keys.as_str(), "https://abc.supabase.co/auth/v1/.well-known/jwks.json");
        assert_eq!(tokens.issuer.as_deref(), Some("https://abc.supabase.co/auth/v1"));
        assert_eq!((tokens.audience.as_str(), tokens.secret), ("authenticated", None));
    }

    #[test]
    fn without_a_project_and_a_secret_no_token_is_believed() {
        let nothing = TokenConfig::from_vars(|_| None).expect("readable");
        let secret =
            TokenConfig::from_vars(|name| (name == "SUPABASE_JWT_SECRET").then(|| "s".repeat(32)));

        assert_eq!(nothing, None);
        let secret = secret.expect("readable").expect("a secret");
        assert_eq!((secret.keys_url, secret.issuer), (None, None));
        assert!(!format!("{:?}", secret.secret).contains("ss"));
    }

    #[test]
    fn settings_that_would_open_the_door_too_wide_are_refused() {
        assert!(unreadable("CORS_ORIGINS", "*"));
        assert!(unreadable("CORS_ORIGINS", "https://a.example,https://b.example/"));
        assert!(unreadable("SUPABASE_JWT_SECRET", "short"));
        assert!(unreadable("SUPABASE_JWKS_URL", "http://keys.example/jwks.json"));
        assert!(unreadable("STREAM_SECS", "29"));
        assert_eq!(config("METERS_TABLE", "").err(), Some(InvalidSetting::Missing("METERS_TABLE")));
    }

    #[test]
    fn limits_are_the_usual_ones_unless_they_are_set() {
        let usual = LimitConfig::usual();
        let caller = |config: Config| {
            config.limits.caller.map(|rate| (rate.per_sec.get(), rate.burst.get()))
        };

        assert_eq!(config("", "").expect("readable").limits, usual);
        assert_eq!(caller(config("API_RATE_PER_CALLER", "5").expect("readable")), Some((5, 200)));
        assert_eq!(caller(config("API_RATE_PER_CALLER", "0").expect("readable")), None);
        assert!(unreadable("API_BURST_PER_ADDRESS", "many"));
    }

    #[test]
    fn origins_are_separated_by_commas() {
        let config = config("CORS_ORIGINS", "https://a.example, http://localhost:5173");

        assert_eq!(config.expect("readable").cors_origins.len(), 2);
    }
}
