//! Reading a whole configuration: the values, or every problem.

use std::any::TypeId;

use super::{
    Config, Environment, Report, Settings, Values,
    hints::hint,
    links,
    report::{Problem, quote, tame},
    source::{Sources, expected},
    table::{Defaults, Fallback, Owner, Row, Table, Value},
    text::{Invalid, Origin},
    unknown::{self, Unknown},
};

/// What a process starts with.
#[derive(Debug)]
pub(crate) struct Loaded<C> {
    pub(crate) config: C,
    pub(crate) settings: Settings,
    /// Variables that are probably misspelt, one sentence each, to be logged once there is a log.
    pub(crate) warnings: Vec<String>,
}

/// Reads a configuration from an environment, as a process that starts with it would.
///
/// For tests of a configuration. It reads the files that variables name, and nothing else of the process it is in.
///
/// ```
/// use std::time::Duration;
/// use seaworthy::config::{self, Config, Environment, Values, Variable};
///
/// struct Cache {
///     lifetime: Duration,
/// }
///
/// // What `#[config(env)]` writes.
/// impl Config for Cache {
///     const VARIABLES: &'static [Variable] =
///         &[Variable::new::<Duration>("LIFETIME", "How long an entry is kept.").default("5m")];
///
///     fn build(values: &mut Values) -> Self {
///         Self { lifetime: values.take("LIFETIME") }
///     }
/// }
///
/// let cache: Cache = config::read(&Environment::from_iter([("LIFETIME", "90s")]))?;
/// assert_eq!(cache.lifetime, Duration::from_secs(90));
///
/// let report = config::read::<Cache>(&Environment::from_iter([("LIFETIME", "90")])).err().unwrap();
/// assert!(report.to_string().contains("`90` has no unit: write `90s`"));
/// # Ok::<(), config::Report>(())
/// ```
///
/// # Errors
///
/// Reports every problem: variables that are not set and have no default, texts that are not of the field's type, files
/// that can't be read, names that are used twice, also by a setting of the runtime.
///
/// # Panics
///
/// Panics if a hand-written [`Config::build`] takes what its table does not have.
pub fn read<C: Config>(environment: &Environment) -> Result<C, Report> {
    let mut table = Table::default();
    table.add::<C>(Owner::Service);
    if TypeId::of::<C>() != TypeId::of::<Settings>() {
        table.add::<Settings>(Owner::Runtime);
    }
    let Reading { values, report, .. } = Reading::of(&table, environment, &[], |row| row.owner == Owner::Service);
    build(values, report)
}

/// Reads the configuration of a service and the settings of the runtime, or gives the problems of both. `defaults` are
/// the service's own, of settings.
pub(crate) fn load<C: Config>(environment: &Environment, defaults: Defaults) -> Result<Loaded<C>, Report> {
    let mut table = Table::default();
    table.add::<C>(Owner::Service);
    table.add_settings(defaults);
    let Reading { mut values, mut report, unknown } = Reading::of(&table, environment, defaults, |_| true);
    let service = table.rows.iter().filter(|row| row.owner == Owner::Service).count();
    let settings = values.split_off(service);
    let rows = &table.rows[service..];
    let was_read = |name: &str| rows.iter().zip(&settings).any(|(row, value)| row.name == name && value.is_some());
    let failed: Vec<&str> = rows.iter().map(|row| row.name.as_str()).filter(|name| !was_read(name)).collect();
    let mut settings = rows.iter().zip(settings).filter_map(|(row, value)| value.or_else(|| default_of(row)));
    let settings = Settings::build(&mut Values::of::<Settings>(&mut settings));
    settings.check(|name| !failed.contains(&name), &mut report);
    Ok(Loaded { config: build(values, report)?, settings, warnings: unknown.iter().map(Unknown::to_string).collect() })
}

/// Builds the configuration where nothing is wrong with any value.
fn build<C: Config>(values: Vec<Option<Value>>, report: Report) -> Result<C, Report> {
    if !report.is_empty() {
        return Err(report);
    }
    Ok(C::build(&mut Values::of::<C>(&mut values.into_iter().flatten())))
}

/// The default of a setting, which stands in for one that could not be read.
fn default_of(row: &Row) -> Option<Value> {
    let text = match row.default {
        Fallback::Text(text) => Some(text),
        Fallback::None | Fallback::Value(_) => None,
    };
    (row.field.parse)(Origin::default(), text).ok()
}

/// The values of the rows, each `None` that has a problem, which is in the report.
struct Reading {
    values: Vec<Option<Value>>,
    report: Report,
    unknown: Vec<Unknown>,
}

// === impl Reading ===

impl Reading {
    fn of(table: &Table, environment: &Environment, defaults: Defaults, wanted: fn(&Row) -> bool) -> Self {
        let mut reading =
            Self { values: Vec::new(), report: Report::default(), unknown: unknown::find(table, environment) };
        reading.refuse_duplicates(table);
        let computed = Settings::computed_default(environment, defaults);
        let mut sources = Sources::read(table, environment, computed.as_slice());
        let mut explained = Vec::new();
        for row in table.rows.iter().filter(|row| wanted(row)) {
            let value = match sources.take_problem(row) {
                Some(problem) => Err(problem),
                None => value(row, &sources).map_err(|found| match found {
                    Unusable::Missing => {
                        let file = table.file_variable(row);
                        let meant = |unknown: &&Unknown| {
                            unknown.meant.as_ref() == Some(&row.name) || (file.is_some() && unknown.meant == file)
                        };
                        let misspelt = reading.unknown.iter().find(meant);
                        explained.extend(misspelt.cloned());
                        missing(row, file.as_deref(), &sources, environment, misspelt)
                    }
                    Unusable::Invalid(problem) => problem,
                }),
            };
            reading.values.push(value.map_err(|problem| reading.report.add(problem)).ok());
        }
        for unknown in reading.unknown.iter().filter(|unknown| !explained.contains(unknown)) {
            reading.report.note(unknown.to_string());
        }
        reading
    }

    fn refuse_duplicates(&mut self, table: &Table) {
        for (index, row) in table.rows.iter().enumerate() {
            let Some(first) = table.rows[..index].iter().find(|first| first.name == row.name) else {
                continue;
            };
            let problem = Problem::new(format!("`{}` is in the code twice", row.name))
                .why(match (first.owner, row.owner) {
                    (Owner::Service, Owner::Service) => format!(
                        "two fields of the configuration read it: \"{}\" and \"{}\"",
                        first.about.trim(),
                        row.about.trim()
                    ),
                    _ => "a field of the configuration has the name of a setting of the runtime".to_owned(),
                })
                .help("in the code, give one field another name with `#[config(env = \"..\")]`, or a prefix");
            self.report.add(problem);
        }
    }
}

/// Why there is no value.
enum Unusable {
    Missing,
    Invalid(Problem),
}

fn value(row: &Row, sources: &Sources) -> Result<Value, Unusable> {
    let Some(found) = sources.find(row) else {
        return match row.default {
            Fallback::Value(default) => default_value(row, default()),
            Fallback::None | Fallback::Text(_) => {
                (row.field.parse)(Origin::default(), None).map_err(|_| Unusable::Missing)
            }
        };
    };
    let name = &row.name;
    let origin = Origin { variable: Some(name), file: found.file };
    let invalid = match (row.field.parse)(origin, Some(found.text)) {
        Ok(value) => return Ok(value),
        Err(invalid) => invalid,
    };
    let mut problem = Problem::new(match found.in_the_code {
        true => format!("the default of `{name}` in the code is not valid"),
        false => format!("`{name}` is not valid"),
    })
    .about(row.about)
    .expected(expected(row));
    if !row.shape.secret {
        problem = problem.found(quote(found.text));
    }
    problem = problem.read_from(found.place);
    if found.in_the_code {
        return Err(Unusable::Invalid(
            problem.help(format!("correct `default` of the field in the code; until then, set `{name}`")),
        ));
    }
    if let Some(service) = links::service_of(name, found.text) {
        return Err(Unusable::Invalid(
            problem.why(links::why(&service)).help(links::help(name, row.owner == Owner::Service)),
        ));
    }
    if let (Invalid::Reason(reason), false) = (invalid, row.shape.secret) {
        problem = problem.why(tame(&reason));
    }
    Err(Unusable::Invalid(match hint(row, found.text) {
        Some(hint) => problem.help(hint),
        None => problem,
    }))
}

fn default_value(row: &Row, default: Value) -> Result<Value, Unusable> {
    if default.fits(&row.field) {
        return Ok(default);
    }
    let (actual, expected) = (default.type_name(), (row.field.type_name)());
    Err(Unusable::Invalid(
        Problem::new(format!("the default of `{}` in the code is not valid", row.name))
            .about(row.about)
            .expected(format!("a `{expected}`"))
            .found(format!("a `{actual}`"))
            .help(format!("in the code, write `.default_value(|| Value::new::<{expected}>(..))`")),
    ))
}

fn missing(
    row: &Row,
    file: Option<&str>,
    sources: &Sources,
    environment: &Environment,
    misspelt: Option<&Unknown>,
) -> Problem {
    let name = &row.name;
    let mut problem = Problem::new(format!("`{name}` is not set")).about(row.about).expected(expected(row));
    if let Some(place) = sources.empty_file(row) {
        problem = problem.found(format!("{place} is empty"));
    } else if environment.is_there(name) {
        problem = problem.found("the variable is there, but it is empty");
    }
    if let Some(misspelt) = misspelt {
        problem = problem.found(misspelt.to_string());
    }
    problem.help(match file {
        Some(file) => {
            format!("set `{name}`, or set `{file}` to the path of a file that holds the value")
        }
        None => format!("set `{name}`"),
    })
}

#[cfg(test)]
#[path = "tests/load.rs"]
mod tests;
