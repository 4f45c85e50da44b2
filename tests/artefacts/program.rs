//! Where the programs are: what `cargo build` has made, or packages.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use tempfile::TempDir;

/// Names a folder of packages, `{function}.zip` and `layer-{name}.zip`: its absolute path.
const PACKAGES: &str = "STILLMOTION_PACKAGES";
/// Where Lambda looks for programs, with the layers last.
///
/// Source: AWS Lambda developer guide, "Defined runtime environment variables".
const PATH: &str = "/usr/local/bin:/usr/bin/:/bin:/opt/bin";

/// Packages, unpacked as Lambda does.
struct Unpacked {
    /// A folder for each function, and one for all layers: `opt`.
    folder: TempDir,
    from: PathBuf,
}

/// The packages, if there are any; unpacked once.
fn packages() -> Option<&'static Unpacked> {
    static UNPACKED: OnceLock<Option<Unpacked>> = OnceLock::new();
    let unpacked = UNPACKED.get_or_init(|| {
        let from = PathBuf::from(env::var_os(PACKAGES)?);
        // Tests run in a folder of their own.
        assert!(from.is_absolute(), "{PACKAGES} should be an absolute path");
        let folder = tempfile::tempdir().expect("a folder");
        let zips =
            fs::read_dir(&from).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
        for zip in zips.map(|entry| entry.expect("an entry").path()) {
            let Some(name) = zip.file_name().and_then(|name| name.to_str()?.strip_suffix(".zip"))
            else {
                continue;
            };
            let to = if name.starts_with("layer-") { "opt" } else { name };
            unpack(&zip, &folder.path().join(to));
        }
        Some(Unpacked { folder, from })
    });
    unpacked.as_ref()
}

fn unpack(zip: &Path, to: &Path) {
    let file = File::open(zip).unwrap_or_else(|error| panic!("{}: {error}", zip.display()));
    let mut archive = zip::ZipArchive::new(file)
        .unwrap_or_else(|error| panic!("{} is no package: {error}", zip.display()));
    // With the permissions that it has in there: a program that is not executable does not start.
    archive.extract(to).unwrap_or_else(|error| panic!("{}: {error}", zip.display()));
}

/// The program of a function, and the folder that it lies in.
///
/// # Panics
/// If it is missing, or older than its sources.
pub(crate) fn program(function: &str) -> PathBuf {
    match packages() {
        Some(packages) => {
            let program = packages.folder.path().join(function).join("bootstrap");
            let from = packages.from.join(format!("{function}.zip"));
            assert!(program.is_file(), "{} is missing, or has no bootstrap", from.display());
            program
        }
        None => built(function),
    }
}

/// `PATH` of a program: with packages, of the layers there are and of nothing else that could stand in
/// for them.
pub(crate) fn path() -> String {
    match opt() {
        Some(opt) if opt.join("bin/ffmpeg").is_file() => opt.join("bin").display().to_string(),
        _ => PATH.to_owned(),
    }
}

/// What is in the layers, `/opt` of a function; none if there are no packages.
pub(crate) fn opt() -> Option<PathBuf> {
    packages().map(|packages| packages.folder.path().join("opt"))
}

/// The program in the folder that this test was built in.
fn built(function: &str) -> PathBuf {
    let test = env::current_exe().expect("this program is somewhere");
    let folder = test.parent().and_then(Path::parent).expect("target/debug");
    let program = folder.join(function);
    let build = "run cargo build --workspace --bins (./stillmotion test does)";
    let Some(built_at) = changed_at(&program) else {
        panic!("{} is missing: {build}", program.display());
    };
    let newer = sources(&folder.join(format!("{function}.d")))
        .into_iter()
        .find(|source| changed_at(source).is_some_and(|at| at > built_at));
    if let Some(source) = newer {
        panic!("{} is older than {}: {build}", program.display(), source.display());
    }
    program
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|about| about.modified()).ok()
}

/// What a program was built from, as cargo has written beside it: `program: source source …`.
fn sources(list: &Path) -> Vec<PathBuf> {
    let text =
        fs::read_to_string(list).unwrap_or_else(|error| panic!("{}: {error}", list.display()));
    let (_, sources) =
        text.split_once(": ").unwrap_or_else(|| panic!("{} is no list", list.display()));
    // Spaces in names are escaped.
    let sources = sources.trim().replace("\\ ", "\0");
    sources.split(' ').map(|source| PathBuf::from(source.replace('\0', " "))).collect()
}
