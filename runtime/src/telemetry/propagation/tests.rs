use super::*;

const TRACE: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn extract(headers: &[(&'static str, &str)]) -> Remote {
    set_propagators(&[Propagator::TraceContext, Propagator::Baggage]);
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), value.parse().unwrap());
    }
    extract_context(&map)
}

fn trace_of(headers: &[(&'static str, &str)]) -> Option<u128> {
    extract(headers).parent.map(|parent| parent.trace)
}

fn carried(headers: &[(&'static str, &str)]) -> (String, String) {
    let carried = extract(headers).carried.unwrap_or_default();
    (carried.tracestate.clone(), carried.baggage.clone())
}

#[test]
fn a_valid_parent_is_taken() {
    let parent = extract(&[("traceparent", PARENT)]).parent.unwrap();
    assert_eq!(parent, Ids { trace: TRACE, span: 0xb7ad_6b71_6920_3331, sampled: true });
    let future = "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-02-what-ever";
    let parent = extract(&[("traceparent", future)]).parent.unwrap();
    assert_eq!((parent.trace, parent.sampled), (TRACE, false));
}

#[test]
fn a_malformed_or_repeated_parent_counts_as_none() {
    for bad in [
        "",
        "00",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-extra",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
        "00-af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-1",
        "0-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.extra",
        "00-0af7651916cd43dd8448eb211c80319g-b7ad6b7169203331-01",
        "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "xx-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ] {
        assert_eq!(trace_of(&[("traceparent", bad)]), None, "{bad}");
    }
    assert_eq!(trace_of(&[("traceparent", PARENT), ("traceparent", PARENT)]), None);
}

#[test]
fn lists_over_several_headers_are_one() {
    let lists = carried(&[
        ("traceparent", PARENT),
        ("tracestate", "a=1"),
        ("tracestate", "b=2"),
        ("baggage", "user=7"),
        ("baggage", "tenant=x"),
    ]);
    assert_eq!(lists, ("a=1,b=2".into(), "user=7,tenant=x".into()));
}

#[test]
fn a_state_that_is_malformed_or_alone_is_none() {
    let state = |state: &str| carried(&[("traceparent", PARENT), ("tracestate", state)]).0;
    assert_eq!(state("vendor@system=x y,b=2"), "vendor@system=x y,b=2");
    let long = format!("a={}", "x".repeat(257));
    let many: String = (0..33).map(|n| format!("k{n}=1,")).collect();
    for bad in ["a", "A=1", "a=1,a=2", "=1", "a=", "a=b=c", &long, &many] {
        assert_eq!(state(bad), "", "{bad}");
    }
    assert_eq!(carried(&[("tracestate", "a=1")]).0, "");
}

#[test]
fn of_baggage_what_is_valid_stays_within_the_limits() {
    let baggage = |text: &str| carried(&[("baggage", text)]).1;
    assert_eq!(baggage("user=7;p=1 , =x, bad key=1,tenant=%20"), "user=7;p=1,tenant=%20");
    let many: String = (0..100).map(|n| format!("k{n}=1,")).collect();
    assert_eq!(baggage(&many).split(',').count(), MAX_BAGGAGE_MEMBERS);
    assert_eq!(baggage(&format!("a=1,b={}", "x".repeat(9000))), "a=1");
}

#[test]
fn it_goes_out_as_it_came_in() {
    let Remote { parent, carried } = extract(&[("traceparent", PARENT), ("tracestate", "a=1"), ("baggage", "user=7")]);
    let context = TraceContext { ids: parent.unwrap(), carried };
    assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(context.span_id(), "b7ad6b7169203331");
    assert_eq!(context.baggage(), "user=7");
    let mut headers = HeaderMap::new();
    context.inject(&mut headers);
    assert_eq!(headers["traceparent"], PARENT);
    assert_eq!(headers["tracestate"], "a=1");
    assert_eq!(headers["baggage"], "user=7");
}
