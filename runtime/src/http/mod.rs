//! The main listener, in the order in which a request passes through it: `server` accepts a connection,
//! `connection` keeps it, `protocol` reads requests from it, `answers` routes them, `request` answers each, `traffic`
//! knows what is in progress.

pub(crate) mod answers;
mod body;
pub(crate) mod connection;
pub(crate) mod handler;
mod io;
mod protocol;
mod request;
pub(crate) mod server;
pub(crate) mod traffic;

pub use self::handler::{Field, Handler};
