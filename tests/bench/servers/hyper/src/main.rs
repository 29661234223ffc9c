//! The service on bare hyper: what no framework on it can beat.

use std::{env, error::Error};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_TYPE, HeaderValue},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

type Failure = Box<dyn Error + Send + Sync>;

#[derive(Deserialize, Serialize)]
struct Greeting {
    message: String,
}

async fn route(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Failure> {
    if request.method() == Method::POST && request.uri().path() == "/echo" {
        let body = request.into_body().collect().await?.to_bytes();
        return json(&serde_json::from_slice(&body)?);
    }
    match request.uri().path().strip_prefix("/hello/") {
        Some(name) if request.method() == Method::GET => json(&Greeting { message: format!("Hello, {name}!") }),
        _ => {
            let mut response = Response::default();
            *response.status_mut() = StatusCode::NOT_FOUND;
            Ok(response)
        }
    }
}

fn json(greeting: &Greeting) -> Result<Response<Full<Bytes>>, Failure> {
    let mut response = Response::new(Full::from(serde_json::to_vec(greeting)?));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    #[cfg(feature = "count")]
    allocations::serve();
    let listener = TcpListener::bind(env::var("HTTP_ADDR")?).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        // As axum does.
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let mut connection = http1::Builder::new();
            connection.timer(TokioTimer::new());
            // A client that leaves in the middle is no failure of the server.
            let _ = connection.serve_connection(TokioIo::new(stream), service_fn(route)).await;
        });
    }
}
