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
mod part;
mod server;
mod table;
mod variant;

use std::{error::Error, fs, path::PathBuf, process::ExitCode};

use crate::{
    build::Kind,
    collector::Collector,
    cores::Cores,
    load::Load,
    options::Options,
    part::Part,
    server::Launch,
    table::{Figure, Results},
    variant::Variant,
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
    let options = Options::read()?;
    let load = Load::new(options.echo)?;
    let programs = programs(&options)?;
    let mut results = Results::default();
    measure_builds(&options, &programs, &mut results)?;

    let number_of_cores = machine::cores();
    let cores = Cores::take()?;
    let collector = Collector::start()?;
    let launch = Launch { cores, collector: &collector };
    measure_counts(&options, &programs, &load, &launch, &mut results)?;
    measure_rounds(&options, &programs, &load, &launch, &mut results)?;

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

fn programs(options: &Options) -> Result<Vec<Program>, Box<dyn Error>> {
    options
        .variants
        .iter()
        .map(|variant| {
            eprintln!("building {}", variant.name);
            let release = build::build(variant, Kind::Release)?;
            let counting = match options.has(Part::Allocations) {
                true => Some(build::build(variant, Kind::Counting)?),
                false => None,
            };
            Ok(Program { variant, release, counting })
        })
        .collect()
}

/// What needs no service that runs.
fn measure_builds(options: &Options, programs: &[Program], results: &mut Results) -> Result<(), Box<dyn Error>> {
    for Program { variant, release, .. } in programs {
        if options.has(Part::Size) {
            results.add(variant, Figure::Size, fs::metadata(release)?.len() as f64);
        }
        if options.has(Part::Crates) {
            results.add(variant, Figure::Crates, build::crates(variant)? as f64);
        }
    }
    if options.has(Part::Build) {
        for Program { variant, .. } in programs.iter() {
            // Sampling makes no other program.
            if programs
                .iter()
                .find(|other| other.variant.package == variant.package)
                .is_some_and(|first| first.variant.name == variant.name)
            {
                eprintln!("timing the build of {}", variant.package);
                results.add(variant, Figure::Build, build::time(variant)?.as_secs_f64());
            }
        }
    }
    Ok(())
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
    let (throughput, latency) = (options.has(Part::Throughput), options.has(Part::Latency));
    if !(throughput || latency || options.has(Part::Start)) {
        return Ok(());
    }
    for round in 1..=options.rounds {
        eprintln!("round {round} of {}", options.rounds);
        for Program { variant, release, .. } in programs {
            if throughput || latency {
                let full = measure::saturate(launch, variant, release, load, options.seconds)?;
                results.add(variant, Figure::Throughput, full.per_second);
                results.add(variant, Figure::Cpu, full.cpu.as_secs_f64() * 1e6);
                if variant.sampled.is_some() {
                    results.add(variant, Figure::Spans, full.spans);
                }
                if latency {
                    let half = full.per_second / 2.0;
                    let took = measure::latency(launch, variant, release, load, half, options.seconds)?;
                    results.add(variant, Figure::Median, took.median);
                    results.add(variant, Figure::P99, took.p99);
                }
            }
        }
        if options.has(Part::Start) {
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

/// What `RESULTS.md` says.
fn document(options: &Options, tables: &str, machine: &str) -> String {
    let services: Vec<String> =
        options.variants.iter().map(|variant| format!("- `{}`: {}\n", variant.name, variant.about)).collect();
    let Options { rounds, seconds, echo, .. } = options;
    let route = if *echo { "POST /echo" } else { "GET /hello/{name}" };
    format!(
        "# What Seaworthy costs\n\n\
         Written by `cargo run --release` in `tests/bench/`, on:\n\n{machine}\n\
         `{route}` over 64 connections that stay open (`h2load --h1 -c64 -t1`). The server has a core and one worker thread, the load \
         generator and the collector share another. {rounds} rounds of {seconds} s, all services in turn; medians. In brackets: the \
         ratio to bare axum. Log lines go to `/dev/null`, spans over OTLP to a collector that only counts them. CPU is that of the \
         whole process. Latency is measured at half of what the service itself can take. Instructions are user-space, by callgrind, the \
         exporter's included; they and the allocations are the difference between N and 2N requests, with queues in which no span is \
         dropped. Differences under 10 % in what is timed are none.\n\n{}{tables}",
        services.concat()
    )
}
