#![deny(warnings)]

seaworthy::audit!();

use seaworthy::prelude::*;

async fn send_mail() {}

#[handler(allow(SW004, reason = "the mail is sent again when it is missed"))]
async fn allowed() -> StatusCode {
    tokio::spawn(send_mail());
    StatusCode::ACCEPTED
}

fn allowed_elsewhere() {
    // seaworthy: allow(SW004) it ends with the process
    tokio::spawn(send_mail());
}

/// A task that is awaited, one that is given on, and another's `spawn`.
#[handler]
async fn innocent() -> StatusCode {
    let task = tokio::spawn(send_mail());
    _ = task.await;
    _ = tokio::spawn(send_mail()).await;
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(send_mail());
    tasks.join_all().await;
    StatusCode::ACCEPTED
}

#[cfg(test)]
mod tests {
    fn test() {
        tokio::spawn(super::send_mail());
    }
}

fn main() {
    _ = allowed_elsewhere;
    _ = (allowed(), innocent());
}
