//! Cloud-native services from annotated functions.
//!
//! Annotate `main` and your handlers; get a service that Kubernetes can start, probe, scale, observe and kill without
//! losing a request. [`cloud_service`] shows a whole one, and [`run`] what its binary can do.
//!
//! # Features
//!
//! - `otlp` (a default): exports traces over OTLP, by http/protobuf or gRPC.
//! - `prometheus` (a default): serves metrics on the admin address.
//! - `tls`: speaks TLS to others, so that a collector's endpoint may be `https://`. Whom to trust is what the system
//!   trusts (an image `FROM scratch` has no such files, and `SSL_CERT_FILE` may name one), or the file that a setting names.
//! - `http-client`: `seaworthy::http_client`, for calls to other services. Brings `tls`.
//! - `postgres`: `seaworthy::postgres`, a pool of connections to PostgreSQL. Brings `tls`.
//! - `redis`: `seaworthy::redis`, a connection to Redis that is kept up, and what replicas share on it: sessions,
//!   idempotency keys, rate limits, leases. Brings `tls`.
//! - `ws`: WebSockets (`axum::extract::ws`).
//! - `testing`: runs services in tests.

// The expansions say `::seaworthy`, also where this crate uses its own attributes.
extern crate self as seaworthy;

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod admin;
mod command;
pub mod config;
mod error;
pub mod http;
#[cfg(feature = "http-client")]
pub mod http_client;
pub mod lifecycle;
mod panic;
#[cfg(feature = "postgres")]
pub mod postgres;
pub mod prelude;
pub mod probe;
#[cfg(feature = "redis")]
pub mod redis;
mod service;
mod sorted;
pub mod telemetry;
#[cfg(feature = "testing")]
pub mod testing;
#[cfg(feature = "tls")]
#[allow(dead_code, reason = "each of its users is a feature of its own")]
mod tls;
mod worker;

pub use axum;
pub use metrics;
#[cfg(feature = "http-client")]
pub use reqwest;
pub use seaworthy_macros::{FromRef, audit, cloud_service, command, config, handler, health, ready, worker};
pub use serde;
#[cfg(feature = "postgres")]
pub use sqlx;
pub use tracing;

pub use crate::{
    command::{Command, CommandSpec, run},
    config::{Config, Secret},
    error::{Error, Result},
    http::Handler,
    lifecycle::Shutdown,
    probe::{Check, Liveness, Outcome, Readiness},
    service::{About, CloudService, FromState, IntoService, Parts, Service, ServiceOutput},
    worker::{Restart, Worker, WorkerSpec},
};
