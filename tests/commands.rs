//! What every binary can do besides serving.

use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

use seaworthy::testing::{Process, ProcessBuilder, Signal};

use crate::support::fixture;

#[test]
fn help_says_what_the_service_is_and_lists_every_variable() {
    let (code, out, err) = run(fixture().arg("--help"));
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("Behaves as its environment says."), "{out}");
    for command in ["check", "probe", "--version"] {
        assert!(out.contains(command), "{command}: {out}");
    }
    let of_the_service =
        ["FIXTURE_DURATION", "How long something takes", "30s", "FIXTURE_SECRET", "FIXTURE_STORE_POOL"];
    let of_the_runtime = [
        "HTTP_ADDR",
        "ADMIN_ADDR",
        "LOG_FORMAT",
        "ACCESS_LOG",
        "REQUEST_TIMEOUT",
        "REQUEST_BODY_LIMIT",
        "HEADER_READ_TIMEOUT",
        "MAX_CONNECTIONS",
        "MAX_IN_FLIGHT",
        "LAME_DUCK",
        "DRAIN_TIMEOUT",
        "TERMINATION_GRACE",
        "OTEL_SERVICE_NAME",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
    ];
    for shown in of_the_service.into_iter().chain(of_the_runtime) {
        assert!(out.contains(shown), "{shown}: {out}");
    }
}

#[test]
fn version_is_the_packages() {
    let (code, out, _) = run(fixture().arg("--version"));
    assert_eq!(code, 0);
    assert!(out.contains("fixture") && out.contains(env!("CARGO_PKG_VERSION")), "{out}");
}

#[test]
fn an_argument_that_is_not_known_is_refused_and_help_is_pointed_to() {
    let (code, _, err) = run(fixture().arg("serv"));
    assert_ne!(code, 0);
    assert!(err.contains("serv") && err.contains("--help"), "{err}");
}

#[test]
fn check_exits_0_where_every_check_passes() {
    let (code, out, err) = run(fixture().arg("check"));
    assert_eq!(code, 0, "{out}{err}");
    assert!((out + &err).contains("usable"), "the checks are named");
}

#[test]
fn check_exits_69_where_a_critical_check_fails_hangs_or_panics_and_names_it() {
    for behaviour in ["fail", "hang", "panic"] {
        let (code, out, err) = run(fixture().env("FIXTURE_READY", behaviour).arg("check"));
        assert_eq!(code, 69, "{behaviour}: {out}{err}");
        assert!((out + &err).contains("usable"), "{behaviour}");
    }
    let (code, out, err) = run(fixture().env("FIXTURE_EXTRA", "fail").arg("check"));
    assert_eq!(code, 0, "it only degrades: {out}{err}");
}

#[test]
fn check_exits_69_where_the_set_up_finds_something_away() {
    let (code, out, err) = run(fixture().env("FIXTURE_START", "unavailable").arg("check"));
    assert_eq!(code, 69);
    assert!((out + &err).contains("the store is not available"));
}

#[test]
fn check_exits_78_where_the_configuration_is_invalid() {
    let (code, out, err) = run(fixture().env("FIXTURE_NUMBER", "many").arg("check"));
    assert_eq!(code, 78);
    assert!((out + &err).contains("FIXTURE_NUMBER"));
}

#[test]
fn check_binds_no_address() {
    let [http, admin] = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let address = |listener: &TcpListener| listener.local_addr().unwrap().to_string();
    let check = fixture().env("HTTP_ADDR", address(&http)).env("ADMIN_ADDR", address(&admin)).arg("check");
    let (code, out, err) = run(check);
    assert_eq!(code, 0, "a pod that serves can check itself: {out}{err}");
}

#[test]
fn probe_asks_the_running_process() {
    let process = fixture().env("FIXTURE_READY", "fail").spawn();
    process.wait_for_state("ready");
    let admin = process.admin_addr().to_string();
    let probe = |what: &str| {
        let probe = fixture().env("ADMIN_ADDR", &admin).arg("probe").arg(what);
        run(probe).0
    };
    assert_eq!(probe("live"), 0);
    assert_ne!(probe("ready"), 0);
    let mut connection = process.connect();
    connection.request("POST", "/check/ready/pass", &[], b"").unwrap();
    process.wait_ready();
    assert_eq!(probe("ready"), 0);
    process.assert_contract();
    assert_ne!(probe("live"), 0, "nobody is there");
}

#[test]
fn probe_needs_no_configuration_of_the_service() {
    let process = fixture().spawn();
    process.wait_ready();
    // All that is wrong is a matter of the process that serves.
    let probe = fixture()
        .env("ADMIN_ADDR", process.admin_addr().to_string())
        .env("FIXTURE_NUMBER", "many")
        .arg("probe")
        .arg("live");
    assert_eq!(run(probe).0, 0);
}

#[test]
fn probe_reaches_a_process_that_listens_on_every_address() {
    // As in a container: ADMIN_ADDR=0.0.0.0:9090 for both.
    let port = TcpListener::bind("0.0.0.0:0").unwrap().local_addr().unwrap().port();
    let everywhere = format!("0.0.0.0:{port}");
    let process = fixture().env("ADMIN_ADDR", &everywhere).spawn();
    process.wait_ready();
    assert_eq!(run(fixture().env("ADMIN_ADDR", &everywhere).arg("probe").arg("live")).0, 0);
}

#[test]
fn help_lists_the_commands_of_the_service() {
    let (_, out, _) = run(fixture().arg("--help"));
    assert!(out.contains("do-work") && out.contains("Works once, as `FIXTURE_WORKER` says."), "{out}");
    let (code, _, err) = run(fixture().arg("do_work"));
    assert!(code == 64 && err.contains("do-work"), "{err}");
}

#[test]
fn a_command_runs_once_closes_what_was_opened_and_exits_0() {
    let (code, out, err) = run(fixture().env("FIXTURE_WORKER", "done").arg("do-work"));
    assert_eq!(code, 0, "{out}{err}");
    let at = |what: &str| out.find(what).unwrap_or_else(|| panic!("{what}: {out}"));
    let order = ["setting up", "working", "do-work is done", "\"second\"", "\"first\"", "stopped"].map(at);
    assert!(order.is_sorted(), "{out}");
    assert!(!out.contains("listening"), "{out}");
}

#[test]
fn a_command_that_fails_or_panics_exits_1_and_says_why() {
    for (behaviour, reason) in [("fail", "do-work failed: "), ("panic", "do-work panicked: ")] {
        let (code, out, _) = run(fixture().env("FIXTURE_WORKER", behaviour).arg("do-work"));
        assert_eq!(code, 1, "{out}");
        assert!(out.contains(reason), "{out}");
        assert!(out.contains("\"first\""), "it closes what was opened: {out}");
    }
}

#[test]
fn a_command_exits_as_the_service_does_where_it_can_not_be_set_up() {
    assert_eq!(run(fixture().env("FIXTURE_START", "unavailable").arg("do-work")).0, 69);
    assert_eq!(run(fixture().env("FIXTURE_NUMBER", "many").arg("do-work")).0, 78);
}

#[test]
fn a_command_ends_by_itself_after_sigterm_or_is_cut() {
    let command = |worker: &str| fixture().env("FIXTURE_WORKER", worker).env("DRAIN_TIMEOUT", "300ms").arg("do-work");
    for (worker, code) in [("obey", 0), ("ignore", 2)] {
        let process = command(worker).spawn();
        process.wait_for_log(|log| log["message"] == "working");
        process.signal(Signal::Term);
        let exit = process.wait_exit(Duration::from_secs(10));
        assert_eq!(exit.code, Some(code), "{worker}: {}", process.stdout());
        assert!(process.stdout().contains("\"first\""), "it closes what was opened");
    }
}

#[test]
fn a_command_that_did_not_begin_is_not_reported_as_done() {
    let process = fixture().env("FIXTURE_START", "hang").arg("do-work").spawn();
    process.wait_for_log(|log| log["message"] == "setting up");
    process.signal(Signal::Term);
    assert_eq!(process.wait_exit(Duration::from_secs(10)).code, Some(2), "{}", process.stdout());
}

/// Runs a command to its end; gives its exit code, and what it wrote to stdout and stderr.
fn run(command: ProcessBuilder) -> (i32, String, String) {
    let began = Instant::now();
    let process: Process = command.spawn();
    let exit = process.wait_exit(Duration::from_secs(10));
    let (out, err) = (process.stdout(), process.stderr());
    let code = exit.code.unwrap_or_else(|| panic!("{exit:?} after {:?}", began.elapsed()));
    (code, out, err)
}
