//! The table of variables: what each is called, is for, and how its text becomes a value.

use std::any::Any;

use serde::de::DeserializeOwned;

use super::Config;

/// A type that a variable can be read as: any that `serde` can deserialize.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be read from a variable",
    label = "no `Deserialize` for this type",
    note = "help: derive `serde::Deserialize` for `{Self}`",
    note = "help: or, if it has variables of its own, mark the field `#[config(flatten)]`"
)]
pub trait FromVariable: DeserializeOwned + Send + 'static {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned + Send + 'static> FromVariable for T {}

/// One variable of a configuration, or the variables of a nested one.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    name: &'static str,
    about: &'static str,
    default: Fallback,
}

/// A value read from the environment, of any type.
pub struct Value(Box<dyn Any + Send>);

/// The values that were read for one configuration.
pub struct Values {
    _todo: (),
}

#[derive(Clone, Copy, Debug)]
enum Fallback {
    None,
    Text(&'static str),
    Value(fn() -> Value),
}

impl Variable {
    /// A variable whose text becomes a `T`. It is required, unless `T` is an `Option` or a default is given.
    #[must_use]
    pub const fn new<T: FromVariable>(
        name: &'static str,
        about: &'static str,
    ) -> Self {
        Self {
            name,
            about,
            default: Fallback::None,
        }
    }

    /// The variables of another configuration, each behind this prefix (`"DB_"`, or `""` for none).
    #[must_use]
    pub const fn nested<C: Config>(prefix: &'static str) -> Self {
        Self {
            name: prefix,
            about: "",
            default: Fallback::None,
        }
    }

    /// What is read where the variable is not set, as its text would be.
    #[must_use]
    pub const fn default(mut self, text: &'static str) -> Self {
        self.default = Fallback::Text(text);
        self
    }

    /// The value where the variable is not set.
    #[must_use]
    pub const fn default_value(mut self, value: fn() -> Value) -> Self {
        self.default = Fallback::Value(value);
        self
    }
}

impl Value {
    /// Wraps a default: `.default_value(|| Value::new::<Duration>(Duration::from_secs(3)))`.
    pub fn new<T: Send + 'static>(value: T) -> Self {
        Self(Box::new(value))
    }
}

impl Values {
    /// Takes the value of one variable, by the name it has in the table.
    pub fn take<T: 'static>(&mut self, _name: &str) -> T {
        todo!()
    }

    /// Takes a nested configuration, by its type and the prefix it has in the table.
    pub fn nested<C: 'static>(&mut self, _prefix: &str) -> C {
        todo!()
    }
}
