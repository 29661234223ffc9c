#![deny(warnings)]

seaworthy::audit!();

use seaworthy::prelude::*;

#[handler(allow(SW008, reason = "what is in memory is not to be trusted"))]
async fn allowed() -> StatusCode {
    std::process::abort()
}

fn allowed_elsewhere() {
    // seaworthy: allow(SW008) a child of ours, before it runs anything else
    std::process::exit(1);
}

struct Shell;

impl Shell {
    fn exit(&self) {}
}

/// An error, another's `exit`, and what ends a task.
#[worker(restart = "never")]
async fn innocent() -> Result<(), std::num::ParseIntError> {
    Shell.exit();
    tokio::spawn(async {}).abort();
    _ = (std::process::id(), std::process::ExitCode::SUCCESS);
    "one".parse().map(|_: u8| ())
}

#[cfg(test)]
mod tests {
    fn test() {
        std::process::exit(1);
    }
}

fn main() {
    _ = allowed_elsewhere;
    _ = (allowed(), innocent());
}
