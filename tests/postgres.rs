//! Rows in a real PostgreSQL: what is recorded, and what happens when the server goes away.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use seaworthy::{
    postgres::{Postgres, Settings},
    prelude::*,
    sqlx::{self, Executor as _},
    testing::{self, Process, ProcessBuilder, Signal, Span},
};
use serde_json::Value;
use servers::{Folder, Postgres as Server};

use crate::support::{FLAT, metric, resident, wait_until};

/// Longer than anything takes that fails fast, and shorter than a time-out.
const FAST: Duration = Duration::from_millis(1500);

/// The service that keeps rows there.
pub(crate) fn service(url: &str) -> ProcessBuilder {
    Process::builder(env!("CARGO_BIN_EXE_postgres")).env("ACCESS_LOG", "off").env("DATABASE_URL", url)
}

fn ready(url: &str) -> Process {
    let service = service(url).spawn();
    service.wait_ready();
    service
}

#[test]
fn rows_are_kept_and_transactions_are_whole() {
    let server = Server::start();
    let service = ready(&server.url());
    assert_eq!(service.get("/store/1/commit").text(), "1");
    assert_eq!(service.get("/store/2/rollback").text(), "1");
    assert_eq!(service.get("/store/3/drop").text(), "1");
    assert_eq!(service.get("/store/1/commit").status, 500, "it is there already, which is no outage");
    assert_eq!(service.get("/rows/9").text(), "[-1, -1, -2, -2, -3]");
    assert_eq!(service.get("/rows/3").status, 500);
    assert_eq!(service.get("/nothing").status, 404);
    assert_eq!(server.query("SELECT id FROM things"), "1");
    service.assert_contract();
}

#[test]
fn operations_are_counted_as_what_they_were() {
    let server = Server::start();
    let service = service(&server.url()).env("DATABASE_TIMEOUT", "1500ms").spawn();
    service.wait_ready();
    let paths =
        ["/who", "/value", "/nothing", "/rows/9", "/rows/3", "/store/1/commit", "/store/1/commit", "/store/2/rollback"];
    for path in paths {
        let _any = service.get(path);
    }
    let late = service.get("/sleep?seconds=60");
    assert_eq!((late.status, late.text().as_str()), (503, "service unavailable"));
    let metrics = service.admin("/metrics");
    let count = |operation: &str, error: &str| {
        let labels = [("db_system_name", "postgresql"), ("db_operation_name", operation), ("error_type", error)];
        metric(&metrics, "db_client_operation_duration_seconds_count", &labels)
    };
    // Not the checks, not what the pool did itself.
    assert_eq!(count("SELECT", ""), 6.0, "{}", metrics.text());
    assert_eq!(count("SELECT", "22012"), 1.0, "a division by zero, in a row");
    assert_eq!(count("SELECT", "timeout"), 1.0);
    assert_eq!(count("BEGIN", ""), 3.0);
    assert_eq!(count("INSERT", ""), 2.0);
    assert_eq!(count("INSERT", "23505"), 1.0);
    assert_eq!(count("COMMIT", ""), 1.0);
    assert_eq!(count("ROLLBACK", ""), 1.0);
    let written = service.stdout() + &service.stderr() + &metrics.text();
    assert!(!written.contains("a value") && !written.contains("pg_sleep") && !written.contains("hunter2"), "{written}");
}

#[test]
fn connections_are_counted_by_what_they_do() {
    let server = Server::start();
    let service = ready(&server.url());
    let count = |state: &str| {
        let pool = format!("{}/postgres", server.address());
        let labels = [("db_client_connection_pool_name", &*pool), ("db_client_connection_state", state)];
        metric(&service.admin("/metrics"), "db_client_connection_count", &labels)
    };
    service.wait_until("one is idle", || count("idle") >= 1.0 && count("used") == 0.0);
    thread::scope(|scope| {
        let slow = scope.spawn(|| service.get("/sleep?seconds=30"));
        service.wait_until("one is used", || count("used") == 1.0);
        server.cut_all();
        assert_eq!(slow.join().unwrap().status, 503, "the server cut it off");
    });
    service.wait_until("it is no more", || count("used") == 0.0);
}

#[test]
fn the_spans_are_those_of_the_conventions() {
    let server = Server::start();
    let settings = |query_text| {
        let mut settings = Settings::new(server.url().parse().unwrap());
        settings.query_text = query_text;
        settings
    };
    for query_text in [false, true] {
        let service = testing::start::<spans>(SpansConfig { settings: settings(query_text) });
        assert_eq!(service.get("/").text(), "3");
        // That of the request ends last, maybe a moment after its answer.
        let mut spans = Vec::new();
        wait_until("the request ended", || {
            spans = service.spans();
            spans.iter().any(|span| span.name == "GET /")
        });
        let request = spans.iter().rfind(|span| span.name == "GET /").unwrap();
        let calls: Vec<&Span> = spans.iter().filter(|span| span.parent_span_id == request.span_id).collect();
        let names: Vec<_> = calls.iter().map(|span| span.name.as_str()).collect();
        let statements = ["SELECT", "SELECT", "BEGIN", "INSERT", "ROLLBACK", "_OTHER"];
        assert_eq!(names, statements.map(|name| format!("{name} postgres")));
        for span in &calls {
            assert_eq!(span.attributes["db.system.name"], "postgresql");
            assert_eq!(span.attributes["db.namespace"], "postgres");
            assert_eq!(span.attributes["server.address"], server.address().ip().to_string());
            assert_eq!(span.attributes["server.port"], "5432");
        }
        let text = |index: usize| calls[index].attributes.get("db.query.text").map(String::as_str);
        assert_eq!(text(0), query_text.then_some("SELECT $1::int8 + 1"));
        assert_eq!(text(3), query_text.then_some("INSERT INTO nowhere VALUES ($1)"));
        for (index, span) in calls.iter().enumerate() {
            let failed = match index {
                3 => Some("42P01"),
                5 => Some("42601"),
                _ => None,
            };
            assert_eq!(span.attributes.get("error.type").map(String::as_str), failed, "{}", span.name);
            assert_eq!(span.attributes.get("db.response.status_code").map(String::as_str), failed, "{}", span.name);
        }
        assert_eq!(service.stop(), 0);
    }
}

/// Where the database is.
struct SpansConfig {
    settings: Settings,
}

impl seaworthy::Config for SpansConfig {
    const VARIABLES: &'static [seaworthy::config::Variable] = &[];

    fn build(_: &mut seaworthy::config::Values) -> Self {
        unreachable!("the test makes it")
    }
}

/// Asks in each way.
#[cloud_service(ready(seaworthy::postgres::ready))]
async fn spans(config: SpansConfig) -> Result<Service<Postgres>> {
    let ask = async |State(db): State<Postgres>| -> Result<String> {
        let sum: i64 = sqlx::query_scalar("SELECT $1::int8 + 1").bind(2).fetch_one(&db).await?;
        assert!(sqlx::query("select 1 where false").fetch_optional(&db).await?.is_none());
        let mut transaction = db.begin().await?;
        let failed = sqlx::query("INSERT INTO nowhere VALUES ($1)").bind(1).execute(&mut *transaction).await;
        assert!(failed.is_err());
        transaction.rollback().await?;
        assert!(db.execute("nonsense").await.is_err());
        Ok(sum.to_string())
    };
    let db = Postgres::connect(config.settings).await?;
    Ok(Service::new(db).http(Router::new().route("/", get(ask))))
}

#[test]
fn a_server_that_goes_away_makes_it_unready_and_not_dead() {
    let mut server = Server::start();
    let service = ready(&server.url());
    for outage in 0..2 {
        assert_eq!(service.get("/who").status, 200, "{outage}");
        server.stop();
        let before = resident(service.id());
        service.wait_until("it is known", || {
            let asked = Instant::now();
            assert_eq!(service.get("/who").status, 503);
            assert!(asked.elapsed() < FAST, "{:?}", asked.elapsed());
            service.admin("/metrics").text().contains(r#"error_type="unavailable""#)
        });
        // Many at once: none waits.
        let asked = Instant::now();
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let mut connection = service.connect();
                    for _ in 0..250 {
                        assert_eq!(connection.get("/who").unwrap().status, 503);
                    }
                });
            }
        });
        assert!(asked.elapsed() < Duration::from_secs(10), "2000 of them took {:?}", asked.elapsed());
        service.wait_until("/ready is 503", || service.admin("/ready").status == 503);
        assert_eq!(service.get("/health").status, 200);
        assert!(resident(service.id()).saturating_sub(before) < FLAT);
        server.resume();
        service.wait_until("it serves again", || service.get("/who").status == 200);
        service.wait_until("/ready is 200", || service.admin("/ready").status == 200);
    }
    service.assert_contract();
}

#[test]
fn a_pool_that_is_exhausted_is_no_outage() {
    let server = Server::start();
    let service = service(&server.url())
        .env("DATABASE_MAX_CONNECTIONS", "1")
        .env("DATABASE_ACQUIRE_TIMEOUT", "1500ms")
        .env("DATABASE_TIMEOUT", "60s")
        .spawn();
    service.wait_ready();
    thread::scope(|scope| {
        let slow = scope.spawn(|| service.get("/sleep?seconds=60"));
        let sleeping =
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()";
        service.wait_until("it sleeps", || server.query(sleeping) == "1");
        for _ in 0..2 {
            assert_eq!(service.get("/who").status, 503);
        }
        let age = || {
            let report = service.admin("/ready").json();
            let checks = report["checks"].as_array().expect("it lists the checks").clone();
            let check = checks.into_iter().find(|check| check["name"] == "postgres").expect("it is listed");
            check["age_seconds"].as_f64().expect("it ran")
        };
        let before = age();
        service.wait_until("it was checked again", || age() < before);
        assert_eq!(service.get("/ready").status, 200, "it is as busy elsewhere");
        let metrics = service.admin("/metrics");
        let labels = [("error_type", "pool_timeout")];
        assert_eq!(metric(&metrics, "db_client_operation_duration_seconds_count", &labels), 2.0, "{}", metrics.text());
        let told =
            |line: &&Value| line["message"].as_str().is_some_and(|what| what.contains("`DATABASE_MAX_CONNECTIONS`"));
        assert_eq!(service.logs().iter().filter(told).count(), 1);
        server.cut_all();
        assert_eq!(slow.join().unwrap().status, 503);
    });
    service.wait_until("there is one again", || service.get("/who").status == 200);
}

#[test]
fn a_call_that_took_too_long_does_not_keep_its_connection() {
    let server = Server::start();
    let service = service(&server.url())
        .env("DATABASE_MAX_CONNECTIONS", "1")
        .env("DATABASE_ACQUIRE_TIMEOUT", "1500ms")
        .env("DATABASE_TIMEOUT", "1500ms")
        .spawn();
    service.wait_ready();
    assert_eq!(service.get("/sleep?seconds=600").status, 503);
    service.wait_until("there is another one", || service.get("/who").status == 200);
}

#[test]
fn a_password_that_is_rotated_is_used_by_the_next_connection() {
    let server = Server::start();
    server.query("CREATE ROLE shop LOGIN PASSWORD 'first'");
    server.query("CREATE ROLE other LOGIN PASSWORD 'other'");
    server.query("GRANT ALL ON SCHEMA public TO shop, other");
    let folder = Folder::new("rotation");
    let file = folder.path().join("url");
    let write = |user: &str, password: &str| {
        let new = file.with_extension("new");
        fs::write(&new, server.url_of(user, password, "postgres")).unwrap();
        fs::rename(new, &file).unwrap();
    };
    write("shop", "first");
    let service = Process::builder(env!("CARGO_BIN_EXE_postgres")).env("DATABASE_URL_FILE", &file).spawn();
    service.wait_ready();
    assert!(service.get("/who").text().starts_with("shop "));

    // The old one is refused: the call that finds out uses the new one itself.
    server.query("ALTER ROLE shop PASSWORD 'second'");
    write("shop", "second");
    server.cut_all();
    let answer = service.get("/who");
    assert_eq!((answer.status, answer.text().starts_with("shop ")), (200, true));

    // The old one still works: connections that are opened a moment later use the new one.
    write("other", "other");
    service.wait_until("the other user connects", || {
        server.cut_all();
        service.get("/who").text().starts_with("other ")
    });

    // What can't be used changes nothing.
    fs::write(&file, "not a url").unwrap();
    server.cut_all();
    service.wait_for_log(|line| line["message"].as_str().is_some_and(|said| said.contains("can't be used")));
    assert!(service.get("/who").text().starts_with("other "));
    let written = service.stdout();
    assert!(["first", "second", "not a url"].iter().all(|secret| !written.contains(secret)), "{written}");
}

#[test]
fn the_pool_closes_when_nothing_needs_it_any_more() {
    let server = Server::start();
    let service = ready(&server.url());
    assert_eq!(service.get("/who").status, 200);
    service.signal(Signal::Term);
    assert_eq!(service.wait_exit(Duration::from_secs(10)).code, Some(0));
    let said: Vec<_> = service
        .logs()
        .iter()
        .filter_map(|line| Some((line["when"].as_str()?.to_owned(), line["closing"].as_str()?.to_owned())))
        .collect();
    let expected = [("before", "answered"), ("after", "attempted to acquire a connection on a closed pool")];
    assert_eq!(said, expected.map(|(when, what)| (when.to_owned(), what.to_owned())));
    assert!(service.logs().iter().all(|line| line["at_once"] != false));
    assert_eq!(server.query("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'"), "1");
}
