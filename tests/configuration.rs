//! What the environment says, and what is said about it.

use std::{fs, path::PathBuf, time::Duration};

use seaworthy::testing::{Process, ProcessBuilder, Signal};

use crate::support::fixture;

#[test]
fn every_type_is_read() {
    let process = fixture()
        .env("FIXTURE_DURATION", "1m 30s")
        .env("FIXTURE_SIZE", "2MiB")
        .env("FIXTURE_NUMBER", "42")
        .env("FIXTURE_FLAG", "true")
        .env("FIXTURE_URL", "https://example.com/a?b=c")
        .env("FIXTURE_ADDRESS", "[::1]:8080")
        .env("FIXTURE_LIST", "one,two, three")
        .env("FIXTURE_OPTION", "5")
        .env("FIXTURE_SECRET", "hunter2")
        .env("FIXTURE_STORE_POOL", "9")
        .spawn();
    let line = process.wait_for_log(|line| line["message"] == "setting up");
    let text = line["settings"].to_string();
    let all =
        ["90s", "2MiB", " 42 true ", "https://example.com/a?b=c", "[::1]:8080", "one", "three", "Some(5)", "***", "9"];
    for part in all {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!process.stdout().contains("hunter2"));
    process.wait_ready();
    process.signal(Signal::Kill);
}

#[test]
fn every_wrong_value_is_reported_at_once_with_what_was_expected() {
    let wrong = [
        ("FIXTURE_START", "maybe", "hang"),
        ("FIXTURE_DURATION", "soon", "30s"),
        ("FIXTURE_SIZE", "2 elephants", "2MiB"),
        ("FIXTURE_NUMBER", "70000", "FIXTURE_NUMBER"),
        ("FIXTURE_FLAG", "perhaps", "true"),
        ("FIXTURE_URL", "not a url", "URL"),
        ("FIXTURE_ADDRESS", "localhost", "address"),
        ("FIXTURE_OPTION", "-1", "FIXTURE_OPTION"),
        ("FIXTURE_STORE_POOL", "many", "FIXTURE_STORE_POOL"),
        ("HTTP_ADDR", "8080", "address"),
        ("LAME_DUCK", "5 bananas", "LAME_DUCK"),
        ("MAX_CONNECTIONS", "lots", "MAX_CONNECTIONS"),
        ("LOG_FORMAT", "xml", "json"),
        ("ACCESS_LOG", "some", "errors"),
        ("REQUEST_BODY_LIMIT", "large", "REQUEST_BODY_LIMIT"),
    ];
    let mut process = fixture();
    for (name, value, _) in wrong {
        process = process.env(name, value);
    }
    let said = refused(process);
    for (name, value, expected) in wrong {
        assert!(said.contains(name), "{name}: {said}");
        assert!(said.contains(value), "{value}: {said}");
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(said.contains("How long something takes"), "what it is for: {said}");
    assert!(said.contains("How many connections it has"), "what it is for: {said}");
}

#[test]
fn each_wrong_value_alone_exits_78() {
    let wrong = [
        ("FIXTURE_START", "maybe"),
        ("FIXTURE_DURATION", "soon"),
        ("FIXTURE_SIZE", "2 elephants"),
        ("FIXTURE_NUMBER", "-1"),
        ("FIXTURE_FLAG", "perhaps"),
        ("FIXTURE_URL", "::"),
        ("FIXTURE_ADDRESS", "localhost"),
        ("FIXTURE_OPTION", "x"),
        ("FIXTURE_STORE_POOL", "256"),
        ("ADMIN_ADDR", "nowhere"),
        ("DRAIN_TIMEOUT", "15 years or so"),
        ("TERMINATION_GRACE", "x"),
        ("REQUEST_TIMEOUT", "-1s"),
        ("HEADER_READ_TIMEOUT", "x"),
        ("MAX_IN_FLIGHT", "1.5"),
    ];
    for (name, value) in wrong {
        let said = refused(fixture().env(name, value));
        assert!(said.contains(name) && said.contains(value), "{name}: {said}");
    }
}

#[test]
fn a_secret_is_read_from_a_file_and_never_shown() {
    let file = Scratch::new("secret", "hunter2\n");
    let process = fixture().env("FIXTURE_SECRET_FILE", &file.0).spawn();
    let line = process.wait_for_log(|line| line["message"] == "setting up");
    assert!(line["settings"].to_string().contains("***"), "{line}");
    process.wait_ready();
    process.assert_contract();
    assert!(!(process.stdout() + &process.stderr()).contains("hunter2"));
}

#[test]
fn any_variable_can_be_a_file() {
    let file = Scratch::new("number", "12\n");
    let process = fixture().env("FIXTURE_NUMBER_FILE", &file.0).spawn();
    let line = process.wait_for_log(|line| line["message"] == "setting up");
    assert!(line["settings"].to_string().contains(" 12 "), "{line}");
}

#[test]
fn a_secret_file_that_is_missing_is_named() {
    let said = refused(fixture().env("FIXTURE_SECRET_FILE", "/nowhere/password"));
    for part in ["FIXTURE_SECRET_FILE", "/nowhere/password", "What nobody may see"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn a_wrong_value_from_a_file_names_the_file() {
    let file = Scratch::new("wrong", "many");
    let said = refused(fixture().env("FIXTURE_NUMBER_FILE", &file.0));
    assert!(said.contains(file.0.to_str().unwrap()), "{said}");
}

#[test]
fn a_variable_that_is_not_known_is_a_warning_with_the_nearest_name() {
    let process = fixture().env("FIXTURE_NUMBR", "9").spawn();
    process.wait_ready();
    let said = process.stdout() + &process.stderr();
    assert!(said.contains("FIXTURE_NUMBR"), "{said}");
    assert!(said.contains("did you mean") && said.contains("FIXTURE_NUMBER"), "{said}");
    process.assert_contract();
}

#[test]
fn a_service_link_of_kubernetes_is_recognised() {
    // A service called `fixture` in the same namespace.
    let said = refused(fixture().env("FIXTURE_PORT", "tcp://10.0.0.1:6379"));
    assert!(said.contains("FIXTURE_PORT"), "{said}");
    assert!(said.contains("enableServiceLinks"), "{said}");
}

#[test]
fn an_empty_variable_counts_as_unset() {
    let process = fixture().env("FIXTURE_NUMBER", "").env("LAME_DUCK", "").spawn();
    let line = process.wait_for_log(|line| line["message"] == "setting up");
    assert!(line["settings"].to_string().contains(" 7 "), "{line}");
}

/// Asserts that the configuration is refused with exit code 78, and gives what was said.
fn refused(process: ProcessBuilder) -> String {
    let process: Process = process.spawn();
    let exit = process.wait_exit(Duration::from_secs(10));
    let said = process.stdout() + &process.stderr();
    assert_eq!(exit.code, Some(78), "{said}");
    said
}

/// A file that is removed at the end of the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: &str) -> Self {
        let file = format!("seaworthy-{}-{name}", std::process::id());
        let file = std::env::temp_dir().join(file);
        fs::write(&file, content).unwrap();
        Self(file)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A file that stays does no harm.
        let _removed = fs::remove_file(&self.0);
    }
}
