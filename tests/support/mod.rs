//! What the tests share.

pub(crate) mod collector;
pub(crate) mod load;
pub(crate) mod load_h2;
pub(crate) mod prometheus;
pub(crate) mod scripted;
pub(crate) mod tools;
pub(crate) mod websocket;

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use seaworthy::testing::{Process, ProcessBuilder, Response};

/// By how much a process may grow in use, in KiB. Over the 20 000 requests and more that tests send, a leak of 200 bytes a
/// request would be more.
pub(crate) const FLAT: u64 = 4 * 1024;

/// Held by a test that needs the machine for itself: because it loads it, or because it measures milliseconds.
static MACHINE: Mutex<()> = Mutex::new(());

/// The fixture, with settings that keep a test short: it drains for 2 s at most and logs no access lines.
pub(crate) fn fixture() -> ProcessBuilder {
    Process::builder(env!("CARGO_BIN_EXE_fixture")).env("ACCESS_LOG", "off").env("DRAIN_TIMEOUT", "2s")
}

/// Waits for the machine.
pub(crate) fn machine() -> MutexGuard<'static, ()> {
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// An address of the loopback that nobody else uses: what stops listening there can listen there again.
pub(crate) fn own_address() -> SocketAddr {
    static USED: AtomicU8 = AtomicU8::new(2);
    let [.., high, low] = std::process::id().to_be_bytes();
    let address = Ipv4Addr::new(127, high | 1, low, USED.fetch_add(1, Ordering::Relaxed));
    SocketAddr::from((address, 4318))
}

/// Asks again and again until the answer is yes: for what nobody tells by itself.
pub(crate) fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// How much memory a process has in RAM, in KiB.
pub(crate) fn resident(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has memory");
    line.trim().trim_end_matches(" kB").parse().expect("a number")
}

/// A processor that may be used, for `taskset`.
pub(crate) fn one_core() -> String {
    let status = std::fs::read_to_string("/proc/self/status").expect("this process has a status");
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).expect("it may run somewhere");
    list.trim().split(['-', ',']).next().unwrap_or_default().to_owned()
}

/// The folder of the workspace.
pub(crate) fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are a folder of the workspace").to_owned()
}

/// The value of a metric with these labels, in Prometheus' text format: 0 where there is no such line.
pub(crate) fn metric(metrics: &Response, name: &str, labels: &[(&str, &str)]) -> f64 {
    metrics
        .text()
        .lines()
        .filter_map(|line| {
            let (series, value) = line.rsplit_once(' ')?;
            let (found, found_labels) = series.split_once('{').unwrap_or((series, ""));
            let all = labels.iter().all(|(key, value)| found_labels.contains(&format!("{key}=\"{value}\"")));
            (found == name && all).then(|| value.parse::<f64>().ok())?
        })
        .sum()
}

/// Asserts that it answers and still counts as well, and that it stops as it should.
pub(crate) fn assert_serves_on(process: &Process) {
    assert_eq!(process.get("/fast").text(), "ok");
    assert_eq!(process.get("/health").status, 200);
    assert_eq!(process.get("/ready").status, 200);
    process.assert_contract();
}
