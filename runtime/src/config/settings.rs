//! The settings of the runtime itself.

use std::{
    net::{IpAddr, SocketAddr},
    num::NonZeroU32,
    time::Duration,
};

use serde::Deserialize;

use super::{
    ByteSize, Config, Environment, Report, Values, Variable, duration::Shown, load::load, report::Problem,
    table::Defaults,
};

/// How long requests that were cancelled may take to end.
pub(crate) const CANCEL: Duration = Duration::from_secs(2);
/// How long joining the workers and closing resources may take.
pub(crate) const CLOSE: Duration = Duration::from_secs(3);
/// How long sending out spans, logs and metrics may take.
pub(crate) const FLUSH: Duration = Duration::from_secs(3);

/// The one setting whose default is another outside Kubernetes.
pub(super) const LAME_DUCK: &str = "LAME_DUCK";

/// The settings of the runtime, read from the environment like a service's own.
///
/// [`default`](Self::default) has the values of an environment that sets none of them, outside Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Settings {
    /// `HTTP_ADDR`: where requests are served (0.0.0.0:8080).
    pub http_addr: SocketAddr,
    /// `ADMIN_ADDR`: where probes and metrics are served (0.0.0.0:9090).
    pub admin_addr: SocketAddr,
    /// `LOG_FORMAT`: `json`, `text`, or by whether stdout is a terminal.
    pub log_format: Option<LogFormat>,
    /// `ACCESS_LOG`: which requests get an access line (`all`).
    pub access_log: AccessLog,
    /// `REQUEST_TIMEOUT`: how long a handler may take to answer (30s). More than zero.
    pub request_timeout: Duration,
    /// `REQUEST_BODY_LIMIT`: the largest body an extractor reads, in bytes (2MiB).
    pub request_body_limit: usize,
    /// `HEADER_READ_TIMEOUT`: how long a client may take to send a request's headers (10s). More than zero.
    pub header_read_timeout: Duration,
    /// `KEEP_ALIVE_TIMEOUT`: how long a connection may stay open without a request (620s). Longer than that of the load
    /// balancer in front, or it sends requests into connections that just closed. More than zero.
    pub keep_alive_timeout: Duration,
    /// `MAX_CONNECTIONS`: connections open at once; more are closed at once (10000). At least 1.
    pub max_connections: usize,
    /// `MAX_IN_FLIGHT`: requests being answered at once; more get 503 (10000). At least 1.
    pub max_in_flight: usize,
    /// `LAME_DUCK`: how long to serve after SIGTERM while endpoints are removed (5s in Kubernetes, else 0s).
    pub lame_duck: Duration,
    /// `DRAIN_TIMEOUT`: how long requests in flight may take once the listener is closed (15s).
    pub drain_timeout: Duration,
    /// `TERMINATION_GRACE`: Kubernetes' `terminationGracePeriodSeconds`, into which all stages must fit (30s).
    pub termination_grace: Duration,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Text for a person.
    Text,
}

/// Which requests get an access line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccessLog {
    /// None.
    Off,
    /// Those that failed: a status of 500 or above, or no answer.
    Errors,
    /// All.
    All,
}

impl Config for Settings {
    const VARIABLES: &'static [Variable] = &[
        Variable::new::<SocketAddr>("HTTP_ADDR", "Where requests are served.").default("0.0.0.0:8080"),
        Variable::new::<SocketAddr>(
            "ADMIN_ADDR",
            "Where probes, metrics and the log level are served. Not for the public.",
        )
        .default("0.0.0.0:9090"),
        Variable::new::<Option<LogFormat>>("LOG_FORMAT", "How log lines are written.")
            .shown_as("text on a terminal, else json"),
        Variable::new::<AccessLog>("ACCESS_LOG", "Which requests get a log line of their own.").default("all"),
        Variable::new::<Duration>(
            "REQUEST_TIMEOUT",
            "How long a handler may take to answer; past it, it is cancelled and the answer is 503.",
        )
        .default("30s"),
        Variable::new::<ByteSize>("REQUEST_BODY_LIMIT", "The largest request body that is read; more is 413.")
            .default("2MiB"),
        Variable::new::<Duration>(
            "HEADER_READ_TIMEOUT",
            "How long a client may take to send the headers of a request.",
        )
        .default("10s"),
        Variable::new::<Duration>(
            "KEEP_ALIVE_TIMEOUT",
            "How long a connection may stay open without a request. Longer than the load balancer keeps it.",
        )
        .default("620s"),
        Variable::new::<NonZeroU32>("MAX_CONNECTIONS", "Connections open at once; more are closed at once.")
            .default("10000"),
        Variable::new::<NonZeroU32>("MAX_IN_FLIGHT", "Requests being answered at once; more get 503.").default("10000"),
        Variable::new::<Duration>(
            "LAME_DUCK",
            "How long the service goes on serving after SIGTERM, while load balancers take it out.",
        )
        .default("0s")
        .shown_as("5s in Kubernetes, else 0s"),
        Variable::new::<Duration>(
            "DRAIN_TIMEOUT",
            "How long requests in flight may take after that; what is left is cut.",
        )
        .default("15s"),
        Variable::new::<Duration>(
            "TERMINATION_GRACE",
            "The pod's terminationGracePeriodSeconds. LAME_DUCK + DRAIN_TIMEOUT + 8s must fit into it.",
        )
        .default("30s"),
    ];

    fn build(values: &mut Values) -> Self {
        Self {
            http_addr: values.take("HTTP_ADDR"),
            admin_addr: values.take("ADMIN_ADDR"),
            log_format: values.take("LOG_FORMAT"),
            access_log: values.take("ACCESS_LOG"),
            request_timeout: values.take("REQUEST_TIMEOUT"),
            request_body_limit: clamp(values.take::<ByteSize>("REQUEST_BODY_LIMIT").bytes()),
            header_read_timeout: values.take("HEADER_READ_TIMEOUT"),
            keep_alive_timeout: values.take("KEEP_ALIVE_TIMEOUT"),
            max_connections: clamp(values.take::<NonZeroU32>("MAX_CONNECTIONS").get().into()),
            max_in_flight: clamp(values.take::<NonZeroU32>("MAX_IN_FLIGHT").get().into()),
            lame_duck: values.take("LAME_DUCK"),
            drain_timeout: values.take("DRAIN_TIMEOUT"),
            termination_grace: values.take("TERMINATION_GRACE"),
        }
    }
}

fn clamp(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

// === impl Settings ===

impl Settings {
    /// Reads the settings alone, as a process with this environment would.
    ///
    /// # Errors
    ///
    /// Reports every setting that is invalid, and settings that don't fit together: two listeners on one address, or
    /// stages of the shutdown that take longer than `TERMINATION_GRACE`.
    pub fn read(environment: &Environment) -> Result<Self, Report> {
        load::<()>(environment, &[]).map(|loaded| loaded.settings)
    }

    /// The default that depends on where the process runs.
    pub(super) fn computed_default(
        environment: &Environment,
        defaults: Defaults,
    ) -> Option<(&'static str, &'static str)> {
        let own = defaults.iter().find(|(name, _)| *name == LAME_DUCK);
        environment.has("KUBERNETES_SERVICE_HOST").then_some(*own.unwrap_or(&(LAME_DUCK, "5s")))
    }

    /// Reports settings that make no sense, alone or together. Those that could not be read have their defaults here,
    /// and are not reported again.
    pub(super) fn check(&self, was_read: impl Fn(&str) -> bool, report: &mut Report) {
        for (name, duration) in [
            ("REQUEST_TIMEOUT", self.request_timeout),
            ("HEADER_READ_TIMEOUT", self.header_read_timeout),
            ("KEEP_ALIVE_TIMEOUT", self.keep_alive_timeout),
        ] {
            if duration.is_zero() {
                report.add(
                    Problem::new(format!("`{name}` is zero"))
                        .expected("a duration above zero")
                        .why("with no time at all, every request would fail")
                        .help(format!(
                            "unset `{name}` for the default; a large value, such as `24h`, is as good as none"
                        )),
                );
            }
        }
        if was_read("HTTP_ADDR") && was_read("ADMIN_ADDR") && overlap(self.http_addr, self.admin_addr) {
            report.add(
                Problem::new("`HTTP_ADDR` and `ADMIN_ADDR` are the same address")
                    .found(format!("`{}` and `{}`", self.http_addr, self.admin_addr))
                    .why("probes and metrics have a listener of their own")
                    .help("give them different ports"),
            );
        }
        let stages = ["LAME_DUCK", "DRAIN_TIMEOUT", "TERMINATION_GRACE"];
        if stages.into_iter().all(was_read) && self.longest_shutdown() > self.termination_grace {
            report.add(self.too_long());
        }
    }

    /// How long a shutdown takes at most.
    pub(crate) fn longest_shutdown(&self) -> Duration {
        [self.lame_duck, self.drain_timeout, CANCEL, CLOSE, FLUSH]
            .into_iter()
            .fold(Duration::ZERO, Duration::saturating_add)
    }

    fn too_long(&self) -> Problem {
        let longest = self.longest_shutdown();
        let seconds = longest.as_secs() + u64::from(longest.subsec_nanos() > 0);
        let lines: Vec<String> = [
            ("LAME_DUCK", self.lame_duck),
            ("DRAIN_TIMEOUT", self.drain_timeout),
            ("cancelling requests", CANCEL),
            ("closing", CLOSE),
            ("flushing telemetry", FLUSH),
            ("together", longest),
            ("TERMINATION_GRACE", self.termination_grace),
        ]
        .into_iter()
        .map(|(stage, duration)| format!("  {stage:<20}{:>8}", Shown(duration)))
        .collect();
        let problem = Problem::new(format!(
            "a shutdown may take {}, but `TERMINATION_GRACE` is {}",
            Shown(longest),
            Shown(self.termination_grace)
        ))
        .why(format!(
            "Kubernetes kills the process in the middle of its shutdown, and requests are lost:\n{}",
            lines.join("\n")
        ))
        .help(format!(
            "set `TERMINATION_GRACE={seconds}s` here and `terminationGracePeriodSeconds: {seconds}` in the pod's spec"
        ));
        let others = longest.saturating_sub(self.drain_timeout);
        match self.termination_grace.checked_sub(others) {
            Some(drain) if !drain.is_zero() => problem.help(format!("or set `DRAIN_TIMEOUT={}`", Shown(drain))),
            _ => problem,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self::read(&Environment::default()).expect("a test reads the defaults")
    }
}

/// Whether only one of two listeners could be opened.
fn overlap(a: SocketAddr, b: SocketAddr) -> bool {
    let all = |address: IpAddr| address.is_unspecified();
    a.port() == b.port() && a.port() != 0 && (a.ip() == b.ip() || all(a.ip()) || all(b.ip()))
}

#[cfg(test)]
#[path = "tests/settings.rs"]
mod tests;
