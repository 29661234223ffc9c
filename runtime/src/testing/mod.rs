//! Runs services in tests: inside the test with [`start`], or as the real binary with [`Process`].

mod client;
mod contract;
mod in_process;
mod output;
mod process;
mod span;

pub use self::{
    client::{Connection, Response},
    in_process::{Running, settings, start, start_with},
    output::Exit,
    process::{Process, ProcessBuilder, Signal},
    span::Span,
};
