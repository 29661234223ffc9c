//! The main listener, and what a handler adds to the requests on it.
// In the order in which a request passes: `server` accepts its connection; `connection` serves that, over a `socket`
// that it can watch, in the `protocol` that its client speaks; `dispatch` answers probes, and hands all else to the router; `request` stands around each route
// there, and has it `in_flight` until the end of its answer's `body`; `handler` is what a `#[handler]` runs in.
// `traffic` is what all of them share with the drain.

mod body;
pub(crate) mod connection;
pub(crate) mod dispatch;
pub(crate) mod handler;
mod in_flight;
mod protocol;
mod request;
pub(crate) mod server;
mod socket;
pub(crate) mod traffic;

pub use self::handler::{Field, Handler};
