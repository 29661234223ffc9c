//! A request: written as with reqwest, sent as a call.

use std::{borrow::Cow, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Body, Response};
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::{
    HttpClient,
    error::{self, Error},
    redaction,
};
use crate::{
    lifecycle::Owner,
    telemetry::{ClientRequest, Failed},
};

/// A request that is being written. It is sent, and recorded, by [`send`](Self::send) alone.
///
/// The methods are reqwest's, where what they do is written down; [`with`](Self::with) reaches those that are not here.
#[must_use = "`send` sends the request"]
pub struct RequestBuilder {
    client: HttpClient,
    reqwest: reqwest::RequestBuilder,
    template: Option<Cow<'static, str>>,
}

// === impl RequestBuilder ===

impl RequestBuilder {
    pub(super) fn new(client: HttpClient, reqwest: reqwest::RequestBuilder) -> Self {
        Self { client, reqwest, template: None }
    }

    /// Goes on with reqwest's own builder.
    ///
    /// ```
    /// # use seaworthy::{http_client::{HttpClient, RequestBuilder}, reqwest::Version};
    /// # fn request(http: &HttpClient) -> RequestBuilder {
    /// http.get("http://catalogue/prices").with(|request| request.version(Version::HTTP_2))
    /// # }
    /// ```
    pub fn with(self, change: impl FnOnce(reqwest::RequestBuilder) -> reqwest::RequestBuilder) -> Self {
        Self { reqwest: change(self.reqwest), ..self }
    }

    /// Names the span by what such URLs have in common, `GET /prices/{article}`, and adds it as `url.template`.
    pub fn template(self, template: impl Into<Cow<'static, str>>) -> Self {
        Self { template: Some(template.into()), ..self }
    }

    /// Lets this call begin and go on whatever the shutdown does, as [`HttpClient::allow_during_shutdown`] does for all.
    pub fn allow_during_shutdown(self) -> Self {
        Self { client: self.client.allow_during_shutdown(), ..self }
    }

    /// Adds a header.
    pub fn header<K, V>(self, name: K, value: V) -> Self
    where
        HeaderName: TryFrom<K, Error: Into<http::Error>>,
        HeaderValue: TryFrom<V, Error: Into<http::Error>>,
    {
        self.with(|request| request.header(name, value))
    }

    /// Sets headers, in place of those of the same names. Those of the trace's context are set last, by `send`.
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.with(|request| request.headers(headers))
    }

    /// Adds parameters to the URL's query.
    pub fn query<T: Serialize + ?Sized>(self, parameters: &T) -> Self {
        self.with(|request| request.query(parameters))
    }

    /// Sets the body to JSON.
    pub fn json<T: Serialize + ?Sized>(self, body: &T) -> Self {
        self.with(|request| request.json(body))
    }

    /// Sets the body to the fields of a form.
    pub fn form<T: Serialize + ?Sized>(self, fields: &T) -> Self {
        self.with(|request| request.form(fields))
    }

    /// Sets the body.
    pub fn body(self, body: impl Into<Body>) -> Self {
        self.with(|request| request.body(body))
    }

    /// Adds `Authorization: Bearer`.
    pub fn bearer_auth(self, token: impl std::fmt::Display) -> Self {
        self.with(|request| request.bearer_auth(token))
    }

    /// Adds `Authorization: Basic`.
    pub fn basic_auth(self, user: impl std::fmt::Display, password: Option<impl std::fmt::Display>) -> Self {
        self.with(|request| request.basic_auth(user, password))
    }

    /// Sets how long the call may take, from its begin to the last byte of the answer's body, in place of the client's 10 s.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|request| request.timeout(timeout))
    }

    /// Sends the request and waits for the head of its answer, whatever its status is: `error_for_status` makes an error of
    /// one from 400 up.
    ///
    /// Nothing happens before the future is first polled. Dropped, it cancels the call: HTTP/1 closes the connection, HTTP/2
    /// resets the stream, and it is recorded as `cancelled`; the server may or may not have done what it was asked for.
    ///
    /// # Errors
    ///
    /// [`Error::Request`] where there is no answer; [`Error::ShuttingDown`] and [`Error::Cut`] as the [module](super) tells.
    pub async fn send(self) -> Result<Response, Error> {
        let Self { client, reqwest, template } = self;
        let HttpClient { peers, allowed_during_shutdown, reqwest: _ } = client;
        let (reqwest, request) = reqwest.build_split();
        let mut request = request.map_err(Error::without_secrets)?;
        if !matches!(request.url().scheme(), "http" | "https") {
            // Not a call: nobody could be called. reqwest says so.
            return reqwest.execute(request).await.map_err(Error::without_secrets);
        }

        let owner = Owner::current();
        let is_in_service = owner.is_some();
        let cut = owner.map(|owner| owner.lifecycle.cut.clone()).filter(|_| !allowed_during_shutdown);
        let mut url = request.url().clone();
        redaction::redact(&mut url);
        let call =
            ClientRequest::begin(&peers, is_in_service, request.method(), &url, template.as_deref(), cut.clone());
        if cut.as_ref().is_some_and(CancellationToken::is_cancelled) {
            call.fail(Failed::Shutdown);
            return Err(Error::ShuttingDown);
        }
        call.inject(request.headers_mut());

        let span = call.span().clone();
        let answer = async move { reqwest.execute(request).await }.instrument(span);
        let answer = tokio::select! {
            biased;
            answer = answer => answer,
            () = cancelled(cut.as_ref()) => {
                call.fail(Failed::Cut);
                // Whoever waits for this call is cut at the same moment, and comes first: a handler is not to answer that a
                // call failed, and a worker not to try again.
                tokio::task::yield_now().await;
                return Err(Error::Cut);
            }
        };
        match answer {
            Ok(answer) => {
                call.end(answer.status(), answer.version());
                Ok(redaction::without_secrets(answer))
            }
            Err(error) => {
                call.fail(error::failed(&error));
                Err(Error::without_secrets(error))
            }
        }
    }
}

/// Waits for the cut, where there is one.
async fn cancelled(cut: Option<&CancellationToken>) {
    match cut {
        Some(cut) => cut.cancelled().await,
        None => std::future::pending().await,
    }
}
