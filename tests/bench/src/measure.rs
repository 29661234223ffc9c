//! One measurement of one service each.

use std::{error::Error, path::Path, process::Command, thread, time::Duration};

use crate::{
    collector::Collector,
    load::{Amount, Load},
    paced::{Latency, Pace, Unmeasured},
    server::{Launch, Server},
    variant::Variant,
};

/// After how many requests memory is looked at.
pub(crate) const MEMORY_AFTER: u64 = 200_000;

/// How long memory settles without a collector, and how long it then is watched, in seconds.
pub(crate) const AWAY: u32 = 30;

/// Requests whose allocations are counted.
const COUNTED: u64 = 20_000;
/// Requests whose instructions are counted: valgrind is slow.
const EMULATED: u64 = 4_000;
/// Longer than exporters wait for more spans.
const SETTLED: Duration = Duration::from_millis(1500);

/// How long a service is loaded evenly, again and again.
pub(crate) const BURST: Duration = Duration::from_millis(250);
/// What is sent at an even pace before it counts.
pub(crate) const WARM_UP: Duration = Duration::from_millis(100);
/// How often a burst is tried: something else may have run on the core of the client.
const ATTEMPTS: usize = 10;

/// What was measured under full load.
#[derive(Debug)]
pub(crate) struct Saturated {
    pub(crate) per_second: f64,
    pub(crate) cpu: Duration,
    /// Spans that came to the collector, per request.
    pub(crate) spans: f64,
}

/// Loads the service as much as it can take.
pub(crate) fn saturate(
    launch: &Launch<'_>,
    variant: &Variant,
    program: &Path,
    load: &Load,
    seconds: u32,
) -> Result<Saturated, Box<dyn Error>> {
    let before = launch.collector.spans();
    let mut server = launch.server(variant, program)?;
    server.wait_ready()?;
    let warmed = load.run(server.http, Amount::Seconds(1))?;
    let cpu = server.cpu_time()?;
    let answered = load.run(server.http, Amount::Seconds(seconds))?;
    let cpu = server.cpu_time()?.saturating_sub(cpu);
    server.stop()?;
    let spans = launch.collector.spans() - before;
    Ok(Saturated {
        per_second: answered.per_second,
        cpu: cpu.div_f64(answered.requests as f64),
        spans: spans as f64 / (answered.requests + warmed.requests) as f64,
    })
}

/// Starts the service, and loads it for a while.
pub(crate) fn warmed(
    launch: &Launch<'_>,
    variant: &Variant,
    program: &Path,
    load: &Load,
) -> Result<Server, Box<dyn Error>> {
    let mut server = launch.server(variant, program)?;
    server.wait_ready()?;
    load.run(server.http, Amount::Seconds(1))?;
    Ok(server)
}

/// Loads a service evenly for a short time, in requests a second.
pub(crate) fn burst(
    launch: &Launch<'_>,
    variant: &Variant,
    server: &Server,
    load: &Load,
    per_second: f64,
    late: Duration,
) -> Result<Latency, Unmeasured> {
    let pace = Pace { per_second, warm_up: WARM_UP, lasts: BURST, late };
    let attempt = || launch.collector.politely(|| load.paced(server.http, pace));
    (1..ATTEMPTS).fold(attempt(), |latency, _| match latency {
        Err(error @ Unmeasured::Late { .. }) => {
            eprintln!("{}: once more: {error}", variant.name);
            attempt()
        }
        latency => latency,
    })
}

/// Starts the service until it is ready.
pub(crate) fn start(launch: &Launch<'_>, variant: &Variant, program: &Path) -> Result<Duration, Box<dyn Error>> {
    launch.server(variant, program)?.wait_ready()
}

/// The resident memory of the service after many requests, in bytes.
pub(crate) fn memory(
    launch: &Launch<'_>,
    variant: &Variant,
    program: &Path,
    load: &Load,
) -> Result<u64, Box<dyn Error>> {
    let mut server = launch.server(variant, program)?;
    server.wait_ready()?;
    load.run(server.http, Amount::Requests(MEMORY_AFTER))?;
    server.memory()
}

/// How much the resident memory grows under full load while the collector is away, once all queues are full: from the
/// one to the other.
pub(crate) fn away(launch: &Launch<'_>, variant: &Variant, program: &Path, load: &Load) -> Result<f64, Box<dyn Error>> {
    let mut server = launch.alone(variant, program)?;
    server.wait_ready()?;
    load.run(server.http, Amount::Seconds(AWAY))?;
    let before = server.memory()?;
    load.run(server.http, Amount::Seconds(AWAY))?;
    Ok(server.memory()? as f64 / before as f64)
}

/// Allocations per request: the difference between many requests and twice as many, so that what connections cost is left
/// out.
pub(crate) fn allocations(
    launch: &Launch<'_>,
    variant: &Variant,
    program: &Path,
    load: &Load,
) -> Result<f64, Box<dyn Error>> {
    let mut server = launch.lossless(variant, Command::new(program))?;
    server.wait_ready()?;
    let allocated = |requests| -> Result<f64, Box<dyn Error>> {
        let before = allocations::ask(server.allocations)?;
        load.run(server.http, Amount::Requests(requests))?;
        settle(launch.collector);
        Ok((allocations::ask(server.allocations)? - before) as f64)
    };
    allocated(COUNTED)?;
    let (once, twice) = (allocated(COUNTED)?, allocated(2 * COUNTED)?);
    Ok((twice - once) / COUNTED as f64)
}

/// Instructions per request: the difference between a run and one with twice as many requests, so that the start and the
/// end are left out.
pub(crate) fn instructions(
    launch: &Launch<'_>,
    variant: &Variant,
    program: &Path,
    load: &Load,
) -> Result<f64, Box<dyn Error>> {
    let executed = |requests| -> Result<f64, Box<dyn Error>> {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--fair-sched=try"]).arg(program);
        let mut server = launch.lossless(variant, valgrind)?;
        server.wait_ready()?;
        load.run(server.http, Amount::Requests(requests))?;
        let said = server.stop()?;
        // "==1234== Collected : 123456"
        let collected = said.lines().find_map(|line| line.split_once("Collected : ")?.1.trim().parse().ok());
        Ok(collected.ok_or_else(|| format!("valgrind counted nothing: {said}"))?)
    };
    let (once, twice) = (executed(EMULATED)?, executed(2 * EMULATED)?);
    Ok((twice - once) / EMULATED as f64)
}

/// Waits until the service has sent what it had to, or seems to have nothing to send.
fn settle(collector: &Collector) {
    loop {
        let sent = collector.spans();
        thread::sleep(SETTLED);
        if collector.spans() == sent {
            return;
        }
    }
}
