//! What the figures depend on: the machine and the versions.

use std::{collections::BTreeSet, fs, process::Command, thread};

/// Crates whose versions are worth a line.
const NAMED: [&str; 15] = [
    "axum",
    "fastrace",
    "fastrace-axum",
    "fastrace-opentelemetry",
    "foundations",
    "hyper",
    "metrics-exporter-prometheus",
    "opentelemetry-otlp",
    "opentelemetry_sdk",
    "seaworthy",
    "tokio",
    "tower-http",
    "tracing",
    "tracing-opentelemetry",
    "tracing-subscriber",
];

/// A few lines of Markdown about the machine, the tools and the crates.
pub(crate) fn describe(cores: usize) -> String {
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information.lines().find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    let tools = [("rustc", "--version"), ("h2load", "--version"), ("valgrind", "--version"), ("uname", "-sr")]
        .map(|(tool, argument)| said(tool, argument));
    let lock = include_str!("../Cargo.lock");
    let versions: BTreeSet<String> = lock
        .split("[[package]]")
        .filter_map(|package| {
            let field = |name: &str| package.lines().find_map(|line| line.strip_prefix(name)?.strip_suffix('"'));
            let name = field("name = \"").filter(|name| NAMED.contains(name))?;
            Some(format!("{name} {}", field("version = \"")?))
        })
        .collect();
    let versions: Vec<String> = versions.into_iter().collect();
    format!(
        "- {}, {cores} cores, {model}\n- {}\n- {}\n",
        said("date", "--utc --iso-8601"),
        tools.join(", "),
        versions.join(", ")
    )
}

/// How many cores this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

fn said(tool: &str, arguments: &str) -> String {
    let output = Command::new(tool).args(arguments.split(' ')).output();
    let said = output.ok().and_then(|output| String::from_utf8(output.stdout).ok());
    said.map_or_else(|| format!("no {tool}"), |said| said.trim().into())
}
