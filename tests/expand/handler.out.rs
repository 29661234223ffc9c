use std::fmt::{Display, Error};

use seaworthy::{axum::response::IntoResponse, prelude::*};

/// Greets a person.
async fn hello(Path(name): Path<String>) -> Result<Json<String>, Error> {
    let span = ::seaworthy::__private::handler_span::<
        hello,
    >(&[("user.name", &name), ("admin", &(name == "root"))]);
    ::seaworthy::__private::handle::<
        hello,
        Result<Json<String>, Error>,
    >(
            span,
            async move { Ok(Json(format!("Hello, {name}!"))) },
            |output| ::seaworthy::__private::error_of(output).describe(),
        )
        .await
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum hello {}

impl ::seaworthy::Handler for hello {
    const NAME: &'static str = "greet";
    const FUNCTION: &'static str = concat!(module_path!(), "::hello");
}

pub async fn shown<T: Display>(State(value): State<T>) -> impl IntoResponse {
    let span = ::seaworthy::__private::handler_span::<shown>(&[]);
    ::seaworthy::__private::handle::<
        shown,
        _,
    >(span, async move { value.to_string() }, |_| None)
        .await
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
pub enum shown {}

impl ::seaworthy::Handler for shown {
    const NAME: &'static str = "shown";
    const FUNCTION: &'static str = concat!(module_path!(), "::shown");
}

async fn partly_shown() -> Result<impl IntoResponse, Error> {
    let span = ::seaworthy::__private::handler_span::<partly_shown>(&[]);
    ::seaworthy::__private::handle::<
        partly_shown,
        Result<_, Error>,
    >(
            span,
            async move { Ok("Hello!") },
            |output| ::seaworthy::__private::error_of(output).describe(),
        )
        .await
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum partly_shown {}

impl ::seaworthy::Handler for partly_shown {
    const NAME: &'static str = "partly_shown";
    const FUNCTION: &'static str = concat!(module_path!(), "::partly_shown");
}

async fn nothing() {
    let span = ::seaworthy::__private::handler_span::<nothing>(&[]);
    ::seaworthy::__private::handle::<nothing, ()>(span, async move {}, |_| None).await
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum nothing {}

impl ::seaworthy::Handler for nothing {
    const NAME: &'static str = "nothing";
    const FUNCTION: &'static str = concat!(module_path!(), "::nothing");
}
