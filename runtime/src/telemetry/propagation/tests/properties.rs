use std::ops::Range;

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    string::string_regex,
    test_runner::{Config, TestCaseError},
};

use super::*;

const STATE_MEMBER: &str = "[a-z0-9][a-z0-9_*/@-]{0,20}=[ -+\\--<>-~]{0,20}[!-+\\--<>-~]";
const BAGGAGE_MEMBER: &str =
    "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,20}[ \t]?=([ \t]?[!#-+\\--:<-\\[\\]-~]{1,20})?( ?; ?[a-z]{1,9}(=[0-9]?)?){0,3}";

fn config() -> Config {
    Config { cases: 200, failure_persistence: None, ..Config::default() }
}

/// What W3C says of `traceparent`, read another way.
fn parent_by_the_book(text: &str) -> Option<(u128, u64, u8)> {
    let mut fields = text.split('-');
    let mut field = |length: usize| {
        let field = fields.next()?;
        let is_hex = field.len() == length && field.chars().all(|c| "0123456789abcdef".contains(c));
        is_hex.then(|| u128::from_str_radix(field, 16).unwrap())
    };
    let (version, trace, span, flags) = (field(2)?, field(32)?, field(16)?, field(2)?);
    let ends = version != 0 || fields.next().is_none();
    (version != 0xff && trace != 0 && span != 0 && ends).then_some((trace, span as u64, flags as u8 & 3))
}

fn ids_of(text: &str) -> Option<(u128, u64, u8)> {
    extract(&[("traceparent", text)]).parent.map(|ids| (ids.trace, ids.span, flags(ids)))
}

/// Parents as they are, and what becomes of them on bad lines.
fn parents() -> impl Strategy<Value = String> {
    let id = || prop_oneof![4 => any::<u128>(), 1 => Just(0)];
    let version = prop_oneof![2 => Just(0_u8), 2 => any::<u8>(), 1 => Just(0xff)];
    let rest = prop_oneof![3 => Just(String::new()), 1 => "-[!-~]{0,20}", 1 => "[!-~]{1,3}"];
    let whole = (version, id(), id(), any::<u8>(), rest).prop_map(|(version, trace, span, flags, rest)| {
        format!("{version:02x}-{trace:032x}-{:016x}-{flags:02x}{rest}", span as u64)
    });
    let broken = (whole.clone(), any::<Index>(), "[ -~]{0,2}", 0..3_usize).prop_map(|(mut text, at, with, length)| {
        let at = at.index(text.len());
        text.replace_range(at..(at + length).min(text.len()), &with);
        text.trim().to_owned()
    });
    let shouted = whole.clone().prop_map(|text| text.to_uppercase());
    prop_oneof![3 => whole, 3 => broken, 1 => shouted]
}

/// Members, each with the key that makes it another than the one before, and how they are spread over headers.
fn lists(member: &str, count: Range<usize>) -> impl Strategy<Value = (Vec<String>, Vec<&'static str>)> {
    let separators = select(&[",", " ,", ",\t", " , ,", "\n"][..]);
    let members = vec(string_regex(member).unwrap(), count.clone());
    (members, vec(separators, count.end)).prop_map(|(members, separators)| {
        let distinct = members.into_iter().enumerate().map(|(number, member)| format!("{number}x{member}"));
        (distinct.collect(), separators)
    })
}

/// A list as headers; a line feed separates two of these.
fn headers(name: &'static str, members: &[String], separators: &[&str]) -> HeaderMap {
    let text: String = members.iter().zip(separators).flat_map(|(member, separator)| [member, *separator]).collect();
    let mut map = HeaderMap::from_iter([(TRACEPARENT, HeaderValue::from_static(PARENT))]);
    for line in text.split('\n') {
        map.append(name, line.parse().unwrap());
    }
    map
}

fn extracted(headers: &HeaderMap) -> (Option<Ids>, Carried) {
    set_propagators(&[Propagator::TraceContext, Propagator::Baggage]);
    let Remote { parent, carried } = extract_context(headers);
    (parent, carried.and_then(Arc::into_inner).unwrap_or_default())
}

/// That the next hop reads what this one did.
fn assert_goes_on(headers: &HeaderMap) -> Result<(), TestCaseError> {
    let (parent, carried) = extracted(headers);
    let Some(ids) = parent else {
        prop_assert!(carried.tracestate.is_empty(), "there is no state without a parent");
        return Ok(());
    };
    let out = injected(extract_context(headers));
    prop_assert_eq!(extracted(&out), (Some(ids), carried));
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_parent_is_taken_exactly_where_w3c_says(text in parents()) {
        prop_assert_eq!(ids_of(&text), parent_by_the_book(&text));
    }

    #[test]
    fn two_parents_are_none(one in parents(), other in parents()) {
        prop_assert_eq!(trace_of(&[("traceparent", &one), ("traceparent", &other)]), None);
    }

    #[test]
    fn a_state_goes_on_as_it_came((members, separators) in lists(STATE_MEMBER, 1..33)) {
        let headers = headers("tracestate", &members, &separators);
        prop_assert_eq!(extracted(&headers).1.tracestate, members.join(","));
        assert_goes_on(&headers)?;
    }

    #[test]
    fn one_wrong_member_of_a_state_costs_the_state_and_not_the_parent(
        (mut members, separators) in lists(STATE_MEMBER, 1..32),
        wrong in "[A-Z_*@-][a-z]{0,9}=1|[a-z]{1,9}|[a-z]{1,9}=|[a-z]{0,9}[A-Z.:+]=1|[a-z]=[!-+]{0,9}=|=[a-z]{1,9}",
        at in any::<Index>(),
    ) {
        members.insert(at.index(members.len() + 1), wrong);
        let (parent, carried) = extracted(&headers("tracestate", &members, &separators));
        prop_assert_eq!((parent.map(|ids| ids.trace), carried.tracestate), (Some(TRACE), String::new()));
    }

    #[test]
    fn too_many_members_of_a_state_are_none((members, separators) in lists(STATE_MEMBER, 33..70)) {
        let (parent, carried) = extracted(&headers("tracestate", &members, &separators));
        prop_assert_eq!((parent.map(|ids| ids.trace), carried.tracestate), (Some(TRACE), String::new()));
    }

    #[test]
    fn baggage_goes_on_as_it_came((members, separators) in lists(BAGGAGE_MEMBER, 1..64)) {
        let headers = headers("baggage", &members, &separators);
        prop_assert_eq!(extracted(&headers).1.baggage, members.join(","));
        assert_goes_on(&headers)?;
    }

    #[test]
    fn one_wrong_member_of_baggage_costs_no_other(
        (members, separators) in lists(BAGGAGE_MEMBER, 1..63),
        wrong in "[a-z]{1,9}|=[a-z]{0,9}|[a-z]{1,3}[(/:<@\\[{\"]=1|[a-z]=[a-z]{0,9}[\"\\\\][a-z]{0,9}|[a-z]=1;|[a-z]=1;=",
        at in any::<Index>(),
    ) {
        let mut with = members.clone();
        with.insert(at.index(members.len() + 1), wrong);
        prop_assert_eq!(extracted(&headers("baggage", &with, &separators)).1.baggage, members.join(","));
    }

    #[test]
    fn baggage_stays_within_the_limits(lengths in vec(0..400_usize, 1..200)) {
        let members = lengths.iter().enumerate().map(|(number, length)| format!("{number}={}", "x".repeat(*length)));
        let members: Vec<_> = members.collect();
        let separators = vec![","; members.len()];
        let (_, carried) = extracted(&headers("baggage", &members, &separators));
        let passed: Vec<_> = carried.baggage.split(',').collect();
        prop_assert!(passed.len() <= 64 && carried.baggage.len() <= 8192);
        let all = members.join(",");
        prop_assert!(members.len() > 64 || all.len() > 8192 || all == carried.baggage, "what fits goes on");
        let mut sent = members.iter();
        prop_assert!(passed.iter().all(|member| sent.any(|sent| sent == member)), "whole, and in their order");
    }

    #[test]
    fn whatever_comes_what_goes_on_is_understood(
        lines in vec((select(&["traceparent", "tracestate", "baggage"][..]), noise()), 0..8),
        parent in prop_oneof![Just(Some(PARENT)), Just(None)],
    ) {
        let mut headers = HeaderMap::new();
        headers.extend(parent.map(|parent| (TRACEPARENT, HeaderValue::from_static(parent))));
        for (name, value) in lines {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                headers.append(name, value);
            }
        }
        assert_goes_on(&headers)?;
    }
}

/// Any bytes, and those that mean something.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let meant = "[0a-bA=,;@* \t\u{e4}%\"-]{0,60}".prop_map(String::into_bytes);
    let states = vec("[a-b0@]{1,2}=[a ]{0,2}[a=]?", 0..40).prop_map(|members| members.join(",").into_bytes());
    prop_oneof![vec(any::<u8>(), 0..80), meant, states, parents().prop_map(String::into_bytes)]
}
