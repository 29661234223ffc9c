//! Counts what a process allocates, and tells whoever asks: the same way for every server that is compared.
//!
//! A program that links this crate has the counting allocator. [`serve`] opens a socket of its own, so that asking passes
//! through nothing that is measured.

use std::{
    alloc::System,
    env,
    io::{self, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

/// The variable that says where a process tells what it allocated.
pub const ADDRESS: &str = "ALLOCATIONS_ADDR";

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often this process asked for memory until now: new blocks, and blocks that had to grow or shrink.
pub fn count() -> usize {
    let stats = ALLOCATOR.stats();
    stats.allocations + stats.reallocations
}

/// Tells each client of `ALLOCATIONS_ADDR`, where it is set, the [`count`] in a line of text.
///
/// # Panics
///
/// Where there is no such address, or it is taken: a measurement without numbers is worth nothing.
pub fn serve() {
    let Some(address) = env::var_os(ADDRESS) else { return };
    let address = address.into_string().expect("an address is text");
    let listener = TcpListener::bind(&address).expect("the address is free");
    thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that left doesn't need the number.
            let _ = stream.and_then(|mut stream| writeln!(stream, "{}", count()));
        }
    });
}

/// Asks the process that serves there.
///
/// # Errors
///
/// Where no process answers with a number.
pub fn ask(address: SocketAddr) -> io::Result<usize> {
    let mut answer = String::new();
    TcpStream::connect(address)?.read_to_string(&mut answer)?;
    answer.trim().parse().map_err(io::Error::other)
}
