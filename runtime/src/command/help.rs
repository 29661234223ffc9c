//! `--help`: what the service is, what it can be told, and what it reads.

use std::process::ExitCode;

use crate::{
    CloudService,
    config::{self, ExtraRow},
    telemetry,
};

/// The command line is not one of ours (`EX_USAGE` of sysexits.h).
const USAGE: u8 = 64;

const COMMANDS: &str = "\
  (none)       serve until SIGTERM or SIGINT
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
    println!("\nCommands:\n{COMMANDS}\n{}", config::table::<C::Config>(&telemetry));
    ExitCode::SUCCESS
}

pub(super) fn refuse<C: CloudService>(arguments: &[&str]) -> ExitCode {
    eprintln!("{}: unknown command `{}`\n\nCommands:\n{COMMANDS}", C::ABOUT.name, arguments.join(" "));
    ExitCode::from(USAGE)
}
