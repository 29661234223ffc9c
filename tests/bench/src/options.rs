//! What the command line asks for.

use std::{error::Error, process};

use crate::{
    part::Part,
    variant::{VARIANTS, Variant},
};

const HELP: &str = "\
Compares Seaworthy with what else there is.

    cargo run --release -- [options]

    --part NAME       only this part, may be repeated: allocations, build, crates, instructions, latency, memory,
                      size, start, throughput. Without it, all but `build`, which takes long
    --service NAME    only this service, may be repeated: as the table names them; axum always runs
    --rounds N        rounds of throughput, latency and start (5)
    --seconds N       how long each load lasts (3)
    --echo            loads `POST /echo` instead of `GET /hello/{name}`
    --write           writes RESULTS.md even where a part or a service was left out
";

/// What to measure, and for how long.
pub(crate) struct Options {
    pub(crate) parts: Vec<Part>,
    pub(crate) variants: Vec<&'static Variant>,
    pub(crate) rounds: usize,
    pub(crate) seconds: u32,
    pub(crate) echo: bool,
    pub(crate) write: bool,
}

impl Options {
    /// Reads the command line; ends the process after `--help`.
    pub(crate) fn read() -> Result<Self, Box<dyn Error>> {
        use lexopt::prelude::*;

        let (mut parts, mut services) = (Vec::new(), Vec::<String>::new());
        let (mut rounds, mut seconds, mut echo, mut write) = (5, 3, false, false);
        let mut arguments = lexopt::Parser::from_env();
        while let Some(argument) = arguments.next()? {
            match argument {
                Long("part") => parts.push(arguments.value()?.parse()?),
                Long("service") => services.push(arguments.value()?.string()?),
                Long("rounds") => rounds = arguments.value()?.parse::<usize>()?.max(1),
                Long("seconds") => seconds = arguments.value()?.parse::<u32>()?.max(1),
                Long("echo") => echo = true,
                Long("write") => write = true,
                Long("help") | Short('h') => {
                    print!("{HELP}");
                    process::exit(0);
                }
                other => return Err(other.unexpected().into()),
            }
        }
        if let Some(unknown) = services.iter().find(|name| VARIANTS.iter().all(|variant| variant.name != **name)) {
            let names: Vec<&str> = VARIANTS.iter().map(|variant| variant.name).collect();
            return Err(format!("no service is named `{unknown}`: there are {}", names.join(", ")).into());
        }
        let whole = parts.is_empty() && services.is_empty() && !echo;
        if parts.is_empty() {
            parts.extend(Part::ALL.into_iter().filter(|part| *part != Part::Build));
        }
        let asked = |variant: &&Variant| {
            services.is_empty() || variant.is_reference() || services.iter().any(|name| variant.name == name)
        };
        let variants = VARIANTS.iter().filter(asked).collect();
        Ok(Self { parts, variants, rounds, seconds, echo, write: write || whole })
    }

    pub(crate) fn has(&self, part: Part) -> bool {
        self.parts.contains(&part)
    }
}
