//! What can be known before anything starts.

use domain::{JobOrder, MicroUsd};
use film::Theme;
use ports::VideoGenerator;
use providers::key_of;

use super::{CommandError, MakeArgs, folder_of, options};
use crate::Filming;

/// What is wished for, if it makes sense and all files are there.
pub(super) fn check_wishes(args: &MakeArgs) -> Result<JobOrder, CommandError> {
    let given = [Some(&args.photo), args.logo.as_ref(), args.music.as_ref()];
    for file in given.into_iter().flatten() {
        std::fs::File::open(file).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    let order = options(args, None, None).into_order()?;
    if let Some(theme) = &args.theme {
        Theme::named(theme)?;
    }
    let folder = folder_of(&args.output);
    if !folder.is_dir() {
        return Err(format!("{}: there is no such folder", folder.display()).into());
    }
    Ok(order)
}

/// What the clip is expected to cost.
///
/// # Errors
/// If the provider is not here, or does not film such a clip.
pub(super) fn check_provider(
    args: &MakeArgs,
    order: &JobOrder,
    filming: &Filming,
) -> Result<MicroUsd, CommandError> {
    let generators = &filming.crew.generators;
    let generator = match &args.provider {
        Some(wanted) => generators.iter().find(|generator| generator.name() == wanted),
        None => generators.first(),
    };
    let Some(generator) = generator else {
        let wanted = args.provider.as_deref().unwrap_or_default();
        let known: Vec<_> = generators.iter().map(VideoGenerator::name).collect();
        let known = known.join(", ");
        return Err(match key_of(wanted) {
            Some(key) => format!("provider {wanted} needs its key: set {key}"),
            None => format!("there is no provider {wanted:?}: choose one of {known}"),
        }
        .into());
    };
    if args.provider.is_none() && !args.json {
        eprintln!("{}", filming.sentence());
    }
    match generator.quote(&order.clip) {
        Ok(quote) => {
            if let Some(warning) = quote.warning.filter(|_| !args.json) {
                eprintln!("{warning}");
            }
            Ok(quote.price)
        }
        // Somebody else may take over.
        Err(_) if args.provider.is_none() && filming.policy.failover.is_some() => Ok(MicroUsd(1)),
        Err(refusal) => Err(refusal.reason.into()),
    }
}
