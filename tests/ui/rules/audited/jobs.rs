//! A module of `audit_of_main.rs`, which is compiled with it.

pub(crate) fn start() {
    tokio::spawn(async {});
}
