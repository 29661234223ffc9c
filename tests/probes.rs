//! Probes tell the truth, and cost nothing.

use std::time::{Duration, Instant};

use seaworthy::testing::{Process, Signal};
use serde_json::Value;

use crate::support::{assert_serves_on, fixture, metric};

#[test]
fn every_probe_is_200_once_the_service_is_ready() {
    let process = fixture().spawn();
    process.wait_ready();
    for path in ["/health", "/ready", "/started"] {
        assert_eq!(process.admin(path).status, 200, "{path}");
    }
    for path in ["/health", "/ready"] {
        let answer = process.get(path);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.text().split_whitespace().count(), 1, "{answer:?}");
    }
    process.assert_contract();
}

#[test]
fn details_and_metrics_are_on_the_admin_address_alone() {
    let process = fixture().spawn();
    process.wait_ready();
    let details = process.admin("/ready").json();
    let text = details.to_string();
    for check in ["usable", "extra"] {
        assert!(text.contains(check), "{details}");
    }
    assert!(!process.get("/ready").text().contains("usable"));
    assert_eq!(process.admin("/metrics").status, 200);
    assert_eq!(process.get("/metrics").status, 404);
}

#[test]
fn it_is_alive_but_not_ready_while_it_starts() {
    let process = fixture().env("FIXTURE_START", "hang").spawn();
    process.wait_for_log(|line| line["message"] == "setting up");
    assert_eq!(process.admin("/health").status, 200);
    assert_eq!(process.admin("/started").status, 503);
    let ready = process.admin("/ready");
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("starting"), "{ready:?}");
    process.signal(Signal::Kill);
}

#[test]
fn it_is_not_ready_before_every_critical_check_passed() {
    let process = fixture().env("FIXTURE_READY", "fail").spawn();
    process.wait_for_state("ready");
    assert_not_ready(&process, "the fixture was told to fail");
    assert_eq!(process.admin("/health").status, 200);
    set(&process, "ready", "pass");
    process.wait_ready();
    process.assert_contract();
}

#[test]
fn a_check_that_fails_is_named_with_its_reason_and_recovers() {
    let process = fixture().spawn();
    process.wait_ready();
    set(&process, "ready", "fail");
    assert_not_ready(&process, "the fixture was told to fail");
    assert_eq!(process.get("/ready").status, 503);
    assert_eq!(process.get("/fast").text(), "ok", "it serves all the same");
    let labels = [("check", "usable")];
    let metrics = process.admin("/metrics");
    assert_eq!(metric(&metrics, "seaworthy_check_status", &labels), 0.0);
    set(&process, "ready", "pass");
    process.wait_ready();
    assert_serves_on(&process);
}

#[test]
fn a_check_that_hangs_fails_at_its_deadline_and_probes_do_not_wait_for_it() {
    let process = fixture().spawn();
    process.wait_ready();
    set(&process, "ready", "hang");
    process.wait_until("/ready is 503", || {
        let began = Instant::now();
        let status = process.admin("/ready").status;
        let took = began.elapsed();
        assert!(took < Duration::from_millis(150), "a probe took {took:?}");
        status == 503
    });
    set(&process, "ready", "pass");
    process.wait_ready();
    assert_serves_on(&process);
}

#[test]
fn a_check_that_hangs_for_ever_from_the_start_does_not_keep_it_from_stopping() {
    let process = fixture().env("FIXTURE_READY", "hang").spawn();
    process.wait_for_state("ready");
    assert_eq!(process.admin("/ready").status, 503);
    assert_eq!(process.get("/fast").text(), "ok");
    process.signal(Signal::Term);
    let exit = process.wait_exit(Duration::from_secs(12));
    assert_eq!(exit.code, Some(0));
    assert!(exit.elapsed < Duration::from_secs(1), "{exit:?}");
}

#[test]
fn a_check_that_panics_fails_and_is_run_again() {
    let process = fixture().spawn();
    process.wait_ready();
    set(&process, "ready", "panic");
    assert_not_ready(&process, "panic");
    assert_eq!(process.admin("/health").status, 200);
    set(&process, "ready", "pass");
    process.wait_ready();
    set(&process, "live", "panic");
    process.wait_until("/health is 503", || process.admin("/health").status == 503);
    set(&process, "live", "pass");
    process.wait_until("/health is 200", || process.admin("/health").status == 200);
    assert_serves_on(&process);
}

#[test]
fn a_check_that_is_not_critical_degrades_and_leaves_it_ready() {
    let process = fixture().spawn();
    process.wait_ready();
    for behaviour in ["fail", "hang", "panic"] {
        set(&process, "extra", behaviour);
        process.wait_until("it is degraded", || {
            let ready = process.admin("/ready");
            assert_eq!(ready.status, 200, "{ready:?}");
            ready.text().contains("degraded")
        });
    }
    set(&process, "extra", "pass");
    process.wait_until("it is no longer degraded", || !process.admin("/ready").text().contains("degraded"));
    assert_serves_on(&process);
}

#[test]
fn a_liveness_check_that_fails_fails_health_and_leaves_ready_alone() {
    let process = fixture().spawn();
    process.wait_ready();
    set(&process, "live", "fail");
    process.wait_until("/health is 503", || process.admin("/health").status == 503);
    assert_eq!(process.get("/health").status, 503);
    assert_eq!(process.admin("/ready").status, 200);
    set(&process, "live", "pass");
    process.wait_until("/health is 200", || process.admin("/health").status == 200);
}

#[test]
fn a_thousand_probes_cause_no_run_of_a_check_and_are_not_counted_as_requests() {
    let process = fixture().env("ACCESS_LOG", "all").spawn();
    process.wait_ready();
    let runs = || {
        let labels = [("check", "usable")];
        metric(&process.admin("/metrics"), "seaworthy_check_duration_seconds_count", &labels)
    };
    let (before, began) = (runs(), Instant::now());
    for _ in 0..500 {
        assert_eq!(process.get("/ready").status, 200);
        assert_eq!(process.admin("/ready").status, 200);
    }
    let (ran, took) = (runs() - before, began.elapsed());
    // It runs every 250 ms, whoever asks.
    assert!(ran <= took.as_secs_f64() / 0.25 + 2.0, "{ran} runs in {took:?}");
    let metrics = process.admin("/metrics").text();
    for line in metrics.lines().filter(|line| line.starts_with("http_server")) {
        assert!(!line.contains("/ready"), "{line}");
    }
    assert_eq!(process.get("/fast").text(), "ok");
    let access = process.wait_for_log(|line| !line["http.request.method"].is_null());
    assert_eq!(access["http.route"], "/fast", "the first access line is not a probe's");
}

#[test]
fn the_probes_are_answered_during_the_whole_drain_of_a_busy_service() {
    let process = fixture().env("LAME_DUCK", "500ms").spawn();
    process.wait_ready();
    let mut slow: Vec<_> = (0..20).map(|_| process.connect()).collect();
    for connection in &mut slow {
        connection.send("GET", "/slow?ms=1500", &[], b"").unwrap();
    }
    process.wait_until("all are in flight", || {
        metric(&process.admin("/metrics"), "http_server_active_requests", &[]) == 20.0
    });
    let exit = process.assert_contract();
    assert!(exit.elapsed > Duration::from_secs(1), "{exit:?}");
    for connection in &mut slow {
        assert_eq!(connection.receive().unwrap().text(), "done");
    }
}

#[test]
fn the_state_is_a_metric() {
    let process = fixture().env("LAME_DUCK", "1s").spawn();
    process.wait_ready();
    let state = |name| {
        let metrics = process.admin("/metrics");
        metric(&metrics, "seaworthy_lifecycle_state", &[("state", name)])
    };
    assert_eq!((state("ready"), state("lame_duck")), (1.0, 0.0));
    process.signal(Signal::Term);
    process.wait_for_state("lame_duck");
    assert_eq!((state("ready"), state("lame_duck")), (0.0, 1.0));
}

/// Makes a check of the fixture do something else.
fn set(process: &Process, check: &str, behaviour: &str) {
    let path = format!("/check/{check}/{behaviour}");
    let answer = process.connect().request("POST", &path, &[], b"");
    assert_eq!(answer.unwrap().status, 204);
}

/// Waits until the readiness check `usable` fails for this reason.
fn assert_not_ready(process: &Process, reason: &str) {
    let mut last = Value::Null;
    process.wait_until("/ready is 503 and says why", || {
        let ready = process.admin("/ready");
        if ready.status != 503 {
            return false;
        }
        last = ready.json();
        let text = last.to_string();
        text.contains("usable") && text.contains(reason)
    });
}
