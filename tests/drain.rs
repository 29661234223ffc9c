//! Nothing that was accepted is lost.

use std::{
    io::ErrorKind,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use seaworthy::testing::{Process, Signal};

use crate::support::{
    fixture,
    load::{self, Reuse, Tally},
    load_h2, machine,
    tools::Generator,
    websocket,
};

const SOON: Duration = Duration::from_secs(12);

/// How often each load is repeated.
const ROUNDS: u32 = 20;

#[test]
fn sigterm_under_the_load_of_h2load_and_wrk_loses_nothing() {
    let _machine = machine();
    for round in 0..ROUNDS {
        // Longer than the generators run: new connections come until the end, as from a proxy that was not told yet.
        let process = fixture().env("LAME_DUCK", "2s").spawn();
        process.wait_ready();
        let address = process.http_addr();
        let generators = [
            Generator::h2load_http1(address),
            Generator::h2load_http2(address),
            Generator::wrk_new_connections(address),
        ];
        wait_for_clients(&process, &[1, 2, 3]);
        // Not at the same point of the load each time.
        thread::sleep(Duration::from_millis(u64::from(round * 20)));
        process.signal(Signal::Term);
        for generator in generators {
            generator.join();
        }
        assert_eq!(process.wait_exit(SOON).code, Some(0), "round {round}");
    }
}

#[test]
fn h2load_gets_an_answer_to_every_request_that_a_handler_began_when_the_listener_closes() {
    let _machine = machine();
    for round in 0..ROUNDS {
        let process = fixture().env("LAME_DUCK", "0s").spawn();
        process.wait_ready();
        let address = process.http_addr();
        let generators = [Generator::h2load_http1_to_the_end(address), Generator::h2load_http2_to_the_end(address)];
        wait_for_clients(&process, &[1, 2]);
        thread::sleep(Duration::from_millis(u64::from(round * 20)));
        process.signal(Signal::Term);
        let answered: u64 = generators.into_iter().map(Generator::join).sum();
        assert_eq!(process.wait_exit(SOON).code, Some(0), "round {round}");
        assert_eq!(served(&process), answered, "round {round}");
    }
}

#[test]
fn clients_that_leave_when_it_is_not_ready_notice_nothing() {
    let _machine = machine();
    for round in 0..ROUNDS {
        let process = fixture().env("LAME_DUCK", "300ms").spawn();
        process.wait_ready();
        let load = All::start(&process);
        wait_for_clients(&process, &[1, 2, 3]);
        thread::sleep(Duration::from_millis(u64::from(round * 5)));
        process.signal(Signal::Term);
        // What a load balancer does.
        process.wait_until("/ready says 503", || process.admin("/ready").status == 503);
        load.stop();
        let tally = load.join();
        assert!(tally.lost.is_empty(), "round {round}: {tally:?}");
        assert_eq!(tally.refused, 0, "round {round}");
        assert_eq!(process.wait_exit(SOON).code, Some(0), "round {round}");
        assert_eq!(served(&process), tally.answered, "round {round}");
    }
}

#[test]
fn every_request_that_was_accepted_is_answered_though_clients_never_leave() {
    let _machine = machine();
    for round in 0..ROUNDS {
        let process = fixture().env("LAME_DUCK", "0s").spawn();
        process.wait_ready();
        let load = All::start(&process);
        wait_for_clients(&process, &[1, 2, 3]);
        thread::sleep(Duration::from_millis(u64::from(round * 5)));
        process.signal(Signal::Term);
        // The clients go on until their connections are refused.
        let tally = load.join();
        assert!(tally.lost.is_empty(), "round {round}: {tally:?}");
        assert_eq!(process.wait_exit(SOON).code, Some(0), "round {round}");
        assert_eq!(
            served(&process),
            tally.answered,
            "round {round}: each request that a handler began is one that a client saw answered"
        );
    }
}

#[test]
fn a_request_of_3_s_finishes() {
    for lame_duck in ["0s", "500ms"] {
        let process = fixture().env("LAME_DUCK", lame_duck).env("DRAIN_TIMEOUT", "10s").spawn();
        process.wait_ready();
        let mut slow = process.connect();
        slow.send("GET", "/slow?ms=3000", &[], b"").unwrap();
        process.wait_for_log(|line| line["message"] == "slow request began");
        let answer = thread::spawn(move || slow.receive());
        let exit = process.assert_contract();
        let answer = answer.join().unwrap().unwrap();
        assert_eq!((answer.status, answer.text().as_str()), (200, "done"));
        assert!(exit.elapsed > Duration::from_secs(2), "{exit:?}");
        assert!(exit.elapsed < Duration::from_secs(4), "{exit:?}");
    }
}

#[test]
fn a_body_that_is_being_sent_is_sent_to_its_end() {
    let process = fixture().spawn();
    process.wait_ready();
    let mut stream = process.connect();
    stream.send("GET", "/stream?ms=100", &[], b"").unwrap();
    process.wait_for_log(|line| line["message"] == "stream began");
    let answer = thread::spawn(move || stream.receive());
    process.assert_contract();
    assert_eq!(answer.join().unwrap().unwrap().text().lines().count(), 10);
}

#[test]
fn a_request_beyond_the_deadline_is_cut_with_exit_code_2_and_its_route_named() {
    let process = fixture().env("DRAIN_TIMEOUT", "500ms").spawn();
    process.wait_ready();
    let mut slow = process.connect();
    slow.send("GET", "/slow?ms=60000", &[], b"").unwrap();
    process.wait_for_log(|line| line["message"] == "slow request began");
    process.signal(Signal::Term);
    let answer = slow.receive().unwrap();
    assert_eq!(answer.status, 503, "no header was sent, so there is an answer");
    let exit = process.wait_exit(SOON);
    assert_eq!(exit.code, Some(2));
    assert!(exit.elapsed > Duration::from_millis(500), "{exit:?}");
    assert!(exit.elapsed < Duration::from_secs(4), "{exit:?}");
    let named = |line: &serde_json::Value| {
        line["level"] != "INFO" && line["level"] != "DEBUG" && line.to_string().contains("/slow")
    };
    assert!(process.logs().iter().any(named), "the route is named");
}

#[test]
fn a_client_that_keeps_its_connection_after_its_answer_is_no_work_that_was_cut() {
    let process = fixture().env("DRAIN_TIMEOUT", "1s").spawn();
    process.wait_ready();
    let mut slow = process.connect();
    slow.send("GET", "/slow?ms=700", &[], b"").unwrap();
    process.wait_for_log(|line| line["message"] == "slow request began");
    process.signal(Signal::Term);
    assert_eq!(slow.receive().unwrap().text(), "done");
    // The connection is not dropped before the process ended.
    assert_eq!(process.wait_exit(SOON).code, Some(0));
    assert!(slow.is_closed().unwrap());
}

#[test]
fn a_request_that_never_arrives_whole_is_no_work_that_was_cut() {
    let process = fixture().env("DRAIN_TIMEOUT", "500ms").spawn();
    process.wait_ready();
    let mut partial = process.connect();
    assert_eq!(partial.get("/fast").unwrap().text(), "ok");
    partial.send_bytes(b"GET /fast HTTP/1.1\r\nHos").unwrap();
    process.signal(Signal::Term);
    assert_eq!(process.wait_exit(SOON).code, Some(0));
}

#[test]
fn the_lame_duck_accepts_and_asks_clients_to_leave() {
    let process = fixture().env("LAME_DUCK", "2s").spawn();
    process.wait_ready();
    let mut kept = process.connect();
    let before = kept.get("/fast").unwrap();
    assert_eq!(before.header("connection"), None);
    process.signal(Signal::Term);
    process.wait_for_state("lame_duck");
    for answer in [kept.get("/fast").unwrap(), process.connect().get("/fast").unwrap()] {
        assert_eq!(answer.text(), "ok");
        assert_eq!(answer.header("connection"), Some("close"));
    }
    assert!(kept.is_closed().unwrap());
    assert_eq!(process.admin("/ready").status, 503);
    assert_eq!(process.admin("/health").status, 200);
    assert_eq!(process.get("/ready").status, 503);
    assert_eq!(process.get("/health").status, 200);
    assert_eq!(process.wait_exit(SOON).code, Some(0));
}

#[test]
fn an_idle_connection_gets_one_last_answer_and_then_nothing_is_accepted() {
    let process = fixture().env("LAME_DUCK", "0s").spawn();
    process.wait_ready();
    let (mut asks, mut silent) = (process.connect(), process.connect());
    for connection in [&mut asks, &mut silent] {
        assert_eq!(connection.get("/fast").unwrap().text(), "ok");
    }
    process.signal(Signal::Term);
    process.wait_for_state("draining");
    let last = asks.get("/fast").unwrap();
    assert_eq!(last.text(), "ok");
    assert_eq!(last.header("connection"), Some("close"));
    assert!(asks.is_closed().unwrap());
    let address = process.http_addr();
    process.wait_until("connections are refused", || {
        TcpStream::connect(address).is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused)
    });
    let began = Instant::now();
    assert!(silent.is_closed().unwrap());
    assert!(began.elapsed() < Duration::from_millis(1500), "it lingers 1 s");
    assert_eq!(process.wait_exit(SOON).code, Some(0));
}

#[test]
fn websockets_and_events_are_told_to_stop() {
    let process = fixture().env("DRAIN_TIMEOUT", "8s").spawn();
    process.wait_ready();
    let mut socket = websocket::open(&process, "/ws");
    let mut events = process.connect();
    events.send("GET", "/sse", &[], b"").unwrap();
    assert_eq!(events.head().unwrap().0, 200);
    process.signal(Signal::Term);
    let (opcode, payload) = websocket::frame(&mut socket);
    assert_eq!((opcode, payload), (8, b"\x03\xe9going away".to_vec()));
    let events = String::from_utf8(events.rest().unwrap()).unwrap();
    assert!(events.contains("data: goodbye"), "{events}");
    drop(socket);
    let exit = process.wait_exit(SOON);
    assert_eq!(exit.code, Some(0));
    assert!(exit.elapsed < Duration::from_secs(3), "{exit:?}");
}

#[test]
fn websockets_and_events_that_do_not_stop_are_cut_at_the_deadline() {
    for path in ["/ws-deaf", "/sse-deaf"] {
        let process = fixture().env("DRAIN_TIMEOUT", "500ms").spawn();
        process.wait_ready();
        let mut connection = if path == "/ws-deaf" {
            websocket::open(&process, path)
        } else {
            let mut events = process.connect();
            events.send("GET", path, &[], b"").unwrap();
            assert_eq!(events.head().unwrap().0, 200);
            events
        };
        process.signal(Signal::Term);
        let exit = process.wait_exit(SOON);
        assert_eq!(exit.code, Some(2), "{path}");
        assert!(exit.elapsed < Duration::from_secs(4), "{path}: {exit:?}");
        // Closed or reset, it ended.
        let _how = connection.rest();
        let named = |line: &serde_json::Value| line.to_string().contains(path);
        assert!(process.logs().iter().any(named), "the route is named");
    }
}

/// The load of all kinds of clients at once.
struct All {
    http1: [load::Load; 2],
    http2: load_h2::Load,
}

impl All {
    fn start(process: &Process) -> Self {
        let address = process.http_addr();
        Self {
            http1: [Reuse::KeepAlive, Reuse::Never].map(|reuse| load::Load::start(address, reuse, 6)),
            http2: load_h2::Load::start(address, 3),
        }
    }

    fn stop(&self) {
        self.http1.iter().for_each(load::Load::stop);
        self.http2.stop();
    }

    fn join(self) -> Tally {
        let mut tally = self.http2.join();
        for load in self.http1 {
            tally.add(load.join());
        }
        tally
    }
}

/// Waits until each of these clients had a request served.
fn wait_for_clients(process: &Process, clients: &[u64]) {
    for client in clients {
        process.wait_for_log(|line| line["message"] == "first request" && line["client"] == *client);
    }
}

/// How many requests the handler began, as the fixture says at its end.
fn served(process: &Process) -> u64 {
    process.wait_for_log(|line| line["resource"] == "first")["served"].as_u64().expect("it is a number")
}
