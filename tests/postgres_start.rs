//! How a service starts whose PostgreSQL is not there, or is not what its URL says.

use std::{
    net::{SocketAddr, TcpListener},
    process::Command,
    time::Duration,
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use seaworthy::testing::Process;
use servers::{Folder, Postgres as Server};

use crate::{postgres::service, support::own_address};

const SOON: Duration = Duration::from_secs(12);

/// Runs it to its end; gives the exit code and all it wrote, in which there is no secret.
fn ends(process: &Process) -> (Option<i32>, String) {
    let exit = process.wait_exit(SOON);
    let written = process.stdout() + &process.stderr();
    assert!(!written.contains("hunter"), "a secret is shown: {written}");
    (exit.code, written)
}

#[track_caller]
fn assert_refused(url: &str, expected: &str) {
    let (code, written) = ends(&service(url).spawn());
    assert_eq!(code, Some(78), "{written}");
    assert!(written.contains("DATABASE_URL") && written.contains(expected), "{written}");
}

#[test]
fn it_waits_for_a_server_that_comes_later() {
    let mut server = Server::prepare();
    let service = service(&server.url()).env("DATABASE_CONNECT_TIMEOUT", "60s").spawn();
    let waits = |line: &serde_json::Value| {
        line["message"].as_str().is_some_and(|said| said.starts_with("waiting for the database"))
    };
    service.wait_for_log(waits);
    server.resume();
    service.wait_ready();
    assert_eq!(service.logs().iter().filter(|line| waits(line)).count(), 1);
    service.assert_contract();
}

#[test]
fn it_ends_where_no_server_comes() {
    let address = own_address();
    let url = format!("postgres://shop:hunter2@{address}/shop");
    let (code, written) = ends(&service(&url).env("DATABASE_CONNECT_TIMEOUT", "500ms").spawn());
    assert_eq!(code, Some(69), "{written}");
    let expected = format!("the database {address}/shop (`DATABASE_URL`) is not available: error communicating with");
    assert!(written.contains(&expected), "{written}");
    // `check` says the same, and the name may be anything.
    let url = "postgres://shop:hunter2@no-such-host.invalid/shop";
    let check = service(url).env("DATABASE_CONNECT_TIMEOUT", "500ms").arg("check").spawn();
    let (code, written) = ends(&check);
    assert_eq!(code, Some(69), "{written}");
    assert!(written.contains("no-such-host.invalid:5432/shop"), "{written}");
}

#[test]
fn a_server_that_never_answers_is_not_waited_for_without_end() {
    let listener = TcpListener::bind(SocketAddr::from((own_address().ip(), 0))).unwrap();
    let url = format!("postgres://shop:hunter2@{}/shop", listener.local_addr().unwrap());
    let (code, written) = ends(&service(&url).env("DATABASE_CONNECT_TIMEOUT", "1s").spawn());
    assert_eq!(code, Some(69), "{written}");
    assert!(written.contains("(`DATABASE_URL`) is not available"), "{written}");
    assert!(written.contains("the database did not answer"), "{written}");
}

#[test]
fn what_can_not_work_is_said_at_once() {
    let server = Server::start();
    let address = server.address();
    let refused = |url: &str, expected: &str| {
        assert_refused(url, &format!("`DATABASE_URL` can't be used for {address}/{expected}"));
    };
    refused(&server.url_of("postgres", "hunter3", "postgres"), "postgres: the server refuses its user or its password");
    refused(&server.url_of("nobody", "hunter3", "postgres"), "postgres: the server refuses its user or its password");
    refused(&server.url_of("postgres", "hunter2", "nowhere"), "nowhere: the server has no database of that name");
    refused(&(server.url() + "?sslmode=require"), "postgres: it asks for TLS: server does not support TLS");
}

#[test]
fn a_url_that_is_none_is_said_at_once() {
    for (url, expected) in [
        ("redis://shop:hunter2@db/shop", "can't be used: it does not begin with `postgres://`"),
        ("postgres://shop:hunter2@db/shop?sslmode=hunter", "can't be used: its parameter `sslmode` is not valid"),
        ("postgres://shop:hunter2@db/shop?port=hunter", "can't be used: its parameter `port` is not valid"),
        ("postgres://shop:hunter2%FF@db/shop", "can't be used: a part of it is not UTF-8"),
        ("hunter2", "is not valid"),
        ("postgres://shop:hunter2@db:port/shop", "is not valid"),
    ] {
        assert_refused(url, expected);
    }
}

#[test]
fn a_parameter_that_is_not_known_is_said_without_its_value() {
    let server = Server::start();
    let service = service(&(server.url() + "?pasword=hunter3&application_name=shop")).spawn();
    service.wait_ready();
    let line = service.wait_for_log(|line| line["level"] == "WARN");
    assert_eq!(line["message"], "`DATABASE_URL` has a parameter that is not known, `pasword`");
    assert!(!service.stdout().contains("hunter"));
    assert_eq!(server.query("SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'shop'"), "t");
}

#[test]
fn times_in_which_nothing_can_be_done_are_refused() {
    let url = "postgres://shop:hunter2@db/shop";
    let (code, written) = ends(&service(url).env("DATABASE_TIMEOUT", "0s").spawn());
    assert_eq!(code, Some(78), "{written}");
    assert!(written.contains("`DATABASE_TIMEOUT` is zero: no call would succeed"), "{written}");
}

#[test]
fn tls_is_spoken_as_the_url_says() {
    let mut server = Server::prepare();
    let (mut authority, key) = (CertificateParams::new(Vec::new()).unwrap(), KeyPair::generate().unwrap());
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = authority.self_signed(&key).unwrap();
    let issuer = Issuer::new(authority, key);
    let own_key = KeyPair::generate().unwrap();
    let own =
        CertificateParams::new(vec![server.address().ip().to_string()]).unwrap().signed_by(&own_key, &issuer).unwrap();
    server.speak_tls(&own.pem(), &own_key.serialize_pem());
    server.resume();
    let folder = Folder::new("authority");
    let file = folder.path().join("root.pem");
    std::fs::write(&file, root.pem()).unwrap();

    let trusted = service(&format!("{}?sslmode=verify-full&sslrootcert={}", server.url(), file.display())).spawn();
    trusted.wait_ready();
    assert_eq!(server.query("SELECT count(*) > 0 FROM pg_stat_ssl WHERE ssl AND pid <> pg_backend_pid()"), "t");
    assert_refused(&(server.url() + "?sslmode=verify-full"), "certificate");
    // As an operator of the system would: its roots are those of this file.
    let native = service(&(server.url() + "?sslmode=verify-full")).env("SSL_CERT_FILE", &file).spawn();
    native.wait_ready();
}

#[test]
fn help_shows_the_variables() {
    let output = Command::new(env!("CARGO_BIN_EXE_postgres")).arg("--help").output().unwrap();
    let help = String::from_utf8(output.stdout).unwrap();
    for variable in [
        "URL",
        "MAX_CONNECTIONS",
        "MIN_CONNECTIONS",
        "CONNECT_TIMEOUT",
        "ACQUIRE_TIMEOUT",
        "TIMEOUT",
        "IDLE_TIMEOUT",
        "MAX_LIFETIME",
        "QUERY_TEXT",
    ] {
        assert!(help.contains(&format!("  DATABASE_{variable} ")), "{help}");
    }
    assert!(help.contains("\n  postgres  The database answers.\n"), "{help}");
}
