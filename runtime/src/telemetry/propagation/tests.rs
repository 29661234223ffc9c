use super::*;

/// What holds for all headers, not only for those that somebody thought of.
mod properties;

const TRACE: u128 = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c;
const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

fn extract(headers: &[(&'static str, &str)]) -> Remote {
    set_propagators(&[Propagator::TraceContext, Propagator::Baggage]);
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::from_static(name), HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    extract_context(&map)
}

fn trace_of(headers: &[(&'static str, &str)]) -> Option<u128> {
    extract(headers).parent.map(|parent| parent.trace)
}

/// The headers of a request that is sent on behalf of the one that came with this.
fn injected(remote: Remote) -> HeaderMap {
    let Remote { parent, carried } = remote;
    let mut headers = HeaderMap::new();
    TraceContext { ids: parent.unwrap(), carried }.inject(&mut headers);
    headers
}

fn carried(headers: &[(&'static str, &str)]) -> (String, String) {
    let carried = extract(headers).carried.unwrap_or_default();
    (carried.tracestate.clone(), carried.baggage.clone())
}

#[test]
fn a_valid_parent_is_taken() {
    let parent = extract(&[("traceparent", PARENT)]).parent.unwrap();
    assert_eq!(parent, Ids { trace: TRACE, span: 0xb7ad_6b71_6920_3331, sampled: true, random: false });
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
fn of_the_flags_those_go_on_that_are_known() {
    for (flags, passed_on) in [("00", "00"), ("01", "01"), ("02", "02"), ("03", "03"), ("ff", "03"), ("fc", "00")] {
        let parent = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}");
        let out = injected(extract(&[("traceparent", &parent)]));
        assert_eq!(out["traceparent"], parent[..53].to_owned() + passed_on);
    }
    for bad in ["0", "0g", "A1", "001", "0 "] {
        let parent = format!("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{bad}");
        assert_eq!(trace_of(&[("traceparent", &parent)]), None, "{bad}");
    }
}

#[test]
fn a_state_that_is_malformed_or_alone_is_none() {
    let state = |state: &str| {
        let headers = [("traceparent", PARENT), ("tracestate", state)];
        assert_eq!(trace_of(&headers), Some(TRACE), "it says nothing of the parent: {state}");
        carried(&headers).0
    };
    for good in ["vendor@system=x y,b=2", "0=1", "9a@b@=!", "a*/-_@0=~", "a=!\"#$%&'()*+-./:;<>?@[]^_`{|}"] {
        assert_eq!(state(good), good);
    }
    assert_eq!(state(" a=1\t,, ,\tb= 2 ,"), "a=1,b= 2");
    let (key, value) = ("k".repeat(256), "v".repeat(256));
    let longest = format!("{key}={value}");
    assert_eq!(state(&longest), longest);
    let most = (0..32).map(|n| format!("k{n}=1")).collect::<Vec<_>>().join(",");
    assert_eq!(state(&most), most);
    let bad = ["a", "A=1", "=1", "a=", "a= ", "a=b=c", "_a=1", "@a=1", "-=1", "a b=1", "a =1", "a.b=1", "a=1\tb"];
    let long = [format!("k{longest}"), format!("{longest}v"), format!("{most},k32=1"), format!("{most},k0=1")];
    for bad in bad.into_iter().chain(long.iter().map(String::as_str)) {
        assert_eq!(state(bad), "", "{bad}");
        assert_eq!(state(&format!("b=1,{bad}")), "", "{bad}");
    }
    assert_eq!(carried(&[("tracestate", "a=1")]).0, "");
    assert_eq!(carried(&[("traceparent", "00"), ("tracestate", "a=1")]).0, "");
}

#[test]
fn of_two_members_of_a_state_with_the_same_key_the_newer_counts() {
    let state = carried(&[("traceparent", PARENT), ("tracestate", "a=1,b=1"), ("tracestate", "a=2,c=1")]).0;
    assert_eq!(state, "a=1,b=1,c=1");
}

#[test]
fn of_baggage_what_is_valid_stays_within_the_limits() {
    let baggage = |text: &str| carried(&[("baggage", text)]).1;
    assert_eq!(baggage("user=7;p=1 , =x, bad key=1,tenant=%20"), "user=7;p=1,tenant=%20");
    for good in ["a=", "a==b=", "a = 1 ; p ; q = 2", "a=1,a=1", "!#$%&'*+-.^_`|~=x", "a=!#$%&'()*+-./:<=>?@[]^_`{|}~"] {
        assert_eq!(baggage(good), good);
    }
    for bad in
        ["a", ";p", "a;b=1", "a=b c", "a=\"b\"", "a=1;", "a=1;=2", "a=1;p q", "a=\\", "(=1", "a=1;p=\"", "ä=1", "a=ä"]
    {
        assert_eq!(baggage(&format!("x=1,{bad},y=2")), "x=1,y=2", "{bad}");
    }
    let many: String = (0..100).map(|n| format!("k{n}=1,")).collect();
    assert_eq!(baggage(&many).split(',').count(), MAX_BAGGAGE_MEMBERS);
    let longest = format!("a={}", "x".repeat(8190));
    assert_eq!(baggage(&longest), longest);
    assert_eq!(baggage(&format!("{longest}y,b=1")), "b=1");
    assert_eq!(baggage(&format!("b=1,{longest}")), "b=1");
}

#[test]
fn it_goes_out_as_it_came_in() {
    let remote = extract(&[("traceparent", PARENT), ("tracestate", "a=1"), ("baggage", "user=7")]);
    let context = TraceContext { ids: remote.parent.unwrap(), carried: remote.carried };
    assert_eq!(context.trace_id(), "0af7651916cd43dd8448eb211c80319c");
    assert_eq!(context.span_id(), "b7ad6b7169203331");
    assert_eq!(context.baggage(), "user=7");
    let mut headers = HeaderMap::new();
    context.inject(&mut headers);
    assert_eq!(headers["traceparent"], PARENT);
    assert_eq!(headers["tracestate"], "a=1");
    assert_eq!(headers["baggage"], "user=7");
}

#[test]
fn what_a_request_has_of_another_trace_is_replaced() {
    let Remote { parent, carried } = extract(&[("traceparent", PARENT)]);
    let mut headers = HeaderMap::new();
    for (name, value) in [("traceparent", "00"), ("traceparent", "01"), ("tracestate", "a=1"), ("baggage", "own=1")] {
        headers.append(name, HeaderValue::from_static(value));
    }
    TraceContext { ids: parent.unwrap(), carried }.inject(&mut headers);
    assert_eq!(headers.get_all("traceparent").iter().collect::<Vec<_>>(), [PARENT]);
    assert!(!headers.contains_key("tracestate"), "it goes with the parent that it came with");
    assert_eq!(headers["baggage"], "own=1");
}

#[test]
fn a_parent_alone_allocates_nothing() {
    set_propagators(&[Propagator::TraceContext, Propagator::Baggage]);
    let headers = HeaderMap::from_iter([(TRACEPARENT, HeaderValue::from_static(PARENT))]);
    // Other tests allocate too, but not in each of these moments.
    let allocated = |_| {
        let before = allocations::count();
        assert!(extract_context(&headers).parent.is_some());
        allocations::count() - before
    };
    assert_eq!((0..10_000).map(allocated).min(), Some(0));
}
