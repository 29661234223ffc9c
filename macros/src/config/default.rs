//! The default of a variable: a text as the variable would have it, or a value.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6},
    num::{NonZeroI32, NonZeroI64, NonZeroU8, NonZeroU16, NonZeroU32, NonZeroU64, NonZeroUsize},
};

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Expr, ExprLit, ExprUnary, GenericArgument, Lit, PathArguments, Type, UnOp};

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
            && let Some((wrong, help)) = kind.refuse(&text)
        {
            errors.add(&given, wrong, help);
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
    /// Whether it is a list of such.
    list: bool,
    reads: fn(&str) -> bool,
}

impl Kind {
    fn of(ty: &Type) -> Option<Self> {
        let ty = inside_option(ty);
        let name = last_name(ty)?.to_string();
        match name.as_str() {
            "BTreeSet" | "HashSet" | "Vec" | "VecDeque" => {
                Some(Self { plain: false, list: true, ..Self::of_one(&last_name(inside(ty)?)?.to_string())? })
            }
            "NonZero" => Self::of_one(&format!("NonZero{}", last_name(inside(ty)?)?.to_string().to_uppercase())),
            // What is not empty is one, but only an item has to be that.
            "String" => None,
            name => Self::of_one(name),
        }
    }

    fn of_one(name: &str) -> Option<Self> {
        Some(match name {
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
            "NonZeroU8" => Self::number("a whole number from 1 to 255", reads::<NonZeroU8>),
            "NonZeroU16" => Self::number("a whole number from 1 to 65535", reads::<NonZeroU16>),
            "NonZeroU32" => Self::number("a whole number above zero that fits `u32`", reads::<NonZeroU32>),
            "NonZeroU64" => Self::number("a whole number above zero that fits `u64`", reads::<NonZeroU64>),
            "NonZeroUSIZE" | "NonZeroUsize" => {
                Self::number("a whole number above zero that fits `usize`", reads::<NonZeroUsize>)
            }
            "NonZeroI32" => Self::number("a whole number that fits `i32`, but not zero", reads::<NonZeroI32>),
            "NonZeroI64" => Self::number("a whole number that fits `i64`, but not zero", reads::<NonZeroI64>),
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
            "ByteSize" => Self { example: "\"2MiB\"", ..Self::number("a size in bytes", is_size) },
            "Url" => Self::text("a URL with its scheme", "\"http://localhost:8080\"", is_url),
            "String" => Self::text("a text", "\"one\"", |text| !text.is_empty()),
            _ => return None,
        })
    }

    fn number(what: &'static str, reads: fn(&str) -> bool) -> Self {
        Self { what, example: "8", plain: true, list: false, reads }
    }

    fn text(what: &'static str, example: &'static str, reads: fn(&str) -> bool) -> Self {
        Self { what, example, plain: false, list: false, reads }
    }

    /// What is wrong with a text, and what to write.
    fn refuse(self, text: &str) -> Option<(String, String)> {
        let Self { what, example, list, reads, .. } = self;
        if !list {
            let help = || format!("write {what}, such as `default = {example}`");
            return (!reads(text)).then(|| (format!("`{text}` is not {what}"), help()));
        }
        if text.trim().is_empty() {
            return None;
        }
        let index = text.split(',').position(|item| !reads(item.trim()))?;
        let number = index + 1;
        if text.split(',').nth(index).is_some_and(|item| item.trim().is_empty()) {
            return Some((format!("item {number} of `{text}` is empty"), "write one, or remove a `,`".into()));
        }
        let wrong = format!("item {number} of `{text}` is not {what}");
        Some((wrong, format!("write each as {what}, with `,` between two")))
    }
}

/// `T` of a `Vec<T>`.
fn inside(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = ty else {
        return None;
    };
    match &path.path.segments.last()?.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.first()? {
            GenericArgument::Type(inside) => Some(inside),
            _ => None,
        },
        _ => None,
    }
}

/// Whether the runtime's `ByteSize` reads it.
pub(crate) fn is_size(text: &str) -> bool {
    const UNITS: [(&[&str], u64); 9] = [
        (&["B", ""], 1),
        (&["kB", "KB", "k"], 1_000),
        (&["KiB", "Ki"], 1 << 10),
        (&["MB", "M"], 1_000_000),
        (&["MiB", "Mi"], 1 << 20),
        (&["GB", "G"], 1_000_000_000),
        (&["GiB", "Gi"], 1 << 30),
        (&["TB", "T"], 1_000_000_000_000),
        (&["TiB", "Ti"], 1 << 40),
    ];
    let text = text.trim();
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit = UNITS.iter().find(|(names, _)| names.contains(&unit.trim()));
    unit.is_some_and(|(_, bytes)| digits.parse::<u64>().is_ok_and(|count| count.checked_mul(*bytes).is_some()))
}

/// Whether a text has a scheme; `localhost:8080` has a port.
fn is_url(text: &str) -> bool {
    let Some((scheme, rest)) = text.trim().split_once(':') else {
        return false;
    };
    let is_port = rest.split('/').next().is_some_and(|port| port.parse::<u16>().is_ok());
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
        && !is_port
        && !matches!(rest, "" | "/" | "//")
}

fn is_bool(text: &str) -> bool {
    const WORDS: [&str; 8] = ["true", "yes", "on", "1", "false", "no", "off", "0"];
    WORDS.contains(&text.to_lowercase().as_str())
}

fn reads<T: std::str::FromStr>(text: &str) -> bool {
    text.parse::<T>().is_ok()
}
