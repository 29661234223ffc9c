//! Configuration from the environment: every variable in one table, every problem at once.

mod environment;
mod secret;
mod settings;
mod table;

pub use self::{
    environment::Environment,
    secret::Secret,
    settings::{AccessLog, LogFormat, Settings},
    table::{FromVariable, Value, Values, Variable},
};

/// What a service reads from the environment. `#[config(env)]` writes the implementation.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a configuration",
    label = "not a configuration",
    note = "help: mark the struct `{Self}` with `#[config(env)]`"
)]
pub trait Config: Sized + Send + 'static {
    /// What is read, in the order in which it is shown.
    const VARIABLES: &'static [Variable];
    /// Makes the configuration of the values read, once there is no problem with any of them.
    fn build(values: &mut Values) -> Self;
}

/// The configuration of a service that reads nothing.
impl Config for () {
    const VARIABLES: &'static [Variable] = &[];

    fn build(_: &mut Values) -> Self {}
}
