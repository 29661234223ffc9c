//! What replicas share on Redis, between a real server and real processes.

use std::{
    sync::Barrier,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal as AnySignal, kill_process};
use seaworthy::testing::{Connection, Process, ProcessBuilder, Response, Signal};
use serde_json::Value;
use servers::Redis;

use crate::support::{machine, metric};

/// For what is there in milliseconds, also on a machine that does other things, too.
const SOON: Duration = Duration::from_secs(3);
const LEASE: Duration = Duration::from_secs(2);

fn replica(redis: &Redis) -> ProcessBuilder {
    Process::builder(env!("CARGO_BIN_EXE_replica"))
        .env("ACCESS_LOG", "off")
        .env("REPLICA_REDIS_URL", redis.url())
        .env("SESSION_KEY", "0123456789abcdef0123456789abcdef")
}

fn two(redis: &Redis) -> [Process; 2] {
    let replicas = [replica(redis).spawn(), replica(redis).spawn()];
    replicas.iter().for_each(Process::wait_ready);
    replicas
}

fn order(connection: &mut Connection, key: &str, what: &str) -> Response {
    connection.request("POST", "/orders", &[("idempotency-key", key)], what.as_bytes()).unwrap()
}

#[test]
fn the_same_order_on_two_replicas_at_once_is_done_once() {
    const ORDERS: usize = 1000;
    let _machine = machine();
    let redis = Redis::start();
    let replicas = two(&redis);
    let together = Barrier::new(2);
    let [first, second] = thread::scope(|scope| {
        replicas
            .each_ref()
            .map(|replica| {
                let together = &together;
                scope.spawn(move || {
                    let mut connection = replica.connect();
                    let mut place = |number: usize| {
                        together.wait();
                        order(&mut connection, &format!("order-{number}"), "kettle")
                    };
                    (0..ORDERS).map(&mut place).collect::<Vec<_>>()
                })
            })
            .map(|clients| clients.join().unwrap())
    });
    let mut done = replicas[0].connect();
    let mut by_first = 0;
    for (number, (a, b)) in first.iter().zip(&second).enumerate() {
        assert_eq!((a.status, b.status), (201, 201), "{number}: {} {}", a.text(), b.text());
        assert_eq!(a.text(), b.text(), "{number}");
        let replayed = [a, b].map(|answer| answer.header("idempotent-replayed") == Some("true"));
        assert_ne!(replayed[0], replayed[1], "{number}");
        by_first += usize::from(replayed[1]);
        assert_eq!(done.get(&format!("/done/order-{number}")).unwrap().text(), "1", "{number}");
    }
    eprintln!("of {ORDERS} orders, the first replica did {by_first}");
    replicas.iter().for_each(|replica| _ = replica.assert_contract());
}

#[test]
fn a_replica_that_dies_keeps_an_order_for_its_hold_and_then_it_is_done() {
    const HOLD: Duration = Duration::from_secs(2);
    let redis = Redis::start();
    let [dying, other] = [(); 2].map(|()| replica(&redis).env("HOLD", "2s").spawn());
    dying.wait_ready();
    other.wait_ready();
    let mut hanging = dying.connect();
    hanging.send("POST", "/orders", &[("idempotency-key", "k")], b"hang").unwrap();
    _ = dying.wait_for_log(|line| line["message"] == "hanging");
    let killed = Instant::now();
    dying.signal(Signal::Kill);
    // It waits for the first answer, and does the order when there will be none.
    let answer = order(&mut other.connect(), "k", "hang");
    assert_eq!((answer.status, answer.text()), (201, format!("2 by {}", other.id())));
    assert_eq!(answer.header("idempotent-replayed"), None);
    assert!(killed.elapsed() < HOLD + SOON, "{:?}", killed.elapsed());
    assert_eq!(order(&mut other.connect(), "k", "hang").header("idempotent-replayed"), Some("true"));
    _ = other.assert_contract();
}

#[test]
fn orders_are_refused_while_redis_is_away_and_none_is_done_twice() {
    let mut redis = Redis::start();
    let [a, b] = two(&redis);
    assert_eq!(order(&mut a.connect(), "before", "kettle").status, 201);
    redis.stop();
    for replica in [&a, &b] {
        let refused = order(&mut replica.connect(), "during", "kettle");
        assert_eq!((refused.status, refused.header("retry-after")), (503, Some("1")));
        assert_eq!(order(&mut replica.connect(), "before", "kettle").status, 503);
        assert_eq!(replica.get("/health").status, 200);
    }
    redis.resume();
    a.wait_ready();
    b.wait_ready();
    a.wait_until("orders are taken again", || order(&mut a.connect(), "during", "kettle").status == 201);
    for key in ["before", "during"] {
        b.wait_until("the answer is there", || order(&mut b.connect(), key, "kettle").status == 201);
        assert_eq!(b.get(&format!("/done/{key}")).text(), "1");
    }
    _ = a.assert_contract();
    _ = b.assert_contract();
}

#[test]
fn a_session_goes_on_through_restarts_of_redis_and_of_replicas() {
    let mut redis = Redis::start();
    let [a, b] = two(&redis);
    let begun = a.connect().request("POST", "/session/ada", &[], b"").unwrap();
    let cookie = begun.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let who = |replica: &Process| replica.connect().request("GET", "/session", &[("cookie", &cookie)], b"").unwrap();
    assert_eq!(who(&b).text(), "ada");
    redis.stop();
    assert_eq!(who(&b).status, 503);
    assert_eq!(b.get("/session").status, 401);
    redis.resume();
    b.wait_until("the session is there", || who(&b).status == 200);
    _ = a.assert_contract();
    let c = replica(&redis).spawn();
    c.wait_ready();
    assert_eq!(who(&c).text(), "ada");
    let ended = c.connect().request("DELETE", "/session", &[("cookie", &cookie)], b"").unwrap();
    assert!(ended.header("set-cookie").unwrap().ends_with("Max-Age=0"));
    assert_eq!(who(&b).status, 401);
}

#[test]
fn two_replicas_together_allow_no_more_than_the_limit() {
    const LIMIT: usize = 20;
    const WINDOW: Duration = Duration::from_millis(200);
    let _machine = machine();
    let mut redis = Redis::start();
    let replicas = two(&redis);
    let began = Instant::now();
    let allowed = thread::scope(|scope| {
        let clients: Vec<_> = (0..4)
            .map(|client| {
                let replica = &replicas[client % 2];
                scope.spawn(move || {
                    let mut connection = replica.connect();
                    let mut allowed = Vec::new();
                    while began.elapsed() < 10 * WINDOW {
                        let before = began.elapsed();
                        let answer = connection.get("/limited/ada").unwrap();
                        match answer.status {
                            200 => allowed.push((before, began.elapsed())),
                            status => assert_eq!((status, answer.header("retry-after")), (429, Some("1"))),
                        }
                    }
                    allowed
                })
            })
            .collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(allowed.len() > 5 * LIMIT, "{}", allowed.len());
    for first in &allowed {
        let within = allowed.iter().filter(|other| other.0 >= first.0 && other.1 < first.0 + WINDOW).count();
        assert!(within <= LIMIT, "{within} within a window from {:?}", first.0);
    }
    redis.stop();
    for _ in 0..2 * LIMIT {
        assert_eq!(replicas[0].get("/limited/ada").status, 200);
    }
    let unchecked =
        metric(&replicas[0].admin("/metrics"), "seaworthy_rate_limit_unchecked_total", &[("limit", "asked")]);
    assert_eq!(unchecked, 2.0 * LIMIT as f64);
    let warned = replicas[0].logs().iter().filter(|line| line["limit"] == "asked").count();
    assert_eq!(warned, 1);
}

/// The number that this log line has under this name.
fn number(line: &Value, name: &str) -> Option<u64> {
    line[name].as_u64()
}

/// The token of the term that it leads, once it leads one with a larger token than this.
fn leads(replica: &Process, after: u64) -> u64 {
    let line = replica.wait_for_log(|line| number(line, "began").is_some_and(|token| token > after));
    number(&line, "began").unwrap()
}

/// Terms with a larger token than this that it began.
fn terms(replica: &Process, after: u64) -> usize {
    replica.logs().iter().filter(|line| number(line, "began").is_some_and(|token| token > after)).count()
}

/// Asserts that no two terms overlapped, and that the later ones have the larger tokens.
fn assert_one_at_a_time(replicas: &[&Process]) {
    let logs: Vec<_> = replicas.iter().flat_map(|replica| replica.logs()).collect();
    let at = |name: &str, token: u64| logs.iter().find(|line| line[name] == token).and_then(|line| number(line, "at"));
    let mut tokens: Vec<_> = logs.iter().filter_map(|line| number(line, "began")).collect();
    tokens.sort_unstable();
    for pair in tokens.windows(2) {
        let (ended, began) = (at("ended", pair[0]), at("began", pair[1]).unwrap());
        // One that was killed didn't say when.
        assert!(ended.is_none_or(|ended| ended <= began), "{pair:?}: {ended:?} {began}");
    }
}

fn leader_and_other([a, b]: [Process; 2]) -> (Process, Process, u64) {
    a.wait_until("one leads", || terms(&a, 0) + terms(&b, 0) > 0);
    let is_first = terms(&a, 0) > 0;
    let (leader, other) = if is_first { (a, b) } else { (b, a) };
    assert_eq!(terms(&other, 0), 0);
    let token = leads(&leader, 0);
    (leader, other, token)
}

fn held(replica: &Process) -> f64 {
    metric(&replica.admin("/metrics"), "seaworthy_lease_held", &[("lease", "write")])
}

#[test]
fn a_leader_that_stops_hands_over_in_milliseconds() {
    let redis = Redis::start();
    // One that doesn't end by itself meanwhile.
    let replicas = [(); 2].map(|()| replica(&redis).env("LEASE", "30s").spawn());
    replicas.iter().for_each(Process::wait_ready);
    let (leader, other, token) = leader_and_other(replicas);
    assert_eq!((held(&leader), held(&other)), (1.0, 0.0));
    leader.signal(Signal::Term);
    let stopped = Instant::now();
    let next = leads(&other, token);
    assert!(stopped.elapsed() < SOON, "{:?}", stopped.elapsed());
    eprintln!("handed over in {:?}", stopped.elapsed());
    assert!(next > token);
    assert_eq!(held(&other), 1.0);
    assert_eq!(leader.wait_exit(Duration::from_secs(10)).code, Some(0));
    assert_one_at_a_time(&[&leader, &other]);
    _ = other.assert_contract();
}

#[test]
fn a_leader_that_is_killed_is_followed_within_the_time_to_live() {
    let redis = Redis::start();
    let (leader, other, token) = leader_and_other(two(&redis));
    leader.signal(Signal::Kill);
    let killed = Instant::now();
    _ = leads(&other, token);
    assert!(killed.elapsed() < LEASE + SOON, "{:?}", killed.elapsed());
    _ = other.assert_contract();
}

#[test]
fn nobody_leads_while_redis_is_silent_and_one_does_afterwards() {
    let mut redis = Redis::start();
    let (leader, other, mut token) = leader_and_other(two(&redis));
    for how in ["freeze", "stop"] {
        match how {
            "freeze" => redis.freeze(),
            _ => redis.stop(),
        }
        let last = [&leader, &other].map(|replica| terms(replica, 0));
        leader.wait_until("nobody leads", || held(&leader) + held(&other) == 0.0);
        assert_eq!([&leader, &other].map(|replica| terms(replica, 0)), last);
        match how {
            "freeze" => redis.thaw(),
            _ => redis.resume(),
        }
        leader.wait_until("one leads", || terms(&leader, token) + terms(&other, token) > 0);
        let next = if terms(&leader, token) > 0 { &leader } else { &other };
        token = leads(next, token);
        assert_eq!(held(&leader) + held(&other), 1.0);
    }
    assert_one_at_a_time(&[&leader, &other]);
    let refused = |replica: &Process| replica.logs().iter().any(|line| line["message"] == "refused");
    assert!(!refused(&leader) && !refused(&other));
}

/// What no lease can prevent, and what the token is for.
#[test]
fn a_leader_that_was_paused_writes_no_more_once_another_leads() {
    let redis = Redis::start();
    let (leader, other, token) = leader_and_other(two(&redis));
    let pid = Pid::from_raw(leader.id().cast_signed()).unwrap();
    kill_process(pid, AnySignal::STOP).unwrap();
    let next = leads(&other, token);
    // It has written at least once: who leads writes all the time.
    let written = |token: u64| {
        let mut stream = std::net::TcpStream::connect(redis.address()).unwrap();
        std::io::Write::write_all(&mut stream, b"GET fence\r\nQUIT\r\n").unwrap();
        let mut lines = std::io::BufRead::lines(std::io::BufReader::new(stream));
        lines.nth(1).unwrap().unwrap() == token.to_string()
    };
    other.wait_until("the new leader wrote", || written(next));
    kill_process(pid, AnySignal::CONT).unwrap();
    _ = leader.wait_for_log(|line| number(line, "ended") == Some(token));
    assert!(written(next));
    assert_eq!(terms(&leader, next), 0);
    _ = leader.assert_contract();
    _ = other.assert_contract();
}
