//! What is recorded is what is scraped.

use std::{collections::BTreeSet, sync::Arc, thread};

use metrics::{Key, Label, SharedString, Unit};

use super::cells::Exemplar;
use super::{accept::Format, exposition::render, process, registry::Registry, runtime::Watched};
use crate::telemetry::clock::Moment;

/// Records what the function does, and returns the page.
fn page(format: Format, record: impl FnOnce()) -> String {
    let registry = Registry::new();
    metrics::with_local_recorder(&registry, record);
    render(&registry.families(), format)
}

fn both(record: impl Fn()) -> (String, String) {
    (page(Format::Text, &record), page(Format::OpenMetrics, &record))
}

/// Numbers that look random and are the same each time.
fn numbers(seed: u64) -> impl Iterator<Item = u64> {
    std::iter::successors(Some(seed), |last| {
        let mut next = last ^ (last << 13);
        next ^= next >> 7;
        Some(next ^ (next << 17))
    })
}

#[test]
fn each_kind_in_both_formats() {
    let (text, open_metrics) = both(|| {
        metrics::describe_counter!("orders_created_total", "Orders.");
        metrics::describe_histogram!("db_client_operation_duration_seconds", Unit::Seconds, "Operations.");
        metrics::describe_gauge!("room", Unit::Mebibytes, "Room.");
        metrics::describe_gauge!("never_recorded", "Nothing.");
        metrics::counter!("orders_created_total", "kind" => "b").increment(2);
        metrics::counter!("orders_created_total", "kind" => "a").increment(1);
        metrics::gauge!("room").set(-0.5);
        for seconds in [0.001, 0.002, 0.5, 60.0, f64::NAN] {
            metrics::histogram!("db_client_operation_duration_seconds", "error_type" => "").record(seconds);
        }
        metrics::counter!("not_described").increment(3);
    });
    assert_eq!(
        text,
        r#"# HELP db_client_operation_duration_seconds Operations.
# TYPE db_client_operation_duration_seconds histogram
db_client_operation_duration_seconds_bucket{error_type="",le="0.001"} 1
db_client_operation_duration_seconds_bucket{error_type="",le="0.005"} 2
db_client_operation_duration_seconds_bucket{error_type="",le="0.01"} 2
db_client_operation_duration_seconds_bucket{error_type="",le="0.05"} 2
db_client_operation_duration_seconds_bucket{error_type="",le="0.1"} 2
db_client_operation_duration_seconds_bucket{error_type="",le="0.5"} 3
db_client_operation_duration_seconds_bucket{error_type="",le="1"} 3
db_client_operation_duration_seconds_bucket{error_type="",le="5"} 3
db_client_operation_duration_seconds_bucket{error_type="",le="10"} 3
db_client_operation_duration_seconds_bucket{error_type="",le="+Inf"} 4
db_client_operation_duration_seconds_sum{error_type=""} 60.503
db_client_operation_duration_seconds_count{error_type=""} 4
# TYPE not_described_total counter
not_described_total 3
# HELP orders_created_total Orders.
# TYPE orders_created_total counter
orders_created_total{kind="a"} 1
orders_created_total{kind="b"} 2
# HELP room Room. In mebibytes.
# TYPE room gauge
room -0.5
"#
    );
    assert_eq!(
        open_metrics,
        r#"# HELP db_client_operation_duration_seconds Operations.
# TYPE db_client_operation_duration_seconds histogram
# UNIT db_client_operation_duration_seconds seconds
db_client_operation_duration_seconds_bucket{error_type="",le="0.001"} 1
db_client_operation_duration_seconds_bucket{error_type="",le="0.005"} 2
db_client_operation_duration_seconds_bucket{error_type="",le="0.01"} 2
db_client_operation_duration_seconds_bucket{error_type="",le="0.05"} 2
db_client_operation_duration_seconds_bucket{error_type="",le="0.1"} 2
db_client_operation_duration_seconds_bucket{error_type="",le="0.5"} 3
db_client_operation_duration_seconds_bucket{error_type="",le="1.0"} 3
db_client_operation_duration_seconds_bucket{error_type="",le="5.0"} 3
db_client_operation_duration_seconds_bucket{error_type="",le="10.0"} 3
db_client_operation_duration_seconds_bucket{error_type="",le="+Inf"} 4
db_client_operation_duration_seconds_sum{error_type=""} 60.503
db_client_operation_duration_seconds_count{error_type=""} 4
# TYPE not_described counter
not_described_total 3
# HELP orders_created Orders.
# TYPE orders_created counter
orders_created_total{kind="a"} 1
orders_created_total{kind="b"} 2
# HELP room Room. In mebibytes.
# TYPE room gauge
room -0.5
# EOF
"#
    );
    assert_eq!(page(Format::Text, || {}), "");
    assert_eq!(page(Format::OpenMetrics, || {}), "# EOF\n");
}

#[test]
fn exemplars_are_in_open_metrics_alone() {
    let registry = Registry::new();
    let key = Key::from_static_name("http_server_request_duration_seconds");
    let histogram = registry.histogram(&key).unwrap();
    let at = Moment::now();
    histogram.observe_exemplar(Exemplar { value: 0.07, trace_id: 0x0af7, span_id: 0xb7ad, at });
    histogram.observe_exemplar(Exemplar { value: 0.06, trace_id: 0x1, span_id: 0x2, at });
    histogram.observe(0.3, 1);
    let text = render(&registry.families(), Format::Text);
    assert!(!text.contains("trace_id"), "{text}");
    let open_metrics = render(&registry.families(), Format::OpenMetrics);
    let with: Vec<_> = open_metrics.lines().filter(|line| line.contains('#') && !line.starts_with('#')).collect();
    let [line] = with[..] else { panic!("{open_metrics}") };
    let expected = "http_server_request_duration_seconds_bucket{le=\"0.075\"} 2 # \
                    {trace_id=\"00000000000000000000000000000001\",span_id=\"0000000000000002\"} 0.06 ";
    let time: f64 = line.strip_prefix(expected).unwrap_or_else(|| panic!("{line}")).parse().unwrap();
    assert!(time > 1.7e9, "{line}");
}

#[test]
fn a_sum_that_is_none_is_not_in_open_metrics() {
    let (text, open_metrics) = both(|| {
        metrics::histogram!("x").record(0.5);
        metrics::histogram!("x").record(-2.0);
    });
    assert!(text.ends_with("\nx_bucket{le=\"+Inf\"} 2\nx_sum -1.5\nx_count 2\n"), "{text}");
    assert!(open_metrics.ends_with("\nx_bucket{le=\"+Inf\"} 2\n# EOF\n"), "{open_metrics}");
}

#[test]
fn numbers_are_ones_that_prometheus_reads() {
    let cases = [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (0.1 + 0.2, "0.30000000000000004"),
        (1e18, "1e18"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e308"),
        (f64::NAN, "NaN"),
        (f64::INFINITY, "+Inf"),
        (f64::NEG_INFINITY, "-Inf"),
    ];
    for (value, expected) in cases {
        let text = page(Format::Text, || metrics::gauge!("x").set(value));
        assert_eq!(text, format!("# TYPE x gauge\nx {expected}\n"));
    }
}

/// The value of a label as a scraper reads it.
fn unescaped(text: &str) -> String {
    let mut characters = text.chars();
    let mut value = String::new();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => value.push('\n'),
                Some(escaped @ ('\\' | '"')) => value.push(escaped),
                other => panic!("\\{other:?} in {text}"),
            },
            '"' | '\n' => panic!("{character:?} in {text}"),
            _ => value.push(character),
        }
    }
    value
}

#[test]
fn any_value_of_a_label_comes_back_as_it_was() {
    let alphabet = ['\\', '"', '\n', 'n', ' ', ',', '}', '{', '=', '#', '\r', '\t', '\0', 'é', '🚢', 'a'];
    let mut random = numbers(42);
    for _ in 0..2000 {
        let length = random.next().unwrap() % 12;
        let value: String =
            (0..length).map(|_| alphabet[usize::try_from(random.next().unwrap() % 16).unwrap()]).collect();
        for format in [Format::Text, Format::OpenMetrics] {
            let text = page(format, || metrics::gauge!("x", "a" => value.clone()).set(1));
            let line = text.strip_prefix("# TYPE x gauge\nx{a=\"").unwrap();
            let escaped = line.strip_suffix("\"} 1\n").or_else(|| line.strip_suffix("\"} 1\n# EOF\n")).unwrap();
            assert_eq!(unescaped(escaped), value);
        }
    }
}

#[test]
fn help_is_one_line() {
    let (text, open_metrics) = both(|| {
        metrics::describe_gauge!("x", "a \"b\" \\ c\nd");
        metrics::gauge!("x").set(1);
    });
    assert!(text.starts_with("# HELP x a \"b\" \\\\ c\\nd\n# TYPE"), "{text}");
    assert!(open_metrics.starts_with("# HELP x a \\\"b\\\" \\\\ c\\nd\n# TYPE"), "{open_metrics}");
}

#[test]
fn one_series_whatever_the_order_and_the_names_of_its_labels() {
    let text = page(Format::Text, || {
        for _ in 0..2 {
            metrics::counter!("x.y", "a" => "1", "b.c" => "2").increment(1);
            metrics::counter!("x.y", "b-c" => "2", "a" => "1").increment(1);
            metrics::counter!("x-y_total", "b_c" => "2", "a" => "1", "d" => "").increment(1);
        }
    });
    assert_eq!(text, "# TYPE x_y_total counter\nx_y_total{a=\"1\",b_c=\"2\"} 6\n");
}

#[test]
fn of_two_metrics_with_one_name_the_first_stays() {
    let text = page(Format::Text, || {
        metrics::counter!("x_total").increment(1);
        metrics::gauge!("x_total").set(5);
        metrics::gauge!("x").set(5);
        metrics::histogram!("x").record(5);
        metrics::histogram!("y").record(0.0);
        metrics::gauge!("y_count").set(5);
        metrics::counter!("x_total").increment(1);
    });
    assert!(text.starts_with("# TYPE x_total counter\nx_total 2\n# TYPE y histogram\n"), "{text}");
    assert!(text.ends_with("y_sum 0\ny_count 1\n"), "{text}");
}

#[test]
fn what_an_attacker_makes_up_is_one_series() {
    const RECORDED: u64 = 100_000;
    let registry = Registry::new();
    let per_thread = RECORDED / 4;
    thread::scope(|scope| {
        for thread in 0..4 {
            let registry = &registry;
            scope.spawn(move || {
                metrics::with_local_recorder(registry, || {
                    for number in 0..per_thread {
                        let value = format!("/{thread}/{number}");
                        metrics::counter!("x_total", "path" => value.clone(), "method" => "GET").increment(1);
                        if number >= 2500 {
                            continue;
                        }
                        // Names that become one, and values that are cut, add keys without series.
                        metrics::gauge!("y", [Label::new(value.clone() + "é", "")].iter()).set(1);
                        metrics::counter!("z_total", "path" => "x".repeat(2000) + &value).increment(1);
                        metrics::gauge!(SharedString::from(format!("m{value}"))).set(1);
                    }
                });
            });
        }
    });
    let families = registry.families();
    assert!(families.len() <= 2000);
    let text = render(&families, Format::Text);
    let of = |name: &str| -> Vec<(String, u64)> {
        text.lines()
            .filter(|line| line.starts_with(name))
            .map(|line| {
                let (series, value) = line.rsplit_once(' ').unwrap();
                (series.to_owned(), value.parse().unwrap())
            })
            .collect()
    };
    let series = of("x_total{");
    assert_eq!(series.len(), 2001);
    assert_eq!(series.iter().map(|(_, value)| value).sum::<u64>(), RECORDED);
    let overflow = series.iter().find(|(series, _)| series == "x_total{otel_metric_overflow=\"true\"}");
    assert_eq!(overflow, Some(&("x_total{otel_metric_overflow=\"true\"}".to_owned(), RECORDED - 2000)));
    assert_eq!(of("y{").len() + of("y ").len(), 1);
    let cut = of("z_total{");
    let [(_, 10_000)] = cut[..] else { panic!("{cut:?}") };
    let (counters, gauges) = registry.known_keys();
    assert!(counters <= 4000 && gauges <= 8000, "{counters} {gauges}");
    // Those that were there first are still told apart, and found without what is beyond.
    metrics::with_local_recorder(&registry, || metrics::counter!("x_total", "path" => "/9/9").increment(1));
    let after = render(&registry.families(), Format::Text);
    assert!(after.contains(&format!("x_total{{otel_metric_overflow=\"true\"}} {}\n", RECORDED - 1999)));
}

#[test]
fn nothing_is_lost_when_all_record_at_once_and_somebody_scrapes() {
    const THREADS: u32 = 4;
    const ROUNDS: u32 = 5000;
    let registry = Registry::new();
    let histogram = registry.histogram(&Key::from_static_name("h")).unwrap();
    thread::scope(|scope| {
        let recording: Vec<_> = (0..THREADS)
            .map(|thread| {
                let (registry, histogram) = (&registry, Arc::clone(&histogram));
                scope.spawn(move || {
                    metrics::with_local_recorder(registry, || {
                        for round in 0..ROUNDS {
                            metrics::counter!("c", "round" => (round % 100).to_string()).increment(1);
                            metrics::gauge!("g").increment(2.0);
                            metrics::gauge!("g").decrement(1.0);
                            histogram.observe_exemplar(Exemplar {
                                trace_id: thread.into(),
                                span_id: round.into(),
                                value: 0.25 * f64::from(round % 4),
                                at: Moment::now(),
                            });
                            metrics::histogram!("h").record_many(20.0, 2);
                        }
                    });
                })
            })
            .collect();
        let mut before = 0;
        while !recording.iter().all(thread::ScopedJoinHandle::is_finished) {
            let text = render(&registry.families(), Format::OpenMetrics);
            let Some(count) = value(&text, "h_count ") else { continue };
            assert_eq!(value(&text, "h_bucket{le=\"+Inf\"} "), Some(count));
            assert!(count >= before);
            before = count;
        }
    });
    let text = render(&registry.families(), Format::Text);
    let all = u64::from(THREADS * ROUNDS);
    let counted: u64 = (0..100).map(|round| value(&text, &format!("c_total{{round=\"{round}\"}} ")).unwrap()).sum();
    assert_eq!(counted, all);
    assert_eq!(value(&text, "g "), Some(all));
    assert_eq!(value(&text, "h_count "), Some(3 * all));
    assert_eq!(value(&text, "h_bucket{le=\"0.005\"} "), Some(all / 4));
    assert_eq!(value(&text, "h_bucket{le=\"10\"} "), Some(all));
    assert_eq!(value(&text, "h_sum "), Some(40 * all + all * 3 / 8));
}

fn value(text: &str, line: &str) -> Option<u64> {
    let rest = text.lines().find_map(|found| found.strip_prefix(line))?;
    // An exemplar may follow.
    let value = rest.split(' ').next()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{line}{value}")))
}

#[test]
fn the_process_and_its_runtime() {
    let registry = Registry::new();
    let watched = Watched::none();
    watched.collect(&registry);
    assert!(registry.families().is_empty());
    let runtimes: Vec<_> = [1, 3]
        .into_iter()
        .map(|workers| tokio::runtime::Builder::new_multi_thread().worker_threads(workers).build().unwrap())
        .collect();
    for runtime in &runtimes {
        watched.watch(runtime.handle());
    }
    // One that ended can still be read, and two scrapes are as good as one.
    for runtime in runtimes {
        runtime.shutdown_background();
    }
    for _ in 0..2 {
        watched.collect(&registry);
        process::collect(&registry);
    }
    let text = render(&registry.families(), Format::Text);
    assert!(text.contains("# TYPE tokio_workers gauge\ntokio_workers 3\n"), "{text}");
    let names: BTreeSet<_> = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, value) = line.rsplit_once(' ').unwrap();
            let value: f64 = value.parse().unwrap();
            assert!(value > 0.0 || name.starts_with("tokio_") || name.contains("cpu"), "{line}");
            name
        })
        .collect();
    let mut expected: BTreeSet<_> =
        super::catalog::METRICS.iter().map(|metric| metric.name).filter(|name| name.starts_with("tokio_")).collect();
    if cfg!(target_os = "linux") {
        expected.extend(
            super::catalog::METRICS.iter().map(|metric| metric.name).filter(|name| name.starts_with("process_")),
        );
    }
    assert_eq!(names, expected);
}
