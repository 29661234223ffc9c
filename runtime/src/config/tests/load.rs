use std::{collections::BTreeMap, net::IpAddr, time::Duration};

use serde::Deserialize;
use url::Url;

use super::*;
use crate::{
    Secret,
    config::{ByteSize, Variable},
};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Tone {
    Polite,
    Rude,
}

/// One variable of each type.
#[derive(Debug)]
struct Greeter {
    greeting: String,
    redis_url: Secret<Url>,
    tone: Tone,
    expiry: Duration,
    cache: ByteSize,
    workers: u8,
    ratio: f64,
    verbose: bool,
    upstreams: Vec<Url>,
    weights: BTreeMap<String, u8>,
    peer: Option<IpAddr>,
    redis_port: u16,
}

impl Config for Greeter {
    const VARIABLES: &'static [Variable] = &[
        Variable::new::<String>("GREETING", "How the greeting starts.").default("Hello"),
        Variable::new::<Secret<Url>>("REDIS_URL", "Where sessions are kept."),
        Variable::new::<Tone>("TONE", "How polite it is.").default("polite"),
        Variable::new::<Duration>("EXPIRY", "How long sessions live.")
            .default_value(|| Value::new::<Duration>(Duration::from_secs(3))),
        Variable::new::<ByteSize>("CACHE", "How large the cache may be.").default("1MiB"),
        Variable::new::<u8>("WORKERS", "How many work.").default("4"),
        Variable::new::<f64>("RATIO", "How much is sampled.").default("0.5"),
        Variable::new::<bool>("VERBOSE", "Whether it says more.").default("off"),
        Variable::new::<Vec<Url>>("UPSTREAMS", "Who else greets.").default(""),
        Variable::new::<BTreeMap<String, u8>>("WEIGHTS", "Who counts how much.").default(""),
        Variable::new::<Option<IpAddr>>("PEER", "Who is next."),
        Variable::new::<u16>("REDIS_PORT", "The port of Redis.").default("6379"),
    ];

    fn build(values: &mut Values) -> Self {
        Self {
            greeting: values.take("GREETING"),
            redis_url: values.take("REDIS_URL"),
            tone: values.take("TONE"),
            expiry: values.take("EXPIRY"),
            cache: values.take("CACHE"),
            workers: values.take("WORKERS"),
            ratio: values.take("RATIO"),
            verbose: values.take("VERBOSE"),
            upstreams: values.take("UPSTREAMS"),
            weights: values.take("WEIGHTS"),
            peer: values.take("PEER"),
            redis_port: values.take("REDIS_PORT"),
        }
    }
}

const URL: (&str, &str) = ("REDIS_URL", "redis://cache");

fn loaded<C: Config>(variables: &[(&str, &str)]) -> Result<Loaded<C>, String> {
    load::<C>(&variables.iter().copied().collect(), &[]).map_err(|report| report.to_string())
}

#[track_caller]
fn report<C: Config>(variables: &[(&str, &str)]) -> String {
    match loaded::<C>(variables) {
        Ok(_) => panic!("it is valid"),
        Err(report) => report,
    }
}

#[test]
fn defaults_stand_in_for_what_is_not_set() {
    let config: Greeter = loaded(&[URL, ("WORKERS", "")]).unwrap().config;
    assert_eq!(config.greeting, "Hello");
    assert_eq!(config.redis_url.expose().as_str(), "redis://cache");
    assert_eq!(config.tone, Tone::Polite);
    assert_eq!(config.expiry, Duration::from_secs(3));
    assert_eq!(config.cache.bytes(), 1 << 20);
    assert_eq!((config.workers, config.ratio, config.verbose), (4, 0.5, false));
    assert_eq!(config.upstreams, []);
    assert_eq!(config.weights, BTreeMap::new());
    assert_eq!((config.peer, config.redis_port), (None, 6379));
}

#[test]
fn what_is_set_is_taken() {
    let config: Greeter = loaded(&[
        URL,
        ("GREETING", "123"),
        ("TONE", "rude"),
        ("EXPIRY", "5m"),
        ("UPSTREAMS", "http://a/,http://b/"),
        ("WEIGHTS", "a=1,b=2"),
        ("PEER", "::1"),
        ("REDIS_PORT", "1"),
    ])
    .unwrap()
    .config;
    assert_eq!(config.greeting, "123");
    assert_eq!(config.tone, Tone::Rude);
    assert_eq!(config.expiry, Duration::from_secs(300));
    assert_eq!(config.upstreams.len(), 2);
    assert_eq!(config.weights["b"], 2);
    assert_eq!(config.peer, Some("::1".parse().unwrap()));
    assert_eq!(config.redis_port, 1);
}

#[test]
fn every_problem_is_in_one_report() {
    let report = report::<Greeter>(&[
        ("REDIS_ULR", "redis://cache"),
        ("TONE", "polit"),
        ("EXPIRY", "30"),
        ("CACHE", "1.5MiB"),
        ("WORKERS", "1,000"),
        ("RATIO", "half"),
        ("VERBOSE", "maybe"),
        ("UPSTREAMS", "http://a/,b"),
        ("WEIGHTS", "a=1,b=300"),
        ("PEER", "localhost"),
        ("REDIS_PORT", "tcp://10.0.0.1:6379"),
        ("HTTP_ADDR", ":8080"),
        ("ACCES_LOG", "off"),
    ]);
    assert_eq!(
        report,
        "\
The configuration has 12 problems.

  1. `REDIS_URL` is not set
     Where sessions are kept.
     expected   a URL (a secret, which is not shown)
     found      `REDIS_ULR` is set, but nothing reads it: did you mean `REDIS_URL`?
     help       set `REDIS_URL`, or set `REDIS_URL_FILE` to the path of a file that holds the value

  2. `TONE` is not valid
     How polite it is.
     expected   one of: polite, rude
     found      `polit`
     read from  the environment variable `TONE`
     help       did you mean `TONE=polite`?

  3. `EXPIRY` is not valid
     How long sessions live.
     expected   a duration, such as 30s
     found      `30`
     read from  the environment variable `EXPIRY`
     why        `30` has no unit: write `30s` for seconds, `30ms` for milliseconds

  4. `CACHE` is not valid
     How large the cache may be.
     expected   a size, such as 2MiB
     found      `1.5MiB`
     read from  the environment variable `CACHE`
     why        it has a fraction: write `1536MiB` for 1.5 GiB

  5. `WORKERS` is not valid
     How many work.
     expected   a number from 0 to 255
     found      `1,000`
     read from  the environment variable `WORKERS`
     help       write digits alone: `WORKERS=1000`

  6. `RATIO` is not valid
     How much is sampled.
     expected   a number, such as 0.5
     found      `half`
     read from  the environment variable `RATIO`

  7. `VERBOSE` is not valid
     Whether it says more.
     expected   true or false
     found      `maybe`
     read from  the environment variable `VERBOSE`

  8. `UPSTREAMS` is not valid
     Who else greets.
     expected   a list with commas, each a URL
     found      `http://a/,b`
     read from  the environment variable `UPSTREAMS`
     why        item 2 is `b`: it does not start with a scheme, such as `https://`

  9. `WEIGHTS` is not valid
     Who counts how much.
     expected   pairs, such as a=x,b=y, each value a number from 0 to 255
     found      `a=1,b=300`
     read from  the environment variable `WEIGHTS`
     why        `b` is `300`

 10. `PEER` is not valid
     Who is next.
     expected   an IP address
     found      `localhost`
     read from  the environment variable `PEER`

 11. `REDIS_PORT` is not valid
     The port of Redis.
     expected   a number from 0 to 65535
     found      `tcp://10.0.0.1:6379`
     read from  the environment variable `REDIS_PORT`
     why        Kubernetes sets it in every pod, because there is a Service named `redis` in the
                namespace (a service link); nobody configured it
     help       write `enableServiceLinks: false` in the pod's spec, or set `REDIS_PORT` there,
                which takes precedence, or read another variable, with `#[config(env = \"..\")]` on
                the field

 12. `HTTP_ADDR` is not valid
     Where requests are served.
     expected   an address and port, such as 0.0.0.0:8080
     found      `:8080`
     read from  the environment variable `HTTP_ADDR`
     help       write `HTTP_ADDR=0.0.0.0:8080`

Also:
  - `ACCES_LOG` is set, but nothing reads it: did you mean `ACCESS_LOG`?

Start with `--help` to see every variable."
    );
}

#[test]
fn a_secret_is_in_no_report() {
    for value in ["hunter2", " hunter2", "\"hunter2\"", "$(hunter2)", "redis://:hunter2@cache:70000"] {
        let report = report::<Greeter>(&[("REDIS_URL", value)]);
        assert!(!report.contains("hunter2"), "{report}");
        assert!(report.contains("expected   a URL (a secret, which is not shown)"), "{report}");
    }
    let quoted = report::<Greeter>(&[("REDIS_URL", "\"hunter2\"")]);
    assert!(quoted.contains("remove the quotes"), "{quoted}");
}

#[test]
fn a_variable_that_is_there_and_empty_says_so() {
    let report = report::<Greeter>(&[("REDIS_URL", "")]);
    assert!(report.contains("found      the variable is there, but it is empty"), "{report}");
}

#[test]
fn near_misses_are_warned_of_and_nothing_else_is() {
    let warnings = |variables: &[(&str, &str)]| {
        let set = [&[URL], variables].concat();
        loaded::<Greeter>(&set).unwrap().warnings
    };
    assert_eq!(
        warnings(&[("HTTP_ADRR", "x"), ("EXPIRY_FIEL", "x"), ("http_addr", "x")]),
        [
            "`EXPIRY_FIEL` is set, but nothing reads it: did you mean `EXPIRY_FILE`?",
            "`HTTP_ADRR` is set, but nothing reads it: did you mean `HTTP_ADDR`?",
            "`http_addr` is set, but nothing reads it: did you mean `HTTP_ADDR`?",
        ]
    );
    for (name, value) in [
        ("PATH", "/bin"),
        ("HOST", "x"),
        ("RUST_LOG", "info"),
        ("OTEL_SERVICE_NAME", "x"),
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("REDIS_PORT_6379_TCP_ADDR", "10.0.0.1"),
        ("WORKER", ""),
    ] {
        assert_eq!(warnings(&[(name, value)]), [""; 0], "{name}");
    }
    // What was meant is set, so it is something else.
    assert_eq!(warnings(&[("HTTP_ADDR", "0.0.0.0:1"), ("HTTP_ADRR", "x")]), [""; 0]);
}

/// A configuration with a prefix.
struct Prefixed;

impl Config for Prefixed {
    const PREFIX: &'static str = "SHOP_";
    const VARIABLES: &'static [Variable] = &[Variable::new::<u8>("SHOP_LIMIT", "How many.").default("1")];

    fn build(_: &mut Values) -> Self {
        Self
    }
}

#[test]
fn with_a_prefix_every_unknown_variable_is_warned_of() {
    let set = [
        ("SHOP_LIMTI", "1"),
        ("SHOP_COLOUR", "red"),
        ("SHOP_PORT", "tcp://10.0.0.1:80"),
        ("SHOP_SERVICE_HOST", "10.0.0.1"),
        ("SHOP_EMPTY", ""),
        ("SHOPPING", "1"),
    ];
    assert_eq!(
        loaded::<Prefixed>(&set).unwrap().warnings,
        [
            "`SHOP_COLOUR` is set, but nothing reads it; `--help` shows every variable",
            "`SHOP_LIMTI` is set, but nothing reads it: did you mean `SHOP_LIMIT`?",
        ]
    );
}

/// A configuration that a programmer got wrong in each way there is.
#[derive(Debug)]
struct Wrong;

impl Config for Wrong {
    const VARIABLES: &'static [Variable] = &[
        Variable::new::<Duration>("DELAY", "How long it waits.").default("soon"),
        Variable::new::<u16>("COUNT", "How often.").default_value(|| Value::new(17)),
        Variable::new::<u16>("LIMIT", "How many.").default("1"),
        Variable::new::<String>("LIMIT", "How few.").default(""),
        Variable::new::<String>("HTTP_ADDR", "Where.").default("0.0.0.0:80"),
    ];

    fn build(_: &mut Values) -> Self {
        Self
    }
}

#[test]
fn mistakes_in_the_code_are_reported_as_such() {
    let report = report::<Wrong>(&[]);
    for expected in [
        "the default of `DELAY` in the code is not valid",
        "correct `default` of the field in the code; until then, set `DELAY`",
        "the default of `COUNT` in the code is not valid",
        "in the code, write `.default_value(|| Value::new::<u16>(..))`",
        "`LIMIT` is in the code twice",
        "\"How many.\" and \"How few.\"",
        "`HTTP_ADDR` is in the code twice",
        "a field of the configuration has the name of a setting of the runtime",
    ] {
        assert!(report.contains(expected), "{expected} is not in\n{report}");
    }
    let alone = read::<Wrong>(&Environment::default()).unwrap_err();
    assert!(alone.to_string().contains("`HTTP_ADDR` is in the code twice"));
}

#[test]
fn a_file_variable_may_be_a_variable_of_its_own() {
    struct Tls(Option<String>, String);

    impl Config for Tls {
        const VARIABLES: &'static [Variable] =
            &[Variable::new::<Option<String>>("TLS", ""), Variable::new::<String>("TLS_FILE", "")];

        fn build(values: &mut Values) -> Self {
            Self(values.take("TLS"), values.take("TLS_FILE"))
        }
    }

    let tls: Tls = loaded(&[("TLS_FILE", "/nowhere")]).unwrap().config;
    assert_eq!((tls.0, &*tls.1), (None, "/nowhere"));
}

#[test]
fn a_service_that_reads_nothing_needs_nothing() {
    let loaded = loaded::<()>(&[]).unwrap();
    assert_eq!(loaded.settings, Settings::default());
    assert_eq!(loaded.warnings, [""; 0]);
}
