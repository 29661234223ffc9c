//! What a variable holds, found out from the type of its field alone.
//!
//! The type is asked to deserialize itself from a deserializer that has nothing to give: what it asks for is what it is.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, DeserializeSeed, Expected, MapAccess, SeqAccess, Visitor},
};

use super::{secret, size};

/// What a variable holds, whether it may be unset, and whether it may be shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) kind: Kind,
    pub(crate) optional: bool,
    pub(crate) secret: bool,
}

/// What a variable holds, as it is told to a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Text,
    /// A number; the text says which.
    Number(String),
    Switch,
    Character,
    Choice(&'static [&'static str]),
    Duration,
    Size,
    Url,
    Address,
    List(Box<Kind>),
    Tuple(usize),
    Pairs(Box<Kind>),
    Record(&'static [&'static str]),
    /// What the type itself says that it expects.
    Other(String),
}

/// Describes what a `T` is.
pub(crate) fn describe<'de, T: Deserialize<'de>>() -> Shape {
    let mut shape = Shape::default();
    // Types that replace errors by a default give a value; what they asked for is recorded all the same.
    drop(T::deserialize(Describe(&mut shape)));
    shape
}

// === impl Kind ===

impl Kind {
    /// The kind with its article, as in "expected a number".
    pub(crate) fn with_article(&self) -> String {
        match self {
            Self::Text | Self::Switch | Self::Choice(_) | Self::Tuple(_) | Self::Pairs(_) | Self::Record(_) => {
                self.to_string()
            }
            Self::Other(text) if text.starts_with("a ") || text.starts_with("an ") => text.clone(),
            Self::Address | Self::Other(_) if self.starts_with_vowel() => format!("an {self}"),
            _ => format!("a {self}"),
        }
    }

    fn starts_with_vowel(&self) -> bool {
        self.to_string().starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O'])
    }

    fn of_text(expected: &str) -> Self {
        match expected {
            "a string" | "string" => Self::Text,
            "a string representing an URL" => Self::Url,
            "socket address" | "IPv4 socket address" => Self::Address,
            "path string" => Self::Other("path".to_owned()),
            other => Self::Other(other.to_owned()),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text => f.write_str("text"),
            Self::Number(which) | Self::Other(which) => f.write_str(which),
            Self::Switch => f.write_str("true or false"),
            Self::Character => f.write_str("single character"),
            Self::Choice(choices) => write!(f, "one of: {}", choices.join(", ")),
            Self::Duration => f.write_str("duration, such as 30s"),
            Self::Size => f.write_str("size, such as 2MiB"),
            Self::Url => f.write_str("URL"),
            Self::Address => f.write_str("address and port, such as 0.0.0.0:8080"),
            Self::List(item) if **item == Self::Text => f.write_str("list, such as a,b"),
            Self::List(item) => write!(f, "list with commas, each {}", item.with_article()),
            Self::Tuple(count) => write!(f, "{count} values with commas between them"),
            Self::Pairs(value) if **value == Self::Text => f.write_str("pairs, such as a=x,b=y"),
            Self::Pairs(value) => {
                write!(f, "pairs, such as a=x,b=y, each value {}", value.with_article())
            }
            Self::Record(fields) => {
                let pairs: Vec<String> = fields.iter().map(|field| format!("{field}=..")).collect();
                f.write_str(&pairs.join(","))
            }
        }
    }
}

// === the deserializer that has nothing to give ===

struct Describe<'a>(&'a mut Shape);

/// The only answer of [`Describe`].
#[derive(Debug)]
struct Described;

impl fmt::Display for Described {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("described")
    }
}

impl std::error::Error for Described {}

impl de::Error for Described {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl Describe<'_> {
    fn is<T>(self, kind: Kind) -> Result<T, Described> {
        self.0.kind = kind;
        Err(Described)
    }

    fn of_text<'de, V: Visitor<'de>>(self, visitor: &V) -> Result<V::Value, Described> {
        let expected = (visitor as &dyn Expected).to_string();
        self.is(Kind::of_text(&expected))
    }
}

/// Describes each integer by its range; `NonZero` says itself that it is not 0.
macro_rules! integers {
    ($($method:ident: $least:expr, $most:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Described> {
            let nonzero = (&visitor as &dyn Expected).to_string().starts_with("a nonzero");
            self.is(Kind::Number(range($least.into(), $most, nonzero)))
        }
    )*};
}

fn range(least: i128, most: Option<u64>, nonzero: bool) -> String {
    let from = if nonzero && least == 0 { 1 } else { least };
    let mut range = match (least, most) {
        (_, Some(most)) => format!("number from {from} to {most}"),
        (0, None) => format!("whole number, {from} or more"),
        (_, None) => "whole number".to_owned(),
    };
    if nonzero && least < 0 {
        range.push_str(", not 0");
    }
    range
}

macro_rules! texts {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Described> {
            self.of_text(&visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Describe<'_> {
    type Error = Described;

    integers! {
        deserialize_u8: u8::MIN, Some(u8::MAX.into());
        deserialize_u16: u16::MIN, Some(u16::MAX.into());
        deserialize_u32: u32::MIN, Some(u32::MAX.into());
        deserialize_u64: u64::MIN, None;
        deserialize_u128: 0, None;
        deserialize_i8: i8::MIN, Some(127);
        deserialize_i16: i16::MIN, Some(32_767);
        deserialize_i32: i32::MIN, Some(2_147_483_647);
        deserialize_i64: i64::MIN, None;
        deserialize_i128: i128::MIN, None;
    }

    texts! {
        deserialize_any deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_unit
        deserialize_identifier deserialize_ignored_any
    }

    fn deserialize_f32<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Described> {
        self.is(Kind::Number("number, such as 0.5".to_owned()))
    }

    fn deserialize_f64<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Described> {
        self.is(Kind::Number("number, such as 0.5".to_owned()))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Described> {
        self.is(Kind::Switch)
    }

    fn deserialize_char<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Described> {
        self.is(Kind::Character)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Described> {
        self.0.optional = true;
        visitor.visit_some(self)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Described> {
        self.of_text(&visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Described> {
        match name {
            size::NAME => self.is(Kind::Size),
            secret::NAME => {
                self.0.secret = true;
                visitor.visit_newtype_struct(self)
            }
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Described> {
        let mut item = Shape::default();
        let result = visitor.visit_seq(Items(&mut item));
        self.0.secret |= item.secret;
        self.0.kind = Kind::List(Box::new(item.kind));
        result
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Described> {
        let mut first = Shape::default();
        let result = visitor.visit_seq(Items(&mut first));
        self.0.secret |= first.secret;
        self.0.kind = Kind::Tuple(len);
        result
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Described> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Described> {
        let mut value = Shape::default();
        let result = visitor.visit_map(Items(&mut value));
        self.0.secret |= value.secret;
        self.0.kind = Kind::Pairs(Box::new(value.kind));
        result
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Described> {
        match name {
            "Duration" if fields == ["secs", "nanos"] => self.is(Kind::Duration),
            _ => self.is(Kind::Record(fields)),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Described> {
        self.is(Kind::Choice(variants))
    }
}

/// The items of a list, or the pairs of a map, of which the first is described.
struct Items<'a>(&'a mut Shape);

impl<'de> SeqAccess<'de> for Items<'_> {
    type Error = Described;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Described> {
        seed.deserialize(Describe(self.0)).map(Some)
    }
}

impl<'de> MapAccess<'de> for Items<'_> {
    type Error = Described;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _: K) -> Result<Option<K::Value>, Described> {
        Err(Described)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Described> {
        seed.deserialize(Describe(self.0))
    }

    fn next_entry_seed<K: DeserializeSeed<'de>, V: DeserializeSeed<'de>>(
        &mut self,
        _: K,
        value: V,
    ) -> Result<Option<(K::Value, V::Value)>, Described> {
        self.next_value_seed(value).and(Err(Described))
    }
}

#[cfg(test)]
#[path = "tests/kind.rs"]
mod tests;
