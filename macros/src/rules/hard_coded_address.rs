//! Where something else is, the configuration says.
//!
//! An address in the code is that of one cluster and one namespace: the image that was tested is not the one that runs
//! elsewhere, and the database of a laptop's `localhost` is not in the pod. Kubernetes gives each environment its own
//! ConfigMap.
//!
//! See [ConfigMaps](https://kubernetes.io/docs/concepts/configuration/configmap/).
//!
//! ```wrong
//! #[handler]
//! async fn price(State(client): State<HttpClient>) -> Result<String> {
//!     Ok(client.get("http://prices.shop.svc:8080/price").send().await?.text().await?)
//! }
//! ```
//!
//! ```right
//! #[handler]
//! async fn price(State(client): State<HttpClient>, State(config): State<Arc<Config>>) -> Result<String> {
//!     Ok(client.get(config.prices.join("/price")?).send().await?.text().await?)
//! }
//! ```
//!
//! It sees a text that is an address: a URL of a database or a broker; of http or WebSockets with an IP, a host of a
//! cluster (`.svc`, `.local`, `.internal`), or a port behind a host without a dot; and `ip:port`. What only names
//! something stays: `https://example.com/problems/stock`. So do what is logged, compared, bound to, the fallback of a
//! variable, an origin of CORS, and what is the same in every cluster: `kubernetes.default.svc`, 169.254.169.254, and
//! `localhost`, where the other containers of the pod are, but for a database or a broker. It can't see a constant
//! outside of the function, and an address put together from parts.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::{Annotated, Check, Findings, Level, Rule};
use crate::code::{Code, Kind};

pub(super) const RULE: Rule = Rule {
    code: "SW023",
    name: "hard-coded-address",
    level: Level::Error,
    check: Check::Function(&["cloud_service", "command", "handler", "ready", "worker"], check),
};

/// What speaks to nothing but another process.
const SCHEMES: [&str; 18] = [
    "redis",
    "rediss",
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "mongodb",
    "mongodb+srv",
    "amqp",
    "amqps",
    "nats",
    "tls+nats",
    "kafka",
    "memcached",
    "memcache",
    "ldap",
    "mqtt",
    "mqtts",
];

const CLUSTER: [&str; 3] = [".svc", ".local", ".internal"];

/// What is the same wherever a service runs, or nowhere.
const EVERYWHERE: [&str; 5] =
    ["kubernetes.default", "metadata.google.internal", "example.com", "example.org", "example.net"];

/// What only shows or compares a text, or takes it where nothing else is said.
const SHOWS: [&str; 35] = [
    "trace",
    "debug",
    "info",
    "warn",
    "error",
    "event",
    "span",
    "info_span",
    "println",
    "eprintln",
    "print",
    "eprint",
    "panic",
    "assert",
    "assert_eq",
    "assert_ne",
    "debug_assert",
    "debug_assert_eq",
    "matches",
    "bail",
    "anyhow",
    "unreachable",
    "todo",
    "expect",
    "unwrap_or",
    "unwrap_or_else",
    "map_or",
    "map_or_else",
    "starts_with",
    "ends_with",
    "contains",
    "strip_prefix",
    "strip_suffix",
    "trim_start_matches",
    "bind",
];

/// What says in the same statement that it is a fallback, or what others call from.
const ELSE: [&str; 13] = [
    "env",
    "var",
    "var_os",
    "option_env",
    "origin",
    "allow_origin",
    "ORIGIN",
    "Origin",
    "AllowOrigin",
    "CorsLayer",
    "Cors",
    "cors",
    "origins",
];

fn check(annotated: &Annotated<'_>, found: &mut Findings) {
    let code = &annotated.code;
    for at in code.body().filter(|at| code.kind(*at) == Some(Kind::Text)) {
        if let Some(address) = code.string(at).and_then(address)
            && !is_shown(code, at)
            && !is_fallback(code, at)
            && !(address.is_bare && is_bound(code))
        {
            let what = format!("`{}` is an address of one environment only", address.shown);
            found.add(code, at, at, what, "make it a field of the `#[config(env)]` struct");
        }
    }
}

struct Address {
    /// Without its user and its path.
    shown: String,
    /// `127.0.0.1:80`, without a scheme.
    is_bare: bool,
}

/// What a text is the address of.
fn address(text: &str) -> Option<Address> {
    if text.contains(char::is_whitespace) {
        return None;
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    let authority = rest.split(['/', '?', '#']).next()?;
    let authority = authority.rsplit_once('@').map_or(authority, |(_, authority)| authority);
    let (host, port) = host_and_port(authority);
    if host.is_empty() || host.contains(['{', '}', '<', '*', '$', '%']) {
        return None;
    }
    let host_lower = host.to_lowercase();
    let is_everywhere =
        EVERYWHERE.iter().any(|known| host_lower == *known || host_lower.starts_with(&format!("{known}.")))
            || EVERYWHERE.iter().any(|known| host_lower.ends_with(&format!(".{known}")));
    let ip = host.parse::<Ipv4Addr>().ok();
    let is_any = ip.is_some_and(|ip| ip.is_unspecified() || ip.is_link_local()) || host == "::";
    if is_everywhere || is_any {
        return None;
    }
    let ip_v6 = host.parse::<Ipv6Addr>().ok();
    let is_ip = ip.is_some() || ip_v6.is_some();
    let is_pod =
        host_lower == "localhost" || ip.is_some_and(|ip| ip.is_loopback()) || ip_v6.is_some_and(|ip| ip.is_loopback());
    let is_address = match scheme {
        Some("http" | "https" | "ws" | "wss" | "tcp" | "grpc") => {
            // A public host with a port is the same everywhere.
            let is_near = !host.contains('.') && port.is_some();
            !is_pod && (is_ip || is_near || CLUSTER.iter().any(|end| host_lower.ends_with(end)))
        }
        Some(scheme) => SCHEMES.contains(&scheme),
        None => {
            let has_port = port.is_some_and(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
            is_ip && !is_pod && authority == rest && has_port
        }
    };
    let shown = scheme.map_or_else(|| authority.to_owned(), |scheme| format!("{scheme}://{authority}"));
    is_address.then_some(Address { shown, is_bare: scheme.is_none() })
}

fn host_and_port(authority: &str) -> (&str, Option<&str>) {
    if let Some((host, rest)) = authority.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return (host, rest.strip_prefix(':'));
    }
    match authority.split_once(':') {
        Some((host, port)) if !port.is_empty() => (host, Some(port)),
        Some((host, _)) => (host, None),
        None => (authority, None),
    }
}

/// Whether a text is only logged or compared.
fn is_shown(code: &Code, at: usize) -> bool {
    let is_compared =
        [at.saturating_sub(2), at + 1].iter().any(|at| code.is_marks(*at, "==") || code.is_marks(*at, "!="));
    let is_arm = code.is_marks(at + 1, "=>") || code.is(at + 1, "|") || code.is(at.saturating_sub(1), "|");
    let shows = |open: usize| {
        let name = if code.is(open.saturating_sub(1), "!") { open.saturating_sub(2) } else { open.saturating_sub(1) };
        code.word(name).is_some_and(|name| SHOWS.contains(&name))
    };
    let is_inside = |open: &usize| !code.is(*open, "{") || code.is(open.saturating_sub(1), "|");
    is_compared || is_arm || code.around(at).take_while(is_inside).any(shows)
}

fn is_fallback(code: &Code, at: usize) -> bool {
    code.has_word(code.statement(at), &ELSE)
}

/// Whether the function listens somewhere: an address without a scheme may be its own.
fn is_bound(code: &Code) -> bool {
    code.has_word(code.body(), &["bind", "listen", "serve", "TcpListener"])
}
