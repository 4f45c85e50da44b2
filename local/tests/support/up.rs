//! The program, up on a data folder.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use stillmotion::Home;
use stillmotion::home::{ACCESS_KEY, SECRET_KEY};

use super::{Setting, stillmotion};

/// `up` on a data folder, killed without a word when it is dropped.
pub(crate) struct Up {
    child: Child,
    /// What it runs, as others see it.
    pub(crate) home: Home,
}

impl Up {
    /// Kills it without a word.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Where it answers; 0: at any port.
#[derive(Clone, Copy, Default)]
pub(crate) struct Ports {
    pub(crate) cloud: u16,
    pub(crate) api: u16,
}

/// Brings it up at any ports, and waits until it is. What it says is beside the folder, in `data.log`.
pub(crate) fn up(data: &Path, settings: &[Setting], arguments: &[&str]) -> Up {
    up_at(Ports::default(), data, settings, arguments)
}

/// Brings it up at these ports, and waits until it is.
pub(crate) fn up_at(ports: Ports, data: &Path, settings: &[Setting], arguments: &[&str]) -> Up {
    let log = data.with_extension("log");
    let file = std::fs::File::options().create(true).append(true).open(&log).expect("a log");
    let mut child = stillmotion()
        .args(["up", "--port", &ports.cloud.to_string(), "--api-port", &ports.api.to_string()])
        .arg("--data")
        .arg(data)
        .args(arguments)
        .envs(settings.iter().map(|(name, value)| (name, value)))
        .stdout(Stdio::piped())
        .stderr(file)
        .spawn()
        .expect("it runs");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let first = lines.next().map(|line| line.expect("text")).unwrap_or_default();
    let told = || std::fs::read_to_string(&log).unwrap_or_default();
    assert!(first.contains("is up"), "{first}{}", told().lines().last().unwrap_or_default());
    // What it says afterwards must not block it.
    std::thread::spawn(move || lines.for_each(drop));
    let endpoint = std::fs::read_to_string(data.join("endpoint")).expect("an endpoint");
    Up { child, home: Home::at(&endpoint, ACCESS_KEY, SECRET_KEY) }
}
