//! Customers who place one order after the other, each with a key of its own, and place it again until it is placed.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use seaworthy::testing::{Connection, Response};

/// How long a customer waits before it repeats what failed.
const PAUSE: Duration = Duration::from_millis(20);

/// Customers at work.
pub(crate) struct Clients {
    stop: Arc<AtomicBool>,
    placed: Arc<AtomicU64>,
    threads: Vec<JoinHandle<Record>>,
}

/// What became of the orders.
#[derive(Default)]
pub(crate) struct Record {
    /// The ids of the orders, by customer and key.
    pub(crate) orders: BTreeMap<(String, String), String>,
    /// Each request that was sent.
    pub(crate) attempts: Vec<Attempt>,
}

/// A request and what came of it.
pub(crate) struct Attempt {
    pub(crate) began: Instant,
    pub(crate) took: Duration,
    /// Why it failed, if it did.
    pub(crate) failure: Option<String>,
}

struct Client {
    address: SocketAddr,
    name: String,
    connection: Option<Connection>,
    cookie: Option<String>,
    record: Record,
}

impl Clients {
    /// Starts this many.
    pub(crate) fn start(address: SocketAddr, count: usize) -> Self {
        let (stop, placed) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let threads = (0..count)
            .map(|number| {
                let (stop, placed) = (Arc::clone(&stop), Arc::clone(&placed));
                let name = format!("customer-{number}");
                let client = Client { address, name, connection: None, cookie: None, record: Record::default() };
                thread::spawn(move || client.run(&stop, &placed))
            })
            .collect();
        Self { stop, placed, threads }
    }

    /// How many orders are placed.
    pub(crate) fn placed(&self) -> u64 {
        self.placed.load(Ordering::Relaxed)
    }

    /// Lets each place its current order, and gives what became of all.
    pub(crate) fn stop(self) -> Record {
        self.stop.store(true, Ordering::Relaxed);
        let mut all = Record::default();
        for thread in self.threads {
            let Record { orders, attempts } = thread.join().expect("a customer doesn't panic");
            all.orders.extend(orders);
            all.attempts.extend(attempts);
        }
        all
    }
}

impl Attempt {
    pub(crate) fn ended(&self) -> Instant {
        self.began + self.took
    }
}

impl Client {
    fn run(mut self, stop: &AtomicBool, placed: &AtomicU64) -> Record {
        let mut number = 0_u64;
        while !stop.load(Ordering::Relaxed) {
            number += 1;
            let key = format!("order-{number}");
            let id = loop {
                let began = Instant::now();
                let outcome = self.place(&key);
                let took = began.elapsed();
                let failure = outcome.as_ref().err().cloned();
                self.record.attempts.push(Attempt { began, took, failure });
                match outcome {
                    Ok(id) => break id,
                    Err(_) => thread::sleep(PAUSE),
                }
            };
            placed.fetch_add(1, Ordering::Relaxed);
            self.record.orders.insert((self.name.clone(), key), id);
        }
        self.record
    }

    /// Asks for an order; gives its id.
    fn place(&mut self, key: &str) -> Result<String, String> {
        let cookie = match &self.cookie {
            Some(cookie) => cookie.clone(),
            None => self.sign_in()?,
        };
        let headers = [("content-type", "application/json"), ("cookie", &cookie), ("idempotency-key", key)];
        let answer = self.ask("/orders", &headers, br#"{"item":"kettle","quantity":1}"#)?;
        match answer.status {
            201 => Ok(answer.json()["id"].as_str().unwrap_or_default().to_owned()),
            status => {
                if status == 401 {
                    self.cookie = None;
                }
                Err(format!("{status}: {}", answer.text()))
            }
        }
    }

    fn sign_in(&mut self) -> Result<String, String> {
        let customer = format!(r#"{{"name":"{}"}}"#, self.name);
        let answer = self.ask("/session", &[("content-type", "application/json")], customer.as_bytes())?;
        let cookie = answer.header("set-cookie").and_then(|cookie| cookie.split(';').next()).map(str::to_owned);
        let cookie = cookie.ok_or_else(|| format!("not signed in: {} {}", answer.status, answer.text()))?;
        self.cookie = Some(cookie.clone());
        Ok(cookie)
    }

    /// Sends a POST on the connection that there is, or on a new one.
    fn ask(&mut self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Response, String> {
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(self.address).map_err(|error| format!("no connection: {error}"))?,
        };
        let answer = connection.request("POST", path, headers, body).map_err(|error| format!("no answer: {error}"))?;
        if !answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close")) {
            self.connection = Some(connection);
        }
        Ok(answer)
    }
}
