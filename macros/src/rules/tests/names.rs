//! What rules guess by names, and what they know of times.

use super::reported;

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
