use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Instant,
};

use servers::Redis as Server;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use super::*;
use crate::redis::server::{ask, back, connect, connect_to};

/// As long as it is in a service: what takes half of it didn't wait for a lease to end by itself.
const LONG: Duration = Duration::from_secs(10);
/// Long enough for a machine that does other things, too.
const SHORT: Duration = Duration::from_millis(1500);

/// Who competes, and what its jobs tell.
struct Replica {
    stop: CancellationToken,
    terms: mpsc::UnboundedReceiver<Term>,
    leading: JoinHandle<()>,
}

async fn lease(server: &Server, ttl: Duration) -> Lease {
    Lease::new(connect(server).await, "dispatch", ttl)
}

impl Replica {
    /// One whose job goes on and on.
    fn start(lease: Lease) -> Self {
        let stop = CancellationToken::new();
        let shutdown = Shutdown::new(stop.clone());
        let (tell, terms) = mpsc::unbounded_channel();
        let leading = tokio::spawn(async move {
            let job = async |term: Term| {
                tell.send(term).unwrap();
                std::future::pending::<()>().await;
            };
            lease.lead(shutdown, job).await;
        });
        Self { stop, terms, leading }
    }

    async fn term(&mut self) -> Term {
        self.terms.recv().await.unwrap()
    }

    async fn stop(self) {
        self.stop.cancel();
        self.leading.await.unwrap();
    }
}

#[tokio::test]
async fn who_stops_hands_over_at_once() {
    let server = Server::start();
    let mut replicas = [Replica::start(lease(&server, LONG).await), Replica::start(lease(&server, LONG).await)];
    let mut last = 0;
    for _ in 0..3 {
        let [a, b] = &mut replicas;
        let (term, is_first) = tokio::select! {
            term = a.term() => (term, true),
            term = b.term() => (term, false),
        };
        assert!(term.token() > last);
        assert!(!term.is_lost());
        last = term.token();
        let [a, b] = replicas;
        let (leader, mut other) = if is_first { (a, b) } else { (b, a) };
        assert!(other.terms.is_empty());
        let stopped = Instant::now();
        leader.stop().await;
        assert!(term.is_lost());
        let next = other.term().await;
        assert!(stopped.elapsed() < LONG / 2, "{:?}", stopped.elapsed());
        assert!(next.token() > last);
        last = next.token();
        // Back in the queue, as the one that will lead next.
        let third = Replica::start(lease(&server, LONG).await);
        other.stop().await;
        replicas = [third, Replica::start(lease(&server, LONG).await)];
    }
}

#[tokio::test]
async fn a_job_that_ends_gives_its_result_and_the_lease_to_the_next() {
    let server = Server::start();
    let lease = lease(&server, LONG).await;
    let result: Result<(), String> = lease.lead(Shutdown::never(), async |_| Err("broken".into())).await;
    assert_eq!(result, Err("broken".to_owned()));
    let began = Instant::now();
    assert_eq!(lease.lead(Shutdown::never(), async |_| Some(7)).await, Some(7));
    lease.lead(Shutdown::never(), async |_| ()).await;
    assert!(began.elapsed() < LONG / 2);
    let over = CancellationToken::new();
    over.cancel();
    assert_eq!(lease.lead(Shutdown::new(over.clone()), async |_| Some(7)).await, None);
    assert_eq!(lease.lead(Shutdown::new(over), async |_| Err::<(), _>("broken")).await, Ok(()));
    // Nothing is left but the last token.
    let redis = connect(&server).await;
    assert_eq!(ask::<Vec<String>>(&redis, "KEYS *").await, ["{seaworthy:lease:dispatch}:term"]);
}

#[tokio::test]
async fn who_is_dropped_gives_the_lease_back() {
    let server = Server::start();
    let mut first = Replica::start(lease(&server, LONG).await);
    _ = first.term().await;
    let dropped = Instant::now();
    first.leading.abort();
    let mut second = Replica::start(lease(&server, LONG).await);
    _ = second.term().await;
    assert!(dropped.elapsed() < LONG / 2);
}

/// What was asked for and is answered too late, or to nobody, is given back as well.
#[tokio::test]
async fn who_stops_while_it_asks_keeps_nobody_waiting() {
    let server = Server::start();
    for is_dropped in [false, true] {
        let asking = lease(&server, LONG).await;
        let next = lease(&server, LONG).await;
        // So that Redis knows the scripts.
        next.lead(Shutdown::never(), async |_| ()).await;
        server.freeze();
        let asking = Replica::start(asking);
        tokio::time::sleep(Duration::from_millis(50)).await;
        if is_dropped {
            asking.leading.abort();
        } else {
            asking.stop.cancel();
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        server.thaw();
        let stopped = Instant::now();
        next.lead(Shutdown::never(), async |_| ()).await;
        assert!(stopped.elapsed() < LONG / 2, "{:?}", stopped.elapsed());
    }
}

/// The job was to go on, and the timer had no chance to say that its time is over.
#[tokio::test]
async fn a_job_takes_no_step_after_its_runtime_was_blocked_for_too_long() {
    let server = Server::start();
    let step = Arc::new(tokio::sync::Notify::new());
    let (tell, mut told) = mpsc::unbounded_channel();
    let lease = lease(&server, SHORT).await;
    let leading = tokio::spawn({
        let step = Arc::clone(&step);
        async move {
            let job = async |term: Term| {
                let began = Instant::now();
                while tell.send((term.token(), began.elapsed())).is_ok() {
                    step.notified().await;
                }
            };
            lease.lead(Shutdown::never(), job).await;
        }
    });
    let (first, _) = told.recv().await.unwrap();
    step.notify_one();
    std::thread::sleep(SHORT + SHORT / 10);
    let (term, after) = told.recv().await.unwrap();
    assert!(term > first, "a step of the same term, after {after:?}");
    leading.abort();
}

#[tokio::test]
async fn a_lease_that_somebody_took_for_good_is_asked_for_no_more_often() {
    let server = Server::start();
    let redis = connect(&server).await;
    let _: String = ask(&redis, "SET {seaworthy:lease:dispatch} an-operator").await;
    let replica = Replica::start(lease(&server, LONG).await);
    tokio::time::sleep(Duration::from_millis(500)).await;
    let said: String = ask(&redis, "INFO commandstats").await;
    let line = said.lines().find(|line| line.starts_with("cmdstat_evalsha:")).unwrap();
    let calls: u32 = line.split_once("calls=").unwrap().1.split(',').next().unwrap().parse().unwrap();
    assert!(calls < 20, "{line}");
    replica.stop().await;
}

/// Counts those that are at it at once, by the process' own eyes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_one_leader_at_any_moment() {
    let server = Server::start();
    let (at_it, too_many) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let tokens = Arc::new(Mutex::new(Vec::new()));
    let mut replicas = Vec::new();
    for _ in 0..4 {
        let lease = lease(&server, LONG).await;
        let (at_it, too_many, tokens) = (Arc::clone(&at_it), Arc::clone(&too_many), Arc::clone(&tokens));
        replicas.push(tokio::spawn(async move {
            for _ in 0..10 {
                let job = async |term: Term| {
                    too_many.fetch_or(at_it.fetch_add(1, Ordering::SeqCst) != 0, Ordering::SeqCst);
                    tokens.lock().unwrap_or_else(PoisonError::into_inner).push(term.token());
                    tokio::task::yield_now().await;
                    at_it.fetch_sub(1, Ordering::SeqCst);
                };
                lease.lead(Shutdown::never(), job).await;
            }
        }));
    }
    for replica in replicas {
        replica.await.unwrap();
    }
    assert!(!too_many.load(Ordering::SeqCst));
    let tokens = tokens.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(tokens.len(), 40);
    assert!(tokens.is_sorted_by(|a, b| a < b), "{tokens:?}");
}

#[tokio::test]
async fn the_lease_is_renewed_for_as_long_as_the_job_runs() {
    let server = Server::start();
    let redis = connect(&server).await;
    let mut replica = Replica::start(lease(&server, SHORT).await);
    let term = replica.term().await;
    renewed(&redis, 4).await;
    assert!(!term.is_lost());
    replica.stop().await;
}

/// Waits until the lease was renewed so often.
async fn renewed(redis: &Redis, times: usize) {
    let mut left: i64 = ask(redis, "PTTL {seaworthy:lease:dispatch}").await;
    let mut renewals = 0;
    // Its time goes up only when it is renewed.
    while renewals < times {
        let now: i64 = ask(redis, "PTTL {seaworthy:lease:dispatch}").await;
        assert!(now > 0);
        renewals += usize::from(now > left);
        left = now;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Redis is there and says nothing: the job is gone before the lease is.
#[tokio::test]
async fn a_job_is_dropped_before_its_lease_could_be_over() {
    let mut server = Server::start();
    let redis = connect(&server).await;
    for silently in [true, false] {
        let mut replica = Replica::start(lease(&server, SHORT).await);
        let term = replica.term().await;
        let left: i64 = ask(&redis, "PTTL {seaworthy:lease:dispatch}").await;
        // The lease was renewed last, at the latest, before it had this time left.
        let asked = Instant::now();
        match silently {
            true => server.freeze(),
            false => server.stop(),
        }
        term.lost().await;
        let lost = asked.elapsed();
        // A renewal may have come between the question and the freeze.
        let longest = SHORT + Duration::from_millis(50);
        assert!(lost < longest, "{lost:?} of {longest:?}, {left} ms were left");
        match silently {
            true => server.thaw(),
            false => server.resume(),
        }
        back(&redis).await;
        let next = replica.term().await;
        assert!(next.token() > term.token());
        // What was sent for the term before, and arrives now, is nothing to this one.
        renewed(&redis, 2).await;
        assert!(!next.is_lost());
        replica.stop().await;
    }
}

/// A way to Redis that can be blocked: what is sent stays where it is, and no connection is closed. Gives its URL.
async fn way_to(server: &Server, is_open: watch::Receiver<bool>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("redis://{}/0", listener.local_addr().unwrap());
    let server = server.address();
    let pass = |mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut is_open: watch::Receiver<bool>| async move {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = from.read(&mut bytes).await {
            if is_open.wait_for(|is_open| *is_open).await.is_err() || to.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::spawn(async move {
        while let Ok((near, _)) = listener.accept().await {
            let far = TcpStream::connect(server).await.unwrap();
            let ((from_near, to_near), (from_far, to_far)) = (near.into_split(), far.into_split());
            tokio::spawn(pass(from_near, to_far, is_open.clone()));
            tokio::spawn(pass(from_far, to_near, is_open.clone()));
        }
    });
    url
}

#[tokio::test]
async fn who_is_cut_off_has_stopped_before_another_leads() {
    let server = Server::start();
    let mut token = 0;
    for _ in 0..3 {
        let (gate, is_open) = watch::channel(true);
        let url = way_to(&server, is_open).await;
        let mut cut_off = Replica::start(Lease::new(connect_to(&url).await, "dispatch", SHORT));
        let term = cut_off.term().await;
        assert!(term.token() > token);
        let mut other = Replica::start(lease(&server, SHORT).await);
        // Wherever in its time that is.
        tokio::time::sleep(SHORT.mul_f64((crate::telemetry::random() % 100) as f64 / 100.0)).await;
        assert!(!term.is_lost());
        gate.send_replace(false);
        let next = other.term().await;
        assert!(term.is_lost());
        assert!(next.token() > term.token());
        // What it had sent arrives now, and is nothing to the one who leads.
        gate.send_replace(true);
        renewed(&connect(&server).await, 2).await;
        assert!(!next.is_lost());
        token = next.token();
        cut_off.stop().await;
        other.stop().await;
    }
}

#[tokio::test]
async fn what_redis_forgot_is_no_lease_and_tokens_grow_all_the_same() {
    let server = Server::start();
    let redis = connect(&server).await;
    let mut replica = Replica::start(lease(&server, SHORT).await);
    let term = replica.term().await;
    let _: String = ask(&redis, "FLUSHALL").await;
    term.lost().await;
    assert!(replica.term().await.token() > term.token());
    replica.stop().await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_gives_no_smaller_token() {
    let server = Server::start();
    let redis = connect(&server).await;
    // As if the clock had been an hour ahead.
    let ahead = 3_600_000 + std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let _: String = ask(&redis, &format!("SET {{seaworthy:lease:dispatch}}:term {ahead}")).await;
    let mut replica = Replica::start(lease(&server, LONG).await);
    assert_eq!(u128::from(replica.term().await.token()), ahead + 1);
    replica.stop().await;
}

#[tokio::test]
async fn nobody_takes_what_is_not_its_own() {
    let server = Server::start();
    let redis = connect(&server).await;
    let mut replica = Replica::start(lease(&server, SHORT).await);
    let term = replica.term().await;
    let _: String = ask(&redis, "SET {seaworthy:lease:dispatch} another").await;
    term.lost().await;
    replica.stop().await;
    assert_eq!(ask::<String>(&redis, "GET {seaworthy:lease:dispatch}").await, "another");
}
