//! The attributes of Seaworthy.
#![deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::todo, clippy::unwrap_used)]

mod arguments;
mod check;
mod cloud_service;
mod config;
mod duration;
mod errors;
mod from_ref;
mod function;
mod handler;
mod rules;
mod state;
#[cfg(test)]
mod tests;
mod worker;

use proc_macro::TokenStream;

/// Marks the set-up of a service.
#[proc_macro_attribute]
pub fn cloud_service(arguments: TokenStream, item: TokenStream) -> TokenStream {
    cloud_service::expand(arguments.into(), item.into()).into()
}

/// Marks a liveness check.
#[proc_macro_attribute]
pub fn health(arguments: TokenStream, item: TokenStream) -> TokenStream {
    check::health(arguments.into(), item.into()).into()
}

/// Marks a readiness check.
#[proc_macro_attribute]
pub fn ready(arguments: TokenStream, item: TokenStream) -> TokenStream {
    check::ready(arguments.into(), item.into()).into()
}

/// Marks a configuration.
#[proc_macro_attribute]
pub fn config(arguments: TokenStream, item: TokenStream) -> TokenStream {
    config::expand(arguments.into(), item.into()).into()
}

/// Marks a handler.
#[proc_macro_attribute]
pub fn handler(arguments: TokenStream, item: TokenStream) -> TokenStream {
    handler::expand(arguments.into(), item.into()).into()
}

/// Marks a worker.
#[proc_macro_attribute]
pub fn worker(arguments: TokenStream, item: TokenStream) -> TokenStream {
    worker::expand(arguments.into(), item.into()).into()
}

/// Gives each field of a state.
#[proc_macro_derive(FromRef, attributes(from_ref))]
pub fn from_ref(item: TokenStream) -> TokenStream {
    from_ref::expand(item.into()).into()
}
