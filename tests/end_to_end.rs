//! What Seaworthy promises, proven on real processes with real clients. Each test is named after its promise.

mod bad_input;
mod commands;
mod configuration;
mod drain;
mod lifecycle;
mod metrics;
mod probes;
mod readme;
mod support;
mod telemetry;
