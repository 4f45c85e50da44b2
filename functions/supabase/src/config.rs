//! The environment of the function.

use ports::{InvalidSetting, Settings, environment};
use url::{Host, Url};

use crate::ServiceKey;

/// Where a table is unless something else is wished for.
const TABLE: &str = "videos";

/// Longest name of a table, in bytes.
///
/// Source: `PostgreSQL` documentation, "Lexical Structure": `NAMEDATALEN` - 1.
const MAX_NAME_BYTES: usize = 63;

/// Name of a table in schema `public`: letters, digits and underscores.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName(String);

impl TableName {
    /// Checks the name; none if it is none.
    pub fn parse(name: &str) -> Option<Self> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let is_name = name.bytes().all(word) && !name.starts_with(|c: char| c.is_ascii_digit());
        (is_name && (1..=MAX_NAME_BYTES).contains(&name.len())).then(|| Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A project on Supabase: where it is, who we are there, and the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// `SUPABASE_URL`: `https://{ref}.supabase.co`; without TLS on loopback alone.
    pub url: Url,
    /// `SUPABASE_SERVICE_KEY`: see [`ServiceKey::parse`].
    pub key: ServiceKey,
    /// `SUPABASE_TABLE`; absent: `videos`.
    pub table: TableName,
}

impl Project {
    /// Reads settings from `lookup`; none if `SUPABASE_URL` is not set.
    ///
    /// # Errors
    /// [`InvalidSetting`] names the first setting that is missing or unreadable.
    pub fn from_vars(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, InvalidSetting> {
        let settings = Settings(lookup);
        let expected = "https://{ref}.supabase.co, or http:// on loopback";
        let Some(url) = settings.maybe("SUPABASE_URL", expected, project_url)? else {
            return Ok(None);
        };
        let key =
            settings.secret("SUPABASE_SERVICE_KEY", ServiceKey::EXPECTED, ServiceKey::parse)?;
        let key = key.ok_or(InvalidSetting::Missing("SUPABASE_SERVICE_KEY"))?;
        let expected = "the name of a table";
        let table = settings.maybe("SUPABASE_TABLE", expected, TableName::parse)?;
        let table = table.unwrap_or_else(|| TableName(TABLE.to_owned()));
        Ok(Some(Self { url, key, table }))
    }

    /// As [`Project::from_vars`], for who cannot do without.
    ///
    /// # Errors
    /// As there, and of `SUPABASE_URL` if it is not set.
    pub fn required_from_vars(
        lookup: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, InvalidSetting> {
        Self::from_vars(lookup)?.ok_or(InvalidSetting::Missing("SUPABASE_URL"))
    }
}

fn project_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let is_local = match url.host()? {
        Host::Domain(name) => name == "localhost",
        Host::Ipv4(ip) => ip.is_loopback(),
        Host::Ipv6(ip) => ip.is_loopback(),
    };
    let is_safe = url.scheme() == "https" || (url.scheme() == "http" && is_local);
    let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let is_nobodys = url.username().is_empty() && url.password().is_none();
    (is_safe && is_bare && is_nobodys).then_some(url)
}

/// Settings, read once at start. What holds a secret is read by [`Project`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// `JOBS_TABLE`: name of the table of jobs.
    pub jobs_table: String,
    /// `SUPABASE_QUEUE_URL`: the queue that triggers the function.
    pub supabase_queue_url: String,
    /// `DEAD_LETTER_QUEUE_URL`: where records go that no delivery can help.
    pub dead_letter_queue_url: String,
    /// `MAX_RECEIVE_COUNT`: deliveries before a record goes to the dead-letter queue.
    pub max_receive_count: u32,
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
        let settings = Settings(lookup);
        Ok(Self {
            jobs_table: settings.text("JOBS_TABLE")?,
            supabase_queue_url: settings.text("SUPABASE_QUEUE_URL")?,
            dead_letter_queue_url: settings.text("DEAD_LETTER_QUEUE_URL")?,
            max_receive_count: settings.number("MAX_RECEIVE_COUNT")?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(name: &str, value: &str) -> Result<Project, InvalidSetting> {
        Project::required_from_vars(|asked| match asked {
            asked if asked == name => Some(value.to_owned()),
            "SUPABASE_URL" => Some("https://abc.supabase.co".to_owned()),
            "SUPABASE_SERVICE_KEY" => Some("sb_secret_abc".to_owned()),
            _ => None,
        })
    }

    fn unreadable(name: &str, value: &str) -> bool {
        matches!(project(name, value), Err(InvalidSetting::Unreadable { .. }))
    }

    #[test]
    fn the_table_is_videos_unless_another_is_named() {
        let table = |value| project("SUPABASE_TABLE", value).map(|project| project.table.0);

        assert_eq!(table(""), Ok("videos".to_owned()));
        assert_eq!(table("villa_videos"), Ok("villa_videos".to_owned()));
        assert!(unreadable("SUPABASE_TABLE", "videos?select=*"));
        assert!(unreadable("SUPABASE_TABLE", "../rpc"));
    }

    #[test]
    fn without_tls_a_project_is_on_loopback() {
        for url in ["http://127.0.0.1:3000/", "http://localhost:3000", "http://[::1]:3000"] {
            assert!(project("SUPABASE_URL", url).is_ok(), "{url}");
        }
        for url in [
            "http://abc.supabase.co",
            "https://abc.supabase.co/rest/v1",
            "https://me:secret@abc.supabase.co",
            "abc.supabase.co",
            "ftp://127.0.0.1",
        ] {
            assert!(unreadable("SUPABASE_URL", url), "{url}");
        }
    }

    #[test]
    fn without_a_project_there_is_nothing_to_start() {
        assert_eq!(project("SUPABASE_URL", ""), Err(InvalidSetting::Missing("SUPABASE_URL")));
        assert_eq!(
            project("SUPABASE_SERVICE_KEY", ""),
            Err(InvalidSetting::Missing("SUPABASE_SERVICE_KEY"))
        );
        assert_eq!(Project::from_vars(|_| None), Ok(None));
    }

    #[test]
    fn a_missing_setting_is_named() {
        let all = Config::from_vars(|_| Some("1".to_owned()));
        let without = Config::from_vars(|name| (name != "JOBS_TABLE").then(|| "1".to_owned()));

        assert!(all.is_ok());
        assert_eq!(without, Err(InvalidSetting::Missing("JOBS_TABLE")));
    }

    #[test]
    fn a_key_is_told_neither_by_debug_nor_by_an_error() {
        let read = project("", "");
        let refused = project("SUPABASE_SERVICE_KEY", "sb_publishable_abc");

        assert!(refused.is_err());
        assert!(!format!("{read:?}{refused:?}").contains("_abc"));
    }
}
