//! A request on its way through the layer.

use std::{
    convert::Infallible,
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    response::{IntoResponse, Response},
};
use futures_util::{StreamExt, stream};
use http::{Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use tokio::time::{Instant, sleep};
use tower::Service;

use super::{
    IdempotencyKey, Shared, answer,
    key::fingerprint,
    record::{Begun, Record, Running},
    time,
};

/// How long to wait before a request that is carried out is asked for again: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(5), Duration::from_millis(200));

/// A handler behind an [`Idempotency`](super::Idempotency).
#[derive(Clone, Debug)]
pub struct IdempotencyService<H> {
    shared: Arc<Shared>,
    handler: H,
}

/// How an answer's body was read.
enum Collected {
    Whole(Bytes),
    /// It is larger than what is kept: what was read, and the rest.
    TooLarge(Body),
}

// === impl IdempotencyService ===

impl<H> IdempotencyService<H> {
    pub(super) fn new(shared: Arc<Shared>, handler: H) -> Self {
        Self { shared, handler }
    }
}

impl<H> Service<Request> for IdempotencyService<H>
where
    H: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    H::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.handler.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let next = self.handler.clone();
        // The one that was found ready.
        let mut handler = mem::replace(&mut self.handler, next);
        if !matches!(*request.method(), Method::POST | Method::PATCH) {
            return Box::pin(handler.call(request));
        }
        let shared = Arc::clone(&self.shared);
        Box::pin(async move {
            let (outcome, answer) = serve(shared, handler, request).await;
            metrics::counter!("seaworthy_idempotent_requests_total", "outcome" => outcome).increment(1);
            Ok(answer)
        })
    }
}

/// Answers a request, and says what it came to.
async fn serve<H>(shared: Arc<Shared>, handler: H, request: Request) -> (&'static str, Response)
where
    H: Service<Request, Response = Response, Error = Infallible>,
{
    let (mut parts, body) = request.into_parts();
    let key = match IdempotencyKey::read(&parts.headers, &shared.cookie) {
        Ok(key) => key,
        Err(what) => return ("invalid", answer::problem(StatusCode::BAD_REQUEST, what)),
    };
    let limited = Request::from_parts(parts.clone(), Body::new(Limited::new(body, shared.body_limit)));
    let body = match Bytes::from_request(limited, &()).await {
        Ok(body) => body,
        Err(rejection) => return ("invalid", answer::problem(rejection.status(), &rejection.body_text())),
    };
    let request = fingerprint(&mut parts, &body).await;
    let record = Arc::new(Record::new(Arc::clone(&shared), &key, request));
    match begin(&shared, &record).await {
        Ok(Begun::First(running)) => {
            parts.extensions.insert(key);
            carry_out(&shared, running, handler, Request::from_parts(parts, body.into())).await
        }
        Ok(Begun::Other) => {
            let what = "the `Idempotency-Key` was used for another request";
            ("mismatched", answer::problem(StatusCode::UNPROCESSABLE_ENTITY, what))
        }
        Ok(Begun::Answered(kept)) => match answer::decode(&kept) {
            Some(answer) => ("replayed", answer),
            None => {
                tracing::error!(target: "seaworthy::redis", "an answer that was kept can't be read");
                ("failed", answer::problem(StatusCode::INTERNAL_SERVER_ERROR, "the first answer can't be read"))
            }
        },
        Err(answer) => answer,
    }
}

/// Takes the key, or waits for the answer of who has it.
async fn begin(shared: &Shared, record: &Arc<Record>) -> Result<Begun, (&'static str, Response)> {
    let deadline = Instant::now() + shared.wait;
    let mut pause = PAUSES.0;
    loop {
        match record.begin().await {
            Ok(Some(begun)) => return Ok(begun),
            Ok(None) => {}
            Err(error) => {
                tracing::warn!(target: "seaworthy::redis", "a request is refused, as its idempotency key can't be looked up: {error}");
                let what = "whether the request is a repeat can't be told now; it was not carried out";
                return Err(("unavailable", answer::problem(StatusCode::SERVICE_UNAVAILABLE, what)));
            }
        }
        let now = Instant::now();
        if now >= deadline {
            let what = "the first request with this `Idempotency-Key` is still being carried out";
            return Err(("conflicted", answer::problem(StatusCode::CONFLICT, what)));
        }
        sleep(time::jittered(pause).min(deadline - now)).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

/// Runs the handler, for as long as the key is surely held, and keeps its answer.
async fn carry_out<H>(shared: &Shared, running: Running, mut handler: H, request: Request) -> (&'static str, Response)
where
    H: Service<Request, Response = Response, Error = Infallible>,
{
    let handled = time::before(running.deadline, async {
        let Ok(answer) = handler.call(request).await;
        if !answer::is_kept(answer.status()) {
            return Err(answer);
        }
        let (parts, body) = answer.into_parts();
        match collect(body, shared.body_limit).await {
            Ok(body) => Ok((parts, body)),
            Err(error) => {
                tracing::error!(target: "seaworthy::redis", "the body of an answer failed, so it is not kept: {error}");
                Err(StatusCode::INTERNAL_SERVER_ERROR.into_response())
            }
        }
    });
    match handled.await {
        Some(Ok((parts, Collected::Whole(body)))) => {
            running.keep(answer::encode(parts.status, &parts.headers, &body)).await;
            ("first", Response::from_parts(parts, body.into()))
        }
        Some(Ok((parts, Collected::TooLarge(body)))) => {
            tracing::warn!(target: "seaworthy::redis", "an answer is too large to be kept: a repeat is told so");
            running.keep(answer::too_large()).await;
            ("first", Response::from_parts(parts, body))
        }
        Some(Err(answer)) => {
            running.release().await;
            ("released", answer)
        }
        None => {
            running.release().await;
            ("released", answer::problem(StatusCode::SERVICE_UNAVAILABLE, "the request took too long"))
        }
    }
}

/// Reads a body, or as much of it as is more than the limit.
async fn collect(mut body: Body, limit: usize) -> Result<Collected, axum::Error> {
    let mut read: Vec<Bytes> = Vec::new();
    let mut length = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        length += data.len();
        read.push(data);
        if length > limit {
            let read = stream::iter(read.into_iter().map(Ok));
            return Ok(Collected::TooLarge(Body::from_stream(read.chain(body.into_data_stream()))));
        }
    }
    Ok(Collected::Whole(match <[Bytes; 1]>::try_from(read) {
        Ok([whole]) => whole,
        Err(parts) => parts.concat().into(),
    }))
}
