//! What a service is written with: `use seaworthy::prelude::*;`.

pub use crate::{Error, Result, Secret, Service, Shutdown};
pub use axum::{
    Json, Router,
    extract::{Path, Query, State},
    http::StatusCode,
    routing::{delete, get, patch, post, put},
};
pub use url::Url;
