//! A server of HTTP/1.1 that tells what it hears.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc as blocking,
    thread,
    time::Duration,
};

use tokio::sync::mpsc;

/// Answers each request on a connection of its own, all with the same text.
pub(super) struct Server {
    pub(super) port: u16,
    heads: mpsc::UnboundedReceiver<String>,
    closed: blocking::Receiver<()>,
    /// Lets those that are silent answer.
    answers: Option<blocking::Sender<&'static str>>,
}

impl Server {
    /// Says this, and closes where nothing tells how long it is.
    pub(super) fn answering(answer: &str) -> Self {
        let answer = answer.to_owned();
        Self::start(None, move || Some(answer.clone()))
    }

    /// Says nothing, until [`answer`](Self::answer).
    pub(super) fn silent() -> Self {
        let (answers, answer) = blocking::channel();
        Self::start(Some(answers), move || answer.recv().ok().map(str::to_owned))
    }

    fn start(
        answers: Option<blocking::Sender<&'static str>>,
        answer: impl Fn() -> Option<String> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (heard, heads) = mpsc::unbounded_channel();
        let (close, closed) = blocking::channel();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = BufReader::new(connection.unwrap());
                while let Some(head) = head(&mut connection) {
                    if heard.send(head).is_err() {
                        return;
                    }
                    let Some(answer) = answer() else { continue };
                    if answer.is_empty() || connection.get_mut().write_all(answer.as_bytes()).is_err() {
                        break;
                    }
                }
                _ = close.send(());
            }
        });
        Self { port, heads, closed, answers }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The head of the next request, once it came.
    pub(super) async fn head(&mut self) -> String {
        self.heads.recv().await.unwrap()
    }

    /// Whether no request came that was not asked for.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.heads.try_recv().is_err()
    }

    pub(super) fn answer(&self, answer: &'static str) {
        self.answers.as_ref().unwrap().send(answer).unwrap();
    }

    /// Waits until the client closed a connection.
    pub(super) fn closed_by_client(mut self) {
        // It need not wait any more for what to say, and reads on.
        self.answers = None;
        self.closed.recv_timeout(Duration::from_secs(30)).unwrap();
    }
}

/// The head of a request, with its body read; `None` where the client closed.
fn head(connection: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if connection.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    connection.read_exact(&mut vec![0; length.unwrap_or(0)]).ok()?;
    Some(head)
}
