//! The default of a variable: a text as the variable would have it, or a value.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, ExprLit, ExprUnary, Lit, Type, UnOp};

use crate::{
    duration,
    errors::{Errors, show},
    function::{inside_option, last_name},
};

/// What a field is where its variable is not set.
pub(super) enum Default {
    /// Read as the variable's text would be.
    Text(String),
    /// A value of the field's own type.
    Value(Expr),
}

impl Default {
    pub(super) fn new(given: Expr, ty: &Type, errors: &mut Errors) -> Option<Self> {
        let kind = Kind::of(ty);
        let Some(text) = text(&given, kind) else {
            return Some(Self::Value(given));
        };
        if let Some(kind) = kind
            && !kind.accepts(&text)
        {
            errors.add(
                &given,
                format!("`{text}` is not {}", kind.what),
                format!("write {}, such as `default = {}`", kind.what, kind.example),
            );
            return None;
        }
        Some(Self::Text(text))
    }

    pub(super) fn expand(&self, ty: &Type) -> TokenStream {
        match self {
            Self::Text(text) => quote!(.default(#text)),
            Self::Value(value) => {
                quote!(.default_value(|| ::seaworthy::config::Value::new::<#ty>(#value)))
            }
        }
    }
}

/// The text of a default: that in quotes, and that of a plain number or `bool` where the field is one.
fn text(given: &Expr, kind: Option<Kind>) -> Option<String> {
    let (sign, given) = match given {
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => ("-", &**expr),
        given => ("", given),
    };
    let Expr::Lit(ExprLit { lit, .. }) = given else {
        return None;
    };
    let plain = kind.is_some_and(|kind| kind.plain);
    match lit {
        Lit::Str(text) if sign.is_empty() => Some(text.value()),
        Lit::Int(number) if plain && number.suffix().is_empty() => Some(format!("{sign}{}", number.base10_digits())),
        Lit::Float(number) if plain && number.suffix().is_empty() => Some(format!("{sign}{}", number.base10_digits())),
        Lit::Bool(on) if plain => Some(show(on)),
        _ => None,
    }
}

/// A type whose texts the macro can read.
#[derive(Clone, Copy)]
struct Kind {
    what: &'static str,
    example: &'static str,
    /// Whether it can be written without quotes.
    plain: bool,
    reads: fn(&str) -> bool,
}

impl Kind {
    fn of(ty: &Type) -> Option<Self> {
        let name = last_name(inside_option(ty))?.to_string();
        Some(match name.as_str() {
            "u8" => Self::number("a whole number up to 255", reads::<u8>),
            "u16" => Self::number("a whole number up to 65535", reads::<u16>),
            "u32" => Self::number("a whole number that fits `u32`", reads::<u32>),
            "u64" => Self::number("a whole number that fits `u64`", reads::<u64>),
            "u128" => Self::number("a whole number that fits `u128`", reads::<u128>),
            "usize" => Self::number("a whole number that fits `usize`", reads::<usize>),
            "i8" => Self::number("a whole number from -128 to 127", reads::<i8>),
            "i16" => Self::number("a whole number that fits `i16`", reads::<i16>),
            "i32" => Self::number("a whole number that fits `i32`", reads::<i32>),
            "i64" => Self::number("a whole number that fits `i64`", reads::<i64>),
            "i128" => Self::number("a whole number that fits `i128`", reads::<i128>),
            "isize" => Self::number("a whole number that fits `isize`", reads::<isize>),
            "f32" | "f64" => Self { example: "0.5", ..Self::number("a number", reads::<f64>) },
            "bool" => Self { example: "false", ..Self::number("`true` or `false`", is_bool) },
            "char" => Self::text("one character", "\"x\"", reads::<char>),
            "Duration" => Self::text("a duration", "\"30s\"", |text| duration::parse(text).is_some()),
            "SocketAddr" => Self::text("an address with a port", "\"127.0.0.1:6379\"", reads::<SocketAddr>),
            "SocketAddrV4" => Self::text("an address with a port", "\"127.0.0.1:6379\"", reads::<SocketAddrV4>),
            "SocketAddrV6" => Self::text("an IPv6 address with a port", "\"[::1]:6379\"", reads::<SocketAddrV6>),
            "IpAddr" => Self::text("an IP address", "\"127.0.0.1\"", reads::<IpAddr>),
            "Ipv4Addr" => Self::text("an IPv4 address", "\"127.0.0.1\"", reads::<Ipv4Addr>),
            "Ipv6Addr" => Self::text("an IPv6 address", "\"::1\"", reads::<Ipv6Addr>),
            _ => return None,
        })
    }

    fn number(what: &'static str, reads: fn(&str) -> bool) -> Self {
        Self { what, example: "8", plain: true, reads }
    }

    fn text(what: &'static str, example: &'static str, reads: fn(&str) -> bool) -> Self {
        Self { what, example, plain: false, reads }
    }

    fn accepts(self, text: &str) -> bool {
        (self.reads)(text)
    }
}

fn is_bool(text: &str) -> bool {
    const WORDS: [&str; 8] = ["true", "yes", "on", "1", "false", "no", "off", "0"];
    WORDS.contains(&text.to_lowercase().as_str())
}

fn reads<T: std::str::FromStr>(text: &str) -> bool {
    text.parse::<T>().is_ok()
}
