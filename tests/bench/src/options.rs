//! What the command line asks for.

use std::{error::Error, time::Duration};

use crate::{
    part::Part,
    variant::{VARIANTS, Variant},
};

const HELP: &str = "\
Compares Seaworthy with what else there is.

    cargo run --release -- [options]

    --part NAME       only this part, may be repeated: allocations, build, crates, instructions, latency, memory,
                      resources, size, start, throughput
    --service NAME    only this service, may be repeated: as the table names them; axum always runs
    --rounds N        rounds of throughput and start (5)
    --seconds N       how long each full load lasts (3)
    --bursts N        short even loads of each service, for its latency (60)
    --late N          how late the client of the latencies may itself be, in µs (250)
    --echo            loads `POST /echo` instead of `GET /hello/{name}`
    --write           writes RESULTS.md even where a part or a service was left out; it says so, then

All of it takes about 38 minutes on two cores, of which, in minutes: build 9, allocations 8 (most of it to build the
services so that they count), latency 7, throughput 4, memory 6, instructions 2, resources 1, start 1; size and crates take none. Without
`build`, the services are still built where they weren't, once. Nothing else should run meanwhile: where the client of the
latencies is late ten times in a row, the run fails.
";

/// What to measure, and for how long.
pub(crate) struct Options {
    pub(crate) parts: Vec<Part>,
    pub(crate) variants: Vec<&'static Variant>,
    pub(crate) rounds: usize,
    pub(crate) seconds: u32,
    pub(crate) bursts: usize,
    pub(crate) late: Duration,
    pub(crate) echo: bool,
    pub(crate) write: bool,
}

impl Options {
    /// Reads the command line; nothing is left to do after `--help`.
    pub(crate) fn read() -> Result<Option<Self>, Box<dyn Error>> {
        use lexopt::prelude::*;

        let (mut parts, mut services) = (Vec::new(), Vec::<String>::new());
        let (mut rounds, mut seconds, mut bursts, mut echo, mut write) = (5, 3, 60, false, false);
        let mut late = Duration::from_micros(250);
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("part") => parts.push(arguments.value()?.parse()?),
                Long("service") => services.push(arguments.value()?.string()?),
                Long("rounds") => rounds = arguments.value()?.parse::<usize>()?.max(1),
                Long("seconds") => seconds = arguments.value()?.parse::<u32>()?.max(1),
                Long("bursts") => bursts = arguments.value()?.parse::<usize>()?.max(1),
                Long("late") => late = Duration::from_micros(arguments.value()?.parse()?),
                Long("echo") => echo = true,
                Long("write") => write = true,
                Long("help") | Short('h') => {
                    print!("{HELP}");
                    return Ok(None);
                }
                other => return Err(other.unexpected().into()),
            }
        }
        if let Some(unknown) = services.iter().find(|name| VARIANTS.iter().all(|variant| variant.name != **name)) {
            let names: Vec<&str> = VARIANTS.iter().map(|variant| variant.name).collect();
            return Err(format!("no service is named `{unknown}`: there are {}", names.join(", ")).into());
        }
        if parts.is_empty() {
            parts.extend(Part::ALL);
        }
        let asked = |variant: &&Variant| {
            services.is_empty() || variant.is_reference() || services.iter().any(|name| variant.name == name)
        };
        let variants = VARIANTS.iter().filter(asked).collect();
        let mut options = Self { parts, variants, rounds, seconds, bursts, late, echo, write };
        options.write |= options.left_out().is_empty() && !echo;
        Ok(Some(options))
    }

    /// The parts and the services that are not measured.
    pub(crate) fn left_out(&self) -> Vec<String> {
        let parts = Part::ALL.into_iter().filter(|part| !self.has(*part)).map(|part| part.to_string());
        let has = |other: &Variant| self.variants.iter().any(|variant| variant.name == other.name);
        let services = VARIANTS.iter().filter(|variant| !has(variant)).map(|variant| format!("`{}`", variant.name));
        parts.chain(services).collect()
    }

    /// Whether a service is to be measured: not, where only calls are.
    pub(crate) fn has_services(&self) -> bool {
        self.parts.iter().any(|part| *part != Part::Resources)
    }

    pub(crate) fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}
