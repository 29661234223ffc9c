//! The settings of the runtime itself.

use std::{net::SocketAddr, time::Duration};

/// The settings of the runtime, read from the environment like a service's own.
#[derive(Clone, Debug)]
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
    /// `REQUEST_TIMEOUT`: how long a handler may take to answer (30s).
    pub request_timeout: Duration,
    /// `REQUEST_BODY_LIMIT`: the largest body an extractor reads, in bytes (2MiB).
    pub request_body_limit: usize,
    /// `HEADER_READ_TIMEOUT`: how long a client may take to send a request's headers (10s).
    pub header_read_timeout: Duration,
    /// `KEEP_ALIVE_TIMEOUT`: how long a connection may stay open without a request (620s). Longer than that of the load
    /// balancer in front, or it sends requests into connections that just closed.
    pub keep_alive_timeout: Duration,
    /// `MAX_CONNECTIONS`: connections open at once; more are closed at once (10000).
    pub max_connections: usize,
    /// `MAX_IN_FLIGHT`: requests being answered at once; more get 503 (10000).
    pub max_in_flight: usize,
    /// `LAME_DUCK`: how long to serve after SIGTERM while endpoints are removed (5s in Kubernetes, else 0s).
    pub lame_duck: Duration,
    /// `DRAIN_TIMEOUT`: how long requests in flight may take once the listener is closed (15s).
    pub drain_timeout: Duration,
    /// `TERMINATION_GRACE`: Kubernetes' `terminationGracePeriodSeconds`, into which all stages must fit (30s).
    pub termination_grace: Duration,
}

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line.
    Json,
    /// Text for a person.
    Text,
}

/// Which requests get an access line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccessLog {
    /// None.
    Off,
    /// Those that failed: a status of 500 or above, or no answer.
    Errors,
    /// All.
    All,
}
