//! The main listener, in the order in which a request passes through it: `server` accepts a connection,
//! `connection` reads requests from it, `request` answers each, `traffic` knows what is in progress.

mod body;
mod connection;
pub(crate) mod handler;
mod io;
mod request;
pub(crate) mod server;
pub(crate) mod traffic;

pub use self::handler::{Field, Handler};
