use std::fmt::{Display, Error};

use seaworthy::{axum::response::IntoResponse, prelude::*};

/// Greets a person.
#[handler(name = "greet", fields(user.name = name, admin = name == "root"))]
async fn hello(Path(name): Path<String>) -> Result<Json<String>, Error> {
    Ok(Json(format!("Hello, {name}!")))
}

#[handler]
pub async fn shown<T: Display>(State(value): State<T>) -> impl IntoResponse {
    value.to_string()
}

#[handler]
async fn partly_shown() -> Result<impl IntoResponse, Error> {
    Ok("Hello!")
}

#[handler]
async fn nothing() {}
