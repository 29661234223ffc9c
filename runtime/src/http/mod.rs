//! The main listener: from a connection to an answer.

pub(crate) mod handler;

pub use self::handler::{Field, Handler};
