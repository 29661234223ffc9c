#![deny(warnings)]

seaworthy::audit!();

use std::env;

use seaworthy::prelude::*;

#[handler(allow(SW013, reason = "the client asks for it by its name"))]
async fn allowed(Path(name): Path<String>) -> String {
    env::var(name).unwrap_or_default()
}

fn allowed_elsewhere() -> bool {
    // seaworthy: allow(SW013) the program that starts this one sets it
    env::var_os("SYSTEMD_EXEC_PID").is_some()
}

/// What cargo and Kubernetes set, arguments, and what is read when it is compiled.
#[worker]
async fn innocent() {
    _ = env::var("CARGO_MANIFEST_DIR");
    _ = env::var_os("KUBERNETES_SERVICE_HOST");
    _ = (env::args(), env!("CARGO_PKG_NAME"), option_env!("GREETING"), env::VarError::NotPresent);
}

#[cfg(test)]
mod tests {
    fn test() {
        _ = std::env::var("GREETING");
    }
}

fn main() {
    allowed_elsewhere();
    _ = allowed(Path(String::new()));
    _ = innocent();
}
