//! What this process and its children take, from `/proc`.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Clock ticks a second, as Linux shows them.
const TICKS: f64 = 100.0;

/// CPU seconds that a process, and the children that it has waited for, have taken so far.
pub(crate) fn cpu_secs(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let after_name = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let fields: Vec<f64> =
        after_name.split_whitespace().map(|field| field.parse().unwrap_or_default()).collect();
    // Fields 14 to 17 of proc(5), of which the first two are cut off.
    fields.get(11..15).map(|ticks| ticks.iter().sum::<f64>()).unwrap_or_default() / TICKS
}

/// Watches the memory of a process and its children until it is dropped.
pub(crate) struct Peak {
    highest_kib: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    watcher: Option<JoinHandle<()>>,
}

impl Peak {
    /// Watches the process `pid`.
    pub(crate) fn of(pid: u32) -> Self {
        let (highest_kib, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
        let (highest, stopped) = (highest_kib.clone(), stop.clone());
        let watcher = std::thread::spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                highest.fetch_max(tree_kib(&pid.to_string()), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Self { highest_kib, stop, watcher: Some(watcher) }
    }

    /// The most that was seen since the last call, in MiB.
    pub(crate) fn take_mib(&self) -> u64 {
        self.highest_kib.swap(0, Ordering::Relaxed) / 1024
    }
}

impl Drop for Peak {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(watcher) = self.watcher.take() {
            let _ = watcher.join();
        }
    }
}

/// Resident memory of a process and everything below it, in KiB.
fn tree_kib(pid: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let own = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()
    });
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let children =
        tasks.map(|task| fs::read_to_string(task.path().join("children")).unwrap_or_default());
    let children: String = children.collect();
    own.unwrap_or_default() + children.split_whitespace().map(tree_kib).sum::<u64>()
}
