//! What a service is written with: `use seaworthy::prelude::*;`.

pub use crate::{Error, Result, Secret, Service, Shutdown};
pub use axum::{
    Json, Router,
    extract::{FromRef, Path, Query, State},
    http::StatusCode,
    routing::{delete, get, patch, post, put},
};
pub use seaworthy_macros::{FromRef, cloud_service, command, config, handler, health, ready, worker};
pub use url::Url;
