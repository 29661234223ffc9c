use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, SocketAddr},
    num::{NonZeroI8, NonZeroU16},
    path::PathBuf,
    time::Duration,
};

use url::Url;

use super::*;
use crate::{Secret, config::ByteSize};

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(dead_code, reason = "only described")]
enum Level {
    Low,
    High,
}

#[derive(Deserialize)]
#[allow(dead_code, reason = "only described")]
struct Meters(u16);

#[derive(Deserialize)]
#[allow(dead_code, reason = "only described")]
struct Point {
    x: u16,
    y: u16,
}

fn kind<T: de::DeserializeOwned>() -> String {
    describe::<T>().kind.to_string()
}

#[test]
fn each_type_is_described_in_words_of_people() {
    for (kind, expected) in [
        (kind::<String>(), "text"),
        (kind::<char>(), "single character"),
        (kind::<bool>(), "true or false"),
        (kind::<u16>(), "number from 0 to 65535"),
        (kind::<NonZeroU16>(), "number from 1 to 65535"),
        (kind::<i8>(), "number from -128 to 127"),
        (kind::<NonZeroI8>(), "number from -128 to 127, not 0"),
        (kind::<i32>(), "number from -2147483648 to 2147483647"),
        (kind::<u64>(), "whole number, 0 or more"),
        (kind::<usize>(), "whole number, 0 or more"),
        (kind::<i64>(), "whole number"),
        (kind::<f64>(), "number, such as 0.5"),
        (kind::<Level>(), "one of: low, high"),
        (kind::<Duration>(), "duration, such as 30s"),
        (kind::<ByteSize>(), "size, such as 2MiB"),
        (kind::<Url>(), "URL"),
        (kind::<SocketAddr>(), "address and port, such as 0.0.0.0:8080"),
        (kind::<IpAddr>(), "IP address"),
        (kind::<PathBuf>(), "path"),
        (kind::<Meters>(), "number from 0 to 65535"),
        (kind::<Vec<String>>(), "list, such as a,b"),
        (kind::<BTreeSet<u8>>(), "list with commas, each a number from 0 to 255"),
        (kind::<(u8, String)>(), "2 values with commas between them"),
        (kind::<BTreeMap<String, String>>(), "pairs, such as a=x,b=y"),
        (kind::<BTreeMap<String, u8>>(), "pairs, such as a=x,b=y, each value a number from 0 to 255"),
        (kind::<Point>(), "x=..,y=.."),
    ] {
        assert_eq!(kind, expected);
    }
}

#[test]
fn options_and_secrets_are_seen_through() {
    let shape = describe::<Option<Secret<Url>>>();
    assert_eq!(shape.kind, Kind::Url);
    assert!(shape.optional && shape.secret);
    assert!(describe::<Vec<Secret<String>>>().secret);
    assert!(describe::<BTreeMap<String, Secret<String>>>().secret);
    assert!(!describe::<Vec<Option<u8>>>().optional);
}

#[test]
fn articles_fit() {
    assert_eq!(describe::<Url>().kind.with_article(), "a URL");
    assert_eq!(describe::<IpAddr>().kind.with_article(), "an IP address");
    assert_eq!(describe::<SocketAddr>().kind.with_article(), "an address and port, such as 0.0.0.0:8080");
    assert_eq!(describe::<bool>().kind.with_article(), "true or false");
}
