//! Redis: a connection that is kept up, traced and measured.

mod check;
mod connector;
mod dedicated;
mod endpoint;
mod error;
mod link;
mod names;
mod record;
mod resource;
mod settings;

pub use ::redis::*;

pub(crate) use self::error::is_unavailable;
pub use self::{check::ready, dedicated::Dedicated, resource::Redis, settings::Settings};
