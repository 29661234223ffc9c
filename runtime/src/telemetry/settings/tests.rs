use super::*;

fn read(variables: &[(&str, &str)]) -> (OtelSettings, Vec<String>) {
    OtelSettings::read(&variables.iter().copied().collect())
}

fn exporter(variables: &[(&str, &str)]) -> ExporterSettings {
    let (settings, warnings) = read(variables);
    assert_eq!(warnings, Vec::<String>::new());
    settings.exporter.unwrap()
}

#[test]
fn without_an_endpoint_nothing_is_exported() {
    let (settings, warnings) = read(&[]);
    assert!(settings.exporter.is_none());
    assert_eq!(settings.sampler, SamplerChoice::ParentBasedAlwaysOn);
    assert_eq!(settings.propagators, [Propagator::TraceContext, Propagator::Baggage]);
    assert!(warnings.is_empty());
}

#[test]
fn the_endpoint_of_all_signals_gets_the_path_of_traces() {
    for endpoint in ["http://c:4318", "http://c:4318/", "c:4318"] {
        assert_eq!(exporter(&[("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)]).endpoint, "http://c:4318/v1/traces");
    }
    let own = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1/as/it/is"),
    ];
    assert_eq!(exporter(&own).endpoint, "http://t:1/as/it/is");
    assert_eq!(exporter(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://t:1")]).endpoint, "http://t:1/");
    let query = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318/a/?key=b/c")];
    assert_eq!(exporter(&query).endpoint, "http://c:4318/a/v1/traces?key=b/c");
    let grpc = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
    assert_eq!(exporter(&grpc).endpoint, "http://c:4317/");
    assert_eq!(exporter(&grpc).protocol, Protocol::Grpc);
}

#[test]
fn the_defaults_are_those_of_the_specification() {
    let exporter = exporter(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")]);
    assert_eq!(exporter.protocol, Protocol::HttpProtobuf);
    assert_eq!(exporter.timeout, Duration::from_secs(10));
    assert_eq!(
        exporter.batch,
        BatchSettings {
            schedule_delay: Duration::from_secs(5),
            max_queue_size: 2048,
            max_export_batch_size: 512,
            export_timeout: Duration::from_secs(30),
        }
    );
}

#[test]
fn headers_are_decoded_and_not_shown() {
    let exporter = exporter(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://user:pass@c:4318?key=secret"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=a%20b,x=1"),
    ]);
    assert_eq!(exporter.headers["api-key"], "a b");
    assert_eq!(exporter.headers["x"], "1");
    assert!(!exporter.shown_endpoint().contains("pass"));
    assert!(!exporter.shown_endpoint().contains("secret"));
}

#[test]
fn those_of_traces_come_before_those_of_all_signals() {
    let mut variables = vec![("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")];
    for (name, all, traces) in [
        ("PROTOCOL", "http/protobuf", "gRPC"),
        ("HEADERS", "a=1,b=1", "a=2"),
        ("COMPRESSION", "none", "GZIP"),
        ("TIMEOUT", "1000", "2000"),
        ("CERTIFICATE", "all/ca", "traces/ca"),
        ("CLIENT_CERTIFICATE", "all/cert", "traces/cert"),
        ("CLIENT_KEY", "all/key", "traces/key"),
    ] {
        for (form, value) in [("", all), ("TRACES_", traces)] {
            variables.push((format!("OTEL_EXPORTER_OTLP_{form}{name}").leak(), value));
        }
    }
    let both = exporter(&variables);
    assert_eq!((both.protocol, both.compression), (Protocol::Grpc, Compression::Gzip));
    assert_eq!((&both.headers["a"], both.headers.len()), (&"2".parse().unwrap(), 1));
    assert_eq!(both.timeout, Duration::from_secs(2));
    let paths = |tls: &TlsSettings| {
        let (certificate, key) = tls.identity.as_ref().unwrap();
        [tls.certificate.as_ref().unwrap(), certificate, key].map(|file| file.path.display().to_string())
    };
    assert_eq!(paths(&both.tls), ["traces/ca", "traces/cert", "traces/key"]);
    assert_eq!(both.tls.certificate.unwrap().variable, "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE");

    // One that is empty, or nothing but spaces, is unset.
    for (name, value) in variables.iter_mut().filter(|(name, _)| name.contains("TRACES")) {
        *value = if name.contains("HEADERS") { " " } else { "" };
    }
    let all = exporter(&variables);
    assert_eq!((all.protocol, all.compression), (Protocol::HttpProtobuf, Compression::None));
    assert_eq!((&all.headers["a"], all.headers.len()), (&"1".parse().unwrap(), 2));
    assert_eq!(all.timeout, Duration::from_secs(1));
    assert_eq!(paths(&all.tls), ["all/ca", "all/cert", "all/key"]);
}

#[test]
fn a_time_of_zero_is_no_delay_and_no_limit() {
    let exporter = exporter(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "0"),
        ("OTEL_BSP_SCHEDULE_DELAY", "0"),
    ]);
    assert!(exporter.timeout > Duration::from_secs(1_000_000));
    assert!(exporter.batch.export_timeout > Duration::from_secs(1_000_000));
    assert_eq!(exporter.batch.schedule_delay, Duration::ZERO);
}

#[test]
fn grpc_without_a_scheme_is_secure_unless_it_is_said_not_to_be() {
    let read = |more: &[(&str, &str)]| {
        let endpoint = [("OTEL_EXPORTER_OTLP_ENDPOINT", "c:4317"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
        let (settings, warnings) = read(&[&endpoint, more].concat());
        assert_eq!(warnings.is_empty(), settings.exporter.is_some());
        settings.exporter.map_or(warnings.concat(), |exporter| exporter.endpoint.to_string())
    };
    let is_secure = if cfg!(feature = "tls") { "https://c:4317/" } else { "write `http://` before it" };
    for secure in [&[][..], &[("OTEL_EXPORTER_OTLP_INSECURE", "false")]] {
        assert!(read(secure).contains(is_secure));
    }
    for insecure in ["OTEL_EXPORTER_OTLP_INSECURE", "OTEL_EXPORTER_OTLP_TRACES_INSECURE"] {
        assert_eq!(read(&[(insecure, "true")]), "http://c:4317/");
    }
}

#[test]
fn https_is_for_builds_with_tls() {
    let checked = super::exporter::checked;
    for had_scheme in [true, false] {
        assert_eq!(checked("https://c:4318/", had_scheme, true).unwrap(), "https://c:4318/");
        let why = checked("https://c:4318/", had_scheme, false).unwrap_err();
        assert!(why.contains("enable the feature `tls` of seaworthy"), "{why}");
        assert_eq!(why.contains("write `http://` before it"), !had_scheme, "{why}");
    }
    let (settings, warnings) = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c:4318")]);
    assert_eq!(settings.exporter.is_some(), cfg!(feature = "tls"));
    assert_eq!(warnings.len(), usize::from(!cfg!(feature = "tls")));
}

#[test]
fn disabled_exports_nothing_and_passes_decisions_on() {
    let (settings, _) = read(&[("OTEL_SDK_DISABLED", "TRUE"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318")]);
    assert!(settings.exporter.is_none());
    assert_eq!(settings.sampler, SamplerChoice::ParentBasedAlwaysOff);
}

#[test]
fn samplers() {
    for (text, argument, expected) in [
        ("always_on", "", SamplerChoice::AlwaysOn),
        ("Always_Off", "", SamplerChoice::AlwaysOff),
        ("traceidratio", "0.25", SamplerChoice::Ratio(0.25)),
        ("traceidratio", "", SamplerChoice::Ratio(1.0)),
        ("parentbased_always_on", "", SamplerChoice::ParentBasedAlwaysOn),
        ("parentbased_always_off", "", SamplerChoice::ParentBasedAlwaysOff),
        ("parentbased_traceidratio", "0.1", SamplerChoice::ParentBasedRatio(0.1)),
    ] {
        let (settings, warnings) = read(&[("OTEL_TRACES_SAMPLER", text), ("OTEL_TRACES_SAMPLER_ARG", argument)]);
        assert_eq!(settings.sampler, expected);
        assert_eq!(warnings, Vec::<String>::new());
    }
}

#[test]
fn a_bad_value_is_one_warning_and_the_default() {
    for (name, value) in [
        ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_PROPAGATORS", "b3"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_EXPORTER", "zipkin"),
        ("OTEL_RESOURCE_ATTRIBUTES", "a"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "unix:///run/otlp"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://c"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://c"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a b"),
    ] {
        let (settings, warnings) = read(&[(name, value)]);
        assert_eq!(warnings.len(), 1, "{name}={value}: {warnings:?}");
        assert!(warnings[0].contains(name), "{warnings:?}");
        assert!(settings.exporter.is_none());
    }
    for (name, value) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "-1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a\nb=1"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=%0A"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "key"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "Content-Length=1"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "=1"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "deflate"),
        ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/etc/key.pem"),
        ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/etc/cert.pem"),
        ("OTEL_BSP_SCHEDULE_DELAY", "-1"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4096"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "never"),
    ] {
        let (settings, warnings) = read(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://c:4318"), (name, value)]);
        assert_eq!(warnings.len(), 1, "{name}={value}: {warnings:?}");
        assert!(warnings[0].contains(name), "{warnings:?}");
        assert!(settings.exporter.is_some());
    }
    let (settings, warnings) = read(&[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")]);
    assert_eq!(settings.sampler, SamplerChoice::Ratio(1.0));
    assert_eq!(warnings.len(), 1);
}

#[test]
fn no_propagators() {
    let (settings, warnings) = read(&[("OTEL_PROPAGATORS", "none")]);
    assert!(settings.propagators.is_empty());
    assert!(warnings.is_empty());
}
