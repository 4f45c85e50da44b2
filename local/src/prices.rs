//! What a clip may cost, as far as it is known where a command runs.

use domain::{Attempt, Job, MicroUsd, ObjectKey};
use film::Ffmpeg;
use ports::{InvalidSetting, ObjectStore, StoreError, VideoGenerator, environment};
use providers::{InvalidRegistry, Provider, Registry, providers};

use crate::Home;
use crate::filming::{FilmingError, registry};

/// The setting that names the object of the media bucket with what a stage takes for prices.
const REGISTRY_KEY: &str = "PROVIDER_REGISTRY_KEY";
/// Largest registry that is read, in bytes.
const REGISTRY_LIMIT: u64 = 1 << 20;
/// Who films for nothing; it is in no registry.
const CAMERA_MOVE: &str = "camera-move";

/// Prices cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum PricesError {
    /// A setting, or the file that one names, is wrong.
    #[error(transparent)]
    Filming(#[from] FilmingError),
    /// The object that a setting names cannot be read.
    #[error("{REGISTRY_KEY}")]
    Stored(#[from] StoreError),
    /// It makes no sense.
    #[error("{REGISTRY_KEY} {key}")]
    Unreadable {
        /// The object.
        key: ObjectKey,
        /// What is wrong with it.
        source: InvalidRegistry,
    },
}

impl From<InvalidSetting> for PricesError {
    fn from(error: InvalidSetting) -> Self {
        Self::Filming(error.into())
    }
}

/// What clips cost.
#[derive(Debug)]
pub struct Prices {
    registry: Registry,
    films: Films,
}

/// Who films.
#[derive(Debug)]
enum Films {
    /// The providers that are set up here, the default first.
    Here(Vec<Provider>),
    /// Whoever is set up at a stage, which only the stage knows; the default, if that is said.
    Elsewhere { default: Option<String> },
}

/// What a clip costs at most, and what that rests on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AtMost {
    /// The price.
    pub cost: MicroUsd,
    /// What is not certain of it; nothing, mostly.
    pub note: String,
}

impl Prices {
    /// Prices of who films in `home`: as the environment says, of a stage as its registry does.
    ///
    /// # Errors
    /// [`PricesError`] names what is wrong.
    pub async fn of(home: &Home) -> Result<Self, PricesError> {
        if home.names().stage().is_some() {
            let default = environment("DEFAULT_PROVIDER").filter(|name| !name.is_empty());
            let registry = registry_of_stage(home).await?;
            return Ok(Self { registry, films: Films::Elsewhere { default } });
        }
        let registry = registry()?;
        // Nobody films: whether it is there does not matter.
        let ffmpeg = Ffmpeg::new("ffmpeg", "ffprobe");
        let films = Films::Here(providers(environment, &registry, ffmpeg)?);
        Ok(Self { registry, films })
    }

    /// The day from which they are: `2026-11-20`.
    pub fn dated(&self) -> &str {
        self.registry.dated()
    }

    /// What the clip of `job`, for which there were these attempts, costs at most.
    ///
    /// # Errors
    /// Why nobody would film it, for a person.
    pub fn of_clip(&self, job: &Job, attempts: &[Attempt]) -> Result<AtMost, String> {
        let wanted = job.order.clip.provider.as_deref();
        match &self.films {
            Films::Here(providers) => of_one(providers, wanted, job),
            Films::Elsewhere { default } => {
                // Whoever was asked first was the default.
                let first = attempts.first().map(|attempt| attempt.provider.as_str());
                match (wanted.or(default.as_deref()), first) {
                    (Some(named), _) => self.listed(named, job).map(certain),
                    (None, Some(first)) => {
                        let note = format!("if {first} is still the default there");
                        Ok(AtMost { cost: self.listed(first, job)?, note })
                    }
                    (None, None) => Ok(self.dearest(job)),
                }
            }
        }
    }

    /// The price in the registry.
    fn listed(&self, provider: &str, job: &Job) -> Result<MicroUsd, String> {
        if provider == CAMERA_MOVE {
            return Ok(MicroUsd::ZERO);
        }
        let entry = self.registry.entry(provider);
        let entry = entry.ok_or_else(|| format!("the registry does not know {provider}"))?;
        Ok(entry.quote(&job.order.clip).map_err(|refusal| refusal.reason)?.price)
    }

    /// The price of the dearest who would film it, whoever that is there.
    fn dearest(&self, job: &Job) -> AtMost {
        let quotes = self.registry.entries().filter_map(|entry| {
            Some((entry.quote(&job.order.clip).ok()?.price, entry.name.as_str()))
        });
        match quotes.max() {
            Some((cost, name)) => {
                AtMost { cost, note: format!("if {name} is the default there: it is the dearest") }
            }
            None => AtMost { cost: MicroUsd::ZERO, note: "only the camera move films it".into() },
        }
    }
}

fn of_one(providers: &[Provider], wanted: Option<&str>, job: &Job) -> Result<AtMost, String> {
    let named = |name: &str| providers.iter().find(|provider| provider.name() == name);
    let provider = match wanted {
        Some(name) => named(name).ok_or_else(|| format!("provider {name} is not set up here"))?,
        None => providers.first().ok_or("no provider is set up here")?,
    };
    let quote = provider.quote(&job.order.clip).map_err(|refusal| refusal.reason)?;
    Ok(certain(quote.price))
}

const fn certain(cost: MicroUsd) -> AtMost {
    AtMost { cost, note: String::new() }
}

/// As the object says that the stage reads, else as the file here, else as it is built in.
async fn registry_of_stage(home: &Home) -> Result<Registry, PricesError> {
    let Some(key) = environment(REGISTRY_KEY).filter(|key| !key.is_empty()) else {
        return Ok(registry()?);
    };
    let expected = "the key of an object in the media bucket";
    let key = ObjectKey::new(key);
    let key = key.map_err(|_| InvalidSetting::Unreadable { name: REGISTRY_KEY, expected })?;
    let text = home.bucket().get(&key, REGISTRY_LIMIT).await?;
    let registry = Registry::parse(&String::from_utf8_lossy(&text));
    registry.map_err(|source| PricesError::Unreadable { key, source })
}

#[cfg(test)]
mod tests {
    use testkit::samples;

    use super::*;

    fn elsewhere(default: Option<&str>) -> Prices {
        let films = Films::Elsewhere { default: default.map(ToOwned::to_owned) };
        Prices { registry: Registry::built_in(), films }
    }

    fn job_for(provider: Option<&str>) -> Job {
        let mut job = samples::job();
        job.order.clip.provider = provider.map(ToOwned::to_owned);
        job
    }

    fn listed(provider: &str) -> MicroUsd {
        let entry = Registry::built_in().entry(provider).expect("an entry");
        entry.quote(&samples::job().order.clip).expect("a quote").price
    }

    #[test]
    fn a_provider_that_is_named_costs_what_the_registry_says() {
        let costs = |prices: &Prices, provider| prices.of_clip(&job_for(provider), &[]);

        assert_eq!(costs(&elsewhere(Some("fal")), Some("ltx")), Ok(certain(listed("ltx"))));
        assert_eq!(costs(&elsewhere(Some("fal")), None), Ok(certain(listed("fal"))));
        assert_eq!(costs(&elsewhere(None), Some("camera-move")), Ok(certain(MicroUsd::ZERO)));
        let unknown = costs(&elsewhere(None), Some("pika")).expect_err("it is not there");
        assert_eq!(unknown, "the registry does not know pika");
    }

    #[test]
    fn who_was_asked_first_is_taken_for_the_default() {
        let job = job_for(None);
        let mut first = samples::attempt(job.id);
        first.provider = "ltx".to_owned();
        let mut took_over = samples::attempt(job.id);
        (took_over.number, took_over.provider) = (2, "runway".to_owned());

        let costs = elsewhere(None).of_clip(&job, &[first, took_over]).expect("a price");

        assert_eq!(costs.cost, listed("ltx"));
        assert_eq!(costs.note, "if ltx is still the default there");
    }

    #[test]
    fn where_nothing_is_known_it_is_the_dearest() {
        let costs = elsewhere(None).of_clip(&job_for(None), &[]).expect("a price");

        let dearest = ["ltx", "runway", "replicate", "fal"].map(listed).into_iter().max();
        assert_eq!(Some(costs.cost), dearest);
        assert!(costs.note.contains("is the default there"), "{}", costs.note);
    }
}
