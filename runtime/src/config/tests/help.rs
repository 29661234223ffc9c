use std::time::Duration;

use url::Url;

use super::*;
use crate::{
    Secret,
    config::{Value, Values, Variable, report::WIDTH},
};

struct Greeter;

impl Config for Greeter {
    const VARIABLES: &'static [Variable] = &[
        Variable::new::<String>(
            "GREETING",
            " How the greeting starts.\n It is followed by a comma, by the name, and by whatever else is polite at this time of day.\n\n Not shown.",
        )
        .default("Hello"),
        Variable::new::<Secret<Url>>("REDIS_URL", "Where sessions are kept."),
        Variable::new::<Option<u8>>("A_NAME_THAT_IS_LONGER_THAN_OTHERS", ""),
        Variable::new::<Duration>("EXPIRY", "How long sessions are kept.")
            .default_value(|| Value::new::<Duration>(Duration::from_secs(3))),
        Variable::new::<Secret<String>>("TOKEN", "").default("hunter2"),
    ];

    fn build(_: &mut Values) -> Self {
        Self
    }
}

const EXTRA: &[ExtraRow] = &[
    ExtraRow { name: "RUST_LOG", about: "What is logged.", default: "info" },
    ExtraRow { name: "OTEL_SERVICE_NAME", about: "What the service is called in traces.", default: "" },
];

#[test]
fn the_table_reads_like_this() {
    let table = table::<Greeter>(&[], EXTRA);
    let start = "\
Variables of the service:
  GREETING             How the greeting starts. It is followed by a comma, by the name, and by
                       whatever else is polite at this time of day.
                       [text; default: Hello]
  REDIS_URL            Where sessions are kept.
                       [URL; secret; required]
  A_NAME_THAT_IS_LONGER_THAN_OTHERS
                       [number from 0 to 255; optional]
  EXPIRY               How long sessions are kept.
                       [duration, such as 30s; default: set in the code]
  TOKEN                [text; secret; default: set in the code, not shown]

Variables of the runtime:
  HTTP_ADDR            Where requests are served.
                       [address and port, such as 0.0.0.0:8080; default: 0.0.0.0:8080]
";
    let end = "
  RUST_LOG             What is logged.
                       [default: info]
  OTEL_SERVICE_NAME    What the service is called in traces.

An empty variable counts as not set. Instead of `NAME`, set `NAME_FILE` to the path of a file that
holds the value, such as a mounted secret.
";
    assert!(table.starts_with(start), "{table}");
    assert!(table.ends_with(end), "{table}");
    assert!(table.contains("default: 5s in Kubernetes, else 0s]"), "{table}");
    assert!(table.contains("[one of: json, text; default: text on a terminal, else json]"), "{table}");
}

#[test]
fn the_table_is_at_most_100_columns_wide() {
    for line in table::<Greeter>(&[], EXTRA).lines() {
        assert!(line.chars().count() <= WIDTH, "{line}");
    }
}

#[test]
fn a_service_that_reads_nothing_has_the_settings_alone() {
    assert!(table::<()>(&[], &[]).starts_with("Variables of the runtime:\n  HTTP_ADDR"));
}

#[test]
fn a_services_own_defaults_of_settings_are_shown() {
    let table = table::<()>(&[("LAME_DUCK", "7s"), ("DRAIN_TIMEOUT", "20s")], &[]);
    assert!(table.contains("default: 7s in Kubernetes, else 0s]") && table.contains("default: 20s]"), "{table}");
    assert!(!table.contains("5s in Kubernetes") && !table.contains("default: 15s]"), "{table}");
}
