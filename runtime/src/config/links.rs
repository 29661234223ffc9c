//! Variables that Kubernetes adds to every pod for each Service in its namespace.
//!
//! A Service `redis` gives `REDIS_PORT=tcp://10.0.0.1:6379`, `REDIS_SERVICE_HOST`, `REDIS_SERVICE_PORT`, and the rest of
//! what Docker's links once gave. They collide with variables that a person would name so too.

/// The Service that Kubernetes sets this variable for, where its name and value look like it.
pub(super) fn service_of(name: &str, value: &str) -> Option<String> {
    let service = match name.strip_suffix("_PORT") {
        Some(service) if is_endpoint(value) => Some(service),
        _ => by_name(name),
    }?;
    let service = service.to_ascii_lowercase().replace('_', "-");
    (!service.is_empty()).then_some(service)
}

/// What the problem of such a variable says.
pub(super) fn why(service: &str) -> String {
    format!(
        "Kubernetes sets it in every pod, because there is a Service named `{service}` in the namespace \
         (a service link); nobody configured it"
    )
}

/// What to do about it. `renamable` is a variable that belongs to the service, and not to the runtime.
pub(super) fn help(name: &str, renamable: bool) -> String {
    let mut help =
        format!("write `enableServiceLinks: false` in the pod's spec, or set `{name}` there, which takes precedence");
    if renamable {
        help.push_str(", or read another variable, with `#[config(env = \"..\")]` on the field");
    }
    help
}

/// `tcp://10.0.0.1:6379`
fn is_endpoint(value: &str) -> bool {
    ["tcp://", "udp://", "sctp://"]
        .iter()
        .find_map(|scheme| value.strip_prefix(scheme))
        .and_then(|address| address.rsplit_once(':'))
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
}

/// `X_SERVICE_HOST`, `X_SERVICE_PORT`, `X_SERVICE_PORT_HTTP`, `X_PORT_6379_TCP`, `X_PORT_6379_TCP_ADDR`
fn by_name(name: &str) -> Option<&str> {
    if let Some(service) = ["_SERVICE_HOST", "_SERVICE_PORT"].iter().find_map(|suffix| name.strip_suffix(suffix)) {
        return Some(service);
    }
    if let Some((service, _)) = name.split_once("_SERVICE_PORT_") {
        return Some(service);
    }
    let (service, rest) = name.match_indices("_PORT_").find_map(|(index, middle)| {
        let rest = &name[index + middle.len()..];
        rest.starts_with(|c: char| c.is_ascii_digit()).then(|| (&name[..index], rest))
    })?;
    let (port, rest) = rest.split_once('_')?;
    let (protocol, part) = rest.split_once('_').unwrap_or((rest, "PORT"));
    let known = matches!(protocol, "TCP" | "UDP" | "SCTP") && matches!(part, "PROTO" | "PORT" | "ADDR");
    (port.parse::<u16>().is_ok() && known).then_some(service)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_family_is_recognised() {
        for (name, value) in [
            ("MY_REDIS_PORT", "tcp://10.0.0.1:6379"),
            ("MY_REDIS_PORT", "udp://[fd00::1]:53"),
            ("MY_REDIS_SERVICE_HOST", "10.0.0.1"),
            ("MY_REDIS_SERVICE_PORT", "6379"),
            ("MY_REDIS_SERVICE_PORT_HTTP", "6379"),
            ("MY_REDIS_PORT_6379_TCP", "tcp://10.0.0.1:6379"),
            ("MY_REDIS_PORT_6379_TCP_PROTO", "tcp"),
            ("MY_REDIS_PORT_6379_TCP_PORT", "6379"),
            ("MY_REDIS_PORT_6379_TCP_ADDR", "10.0.0.1"),
        ] {
            assert_eq!(service_of(name, value).as_deref(), Some("my-redis"), "{name}");
        }
    }

    #[test]
    fn other_variables_are_not() {
        for (name, value) in [
            ("REDIS_PORT", "6379"),
            ("REDIS_PORT", "tcp://nothing"),
            ("REDIS_URL", "tcp://10.0.0.1:6379"),
            ("REDIS_PORT_RANGE", "1-2"),
            ("REDIS_PORT_6379", "x"),
            ("REDIS_PORT_6379_TLS", "x"),
            ("_PORT", "tcp://10.0.0.1:6379"),
            ("PORT", "tcp://10.0.0.1:6379"),
        ] {
            assert_eq!(service_of(name, value), None, "{name}={value}");
        }
    }
}
