//! A collector that counts spans and forgets them: OTLP over HTTP/1.1 and over gRPC, on one port.

use std::{
    convert::Infallible,
    io,
    net::{SocketAddr, TcpListener},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, combinators::BoxBody};
use hyper::{
    HeaderMap, Request, Response,
    body::{Body as _, Incoming},
    header::{CONTENT_TYPE, HeaderValue},
    service::service_fn,
};
use hyper_util::{
    rt::{TokioExecutor, TokioIo},
    server::conn::auto,
};

/// How much is read at once: what takes a few microseconds.
const PIECE: usize = 16 * 1024;

/// The collector, on a thread of its own.
#[derive(Debug)]
pub(crate) struct Collector {
    address: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    spans: AtomicU64,
    polite: AtomicBool,
}

impl Collector {
    /// Starts it on the core of this thread.
    pub(crate) fn start() -> io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let shared = Arc::<Shared>::default();
        let theirs = Arc::clone(&shared);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::spawn(move || runtime.block_on(accept(listener, theirs)));
        Ok(Self { address, shared })
    }

    /// Where spans are sent: what `OTEL_EXPORTER_OTLP_ENDPOINT` wants.
    pub(crate) fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many spans came until now.
    pub(crate) fn spans(&self) -> u64 {
        self.shared.spans.load(Ordering::Relaxed)
    }

    /// Lets others have its core after every few microseconds while this runs. Not always: what uses the core up would
    /// get all of it.
    pub(crate) fn politely<T>(&self, run: impl FnOnce() -> T) -> T {
        self.shared.polite.store(true, Ordering::Relaxed);
        let ran = run();
        self.shared.polite.store(false, Ordering::Relaxed);
        ran
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let listener = tokio::net::TcpListener::from_std(listener).expect("it doesn't block, and this is a runtime");
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(move |request| answer(request, Arc::clone(&shared)));
            let mut connection = auto::Builder::new(TokioExecutor::new());
            connection.http1().max_buf_size(PIECE);
            // A server that was killed just closes its connection.
            let _ = connection.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// Thanks for everything, in the way of the protocol that was used.
async fn answer(
    request: Request<Incoming>,
    shared: Arc<Shared>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, hyper::Error> {
    let grpc = request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"));
    let mut received = request.into_body();
    let mut body = Vec::with_capacity(usize::try_from(received.size_hint().lower()).unwrap_or_default());
    while let Some(frame) = received.frame().await {
        if let Ok(data) = frame?.into_data() {
            body.extend_from_slice(&data);
        }
        if shared.polite.load(Ordering::Relaxed) {
            thread::yield_now();
        }
    }
    // A message of gRPC comes after a byte and its length.
    let message = if grpc { body.get(5..) } else { body.get(..) };
    shared.spans.fetch_add(count(message.unwrap_or_default(), &[1, 2, 2]), Ordering::Relaxed);
    // The response is an empty message.
    let mut response = if grpc {
        let trailers = HeaderMap::from_iter([("grpc-status".parse().expect("a name"), HeaderValue::from_static("0"))]);
        Response::new(Full::from(&[0; 5][..]).with_trailers(async { Some(Ok(trailers)) }).boxed())
    } else {
        Response::new(Full::default().boxed())
    };
    let kind = if grpc { "application/grpc" } else { "application/x-protobuf" };
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

/// Counts the fields that are found by these numbers, one a level, in a message of protobuf: `resource_spans`,
/// `scope_spans`, `spans`.
fn count(message: &[u8], numbers: &[u64]) -> u64 {
    let Some((number, deeper)) = numbers.split_first() else { return 1 };
    let mut rest = message;
    let mut found = 0;
    while let Some(tag) = varint(&mut rest) {
        let skipped = match tag & 7 {
            0 => varint(&mut rest).map(|_| &[][..]),
            1 => rest.split_off(..8),
            2 => varint(&mut rest).and_then(|length| rest.split_off(..usize::try_from(length).ok()?)),
            5 => rest.split_off(..4),
            _ => None,
        };
        // What is no message ends here: it has no spans.
        let Some(inner) = skipped else { break };
        if tag == number << 3 | 2 {
            found += count(inner, deeper);
        }
    }
    found
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = rest.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}
