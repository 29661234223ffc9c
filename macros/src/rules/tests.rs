//! Each rule's page: that it is in `docs/rules.md`, and that what it calls wrong and right is so.
//!
//! `UPDATE_EXPECT=1 cargo test -p seaworthy-macros` writes `docs/rules.md` anew.

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
    Crate { files: vec![file()] }.audit(&mut errors);
    messages(&format!("{expanded} {}", errors.into_token_stream()))
}

/// The texts of `compile_error!` and of warnings among tokens.
fn messages(tokens: &str) -> Vec<String> {
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

// === What names tell ===

/// What a rule says of each body of a handler: the first is found, the second is not.
fn check_bodies(rule: &str, wrong: &[&str], right: &[&str]) {
    let of = |body: &str| {
        let reported = reported(&format!("#[handler]\nasync fn f() {{ {body} }}"));
        reported.into_iter().filter(|text| text.ends_with(rule)).collect::<Vec<_>>()
    };
    for body in wrong {
        assert_eq!(of(body).len(), 1, "{body}: {:?}", of(body));
    }
    for body in right {
        assert_eq!(of(body), [""; 0], "{body}");
    }
}

#[test]
fn secrets_are_known_by_their_names_and_by_expose() {
    check_bodies(
        "SW026",
        &[
            "tracing::info!(?token, \"x\")",
            "tracing::info!(%config.api_key)",
            "info!(password = %p)",
            "info!(user.password = p.as_str(), \"x\")",
            "tracing::event!(Level::INFO, { password = ?form.password }, \"x\")",
            "info!(\"http.request.header.authorization\" = ?header.authorization)",
            "info!(\"{password:?}\")",
            "info!(\"{} {}\", name, form.access_token)",
            "info!(pass = tracing::field::display(&self.token))",
            "tracing::info_span!(\"x\", jwt)",
            "seaworthy::tracing::warn!(\"{}\", config.password.expose())",
            "info!(url = %url.expose().as_str())",
            "info!(\"{}\", format!(\"{}\", url.expose()))",
            "log::info!(\"{}\", cookie)",
            "use tracing::info as say; say!(refresh_token = %t)",
            "metrics::counter!(\"x\", \"k\" => api_key).increment(1)",
            "counter!(\"x\", \"k\" => secret.expose().clone()).increment(1)",
            "Span::current().record(\"password\", &p)",
            "span.record(\"x\", tracing::field::display(&password))",
        ],
        &[
            "println!(\"{password}\")",
            "format!(\"{}\", password.expose())",
            "info!(host = ?config.redis_url.expose().host_str(), \"connects\")",
            "info!(matches = password.expose() == other)",
            "info!(token = mask(&token), \"{{token}}\")",
            "info!(length = token.len(), \"no token\")",
            "info!(has_password = has_password, ?page_token, ?cancellation_token)",
            "info!(secret = %name, secret.name = %secret_name, token = %address)",
            "info!(password = \"***\", token = tracing::field::Empty, \"password\")",
            "info!(token_type = ?kind, tokens = count, api_key_id = %id, %token_id)",
            "info!(header = %AUTHORIZATION, password_hash)",
            "info!(%token, %amount, \"redeems\"); let x = token.decimals();",
            "crate::macros::info!(password)",
            "macro_rules! info { ($x:expr) => {} } info!(password)",
            "histogram.record(0.5); recorder.record(\"route\", route)",
            "let token = password.expose(); sign(token)",
            "info!(a = mask(password.expose()), b = %hide(&[password.expose()]))",
            "error!(error = ?password.verify(), password.error = ?error)",
        ],
    );
    let fields = |fields: &str| reported(&format!("#[handler(fields({fields}))]\nasync fn f() {{}}")).len();
    assert_eq!(["user.password = p", "token", "x = key.expose()"].map(fields), [1; 3]);
    assert_eq!(["user.id = id", "token.length = token.len()", "token.kind = kind"].map(fields), [0; 3]);
}

#[test]
fn labels_are_known_by_their_names() {
    check_bodies(
        "SW027",
        &[
            "metrics::counter!(\"x\", \"user_id\" => id).increment(1)",
            "seaworthy::metrics::gauge!(\"x\", \"kind\" => kind, \"user.id\" => id.to_string()).set(1)",
            "histogram!(\"x\", \"path\" => request.uri().path().to_owned()).record(1)",
            "use metrics::counter as count; count!(\"x\", \"Email\" => user.name)",
            "counter!(\"x\", \"client_ip\" => peer)",
            "counter!(\"x\", \"query\" => query)",
            "let labels = [(\"kind\", kind), (\"path\", req.uri().path().to_owned())]; counter!(X, &labels); gauge!(Y, &labels);",
        ],
        &[
            "counter!(\"x\", \"route\" => route, \"method\" => m, \"status\" => s, \"kind\" => k, \"tenant\" => t)",
            "counter!(\"x\", \"path\" => path.to_string())",
            "counter!(\"x\", \"path\" => \"/orders\", \"user\" => SYSTEM, \"shard_id\" => id)",
            "request.uri(); let path = MatchedPath::path(); counter!(\"x\", \"path\" => path)",
            "counter!(\"x\", \"user\" => user.kind(), \"query\" => query_name, \"address\" => Self::ADDRESS)",
            "counter!(\"x\", \"db_user\" => u, \"log_path\" => p, \"valid\" => v, \"paid\" => p, \"grid\" => g)",
            "others::counter!(\"x\", \"user_id\" => id)",
            "let labels = [(\"path\", MatchedPath::of(uri))]; counter!(X, &labels); let fields = [(\"user_id\", id)];",
            "map!(\"x\", \"user_id\" => id); match x { \"user_id\" => id }",
        ],
    );
}

#[test]
fn waits_are_compared_with_the_drain_of_the_service() {
    let of = |service: &str, body: &str| {
        let reported = reported(&format!("{service} #[handler] async fn f() {{ {body} }}"));
        reported.into_iter().filter(|text| text.ends_with("SW029")).collect::<Vec<_>>()
    };
    let wrong = [
        "tokio::time::timeout(Duration::from_secs(16), work()).await",
        "use tokio::time::{sleep as s, Duration as D}; s(D::from_millis(15_001)).await",
        "use std::time; tokio::select! { _ = tokio::time::sleep(time::Duration::from_secs(2 * 60)) => {} }",
        "client.get(url).timeout(Duration::from_mins(1)).send().await",
    ];
    let right = [
        "tokio::time::timeout(Duration::from_secs(15), work()).await",
        "tokio::time::timeout(Duration::from_secs(5), async { tokio::time::sleep(Duration::from_secs(60)).await }).await",
        "tokio::time::timeout(limit, work()).await; tokio::time::timeout(Duration::from_secs(LIMIT), work()).await",
        "socket.on_upgrade(async |s| { tokio::time::timeout(Duration::from_secs(60), s.recv()).await })",
        "stream! { loop { tokio::time::sleep(Duration::from_secs(60)).await; yield 1; } }",
        "tokio::select! { _ = tokio::time::sleep(Duration::from_secs(60)) => {} _ = shutdown => {} }",
        "others::sleep(Duration::from_secs(60)); chrono::Duration::seconds(60); a.timeout(chrono::Duration::from_secs(60))",
    ];
    let service = |arguments: &str| format!("#[cloud_service({arguments})] async fn main() -> Router {{ r() }}");
    for body in wrong {
        assert_eq!(of(&service(""), body).len(), 1, "{body}");
        assert_eq!(of("", body), [""; 0], "{body}");
        assert_eq!(of(&service("drain = \"2m\", grace = \"3m\""), body), [""; 0], "{body}");
    }
    for body in right {
        assert_eq!(of(&service(""), body), [""; 0], "{body}");
    }
}

#[test]
fn the_stages_of_a_shutdown_are_added() {
    let of = |arguments: &str| {
        let source = format!("#[cloud_service({arguments})] async fn main() -> Router {{ r() }}");
        reported(&source).into_iter().find(|text| text.ends_with("SW030")).unwrap_or_default()
    };
    assert_eq!(
        of("drain = \"30s\""),
        "lame_duck 5s + drain 30s + 8s to close is 43s, and grace is 30s\n\
         help: write `grace = \"43s\"`, and `terminationGracePeriodSeconds: 43` in the pod's spec\n\
         help: or write `drain = \"17s\"`\n\
         rule: shutdown-budget, SW030"
    );
    assert!(of("lame_duck = \"22500ms\"").contains("`grace = \"46s\"`"), "{}", of("lame_duck = \"22500ms\""));
    assert!(!of("lame_duck = \"22s\"").contains("or write"), "{}", of("lame_duck = \"22s\""));
    assert!(of("grace = \"27s\"").contains("grace is 27s"));
    for fits in ["", "grace = \"28s\"", "drain = \"17s\"", "request_timeout = \"5m\"", "drain = \"1x\""] {
        assert_eq!(of(fits), "", "{fits}");
    }
}

#[test]
fn a_wait_is_compared_with_the_timeout_of_its_check() {
    let of = |arguments: &str, body: &str| {
        let reported = reported(&format!("#[ready({arguments})] async fn f() {{ {body} }}"));
        reported.into_iter().filter(|text| text.ends_with("SW028")).collect::<Vec<_>>().join("")
    };
    let five = "tokio::time::timeout(Duration::from_secs(5), ping()).await";
    assert_eq!(
        of("", five),
        "`tokio::time::timeout` waits up to 5s, and the check is cut after 1s\n\
         help: wait less, or write `#[ready(timeout = \"6s\", every = \"6s\")]`\n\
         rule: check-budget, SW028"
    );
    assert!(
        of("timeout = \"4s\"", "use tokio::time::sleep as s; s(Duration::from_millis(4000)).await")
            .contains("\"5s\")]`")
    );
    assert!(of("", "select! { _ = tokio::time::sleep(Duration::from_secs(1)) => {} }") != "");
    for (arguments, body) in [
        ("timeout = \"6s\", every = \"10s\"", five),
        ("", "tokio::time::timeout(Duration::from_millis(999), tokio::time::sleep(Duration::from_secs(9))).await"),
        ("", "tokio::time::timeout(LIMIT, ping()).await"),
        ("", "x.timeout(9); Duration::from_secs(9)"),
    ] {
        assert_eq!(of(arguments, body), "", "{body}");
    }
}

#[test]
fn a_variable_is_read_where_its_name_is() {
    let of = |source: &str| {
        let reported = reported(&format!("{source} fn main() {{}}"));
        reported.into_iter().filter(|text| text.ends_with("SW031")).count()
    };
    let config =
        |field: &str| format!("#[config(env, prefix = \"X\")] #[derive(Clone, Debug)] pub struct C {{ {field} }}");
    let wrong = [
        "pub lifetime: Duration",
        "#[config(default = \"a\")] pub lifetime: HashMap<String, std::net::IpAddr>, pub main: u8",
        "pub r#type: u8",
    ];
    for field in wrong {
        assert_eq!(of(&config(field)), 1, "{field}");
        assert_eq!(of(&format!("pub mod m {{ {} }}", config(field))), 1, "{field}");
        assert_eq!(of(&format!("mod m {{ {} }}", config(field))), 0, "the compiler says it: {field}");
        assert_eq!(of(&format!("#![allow(dead_code)] {}", config(field))), 0, "{field}");
        assert_eq!(of(&format!("{} fn f() {{ c.lifetime; c.r#type }}", config(field))), 0, "{field}");
    }
    for field in [
        "lifetime: Duration",
        "pub _lifetime: Duration",
        "#[config(skip)] pub lifetime: Duration",
        "#[config(flatten, env = \"A\")] pub cache: Cache",
        "#[allow(dead_code)] pub lifetime: Duration",
    ] {
        assert_eq!(of(&config(field)), 0, "{field}");
    }
    assert_eq!(of("#[config(env)] #[derive(Serialize)] pub struct C { pub lifetime: u8 }"), 0);
    assert_eq!(of("#[allow(dead_code)] #[config(env)] pub struct C { pub lifetime: u8 }"), 0);
    assert_eq!(of("pub struct C { pub lifetime: u8 }"), 0);
    assert_eq!(reported("#[config(env)] pub struct C { pub lifetime: u8 }"), [""; 0], "a library");
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

What the compiler can know of the mistakes that take services down in a cluster. Each rule is an error where an attribute
of Seaworthy stands, or anywhere in the crate whose `main` is a `#[cloud_service]` or whose library says
`seaworthy::audit!()`. The message says what to write, and ends with the rule's code.

Where a rule does not fit, allow it at that place and say why: `allow(SW004, reason = \"..\")` in the attribute above a
function or a field, or `// seaworthy: allow(SW004) reason` above a line of any other code. An `allow` that allows nothing is
warned of. `#[cloud_service(audit = false)]` looks at no file but its own function.

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
    let by_attribute = |attribute: &str| format!("`#[{attribute}(allow({code}, reason = \"..\"))]`");
    let by_comment = format!("`// seaworthy: allow({code}) reason` above the line");
    let (places, allow) = match rule.check {
        Check::Function(attributes, _) => (below(attributes), by_attribute(attributes[0])),
        Check::Everywhere(attributes, _) => (
            format!("{}, and in every file", below(attributes)),
            format!("{}; elsewhere {by_comment}", by_attribute(attributes[0])),
        ),
        Check::Crate(_) => ("in every file".to_owned(), by_comment),
        Check::Field(_) => ("in a `#[config(env)]`, at a field".to_owned(), by_attribute("config")),
    };
    match rule.level {
        Level::Absolute => (places, "It can't be allowed: the service would not run.".to_owned()),
        _ => (places, format!("To allow it: {allow}.")),
    }
}
