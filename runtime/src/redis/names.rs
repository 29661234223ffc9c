//! What operations are called.

use std::borrow::Cow;

use ::redis::{Arg, Cmd};

/// The name of a command, in upper case.
pub(super) fn of(command: &Cmd) -> Cow<'static, str> {
    match command.args_iter().next() {
        Some(Arg::Simple(name)) => Cow::Owned(String::from_utf8_lossy(name).to_uppercase()),
        _ => Cow::Borrowed("_OTHER"),
    }
}
