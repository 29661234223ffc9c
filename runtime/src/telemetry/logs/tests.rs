use std::{
    io::{self, Write},
    sync::Mutex,
    time::Duration,
};

use serde_json::Value;

use super::*;
use crate::telemetry::{
    settings::SamplerChoice,
    traces::{Ids, Sink, Tracing},
};

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines that the code logs.
fn lines(format: Format, code: impl FnOnce()) -> Vec<String> {
    let out = Lines::default();
    let writer = Writer::to(out.clone());
    let logs = Logs::new(format, Arc::clone(&writer));
    tracing::subscriber::with_default(Tracing::new(SamplerChoice::AlwaysOff, Sink::none(), Filter::all(), logs), code);
    assert!(writer.flush(Duration::from_secs(10)));
    let bytes = out.0.lock().unwrap().clone();
    let text = String::from_utf8(bytes).unwrap();
    assert!(text.is_empty() || text.ends_with('\n'));
    text.lines().map(str::to_owned).collect()
}

fn json(code: impl FnOnce()) -> Value {
    let lines = lines(Format::Json, code);
    assert_eq!(lines.len(), 1, "{lines:?}");
    serde_json::from_str(&lines[0]).unwrap()
}

#[test]
fn a_line_has_these_names() {
    let line = json(|| {
        tracing::warn!(
            target: "my_service",
            count = 3_u64,
            below = -1,
            ratio = 0.5,
            ok = true,
            name = "x",
            shown = %"d",
            debugged = ?Some(1),
            http.route = "/hello",
            "hello {}", "there"
        );
    });
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["target"], "my_service");
    assert_eq!(line["message"], "hello there");
    assert_eq!(line["count"], 3);
    assert_eq!(line["below"], -1);
    assert_eq!(line["ratio"], 0.5);
    assert_eq!(line["ok"], true);
    assert_eq!(line["name"], "x");
    assert_eq!(line["shown"], "d");
    assert_eq!(line["debugged"], "Some(1)");
    assert_eq!(line["http.route"], "/hello");
    let time = line["timestamp"].as_str().unwrap();
    assert_eq!(time.len(), "2026-11-03T08:00:00.000001Z".len());
    assert!(time.ends_with('Z'));
    assert!(line.get("trace_id").is_none());
}

#[test]
fn the_ids_of_the_trace_are_on_the_line() {
    let line = json(|| {
        let _guard = stack::attach(Ids { trace: 7, span: 9, sampled: false, random: false });
        tracing::info!("in a trace");
    });
    assert_eq!(line["trace_id"], format!("{:032x}", 7));
    assert_eq!(line["span_id"], format!("{:016x}", 9));
}

#[test]
fn hostile_values_stay_one_line_of_json() {
    let hostile = "\"}\n{\"level\":\"ERROR\"}\r\t\0\x1b[31m\u{7f}\u{85}\u{2028}\\ ü 🦀";
    let line = json(|| {
        tracing::info!(value = hostile, debugged = ?hostile, shown = %hostile, "{hostile}");
    });
    for name in ["value", "shown", "message"] {
        assert_eq!(line[name], hostile, "{name}");
    }
    assert_eq!(line["debugged"], format!("{hostile:?}"));
    let raw = lines(Format::Json, || tracing::info!("{hostile}"));
    assert!(!raw[0].contains(|c: char| c.is_control() || c == '\u{2028}'));
}

#[test]
fn numbers_that_json_has_not_are_text() {
    let line = json(|| {
        tracing::info!(nan = f64::NAN, infinite = f64::INFINITY, large = u128::MAX, small = i128::MIN);
    });
    assert_eq!(line["nan"], "NaN");
    assert_eq!(line["infinite"], "inf");
    assert_eq!(line["large"], u128::MAX.to_string());
    assert_eq!(line["small"], i128::MIN.to_string());
    assert_eq!(line["message"], "");
}

#[test]
fn a_field_cannot_take_our_names() {
    let raw = lines(Format::Json, || {
        tracing::info!(level = "fatal", timestamp = 1, target = "x", trace_id = "y", "m");
    });
    assert_eq!(raw[0].matches("\"level\"").count(), 1);
    let line: Value = serde_json::from_str(&raw[0]).unwrap();
    assert_eq!(line["level"], "INFO");
    assert_eq!(line["field.level"], "fatal");
    assert_eq!(line["field.trace_id"], "y");
    assert!(line.get("trace_id").is_none());
}

#[test]
fn an_error_shows_what_caused_it() {
    let error = crate::Error::unavailable("the store", io::Error::other("refused"));
    let line = json(|| tracing::info!(error = format!("{error:#}")));
    assert_eq!(line["error"], "the store is not available: refused");
}

#[test]
fn text_for_a_person() {
    let plain = Format::Text { colors: false };
    let raw = lines(plain, || {
        tracing::info!(target: "t", name = "a b", count = 1, "hello\nthere");
    });
    assert_eq!(raw.len(), 1);
    assert!(raw[0].ends_with("  INFO t: hello\\nthere name=\"a b\" count=1"), "{raw:?}");
    let colored = lines(Format::Text { colors: true }, || tracing::error!("x\x1b[0m"));
    assert!(colored[0].contains("\x1b[31mERROR\x1b[0m"));
    assert!(colored[0].ends_with("x\\u001b[0m"));
}

#[test]
fn a_muted_thread_says_only_what_it_means_to() {
    let raw = lines(Format::Json, || {
        mute_thread();
        tracing::error!("of a library");
        unmuted(|| tracing::warn!("of the exporter"));
        MUTED.set(false);
    });
    assert_eq!(raw.len(), 1);
    assert!(raw[0].contains("of the exporter"));
}

#[test]
fn a_value_that_logs_while_it_is_logged() {
    struct Chatty;
    impl std::fmt::Display for Chatty {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            tracing::info!("inner");
            f.write_str("outer")
        }
    }
    let raw = lines(Format::Json, || tracing::info!("{}", Chatty));
    assert!(!raw.is_empty());
    for line in raw {
        serde_json::from_str::<Value>(&line).unwrap();
    }
}
