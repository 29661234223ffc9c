//! Starting, stopping, signals, exit codes.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use seaworthy::testing::{Process, Signal};

use crate::support::{fixture, machine, metric};

/// More than any of these services takes to stop.
const SOON: Duration = Duration::from_secs(12);

#[test]
fn a_service_goes_through_its_states_in_order_and_exits_0() {
    let process = fixture().env("LAME_DUCK", "100ms").spawn();
    process.assert_contract();
    let states = process.states();
    assert_eq!(states.first().map(String::as_str), Some("starting"));
    for state in ["ready", "lame_duck", "draining", "closing", "flushing"] {
        assert!(states.iter().any(|entered| entered == state), "{states:?}");
    }
}

#[test]
fn an_idle_service_with_no_lame_duck_exits_within_200_ms() {
    let _machine = machine();
    for _ in 0..5 {
        let process = fixture().env("LAME_DUCK", "0s").spawn();
        process.wait_ready();
        process.signal(Signal::Term);
        let exit = process.wait_exit(SOON);
        assert_eq!(exit.code, Some(0));
        assert!(exit.elapsed < Duration::from_millis(200), "{exit:?}");
    }
}

#[test]
fn the_lame_duck_is_5_s_in_kubernetes_and_0_elsewhere() {
    let inside = fixture().env("KUBERNETES_SERVICE_HOST", "10.0.0.1").spawn();
    let outside = fixture().spawn();
    for process in [&inside, &outside] {
        process.wait_ready();
        process.signal(Signal::Term);
    }
    let (inside, outside) = (inside.wait_exit(SOON), outside.wait_exit(SOON));
    assert_eq!((inside.code, outside.code), (Some(0), Some(0)));
    let seconds = inside.elapsed.as_secs_f64();
    assert!((5.0..7.0).contains(&seconds), "{inside:?}");
    assert!(outside.elapsed < Duration::from_secs(2), "{outside:?}");
}

#[test]
fn sigint_skips_the_lame_duck() {
    let process = fixture().env("LAME_DUCK", "8s").spawn();
    process.wait_ready();
    process.signal(Signal::Int);
    let exit = process.wait_exit(SOON);
    assert_eq!(exit.code, Some(0));
    assert!(exit.elapsed < Duration::from_secs(2), "{exit:?}");
}

#[test]
fn a_second_sigterm_changes_nothing() {
    let process = fixture().env("LAME_DUCK", "300ms").spawn();
    process.wait_ready();
    let mut slow = process.connect();
    slow.send("GET", "/slow?ms=1500", &[], b"").unwrap();
    process.wait_for_log(|line| line["message"] == "slow request began");
    process.signal(Signal::Term);
    process.wait_for_state("lame_duck");
    process.signal(Signal::Term);
    process.wait_for_state("draining");
    process.signal(Signal::Term);
    assert_eq!(slow.receive().unwrap().text(), "done");
    assert_eq!(process.wait_exit(SOON).code, Some(0));
    let logs = process.logs();
    let received = logs.iter().filter(|line| line.to_string().contains("SIGTERM"));
    assert_eq!(received.count(), 3, "each is logged");
}

#[test]
fn a_second_sigint_exits_130_at_once() {
    let process = fixture().spawn();
    process.wait_ready();
    let mut slow = process.connect();
    slow.send("GET", "/slow?ms=60000", &[], b"").unwrap();
    process.wait_for_log(|line| line["message"] == "slow request began");
    process.signal(Signal::Int);
    process.wait_for_state("draining");
    process.signal(Signal::Int);
    let exit = process.wait_exit(SOON);
    assert_eq!(exit.code, Some(130));
    assert!(exit.elapsed < Duration::from_secs(1), "{exit:?}");
}

#[test]
fn sigterm_during_the_set_up_ends_it_cleanly() {
    for lame_duck in ["0s", "8s"] {
        let process = fixture().env("FIXTURE_START", "hang").env("LAME_DUCK", lame_duck).spawn();
        process.wait_for_log(|line| line["message"] == "setting up");
        assert_eq!(process.admin("/health").status, 200);
        assert_eq!(process.admin("/started").status, 503);
        process.signal(Signal::Term);
        let exit = process.wait_exit(SOON);
        assert_eq!(exit.code, Some(0));
        // Nobody was told that it is ready, so nobody has to be told that it isn't.
        assert!(exit.elapsed < Duration::from_secs(2), "{exit:?}");
    }
}

#[test]
fn a_blocked_runtime_fails_liveness_and_exits_within_its_budget() {
    let process = fixture().env("DRAIN_TIMEOUT", "1s").env("TERMINATION_GRACE", "10s").spawn();
    process.wait_ready();
    // One after the other, until no thread of the runtime is left to take one.
    let mut blocked = Vec::new();
    process.wait_until("liveness notices", || {
        if blocked.len() < 64 {
            let mut connection = process.connect();
            connection.send("GET", "/block?ms=60000", &[], b"").unwrap();
            blocked.push(connection);
        }
        process.admin("/health").status == 503
    });
    process.wait_until("readiness notices", || process.admin("/ready").status == 503);
    process.signal(Signal::Term);
    let exit = process.wait_exit(SOON);
    assert_eq!(exit.code, Some(2), "it cut the blocked requests");
    assert!(exit.elapsed < Duration::from_secs(10), "{exit:?}");
}

#[test]
fn a_worker_that_panics_or_fails_is_started_again_and_counted() {
    let process = fixture().env("FIXTURE_WORKER", "once").spawn();
    process.wait_ready();
    let labels = [("worker", "work")];
    process.wait_until("the worker runs again", || {
        let metrics = process.admin("/metrics");
        metric(&metrics, "seaworthy_worker_restarts_total", &labels) == 1.0
            && metric(&metrics, "seaworthy_worker_up", &labels) == 1.0
    });
    process.assert_contract();

    let process = fixture().env("FIXTURE_WORKER", "fail").spawn();
    process.wait_ready();
    process.wait_until("the worker was started again and again", || {
        let metrics = process.admin("/metrics");
        metric(&metrics, "seaworthy_worker_restarts_total", &labels) >= 3.0
    });
    process.wait_for_log(|line| line.to_string().contains("the fixture was told to fail"));
    process.assert_contract();
}

#[test]
fn the_service_exits_1_when_a_worker_that_is_not_restarted_fails_or_panics() {
    for work in ["fail", "panic"] {
        let process = fixture().env("FIXTURE_CRITICAL", work).spawn();
        assert_eq!(process.wait_exit(SOON).code, Some(1), "{work}");
        let said = process.stdout() + &process.stderr();
        assert!(said.contains("critical"), "the worker is named: {said}");
    }
}

#[test]
fn a_worker_is_told_to_stop() {
    let process = fixture().spawn();
    process.assert_contract();
    let told = |line: &serde_json::Value| line["message"] == "the worker was told to stop";
    assert!(process.logs().iter().any(told));
}

#[test]
fn a_worker_that_does_not_stop_is_cut_at_the_deadline() {
    let process = fixture().env("FIXTURE_WORKER", "ignore").env("DRAIN_TIMEOUT", "500ms").spawn();
    process.wait_ready();
    process.signal(Signal::Term);
    let exit = process.wait_exit(SOON);
    assert!(exit.elapsed < Duration::from_secs(8), "{exit:?}");
    assert_eq!(exit.code, Some(2), "work was cut");
}

#[test]
fn resources_are_closed_in_the_reverse_order_of_their_opening() {
    let process = fixture().spawn();
    process.assert_contract();
    let closed: Vec<_> = process
        .logs()
        .into_iter()
        .filter(|line| line["message"] == "closed")
        .map(|line| line["resource"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(closed, ["second", "first"]);
}

#[test]
fn a_resource_that_does_not_close_is_left_after_3_s() {
    let process = fixture().env("FIXTURE_CLOSE", "hang").spawn();
    process.wait_ready();
    process.signal(Signal::Term);
    let exit = process.wait_exit(SOON);
    assert!(exit.elapsed < Duration::from_secs(5), "{exit:?}");
    assert_eq!(exit.signal, None);
}

#[test]
fn a_set_up_that_fails_exits_1_with_the_reason() {
    for start in ["fail", "panic"] {
        let process = fixture().env("FIXTURE_START", start).spawn();
        assert_eq!(process.wait_exit(SOON).code, Some(1), "{start}");
        let said = process.stdout() + &process.stderr();
        assert!(said.contains(&format!("the fixture was told to {start}")), "{said}");
    }
}

#[test]
fn a_dependency_that_is_away_at_the_start_exits_69() {
    let process = fixture().env("FIXTURE_START", "unavailable").spawn();
    assert_eq!(process.wait_exit(SOON).code, Some(69));
    let said = process.stdout() + &process.stderr();
    assert!(said.contains("the store is not available"), "{said}");
    assert!(said.contains("connection refused"), "the cause is shown: {said}");
}

#[test]
fn an_address_that_is_taken_exits_69_and_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().to_string();
    for variable in ["HTTP_ADDR", "ADMIN_ADDR"] {
        let process = fixture().env(variable, &taken).spawn();
        assert_eq!(process.wait_exit(SOON).code, Some(69));
        let said = process.stdout() + &process.stderr();
        assert!(said.contains(variable) && said.contains(&taken), "{said}");
    }
}

#[test]
fn a_set_up_that_finds_the_configuration_unusable_exits_78() {
    let process = fixture().env("FIXTURE_START", "misconfigured").spawn();
    assert_eq!(process.wait_exit(SOON).code, Some(78));
    let said = process.stdout() + &process.stderr();
    assert!(said.contains("the store has no such table"), "{said}");
}

#[test]
fn stages_that_do_not_fit_the_grace_are_added_up_for_the_operator() {
    let process = fixture().env("LAME_DUCK", "20s").env("DRAIN_TIMEOUT", "15s").env("TERMINATION_GRACE", "30s").spawn();
    // 20 + 15 + 2 + 3 + 3.
    let started = Instant::now();
    process.wait_until("the sum is shown", || {
        let said = process.stdout() + &process.stderr();
        said.contains("43") && said.contains("TERMINATION_GRACE")
    });
    assert!(started.elapsed() < SOON);
}

#[test]
fn the_reason_goes_to_the_termination_log_where_it_exists() {
    // A /dev of its own, so that the machine's is left alone.
    let script = "mount -t tmpfs none /dev && : > /dev/termination-log \
        && { \"$0\"; echo \"code $?\"; cat /dev/termination-log; }";
    let process = Process::builder("unshare")
        .arg("-rm")
        .arg("sh")
        .arg("-c")
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_fixture"))
        .env("FIXTURE_START", "unavailable")
        .spawn();
    process.wait_exit(SOON);
    let said = process.stdout();
    let (_, reason) = said.split_once("code 69\n").unwrap_or_else(|| panic!("it exits 69: {said}{}", process.stderr()));
    assert!(reason.contains("the store is not available"), "{reason}");
    assert_eq!(reason.lines().count(), 1, "{reason}");
}
