//! A `PostgreSQL` of our own, set up as Supabase sets it up.

use std::fs::Permissions;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::installed;
use crate::process::{Process, as_user};

/// Roles, rights and functions that every project on Supabase has.
const SUPABASE: &str = include_str!("supabase.sql");
/// The migrations of this repository.
const MIGRATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/supabase/migrations");
/// Longest time until it answers.
const PATIENCE: Duration = Duration::from_mins(1);
/// Faster than what a database that is kept may have.
const IN_HASTE: [&str; 12] = [
    "-c",
    "listen_addresses=",
    "-c",
    "fsync=off",
    "-c",
    "synchronous_commit=off",
    "-c",
    "full_page_writes=off",
    "-c",
    "wal_level=logical",
    "-c",
    "max_connections=40",
];

/// A server that listens on a socket in its folder and runs until it is dropped.
#[derive(Debug)]
pub(crate) struct Postgres {
    process: Process,
    bin: PathBuf,
    /// Gone with it.
    folder: TempDir,
}

impl Postgres {
    /// Starts an empty one with the migrations applied.
    pub(crate) fn start() -> Self {
        let bin = installed("STILLMOTION_PG_BIN");
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        let user = unprivileged(folder.path());

        let made = as_user(user, path(&bin.join("initdb")))
            .args(["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"])
            .args(["-D", path(&data)])
            .current_dir(folder.path())
            .output()
            .expect("initdb");
        assert!(made.status.success(), "{made:?}");

        let server = bin.join("postgres");
        let program =
            [&[path(&server), "-D", path(&data), "-k", path(folder.path())], &IN_HASTE[..]];
        let log = folder.path().join("log");
        // SIGQUIT: nobody needs what is in it.
        let process = Process::start(user, "QUIT", &program.concat(), &[], &log);
        let postgres = Self { process, bin, folder };
        postgres.wait();
        postgres.sql(SUPABASE);
        postgres.migrate();
        postgres
    }

    fn wait(&self) {
        let started = Instant::now();
        while !self.psql("select 1").status.success() {
            assert!(started.elapsed() < PATIENCE, "PostgreSQL: {}", self.process.log());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Applies the migrations, each as one transaction.
    pub(crate) fn migrate(&self) {
        for migration in migrations() {
            self.sql(&format!("begin;\n{migration}\ncommit;"));
        }
    }

    /// Runs statements as the owner of everything; what they return, unaligned.
    pub(crate) fn sql(&self, statements: &str) -> String {
        let output = self.psql(statements);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8").trim_end().to_owned()
    }

    fn psql(&self, statements: &str) -> Output {
        let mut psql = Command::new(self.bin.join("psql"))
            .args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", "postgres"])
            .args(["-h", path(self.folder.path()), "-d", "postgres", "-f", "-"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("psql");
        let mut stdin = psql.stdin.take().expect("piped");
        stdin.write_all(statements.as_bytes()).expect("read");
        drop(stdin);
        psql.wait_with_output().expect("psql")
    }

    /// Where `PostgREST` connects, with the role that becomes the others.
    pub(crate) fn uri(&self) -> String {
        format!("postgresql://authenticator@/postgres?host={}", path(self.folder.path()))
    }

    /// A place for a log that goes with it.
    pub(crate) fn log_of(&self, program: &str) -> PathBuf {
        self.folder.path().join(program)
    }
}

/// The migrations, in the order of their names.
pub(crate) fn migrations() -> Vec<String> {
    let files = std::fs::read_dir(MIGRATIONS).expect("migrations");
    let mut files: Vec<_> = files.map(|file| file.expect("a file").path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read_to_string(file).expect("a migration")).collect()
}

/// `PostgreSQL` refuses to run as root: then the folder is given to somebody else, who runs it.
fn unprivileged(folder: &Path) -> Option<&'static str> {
    if folder.metadata().expect("a folder").uid() != 0 {
        return None;
    }
    let (user, uid) = ["postgres", "nobody"]
        .into_iter()
        .find_map(|user| {
            let id = Command::new("id").args(["-u", user]).output().ok()?;
            Some((user, String::from_utf8(id.stdout).ok()?.trim().parse().ok()?))
        })
        .expect("a user that is not root");
    chown(folder, Some(uid), None).expect("given away");
    // Whoever runs the tests goes to the socket and the logs.
    std::fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("opened");
    Some(user)
}

fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}
