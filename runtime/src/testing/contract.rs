//! The shutdown contract, asserted on a running process.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use super::{
    client::Connection,
    output::Exit,
    process::{Process, Signal},
};

/// The states of a service's life, in order.
const STATES: [&str; 8] =
    ["starting", "ready", "lame_duck", "draining", "cancelling", "closing", "flushing", "stopped"];

/// How long after SIGTERM `/ready` may still say 200: what a busy machine needs to deliver a signal.
const NOTICE: Duration = Duration::from_millis(500);

/// Between two probes, so that they don't take the processor from the service.
const PACE: Duration = Duration::from_millis(1);

/// One answer of both probes.
#[derive(Debug)]
struct Probed {
    after: Duration,
    health: u16,
    ready: u16,
}

impl Process {
    /// Stops the process with SIGTERM and asserts what Kubernetes relies on, on an idle or a busy service:
    ///
    /// - `/ready` turns 503 at once and stays so, `/health` stays 200, and both answer until the end;
    /// - the states come in order, and the last is `stopped`;
    /// - nothing is cut: the exit code is 0, within 30 s.
    ///
    /// # Panics
    ///
    /// If one of them doesn't hold, with what the process wrote.
    pub fn assert_contract(&self) -> Exit {
        self.wait_ready();
        let admin = self.admin_addr();
        let mut probes = Connection::open(admin).unwrap_or_else(|error| self.fail(format_args!("no probe: {error}")));
        let exited = AtomicBool::new(false);
        let (exit, probed) = thread::scope(|scope| {
            let probing = scope.spawn(|| {
                self.signal(Signal::Term);
                let since = Instant::now();
                let mut probed = Vec::new();
                while !exited.load(Ordering::Relaxed) {
                    let (Ok(health), Ok(ready)) = (probes.get("/health"), probes.get("/ready")) else {
                        match Connection::open(admin) {
                            Ok(again) => probes = again,
                            Err(_) => break,
                        }
                        continue;
                    };
                    probed.push(Probed { after: since.elapsed(), health: health.status, ready: ready.status });
                    thread::sleep(PACE);
                }
                probed
            });
            let exit = self.wait_exit(Duration::from_secs(30));
            exited.store(true, Ordering::Relaxed);
            (exit, probing.join())
        });
        let probed = probed.unwrap_or_else(|_| self.fail("the probes failed"));
        self.assert_probed(&probed, exit);
        self.assert_states();
        if exit.code != Some(0) {
            self.fail(format_args!("it ended with {exit:?}, not with exit code 0"));
        }
        exit
    }

    fn assert_probed(&self, probed: &[Probed], exit: Exit) {
        let last = probed.last().map_or(Duration::ZERO, |last| last.after);
        if exit.elapsed.saturating_sub(last) > NOTICE {
            self.fail(format_args!("the probes were answered for {last:?} of {:?}", exit.elapsed));
        }
        if let Some(wrong) = probed.iter().find(|probed| probed.health != 200) {
            self.fail(format_args!("/health was not 200 in the drain: {wrong:?}"));
        }
        let draining = probed.iter().position(|probed| probed.ready == 503);
        let draining = draining.unwrap_or(probed.len());
        let (before, after) = probed.split_at(draining);
        if let Some(late) = before.iter().find(|probed| probed.after > NOTICE) {
            self.fail(format_args!("/ready was not 503 soon after SIGTERM: {late:?}"));
        }
        if let Some(wrong) = after.iter().find(|probed| probed.ready != 503) {
            self.fail(format_args!("/ready was not 503 in the drain: {wrong:?}"));
        }
    }

    fn assert_states(&self) {
        let states = self.states();
        let places: Vec<_> = states.iter().map(|state| STATES.iter().position(|known| known == state)).collect();
        let in_order = places.windows(2).all(|pair| pair[0] < pair[1]);
        if places.contains(&None) || !in_order || states.last().is_none_or(|last| last != "stopped") {
            self.fail(format_args!("the states were {states:?}"));
        }
    }
}
