//! Runs services in tests: as the real binary, with [`Process`].

mod client;
mod contract;
mod output;
mod process;

pub use self::{
    client::{Connection, Response},
    output::Exit,
    process::{Process, ProcessBuilder, Signal},
};
