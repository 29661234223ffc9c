//! One operation of a database: its client span and its duration, which are made of the same facts.
//!
//! The span is [one of the conventions](https://opentelemetry.io/docs/specs/semconv/db/database-spans/). What is asked of
//! the database is in it only where somebody said so, and never with its values.

use std::{
    borrow::Cow,
    sync::{Arc, OnceLock},
};

use metrics::Label;

use super::{
    clock::Moment,
    metrics::Histogram,
    traces::{Ids, OwnSpan, span::Encoded},
    wire::Value,
};
use crate::lifecycle::Owner;

/// How many operations and outcomes of a database are at hand. There may be more, which cost a search.
const SERIES: usize = 32;

/// A database, as a resource that calls it is set up: what the telemetry of its operations has in common.
pub(crate) struct Database {
    /// `db.system.name`.
    pub(crate) system: &'static str,
    /// `db.namespace`: the database's name, or its number.
    pub(crate) namespace: Box<str>,
    /// `server.address`: a host, or the path of a socket.
    pub(crate) host: Box<str>,
    /// `server.port`; none for a socket.
    pub(crate) port: Option<u16>,
    series: [OnceLock<Series>; SERIES],
    /// Whether to keep series. Before a service runs nothing records, and what is kept would go on so.
    is_in_service: bool,
}

/// The durations of one operation with one outcome.
struct Series {
    operation: Box<str>,
    error_type: Box<str>,
    histogram: Histogram,
}

/// An operation that goes on. Dropped before it ended, it was cancelled.
pub(crate) struct Operation {
    database: Arc<Database>,
    name: Cow<'static, str>,
    span: OwnSpan,
    started: Moment,
    ended: bool,
}

// === impl Database ===

impl Database {
    pub(crate) fn new(system: &'static str, namespace: &str, host: &str, port: Option<u16>) -> Self {
        Self {
            system,
            namespace: namespace.into(),
            host: host.into(),
            port,
            series: [const { OnceLock::new() }; _],
            is_in_service: Owner::current().is_some(),
        }
    }

    /// Begins an operation (`db.operation.name`), within the current span. More attributes, such as `db.query.text`, are
    /// asked for if the span is recorded.
    pub(crate) fn begin(
        self: &Arc<Self>,
        name: impl Into<Cow<'static, str>>,
        attributes: impl FnOnce(&mut Encoded),
    ) -> Operation {
        let name = name.into();
        let started = Moment::now();
        let span = OwnSpan::operation(format_args!("{name} {}", self.namespace), |span| {
            span.attribute("db.system.name", Value::Text(self.system));
            span.attribute("db.operation.name", Value::Text(&name));
            span.attribute("db.namespace", Value::Text(&self.namespace));
            span.attribute("server.address", Value::Text(&self.host));
            if let Some(port) = self.port {
                span.attribute("server.port", Value::Int(port.into()));
            }
            attributes(span);
        });
        Operation { database: Arc::clone(self), name, span, started, ended: false }
    }

    /// Records how long an operation took, in nanoseconds, with its trace as an example where that is kept.
    fn record(&self, operation: &str, error_type: &str, nanos: u64, at: Moment, ids: Option<Ids>) {
        let seconds = nanos as f64 / 1e9;
        let record = |histogram: &Histogram| match ids {
            Some(Ids { trace, span, sampled: true, .. }) => histogram.record_with_exemplar(seconds, trace, span, at),
            _ => histogram.record(seconds),
        };
        if self.is_in_service {
            for place in &self.series {
                let series = place.get_or_init(|| Series {
                    operation: operation.into(),
                    error_type: error_type.into(),
                    histogram: self.histogram(operation, error_type),
                });
                if *series.operation == *operation && *series.error_type == *error_type {
                    return record(&series.histogram);
                }
            }
        }
        record(&self.histogram(operation, error_type));
    }

    fn histogram(&self, operation: &str, error_type: &str) -> Histogram {
        let labels = vec![
            Label::new("db_system_name", self.system),
            Label::new("db_operation_name", operation.to_owned()),
            Label::new("error_type", error_type.to_owned()),
        ];
        Histogram::new("db_client_operation_duration_seconds", labels)
    }
}

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { system, namespace, host, port, .. } = self;
        write!(f, "{system} {namespace} at {host}")?;
        port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

// === impl Operation ===

impl Operation {
    /// The span, to do the work in: what is logged there has its ids.
    #[cfg(any(test, feature = "postgres"))]
    pub(crate) fn span(&self) -> &OwnSpan {
        &self.span
    }

    /// It is done.
    pub(crate) fn end(mut self) {
        self.finish("", None);
    }

    /// It failed. `error_type` is one of few, such as `timeout` or what the database calls the error; `status` is the
    /// database's own code (`db.response.status_code`), if it answered.
    pub(crate) fn fail(mut self, error_type: &str, status: Option<&str>) {
        self.finish(error_type, status);
    }

    fn finish(&mut self, error_type: &str, status: Option<&str>) {
        self.ended = true;
        let now = Moment::now();
        self.span.end(now, |span| {
            if let Some(status) = status {
                span.attribute("db.response.status_code", Value::Text(status));
            }
            if !error_type.is_empty() {
                span.attribute("error.type", Value::Text(error_type));
                span.error("");
            }
        });
        let nanos = now.since(self.started);
        self.database.record(&self.name, error_type, nanos, now, self.span.ids());
    }
}

impl Drop for Operation {
    fn drop(&mut self) {
        if !self.ended {
            self.finish("cancelled", None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::telemetry::{FinishedSpan, in_trace};

    fn shop() -> Arc<Database> {
        Arc::new(Database::new("postgresql", "shop", "db", Some(5432)))
    }

    #[test]
    fn an_operation_is_a_client_span_of_the_current_one() {
        let (_, spans) = in_trace(true, async {
            shop().begin("SELECT", |span| span.attribute("db.query.text", Value::Text("SELECT $1"))).end();
            shop().begin("INSERT", |_| ()).fail("23505", Some("23505"));
            drop(shop().begin("UPDATE", |_| ()));
        });
        let [select, insert, update, request] = &spans[..] else { panic!("{spans:?}") };
        for span in [select, insert, update] {
            assert_eq!(span.parent_span_id, request.span_id);
            assert_eq!(span.kind, 3);
            assert_eq!(span.count, span.attributes.len(), "one is there twice");
        }
        let attributes: Vec<_> = select.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let expected = [
            "db.namespace=shop",
            "db.operation.name=SELECT",
            "db.query.text=SELECT $1",
            "db.system.name=postgresql",
            "server.address=db",
            "server.port=5432",
        ];
        assert_eq!((select.name.as_str(), select.is_error), ("SELECT shop", false));
        assert_eq!(attributes, expected);
        let failure = |span: &FinishedSpan| {
            let get = |key| span.attributes.get(key).cloned().unwrap_or_default();
            (span.is_error, get("error.type"), get("db.response.status_code"))
        };
        assert_eq!(failure(insert), (true, "23505".into(), "23505".into()));
        assert_eq!(failure(update), (true, "cancelled".into(), String::new()));
    }

    #[test]
    fn what_is_logged_in_an_operation_is_in_its_span() {
        let (_, spans) = in_trace(true, async {
            let operation = shop().begin("SELECT", |_| ());
            let inside = operation.span().enter();
            drop(tracing::info_span!("of the driver").entered());
            drop(inside);
            operation.end();
        });
        let [driver, select, _] = &spans[..] else { panic!("{spans:?}") };
        assert_eq!(driver.parent_span_id, select.span_id);
    }

    #[test]
    fn in_a_trace_that_nobody_keeps_nothing_is_described() {
        let (ids, spans) = in_trace(false, async { shop().begin("SELECT", |_| panic!("it is asked for")).span.ids() });
        assert!(ids.is_none_or(|ids| !ids.sampled));
        assert!(spans.is_empty());
    }
}
