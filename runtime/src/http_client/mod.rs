//! Calls to other services over HTTP: [reqwest], traced, measured, and aware of the shutdown.
//!
//! An [`HttpClient`] is made once, in the set-up, and lives in the service's state: its clones share one pool of
//! connections. Requests are written as with reqwest.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use seaworthy::{http_client::HttpClient, prelude::*};
//!
//! #[derive(Clone, FromRef)]
//! struct App {
//!     http: HttpClient,
//! }
//!
//! /// Tells what an article costs, as the catalogue has it.
//! #[handler]
//! async fn price(State(http): State<HttpClient>, Path(article): Path<u32>) -> Result<String> {
//!     let url = format!("http://catalogue/prices/{article}");
//!     let answer = http.get(url).template("/prices/{article}").query(&[("currency", "EUR")]).send().await?;
//!     Ok(answer.error_for_status()?.text().await?)
//! }
//!
//! /// Tells the catalogue, now and then, that there is a shop.
//! #[worker]
//! async fn announce(State(http): State<HttpClient>, mut shutdown: Shutdown) -> Result<()> {
//!     loop {
//!         http.put("http://catalogue/shops/1").timeout(Duration::from_secs(2)).send().await?.error_for_status()?;
//!         tokio::select! {
//!             () = &mut shutdown => return Ok(()),
//!             () = tokio::time::sleep(Duration::from_secs(60)) => {}
//!         }
//!     }
//! }
//!
//! /// Sells articles.
//! #[cloud_service(ready(none), workers(announce))]
//! async fn main() -> Result<Service<App>> {
//!     let http = HttpClient::new()?;
//!     Ok(Service::new(App { http }).http(Router::new().route("/prices/{article}", get(price))))
//! }
//! ```
//!
//! # What is recorded
//!
//! - **A span** for each call, of the kind CLIENT, within the current one. The server's own is its child: `traceparent`,
//!   `tracestate` and `baggage` are added to each request, whether or not the trace is kept, and whoever the server is.
//!   The span is called by the method, and by the [template](RequestBuilder::template) where one is given.
//! - **Metrics**: `http_client_request_duration_seconds` and `http_client_active_requests`. Servers are labels of them, so a
//!   client that calls whoever its users name makes as many series: 2000 at most, and the rest as one.
//!
//! A call ends with the *head* of its answer: the time in which the body is read is not part of it. What it ended with is
//! `error.type`: the status, from 400 up; `timeout`, `dns`, `connect`, `request` (the connection broke before the answer
//! came), `redirect` or `invalid`; `cancelled` where its future was dropped, because a deadline passed or a client went away;
//! `cut` or `shutdown` as below.
//!
//! Credentials in a URL, `https://user:password@host/?sig=secret`, are sent as they are and shown as `REDACTED`, in spans,
//! in errors and by the answer's `url()`. Those are user and password, and the parameters that OpenTelemetry's conventions
//! name: a key under another name belongs in a header.
//!
//! # Readiness
//!
//! No check comes with it. A service that another one calls is no reason for that one to be unready, unless it can answer
//! nothing without: all replicas would be out at once. A check that only shows it is written in two lines; each run of it is a
//! trace of its own.
//!
//! ```
//! # use seaworthy::{http_client::HttpClient, prelude::*};
//! /// The catalogue answers.
//! #[ready(every = "10s", critical = false)]
//! async fn catalogue(State(http): State<HttpClient>) -> Result<()> {
//!     http.get("http://catalogue/ready").send().await?.error_for_status()?;
//!     Ok(())
//! }
//! ```
//!
//! There is nothing to close either: the connections go with the last clone.
//!
//! # The shutdown
//!
//! A call may begin for as long as the drain waits for somebody: as a lame duck, and while requests and workers finish what
//! they accepted, of which the call may be a part. That goes for the tasks that they spawn too, which nothing tells from
//! others, so the beginning of the drain refuses nobody. A loop that would go on and on listens to
//! [`Shutdown`](crate::Shutdown).
//!
//! From the moment that nothing is waited for any more, because all of it ended or the drain's deadline (`DRAIN_TIMEOUT`)
//! passed, a new call is refused with [`Error::ShuttingDown`], before anything is sent: nobody would be there for the
//! answer, and what it did would be known to no one. A call in flight is cancelled together with the request or the worker
//! that waits for it; one that outlived them ends with [`Error::Cut`]. [`HttpClient::allow_during_shutdown`] lifts both, for
//! what belongs to the shutdown itself.
//!
//! Outside of a service, such as in a unit test, on the thread of another runtime, or in a tool, there is no shutdown.

mod error;
mod redaction;
mod request;
#[cfg(test)]
mod tests;

use std::{path::Path, sync::Arc, time::Duration};

use http::{HeaderValue, Method};
use reqwest::{ClientBuilder, IntoUrl, redirect};
use rustls::{ClientConfig, RootCertStore, crypto::ring};

pub use self::{error::Error, request::RequestBuilder};
use crate::{
    lifecycle::Owner,
    telemetry::Peers,
    tls::{self, TlsError},
};

/// How long it may take to connect: to resolve the name, to open the connection, and for TLS. Enough for a packet that is
/// sent again after a second.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a call may take from its begin to the last byte of its answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection is kept that nobody uses. Load balancers close theirs after a minute or more, and a request that
/// crosses that on its way is lost.
const POOL_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Calls other services over HTTP. Clones share their connections.
///
/// The [module](self) shows it in a service, and says what is recorded and what the shutdown does to calls.
///
/// HTTP/2 is used where a server over TLS offers it. Whom to trust is what the system trusts, or the file that `SSL_CERT_FILE`
/// names. Proxies are those of the variables `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, which reqwest reads.
#[derive(Clone, Debug)]
pub struct HttpClient {
    reqwest: reqwest::Client,
    peers: Arc<Peers>,
    allowed_during_shutdown: bool,
}

// === impl HttpClient ===

impl HttpClient {
    /// Makes a client with the defaults:
    ///
    /// | what | default |
    /// |---|---|
    /// | `connect_timeout` | 2 s, for the name, the connection and TLS |
    /// | `timeout` | 10 s, from the begin to the last byte of the answer's body |
    /// | `pool_idle_timeout` | 30 s, less than the 60 s of most load balancers |
    /// | `redirect` | none is followed: an answer of 3xx is the answer |
    /// | `user_agent` | name and version of the service, `orders/1.2.0` |
    ///
    /// A redirect would send the request, with its headers, to where another service says. Requests are not repeated, but for
    /// those that the server provably did not begin: it said so (GOAWAY), or had closed the pooled connection.
    ///
    /// Reads the certificates that the system trusts, and blocks for those milliseconds.
    ///
    /// # Errors
    ///
    /// [`Error::Setup`], if the certificates that are there can't be used. Where there are none, as in an image
    /// `FROM scratch`, a warning says so, and only calls over `https` fail.
    pub fn new() -> Result<Self, Error> {
        Self::with(|defaults| defaults)
    }

    /// Makes a client with other settings than the defaults of [`new`](Self::new), which are in the builder of reqwest's that
    /// the function gets.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use seaworthy::{http_client::{Error, HttpClient}, reqwest::redirect::Policy};
    /// # fn main() -> Result<(), Error> {
    /// let http = HttpClient::with(|client| client.timeout(Duration::from_secs(30)).redirect(Policy::limited(3)))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// TLS is set up already, so that reqwest's own settings of it have no effect; `tls_backend_preconfigured` replaces it,
    /// with a `rustls::ClientConfig` whose `alpn_protocols` decide between HTTP/1 and HTTP/2.
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new), and [`Error::Setup`] where reqwest refuses a setting.
    pub fn with(change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Self, Error> {
        Self::build(tls_config(None)?, change)
    }

    fn build(tls: ClientConfig, change: impl FnOnce(ClientBuilder) -> ClientBuilder) -> Result<Self, Error> {
        let defaults = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .pool_idle_timeout(POOL_IDLE_TIMEOUT)
            .redirect(redirect::Policy::none())
            .user_agent(user_agent());
        Ok(change(defaults).build().map_err(|error| Error::Setup(error.into()))?.into())
    }

    /// Lets calls of this client, and of what is cloned from it, begin and go on whatever the shutdown does.
    ///
    /// For what belongs to the shutdown itself, such as to leave a registry in
    /// [`Service::on_close`](crate::Service::on_close). All that is closed has 3 s together, and the process ends whether or
    /// not the call did.
    ///
    /// ```
    /// # use seaworthy::{http_client::HttpClient, prelude::*};
    /// # fn service(http: HttpClient) -> Service {
    /// let registry = http.clone().allow_during_shutdown();
    /// Service::new(()).on_close("registry", async move {
    ///     if let Err(error) = registry.delete("http://registry/services/1").send().await {
    ///         seaworthy::tracing::warn!(%error, "still registered");
    ///     }
    /// })
    /// # }
    /// ```
    #[must_use]
    pub fn allow_during_shutdown(self) -> Self {
        Self { allowed_during_shutdown: true, ..self }
    }

    /// Begins to write a GET.
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::GET, url)
    }

    /// Begins to write a HEAD.
    pub fn head(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::HEAD, url)
    }

    /// Begins to write a POST.
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::POST, url)
    }

    /// Begins to write a PUT.
    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PUT, url)
    }

    /// Begins to write a PATCH.
    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::PATCH, url)
    }

    /// Begins to write a DELETE.
    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder {
        self.request(Method::DELETE, url)
    }

    /// Begins to write a request. A URL that is none is an error of [`send`](RequestBuilder::send).
    ///
    /// User and password in it become the header `Authorization`, as reqwest does it.
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder {
        RequestBuilder::new(self.clone(), self.reqwest.request(method, url))
    }
}

/// Brings a client of your own, with its settings and none of the defaults of [`HttpClient::new`].
impl From<reqwest::Client> for HttpClient {
    fn from(reqwest: reqwest::Client) -> Self {
        Self { reqwest, peers: Arc::new(Peers::new()), allowed_during_shutdown: false }
    }
}

/// Trusts the certificates in the file, or those of the system.
fn tls_config(certificates: Option<&Path>) -> Result<ClientConfig, Error> {
    let mut config = match tls::client_config(certificates) {
        Ok(config) => config,
        Err(error @ TlsError::NoRoots { .. }) => {
            tracing::warn!(target: "seaworthy::http_client", "no server can be called over https: {error}");
            trusting_nobody().map_err(|error| Error::Setup(error.into()))?
        }
        Err(error) => return Err(Error::Setup(error.into())),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn trusting_nobody() -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    Ok(builder
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth())
}

fn user_agent() -> HeaderValue {
    Owner::current()
        .and_then(|owner| HeaderValue::try_from(format!("{}/{}", owner.about.name, owner.about.version)).ok())
        .unwrap_or(HeaderValue::from_static(concat!("seaworthy/", env!("CARGO_PKG_VERSION"))))
}
