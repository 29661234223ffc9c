//! Compares Seaworthy with what else there is: the same service on bare hyper, bare axum, the usual hand-assembled stack,
//! Cloudflare's foundations, fastrace and Seaworthy, in one interleaved run.
//!
//! `cargo run --release -- --help` says how to run it; `RESULTS.md` has what it found.

mod build;
mod collector;
mod cores;
mod load;
mod machine;
mod measure;
mod options;
mod paced;
mod part;
mod resources;
mod server;
mod table;
mod variant;

use std::{collections::BTreeMap, error::Error, fs, path::PathBuf, process::ExitCode};

use crate::{
    build::Kind,
    collector::Collector,
    cores::Cores,
    load::Load,
    options::Options,
    part::Part,
    server::{Launch, Server},
    table::{Figure, Results},
    variant::{REFERENCE, Variant},
};

const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/RESULTS.md");
/// Starts are short, so there are more of them in a round.
const STARTS: usize = 7;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let Some(options) = Options::read()? else { return Ok(()) };
    let load = Load::new(options.echo)?;
    let mut results = Results::default();
    let programs = match options.has_services() {
        true => programs(&options, &mut results)?,
        false => Vec::new(),
    };

    let number_of_cores = machine::cores();
    let cores = Cores::take()?;
    let collector = Collector::start()?;
    let launch = Launch { cores, collector: &collector };
    measure_counts(&options, &programs, &load, &launch, &mut results)?;
    measure_rounds(&options, &programs, &load, &launch, &mut results)?;
    measure_latency(&options, &programs, &load, &launch, &mut results)?;
    if options.has(Part::Resources) {
        results.resources = resources::measure(&launch, options.rounds)?;
    }

    let tables = results.tables(&options.variants) + &results.budgets();
    print!("{tables}");
    if options.write {
        fs::write(RESULTS, document(&options, &tables, &machine::describe(number_of_cores)))?;
    }
    Ok(())
}

/// A service with what was built of it.
struct Program {
    variant: &'static Variant,
    release: PathBuf,
    counting: Option<PathBuf>,
}

/// Builds what is measured, and measures what needs no service that runs.
fn programs(options: &Options, results: &mut Results) -> Result<Vec<Program>, Box<dyn Error>> {
    let mut programs = Vec::<Program>::new();
    let mut took = BTreeMap::new();
    build::fetch()?;
    for variant in options.variants.iter().copied() {
        let built = programs.iter().find(|other| other.variant.package == variant.package);
        let release = match built {
            // Sampling makes no other program.
            Some(same) => same.release.clone(),
            None if options.has(Part::Build) => {
                eprintln!("building {}, where nothing was built before", variant.package);
                let (program, time) = build::clean(variant)?;
                took.insert(variant.package, time);
                program
            }
            None => {
                eprintln!("building {}", variant.package);
                build::build(variant, Kind::Release)?
            }
        };
        let counting = match options.has(Part::Allocations) {
            true => Some(build::build(variant, Kind::Counting)?),
            false => None,
        };
        if let Some(took) = took.get(variant.package) {
            results.add(variant, Figure::Build, took.as_secs_f64());
        }
        if options.has(Part::Size) {
            results.add(variant, Figure::Size, fs::metadata(&release)?.len() as f64);
        }
        if options.has(Part::Crates) {
            results.add(variant, Figure::Crates, build::crates(variant)? as f64);
        }
        programs.push(Program { variant, release, counting });
    }
    Ok(programs)
}

/// What is counted, and needs no repetition.
fn measure_counts(
    options: &Options,
    programs: &[Program],
    load: &Load,
    launch: &Launch<'_>,
    results: &mut Results,
) -> Result<(), Box<dyn Error>> {
    for Program { variant, release, counting } in programs {
        eprintln!("counting {}", variant.name);
        if let Some(counting) = counting {
            results.add(variant, Figure::Allocations, measure::allocations(launch, variant, counting, load)?);
        }
        if options.has(Part::Instructions) {
            results.add(variant, Figure::Instructions, measure::instructions(launch, variant, release, load)?);
        }
        if options.has(Part::Memory) {
            results.add(variant, Figure::Memory, measure::memory(launch, variant, release, load)? as f64);
            if variant.sampled == Some(1.0) {
                results.add(variant, Figure::Away, measure::away(launch, variant, release, load)?);
            }
        }
    }
    Ok(())
}

/// What depends on what else the machine does: all services in turn, again and again.
fn measure_rounds(
    options: &Options,
    programs: &[Program],
    load: &Load,
    launch: &Launch<'_>,
    results: &mut Results,
) -> Result<(), Box<dyn Error>> {
    let (throughput, start) = (options.has(Part::Throughput), options.has(Part::Start));
    for round in 1..=options.rounds {
        if throughput || start {
            eprintln!("round {round} of {}", options.rounds);
        }
        if throughput {
            for Program { variant, release, .. } in programs {
                let saturated = measure::saturate(launch, variant, release, load, options.seconds)?;
                results.add(variant, Figure::Throughput, saturated.per_second);
                results.add(variant, Figure::Cpu, saturated.cpu.as_secs_f64() * 1e6);
                if variant.sampled.is_some() {
                    results.add(variant, Figure::Spans, saturated.spans);
                }
            }
        }
        if start {
            for _ in 0..STARTS {
                for Program { variant, release, .. } in programs {
                    let took = measure::start(launch, variant, release)?;
                    results.add(variant, Figure::Start, took.as_secs_f64());
                }
            }
        }
    }
    Ok(())
}

/// What a service needs to be loaded evenly.
struct Target {
    variant: &'static Variant,
    server: Server,
    /// In requests a second: half of what it can take, and half of what the slowest of some can, if that is not too much.
    half: f64,
    common: Option<f64>,
}

/// Latencies, which one pause of the machine spoils: many short bursts, all services in turn.
fn measure_latency(
    options: &Options,
    programs: &[Program],
    load: &Load,
    launch: &Launch<'_>,
    results: &mut Results,
) -> Result<(), Box<dyn Error>> {
    if !options.has(Part::Latency) {
        return Ok(());
    }
    let mut full = Vec::new();
    for Program { variant, release, .. } in programs {
        let per_second = match results.median(variant.name, Figure::Throughput) {
            Some(per_second) => per_second,
            None => measure::saturate(launch, variant, release, load, options.seconds)?.per_second,
        };
        full.push((*variant, per_second));
    }
    let common = common_rate(&full);
    let mut targets = Vec::new();
    for (Program { release, .. }, (variant, full)) in programs.iter().zip(full) {
        let server = measure::warmed(launch, variant, release, load)?;
        // What is nearly more than the service can take says nothing.
        let common = (common < full * 0.8).then_some(common);
        targets.push(Target { variant, server, half: full / 2.0, common });
    }
    for burst in 1..=options.bursts {
        if burst % 10 == 1 {
            eprintln!("burst {burst} of {}", options.bursts);
        }
        for Target { variant, server, half, common } in &targets {
            let took = measure::burst(launch, variant, server, load, *half, options.late)?;
            results.keep(variant, Figure::Median, took.median);
            results.keep(variant, Figure::P90, took.p90);
            results.keep(variant, Figure::P99, took.p99);
            results.keep(variant, Figure::Late, took.late);
            if let Some(common) = *common {
                let took = measure::burst(launch, variant, server, load, common, options.late)?;
                results.keep(variant, Figure::CommonRate, common);
                results.keep(variant, Figure::CommonMedian, took.median);
                results.keep(variant, Figure::CommonP99, took.p99);
            }
        }
    }
    Ok(())
}

/// The rate at which latencies can be compared: half of what the slowest of these takes.
fn common_rate(full: &[(&Variant, f64)]) -> f64 {
    let compared = full.iter().filter(|(variant, _)| ["hyper", REFERENCE, "seaworthy-100"].contains(&variant.name));
    compared.map(|(_, per_second)| per_second / 2.0).fold(f64::INFINITY, f64::min)
}

/// What `RESULTS.md` says.
fn document(options: &Options, tables: &str, machine: &str) -> String {
    let services: Vec<String> =
        options.variants.iter().map(|variant| format!("- `{}`: {}\n", variant.name, variant.about)).collect();
    let left_out = options.left_out();
    let part = match left_out.is_empty() {
        true => String::new(),
        false => format!("**Part of a run**: without {}.\n\n", left_out.join(", ")),
    };
    let Options { rounds, seconds, bursts, late, echo, .. } = options;
    let (burst, warm_up) = (measure::BURST, measure::WARM_UP);
    let route = if *echo { "POST /echo" } else { "GET /hello/{name}" };
    let away = measure::AWAY;
    format!(
        "# What Seaworthy costs\n\n\
         {part}Written by `cargo run --release` in `tests/bench/`, on:\n\n{machine}\n\
         `{route}` over 64 connections that stay open. The server has a core and one worker thread, the load and the collector \
         share another. {rounds} rounds of {seconds} s, all services in turn; medians. In brackets: the ratio to bare axum. Log \
         lines go to `/dev/null`, spans over OTLP to a collector that only counts them. Full load is `h2load --h1 -c64 -t1`. CPU \
         is that of the whole process.\n\n\
         Latency is measured by a client of our own, whose requests are evenly spaced over the connections, and counts from when \
         a request was due, whether it could be sent then or not: once at half of what the service itself can take, and once at \
         half of what the slowest of `hyper`, `axum` and `seaworthy-100` can, for those that can take it. There are {bursts} \
         bursts of {burst:?} of each, all services in turn, each after {warm_up:?} that don't count. A percentile is the median of \
         those of the bursts: a machine that pauses for milliseconds, as virtual ones do, spoils a burst and not the figure. What \
         the client was late itself is part of it; where that was more than {late:?} for one request in a hundred, the burst is \
         repeated.\n\n\
         Instructions are user-space, by callgrind, the exporter's included; they and the allocations are the difference between \
         N and 2N requests, with queues in which no span is dropped. Memory without a collector is compared after \
         {away} s and after {} s of full load. A clean build is one of `--release` with fat LTO, on all cores, \
         with everything downloaded. Differences under 10 % in what is timed are none.\n\n{}{tables}",
        2 * away,
        services.concat()
    )
}
