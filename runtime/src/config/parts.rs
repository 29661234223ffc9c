//! The parts of a variable's text: the items of a list, the pairs of a map, the name of a variant.

use std::vec;

use serde::de::{DeserializeSeed, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor};

use super::text::{Invalid, Text};

/// The items of a list.
pub(super) struct Items<'de> {
    items: vec::IntoIter<&'de str>,
    read: usize,
}

impl<'de> Items<'de> {
    pub(super) fn new(items: Vec<&'de str>) -> Self {
        Self { items: items.into_iter(), read: 0 }
    }

    /// Refuses items that the type did not ask for.
    pub(super) fn end(self) -> Result<(), Invalid> {
        match self.items.len() {
            0 => Ok(()),
            more => Err(Invalid::because(format_args!("the number of values is {}", self.read + more))),
        }
    }
}

impl<'de> SeqAccess<'de> for &mut Items<'de> {
    type Error = Invalid;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Invalid> {
        let Some(item) = self.items.next() else {
            return Ok(None);
        };
        self.read += 1;
        seed.deserialize(Text::part(item))
            .map(Some)
            .map_err(|invalid| invalid.within(format_args!("item {} is `{item}`", self.read)))
    }
}

/// The pairs of a map.
pub(super) struct Pairs<'de> {
    pairs: vec::IntoIter<(&'de str, &'de str)>,
    value: Option<(&'de str, &'de str)>,
}

impl<'de> Pairs<'de> {
    pub(super) fn new(pairs: Vec<(&'de str, &'de str)>) -> Self {
        Self { pairs: pairs.into_iter(), value: None }
    }
}

impl<'de> MapAccess<'de> for Pairs<'de> {
    type Error = Invalid;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Invalid> {
        self.value = self.pairs.next();
        let Some((name, _)) = self.value else {
            return Ok(None);
        };
        seed.deserialize(Text::part(name))
            .map(Some)
            .map_err(|invalid| invalid.within(format_args!("the name `{name}`")))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Invalid> {
        let (name, value) = self.value.take().ok_or(Invalid::Kind)?;
        seed.deserialize(Text::part(value)).map_err(|invalid| invalid.within(format_args!("`{name}` is `{value}`")))
    }
}

/// The name of one variant of an enum.
pub(super) struct Variant<'de>(pub(super) &'de str);

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Invalid;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Invalid> {
        Ok((seed.deserialize(Text::part(self.0))?, self))
    }
}

impl Variant<'_> {
    fn holds_more<T>(self) -> Result<T, Invalid> {
        Err(Invalid::because(format_args!("`{}` holds more than its name, which no text can give", self.0)))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Invalid;

    fn unit_variant(self) -> Result<(), Invalid> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, _: T) -> Result<T::Value, Invalid> {
        self.holds_more()
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Invalid> {
        self.holds_more()
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Invalid> {
        self.holds_more()
    }
}
