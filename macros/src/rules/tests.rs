//! Each rule's page: that it is in `docs/rules.md`, and that what it calls wrong and right is so.
//!
//! `UPDATE_EXPECT=1 cargo test -p seaworthy-macros` writes `docs/rules.md` anew.

mod functions;

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

// === What real code has taught ===

#[test]
fn a_task_that_others_wait_for_is_not_detached() {
    let kept = [
        "let (tx, rx) = mpsc::channel(8); tokio::spawn(async move { tx.send(row().await).await }); Sse::new(rx)",
        "let (mut a, b) = tokio::io::duplex(1); let body = stream(b); tokio::spawn(zip(&mut a)); body",
        "let (tx, rx) = mpsc::channel::<Row>(8); { let tx = tx.clone(); tokio::spawn(rows(tx)); } ReceiverStream::new(rx)",
        "tokio::spawn(async move { serve(hyper::upgrade::on(&mut request).await).await }); switching()",
        "use hyper::upgrade; tokio::spawn(async { let up = upgrade::on(r).await; tokio::spawn(serve(up)); }); switching()",
        "let (response, socket) = hyper_tungstenite::upgrade(request, None)?; tokio::spawn(serve(socket)); response",
        "let (db, conn) = tokio_postgres::connect(URL, NoTls).await?; tokio::spawn(async move { conn.await }); db.rows()",
        "let (mut a, b) = http1::handshake::<_, Body>(io).await?; tokio::spawn(b); a.send_request(request).await",
        "let (c, handle, _) = rtnetlink::new_connection()?; tokio::spawn(c); handle.link().get()",
        "if let Ok((db, conn)) = config.connect_raw(io, tls).await { tokio::spawn(conn); db.rows() }",
        "let _work = tokio::spawn(work()); other().await; _work.abort(); StatusCode::OK",
        "let _work; if late() { _work = tokio::spawn(work()); } _work.abort(); StatusCode::OK",
        "drop(tokio::spawn(work()).await); _ = tokio::spawn(work()).await; drop(keep(tokio::spawn(work())));",
    ];
    let lost = [
        "let (tx, rx) = mpsc::channel(8); tokio::spawn(produce(tx)); tokio::spawn(consume(rx)); StatusCode::OK",
        "let (tx, rx) = mpsc::channel(8); tokio::spawn(consume(rx)); tx",
        "let (tx, rx) = watch::channel(0); tokio::spawn(poll(tx)); rx",
        "tokio::spawn(async move { serve(hyper::upgrade::on(&mut request).await).await }); tokio::spawn(other());",
        "let (parts, body) = request.into_parts(); tokio::spawn(audit(parts)); echo(body)",
        "let (tx, rx) = mpsc::channel(8); keep(tx); tokio::spawn(other()); Sse::new(rx)",
        "_ = tokio::spawn(work()); StatusCode::OK",
        "drop(tokio::spawn(work())); StatusCode::OK",
        "std::mem::drop(tokio::spawn(work())); StatusCode::OK",
        "let _: JoinHandle<_> = tokio::spawn(work()); StatusCode::OK",
        "let _work: JoinHandle<()> = tokio::spawn(work()); StatusCode::OK",
        "{ let _work = tokio::spawn(work()); } let _work = other(); _work.abort();",
        "let (db, conn) = tokio_postgres::connect(URL, NoTls).await?; tokio::spawn(async move { conn.await; db.end() }); 1",
        "let (db, conn) = tokio_postgres::connect(URL, NoTls).await?; tokio::spawn(conn); tokio::spawn(db.work()); 1",
        "let (a, b) = TcpStream::connect(URL).await?.into_split(); tokio::spawn(write(b)); read(a).await",
        "let (socket, response) = connect_async(URL).await?; tokio::spawn(read(socket)); response.status()",
        "let (a, b) = connection(URL).await?; tokio::spawn(b); a.rows()",
    ];
    let of = |body: &str| reported(&format!("#[handler] async fn rows(request: Request) -> Response {{ {body} }}"));
    let is_lost = |body: &str| of(body).iter().any(|text| text.ends_with("SW004"));
    for body in kept {
        assert!(!is_lost(body), "{body}");
    }
    for body in lost {
        assert!(is_lost(body), "{body}");
    }
    assert_eq!(reported("#[health] async fn f() { tokio::spawn(work()); }").len(), 1);
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
            "info!(%form.secret)",
            "info!(?request.authorization)",
            "info!(password = %secret)",
            "info!(%sync_password)",
            "info!(%first_secret_key)",
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
            "info!(fencing_token, %pagination_token, ?idempotency_token, %request.sync_token, time_to_first_token)",
            "info!(?authorization, %secret, \"{secret} {authorization:?}\")",
            "info!(secret = %secret, \"{}\", secret)",
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
            "counter!(\"x\", \"email\" => app.core.email())",
            "let labels = [(\"kind\", kind), (\"path\", req.uri().path().to_owned())]; counter!(X, &labels); gauge!(Y, &labels);",
        ],
        &[
            "counter!(\"x\", \"route\" => route, \"method\" => m, \"status\" => s, \"kind\" => k, \"tenant\" => t)",
            "counter!(\"x\", \"path\" => path.to_string())",
            "gauge!(\"x\", \"cpu_id\" => a, \"gpu.uuid\" => a, \"disk_id\" => a, \"core_id\" => a, \"zone_id\" => a)",
            "gauge!(\"x\", \"app_id\" => a, \"plan_id\" => a, \"provider_id\" => a, \"service_id\" => a)",
            "gauge!(\"x\", \"topic_id\" => a, \"group_id\" => a, \"broker_id\" => a, \"upstream_url\" => a, \"backend_url\" => a)",
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
        "futures::stream::unfold(0, |n| async move { tokio::time::sleep(Duration::from_secs(60)).await; Some((n, n)) })",
        "use futures::stream; stream::repeat_with(|| tokio::time::sleep(Duration::from_secs(60))).then(|wait| wait)",
        "stream::iter(rows).then(|row| async { tokio::time::sleep(Duration::from_secs(60)).await; row })",
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
    assert_eq!(of(&service("drain = 60"), wrong[0]), [""; 0], "what can't be read is another's to say");
    let said = |arguments: &str| of(&service(arguments), wrong[1]).join("");
    assert_eq!(
        said("").split_once(": ").unwrap().1,
        "`tokio::time::sleep` may wait 15.001s, and the drain cuts requests after 15s\n\
         help: wait less, or write `#[cloud_service(drain = \"16s\", grace = \"30s\")]`\n\
         rule: timeout-beyond-drain, SW029"
    );
    assert!(said("lame_duck = \"9500ms\"").contains("(drain = \"16s\", grace = \"34s\")"));
    assert!(said("grace = \"60s\"").contains("(drain = \"16s\", grace = \"60s\")"));
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
    let others = ["drain = \"30s\", grace = \"60\"", "drain = \"30s\", grace = GRACE", "grace = \"9s\", drain(\"1s\")"];
    for wrong in others {
        assert_eq!(of(wrong), "", "what can't be read is another's to say: {wrong}");
    }
    assert_eq!(of("drain = \"30s\", allow(SW030, reason = \"the manifest says it\")"), "");
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
    assert!(!of("", "select! { _ = tokio::time::sleep(Duration::from_secs(1)) => {} }").is_empty());
    for (arguments, body) in [
        ("timeout = \"6s\", every = \"10s\"", five),
        ("", "tokio::time::timeout(Duration::from_millis(999), tokio::time::sleep(Duration::from_secs(9))).await"),
        ("", "tokio::time::timeout(LIMIT, ping()).await"),
        ("", "x.timeout(9); Duration::from_secs(9)"),
        ("timeout = \"6\"", five),
        ("timeout = \"2s\", every = 9", five),
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
    assert_eq!(of(&format!("{} include!(\"other.rs\");", config("pub lifetime: u8"))), 0);
    assert_eq!(of(&format!("{} static A: &str = include_str!(\"a\");", config("pub lifetime: u8"))), 1);
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

// === What single rules see, beyond what the tests of messages compile ===

/// How many findings of a rule there are in a source.
fn count(code: &str, source: &str) -> usize {
    let all = reported(source);
    let of_rule = all.iter().filter(|text| text.ends_with(&format!(", {code}"))).count();
    assert_eq!(of_rule, all.len(), "{source}: {all:?}");
    of_rule
}

fn found(code: &str, sources: &[&str]) {
    for source in sources {
        assert_eq!(count(code, source), 1, "{source}");
    }
}

fn innocent(code: &str, sources: &[&str]) {
    for source in sources {
        assert_eq!(count(code, source), 0, "{source}");
    }
}

#[test]
fn process_exit() {
    found(
        "SW008",
        &[
            "fn f() { std::process::exit(1) }",
            "fn f() { ::std::process::abort() }",
            "use std::process as p; fn f() { p::exit(1) }",
            "use std::process::exit as quit; fn f() { vec![1].into_iter().for_each(|_| quit(1)) }",
            "fn f(a: Option<u8>) { a.unwrap_or_else(std::process::abort); }",
            "use std::process; impl A { fn f() { std::panic::set_hook(Box::new(|_| process::exit(1))) } }",
            "#[health] async fn f() { std::process::exit(1) }",
            "#[ready] async fn f() { std::process::exit(1) }",
            "#[worker] async fn f() { async { unsafe { libc::_exit(1) } }.await }",
            "#[cloud_service] async fn main() -> Router { std::process::exit(1) }",
        ],
    );
    innocent(
        "SW008",
        &[
            "fn f() -> std::process::ExitCode { std::process::ExitCode::SUCCESS }",
            "fn f() { std::process::id(); std::process::Command::new(\"a\"); app.exit(1); Self::exit(1); exit(1); }",
            "fn f(task: tokio::task::JoinHandle<()>) { task.abort() }",
            "use std::process::exit; fn f(exit: u8) { g(exit) }",
            "#[cfg(test)] mod tests { fn f() { std::process::exit(1) } }",
            "/// std::process::exit(1)\nfn f() { \"std::process::exit(1)\"; }",
        ],
    );
}

#[test]
fn state_in_static() {
    const USES: &str = "use std::{cell::{Cell, RefCell}, collections::HashMap, sync::{Arc, Mutex, RwLock, OnceLock, \
                        LazyLock}}; use once_cell::sync::Lazy; use dashmap::DashMap; ";
    let with_uses = |items: &[&str]| items.iter().map(|item| format!("{USES}{item}")).collect::<Vec<_>>();
    let state = with_uses(&[
        "static mut COUNT: u64 = 0;",
        "static A: Mutex<Vec<Order>> = Mutex::new(Vec::new());",
        "pub(crate) static A: RwLock<Option<State>> = RwLock::new(None);",
        "static A: std::sync::Mutex<u64> = std::sync::Mutex::new(0);",
        "static A: ::std::sync::Mutex<u64> = ::std::sync::Mutex::new(0);",
        "static A: LazyLock<Mutex<HashMap<String, u64>>> = LazyLock::new(Mutex::default);",
        "static A: OnceLock<Arc<Mutex<State>>> = OnceLock::new();",
        "static A: std::sync::OnceLock<tokio::sync::RwLock<State>> = std::sync::OnceLock::new();",
        "static A: tokio::sync::OnceCell<tokio::sync::Mutex<State>> = tokio::sync::OnceCell::const_new();",
        "static A: Lazy<DashMap<String, u64>> = Lazy::new(DashMap::new);",
        "static A: Lazy<parking_lot::Mutex<Vec<u8>>> = Lazy::new(Default::default);",
        "static A: [Mutex<Vec<u64>>; 4] = [const { Mutex::new(Vec::new()) }; 4];",
        "static A: &Mutex<State> = &Mutex::new(State);",
        "static A: Mutex<(u64, State)> = Mutex::new((0, State));",
        "lazy_static! { static ref A: Mutex<Vec<Order>> = Mutex::new(Vec::new()); }",
        "lazy_static::lazy_static! { pub static ref A: RwLock<State> = RwLock::new(State); }",
        "thread_local! { static A: RefCell<HashMap<String, u64>> = RefCell::default(); }",
        "std::thread_local! { static A: RefCell<Option<Vec<Order>>> = const { RefCell::new(None) }; }",
        "type Sessions = Mutex<HashMap<String, u64>>; static A: Sessions = Sessions::default();",
        "use std::sync::Mutex as Lock; static A: Lock<State> = Lock::new(State);",
        "fn f() { if true { static A: Mutex<State> = Mutex::new(State); } }",
        "#[handler] async fn f() { static A: Mutex<State> = Mutex::new(State); }",
        "mod m { use parking_lot::Mutex; static A: Mutex<State> = Mutex::new(State); }",
        "type A = u8; type B = Arc<Mutex<State>>; static C: OnceLock<B> = OnceLock::new();",
        "thread_local! { static A: RefCell<Vec<String>> = RefCell::default(); }",
    ]);
    found("SW009", &state.iter().map(String::as_str).collect::<Vec<_>>());
    let others = with_uses(&[
        "static A: Mutex<()> = Mutex::new(());",
        "static A: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());",
        "static A: AtomicU64 = AtomicU64::new(0); static B: &str = \"\"; static C: [u8; 2] = [0, 1];",
        "static A: OnceLock<Regex> = OnceLock::new(); static B: LazyLock<HashMap<&'static str, u8>> = f();",
        "static A: Lazy<reqwest::Client> = Lazy::new(reqwest::Client::new);",
        "static A: OnceLock<Mutex<Option<JoinHandle<()>>>> = OnceLock::new();",
        "static A: Mutex<Option<oneshot::Sender<()>>> = Mutex::new(None);",
        "static A: LazyLock<Mutex<rusqlite::Connection>> = f();",
        "static A: LazyLock<RwLock<Arc<AppConfig>>> = f();",
        "static A: LazyLock<Mutex<StdRng>> = f();",
        "lazy_static! { static ref A: Regex = Regex::new(\"\").unwrap(); }",
        "thread_local! { static A: RefCell<Vec<u8>> = RefCell::default(); static B: Cell<bool> = Cell::new(false); }",
        "thread_local! { static A: RefCell<SmallRng> = f(); static B: OnceCell<Owner> = OnceCell::new(); }",
        "thread_local! { static A: RefCell<Vec<EnteredGuard>> = f(); static B: Cell<Option<Context>> = f(); }",
        "thread_local! { static TYPE_CACHE: RefCell<HashMap<String, Type>> = f(); }",
        "static PAGES: OnceLock<RwLock<LruCache<String, Page>>> = f(); static PAGE_CACHE: RwLock<HashMap<A, B>> = f();",
        "static A: Mutex<Vec<axum_server::Handle<SocketAddr>>> = f();",
        "static A: Mutex<Option<Box<dyn Fn()>>> = f(); static B: RwLock<Vec<fn()>> = f();",
        "macro_rules! a { ($t:ty) => { static A: Mutex<$t> = f(); static $t: Mutex<State> = f(); } }",
        "tokio::task_local! { static A: RefCell<HashMap<String, Context>>; }",
        "extern \"C\" { static mut environ: *const *const u8; }",
        "struct Mutexes { a: Mutex<State> } fn f(a: &'static Mutex<State>) -> Box<dyn Fn() + 'static> { g() }",
        "mod m { static A: Mutex<State> = Mutex::new(State); }",
        "#[cfg(test)] static A: Mutex<State> = Mutex::new(State);",
        "type A = B; type B = A; static C: A = f();",
        "static A: OnceLock<Mutex<prometheus::Registry>> = f(); static B: RwLock<JwkSet> = f();",
        "static A: LazyLock<Mutex<ulid::Generator>> = f(); static B: LazyLock<Mutex<sysinfo::System>> = f();",
        "static A: LazyLock<RwLock<Tera>> = f(); static B: RwLock<Environment<'static>> = f();",
        "static A: Mutex<Option<CircuitBreaker>> = f(); static B: Mutex<RateLimiter> = f();",
        "static JWKS: RwLock<HashMap<String, Key>> = f(); static METRICS: Mutex<HashMap<String, Counter>> = f();",
        "static SCRATCH: Mutex<Vec<Row>> = f(); static A: Mutex<Vec<Histogram>> = f(); static B: Mutex<Interner> = f();",
        "thread_local! { static A: RefCell<Vec<f32>> = f(); static B: RefCell<Vec<char>> = f(); }",
    ]);
    innocent("SW009", &others.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn signal_handler() {
    found(
        "SW010",
        &[
            "async fn f() { tokio::signal::ctrl_c().await }",
            "use tokio::signal; async fn f() { tokio::select! { _ = signal::ctrl_c() => {} } }",
            "use tokio::signal::unix as s; fn f() { s::signal(s::SignalKind::terminate()) }",
            "use tokio::signal::unix::{signal, SignalKind}; fn f() { let mut a = signal(SignalKind::interrupt())?; }",
            "fn f() { tokio::signal::unix::signal(SignalKind::from_raw(libc::SIGTERM)) }",
            "fn f() { ctrlc::set_handler(move || stop()) }",
            "fn f() { signal_hook::flag::register(signal_hook::consts::SIGTERM, stop) }",
            "use signal_hook::iterator::Signals; fn f() { Signals::new([SIGHUP, SIGINT]) }",
            "use signal_hook::{consts::SIGTERM as STOP, low_level}; fn f() { low_level::register(STOP, || {}) }",
            "fn f() { nix::sys::signal::sigaction(nix::sys::signal::Signal::SIGTERM, &action) }",
            "#[worker] async fn f() { tokio::signal::ctrl_c().await; }",
            "#[cloud_service] async fn main() -> Router { tokio::signal::ctrl_c().await; Router::new() }",
        ],
    );
    innocent(
        "SW010",
        &[
            "use tokio::signal::unix::{signal, SignalKind}; fn f() { signal(SignalKind::hangup()); signal(kind) }",
            "fn f() { tokio::signal::unix::signal(SignalKind::user_defined1()) }",
            "fn f() { signal_hook::flag::register(SIGUSR1, Arc::clone(&terminate)) }",
            "fn f() { signal_hook::low_level::raise(SIGTERM); nix::sys::signal::kill(pid, Signal::SIGTERM) }",
            "fn f() { signal(SIGTERM); ctrl_c() }",
            "#[cfg(test)] mod tests { fn f() { tokio::signal::ctrl_c() } }",
        ],
    );
}

#[test]
fn second_server() {
    found(
        "SW011",
        &[
            "async fn f() { axum::serve(listener, router).await }",
            "use seaworthy::axum; async fn f() { axum::serve(listener, router).await }",
            "use axum::serve as run; async fn f() { run(listener, router).await }",
            "use axum_server::bind_rustls; async fn f() { bind_rustls(address, tls).serve(a).await }",
            "use hyper::server::conn::http1; fn f() { http1::Builder::new().serve_connection(io, service) }",
            "fn f() { hyper_util::server::conn::auto::Builder::new(executor) }",
            "use warp::Filter; async fn f() { warp::serve(routes).run(address).await }",
            "use actix_web::{App, HttpServer}; fn f() { HttpServer::new(|| App::new()) }",
            "use tonic::transport::Server; fn f() { Server::builder().add_service(a).serve(address) }",
            "#[worker] async fn f() { axum::serve(listener, router).await; }",
        ],
    );
    innocent(
        "SW011",
        &[
            "fn f() { Service::new(()).http(Router::new().route(\"/\", get(a))) }",
            "fn f() { tonic::transport::Server::builder().add_service(a).into_router() }",
            "fn f() { tonic::service::Routes::new(a).into_axum_router(); tonic::transport::Channel::builder(a) }",
            "fn f(a: hyper::server::conn::http1::Builder, b: axum_server::Handle) { axum_server::Handle::new() }",
            "fn f() { tower_http::services::ServeDir::new(\"a\"); serve(a); tokio::net::TcpListener::bind(a) }",
            "#[cfg(test)] mod tests { async fn f() { axum::serve(a, b).await } }",
        ],
    );
}

#[test]
fn second_subscriber() {
    found(
        "SW012",
        &[
            "fn f() { tracing_subscriber::fmt::init() }",
            "fn f() { tracing_subscriber::fmt().with_max_level(A).json().init() }",
            "use tracing_subscriber::{fmt, prelude::*}; fn f() { fmt().with_env_filter(a()).try_init().ok(); }",
            "use tracing_subscriber as logs; fn f() { logs::registry().with(a).with(b()?).init(); }",
            "fn f() { let a = tracing_subscriber::registry().with(b); a.init(); }",
            "fn f() { let mut a = tracing_subscriber::fmt().json(); if b { a.with(c).try_init()?; } }",
            "fn f() { tracing::subscriber::set_global_default(subscriber) }",
            "use seaworthy::tracing; fn f() { tracing::subscriber::set_global_default(subscriber) }",
            "fn f() { let a = tracing_subscriber::FmtSubscriber::builder().finish(); \
             tracing::subscriber::set_global_default(a) }",
            "fn f() { metrics_exporter_prometheus::PrometheusBuilder::new().with_http_listener(a).install() }",
            "use metrics_exporter_prometheus::PrometheusBuilder; \
             fn f() { let handle = PrometheusBuilder::new().set_buckets(a)?.install_recorder()?; }",
            "fn f() { metrics::set_global_recorder(recorder) }",
            "#[cloud_service] async fn main() -> Router { tracing_subscriber::fmt().init(); Router::new() }",
        ],
    );
    innocent(
        "SW012",
        &[
            "fn f() { let _guard = tracing_subscriber::registry().with(a).set_default(); }",
            "fn f() { let a = tracing_subscriber::fmt().finish(); tracing::subscriber::with_default(a, || b.init()) }",
            "fn f() { let a = tracing_subscriber::registry().with(b); other.init(); a.c; self.a.init() }",
            "fn f() { metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder() }",
            "fn f() { tracing_subscriber::EnvFilter::from_default_env(); tracing_subscriber::fmt::layer().init() }",
            "fn f() { env_logger::init(); tracing_log::LogTracer::init() }",
            "fn f() { opentelemetry::global::set_tracer_provider(a) }",
            "fn f() { tracing_subscriber::reload::Layer::new(a); App::init(); init() }",
            "#[cfg(test)] mod tests { fn f() { tracing_subscriber::fmt().init() } }",
        ],
    );
}

#[test]
fn environment_read() {
    found(
        "SW013",
        &[
            "fn f() { std::env::var(\"A\") }",
            "use std::env; fn f() { env::var_os(\"A\") }",
            "use std::env::var as read; fn f() { read(\"A\") }",
            "fn f() { for (name, value) in std::env::vars() {} }",
            "fn f() { [\"A\"].into_iter().map(std::env::var) }",
            "fn f() { async { std::env::var(name).ok() } }",
            "use dotenvy::dotenv; fn f() { dotenv().ok(); }",
            "fn f() { dotenv::dotenv().ok(); }",
            "fn f() { dotenvy::from_filename(\".env\") }",
            "static A: LazyLock<String> = LazyLock::new(|| std::env::var(\"A\").unwrap());",
            "fn f() { std::env::var(\"HOME_PAGE\") }",
            "#[cloud_service] async fn main() -> Router { std::env::var(\"A\"); Router::new() }",
        ],
    );
    innocent(
        "SW013",
        &[
            "fn f() { std::env::args(); std::env::current_dir(); env!(\"A\"); option_env!(\"A\"); env::var(\"A\") }",
            "fn f() { std::env::var(\"CARGO_MANIFEST_DIR\"); std::env::var(\"KUBERNETES_SERVICE_HOST\") }",
            "fn f() -> Result<(), std::env::VarError> { std::env::VarError::NotPresent }",
            "use std::env::var; fn f(var: u8) { g(var) }",
            "fn f() -> Result<(), dotenvy::Error> { dotenvy_macro::dotenv!(\"A\") }",
            "fn f(a: dotenvy::Error) { match a { dotenvy::Error::LineParse(a, b) => {} _ => dotenvy::Error::Io(c) } }",
            "fn f() { for a in [\"HOSTNAME\", \"PATH\"] { std::env::var(\"HOSTNAME\"); std::env::var_os(\"PATH\"); } }",
            "use std::env::var; fn f() { var(\"HOME\"); var(\"TMPDIR\"); var(\"TZ\"); var(\"USER\"); }",
            "fn f() { Command::new(a).env_clear().envs(std::env::vars().filter(|(b, _)| b != \"C\")).spawn() }",
            "#[test] fn f() { std::env::var(\"A\") }",
        ],
    );
    for (name, help) in [
        ("DATABASE_URL", "add `database_url: String` to your `#[config(env)]`"),
        ("API_TOKEN", "add `api_token: Secret<String>` to your `#[config(env)]`"),
        ("RUST_LOG", "remove it: the runtime reads `RUST_LOG` itself"),
        ("OTEL_SERVICE_NAME", "remove it: the runtime reads `OTEL_SERVICE_NAME` itself"),
        ("a-b", "make it a field of your `#[config(env)]`"),
    ] {
        let all = reported(&format!("fn f() {{ std::env::var({name:?}) }}"));
        assert!(all.iter().any(|text| text.contains(&format!("\nhelp: {help}\n"))), "{all:?}");
    }
}

#[test]
fn a_server_in_a_task_that_hears_a_signal_is_one_mistake() {
    let of = |body: &str| {
        let functions = [format!("async fn f() {{ {body} }}"), format!("#[worker] async fn f() {{ {body} }}")];
        functions.map(|function| {
            let all = reported(&function);
            all.iter().map(|text| text.rsplit(", ").next().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
        })
    };
    for (body, code) in [
        ("tokio::spawn(async { axum::serve(listener, router).await });", "SW011"),
        ("axum::serve(a, b).with_graceful_shutdown(async { tokio::signal::ctrl_c().await }).await;", "SW011"),
        ("tokio::spawn(async move { tokio::signal::ctrl_c().await; stop.send(()) });", "SW010"),
        ("tokio::spawn(async { axum::serve(a, b).with_graceful_shutdown(tokio::signal::ctrl_c()).await });", "SW011"),
        ("tokio::spawn(work()); axum::serve(listener, router).await;", "SW004 SW011"),
        ("tokio::spawn(async { std::process::exit(1) });", "SW004 SW008"),
    ] {
        assert_eq!(of(body), [code; 2], "{body}");
    }
    let allowed = "tokio::spawn(async {\n// seaworthy: allow(SW011) a\naxum::serve(a, b).await; });";
    assert_eq!(of(allowed)[0], "SW004");
}

#[test]
fn print() {
    found(
        "SW014",
        &[
            "#[handler] async fn f() { println!(\"a\"); }",
            "#[health] async fn f() { eprint!(\"a\"); }",
            "#[ready] async fn f() { let a = dbg!(b()); }",
            "#[worker] async fn f() { for a in b { async { std::eprintln!(\"a\") }.await } }",
            "use std::println as say; #[handler] async fn f() { say!(\"a\"); }",
            "#[cloud_service] async fn main() -> Router { print!(\"a\"); Router::new() }",
        ],
    );
    innocent(
        "SW014",
        &[
            "fn f() { println!(\"a\"); }",
            "#[handler] async fn f() { tracing::info!(\"println!\"); terminal::print!(\"a\"); a.print() }",
            "#[handler(allow(SW014, reason = \"a\"))] async fn f() { println!(\"a\"); }",
        ],
    );
}

#[test]
fn unbounded_channel() {
    found(
        "SW015",
        &[
            "fn f() { tokio::sync::mpsc::unbounded_channel::<u8>() }",
            "use tokio::sync::mpsc; fn f() { let (a, b) = mpsc::unbounded_channel(); }",
            "use std::sync::mpsc::{self, Sender}; fn f() { mpsc::channel() }",
            "use std::sync::mpsc::channel as queue; fn f() { queue() }",
            "use futures::channel::mpsc; fn f() { mpsc::unbounded() }",
            "fn f() { futures_channel::mpsc::unbounded() }",
            "use flume; fn f() { flume::unbounded() }",
            "fn f() { crossbeam_channel::unbounded() }",
            "use crossbeam::channel; fn f() { channel::unbounded() }",
            "fn f() { async_channel::unbounded() }",
            "fn f() { kanal::unbounded_async() }",
            "fn f() { let (a, b) = std::sync::mpsc::channel(); g(a); loop { b.recv(); } }",
            "fn f() { let (a, b) = std::sync::mpsc::channel(); g(a); while let Ok(c) = b.recv() {} }",
            "fn f() { let (a, b) = std::sync::mpsc::channel(); g(a); b.recv(); b.recv(); }",
            "fn f() { let (a, b) = std::sync::mpsc::channel(); g(a); for c in b {} }",
            "#[worker] async fn f() { tokio::join!(async { tokio::sync::mpsc::unbounded_channel() }); }",
        ],
    );
    innocent(
        "SW015",
        &[
            "use tokio::sync::mpsc; fn f(a: mpsc::UnboundedSender<u8>) { mpsc::channel(1) }",
            "fn f() { std::sync::mpsc::sync_channel(1); tokio::sync::oneshot::channel() }",
            "fn f() { tokio::sync::watch::channel(0); futures::channel::oneshot::channel() }",
            "fn f() { tokio::sync::broadcast::channel(1); flume::bounded(1); unbounded(); channel::unbounded() }",
            "fn f() { let (a, b) = std::sync::mpsc::channel(); spawn(|| a.send(1)); b.recv_timeout(c)?; }",
            "async fn f() { let (a, mut b) = tokio::sync::mpsc::unbounded_channel(); g(a); let c = b.recv().await; }",
            "fn f() { tokio::sync::mpsc::unbounded_channel::<()>() }",
            "use std::sync::mpsc; fn f() { let (_, a): (mpsc::Sender<()>, mpsc::Receiver<()>) = mpsc::channel(); }",
            "#[cfg(test)] mod tests { fn f() { flume::unbounded() } }",
        ],
    );
}

#[test]
fn unlimited_body() {
    found(
        "SW016",
        &[
            "async fn f(body: Body) { axum::body::to_bytes(body, usize::MAX).await }",
            "use axum::body::to_bytes as read; async fn f(body: Body) { read(body, std::usize::MAX).await }",
            "use seaworthy::axum::body; async fn f(a: Request) { body::to_bytes(a.into_body(), usize::MAX,).await }",
            "async fn f(a: Request) { let (parts, body) = a.into_parts(); axum::body::to_bytes(body, usize::MAX) }",
            "use axum::extract::DefaultBodyLimit; fn f() { router.layer(DefaultBodyLimit::disable()) }",
            "use axum::extract::DefaultBodyLimit as Limit; fn f() { router.layer(Limit::max(usize::MAX)) }",
            "fn f() { tower_http::limit::RequestBodyLimitLayer::new(usize::MAX) }",
            "fn f() { http_body_util::Limited::new(body, usize::MAX) }",
            "#[handler] async fn f(body: Body) { axum::body::to_bytes(body, usize::MAX).await; }",
            "async fn f(a: Request) { let b = a.map(g); axum::body::to_bytes(b.into_body(), usize::MAX).await }",
            "async fn g() { let body = h().await; } async fn f(body: Body) { axum::body::to_bytes(body, usize::MAX).await }",
        ],
    );
    innocent(
        "SW016",
        &[
            "async fn f(body: Body) { axum::body::to_bytes(body, 1024).await; axum::body::to_bytes(body, MAX) }",
            "fn f() { axum::body::to_bytes(body, g(usize::MAX)); axum::body::to_bytes(body, usize::MAX / 4) }",
            "fn f() { axum::body::to_bytes(response.into_body(), usize::MAX) }",
            "fn f() { axum::body::to_bytes(next.run(request).await.into_body(), usize::MAX) }",
            "fn f() { let (parts, body) = res.into_parts(); axum::body::to_bytes(body, usize::MAX) }",
            "async fn f() { let up = client.request(a).await?; axum::body::to_bytes(up.into_body(), usize::MAX) }",
            "async fn f() { let up = ask().await?; let (a, body) = up.into_parts(); axum::body::to_bytes(body, usize::MAX) }",
            "async fn f() { axum::body::to_bytes(ask().await?.into_body(), usize::MAX) }",
            "use axum::extract::DefaultBodyLimit; fn f() { router.layer(DefaultBodyLimit::max(1024)) }",
            "fn f() { router.layer(axum::extract::DefaultBodyLimit::disable()) \
             .layer(tower_http::limit::RequestBodyLimitLayer::new(1024)) }",
            "#[cfg(test)] mod tests { fn f() { axum::body::to_bytes(body, usize::MAX) } }",
        ],
    );
}
