//! The same load over cleartext HTTP/2 with prior knowledge: several streams at once on each connection.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
};

use bytes::Bytes;
use h2::client::{self, SendRequest};
use http::Request;
use tokio::{net::TcpStream, task::JoinSet};

use super::load::Tally;

/// HTTP/2 clients, each with one connection at a time and this many streams on it.
const STREAMS: usize = 8;

/// Clients on a thread of their own: client 3 of the fixture.
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Tally>,
}

impl Load {
    /// Starts clients. Each ends when it is told to, or when no connection can be opened any more.
    pub(crate) fn start(address: SocketAddr, clients: usize) -> Self {
        let stop = Arc::<AtomicBool>::default();
        let told = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime can be built")
                .block_on(async {
                    let mut all = JoinSet::new();
                    for _ in 0..clients {
                        all.spawn(client(address, Arc::clone(&told)));
                    }
                    sum(all).await
                })
        });
        Self { stop, thread }
    }

    /// Tells the clients to end after their current requests.
    pub(crate) fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Waits until all clients ended.
    pub(crate) fn join(self) -> Tally {
        self.thread.join().expect("the clients don't panic")
    }
}

async fn sum(mut all: JoinSet<Tally>) -> Tally {
    let mut tally = Tally::default();
    while let Some(one) = all.join_next().await {
        tally.add(one.expect("a client doesn't panic"));
    }
    tally
}

async fn client(address: SocketAddr, stop: Arc<AtomicBool>) -> Tally {
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        let Ok(socket) = TcpStream::connect(address).await else {
            tally.refused += 1;
            return tally;
        };
        let Ok((sender, connection)) = client::handshake(socket).await else {
            tally.refused += 1;
            return tally;
        };
        let mut streams = JoinSet::new();
        for _ in 0..STREAMS {
            streams.spawn(stream(sender.clone(), address, Arc::clone(&stop)));
        }
        drop(sender);
        let driver = tokio::spawn(connection);
        let of_connection = sum(streams).await;
        let unused = of_connection.answered == 0;
        tally.add(of_connection);
        driver.abort();
        if unused && !stop.load(Ordering::Relaxed) {
            // The kernel took the connection, but the listener was gone before the service did.
            tally.refused += 1;
            return tally;
        }
    }
    tally
}

/// Sends one request after the other until the connection takes no more.
async fn stream(mut sender: SendRequest<Bytes>, address: SocketAddr, stop: Arc<AtomicBool>) -> Tally {
    let mut tally = Tally::default();
    while !stop.load(Ordering::Relaxed) {
        // An error means that the server said goodbye before: nothing was sent.
        let Ok(ready) = sender.ready().await else {
            return tally;
        };
        sender = ready;
        let request =
            Request::get(format!("http://{address}/fast?client=3")).body(()).expect("the request is well-formed");
        let Ok((response, _)) = sender.send_request(request, true) else {
            return tally;
        };
        match answer(response).await {
            Ok(body) if body == b"ok" => tally.answered += 1,
            Ok(body) => tally.lost.push(String::from_utf8_lossy(&body).into_owned()),
            // Refused streams were not processed, by the protocol: a client sends them again.
            Err(error) if error.reason() == Some(h2::Reason::REFUSED_STREAM) => tally.refused += 1,
            Err(error) => {
                tally.lost.push(format!("{error:?}"));
                return tally;
            }
        }
    }
    tally
}

async fn answer(response: client::ResponseFuture) -> Result<Vec<u8>, h2::Error> {
    let (head, mut body) = response.await?.into_parts();
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        let data = data?;
        body.flow_control().release_capacity(data.len())?;
        bytes.extend_from_slice(&data);
    }
    if head.status != 200 {
        return Ok(format!("{} {bytes:?}", head.status).into_bytes());
    }
    Ok(bytes)
}
