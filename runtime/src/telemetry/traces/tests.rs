use std::{io, thread};

use tracing::{Dispatch, field::Empty, info_span};

use super::{collected::FinishedSpan, *};
use crate::telemetry::logs::{Format, Writer, checked_filter};

fn subscriber(sampler: SamplerChoice) -> Tracing {
    Tracing::new(sampler, Sink::none(), Filter::all(), Logs::new(Format::Json, Writer::to(io::sink())))
}

/// Runs the code within a trace of its own, and gives its spans, in the order of their ends.
fn spans(code: impl FnOnce()) -> Vec<FinishedSpan> {
    let mut trace = None;
    tracing::subscriber::with_default(subscriber(SamplerChoice::AlwaysOn), || {
        let _root = info_span!("root").entered();
        trace = crate::telemetry::trace_id();
        code();
    });
    let trace = trace.unwrap();
    collected::finished_spans().into_iter().filter(|span| span.trace_id == trace).collect()
}

fn named<'a>(spans: &'a [FinishedSpan], name: &str) -> &'a FinishedSpan {
    spans.iter().find(|span| span.name == name).unwrap_or_else(|| panic!("no {name}: {spans:?}"))
}

#[test]
fn a_span_is_the_child_of_what_it_is_in_or_names() {
    let spans = spans(|| {
        let one = info_span!("one");
        one.in_scope(|| drop(info_span!("in one")));
        let named = info_span!(parent: &one, "names one");
        named.in_scope(|| drop(info_span!("below")));
        drop(info_span!("beside"));
    });
    let of = |name| named(&spans, name);
    assert_eq!(of("one").parent_span_id, of("root").span_id);
    assert_eq!(of("in one").parent_span_id, of("one").span_id);
    assert_eq!(of("names one").parent_span_id, of("one").span_id);
    assert_eq!(of("below").parent_span_id, of("names one").span_id);
    assert_eq!(of("beside").parent_span_id, of("root").span_id);
    assert_eq!(of("root").parent_span_id, "0".repeat(16));
    assert_eq!(spans.len(), 6);
}

#[test]
fn without_a_parent_it_is_a_trace_of_its_own() {
    let mut own = None;
    let spans = spans(|| {
        info_span!(parent: None, "alone").in_scope(|| own = crate::telemetry::trace_id());
    });
    assert_eq!(spans.len(), 1);
    let alone = collected::finished_spans().into_iter().find(|span| span.trace_id == *own.as_ref().unwrap()).unwrap();
    assert_eq!((alone.name.as_str(), alone.parent_span_id), ("alone", "0".repeat(16)));
}

#[test]
fn a_span_goes_with_its_holders_from_thread_to_thread() {
    let spans = spans(|| {
        let shared = info_span!("shared");
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (shared, dispatch) = (shared.clone(), dispatch.clone());
                thread::spawn(move || {
                    tracing::dispatcher::with_default(&dispatch, || shared.in_scope(|| drop(info_span!("part"))));
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
    let shared = named(&spans, "shared");
    let parts: Vec<_> = spans.iter().filter(|span| span.name == "part").collect();
    assert_eq!(parts.len(), 4);
    assert!(parts.iter().all(|part| part.parent_span_id == shared.span_id));
    assert_eq!(spans.len(), 6);
}

#[test]
fn scopes_may_end_out_of_order() {
    let spans = spans(|| {
        let (one, two) = (info_span!("one"), info_span!("two"));
        let in_one = one.enter();
        let in_two = two.enter();
        drop(in_one);
        drop(info_span!("in two"));
        drop(in_two);
        drop(info_span!("in neither"));
    });
    assert_eq!(named(&spans, "in two").parent_span_id, named(&spans, "two").span_id);
    assert_eq!(named(&spans, "in neither").parent_span_id, named(&spans, "root").span_id);
}

#[test]
fn fields_are_attributes_and_some_say_what_the_span_is() {
    let spans = spans(|| {
        let span = info_span!(
            "plain",
            otel.name = "better",
            otel.kind = "Client",
            otel.status_code = Empty,
            count = 3_u64,
            large = u64::MAX,
            below = -1,
            ratio = 0.5,
            ok = true,
            shown = %"s",
            debugged = ?Some(1),
            absent = None::<&str>,
            later = Empty,
        );
        span.record("later", "one");
        span.record("later", "two");
        span.record("otel.status_code", "ERROR");
    });
    let span = named(&spans, "better");
    let expected = [
        ("below", "-1"),
        ("count", "3"),
        ("debugged", "Some(1)"),
        ("large", "18446744073709551615"),
        ("later", "two"),
        ("ok", "true"),
        ("ratio", "0.5"),
        ("shown", "s"),
    ];
    let attributes: Vec<_> = span.attributes.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(attributes, expected);
    assert_eq!(span.count, expected.len(), "a value that is recorded again replaces the first");
    assert_eq!(span.kind, Kind::Client as u64);
    assert!(span.is_error);
}

#[test]
fn a_value_may_use_spans_while_it_is_formatted() {
    struct Busy;
    impl std::fmt::Debug for Busy {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            info_span!("inner").in_scope(|| tracing::info!("busy"));
            Span::current().record("seen", true);
            f.write_str("busy")
        }
    }
    let spans = spans(|| {
        let span = info_span!("outer", value = Empty, seen = Empty);
        span.in_scope(|| span.record("value", tracing::field::debug(Busy)));
        drop(info_span!("new", value = ?Busy));
    });
    let outer = named(&spans, "outer");
    assert_eq!(outer.attributes["value"], "busy");
    assert_eq!(outer.attributes["seen"], "true");
    assert_eq!(named(&spans, "inner").parent_span_id, outer.span_id);
    assert_eq!(named(&spans, "new").attributes["value"], "busy");
}

#[test]
fn what_is_not_recorded_hands_on_what_is_above() {
    let spans = spans(|| {
        let _debug = tracing::debug_span!("debug").entered();
        let _machinery = info_span!(target: "hyper::client", "machinery").entered();
        drop(info_span!("below"));
    });
    assert_eq!(named(&spans, "below").parent_span_id, named(&spans, "root").span_id);
    assert_eq!(spans.len(), 2);
}

#[test]
fn nothing_is_recorded_of_a_trace_that_is_not_sampled() {
    let mut ids = None;
    tracing::subscriber::with_default(subscriber(SamplerChoice::AlwaysOff), || {
        let _root = info_span!("root").entered();
        let _child = info_span!("child", text = "x").entered();
        ids = stack::current_ids();
        let data = Span::current().id().and_then(|id| store::with(&id, |data| data.encoded.0.len()));
        assert_eq!(data, Some(0));
    });
    let ids = ids.unwrap();
    assert!(!ids.sampled);
    let trace = format!("{:032x}", ids.trace);
    assert!(collected::finished_spans().iter().all(|span| span.trace_id != trace));
}

#[test]
fn a_cause_is_a_link() {
    use opentelemetry_proto::tonic::trace::v1::Span as OtlpSpan;
    use prost::Message;
    let mut encoded = Encoded::default();
    encoded.link(Ids { trace: 7, span: 9, sampled: true, random: false });
    let span = OtlpSpan::decode(&encoded.0[..]).unwrap();
    assert_eq!(span.links[0].trace_id, 7_u128.to_be_bytes());
    assert_eq!(span.links[0].span_id, 9_u64.to_be_bytes());
}

#[test]
fn a_whole_span_is_one_of_otlp() {
    use opentelemetry_proto::tonic::trace::v1::Span as OtlpSpan;
    use prost::Message;
    let mut encoded = Encoded::default();
    let ids = Ids { trace: u128::MAX, span: 2, sampled: true, random: true };
    let carried = Carried { tracestate: "a=1".into(), baggage: String::new() };
    let start = Moment::now();
    encoded.begin(ids, Some(Parent { span: 3, is_remote: true }), Some(&carried), start);
    encoded.name("name");
    encoded.kind(Kind::Server);
    encoded.error("why");
    encoded.end(Some(start), Moment::now());
    let span = OtlpSpan::decode(&encoded.0[..]).unwrap();
    assert_eq!(span.trace_id, [0xff; 16]);
    assert_eq!(span.span_id, 2_u64.to_be_bytes());
    assert_eq!(span.parent_span_id, 3_u64.to_be_bytes());
    assert_eq!((span.trace_state.as_str(), span.name.as_str(), span.kind), ("a=1", "name", 2));
    assert_eq!(span.flags, 0x303);
    assert!(span.end_time_unix_nano >= span.start_time_unix_nano && span.start_time_unix_nano > 0);
    let status = span.status.unwrap();
    assert_eq!((status.code, status.message.as_str()), (2, "why"));
}

#[test]
fn the_filter_is_for_events_and_may_change() {
    let dispatch = Dispatch::new(subscriber(SamplerChoice::AlwaysOn));
    let filter = &dispatch.downcast_ref::<Tracing>().unwrap().filter;
    tracing::dispatcher::with_default(&dispatch, || {
        let is_enabled = || tracing::event_enabled!(Level::DEBUG);
        for (directives, expected) in [("warn", false), ("debug", true), ("off", false), ("off,seaworthy=debug", true)]
        {
            filter.replace(checked_filter(directives).unwrap());
            assert_eq!(is_enabled(), expected, "{directives}");
            assert!(info_span!("still").id().is_some());
            assert!(tracing::debug_span!("never").id().is_none());
        }
    });
}
