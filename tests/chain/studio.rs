//! The adapters of real providers, before fakes of them.

use domain::JobId;
use fake_providers::{Fake, KEY_FAL, KEY_LTX, KEY_REPLICATE, KEY_RUNWAY, Name, Order};
use film::Ffmpeg;
use ports::VideoGenerator;
use providers::{Provider, Registry, Verifier, providers, verifiers};

/// A setting for a provider that is played by `fake`. Providers post to `webhooks`, if they can.
pub(crate) fn setting(fake: &Fake, webhooks: Option<&str>, name: &str) -> Option<String> {
    let value = match name {
        "LTX_API_KEY" => KEY_LTX.to_owned(),
        "LTX_BASE_URL" => fake.base(Name::Ltx),
        "RUNWAYML_API_SECRET" => KEY_RUNWAY.to_owned(),
        "RUNWAYML_BASE_URL" => fake.base(Name::Runway),
        "REPLICATE_API_TOKEN" => KEY_REPLICATE.to_owned(),
        "REPLICATE_BASE_URL" => fake.base(Name::Replicate),
        "FAL_KEY" => KEY_FAL.to_owned(),
        "FAL_BASE_URL" => fake.base(Name::Fal),
        "FAL_REST_URL" => fake.rest_base(),
        "PROVIDER_WEBHOOK_BASE_URL" => return webhooks.map(ToOwned::to_owned),
        _ => return None,
    };
    Some(value)
}

/// The adapter of a provider, before its fake; nobody listens where it is told to post.
pub(crate) fn provider(fake: &Fake, name: Name) -> Provider {
    provider_posting_to(fake, name, Some("http://127.0.0.1:9"))
}

/// As [`provider`], with a place to post to.
pub(crate) fn provider_posting_to(fake: &Fake, name: Name, webhooks: Option<&str>) -> Provider {
    let lookup = |setting_name: &str| setting(fake, webhooks, setting_name);
    let ffmpeg = Ffmpeg::new("ffmpeg", "ffprobe");
    let all = providers(lookup, &Registry::built_in(), ffmpeg).expect("settings");
    let found = all.into_iter().find(|provider| provider.name() == name.as_str());
    found.expect("it has a key")
}

/// Who tells genuine posts of the fakes.
pub(crate) fn fake_verifiers(fake: &Fake) -> Vec<Verifier> {
    verifiers(|name| setting(fake, None, name)).expect("settings")
}

/// How many orders for this job, with this prompt, the fake has taken. LTX is told of no job and
/// Stable Video Diffusion of no prompt.
pub(crate) fn ordered(fake: &Fake, name: Name, job: JobId, prompt: &str) -> usize {
    let (prompt, job) = (format!("\"{prompt}\""), job.to_string());
    let is_its = |order: &&Order| {
        let told = order.user_webhook.as_deref().unwrap_or_default();
        order.body.to_string().contains(&prompt) || told.contains(&job)
    };
    fake.orders(name).iter().filter(is_its).count()
}
