//! The names of variables: that each is one, and no other's.

use syn::{Field, Ident, LitStr};

use crate::{
    errors::{Errors, show},
    function::cfgs,
};

/// What the runtime reads itself.
const SETTINGS: [&str; 14] = [
    "HTTP_ADDR",
    "ADMIN_ADDR",
    "LOG_FORMAT",
    "ACCESS_LOG",
    "REQUEST_TIMEOUT",
    "REQUEST_BODY_LIMIT",
    "HEADER_READ_TIMEOUT",
    "KEEP_ALIVE_TIMEOUT",
    "MAX_CONNECTIONS",
    "MAX_IN_FLIGHT",
    "LAME_DUCK",
    "DRAIN_TIMEOUT",
    "TERMINATION_GRACE",
    "RUST_LOG",
];

/// What belongs to OpenTelemetry and to Kubernetes.
const FOREIGN: [(&str, &str); 2] = [("OTEL_", "OpenTelemetry"), ("KUBERNETES_", "Kubernetes")];

/// The variables of a struct so far.
#[derive(Default)]
pub(super) struct Names {
    variables: Vec<Variable>,
    /// The flattened types with their prefixes.
    nested: Vec<(String, String)>,
}

struct Variable {
    field: Ident,
    name: String,
    conditional: bool,
}

impl Names {
    /// Notes the variable of a field.
    pub(super) fn add(&mut self, field: &Field, ident: &Ident, variable: &str, errors: &mut Errors) {
        let conditional = !cfgs(&field.attrs).is_empty();
        let same = |other: &&Variable| other.name == variable && !(other.conditional && conditional);
        if is_reserved(variable) {
            errors.add(
                ident,
                format!("`{variable}` is a setting of the runtime"),
                format!("write `#[config(env = \"MY_{variable}\")]`, say, or a `prefix`"),
            );
        } else if let Some((prefix, owner)) = foreign(variable) {
            errors.add(
                ident,
                format!("`{prefix}*` belongs to {owner}"),
                format!("write `#[config(env = \"MY_{variable}\")]`, say, or a `prefix`"),
            );
        } else if let Some(first) = self.variables.iter().find(same) {
            errors.add(
                ident,
                format!("`{ident}` and `{}` are both read from `{variable}`", first.field),
                "give one another name: `#[config(env = \"..\")]`",
            );
        }
        self.variables.push(Variable { field: ident.clone(), name: variable.to_owned(), conditional });
    }

    /// Notes a flattened field.
    pub(super) fn add_nested(&mut self, field: &Field, prefix: &str, errors: &mut Errors) {
        let nested = (show(&field.ty), prefix.to_owned());
        if let Some((prefix, owner)) = foreign(prefix) {
            errors.add(
                field,
                format!("`{prefix}*` belongs to {owner}"),
                "write another name: `#[config(flatten, env = \"..\")]`",
            );
        } else if self.nested.contains(&nested) && cfgs(&field.attrs).is_empty() {
            errors.add(
                field,
                format!("a second `{}` would be read from the same variables", nested.0),
                "put a name before them: `#[config(flatten, env = \"REPLICA\")]`",
            );
        }
        self.nested.push(nested);
    }

    /// Notes each variable that is the file form of another.
    pub(super) fn check_file_forms(&self, errors: &mut Errors) {
        for Variable { field, name, .. } in &self.variables {
            let Some(other) = name.strip_suffix("_FILE") else {
                continue;
            };
            if is_reserved(other) {
                errors.add(
                    field,
                    format!("`{name}` is the file that a setting of the runtime, `{other}`, is read from"),
                    format!("write `#[config(env = \"MY_{name}\")]`, say, or a `prefix`"),
                );
            }
            if let Some(other) = self.variables.iter().find(|known| known.name == other) {
                errors.add(
                    field,
                    format!("`{name}` is the file that `{}` is read from", other.name),
                    format!("remove `{field}`, or give it another name"),
                );
            }
        }
    }
}

/// Whether the runtime reads the variable itself.
pub(crate) fn is_reserved(variable: &str) -> bool {
    SETTINGS.contains(&variable)
}

fn foreign(variable: &str) -> Option<(&'static str, &'static str)> {
    FOREIGN.into_iter().find(|(prefix, _)| variable.starts_with(prefix))
}

/// The whole name of a variable: `env = "DATABASE_URL"`.
pub(super) fn exact(name: &LitStr, errors: &mut Errors) -> String {
    check(name, "env", errors)
}

/// What comes before each variable: `APP_` for `prefix = "APP"`.
pub(super) fn prefix(name: &LitStr, errors: &mut Errors) -> String {
    format!("{}_", check(name, "prefix", errors))
}

/// Capital letters, digits and `_`, a letter first, no `_` last.
fn check(name: &LitStr, argument: &str, errors: &mut Errors) -> String {
    let text = name.value();
    let clean: String = text.to_uppercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let clean = clean.trim_matches(|c: char| c == '_').to_owned();
    if text != clean || text.starts_with(|c: char| c.is_ascii_digit()) {
        let clean = clean.trim_start_matches(|c: char| c.is_ascii_digit());
        let help = if clean.is_empty() {
            "write capital letters, digits and `_`".into()
        } else {
            format!("write `{argument} = \"{clean}\"`")
        };
        errors.add(name, format!("`{text}` is not the name of a variable"), help);
    }
    text
}
