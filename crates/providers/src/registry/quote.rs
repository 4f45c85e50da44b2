//! Fitting wishes to what is on offer.

use std::collections::BTreeSet;

use domain::{ClipOptions, ClipSpec, MicroUsd, RefusedOver};
use ports::{GenerationRefusal, Quote};

use super::{Model, ModelState, Offer, PromptUse, ProviderEntry};

impl ProviderEntry {
    /// The clip that is meant by these wishes, and what it is expected to cost. What is not wished
    /// for is taken from the first offer that fits the rest.
    ///
    /// # Errors
    /// [`GenerationRefusal`] if no such clip is on offer; says what is.
    pub fn quote(&self, wanted: &ClipOptions) -> Result<Quote, GenerationRefusal> {
        let model = self.wanted_model(wanted.model.as_deref())?;
        self.check_extras(model, wanted)?;
        let fitted =
            model.offers.iter().find_map(|offer| Some((offer, fit(model, offer, wanted)?)));
        let (offer, spec) = fitted.ok_or_else(|| not_on_offer(model, wanted))?;
        let price = offer.price_of(spec.duration_secs, spec.audio);
        Ok(Quote { spec, price, warning: warning(model) })
    }

    /// What a clip that was ordered is expected to cost; none, if it is not on offer any more.
    pub fn price_of(&self, spec: &ClipSpec) -> Option<MicroUsd> {
        let wanted = ClipOptions {
            duration_secs: Some(spec.duration_secs),
            resolution: Some(spec.resolution),
            frame_rate: Some(spec.frame_rate),
            ..ClipOptions::default()
        };
        let model = self.model(&spec.model)?;
        let offer = model.offers.iter().find(|offer| fit(model, offer, &wanted).is_some())?;
        Some(offer.price_of(spec.duration_secs, spec.audio))
    }

    /// What work that failed is taken to cost, where the provider does not say.
    pub fn price_of_failure(&self, spec: &ClipSpec) -> MicroUsd {
        self.price_of(spec).filter(|_| self.bills_failures).unwrap_or_default()
    }

    fn wanted_model(&self, wanted: Option<&str>) -> Result<&Model, GenerationRefusal> {
        let name = wanted.unwrap_or(&self.default_model);
        let model = self.model(name).ok_or_else(|| self.unknown_model(name))?;
        match &model.state {
            ModelState::Retired { successor } => Err(GenerationRefusal {
                over: RefusedOver::Model,
                reason: format!("{} has retired the model {name}: choose {successor}", self.name),
            }),
            ModelState::Current | ModelState::Retiring { .. } => Ok(model),
        }
    }

    fn unknown_model(&self, name: &str) -> GenerationRefusal {
        let on_offer = |model: &&Model| !matches!(model.state, ModelState::Retired { .. });
        let names = self.models.iter().filter(on_offer).map(|model| model.name.clone());
        let names = one_of(names.collect());
        GenerationRefusal::of_input(format!("{} has no model {name}: choose {names}", self.name))
    }

    /// What cannot be chosen from a list.
    fn check_extras(&self, model: &Model, wanted: &ClipOptions) -> Result<(), GenerationRefusal> {
        let name = &model.name;
        let refused = |reason| Err(GenerationRefusal::of_input(reason));
        if wanted.seed.is_some() && !model.seed {
            return refused(format!("{name} does not let a seed be chosen: leave it out"));
        }
        if wanted.audio == Some(true) && !model.audio {
            return refused(format!("{name} makes no sound: leave audio out"));
        }
        let Some(motion) = &wanted.camera_motion else { return Ok(()) };
        if model.prompt == PromptUse::None && self.camera_motions.is_empty() {
            return refused(format!("{name} cannot be told a camera motion: leave it out"));
        }
        if self.camera_motions.is_empty() || self.camera_motions.contains(motion) {
            return Ok(());
        }
        let motions = one_of(self.camera_motions.clone());
        refused(format!("{name} has no camera motion {motion}: choose {motions}"))
    }
}

fn warning(model: &Model) -> Option<String> {
    let ModelState::Retiring { on, successor } = &model.state else { return None };
    Some(format!("the model {} is retired on {on}: change to {successor}", model.name))
}

/// The clip of this offer that is meant; none if it is not in it.
fn fit(model: &Model, offer: &Offer, wanted: &ClipOptions) -> Option<ClipSpec> {
    Some(ClipSpec {
        model: model.name.clone(),
        duration_secs: choose(wanted.duration_secs, &offer.durations_secs)?,
        resolution: choose(wanted.resolution, &offer.resolutions)?,
        frame_rate: choose(wanted.frame_rate, &offer.frame_rates)?,
        camera_motion: wanted.camera_motion.clone(),
        seed: wanted.seed,
        audio: wanted.audio.unwrap_or(false),
    })
}

/// The wish if it can be met, the first value if there is no wish.
fn choose<T: Copy + PartialEq>(wish: Option<T>, values: &[T]) -> Option<T> {
    wish.map_or(values.first().copied(), |wish| values.contains(&wish).then_some(wish))
}

/// Names the first wish that cannot be met, and what there is instead.
fn not_on_offer(model: &Model, wanted: &ClipOptions) -> GenerationRefusal {
    let meeting = |aspects: &[Aspect]| {
        let meets = |offer: &&Offer| aspects.iter().all(|aspect| aspect.meets(offer, wanted));
        model.offers.iter().filter(meets).collect::<Vec<_>>()
    };
    let culprit = (0..ASPECTS.len()).find(|&at| meeting(&ASPECTS[..=at]).is_empty()).unwrap_or(0);
    let mut given: Vec<_> = ASPECTS.into_iter().filter(|it| *it != ASPECTS[culprit]).collect();
    if meeting(&given).is_empty() {
        given = ASPECTS[..culprit].to_vec();
    }
    let wishes = [ASPECTS[culprit]].into_iter().chain(given.iter().copied());
    let clip: String = wishes.filter_map(|aspect| aspect.wish(wanted)).collect();
    let values = one_of(ASPECTS[culprit].values(&meeting(&given)));
    GenerationRefusal::of_input(format!("{} has no clips{clip}: choose {values}", model.name))
}

/// What of a clip is chosen from an offer's lists.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aspect {
    Resolution,
    FrameRate,
    Duration,
}

/// In the order in which wishes are kept when they cannot all be met.
const ASPECTS: [Aspect; 3] = [Aspect::Resolution, Aspect::FrameRate, Aspect::Duration];

impl Aspect {
    fn meets(self, offer: &Offer, wanted: &ClipOptions) -> bool {
        match self {
            Self::Resolution => choose(wanted.resolution, &offer.resolutions).is_some(),
            Self::FrameRate => choose(wanted.frame_rate, &offer.frame_rates).is_some(),
            Self::Duration => choose(wanted.duration_secs, &offer.durations_secs).is_some(),
        }
    }

    /// The wish, as the end of a sentence.
    fn wish(self, wanted: &ClipOptions) -> Option<String> {
        match self {
            Self::Resolution => wanted.resolution.map(|size| format!(" at {size}")),
            Self::FrameRate => {
                wanted.frame_rate.map(|rate| format!(" with {rate} frames per second"))
            }
            Self::Duration => wanted.duration_secs.map(|secs| format!(" of {secs} s")),
        }
    }

    /// What there is to choose from.
    fn values(self, offers: &[&Offer]) -> Vec<String> {
        let numbers = |of: fn(&Offer) -> &[u32], unit: &str| {
            let all: BTreeSet<u32> = offers.iter().flat_map(|offer| of(offer)).copied().collect();
            all.into_iter().map(|number| format!("{number}{unit}")).collect()
        };
        match self {
            Self::Resolution => {
                let mut sizes: Vec<_> =
                    offers.iter().flat_map(|offer| &offer.resolutions).copied().collect();
                sizes.sort_by_key(|size| (size.width * size.height, size.height));
                sizes.dedup();
                sizes.iter().map(ToString::to_string).collect()
            }
            Self::FrameRate => numbers(|offer| &offer.frame_rates, ""),
            Self::Duration => numbers(|offer| &offer.durations_secs, " s"),
        }
    }
}

/// `a`, `a or b`, `a, b or c`.
fn one_of(mut names: Vec<String>) -> String {
    let last = names.pop().unwrap_or_default();
    if names.is_empty() { last } else { format!("{} or {last}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use domain::Resolution;

    use super::*;
    use crate::registry::Registry;

    fn quote(provider: &str, wanted: &ClipOptions) -> Result<Quote, GenerationRefusal> {
        Registry::built_in().entry(provider).expect("an entry").quote(wanted)
    }

    fn refusal(provider: &str, wanted: &ClipOptions) -> String {
        let refusal = quote(provider, wanted).expect_err("not on offer");
        assert_eq!(refusal.over, RefusedOver::Input);
        refusal.reason
    }

    fn of(model: &str) -> ClipOptions {
        ClipOptions { model: Some(model.to_owned()), ..ClipOptions::default() }
    }

    fn sized(size: &str) -> ClipOptions {
        let resolution = Some(Resolution::parse(size).expect("a size"));
        ClipOptions { resolution, ..ClipOptions::default() }
    }

    #[test]
    fn without_wishes_the_first_of_everything_is_quoted() {
        let first = |provider| {
            let Quote { spec, price, warning } =
                quote(provider, &ClipOptions::default()).expect("an offer");
            assert_eq!((warning, spec.seed, spec.audio), (None, None, false));
            let ClipSpec { model, duration_secs, resolution, frame_rate, .. } = spec;
            format!("{model} {resolution} {frame_rate} {duration_secs} {price}")
        };

        assert_eq!(
            ["ltx", "runway", "replicate", "fal"].map(first),
            [
                "ltx-2-3-fast 1920x1080 24 6 $0.36",
                "gen4_turbo 1280x720 24 5 $0.25",
                "stable-video-diffusion 1024x576 6 4 $0.20",
                "pika-2.2 1280x720 24 5 $0.20",
            ]
        );
    }

    #[test]
    fn wishes_are_kept_and_the_rest_fits_them() {
        let tall = sized("2160x3840");
        let fluid = ClipOptions { frame_rate: Some(50), ..sized("720x1280") };
        let long = ClipOptions { duration_secs: Some(20), ..ClipOptions::default() };

        let price = |wanted: &ClipOptions| quote("ltx", wanted).expect("on offer").price;
        assert_eq!(price(&tall), MicroUsd(6 * 240_000));
        assert_eq!(price(&fluid), MicroUsd(6 * 30_000));
        assert_eq!(price(&long), MicroUsd(20 * 60_000));
        let spec = quote("ltx", &tall).expect("on offer").spec;
        let ltx = Registry::built_in().entry("ltx").expect("ltx");
        assert_eq!(spec.frame_rate, 24);
        assert_eq!(ltx.price_of(&spec), Some(MicroUsd(6 * 240_000)));
        assert_eq!(ltx.price_of(&ClipSpec { frame_rate: 30, ..spec }), None);
    }

    #[test]
    fn sound_costs_what_it_costs() {
        let loud = ClipOptions { audio: Some(true), ..of("veo3.1") };

        let price = |wanted: &ClipOptions| quote("runway", wanted).expect("on offer").price;
        assert_eq!(price(&of("veo3.1")), MicroUsd(6 * 200_000));
        assert_eq!(price(&loud), MicroUsd(6 * 400_000));
        assert_eq!(
            refusal("runway", &ClipOptions { model: None, ..loud }),
            "gen4_turbo makes no sound: leave audio out"
        );
    }

    #[test]
    fn a_wish_that_cannot_be_met_is_named_with_what_there_is() {
        let long = ClipOptions { duration_secs: Some(20), ..sized("3840x2160") };
        let fluid =
            ClipOptions { frame_rate: Some(50), duration_secs: Some(20), ..of("ltx-2-3-fast") };
        let small = ClipOptions { duration_secs: Some(20), ..sized("640x480") };
        let nothing = ClipOptions { duration_secs: Some(7), ..sized("640x480") };

        let reasons = [long, fluid, small, nothing].map(|wanted| refusal("ltx", &wanted));
        assert_eq!(
            reasons,
            [
                "ltx-2-3-fast has no clips of 20 s at 3840x2160: choose 6 s, 8 s or 10 s",
                "ltx-2-3-fast has no clips of 20 s with 50 frames per second: \
                 choose 6 s, 8 s or 10 s",
                "ltx-2-3-fast has no clips at 640x480 of 20 s: \
                 choose 1280x720, 720x1280, 1920x1080 or 1080x1920",
                "ltx-2-3-fast has no clips at 640x480: choose 1280x720, 720x1280, 1920x1080, \
                 1080x1920, 2560x1440, 1440x2560, 3840x2160 or 2160x3840",
            ]
        );
    }

    #[test]
    fn a_model_that_is_not_there_is_refused() {
        let gone = quote("ltx", &of("ltx-2-pro")).expect_err("retired");

        assert_eq!(gone.over, RefusedOver::Model);
        assert_eq!(gone.reason, "ltx has retired the model ltx-2-pro: choose ltx-2-3-pro");
        assert_eq!(
            refusal("ltx", &of("sora")),
            "ltx has no model sora: choose ltx-2-3-fast, ltx-2-3-pro, ltx-2-5-fast or ltx-2-5-pro"
        );
    }

    #[test]
    fn a_model_that_is_about_to_go_is_quoted_with_a_warning() {
        let mut ltx = (*Registry::built_in().entry("ltx").expect("ltx")).clone();
        ltx.models[0].state = ModelState::Retiring {
            on: "2027-01-31".to_owned(),
            successor: "ltx-2-5-fast".to_owned(),
        };

        let quote = ltx.quote(&ClipOptions::default()).expect("still on offer");

        assert_eq!(
            quote.warning.as_deref(),
            Some("the model ltx-2-3-fast is retired on 2027-01-31: change to ltx-2-5-fast")
        );
    }

    #[test]
    fn what_a_model_cannot_be_told_is_refused() {
        let motion = |name: &str| Some(name.to_owned());
        let seeded = ClipOptions { seed: Some(7), ..ClipOptions::default() };
        let moved = |name| ClipOptions { camera_motion: motion(name), ..ClipOptions::default() };

        assert_eq!(
            refusal("ltx", &seeded),
            "ltx-2-3-fast does not let a seed be chosen: leave it out"
        );
        assert_eq!(quote("runway", &seeded).expect("a seed").spec.seed, Some(7));
        assert_eq!(
            refusal("ltx", &moved("barrel_roll")),
            "ltx-2-3-fast has no camera motion barrel_roll: choose dolly_in, dolly_out, dolly_left, \
             dolly_right, jib_up, jib_down, static or focus_shift"
        );
        assert_eq!(
            refusal("replicate", &moved("dolly_in")),
            "stable-video-diffusion cannot be told a camera motion: leave it out"
        );
        assert_eq!(
            quote("fal", &moved("any")).expect("put in words").spec.camera_motion,
            motion("any")
        );
    }
}
