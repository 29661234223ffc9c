//! Configuration from the environment: every variable in one table, every problem at once.
//!
//! A service's configuration is a struct with `#[config(env)]`, and the runtime's own is [`Settings`]. Both are read when
//! the process starts, both are shown by `--help`, and the problems of both are one [`Report`].
//!
//! - A variable is what `NAME` is set to, or the text of the file that `NAME_FILE` names (a mounted secret), without
//!   the line break at its end. Setting both is a problem, unless `NAME_FILE` is a variable of its own.
//! - An empty variable or file is one that is not set.
//! - A field's type needs nothing but [`serde::Deserialize`]. What a text may be:
//!
//! | type | text |
//! |---|---|
//! | `String`, `PathBuf`, `Url`, `IpAddr`, ... | as it is |
//! | numbers | `17`, `-3`, `0.5`, within the type's range |
//! | `bool` | `true` `yes` `on` `1`, `false` `no` `off` `0`, in any case |
//! | [`Duration`](std::time::Duration) | `30s`, `500ms`, `1h30m`; units `d h m s ms us ns`, and never without; up to `36500d` |
//! | [`ByteSize`] | `2MiB`, `500kB`, `1048576` |
//! | an enum without data | the name of a variant, in any case |
//! | `Option<T>` | as `T`; `None` where it is not set |
//! | lists, sets, arrays, tuples | `a,b,c`, with white space around items ignored; no item is empty |
//! | maps, and structs that derive `Deserialize` | `a=1,b=2` |
//! | [`Secret<T>`](Secret) | as `T`, and never shown |

mod collisions;
mod duration;
mod environment;
mod help;
mod hints;
mod kind;
mod links;
mod load;
mod parts;
mod report;
mod secret;
mod settings;
mod size;
mod source;
mod table;
mod text;
mod unknown;

pub(crate) use self::{
    collisions::check,
    help::{ExtraRow, table},
    load::{Loaded, load},
    settings::{CANCEL, CLOSE, FLUSH},
};
pub use self::{
    environment::Environment,
    load::read,
    report::Report,
    secret::{Secret, Wipe},
    settings::{AccessLog, LogFormat, Settings},
    size::{ByteSize, NotASize},
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
    /// What the names in [`VARIABLES`](Self::VARIABLES) begin with, such as `"GREETER_"`; `""` where they have nothing
    /// in common. A variable that is set, begins with it and is not in the table is warned of.
    const PREFIX: &'static str = "";
    /// Makes the configuration of the values read, once there is no problem with any of them.
    fn build(values: &mut Values) -> Self;
}

/// The configuration of a service that reads nothing.
impl Config for () {
    const VARIABLES: &'static [Variable] = &[];

    fn build(_: &mut Values) -> Self {}
}
