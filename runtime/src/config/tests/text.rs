use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    net::{IpAddr, SocketAddr},
    num::{NonZeroI8, NonZeroU16},
    path::PathBuf,
    time::Duration,
};

use serde::Deserialize;
use url::Url;

use super::*;
use crate::{Secret, config::ByteSize};

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Level {
    VeryLow,
    High,
    Custom(u8),
}

#[derive(Debug, PartialEq, Deserialize)]
struct Meters(u16);

#[derive(Debug, PartialEq, Deserialize)]
struct Point {
    x: u16,
    y: Option<u16>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
struct Even(u8);

impl TryFrom<String> for Even {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        match text.parse() {
            Ok(number) if number % 2 == 0 => Ok(Self(number)),
            _ => Err(format!("{text:?} is odd")),
        }
    }
}

#[track_caller]
fn reads<T: DeserializeOwned + PartialEq + Debug>(text: &str, expected: T) {
    assert_eq!(parse::<T>(Some(text)), Ok(expected), "{text:?}");
}

#[track_caller]
fn refuses<T: DeserializeOwned + Debug>(texts: &[&str]) {
    for text in texts {
        let refusal = parse::<T>(Some(text)).expect_err(text);
        assert_eq!(refusal, Invalid::Kind, "{text:?}");
    }
}

#[track_caller]
fn reason<T: DeserializeOwned + Debug>(text: &str, expected: &str) {
    let refusal = parse::<T>(Some(text)).expect_err(text);
    assert_eq!(refusal, Invalid::Reason(expected.to_owned()), "{text:?}");
}

#[test]
fn text_is_taken_as_it_is() {
    for text in ["Hello", "123", "true", " a, b=c ", "\"x\"", "[1]", "{}", ""] {
        reads(text, text.to_owned());
        reads(text, PathBuf::from(text));
    }
}

#[test]
fn numbers_keep_to_their_range() {
    reads("65535", 65535_u16);
    reads(" 7 ", 7_u8);
    reads("-128", -128_i8);
    reads("18446744073709551615", u64::MAX);
    reads("340282366920938463463374607431768211455", u128::MAX);
    reads("-170141183460469231731687303715884105728", i128::MIN);
    reads("1e3", 1000.0_f64);
    reads("0.5", 0.5_f32);
    reads("3", NonZeroU16::new(3).unwrap());
    refuses::<u16>(&["65536", "-1", "", "1.0", "0x10", "1_000", "1,000", "ten", "1 2"]);
    refuses::<i8>(&["128", "-129", "--1"]);
    refuses::<u64>(&["18446744073709551616"]);
    refuses::<usize>(&["-1"]);
    refuses::<i128>(&["170141183460469231731687303715884105728"]);
    refuses::<f64>(&["", "NaN", "inf", "-infinity", "1,5", "1e999"]);
    refuses::<NonZeroU16>(&["0", "65536"]);
    refuses::<NonZeroI8>(&["0"]);
}

#[test]
fn switches_are_read_in_any_case() {
    for text in ["true", "TRUE", "1", "yes", "On"] {
        reads(text, true);
    }
    for text in ["false", "False", "0", "no", "OFF"] {
        reads(text, false);
    }
    refuses::<bool>(&["", "2", "t", "enabled", "truee"]);
}

#[test]
fn a_character_is_one() {
    reads("é", 'é');
    refuses::<char>(&["", "ab"]);
}

#[test]
fn durations_and_sizes_say_why_not() {
    reads("1h30m", Duration::from_secs(5400));
    reads("500ms", Duration::from_millis(500));
    reads("36500d", Duration::from_secs(36_500 * 86_400));
    reason::<Duration>("30", "`30` has no unit: write `30s` for seconds, `30ms` for milliseconds");
    reads("2MiB", ByteSize::new(2 << 20));
    reason::<ByteSize>("1.5GiB", "it has a fraction: write `1536MiB` for 1.5 GiB");
}

#[test]
fn choices_are_read_in_any_case() {
    reads("very-low", Level::VeryLow);
    reads("HIGH", Level::High);
    refuses::<Level>(&["", "low"]);
    reason::<Level>("custom", "`custom` holds more than its name, which no text can give");
}

#[test]
fn addresses_and_urls_are_read_by_their_own_rules() {
    reads("[::1]:80", "[::1]:80".parse::<SocketAddr>().unwrap());
    reads("10.0.0.1", "10.0.0.1".parse::<IpAddr>().unwrap());
    reads("redis://cache/0", Url::parse("redis://cache/0").unwrap());
    refuses::<SocketAddr>(&["", "localhost:80", ":80", "80", "1.2.3.4", "1.2.3.4:65536"]);
    refuses::<IpAddr>(&["", "localhost", "1.2.3.256", "::g"]);
    reason::<Url>("//cache", "it does not start with a scheme, such as `https://`");
    reason::<Url>("redis://u:hunter2@cache:70000", "invalid port number");
    reason::<Url>("http://", "empty host");
}

#[test]
fn an_option_is_none_where_nothing_is_set() {
    assert_eq!(parse::<Option<u8>>(None), Ok(None));
    reads("", None::<u8>);
    reads("7", Some(7_u8));
    refuses::<Option<u8>>(&["x"]);
    assert_eq!(parse::<u8>(None), Err(Invalid::Missing));
    assert_eq!(parse::<Vec<u8>>(None), Err(Invalid::Missing));
    assert_eq!(parse::<BTreeMap<String, u8>>(None), Err(Invalid::Missing));
    assert_eq!(parse::<Level>(None), Err(Invalid::Missing));
    assert_eq!(parse::<Duration>(None), Err(Invalid::Missing));
    assert_eq!(parse::<Meters>(None), Err(Invalid::Missing));
}

#[test]
fn lists_are_split_at_commas() {
    reads("a, b ,c", ["a", "b", "c"].map(str::to_owned).to_vec());
    reads("", Vec::<String>::new());
    reads("3,1,3", BTreeSet::from([1_u8, 3]));
    reads("1,x", (1_u8, "x".to_owned()));
    reads("1,2", [1_u8, 2]);
    reads("1s,2s", vec![Duration::from_secs(1), Duration::from_secs(2)]);
    reason::<Vec<u8>>("1,x", "item 2 is `x`");
    reason::<Vec<String>>("a,,b", "item 2 is empty");
    reason::<Vec<String>>("a,", "item 2 is empty");
    reason::<Vec<Even>>("2,3", "item 2 is `3`: \"3\" is odd");
    reason::<(u8, u8)>("1", "the number of values is 1");
    reason::<(u8, u8)>("1,2,3", "the number of values is 3");
    reason::<[u8; 2]>("1,2,3", "the number of values is 3");
}

#[test]
fn maps_and_structs_are_pairs() {
    let pairs = BTreeMap::from([("a".to_owned(), 1_u8), ("b".to_owned(), 2)]);
    reads("a=1, b = 2", pairs);
    reads("x=1,y=2", Point { x: 1, y: Some(2) });
    reads("x=1,z=3", Point { x: 1, y: None });
    reason::<BTreeMap<String, u8>>("a", "`a` has no `=`");
    reason::<BTreeMap<String, u8>>("a=1,a=2", "`a` is there twice");
    reason::<BTreeMap<String, u8>>("a=x", "`a` is `x`");
    reason::<BTreeMap<u8, u8>>("a=1", "the name `a`");
    reason::<Point>("y=1", "`x` is missing");
}

#[test]
fn a_type_may_have_rules_of_its_own() {
    reads("2", Even(2));
    reads("7", Meters(7));
    reason::<Even>("3", "\"3\" is odd");
}

#[test]
fn a_type_that_no_text_can_give_is_refused() {
    reason::<()>("x", "no text is a value of the field's type");
}

#[test]
fn secrets_are_read_as_what_they_hide() {
    let url = parse::<Secret<Url>>(Some("redis://:hunter2@cache")).unwrap();
    assert_eq!(url.expose().password(), Some("hunter2"));
    assert!(parse::<Option<Secret<Url>>>(None).unwrap().is_none());
    assert_eq!(parse::<Secret<String>>(None).unwrap_err(), Invalid::Missing);
}

#[test]
fn no_text_makes_any_type_panic() {
    let pieces = ["", "1", "-", "=", ",", " ", "s", "é", "\u{0}", "high", "http://", "[", "\"", "1e999"];
    for a in pieces {
        for b in pieces {
            for c in pieces {
                let text = [a, b, c].concat();
                let text = Some(text.as_str());
                let _ = (parse::<u8>(text), parse::<i128>(text), parse::<f64>(text), parse::<bool>(text));
                let _ = (parse::<char>(text), parse::<Duration>(text), parse::<ByteSize>(text));
                let _ = (parse::<Url>(text), parse::<SocketAddr>(text), parse::<Level>(text));
                let _ = (parse::<Vec<Duration>>(text), parse::<(u8, char)>(text), parse::<Point>(text));
                let _ = (parse::<BTreeMap<String, Url>>(text), parse::<Secret<Url>>(text));
            }
        }
    }
}
