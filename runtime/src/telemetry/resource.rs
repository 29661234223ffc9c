//! Who this process is: the attributes that go with everything it exports.

use super::{settings::OtelSettings, traces::ids::new_trace_id};
use crate::{About, config::Environment, sorted::Sorted};

/// Attributes of Kubernetes, and the variables that a manifest fills from the downward API: ours, then the usual ones.
/// Elsewhere such names may mean anything, so they are read where Kubernetes says that it is there.
const KUBERNETES: &[(&str, &[&str])] = &[
    ("k8s.namespace.name", &["K8S_POD_NAMESPACE", "POD_NAMESPACE", "NAMESPACE"]),
    ("k8s.pod.name", &["K8S_POD_NAME", "POD_NAME"]),
    ("k8s.pod.uid", &["K8S_POD_UID", "POD_UID"]),
    ("k8s.pod.ip", &["K8S_POD_IP", "POD_IP"]),
    ("k8s.node.name", &["K8S_NODE_NAME", "NODE_NAME"]),
    ("k8s.container.name", &["K8S_CONTAINER_NAME", "CONTAINER_NAME"]),
];

/// Attributes by their names. All are text.
pub(crate) type Resource = Sorted<String>;

/// The attributes of this process. What the user says in `OTEL_RESOURCE_ATTRIBUTES` wins over what is found out here, and
/// `OTEL_SERVICE_NAME` over that.
pub(crate) fn resource(about: &About, settings: &OtelSettings, environment: &Environment) -> Resource {
    let in_kubernetes = environment.text("KUBERNETES_SERVICE_HOST").is_some();
    let kubernetes = KUBERNETES.iter().filter(|_| in_kubernetes).filter_map(|(attribute, variables)| {
        let text = variables.iter().find_map(|name| environment.text(name))?;
        Some(((*attribute).to_owned(), text.to_owned()))
    });
    let name = if about.name.is_empty() { "unknown_service" } else { about.name };
    let known = [
        ("service.name", name),
        ("service.version", about.version),
        ("telemetry.sdk.language", "rust"),
        // The conventions want another name than theirs where it is not their SDK.
        ("telemetry.sdk.name", "seaworthy"),
        ("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
    ];
    let mut resource: Resource = known.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    resource.extend(kubernetes);
    resource.extend(settings.resource_attributes.clone());
    resource.extend(settings.service_name.iter().map(|name| ("service.name".to_owned(), name.clone())));
    if !resource.contains("service.instance.id") {
        resource.insert("service.instance.id".to_owned(), instance_id(&resource));
    }
    resource
}

/// `<namespace>.<pod>.<container>` where all three are known, which the OpenTelemetry operator uses too; else random.
fn instance_id(resource: &Resource) -> String {
    let part = |name| resource.get(name);
    match (part("k8s.namespace.name"), part("k8s.pod.name"), part("k8s.container.name")) {
        (Some(namespace), Some(pod), Some(container)) => format!("{namespace}.{pod}.{container}"),
        _ => random_uuid(),
    }
}

/// A UUID of version 4, from the generator that makes trace ids.
fn random_uuid() -> String {
    let mut bytes = new_trace_id().to_be_bytes();
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = format!("{:032x}", u128::from_be_bytes(bytes));
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About = About { name: "greeter", version: "1.2.3", description: "" };

    fn attributes(variables: &[(&str, &str)]) -> Vec<(String, String)> {
        let environment: Environment = variables.iter().copied().collect();
        let (settings, warnings) = OtelSettings::read(&environment);
        assert_eq!(warnings, Vec::<String>::new());
        resource(&ABOUT, &settings, &environment).into_iter().collect()
    }

    fn one(variables: &[(&str, &str)], name: &str) -> Option<String> {
        attributes(variables).into_iter().find_map(|(key, value)| (key == name).then_some(value))
    }

    #[test]
    fn the_name_is_the_variable_then_the_attribute_then_the_package() {
        let attribute = ("OTEL_RESOURCE_ATTRIBUTES", "service.name=attribute");
        let variable = ("OTEL_SERVICE_NAME", "variable");
        assert_eq!(one(&[], "service.name").unwrap(), "greeter");
        assert_eq!(one(&[attribute], "service.name").unwrap(), "attribute");
        assert_eq!(one(&[attribute, variable], "service.name").unwrap(), "variable");
        assert_eq!(one(&[("OTEL_SERVICE_NAME", "")], "service.name").unwrap(), "greeter");
    }

    #[test]
    fn the_instance_is_the_container_in_kubernetes() {
        let pod = [
            ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
            ("POD_NAMESPACE", "shop"),
            ("POD_NAME", "greeter-7d9"),
            ("CONTAINER_NAME", "main"),
        ];
        assert_eq!(one(&pod, "service.instance.id").unwrap(), "shop.greeter-7d9.main");
        assert_eq!(one(&pod, "k8s.pod.name").unwrap(), "greeter-7d9");
        assert_eq!(one(&pod, "k8s.namespace.name").unwrap(), "shop");
        assert_eq!(one(&pod, "k8s.container.name").unwrap(), "main");
    }

    #[test]
    fn the_instance_is_a_uuid_elsewhere() {
        let pod = ("POD_NAME", "greeter-7d9");
        assert_eq!(one(&[pod], "k8s.pod.name"), None);
        let id = one(&[pod], "service.instance.id").unwrap();
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(&id[14..15], "4");
        assert_ne!(one(&[], "service.instance.id").unwrap(), id);
    }

    #[test]
    fn attributes_are_decoded_and_win() {
        let variables =
            [("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=prod, team=a%2Cb ,service.version=9")];
        assert_eq!(one(&variables, "team").unwrap(), "a,b");
        assert_eq!(one(&variables, "deployment.environment.name").unwrap(), "prod");
        assert_eq!(one(&variables, "service.version").unwrap(), "9");
        assert_eq!(one(&[], "service.version").unwrap(), "1.2.3");
        assert_eq!(one(&[], "telemetry.sdk.language").unwrap(), "rust");
        assert_eq!(one(&[], "deployment.environment.name"), None);
    }
}
