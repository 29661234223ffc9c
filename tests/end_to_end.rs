//! What Seaworthy promises, proven on real processes with real clients. Each test is named after its promise.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

mod bad_input;
mod commands;
mod configuration;
mod drain;
mod export;
mod faults;
mod handlers;
mod http_client;
mod lifecycle;
mod metrics;
mod peers;
mod postgres;
mod postgres_start;
mod probes;
mod readme;
mod redis;
mod shared;
mod support;
mod telemetry;
