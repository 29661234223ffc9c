//! Redis: a connection that is kept up, traced and measured.

mod check;
mod connector;
mod cookie;
mod dedicated;
mod endpoint;
mod error;
pub mod idempotency;
mod keys;
pub mod lease;
mod link;
mod names;
pub mod rate_limit;
mod record;
mod resource;
#[cfg(test)]
mod server;
pub mod sessions;
mod settings;

pub use ::redis::*;

pub(crate) use self::error::{is_unavailable, own_answer};
pub use self::{
    check::ready,
    dedicated::Dedicated,
    idempotency::{Idempotency, IdempotencyKey},
    lease::{Lease, Term},
    rate_limit::{Allowed, RateLimit, Refused},
    resource::Redis,
    sessions::{Begun, Ended, Session, SessionError, Sessions},
    settings::Settings,
};
