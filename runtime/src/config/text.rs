//! How the text of one variable becomes a value of its field's type.

use std::{collections::BTreeSet, fmt, path::Path};

use serde::{
    Deserializer,
    de::{self, DeserializeOwned, Visitor, value::SeqDeserializer},
};

use super::{
    duration,
    parts::{Items, Pairs, Variant},
    secret::{self, WithOrigin},
    size,
};

/// Why a text is not a value of the type.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// There is no text, and the type is not an `Option`.
    Missing,
    /// It is not of the kind that is expected, which says enough.
    Kind,
    /// The reason, which may quote the text.
    Reason(String),
}

/// Makes a `T` of a variable's text; `None` is a variable that is not set.
pub(crate) fn parse<T: DeserializeOwned>(text: Option<&str>) -> Result<T, Invalid> {
    parse_from(Origin::default(), text)
}

/// Makes a `T` of a text that came from there.
pub(super) fn parse_from<T: DeserializeOwned>(origin: Origin<'_>, text: Option<&str>) -> Result<T, Invalid> {
    T::deserialize(Text { text, origin })
}

/// Where a text came from: what a secret keeps of it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Origin<'a> {
    /// The whole name of its variable.
    pub(super) variable: Option<&'a str>,
    /// The file that it was read from, if it was.
    pub(super) file: Option<&'a Path>,
}

#[derive(Clone, Copy)]
pub(super) struct Text<'de> {
    text: Option<&'de str>,
    origin: Origin<'de>,
}

// === impl Invalid ===

impl Invalid {
    pub(super) fn because(reason: impl fmt::Display) -> Self {
        Self::Reason(reason.to_string())
    }

    /// Says in words of people what is known to be put otherwise, and nothing where the kind says it already.
    fn in_words(reason: &str) -> Self {
        if reason.starts_with("relative URL without a base") {
            return Self::because("it does not start with a scheme, such as `https://`");
        }
        match reason.starts_with("invalid ") && reason.ends_with(" syntax") {
            true => Self::Kind,
            false => Self::because(reason),
        }
    }

    /// Leaves out the text at the end of the reason: it is quoted beside it.
    fn without(self, text: &str) -> Self {
        match self {
            Self::Reason(reason) => match reason.strip_suffix(&format!(": {text:?}")) {
                Some(reason) => Self::because(reason),
                None => Self::Reason(reason),
            },
            other => other,
        }
    }

    /// Says which part of the text it is about.
    pub(super) fn within(self, part: impl fmt::Display) -> Self {
        match self {
            Self::Reason(reason) => Self::Reason(format!("{part}: {reason}")),
            Self::Kind | Self::Missing => Self::Reason(part.to_string()),
        }
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("it is not set"),
            Self::Kind => f.write_str("it is of another kind"),
            Self::Reason(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for Invalid {}

impl de::Error for Invalid {
    fn custom<T: fmt::Display>(reason: T) -> Self {
        Self::in_words(&reason.to_string())
    }

    fn invalid_type(_: de::Unexpected<'_>, _: &dyn de::Expected) -> Self {
        Self::Kind
    }

    // Some types give their reason as what is expected.
    fn invalid_value(_: de::Unexpected<'_>, expected: &dyn de::Expected) -> Self {
        match expected.to_string() {
            nonzero if nonzero.starts_with("a nonzero") => Self::Kind,
            reason => Self::in_words(&reason),
        }
    }

    fn invalid_length(len: usize, _: &dyn de::Expected) -> Self {
        Self::because(format_args!("the number of values is {len}"))
    }

    fn unknown_variant(_: &str, _: &'static [&'static str]) -> Self {
        Self::Kind
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::because(format_args!("`{field}` is not one of the names"))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::because(format_args!("`{field}` is missing"))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::because(format_args!("`{field}` is there twice"))
    }
}

// === impl Text ===

impl<'de> Text<'de> {
    /// A part of a variable's text.
    pub(super) fn part(text: &'de str) -> Self {
        Self { text: Some(text), origin: Origin::default() }
    }

    fn text(self) -> Result<&'de str, Invalid> {
        self.text.ok_or(Invalid::Missing)
    }

    /// The parts between commas. The empty text has none.
    fn items(self) -> Result<Vec<&'de str>, Invalid> {
        let text = self.text()?.trim();
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let items: Vec<&str> = text.split(',').map(str::trim).collect();
        match items.iter().position(|item| item.is_empty()) {
            Some(index) => Err(Invalid::because(format_args!("item {} is empty", index + 1))),
            None => Ok(items),
        }
    }

    fn pairs(self) -> Result<Vec<(&'de str, &'de str)>, Invalid> {
        let mut names = BTreeSet::new();
        self.items()?
            .into_iter()
            .map(|item| {
                let (name, value) =
                    item.split_once('=').ok_or_else(|| Invalid::because(format_args!("`{item}` has no `=`")))?;
                match names.insert(name.trim()) {
                    true => Ok((name.trim(), value.trim())),
                    false => Err(Invalid::because(format_args!("`{name}` is there twice"))),
                }
            })
            .collect()
    }
}

macro_rules! numbers {
    ($($method:ident: $visit:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
            visitor.$visit(self.text()?.trim().parse().map_err(|_| Invalid::Kind)?)
        }
    )*};
}

macro_rules! finite_numbers {
    ($($method:ident: $visit:ident $type:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
            let number = self.text()?.trim().parse::<$type>().map_err(|_| Invalid::Kind)?;
            if !number.is_finite() {
                return Err(Invalid::Kind);
            }
            visitor.$visit(number)
        }
    )*};
}

macro_rules! texts {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
            let text = self.text()?;
            visitor.visit_borrowed_str(text).map_err(|invalid: Invalid| invalid.without(text))
        }
    )*};
}

impl<'de> Deserializer<'de> for Text<'de> {
    type Error = Invalid;

    numbers! {
        deserialize_u8: visit_u8;
        deserialize_u16: visit_u16;
        deserialize_u32: visit_u32;
        deserialize_u64: visit_u64;
        deserialize_u128: visit_u128;
        deserialize_i8: visit_i8;
        deserialize_i16: visit_i16;
        deserialize_i32: visit_i32;
        deserialize_i64: visit_i64;
        deserialize_i128: visit_i128;
    }

    finite_numbers! {
        deserialize_f32: visit_f32 f32;
        deserialize_f64: visit_f64 f64;
    }

    texts! { deserialize_any deserialize_str deserialize_string deserialize_identifier }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        match self.text()?.trim().to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => visitor.visit_bool(true),
            "false" | "0" | "no" | "off" => visitor.visit_bool(false),
            _ => Err(Invalid::Kind),
        }
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        let mut characters = self.text()?.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => visitor.visit_char(character),
            _ => Err(Invalid::Kind),
        }
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_borrowed_bytes(self.text()?.as_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        match self.text {
            None | Some("") => visitor.visit_none(),
            Some(_) => visitor.visit_some(self),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Invalid> {
        Err(Invalid::because("no text is a value of the field's type"))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Invalid> {
        self.deserialize_unit(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, name: &'static str, visitor: V) -> Result<V::Value, Invalid> {
        match name {
            size::NAME => {
                let size: size::ByteSize = self.text()?.parse().map_err(Invalid::because)?;
                visitor.visit_u64(size.bytes())
            }
            secret::NAME => match self.origin.variable {
                Some(variable) => visitor.visit_seq(WithOrigin::new(self, variable, self.origin.file)),
                None => visitor.visit_newtype_struct(self),
            },
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        let mut items = Items::new(self.items()?);
        let value = visitor.visit_seq(&mut items)?;
        items.end().map(|()| value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Invalid> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Invalid> {
        visitor.visit_map(Pairs::new(self.pairs()?))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        if name != "Duration" || fields != ["secs", "nanos"] {
            return self.deserialize_map(visitor);
        }
        let duration = duration::parse(self.text()?).map_err(Invalid::because)?;
        visitor.visit_seq(SeqDeserializer::new([duration.as_secs(), duration.subsec_nanos().into()].into_iter()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Invalid> {
        let text = self.text()?.trim();
        let known = |same: fn(&str, &str) -> bool| variants.iter().copied().find(|variant| same(variant, text));
        let variant = known(|a, b| a == b).or_else(|| known(str::eq_ignore_ascii_case));
        visitor.visit_enum(Variant(variant.unwrap_or(text)))
    }
}

#[cfg(test)]
#[path = "tests/text.rs"]
mod tests;
