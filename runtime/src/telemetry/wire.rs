//! Protobuf's wire format, as far as OTLP's spans need it.
//!
//! A message of protobuf is its fields one after the other, so what is known of a span is appended when it is known, and
//! never held in another form: of a field that is there twice, the later counts. Generated types, such as those of
//! `opentelemetry-proto`, would have every name and value allocated before the first byte is written.

use std::{fmt, io::Write as _};

/// The value of an attribute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Value<'a> {
    Text(&'a str),
    Bool(bool),
    Int(i64),
    Double(f64),
}

/// A field's value, as it stands in a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Raw<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// Reads the fields of a message, up to where it is none.
pub(crate) struct Fields<'a> {
    /// What was not read yet.
    pub(crate) rest: &'a [u8],
}

/// The most bytes that [`length`] writes.
#[cfg(feature = "otlp")]
pub(crate) const MAX_HEAD: usize = 5 + 10;

/// How a field's value stands in a message.
pub(crate) const FIXED64: u8 = 1;
pub(crate) const BYTES: u8 = 2;

/// What comes before the value of a field below 16.
pub(crate) const fn key(field: u32, kind: u8) -> u8 {
    (field as u8) << 3 | kind
}

pub(crate) fn varint(out: &mut Vec<u8>, field: u32, value: u64) {
    numbers(out, u64::from(field << 3), value);
}

/// Of a field below 16.
pub(crate) fn fixed64(out: &mut Vec<u8>, field: u32, value: u64) {
    let mut bytes = [key(field, FIXED64); 9];
    bytes[1..].copy_from_slice(&value.to_le_bytes());
    out.extend_from_slice(&bytes);
}

pub(crate) fn fixed32(out: &mut Vec<u8>, field: u32, value: u32) {
    raw_varint(out, u64::from(field << 3 | 5));
    out.extend_from_slice(&value.to_le_bytes());
}

/// A string, bytes, or a message within this one.
pub(crate) fn bytes(out: &mut Vec<u8>, field: u32, value: &[u8]) {
    length(out, field, value.len());
    out.extend_from_slice(value);
}

/// What comes before the bytes of a string or a message.
pub(crate) fn length(out: &mut Vec<u8>, field: u32, length: usize) {
    numbers(out, u64::from(field << 3 | 2), length as u64);
}

/// A `KeyValue`.
pub(crate) fn attribute(out: &mut Vec<u8>, field: u32, key: &str, value: Value<'_>) {
    match value {
        Value::Text(text) => {
            attribute_head(out, field, key, text.len());
            out.extend_from_slice(text.as_bytes());
        }
        Value::Bool(value) => {
            key_and_value(out, field, key, 2);
            varint(out, 2, u64::from(value));
        }
        Value::Int(value) => {
            // Negative numbers are as large ones: ten bytes.
            key_and_value(out, field, key, 1 + varint_size(value.cast_unsigned()));
            varint(out, 3, value.cast_unsigned());
        }
        Value::Double(value) => {
            key_and_value(out, field, key, 9);
            fixed64(out, 4, value.to_bits());
        }
    }
}

/// An attribute whose value is a text: all that comes before it, made once for each name.
///
/// `N` is 8 more than the length of the name.
#[derive(Clone, Copy)]
pub(crate) struct TextAttribute<const N: usize> {
    field: u32,
    name: &'static str,
    head: [u8; N],
}

impl<const N: usize> TextAttribute<N> {
    pub(crate) const fn new(field: u32, name: &'static str) -> Self {
        assert!(name.len() + 8 == N && N < 0x60 && field < 16, "it would not be short");
        let mut head = [0; N];
        let mut at = 0;
        while at < name.len() {
            head[4 + at] = name.as_bytes()[at];
            at += 1;
        }
        head[0] = key(field, BYTES);
        head[2] = key(1, BYTES);
        head[3] = name.len() as u8;
        head[N - 4] = key(2, BYTES);
        head[N - 2] = key(1, BYTES);
        Self { field, name, head }
    }

    /// Adds it with a value.
    pub(crate) fn add(&self, out: &mut Vec<u8>, text: &str) {
        if text.len() + N - 2 >= 0x80 {
            return attribute(out, self.field, self.name, Value::Text(text));
        }
        let mut head = self.head;
        head[1] = (N - 2 + text.len()) as u8;
        head[N - 3] = 2 + text.len() as u8;
        head[N - 1] = text.len() as u8;
        out.extend_from_slice(&head);
        out.extend_from_slice(text.as_bytes());
    }
}

/// A `KeyValue` whose value is a text that is yet to be formatted: at the end, where its length comes out. What needs to
/// know that is then put in front.
pub(crate) fn formatted_attribute(out: &mut Vec<u8>, field: u32, key: &str, text: fmt::Arguments<'_>) {
    let start = out.len();
    // An error of the value's own formatting ends it where it is.
    _ = out.write_fmt(text);
    let end = out.len();
    attribute_head(out, field, key, end - start);
    let head = out.len() - end;
    out[start..].rotate_right(head);
}

/// All of a `KeyValue` with a text but the text.
fn attribute_head(out: &mut Vec<u8>, field: u32, key: &str, text: usize) {
    key_and_value(out, field, key, size_with_length(text));
    length(out, 1, text);
}

/// All of a `KeyValue` but the content of its `AnyValue`.
fn key_and_value(out: &mut Vec<u8>, field: u32, key: &str, value: usize) {
    let pair = size_with_length(key.len()) + size_with_length(value);
    out.reserve(pair + 16);
    if field < 16 && pair < 0x80 {
        // As below, for nearly all: each length is one byte.
        out.extend_from_slice(&[(field << 3 | 2) as u8, pair as u8, 1 << 3 | 2, key.len() as u8]);
        out.extend_from_slice(key.as_bytes());
        out.extend_from_slice(&[2 << 3 | 2, value as u8]);
        return;
    }
    length(out, field, pair);
    bytes(out, 1, key.as_bytes());
    length(out, 2, value);
}

/// The size of a field below 16 with so many bytes.
fn size_with_length(bytes: usize) -> usize {
    1 + varint_size(bytes as u64) + bytes
}

fn varint_size(value: u64) -> usize {
    (64 - (value | 1).leading_zeros() as usize).div_ceil(7)
}

/// Two numbers, each of one byte for nearly all.
fn numbers(out: &mut Vec<u8>, first: u64, second: u64) {
    if first < 0x80 && second < 0x80 {
        return out.extend_from_slice(&[first as u8, second as u8]);
    }
    raw_varint(out, first);
    raw_varint(out, second);
}

fn raw_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The fields of a message, with their numbers.
pub(crate) fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

/// Removes the attributes of that name from a message that has them in that field.
pub(crate) fn remove_attribute(message: &mut Vec<u8>, field: u32, key: &str) {
    let mut at = 0;
    while at < message.len() {
        let mut fields = fields(&message[at..]);
        let Some((number, value)) = fields.next() else { return };
        let end = message.len() - fields.rest.len();
        let is_it = matches!(value, Raw::Bytes(pair) if number == field && self::fields(pair).next() == Some((1, Raw::Bytes(key.as_bytes()))));
        if is_it {
            message.drain(at..end);
        } else {
            at = end;
        }
    }
}

// === impl Fields ===

impl<'a> Fields<'a> {
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.rest.split_off_first()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = (u32, Raw<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        let key = self.varint()?;
        let value = match key & 7 {
            0 => Raw::Varint(self.varint()?),
            1 => Raw::Fixed64(u64::from_le_bytes(self.rest.split_off(..8)?.try_into().ok()?)),
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Raw::Bytes(self.rest.split_off(..length)?)
            }
            5 => Raw::Fixed32(u32::from_le_bytes(self.rest.split_off(..4)?.try_into().ok()?)),
            _ => return None,
        };
        Some((u32::try_from(key >> 3).ok()?, value))
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::{
        common::v1::{AnyValue, KeyValue, any_value},
        trace::v1::Span,
    };
    use prost::Message;

    use super::*;

    fn decoded(out: &[u8]) -> Vec<KeyValue> {
        Span::decode(out).unwrap().attributes
    }

    fn pair(key: &str, value: any_value::Value) -> KeyValue {
        KeyValue { key: key.into(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
    }

    #[test]
    fn attributes_are_those_of_otlp() {
        let long = "ü".repeat(300);
        let mut out = Vec::new();
        attribute(&mut out, 9, "text", Value::Text("x"));
        attribute(&mut out, 9, "long", Value::Text(&long));
        attribute(&mut out, 9, "none", Value::Text(""));
        attribute(&mut out, 9, "yes", Value::Bool(true));
        attribute(&mut out, 9, "small", Value::Int(i64::MIN));
        attribute(&mut out, 9, "large", Value::Int(i64::MAX));
        attribute(&mut out, 9, "zero", Value::Int(0));
        attribute(&mut out, 9, "half", Value::Double(-0.5));
        formatted_attribute(&mut out, 9, "shown", format_args!("{}-{long}", 1));
        use any_value::Value::*;
        let expected = [
            pair("text", StringValue("x".into())),
            pair("long", StringValue(long.clone())),
            pair("none", StringValue(String::new())),
            pair("yes", BoolValue(true)),
            pair("small", IntValue(i64::MIN)),
            pair("large", IntValue(i64::MAX)),
            pair("zero", IntValue(0)),
            pair("half", DoubleValue(-0.5)),
            pair("shown", StringValue(format!("1-{long}"))),
        ];
        assert_eq!(decoded(&out), expected);
    }

    #[test]
    fn an_attribute_that_was_made_before_is_the_same() {
        const PATH: TextAttribute<16> = TextAttribute::new(9, "url.path");
        for length in [0, 1, 100, 112, 113, 114, 115, 127, 128, 300] {
            let text = "x".repeat(length);
            let (mut one, mut other) = (Vec::new(), Vec::new());
            PATH.add(&mut one, &text);
            attribute(&mut other, 9, "url.path", Value::Text(&text));
            assert_eq!(one, other);
            assert_eq!(decoded(&one), [pair("url.path", any_value::Value::StringValue(text))]);
        }
    }

    #[test]
    fn of_a_field_that_is_there_twice_the_later_counts() {
        let mut out = Vec::new();
        bytes(&mut out, 5, b"one");
        varint(&mut out, 6, 1);
        bytes(&mut out, 5, b"two");
        varint(&mut out, 6, 2);
        fixed64(&mut out, 7, u64::MAX);
        fixed32(&mut out, 16, 0x101);
        let span = Span::decode(&out[..]).unwrap();
        assert_eq!((span.name.as_str(), span.kind), ("two", 2));
        assert_eq!((span.start_time_unix_nano, span.flags), (u64::MAX, 0x101));
    }

    #[test]
    fn attributes_are_removed_by_their_name() {
        let mut out = Vec::new();
        for (key, value) in [("a", 1), ("b", 2), ("a", 3), ("c", 4)] {
            attribute(&mut out, 9, key, Value::Int(value));
            varint(&mut out, 6, 2);
        }
        remove_attribute(&mut out, 9, "a");
        let keys: Vec<_> = decoded(&out).into_iter().map(|pair| pair.key).collect();
        assert_eq!(keys, ["b", "c"]);
    }

    #[test]
    fn what_is_no_message_ends_it() {
        for nonsense in
            [&b"\x0a\x05ab"[..], b"\x80", b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", b"\x0b", b"\x09a"]
        {
            assert_eq!(fields(nonsense).next(), None, "{nonsense:?}");
        }
        let mut out = Vec::new();
        bytes(&mut out, 1, b"x");
        fixed64(&mut out, 2, 3);
        assert_eq!(fields(&out).collect::<Vec<_>>(), [(1, Raw::Bytes(b"x")), (2, Raw::Fixed64(3))]);
    }
}
