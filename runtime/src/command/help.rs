//! `--help`: what the service is, what it can be told, and what it reads.

use std::process::ExitCode;

use crate::{
    CloudService,
    config::{self, ExtraRow},
    service::{CommandPart, Parts},
    telemetry,
};

/// The command line is not one of ours (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;

const COMMANDS: &str = "  (none)       serve until SIGTERM or SIGINT
  check        load the configuration, set up, run each readiness check once
  probe live   ask the running process whether it is alive (exit code 0 or 1)
  probe ready  ask the running process whether it is ready (exit code 0 or 1)
  --help       print this
  --version    print the version
";

pub(super) fn print<C: CloudService>() -> ExitCode {
    let about = C::ABOUT;
    println!("{} {}", about.name, about.version);
    if !about.description.is_empty() {
        println!("{}", about.description);
    }
    let telemetry: Vec<_> =
        telemetry::VARIABLES.iter().map(|&(name, about, default)| ExtraRow { name, about, default }).collect();
    let Parts { liveness, readiness, workers, commands } = C::parts();
    println!("\nCommands:\n{COMMANDS}{}", own_commands(&commands));
    list("Liveness checks", liveness.iter().map(|part| (part.check.name, part.check.description)));
    list("Readiness checks", readiness.iter().map(|part| (part.check.name, part.check.description)));
    list("Workers", workers.iter().map(|part| (part.spec.name, part.spec.description)));
    println!("{}", config::table::<C::Config>(C::DEFAULTS, &telemetry));
    ExitCode::SUCCESS
}

fn list<'a>(title: &str, parts: impl Iterator<Item = (&'a str, &'a str)> + Clone) {
    let Some(width) = parts.clone().map(|(name, _)| name.len()).max() else { return };
    println!("{title}:");
    for (name, description) in parts {
        println!("  {name:width$}  {}", description.lines().next().unwrap_or_default());
    }
    println!();
}

/// Lines like those of [`COMMANDS`].
fn own_commands<S>(commands: &[CommandPart<S>]) -> String {
    let line = |CommandPart { spec, .. }: &CommandPart<S>| format!("  {:11}  {}\n", spec.name, spec.description);
    commands.iter().map(line).collect()
}

pub(super) fn refuse<C: CloudService>(arguments: &[&str]) -> ExitCode {
    let own = own_commands(&C::parts().commands);
    eprintln!("{}: unknown command `{}`\n\nCommands:\n{COMMANDS}{own}", C::ABOUT.name, arguments.join(" "));
    ExitCode::from(USAGE)
}
