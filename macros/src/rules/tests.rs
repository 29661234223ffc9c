//! Each rule's page: that it is in `docs/rules.md`, and that what it calls wrong and right is so.
//!
//! `UPDATE_EXPECT=1 cargo test -p seaworthy-macros` writes `docs/rules.md` anew.

mod allows;
mod checks;
mod everywhere;
mod functions;
mod names;

use std::{env, fs, path::Path};

use quote::ToTokens;

use super::{Check, Crate, Level, RULES, Rule};
use crate::{
    code::{File, within},
    errors::Errors,
    tests::expand_items,
};

#[test]
fn codes_and_names_are_each_one_rules_own() {
    assert!(RULES.is_sorted_by(|one, other| one.code < other.code), "a code is out of its order");
    for rule in RULES {
        let number = rule.code.strip_prefix("SW").unwrap_or_default();
        assert!(number.len() == 3 && number.parse::<u16>().is_ok(), "{} is no code", rule.code);
        assert!(RULES.iter().filter(|other| other.name == rule.name).count() == 1, "{} is there twice", rule.name);
    }
}

#[test]
fn each_rule_is_shown_to_the_compiler_where_it_is_broken_and_where_it_is_not() {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/ui");
    for rule in RULES {
        let name = rule.name.replace('-', "_");
        for file in [format!("rules/{name}.rs"), format!("rules/{name}.stderr"), format!("accepted/rules/{name}.rs")] {
            assert!(tests.join(&file).is_file(), "tests/ui/{file} is missing");
        }
        let said = fs::read_to_string(tests.join(format!("rules/{name}.stderr"))).unwrap();
        let said = said.matches(&format!("rule: {}, {}", rule.name, rule.code)).count();
        assert!(said > 1, "tests/ui/rules/{name}.stderr has it {said} times, and a disguise belongs to each mistake");
        let accepted = fs::read_to_string(tests.join(format!("accepted/rules/{name}.rs"))).unwrap();
        let allows = accepted.contains(&format!("allow({}", rule.code));
        assert_eq!(allows, rule.level != Level::Absolute, "whether tests/ui/accepted/rules/{name}.rs allows it");
    }
}

#[test]
fn what_a_page_calls_wrong_is_reported_and_what_it_calls_right_is_not() {
    for rule in RULES {
        let page = Page::of(rule);
        let wrong = reported(&page.wrong);
        assert!(
            wrong.iter().any(|text| text.ends_with(&format!("rule: {}, {}", rule.name, rule.code))),
            "{} does not find what its page calls wrong: {wrong:?}",
            rule.name,
        );
        assert_eq!(reported(&page.right), [""; 0], "what the page of {} calls right", rule.name);
    }
}

#[test]
fn the_catalogue_is_what_the_rules_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/rules.md");
    let catalogue = catalogue();
    if env::var_os("UPDATE_EXPECT").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &catalogue).unwrap();
    }
    assert!(
        fs::read_to_string(&path).unwrap_or_default() == catalogue,
        "docs/rules.md is stale: UPDATE_EXPECT=1 cargo test -p seaworthy-macros writes it anew"
    );
}

/// What the rules say of a file: below attributes, and of the whole.
pub(crate) fn reported(source: &str) -> Vec<String> {
    let file = || File::new(source.to_owned(), Path::new("src/main.rs")).unwrap();
    let expanded = within(file(), || expand_items(source));
    let mut errors = Errors::default();
    Crate::of(vec![file()], true).audit(&mut errors);
    messages(&format!("{expanded} {}", errors.into_token_stream()))
}

/// The texts of `compile_error!` and of warnings among tokens.
pub(super) fn messages(tokens: &str) -> Vec<String> {
    let starts = ["compile_error ! { ", "deprecated (note = "];
    let mut found = Vec::new();
    for start in starts {
        for rest in tokens.split(start).skip(1) {
            let literal: syn::LitStr = syn::parse_str(literal_before(rest)).unwrap();
            found.push(literal.value());
        }
    }
    found
}

/// The text in quotes at the start.
fn literal_before(rest: &str) -> &str {
    let mut escaped = false;
    let end = rest.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        ends
    });
    &rest[..=end.unwrap().0]
}

// === Pages ===

/// The doc comment of a rule's file.
struct Page {
    title: String,
    text: String,
    wrong: String,
    right: String,
    /// What it can't see, and what else there is to say.
    rest: String,
}

impl Page {
    fn of(rule: &Rule) -> Self {
        let file = format!("src/rules/{}.rs", rule.name.replace('-', "_"));
        let source = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(&file));
        let source = source.unwrap_or_else(|error| panic!("{file}: {error}"));
        let lines: Vec<_> = source.lines().map_while(|line| line.strip_prefix("//!")).collect();
        let lines: Vec<_> = lines.iter().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
        let page = lines.join("\n");
        let (title, rest) = page.split_once("\n\n").unwrap_or_else(|| panic!("{file} says no more than a title"));
        let (text, rest) = rest.split_once("```wrong\n").unwrap_or_else(|| panic!("{file} shows nothing wrong"));
        let (wrong, rest) = rest.split_once("\n```\n").unwrap();
        let (between, rest) = rest.split_once("```right\n").unwrap_or_else(|| panic!("{file} shows nothing right"));
        assert!(between.trim().is_empty(), "{file} says something between wrong and right");
        let (right, rest) = rest.split_once("\n```\n").unwrap();
        assert!(text.contains("](https://"), "{file} links to nothing that says why");
        assert!(rest.replace('\n', " ").contains("can't see"), "{file} doesn't say what the rule can't see");
        let [title, text, wrong, right, rest] = [title, text, wrong, right, rest].map(|part| part.trim().to_owned());
        Self { title: title.replace('\n', " "), text, wrong, right, rest }
    }
}

const INTRODUCTION: &str = "# Rules

What the compiler can know of the mistakes that take services down in a cluster. A rule looks below the attributes of
Seaworthy; some look at every file of a crate as well, where its `main` is a `#[cloud_service]` or its library says
`seaworthy::audit!()`. Most are errors. The message says what to write, and ends with the rule's code.

Where a rule does not fit, allow it at that place and say why: `allow(SW004, reason = \"..\")` in the attribute above a
function or a field, or `// seaworthy: allow(SW004) reason` above a line of any other code; each rule says below which of
the two it takes. An `allow` that allows nothing is warned of. `#[cloud_service(audit = false)]` looks at no more than
what stands below the attributes.

Code for tests is left alone. Other `#[cfg]`s are not asked: what stands below one is looked at whether or not it is
compiled. Names are known where they are imported by name (`use tokio::spawn`), not by `*`, and editors that can't say
which file they look at know only whole paths.

This page is made of the rules' own text (`macros/src/rules`).
";

fn catalogue() -> String {
    let mut all = format!("{INTRODUCTION}\n| code | | what it finds |\n|---|---|---|\n");
    for rule in RULES {
        let Page { title, .. } = Page::of(rule);
        let (Rule { code, name, .. }, anchor) = (rule, rule.code.to_lowercase());
        all += &format!("| [{code}](#{anchor}-{name}) | `{name}` | {title} |\n");
    }
    for rule in RULES {
        let Page { title, text, wrong, right, rest } = Page::of(rule);
        let (code, name) = (rule.code, rule.name);
        let (places, allow) = places(rule);
        let level = if rule.level == Level::Warning { "A warning" } else { "An error" };
        all += &format!(
            "\n## {code} {name}\n\n**{title}** {level} {places}.\n\n{text}\n\nWrong:\n\n```rust\n{wrong}\n```\n\n\
             Right:\n\n```rust\n{right}\n```\n\n{rest}\n\n{allow}\n"
        );
    }
    all
}

/// Where a rule looks, and how to allow it there.
fn places(rule: &Rule) -> (String, String) {
    let code = rule.code;
    let below = |attributes: &[&str]| {
        let attributes: Vec<_> = attributes.iter().map(|attribute| format!("`#[{attribute}]`")).collect();
        format!("below {}", attributes.join(", "))
    };
    // Handlers are what most people write most of.
    let usual = |attributes: &[&'static str]| match attributes.contains(&"handler") {
        true => "handler",
        false => attributes[0],
    };
    let by_attribute = |attribute: &str| format!("`#[{attribute}(allow({code}, reason = \"..\"))]`");
    let by_comment = format!("`// seaworthy: allow({code}) reason` above the line");
    let (places, allow) = match rule.check {
        Check::Function(attributes, _) => (below(attributes), by_attribute(usual(attributes))),
        Check::Everywhere(attributes, _) => (
            format!("{}, and in every file", below(attributes)),
            format!("{}; elsewhere {by_comment}", by_attribute(usual(attributes))),
        ),
        Check::Crate(_) => ("in every file".to_owned(), by_comment),
        Check::Field(_) => ("in a `#[config(env)]`, at a field".to_owned(), by_attribute("config")),
    };
    match rule.level {
        Level::Absolute => (places, "It can't be allowed: the service would not run.".to_owned()),
        _ => (places, format!("To allow it: {allow}.")),
    }
}
