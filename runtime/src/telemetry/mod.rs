//! Logs, traces and metrics.

mod request;

use std::time::Duration;

use crate::{
    About,
    config::{Environment, Settings},
};

pub(crate) use self::request::{Ending, ServerRequest};

/// The running telemetry of a process: filter, log writer, exporter, metrics.
pub(crate) struct Telemetry {}

impl Telemetry {
    /// Starts logs, traces and metrics. What can't be used of the `OTEL_*` variables is warned of.
    pub(crate) fn start(_about: &About, _settings: &Settings, _environment: &Environment) -> Self {
        todo!()
    }

    /// The metrics as text, and its content type, for what the scraper accepts.
    pub(crate) fn metrics(&self, _accept: Option<&str>) -> (&'static str, String) {
        todo!()
    }

    /// Changes the log filter; an error says what is wrong with the directives.
    pub(crate) fn set_filter(&self, _directives: &str) -> Result<(), String> {
        todo!()
    }

    /// Sends what is still here, waiting at most this long. Blocks; safe on any thread.
    pub(crate) fn flush(&self, _within: Duration) {}
}

/// The id of the trace that the current code runs in, as 32 hex digits.
pub fn trace_id() -> Option<String> {
    None
}
