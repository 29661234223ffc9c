//! Redis: a connection that is kept up, traced and measured.

mod check;
mod connector;
mod endpoint;
mod error;
mod link;
mod names;
mod resource;
mod settings;

pub use ::redis::*;

pub(crate) use self::error::is_unavailable;
pub use self::{check::ready, resource::Redis, settings::Settings};
