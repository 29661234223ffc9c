use std::fmt::{Display, Error};

use seaworthy::{axum::response::IntoResponse, prelude::*};

/// Greets a person.
async fn hello(Path(name): Path<String>) -> Result<Json<String>, Error> {
    let span = ::seaworthy::__private::handler_span::<
        hello,
    >(&[("user.name", &name), ("admin", &(name == "root"))]);
    let body = async move {
        if false {
            return ::seaworthy::__private::never::<Result<Json<String>, Error>>();
        }
        { Ok(Json(format!("Hello, {name}!"))) }
    };
    ::seaworthy::__private::handle::<
        hello,
        _,
    >(span, body, |output| ::seaworthy::__private::error_of(output).describe())
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
    let body = async move {
        if false {
            return ::seaworthy::__private::never::<_>();
        }
        { value.to_string() }
    };
    ::seaworthy::__private::handle::<shown, _>(span, body, |_| None).await
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
    let body = async move {
        if false {
            return ::seaworthy::__private::never::<Result<_, Error>>();
        }
        { Ok("Hello!") }
    };
    ::seaworthy::__private::handle::<
        partly_shown,
        _,
    >(span, body, |output| ::seaworthy::__private::error_of(output).describe())
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
    let body = async move {
        if false {
            return ::seaworthy::__private::never::<()>();
        }
        {}
    };
    ::seaworthy::__private::handle::<nothing, _>(span, body, |_| None).await
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum nothing {}

impl ::seaworthy::Handler for nothing {
    const NAME: &'static str = "nothing";
    const FUNCTION: &'static str = concat!(module_path!(), "::nothing");
}
