//! The table of variables: what each is called, is for, and how its text becomes a value.

use std::{
    any::{Any, TypeId, type_name},
    borrow::Cow,
    fmt,
};

use serde::de::DeserializeOwned;

use super::{
    Config, Settings,
    kind::{self, Shape},
    settings::LAME_DUCK,
    text::{self, Invalid, Origin},
};

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
    pub(super) name: &'static str,
    about: &'static str,
    default: Fallback,
    /// How the default is shown, where it is not the text itself.
    shown: Option<&'static str>,
    pub(super) part: Part,
}

/// A value read from the environment, of any type.
pub struct Value {
    value: Box<dyn Any + Send>,
    type_name: &'static str,
}

/// The values that were read for one configuration. Each is taken once.
pub struct Values {
    owner: &'static str,
    /// What comes before the names in the table, because others flattened it.
    prefix: String,
    fields: Vec<(&'static str, Option<Value>)>,
    nested: Vec<(Nested, Option<Values>)>,
}

/// A variable under its whole name.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) about: &'static str,
    pub(super) owner: Owner,
    pub(super) shape: Shape,
    pub(super) default: Fallback,
    pub(super) field: Field,
    shown: Option<Cow<'static, str>>,
}

/// A service's own defaults of settings of the runtime, by the names of their variables.
pub(super) type Defaults = &'static [(&'static str, &'static str)];

/// The rows of a configuration, and of the runtime's settings.
#[derive(Default)]
pub(super) struct Table {
    pub(super) rows: Vec<Row>,
    /// What the names of a configuration or of a nested one begin with.
    pub(super) prefixes: Vec<String>,
}

/// Who reads a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Service,
    Runtime,
}

/// What is used where a variable is not set.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fallback {
    None,
    Text(&'static str),
    Value(fn() -> Value),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Part {
    Field(Field),
    Nested(Nested),
}

/// What is known of a field's type.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) parse: fn(Origin<'_>, Option<&str>) -> Result<Value, Invalid>,
    describe: fn() -> Shape,
    type_id: fn() -> TypeId,
    pub(super) type_name: fn() -> &'static str,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Nested {
    prefix: &'static str,
    own_prefix: &'static str,
    pub(super) variables: &'static [Variable],
    build: fn(&mut Values) -> Value,
    type_id: fn() -> TypeId,
    type_name: fn() -> &'static str,
}

// === impl Variable ===

impl Variable {
    /// A variable whose text becomes a `T`. It is required, unless `T` is an `Option` or a default is given.
    ///
    /// `about` says what it is for, to the person who sets it: it is shown by `--help` and in reports.
    #[must_use]
    pub const fn new<T: FromVariable>(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            default: Fallback::None,
            shown: None,
            part: Part::Field(Field {
                parse: |origin, text| text::parse_from::<T>(origin, text).map(Value::new),
                describe: || kind::describe::<T>(),
                type_id: || TypeId::of::<T>(),
                type_name: || type_name::<T>(),
            }),
        }
    }

    /// The variables of another configuration, each behind this prefix (`"DB_"`, or `""` for none).
    #[must_use]
    pub const fn nested<C: Config>(prefix: &'static str) -> Self {
        Self {
            name: prefix,
            about: "",
            default: Fallback::None,
            shown: None,
            part: Part::Nested(Nested {
                prefix,
                own_prefix: C::PREFIX,
                variables: C::VARIABLES,
                build: |values| Value::new(C::build(values)),
                type_id: || TypeId::of::<C>(),
                type_name: || type_name::<C>(),
            }),
        }
    }

    /// What is read where the variable is not set, as its text would be.
    ///
    /// # Panics
    ///
    /// Does not compile for [`nested`](Self::nested) variables, of which each has its own default.
    #[must_use]
    pub const fn default(mut self, text: &'static str) -> Self {
        assert!(matches!(self.part, Part::Field(_)), "nested variables have their own defaults");
        self.default = Fallback::Text(text);
        self
    }

    /// The value where the variable is not set.
    ///
    /// # Panics
    ///
    /// Does not compile for [`nested`](Self::nested) variables, of which each has its own default.
    #[must_use]
    pub const fn default_value(mut self, value: fn() -> Value) -> Self {
        assert!(matches!(self.part, Part::Field(_)), "nested variables have their own defaults");
        self.default = Fallback::Value(value);
        self
    }

    /// How the default is shown to a person, where its text does not say all.
    pub(super) const fn shown_as(mut self, shown: &'static str) -> Self {
        self.shown = Some(shown);
        self
    }
}

// === impl Value ===

impl Value {
    /// Wraps a default: `.default_value(|| Value::new::<Duration>(Duration::from_secs(3)))`.
    pub fn new<T: Send + 'static>(value: T) -> Self {
        Self { value: Box::new(value), type_name: type_name::<T>() }
    }

    pub(super) fn type_name(&self) -> &'static str {
        self.type_name
    }

    /// Whether it is a value of this field's type.
    pub(super) fn fits(&self, field: &Field) -> bool {
        (*self.value).type_id() == (field.type_id)()
    }
}

/// Shows the type alone: the value may be a secret.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value::new::<{}>(..)", self.type_name)
    }
}

// === impl Values ===

impl Values {
    /// Puts the values, which come in the order of the table, where `build` takes them from.
    pub(super) fn of<C: Config>(values: &mut dyn Iterator<Item = Value>) -> Self {
        Self::gather(type_name::<C>(), String::new(), C::VARIABLES, values)
    }

    fn gather(
        owner: &'static str,
        prefix: String,
        variables: &'static [Variable],
        values: &mut dyn Iterator<Item = Value>,
    ) -> Self {
        let mut gathered = Self { owner, prefix, fields: Vec::new(), nested: Vec::new() };
        for variable in variables {
            match variable.part {
                Part::Field(_) => gathered.fields.push((variable.name, values.next())),
                Part::Nested(nested) => {
                    let prefix = format!("{}{}", gathered.prefix, nested.prefix);
                    let inner = Self::gather((nested.type_name)(), prefix, nested.variables, values);
                    gathered.nested.push((nested, Some(inner)));
                }
            }
        }
        gathered
    }

    /// The whole name of a variable, as a person sets it: with what comes before it where this configuration is flattened
    /// into another.
    #[must_use]
    pub fn whole_name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Takes the value of one variable, by the name it has in the table.
    ///
    /// # Panics
    ///
    /// Panics if [`VARIABLES`](Config::VARIABLES) has no variable of that name and type, or if it was taken before.
    #[track_caller]
    pub fn take<T: 'static>(&mut self, name: &str) -> T {
        let owner = self.owner;
        let Some((_, slot)) = self.fields.iter_mut().find(|(field, _)| *field == name) else {
            let names: Vec<&str> = self.fields.iter().map(|(name, _)| *name).collect();
            panic!(
                "`{owner}::build` takes `{name}`, which is not in `{owner}::VARIABLES`\n\
                 help: add `Variable::new::<{}>({name:?}, \"..\")` to it, or take one of: {}",
                type_name::<T>(),
                names.join(", "),
            );
        };
        let Some(Value { value, type_name: actual }) = slot.take() else {
            panic!(
                "`{owner}::build` takes `{name}` twice\n\
                 help: take each variable once, and clone the value where two fields need it"
            );
        };
        match value.downcast::<T>() {
            Ok(value) => *value,
            Err(_) => panic!(
                "`{owner}::build` takes `{name}` as `{expected}`, but in `{owner}::VARIABLES` it is `{actual}`\n\
                 help: write `values.take::<{actual}>({name:?})`, or `Variable::new::<{expected}>({name:?}, \"..\")`",
                expected = type_name::<T>(),
            ),
        }
    }

    /// Takes a nested configuration, by its type and the prefix it has in the table.
    ///
    /// # Panics
    ///
    /// Panics if [`VARIABLES`](Config::VARIABLES) has no such nested configuration, or if it was taken before.
    #[track_caller]
    pub fn nested<C: 'static>(&mut self, prefix: &str) -> C {
        let taken = self
            .nested
            .iter_mut()
            .filter(|(nested, _)| nested.prefix == prefix && (nested.type_id)() == TypeId::of::<C>())
            .find_map(|(nested, values)| Some((nested.build)(values.take().as_mut()?)))
            .and_then(|nested| nested.value.downcast::<C>().ok());
        let Some(nested) = taken else {
            let owner = self.owner;
            panic!(
                "`{owner}::build` takes a nested `{inner}` with the prefix {prefix:?} that is not in \
                 `{owner}::VARIABLES`, or was taken before\n\
                 help: add `Variable::nested::<{inner}>({prefix:?})` to it, and take it once",
                inner = type_name::<C>(),
            );
        };
        *nested
    }
}

// === impl Table ===

impl Table {
    pub(super) fn add<C: Config>(&mut self, owner: Owner) {
        self.add_prefix(C::PREFIX.to_owned());
        self.add_all(C::VARIABLES, "", owner);
    }

    /// Adds the settings of the runtime.
    pub(super) fn add_settings(&mut self, defaults: Defaults) {
        let first = self.rows.len();
        self.add::<Settings>(Owner::Runtime);
        for row in self.rows.iter_mut().skip(first) {
            let Some((_, own)) = defaults.iter().find(|(name, _)| *name == row.name) else {
                continue;
            };
            if row.name == LAME_DUCK {
                row.shown = Some(format!("{own} in Kubernetes, else 0s").into());
            } else {
                row.default = Fallback::Text(own);
                row.shown = None;
            }
        }
    }

    fn add_all(&mut self, variables: &'static [Variable], prefix: &str, owner: Owner) {
        for variable in variables {
            let name = format!("{prefix}{}", variable.name);
            match variable.part {
                Part::Field(field) => self.rows.push(Row {
                    name,
                    about: variable.about,
                    owner,
                    shape: (field.describe)(),
                    default: variable.default,
                    field,
                    shown: variable.shown.map(Cow::Borrowed),
                }),
                Part::Nested(nested) => {
                    self.add_prefix(name.clone() + nested.own_prefix);
                    self.add_all(nested.variables, &name, owner);
                }
            }
        }
    }

    fn add_prefix(&mut self, prefix: String) {
        if !prefix.is_empty() && !self.prefixes.contains(&prefix) {
            self.prefixes.push(prefix);
        }
    }

    pub(super) fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }

    /// The variable that names a file with the row's value, unless another row has that name.
    pub(super) fn file_variable(&self, row: &Row) -> Option<String> {
        let name = format!("{}_FILE", row.name);
        self.row(&name).is_none().then_some(name)
    }
}

// === impl Row ===

impl Row {
    /// How the default is shown; `None` where there is none.
    pub(super) fn shown_default(&self) -> Option<&str> {
        match (self.shown.as_deref(), self.default) {
            (Some(shown), _) => Some(shown),
            (None, Fallback::None) => None,
            (None, Fallback::Text(_) | Fallback::Value(_)) if self.shape.secret => Some("set in the code, not shown"),
            (None, Fallback::Text("")) => Some("empty"),
            (None, Fallback::Text(text)) => Some(text),
            (None, Fallback::Value(_)) => Some("set in the code"),
        }
    }
}

#[cfg(test)]
#[path = "tests/table.rs"]
mod tests;
