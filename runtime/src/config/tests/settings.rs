use super::*;

fn read<const N: usize>(variables: [(&str, &str); N]) -> Result<Settings, Report> {
    Settings::read(&Environment::from_iter(variables))
}

#[track_caller]
fn report<const N: usize>(variables: [(&str, &str); N]) -> String {
    read(variables).expect_err("it is invalid").to_string()
}

#[test]
fn nothing_has_to_be_set() {
    let settings = Settings::default();
    assert_eq!(settings.http_addr, "0.0.0.0:8080".parse().unwrap());
    assert_eq!(settings.admin_addr, "0.0.0.0:9090".parse().unwrap());
    assert_eq!(settings.log_format, None);
    assert_eq!(settings.access_log, AccessLog::All);
    assert_eq!(settings.request_timeout, Duration::from_secs(30));
    assert_eq!(settings.request_body_limit, 2 << 20);
    assert_eq!(settings.header_read_timeout, Duration::from_secs(10));
    assert_eq!(settings.max_connections, 10_000);
    assert_eq!(settings.max_in_flight, 10_000);
    assert_eq!(settings.lame_duck, Duration::ZERO);
    assert_eq!(settings.drain_timeout, Duration::from_secs(15));
    assert_eq!(settings.termination_grace, Duration::from_secs(30));
}

#[test]
fn each_can_be_set() {
    let settings = read([
        ("HTTP_ADDR", "127.0.0.1:1"),
        ("ADMIN_ADDR", "[::1]:2"),
        ("LOG_FORMAT", "JSON"),
        ("ACCESS_LOG", "errors"),
        ("REQUEST_TIMEOUT", "1s"),
        ("REQUEST_BODY_LIMIT", "1kB"),
        ("HEADER_READ_TIMEOUT", "2s"),
        ("MAX_CONNECTIONS", "3"),
        ("MAX_IN_FLIGHT", "4"),
        ("LAME_DUCK", "1s"),
        ("DRAIN_TIMEOUT", "500ms"),
        ("TERMINATION_GRACE", "10s"),
    ])
    .unwrap();
    assert_eq!(settings.http_addr, "127.0.0.1:1".parse().unwrap());
    assert_eq!(settings.admin_addr, "[::1]:2".parse().unwrap());
    assert_eq!(settings.log_format, Some(LogFormat::Json));
    assert_eq!(settings.access_log, AccessLog::Errors);
    assert_eq!(settings.request_timeout, Duration::from_secs(1));
    assert_eq!(settings.request_body_limit, 1000);
    assert_eq!(settings.header_read_timeout, Duration::from_secs(2));
    assert_eq!((settings.max_connections, settings.max_in_flight), (3, 4));
    assert_eq!(settings.lame_duck, Duration::from_secs(1));
    assert_eq!(settings.drain_timeout, Duration::from_millis(500));
    assert_eq!(settings.termination_grace, Duration::from_secs(10));
}

#[test]
fn the_lame_duck_is_5s_in_kubernetes_unless_it_is_set() {
    let in_kubernetes = ("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    assert_eq!(read([in_kubernetes]).unwrap().lame_duck, Duration::from_secs(5));
    let set = read([in_kubernetes, ("LAME_DUCK", "0s")]).unwrap();
    assert_eq!(set.lame_duck, Duration::ZERO);
}

#[test]
fn a_service_has_defaults_of_its_own() {
    const DEFAULTS: &[(&str, &str)] =
        &[("LAME_DUCK", "7s"), ("DRAIN_TIMEOUT", "20s"), ("TERMINATION_GRACE", "40s"), ("REQUEST_TIMEOUT", "19s")];
    let of = |variables: &[(&str, &str)]| load::<()>(&variables.iter().copied().collect(), DEFAULTS).unwrap().settings;
    let in_kubernetes = ("KUBERNETES_SERVICE_HOST", "10.0.0.1");
    let settings = of(&[in_kubernetes]);
    let times = [settings.lame_duck, settings.drain_timeout, settings.termination_grace, settings.request_timeout];
    assert_eq!(times.map(|time| time.as_secs()), [7, 20, 40, 19]);
    assert_eq!(of(&[]).lame_duck, Duration::ZERO);
    let set = of(&[in_kubernetes, ("LAME_DUCK", "1s"), ("DRAIN_TIMEOUT", "2s")]);
    assert_eq!([set.lame_duck, set.drain_timeout].map(|time| time.as_secs()), [1, 2]);
}

#[test]
fn the_defaults_fit_into_the_grace_of_kubernetes() {
    let settings = read([("KUBERNETES_SERVICE_HOST", "10.0.0.1")]).unwrap();
    assert_eq!(settings.longest_shutdown(), Duration::from_secs(28));
}

#[test]
fn a_drain_that_does_not_fit_is_told_with_its_arithmetic() {
    assert_eq!(
        report([("KUBERNETES_SERVICE_HOST", "10.0.0.1"), ("DRAIN_TIMEOUT", "60s")]),
        "\
The configuration has 1 problem.

  1. a shutdown may take 73s, but `TERMINATION_GRACE` is 30s
     why        Kubernetes kills the process in the middle of its shutdown, and requests are lost:
                  LAME_DUCK                 5s
                  DRAIN_TIMEOUT            60s
                  cancelling requests       2s
                  closing                   3s
                  flushing telemetry        3s
                  together                 73s
                  TERMINATION_GRACE        30s
     help       set `TERMINATION_GRACE=73s` here and `terminationGracePeriodSeconds: 73` in the
                pod's spec
     help       or set `DRAIN_TIMEOUT=17s`

Start with `--help` to see every variable."
    );
}

#[test]
fn a_budget_that_fits_exactly_is_taken() {
    read([("DRAIN_TIMEOUT", "22s")]).unwrap();
    let over = report([("DRAIN_TIMEOUT", "22001ms")]);
    assert!(over.contains("`TERMINATION_GRACE=31s`"), "{over}");
    let short = report([("TERMINATION_GRACE", "5s")]);
    assert!(!short.contains("or set"), "{short}");
    read([("DRAIN_TIMEOUT", "36500d"), ("LAME_DUCK", "36500d")]).unwrap_err();
}

#[test]
fn zero_is_refused_where_it_makes_no_sense() {
    for name in ["REQUEST_TIMEOUT", "HEADER_READ_TIMEOUT"] {
        let report = report([(name, "0s")]);
        assert!(report.contains(&format!("1. `{name}` is zero")), "{report}");
    }
    for name in ["MAX_CONNECTIONS", "MAX_IN_FLIGHT"] {
        let report = report([(name, "0")]);
        assert!(report.contains("expected   a number from 1 to 4294967295"), "{report}");
    }
    read([("DRAIN_TIMEOUT", "0s"), ("LAME_DUCK", "0s"), ("REQUEST_BODY_LIMIT", "0")]).unwrap();
}

#[test]
fn two_listeners_on_one_address_are_refused() {
    for (http, admin) in
        [("0.0.0.0:9090", "0.0.0.0:9090"), ("127.0.0.1:9090", "0.0.0.0:9090"), ("[::]:80", "0.0.0.0:80")]
    {
        let report = report([("HTTP_ADDR", http), ("ADMIN_ADDR", admin)]);
        assert!(report.contains("`HTTP_ADDR` and `ADMIN_ADDR` are the same address"), "{report}");
    }
    read([("HTTP_ADDR", "127.0.0.1:0"), ("ADMIN_ADDR", "127.0.0.1:0")]).unwrap();
    read([("HTTP_ADDR", "127.0.0.1:80"), ("ADMIN_ADDR", "127.0.0.2:80")]).unwrap();
}

#[test]
fn what_could_not_be_read_is_reported_once() {
    let report = report([
        ("HTTP_ADDR", "9090"),
        ("ADMIN_ADDR", "0.0.0.0:8080"),
        ("DRAIN_TIMEOUT", "60"),
        ("LAME_DUCK", "60s"),
        ("REQUEST_TIMEOUT", "0s"),
    ]);
    assert!(report.starts_with("The configuration has 3 problems."), "{report}");
    assert!(report.contains("write `HTTP_ADDR=0.0.0.0:9090`"), "{report}");
}
