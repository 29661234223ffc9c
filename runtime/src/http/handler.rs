//! What `#[handler]` adds to a handler: a span, and a record of its error.

use std::{
    any, fmt,
    future::Future,
    ops::Deref,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;

use crate::telemetry::{Encoded, Failure, OwnSpan};

/// A marked handler. `#[handler]` writes the implementation.
pub trait Handler {
    /// The name of its span.
    const NAME: &'static str;
    /// `code.function.name`: the path of the function.
    const FUNCTION: &'static str;
}

/// A field of a handler's span: its name and how it is shown.
pub type Field<'a> = (&'static str, &'a (dyn fmt::Display + Sync));

/// The span of a handler, and what runs in it.
pub struct HandlerSpan(OwnSpan);

pin_project! {
    /// A handler that runs in its span.
    struct Handling<F, D> {
        // `None` once it is done.
        #[pin]
        body: Option<F>,
        describe: D,
        function: &'static str,
        span: Option<HandlerSpan>,
    }

    impl<F, D> PinnedDrop for Handling<F, D> {
        fn drop(this: Pin<&mut Self>) {
            // What the body holds is dropped in the span too.
            let mut this = this.project();
            let _inside = this.span.as_ref().map(|span| span.0.enter());
            this.body.set(None);
        }
    }
}

/// The span of the handler `H`, with the fields that its attribute names.
pub fn handler_span<H: Handler>(fields: &[Field<'_>]) -> HandlerSpan {
    let attributes = (!fields.is_empty()).then(|| {
        let mut attributes = Encoded::default();
        for (name, value) in fields {
            attributes.formatted(name, format_args!("{value}"));
        }
        attributes
    });
    HandlerSpan(OwnSpan::handler(H::NAME, H::FUNCTION, attributes.as_ref()))
}

/// Runs the body of the handler `H` in its span. `describe` says why it failed, if it did.
///
/// The failure is one log record with the ids of the span. Within a request it waits for the status: at `INFO` for a
/// 4xx, else at `ERROR`.
pub fn handle<H: Handler, T>(
    span: HandlerSpan,
    body: impl Future<Output = T>,
    describe: fn(&T) -> Option<String>,
) -> impl Future<Output = T> {
    Handling { body: Some(body), describe, function: H::FUNCTION, span: Some(span) }
}

impl<F, T> Future for Handling<F, fn(&T) -> Option<String>>
where
    F: Future<Output = T>,
{
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let mut this = self.project();
        let inside = this.span.as_ref().map(|span| span.0.enter());
        let body = this.body.as_mut().as_pin_mut().expect("a future is not polled after it is ready");
        let output = ready!(body.poll(cx));
        this.body.set(None);
        if let Some(error) = (this.describe)(&output) {
            Failure::new(this.function, error).record();
        }
        drop(inside);
        *this.span = None;
        Poll::Ready(output)
    }
}

/// Never called: it stands for what a body returns where the type is all that matters.
pub fn never<T>() -> T {
    unreachable!("it is not called")
}

/// Why a handler failed, by the best of what its error can do: `Display`, else `Debug`, else its type's name.
///
/// `error_of(&output).describe()` asks each of the types below in turn, because each dereferences to the next and a
/// method whose bounds don't hold is passed over.
pub fn error_of<T>(output: &T) -> ByDisplay<'_, T> {
    ByDisplay(ByDebug(ByName(NoError, output)))
}

/// Describes an error by `Display`.
pub struct ByDisplay<'a, T>(ByDebug<'a, T>);

/// Describes an error by `Debug`.
pub struct ByDebug<'a, T>(ByName<'a, T>);

/// Describes an error by the name of its type.
pub struct ByName<'a, T>(NoError, &'a T);

/// Describes what is no `Result`.
pub struct NoError;

impl<T, E: fmt::Display> ByDisplay<'_, Result<T, E>> {
    /// What went wrong, if anything did.
    pub fn describe(&self) -> Option<String> {
        let ByDebug(ByName(_, output)) = &self.0;
        output.as_ref().err().map(|error| format!("{error:#}"))
    }
}

impl<T, E: fmt::Debug> ByDebug<'_, Result<T, E>> {
    /// What went wrong, if anything did.
    pub fn describe(&self) -> Option<String> {
        let ByName(_, output) = &self.0;
        output.as_ref().err().map(|error| format!("{error:?}"))
    }
}

impl<T, E> ByName<'_, Result<T, E>> {
    /// What went wrong, if anything did.
    pub fn describe(&self) -> Option<String> {
        self.1.as_ref().err().map(|_| any::type_name::<E>().into())
    }
}

impl NoError {
    /// Nothing: this is no `Result`.
    pub fn describe(&self) -> Option<String> {
        None
    }
}

impl<'a, T> Deref for ByDisplay<'a, T> {
    type Target = ByDebug<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<'a, T> Deref for ByDebug<'a, T> {
    type Target = ByName<'a, T>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<T> Deref for ByName<'_, T> {
    type Target = NoError;

    fn deref(&self) -> &NoError {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Error;

    use super::error_of;

    struct Opaque;

    #[derive(Debug)]
    struct Debugged;

    type Alias<E> = Result<(), E>;

    #[test]
    fn an_error_is_described_by_the_best_it_can_do() {
        assert_eq!(error_of(&Alias::Err(Error)).describe().as_deref(), Some(&*Error.to_string()));
        assert_eq!(error_of(&Alias::Err((400, "no name"))).describe().as_deref(), Some(r#"(400, "no name")"#));
        assert_eq!(error_of(&Alias::Err(Debugged)).describe().as_deref(), Some("Debugged"));
        assert!(error_of(&Alias::Err(Opaque)).describe().is_some_and(|name| name.ends_with("Opaque")));
    }

    #[test]
    fn what_is_no_error_is_not_described() {
        assert_eq!(error_of(&Alias::<Error>::Ok(())).describe(), None);
        assert_eq!(error_of(&Alias::<Opaque>::Ok(())).describe(), None);
        assert_eq!(error_of(&"no `Result`").describe(), None);
    }
}
