//! `schemas/environment.json` says which variables each function reads, as seen here.
//!
//! `UPDATE_SCHEMAS=1 cargo test -p tests --test settings environment` writes it anew.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use film::Ffmpeg;
use ports::{InvalidSetting, SecretsConfig};
use providers::{Registry, providers, verifiers};
use serde_json::{Value, json};
use stillmotion::topology::Topology;
use tracing::field::{Field, Visit};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};

/// Looks settings up.
type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;
/// Reads all settings of a function.
type Read = fn(Lookup<'_>) -> Result<(), InvalidSetting>;

/// What `main` of each function does to read its settings.
const FUNCTIONS: [(&str, Read); 10] = [
    ("api", |lookup| {
        api::Config::from_vars(lookup)?;
        api::TokenConfig::from_vars(lookup)?;
        SecretsConfig::from_vars(lookup).map(drop)
    }),
    ("deliver", |lookup| deliver::Config::from_vars(lookup).map(drop)),
    ("fetch", |lookup| fetch::Config::from_vars(lookup).map(drop)),
    ("ingest", |lookup| ingest::Config::from_vars(lookup).map(drop)),
    ("ltx", |lookup| {
        ltx::Config::from_vars(lookup)?;
        providers(lookup, &Registry::built_in(), Ffmpeg::new("ffmpeg", "ffprobe"))?;
        SecretsConfig::from_vars(lookup).map(drop)
    }),
    ("notify", |lookup| notify::Config::from_vars(lookup).map(drop)),
    ("provider-webhook", |lookup| {
        provider_webhook::Config::from_vars(lookup)?;
        verifiers(lookup)?;
        SecretsConfig::from_vars(lookup).map(drop)
    }),
    ("render", |lookup| render::Config::from_vars(lookup).map(drop)),
    ("supabase", |lookup| {
        supabase::Config::from_vars(lookup)?;
        supabase::Project::required_from_vars(lookup)?;
        SecretsConfig::from_vars(lookup).map(drop)
    }),
    ("sweep", |lookup| sweep::Config::from_vars(lookup).map(drop)),
];

/// How the programs may read their environment: as [`FUNCTIONS`] says, and to reach AWS.
const READINGS: [&str; 6] = [
    "Config::from_env()?",
    "Aws::from_env().await",
    "providers(secrets.over(environment)",
    "verifiers(secrets.over(environment))",
    "Project::required_from_vars(secrets.over(environment))",
    "Front::new(&calls, &config, secrets.over(environment))",
];

/// Read where the log is set up, which is done once in a process and so not here.
const OF_THE_LOG: [&str; 2] = ["METRICS_NAMESPACE", "RUST_LOG"];

/// A value that can be read, so that nothing is left unasked that depends on one.
fn plausible(name: &str) -> &'static str {
    match name {
        "BEHIND_TLS" | "WEBHOOK_ALLOW_LOOPBACK" => "true",
        "CORS_ORIGINS" => "https://app.example.com",
        "DEFAULT_PROVIDER" => "camera-move",
        // The other version asks for nothing more.
        "LTX_API_VERSION" => "v1",
        "REPLICATE_WEBHOOK_SECRET" => "whsec_AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA=",
        "SUPABASE_JWT_SECRET" => "a secret of thirty-two bytes and more",
        "SUPABASE_SERVICE_KEY" => "sb_secret_abc",
        "SUPABASE_TABLE" => "videos",
        "UNKNOWN_POLICY" => "hold",
        _ if name.ends_with("_URL") => "https://abc.example.com",
        _ => "7",
    }
}

/// Names of settings, as they were asked for.
#[derive(Debug, Default)]
struct Asked {
    all: BTreeSet<String>,
    secret: BTreeSet<String>,
}

/// Hears which settings are looked up as secrets.
#[derive(Clone, Default)]
struct Secret(Arc<Mutex<BTreeSet<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Secret {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut self.clone());
    }
}

impl Visit for Secret {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "secret" {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(value.to_owned());
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn std::fmt::Debug) {}
}

impl Asked {
    /// Has settings read that are all there but `without`, and notes what is asked for.
    fn ask(&mut self, read: Read, without: Option<&str>) -> Result<(), InvalidSetting> {
        let (secret, all) = (Secret::default(), Mutex::new(BTreeSet::new()));
        let lookup = |name: &str| {
            all.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned());
            (without != Some(name)).then(|| plausible(name).to_owned())
        };
        testkit::listen_on_any_thread();
        let listening = tracing_subscriber::registry().with(secret.clone());
        let read = tracing::subscriber::with_default(listening, || read(&lookup));
        self.all.append(&mut all.lock().unwrap_or_else(PoisonError::into_inner));
        self.secret.append(&mut secret.0.lock().unwrap_or_else(PoisonError::into_inner));
        read
    }
}

/// The settings of a function, by what becomes of it without them.
#[derive(Debug, Default, PartialEq, Eq)]
struct Environment {
    required: BTreeSet<String>,
    optional: BTreeSet<String>,
    /// Not in the other two.
    secret: BTreeSet<String>,
}

/// What a function asks for, with everything there and with each of it left out.
fn observed(function: &str, read: Read) -> Environment {
    let mut asked = Asked::default();
    asked.ask(read, None).unwrap_or_else(|error| panic!("{function}: {error}: what is plausible?"));
    let mut environment = Environment::default();
    let mut left: Vec<_> = asked.all.iter().cloned().collect();
    while let Some(name) = left.pop() {
        let known = asked.all.clone();
        match asked.ask(read, Some(&name)) {
            Ok(()) => environment.optional.insert(name),
            Err(InvalidSetting::Missing(missing)) if missing == name => {
                environment.required.insert(name)
            }
            Err(error) => panic!("{function} without {name}: {error}: what is plausible?"),
        };
        left.extend(asked.all.difference(&known).cloned());
    }
    environment.optional.extend(OF_THE_LOG.map(ToOwned::to_owned));
    environment.required.retain(|name| !asked.secret.contains(name));
    environment.optional.retain(|name| !asked.secret.contains(name));
    Environment { secret: asked.secret, ..environment }
}

fn observed_all() -> BTreeMap<&'static str, Environment> {
    FUNCTIONS.into_iter().map(|(function, read)| (function, observed(function, read))).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn the_environment_of_every_function_is_written_down() {
    let of = |environment: &Environment| {
        let Environment { required, optional, secret } = environment;
        json!({ "required": required, "optional": optional, "secret": secret })
    };
    let functions: BTreeMap<_, _> =
        observed_all().iter().map(|(name, environment)| (*name, of(environment))).collect();
    let seen = json!({ "functions": functions });

    let path = root().join("schemas/environment.json");
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        fs::write(&path, format!("{seen:#}\n")).expect("written");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    let written: Value = serde_json::from_str(&written).unwrap_or_default();

    assert_eq!(written, seen, "{} is out of date: run `just schemas`", path.display());
}

#[test]
fn what_a_program_reads_is_looked_at_here() {
    for (function, _) in FUNCTIONS {
        let folder = root().join("functions").join(function).join("src");
        for file in ["main.rs", "adapters.rs", "front.rs"] {
            let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
            let reads = |line: &&str| {
                let is_use = line.contains("use ") || line.ends_with("environment,");
                let reads = ["from_env", "environment", "env::var", "from_vars(|"];
                !is_use && reads.iter().any(|reads| line.contains(reads))
            };
            for line in text.lines().filter(reads) {
                let is_known = READINGS.iter().any(|known| line.contains(known));
                assert!(is_known, "{function}/{file} reads what is not looked at here: {line}");
            }
        }
    }
}

#[test]
fn the_topology_names_every_function_and_the_secrets_it_reads() {
    let topology = Topology::built_in();
    let observed = observed_all();

    let functions: Vec<_> = topology.functions.keys().map(String::as_str).collect();
    assert_eq!(functions, observed.keys().copied().collect::<Vec<_>>());
    for (name, function) in &topology.functions {
        let environment = &observed[name.as_str()];
        let held: BTreeSet<_> =
            function.secrets.iter().flat_map(|secret| topology.secrets[secret].clone()).collect();
        let missing: Vec<_> = environment.secret.difference(&held).collect();
        assert!(missing.is_empty(), "{name} reads {missing:?}, which no secret of its holds");
        let by_reference = environment.optional.contains("SECRETS");
        assert_eq!(by_reference, !function.secrets.is_empty(), "{name}: whether it has secrets");
    }
}

#[test]
fn every_setting_that_a_secret_holds_is_read_as_a_secret() {
    let topology = Topology::built_in();
    let observed = observed_all();

    for (secret, settings) in &topology.secrets {
        let readers = topology.functions.iter().filter(|(_, it)| it.secrets.contains(secret));
        let readers: Vec<_> = readers.map(|(name, _)| name.as_str()).collect();
        for setting in settings {
            let is_read = readers.iter().any(|name| observed[name].secret.contains(setting));
            assert!(is_read, "none of {readers:?} reads {setting} of secret {secret}");
        }
        for name in readers {
            let is_used = settings.iter().any(|setting| observed[name].secret.contains(setting));
            assert!(is_used, "{name} reads nothing of secret {secret}");
        }
    }
}

#[test]
fn a_required_an_optional_and_a_conditional_secret_setting_are_told_apart() {
    let read: Read = |lookup| {
        let settings = ports::Settings(lookup);
        settings.text("NEEDED")?;
        if settings.maybe("WISHED", "a text", |_| Some(()))?.is_none() {
            settings.text("NEEDED_WITHOUT_IT")?;
        }
        settings.secret("KEY", "a key", |_| Some(())).map(drop)
    };

    let Environment { required, optional, secret } = observed("a function", read);

    let names = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(" ");
    assert_eq!(names(&required), "NEEDED");
    assert_eq!(names(&optional), "METRICS_NAMESPACE NEEDED_WITHOUT_IT RUST_LOG WISHED");
    assert_eq!(names(&secret), "KEY");
}
