//! The table of variables that `--help` prints.

use super::{
    Config,
    report::{first_paragraph, wrap},
    table::{Defaults, Owner, Row, Table},
};

/// Longer names have their text below them.
const LONGEST_NAME: usize = 24;

/// A variable that is read elsewhere, such as those of OpenTelemetry, and is shown in the table all the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ExtraRow {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// How its default is shown; empty where it has none.
    pub(crate) default: &'static str,
}

/// The variables of a service, of the runtime, and others, each with what it is for, what it may be and its default.
///
/// It ends with a line break and is at most 100 columns wide, but for names and defaults that are longer.
pub(crate) fn table<C: Config>(defaults: Defaults, extra: &[ExtraRow]) -> String {
    let mut table = Table::default();
    table.add::<C>(Owner::Service);
    table.add_settings(defaults);
    let width = table
        .rows
        .iter()
        .map(|row| row.name.chars().count())
        .chain(extra.iter().map(|row| row.name.chars().count()))
        .filter(|length| *length <= LONGEST_NAME)
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for (title, owner) in [("Variables of the service:", Owner::Service), ("Variables of the runtime:", Owner::Runtime)]
    {
        let mut rows = table.rows.iter().filter(|row| row.owner == owner).peekable();
        if rows.peek().is_none() {
            continue;
        }
        text.push_str(title);
        text.push('\n');
        rows.for_each(|row| add(&mut text, width, &row.name, row.about, &facts(row)));
        text.push('\n');
    }
    for row in extra {
        let facts = match row.default {
            "" => String::new(),
            default => format!("[default: {default}]"),
        };
        add(&mut text, width, row.name, row.about, &facts);
    }
    if !extra.is_empty() {
        text.push('\n');
    }
    text.push_str(&wrap(
        "An empty variable counts as not set. Instead of `NAME`, set `NAME_FILE` to the path of a file that holds \
         the value, such as a mounted secret.",
        "",
        "",
    ));
    text.push('\n');
    text
}

fn facts(row: &Row) -> String {
    let mut facts = row.shape.kind.to_string();
    if row.shape.secret {
        facts.push_str("; secret");
    }
    match row.shown_default() {
        Some(default) => facts.push_str(&format!("; default: {default}")),
        None if row.shape.optional => facts.push_str("; optional"),
        None => facts.push_str("; required"),
    }
    format!("[{facts}]")
}

fn add(text: &mut String, width: usize, name: &str, about: &str, facts: &str) {
    let indent = " ".repeat(width + 4);
    let mut first = match name.chars().count() > width {
        true => {
            text.push_str(&format!("  {name}\n"));
            indent.clone()
        }
        false => format!("  {name:<width$}  "),
    };
    for part in [&first_paragraph(about), facts] {
        if !part.is_empty() {
            text.push_str(&wrap(part, &first, &indent));
            text.push('\n');
            first.clone_from(&indent);
        }
    }
}

#[cfg(test)]
#[path = "tests/help.rs"]
mod tests;
