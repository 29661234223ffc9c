//! The service as a process: it greets, it is ready when it should be, and it stops without losing a request.

use seaworthy::testing::{Process, ProcessBuilder, Signal};

fn service() -> ProcessBuilder {
    Process::builder(env!("CARGO_BIN_EXE_hello"))
}

#[test]
fn it_greets_and_stops_as_it_should() {
    let service = service().spawn();
    service.wait_ready();
    let answer = service.get("/hello/Ada");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.text(), r#"{"message":"Hello, Ada!"}"#);
    service.assert_contract();
}

#[test]
fn its_environment_says_how_it_greets() {
    let service = service().env("GREETING", "Ahoy").env("LONGEST_NAME", "3").spawn();
    service.wait_ready();
    assert_eq!(service.get("/hello/Ada").text(), r#"{"message":"Ahoy, Ada!"}"#);
    assert_eq!(service.get("/hello/Grace").status, 400);
}

#[test]
fn it_is_not_ready_without_a_greeting() {
    let service = service().env("GREETING", " ").spawn();
    service.wait_for_state("ready");
    service.wait_until("the check ran", || service.admin("/ready").text().contains("GREETING is blank"));
    assert_eq!(service.admin("/ready").status, 503);
    assert_eq!(service.admin("/health").status, 200);
    service.signal(Signal::Term);
}

#[test]
fn a_wrong_environment_is_refused() {
    let service = service().env("LONGEST_NAME", "long").spawn();
    let exit = service.wait_exit(std::time::Duration::from_secs(10));
    assert_eq!(exit.code, Some(78));
    assert!(service.stderr().contains("LONGEST_NAME"), "{}", service.stderr());
}
