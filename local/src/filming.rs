//! Who films here, as the environment says.

use film::Ffmpeg;
use ltx::{FilmRewrap, Policy};
use ports::{InvalidSetting, VideoGenerator, environment};
use providers::{InvalidRegistry, Provider, Registry, Verifier, providers, verifiers};
use render::FilmRenderer;

use crate::chain::Crew;

/// The setting that names a file with capabilities and prices to take instead of the built-in ones.
const REGISTRY: &str = "PROVIDER_REGISTRY";

/// The providers of this environment cannot be used as it says.
#[derive(Debug, thiserror::Error)]
pub enum FilmingError {
    /// A setting is wrong.
    #[error(transparent)]
    Setting(#[from] InvalidSetting),
    /// The registry cannot be read.
    #[error("{REGISTRY} {path}")]
    Registry {
        /// Path of the file.
        path: String,
        /// Why not.
        source: std::io::Error,
    },
    /// The registry makes no sense.
    #[error(transparent)]
    InvalidRegistry(#[from] InvalidRegistry),
}

/// Who films, by which rules, and whose posts are believed.
#[derive(Debug)]
pub struct Filming {
    /// Who does the film work.
    pub crew: Crew<Provider, FilmRenderer, FilmRewrap>,
    /// What may be spent, and when to stop trying.
    pub policy: Policy,
    /// Who tells genuine posts of providers.
    pub verifiers: Vec<Verifier>,
}

impl Filming {
    /// Reads the process environment.
    ///
    /// # Errors
    /// [`FilmingError`] names what is wrong.
    pub fn from_env(ffmpeg: &Ffmpeg) -> Result<Self, FilmingError> {
        let registry = registry()?;
        let crew = Crew {
            generators: providers(environment, &registry, ffmpeg.clone())?,
            renderer: FilmRenderer::new(ffmpeg.clone()),
            rewrap: FilmRewrap::new(ffmpeg.clone()),
        };
        let policy = Policy::from_vars(environment)?;
        Ok(Self { crew, policy, verifiers: verifiers(environment)? })
    }

    /// Who films, in a few words.
    pub fn sentence(&self) -> String {
        let names: Vec<_> = self.crew.generators.iter().map(VideoGenerator::name).collect();
        match names[..] {
            ["camera-move"] => "no key of a provider is set (such as LTX_API_KEY), so clips are \
                                filmed by the built-in camera move"
                .to_owned(),
            [first, ref others @ ..] if !others.is_empty() => {
                format!(
                    "clips are filmed by {first}, or, where a job asks for it, by {}",
                    others.join(", ")
                )
            }
            _ => format!("clips are filmed by {}", names.join(", ")),
        }
    }
}

/// Capabilities and prices: as the operator says, else as they were when this was built.
///
/// # Errors
/// [`FilmingError`] names the file.
pub fn registry() -> Result<Registry, FilmingError> {
    let Some(path) = environment(REGISTRY).filter(|path| !path.is_empty()) else {
        return Ok(Registry::built_in());
    };
    let text = std::fs::read_to_string(&path);
    let text = text.map_err(|source| FilmingError::Registry { path: path.clone(), source })?;
    Ok(Registry::parse(&text)?)
}
