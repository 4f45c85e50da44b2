//! Whether a registry makes sense.

use super::{InvalidRegistry, Model, ModelState, Offer, Price, ProviderEntry};

pub(super) fn providers(entries: &[ProviderEntry]) -> Result<(), InvalidRegistry> {
    for (index, entry) in entries.iter().enumerate() {
        let twice = entries[..index].iter().any(|other| other.name == entry.name);
        require(&entry.name, !twice, "is there twice")?;
        provider(entry)?;
    }
    Ok(())
}

/// Whether it is a day as ISO 8601 writes them.
pub(super) fn date(place: &str, text: &str) -> Result<(), InvalidRegistry> {
    let digits = |at: usize, byte: u8| (at == 4 || at == 7) || byte.is_ascii_digit();
    let dashes = |at: usize, byte: u8| (at == 4 || at == 7) == (byte == b'-');
    let whole =
        text.len() == 10 && text.bytes().enumerate().all(|(at, b)| digits(at, b) && dashes(at, b));
    require(place, whole, &format!("{text:?} is no date, such as 2026-11-20"))
}

fn provider(entry: &ProviderEntry) -> Result<(), InvalidRegistry> {
    let ProviderEntry { name, default_model, models, .. } = entry;
    let spans = [
        ("time_limit_secs", entry.time_limit),
        ("poll_every_secs", entry.poll_every),
        ("result_life_secs", entry.result_life),
    ];
    for (key, span) in spans {
        require(name, !span.is_zero(), &format!("{key} is 0"))?;
    }
    require(name, entry.concurrency != Some(0), "concurrency is 0")?;
    for (index, each) in models.iter().enumerate() {
        let place = format!("{name}, model {}", each.name);
        let twice = models[..index].iter().any(|other| other.name == each.name);
        require(&place, !twice, "is there twice")?;
        model(entry, each, &place)?;
    }
    let retired = is_retired(entry, default_model, name)?;
    require(name, !retired, &format!("the default model {default_model} is retired"))
}

fn model(entry: &ProviderEntry, model: &Model, place: &str) -> Result<(), InvalidRegistry> {
    match &model.state {
        ModelState::Retired { successor } => return succession(entry, successor, place),
        ModelState::Retiring { on, successor } => {
            date(place, on)?;
            succession(entry, successor, place)?;
        }
        ModelState::Current => {}
    }
    require(place, !model.offers.is_empty(), "no offers")?;
    for (index, each) in model.offers.iter().enumerate() {
        offer(each, &format!("{place}, offer {}", index + 1))?;
    }
    Ok(())
}

fn succession(entry: &ProviderEntry, name: &str, place: &str) -> Result<(), InvalidRegistry> {
    let retired = is_retired(entry, name, place)?;
    require(place, !retired, &format!("its successor {name} is retired"))
}

fn offer(offer: &Offer, place: &str) -> Result<(), InvalidRegistry> {
    require(place, !offer.resolutions.is_empty(), "no resolutions")?;
    require(place, !offer.frame_rates.is_empty(), "no frame rates")?;
    require(place, !offer.durations_secs.is_empty(), "no durations")?;
    let priced = |price: &Price| price.per_second.is_some() || price.per_clip.is_some();
    require(place, priced(&offer.price), "no price")?;
    require(place, offer.price_with_audio.as_ref().is_none_or(priced), "no price with audio")
}

fn is_retired(entry: &ProviderEntry, name: &str, place: &str) -> Result<bool, InvalidRegistry> {
    let found = entry.model(name);
    require(place, found.is_some(), &format!("there is no model {name}"))?;
    Ok(found.is_some_and(|model| matches!(model.state, ModelState::Retired { .. })))
}

fn require(place: &str, kept: bool, fault: &str) -> Result<(), InvalidRegistry> {
    if kept {
        return Ok(());
    }
    Err(InvalidRegistry::Inconsistent { place: place.to_owned(), fault: fault.to_owned() })
}
