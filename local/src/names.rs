//! What things are called in a cloud.

use std::fmt;
use std::str::FromStr;

use crate::topology::BUS;

/// Most characters in the name of a stage.
const STAGE_CHARS: usize = 12;

/// Name of a deployed stage: `dev`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StageName(String);

/// The text names no stage.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the name of a stage is 1 to {STAGE_CHARS} of a-z and 0-9, a letter first, such as dev")]
pub struct InvalidStageName;

impl FromStr for StageName {
    type Err = InvalidStageName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = |char: char| char.is_ascii_lowercase() || char.is_ascii_digit();
        let begins = text.starts_with(|char: char| char.is_ascii_lowercase());
        let fits = text.len() <= STAGE_CHARS && text.chars().all(known);
        (begins && fits).then(|| Self(text.to_owned())).ok_or(InvalidStageName)
    }
}

impl fmt::Display for StageName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What things are called in a cloud: on this machine, or in a stage on AWS.
#[derive(Clone, Debug)]
pub struct Names {
    stage: Option<StageName>,
    region: String,
    /// What the URLs of its queues begin with; its last part is the account.
    queues: String,
}

impl Names {
    /// On this machine, where a cloud answers at `endpoint`.
    pub fn embedded(endpoint: &str, region: &str, account: &str) -> Self {
        let queues = format!("{endpoint}/{account}");
        Self { stage: None, region: region.to_owned(), queues }
    }

    /// In a stage, any of whose queues has the URL `queue`; none if that is no URL of a queue.
    pub fn of_stage(stage: StageName, region: &str, queue: &str) -> Option<Self> {
        let (queues, _) = queue.rsplit_once('/')?;
        queues.rsplit_once('/').filter(|(_, account)| !account.is_empty())?;
        Some(Self { stage: Some(stage), region: region.to_owned(), queues: queues.to_owned() })
    }

    /// The stage; none on this machine.
    pub const fn stage(&self) -> Option<&StageName> {
        self.stage.as_ref()
    }

    /// The region.
    pub fn region(&self) -> &str {
        &self.region
    }

    /// The account.
    pub fn account(&self) -> &str {
        self.queues.rsplit('/').next().unwrap_or_default()
    }

    /// Where its queues answer. On this machine everything answers there.
    pub fn endpoint(&self) -> &str {
        self.queues.rsplit_once('/').map_or("", |(endpoint, _)| endpoint)
    }

    /// A queue, a table or a rule, by its name in the topology.
    pub fn of(&self, name: &str) -> String {
        format!("{}-{name}", self.bus())
    }

    /// The bus.
    pub fn bus(&self) -> String {
        match &self.stage {
            Some(stage) => format!("{BUS}-{stage}"),
            None => BUS.to_owned(),
        }
    }

    /// A bucket, by its name in the topology. Buckets of everybody on AWS share their names.
    pub fn bucket(&self, name: &str) -> String {
        let name = self.of(name);
        match &self.stage {
            Some(_) => format!("{name}-{}-{}", self.account(), self.region),
            None => name,
        }
    }

    /// URL of a queue, by its name in the topology.
    pub fn queue_url(&self, name: &str) -> String {
        format!("{}/{}", self.queues, self.of(name))
    }

    /// ARN of a queue, by its name in the topology.
    pub fn queue_arn(&self, name: &str) -> String {
        format!("arn:aws:sqs:{}:{}:{}", self.region, self.account(), self.of(name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_has_names_of_its_own() {
        let url = "https://sqs.eu-central-1.amazonaws.com/123456789012/stillmotion-dev-ingest";
        let dev = "dev".parse().expect("a stage");

        let names = Names::of_stage(dev, "eu-central-1", url).expect("names");

        assert_eq!(names.account(), "123456789012");
        assert_eq!(names.of("jobs"), "stillmotion-dev-jobs");
        assert_eq!(names.bus(), "stillmotion-dev");
        assert_eq!(names.bucket("media"), "stillmotion-dev-media-123456789012-eu-central-1");
        assert_eq!(names.queue_url("ingest"), url);
        let arn = "arn:aws:sqs:eu-central-1:123456789012:stillmotion-dev-ltx";
        assert_eq!(names.queue_arn("ltx"), arn);
    }

    #[test]
    fn the_embedded_cloud_has_no_stage_in_its_names() {
        let names = Names::embedded("http://127.0.0.1:4700", "us-east-1", "000000000000");

        assert_eq!((names.bus(), names.bucket("media")), (BUS.into(), "stillmotion-media".into()));
        let url = "http://127.0.0.1:4700/000000000000/stillmotion-ltx";
        assert_eq!(names.queue_url("ltx"), url);
        assert_eq!(names.endpoint(), "http://127.0.0.1:4700");
    }

    #[test]
    fn what_is_no_name_of_a_stage_is_refused() {
        for name in ["", "Dev", "1dev", "dev-2", "dev/../prod", "averylongname"] {
            assert_eq!(name.parse::<StageName>(), Err(InvalidStageName), "{name}");
        }
        assert!("prod2".parse::<StageName>().is_ok());
    }
}
