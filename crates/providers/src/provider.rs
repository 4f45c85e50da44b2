//! All providers as one type, and those of them that the settings have a key for.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use domain::ClipOptions;
use film::Ffmpeg;
use ports::{
    CallOff, CallOffError, ClipOrder, CollectError, Collected, GenerationRefusal, InvalidSetting,
    Look, LookError, ProviderJob, Quote, Settings, SubmitError, Submitted, VideoGenerator,
};

use crate::camera_move::CameraMove;
use crate::fal::Fal;
use crate::http::Base;
use crate::key::Key;
use crate::ltx::{Ltx, LtxVersion};
use crate::registry::{ProviderEntry, Registry};
use crate::replicate::Replicate;
use crate::runway::Runway;

/// Longest answer over LTX v1 without a setting: what fits in an invocation of 15 minutes. LTX's own
/// desktop client waits for 20.
const SYNC_TIMEOUT: Duration = Duration::from_mins(14);

/// Any of the providers.
#[derive(Clone, Debug)]
pub enum Provider {
    /// The built-in camera move.
    CameraMove(CameraMove),
    /// LTX.
    Ltx(Ltx),
    /// Runway.
    Runway(Runway),
    /// Replicate.
    Replicate(Replicate),
    /// fal.
    Fal(Fal),
}

/// The same of whichever provider it is. What waits is boxed: the largest of five futures, within
/// those of whoever calls, would not fit on the stack of a thread.
macro_rules! of {
    ($provider:expr, $it:ident => $same:expr) => {
        match $provider {
            Provider::CameraMove($it) => $same,
            Provider::Ltx($it) => $same,
            Provider::Runway($it) => $same,
            Provider::Replicate($it) => $same,
            Provider::Fal($it) => $same,
        }
    };
}

impl VideoGenerator for Provider {
    fn name(&self) -> &'static str {
        of!(self, it => it.name())
    }

    fn resubmits_safely(&self) -> bool {
        of!(self, it => it.resubmits_safely())
    }

    fn time_limit(&self) -> Duration {
        of!(self, it => it.time_limit())
    }

    fn poll_every(&self) -> Duration {
        of!(self, it => it.poll_every())
    }

    fn concurrency(&self) -> Option<u32> {
        of!(self, it => it.concurrency())
    }

    fn quote(&self, wanted: &ClipOptions) -> Result<Quote, GenerationRefusal> {
        of!(self, it => it.quote(wanted))
    }

    async fn submit(&self, order: &ClipOrder) -> Result<Submitted, SubmitError> {
        of!(self, it => Box::pin(it.submit(order)).await)
    }

    async fn look(&self, order: &ClipOrder, job: &ProviderJob) -> Result<Look, LookError> {
        of!(self, it => Box::pin(it.look(order, job)).await)
    }

    async fn collect(
        &self,
        order: &ClipOrder,
        job: &ProviderJob,
        to: &Path,
    ) -> Result<Collected, CollectError> {
        of!(self, it => Box::pin(it.collect(order, job, to)).await)
    }

    async fn call_off(
        &self,
        order: &ClipOrder,
        job: &ProviderJob,
    ) -> Result<CallOff, CallOffError> {
        of!(self, it => Box::pin(it.call_off(order, job)).await)
    }
}

/// The providers that the settings have a key for: LTX, Runway, Replicate, fal, and last the
/// built-in camera move, which needs none. `DEFAULT_PROVIDER` names the one that comes first.
///
/// # Errors
/// [`InvalidSetting`] names the setting that cannot be read, the key that is missing of the provider
/// that is to come first, or the key of a provider that the registry does not know.
pub fn providers(
    lookup: impl Fn(&str) -> Option<String>,
    registry: &Registry,
    ffmpeg: Ffmpeg,
) -> Result<Vec<Provider>, InvalidSetting> {
    let keyed = Keyed { settings: Settings(lookup), registry };
    let mut providers: Vec<Provider> =
        [keyed.ltx()?, keyed.runway()?, keyed.replicate()?, keyed.fal()?]
            .into_iter()
            .flatten()
            .collect();
    providers.push(Provider::CameraMove(CameraMove::new(ffmpeg)));
    if let Some(first) = keyed.optional("DEFAULT_PROVIDER") {
        let position = providers.iter().position(|provider| provider.name() == first);
        let position = position.ok_or_else(|| not_first(&first))?;
        providers[..=position].rotate_right(1);
    }
    Ok(providers)
}

/// Why this provider cannot come first.
fn not_first(name: &str) -> InvalidSetting {
    let expected = match name {
        "ltx" => "a provider with a key: LTX_API_KEY is not set",
        "runway" => "a provider with a key: RUNWAYML_API_SECRET is not set",
        "replicate" => "a provider with a key: REPLICATE_API_TOKEN is not set",
        "fal" => "a provider with a key: FAL_KEY is not set",
        _ => "one of ltx, runway, replicate, fal and camera-move",
    };
    InvalidSetting::Unreadable { name: "DEFAULT_PROVIDER", expected }
}

/// Settings, and what there is to be had.
struct Keyed<'a, F> {
    settings: Settings<F>,
    registry: &'a Registry,
}

impl<F: Fn(&str) -> Option<String>> Keyed<'_, F> {
    fn optional(&self, name: &'static str) -> Option<String> {
        self.settings.text(name).ok()
    }

    fn key(&self, name: &'static str) -> Result<Option<Key>, InvalidSetting> {
        let key = self.settings.secret(name, "a key", |text| Some(text.trim().to_owned()))?;
        Ok(key.filter(|key| !key.is_empty()).map(Key::new))
    }

    /// The entry of the provider whose key has this name.
    fn entry(
        &self,
        provider: &str,
        name: &'static str,
    ) -> Result<Arc<ProviderEntry>, InvalidSetting> {
        let expected = "left out, for the registry does not know the provider";
        self.registry.entry(provider).ok_or(InvalidSetting::Unreadable { name, expected })
    }

    fn base(&self, name: &'static str, default: &str) -> Result<Base, InvalidSetting> {
        let text = self.optional(name).unwrap_or_else(|| default.to_owned());
        let expected = "an address such as https://api.example.com";
        Base::parse(&text).ok_or(InvalidSetting::Unreadable { name, expected })
    }

    /// Where providers that tell when work has ended may tell it.
    fn webhooks(&self) -> Result<Option<Base>, InvalidSetting> {
        const NAME: &str = "PROVIDER_WEBHOOK_BASE_URL";
        self.optional(NAME).map(|text| self.base(NAME, &text)).transpose()
    }

    fn ltx(&self) -> Result<Option<Provider>, InvalidSetting> {
        const NAME: &str = "LTX_API_KEY";
        let Some(key) = self.key(NAME)? else { return Ok(None) };
        let base = self.base("LTX_BASE_URL", Ltx::BASE_URL)?;
        let ltx = Ltx::new(base, key, self.ltx_version()?, self.entry("ltx", NAME)?);
        Ok(Some(Provider::Ltx(ltx)))
    }

    fn ltx_version(&self) -> Result<LtxVersion, InvalidSetting> {
        const NAME: &str = "LTX_API_VERSION";
        match self.optional(NAME).as_deref() {
            None | Some("v2") => Ok(LtxVersion::V2),
            Some("v1") => Ok(LtxVersion::V1 { answer_within: self.sync_timeout()? }),
            Some(_) => Err(InvalidSetting::Unreadable { name: NAME, expected: "v1 or v2" }),
        }
    }

    fn sync_timeout(&self) -> Result<Duration, InvalidSetting> {
        match self.settings.secs("LTX_SYNC_TIMEOUT_SECS") {
            Err(InvalidSetting::Missing(_)) => Ok(SYNC_TIMEOUT),
            timeout => timeout,
        }
    }

    fn runway(&self) -> Result<Option<Provider>, InvalidSetting> {
        const NAME: &str = "RUNWAYML_API_SECRET";
        let Some(key) = self.key(NAME)? else { return Ok(None) };
        let base = self.base("RUNWAYML_BASE_URL", Runway::BASE_URL)?;
        let version = self.optional("RUNWAY_VERSION");
        let version = version.unwrap_or_else(|| Runway::VERSION.to_owned());
        let runway = Runway::new(base, key, version, self.entry("runway", NAME)?);
        Ok(Some(Provider::Runway(runway)))
    }

    fn replicate(&self) -> Result<Option<Provider>, InvalidSetting> {
        const NAME: &str = "REPLICATE_API_TOKEN";
        let Some(key) = self.key(NAME)? else { return Ok(None) };
        let base = self.base("REPLICATE_BASE_URL", Replicate::BASE_URL)?;
        let entry = self.entry("replicate", NAME)?;
        Ok(Some(Provider::Replicate(Replicate::new(base, key, self.webhooks()?, entry))))
    }

    fn fal(&self) -> Result<Option<Provider>, InvalidSetting> {
        const NAME: &str = "FAL_KEY";
        let Some(key) = self.key(NAME)? else { return Ok(None) };
        let queue = self.base("FAL_BASE_URL", Fal::QUEUE_URL)?;
        let rest = self.base("FAL_REST_URL", Fal::REST_URL)?;
        let entry = self.entry("fal", NAME)?;
        Ok(Some(Provider::Fal(Fal::new(queue, rest, key, self.webhooks()?, entry))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEYS: [&str; 4] =
        ["LTX_API_KEY", "RUNWAYML_API_SECRET", "REPLICATE_API_TOKEN", "FAL_KEY"];

    fn built(settings: &[(&str, &str)]) -> Result<Vec<Provider>, InvalidSetting> {
        let lookup = |name: &str| {
            let found = settings.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        providers(lookup, &Registry::built_in(), Ffmpeg::new("ffmpeg", "ffprobe"))
    }

    fn names(settings: &[(&str, &str)]) -> Vec<&'static str> {
        let providers = built(settings).expect("providers");
        providers.iter().map(Provider::name).collect()
    }

    #[test]
    fn whoever_has_a_key_is_there_and_the_camera_move_is_always() {
        let all = KEYS.map(|key| (key, "k"));

        assert_eq!(names(&[]), ["camera-move"]);
        assert_eq!(names(&[("FAL_KEY", "k"), ("LTX_API_KEY", " ")]), ["fal", "camera-move"]);
        assert_eq!(names(&all), ["ltx", "runway", "replicate", "fal", "camera-move"]);
    }

    #[test]
    fn the_default_comes_first_and_the_rest_keeps_its_order() {
        let with = |default| {
            let all = KEYS.map(|key| (key, "k"));
            names(&[&all[..], &[("DEFAULT_PROVIDER", default)]].concat())
        };

        assert_eq!(with("fal"), ["fal", "ltx", "runway", "replicate", "camera-move"]);
        assert_eq!(with("camera-move"), ["camera-move", "ltx", "runway", "replicate", "fal"]);
        assert_eq!(with("ltx"), ["ltx", "runway", "replicate", "fal", "camera-move"]);
    }

    #[test]
    fn a_default_without_a_key_is_named_with_the_key() {
        let refused =
            |default| built(&[("DEFAULT_PROVIDER", default)]).expect_err("refused").to_string();

        assert_eq!(
            refused("ltx"),
            "DEFAULT_PROVIDER should be a provider with a key: LTX_API_KEY is not set"
        );
        assert!(refused("pika").contains("one of ltx"));
    }

    #[test]
    fn a_setting_that_cannot_be_read_is_named_and_not_told() {
        let cases = [
            ("LTX_BASE_URL", "secret nonsense"),
            ("LTX_API_VERSION", "v3"),
            ("RUNWAYML_BASE_URL", "ftp://x"),
            ("FAL_REST_URL", "x"),
            ("PROVIDER_WEBHOOK_BASE_URL", "x"),
        ];
        for (name, value) in cases {
            let all = KEYS.map(|key| (key, "k"));
            let error = built(&[&all[..], &[(name, value)]].concat()).expect_err("refused");

            assert!(error.to_string().starts_with(name), "{error}");
            assert!(!error.to_string().contains("secret"), "{error}");
        }
        let slow =
            [("LTX_API_KEY", "k"), ("LTX_API_VERSION", "v1"), ("LTX_SYNC_TIMEOUT_SECS", "x")];
        assert!(built(&slow).is_err());
    }

    #[test]
    fn a_key_of_a_provider_that_the_registry_does_not_know_is_named() {
        let registry = Registry::parse("dated = \"2026-11-20\"\nproviders = []").expect("empty");
        let lookup = |name: &str| (name == "FAL_KEY").then(|| "k".to_owned());

        let error = providers(lookup, &registry, Ffmpeg::new("ffmpeg", "ffprobe"));

        assert!(error.expect_err("refused").to_string().starts_with("FAL_KEY"));
    }

    #[test]
    fn no_key_is_printed() {
        let all = KEYS.map(|key| (key, "very-secret"));

        assert!(!format!("{:?}", built(&all).expect("providers")).contains("very-secret"));
    }
}
