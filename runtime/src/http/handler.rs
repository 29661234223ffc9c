//! What `#[handler]` adds to a handler: a span, and a record of its error.

use std::{any, fmt, future::Future};

use opentelemetry::trace::TraceContextExt;
use tracing::Instrument;
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::telemetry::Failure;

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
///
/// The failure is one log record with the ids of the span. Within a request it waits for the status: at `INFO` for a 4xx,
/// else at `ERROR`.
pub async fn handle<H: Handler, T>(
    fields: &[Field<'_>],
    body: impl Future<Output = T>,
    describe: fn(&T) -> Option<String>,
) -> T {
    let span = tracing::info_span!("handler", otel.name = H::NAME, code.function.name = H::FUNCTION,);
    for (name, value) in fields {
        span.set_attribute(*name, value.to_string());
    }
    let output = body.instrument(span.clone()).await;
    if let Some(error) = describe(&output) {
        Failure { function: H::FUNCTION, error, span: span.context().span().span_context().clone() }.record();
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
