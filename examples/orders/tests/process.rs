//! The service as a process, with PostgreSQL and Redis.

use std::{
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};

use seaworthy::testing::{Connection, Process, ProcessBuilder, Response};
use servers::{Postgres, Redis};

const KETTLE: &str = r#"{"item":"kettle","quantity":2}"#;

/// What replicas share.
struct State {
    postgres: Postgres,
    redis: Redis,
}

impl State {
    /// Both servers, with the tables.
    fn start() -> Self {
        let state = Self { postgres: Postgres::start(), redis: Redis::start() };
        let migration = state.service().arg("migrate").spawn();
        assert_eq!(migration.wait_exit(Duration::from_secs(30)).code, Some(0), "{}", migration.stdout());
        state
    }

    fn service(&self) -> ProcessBuilder {
        Process::builder(env!("CARGO_BIN_EXE_orders"))
            .env("DATABASE_URL", self.postgres.url())
            .env("REDIS_URL", self.redis.url())
            .env("SESSION_KEY", "a key that is at least 32 bytes long")
    }

    fn replica(&self) -> Process {
        let replica = self.service().spawn();
        replica.wait_ready();
        replica
    }
}

/// Signs in, and gives the cookie.
fn sign_in(connection: &mut Connection, name: &str) -> String {
    let answer = post(connection, "/session", &[], &format!(r#"{{"name":"{name}"}}"#));
    assert_eq!(answer.status, 204, "{}", answer.text());
    let cookie = answer.header("set-cookie").expect("a cookie is set");
    cookie.split(';').next().unwrap_or_default().to_owned()
}

fn post(connection: &mut Connection, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
    let headers = [&[("content-type", "application/json")], headers].concat();
    connection.request("POST", path, &headers, body.as_bytes()).expect("it answers")
}

fn place(connection: &mut Connection, cookie: &str, key: &str, order: &str) -> Response {
    post(connection, "/orders", &[("cookie", cookie), ("idempotency-key", key)], order)
}

fn id(answer: &Response) -> String {
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()["id"].as_str().expect("it has an id").to_owned()
}

#[test]
fn an_order_is_placed_shown_and_shipped() {
    let state = State::start();
    let replica = state.replica();
    let mut connection = replica.connect();
    let ada = sign_in(&mut connection, "ada");
    let placed = place(&mut connection, &ada, "one", KETTLE);
    let path = format!("/orders/{}", id(&placed));
    assert_eq!((&placed.json()["item"], &placed.json()["quantity"]), (&"kettle".into(), &2.into()));

    let mut show = |cookie: &str| connection.request("GET", &path, &[("cookie", cookie)], b"").expect("it answers");
    replica.wait_until("it is shipped", || show(&ada).json()["shipped"] == true);
    assert_eq!(state.postgres.query("select count(*) from shipments"), "1");
    replica.wait_until("it is counted", || {
        let metrics = replica.admin("/metrics").text();
        ["orders_placed_total 1", "orders_shipped_total 1", "orders_waiting 0"]
            .iter()
            .all(|line| metrics.contains(line))
    });

    let grace = sign_in(&mut replica.connect(), "grace");
    assert_eq!(show(&grace).status, 404, "it is another one's");
    assert_eq!(show("session=forged").status, 401);
    drop(connection);
    replica.assert_contract();
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_placed() {
    let state = State::start();
    let replica = state.replica();
    let mut connection = replica.connect();
    let ada = sign_in(&mut connection, "ada");
    for (order, status) in [
        (r#"{"item":"","quantity":1}"#, 422),
        (r#"{"item":"kettle","quantity":0}"#, 422),
        (r#"{"item":"kettle","quantity":1001}"#, 422),
        (r#"{"item":"kettle"}"#, 422),
        ("kettle", 400),
    ] {
        assert_eq!(place(&mut connection, &ada, order, order).status, status, "{order}");
    }
    assert_eq!(place(&mut connection, "", "key", KETTLE).status, 401);
    assert_eq!(post(&mut connection, "/orders", &[("cookie", &ada)], KETTLE).status, 400, "there is no key");
    assert_eq!(post(&mut connection, "/session", &[], r#"{"name":""}"#).status, 422);
    let other = r#"{"item":"pot","quantity":2}"#;
    _ = id(&place(&mut connection, &ada, "one", KETTLE));
    assert_eq!(place(&mut connection, &ada, "one", other).status, 422, "the key was used");

    let sign_out = connection.request("DELETE", "/session", &[("cookie", &ada)], b"").expect("it answers");
    assert_eq!(sign_out.status, 204);
    assert_eq!(place(&mut connection, &ada, "two", KETTLE).status, 401);
    assert_eq!(state.postgres.query("select count(*) from orders"), "1");
}

#[test]
fn a_customer_who_places_too_many_is_told_to_wait() {
    let state = State::start();
    let replica = state.service().env("ORDERS_PER_MINUTE", "3").spawn();
    replica.wait_ready();
    let mut connection = replica.connect();
    let ada = sign_in(&mut connection, "ada");
    let statuses = [1, 2, 3, 4].map(|number| place(&mut connection, &ada, &number.to_string(), KETTLE));
    assert_eq!(statuses.each_ref().map(|answer| answer.status), [201, 201, 201, 429]);
    assert!(statuses[3].header("retry-after").is_some_and(|wait| wait.parse::<u32>().is_ok_and(|wait| wait <= 60)));
    let grace = sign_in(&mut connection, "grace");
    assert_eq!(place(&mut connection, &grace, "1", KETTLE).status, 201, "another customer may");
}

#[test]
fn a_repeat_is_the_same_order_also_where_redis_forgot_it() {
    let state = State::start();
    let replica = state.replica();
    let mut connection = replica.connect();
    let ada = sign_in(&mut connection, "ada");
    let first = id(&place(&mut connection, &ada, "one", KETTLE));
    assert_eq!(id(&place(&mut connection, &ada, "one", KETTLE)), first);
    assert_eq!(state.redis.command(&["FLUSHALL"]), "+OK");
    let ada = sign_in(&mut connection, "ada");
    assert_eq!(id(&place(&mut connection, &ada, "one", KETTLE)), first);
    let other = r#"{"item":"pot","quantity":2}"#;
    assert_eq!(state.redis.command(&["FLUSHALL"]), "+OK");
    let ada = sign_in(&mut connection, "ada");
    assert_eq!(place(&mut connection, &ada, "one", other).status, 422);
    assert_eq!(state.postgres.query("select count(*) from orders"), "1");
}

#[test]
fn the_same_key_at_the_same_instant_on_two_replicas_is_one_order_a_thousand_times() {
    const KEYS: usize = 1000;
    let state = State::start();
    let replicas = [(); 2].map(|()| state.service().env("ORDERS_PER_MINUTE", "100000").spawn());
    let cookie = {
        replicas.iter().for_each(Process::wait_ready);
        sign_in(&mut replicas[0].connect(), "ada")
    };
    let instant = Arc::new(Barrier::new(replicas.len()));
    let ids = replicas.each_ref().map(|replica| {
        let (mut connection, cookie, instant) = (replica.connect(), cookie.clone(), Arc::clone(&instant));
        thread::spawn(move || {
            let place = |key: usize| {
                instant.wait();
                id(&place(&mut connection, &cookie, &format!("key-{key}"), KETTLE))
            };
            (0..KEYS).map(place).collect::<Vec<_>>()
        })
    });
    let [one, other] = ids.map(|ids| ids.join().expect("each is answered"));
    assert_eq!(one, other);
    assert_eq!(state.postgres.query("select count(*), count(distinct idempotency_key) from orders"), "1000|1000");
    replicas[0].wait_until("all is shipped", || state.postgres.query("select count(*) from outbox") == "0");
    assert_eq!(state.postgres.query("select count(*) from shipments"), "1000");
}

#[test]
fn the_description_is_true_of_each_route() {
    let state = State::start();
    let replica = state.replica();
    let description = replica.get("/openapi.json").json();
    let paths = description["paths"].as_object().expect("it has paths");
    assert_eq!(paths.keys().map(String::as_str).collect::<Vec<_>>(), ["/orders", "/orders/{id}", "/session"]);
    let mut connection = replica.connect();
    for (path, methods) in paths {
        for (method, operation) in methods.as_object().expect("it has methods") {
            // Nobody is signed in, and nothing is sent: refused, with a status that the description knows.
            let headers = [("content-type", "application/json"), ("idempotency-key", "key")];
            let answer = connection.request(&method.to_uppercase(), path, &headers, b"{}").expect("it answers");
            let known = operation["responses"].as_object().expect("it has responses");
            assert!(known.contains_key(&answer.status.to_string()), "{method} {path}: {}", answer.status);
        }
    }
}

#[test]
fn without_its_servers_it_does_not_start_and_says_which_is_away() {
    let state = State::start();
    for (variable, url, what) in [
        ("DATABASE_URL", "postgres://orders:hunter2@127.0.0.1:1/orders", "127.0.0.1:1/orders"),
        ("REDIS_URL", "redis://:hunter2@127.0.0.1:1", "127.0.0.1:1"),
    ] {
        let service = state.service().env(variable, url).env(variable.replace("_URL", "_CONNECT_TIMEOUT"), "100ms");
        let service = service.spawn();
        assert_eq!(service.wait_exit(Duration::from_secs(10)).code, Some(69), "{}", service.stdout());
        let said = service.stdout() + &service.stderr();
        assert!(said.contains(what) && !said.contains("hunter2"), "{said}");
    }
    let service = state.service().env("SESSION_KEY", "short").spawn();
    assert_eq!(service.wait_exit(Duration::from_secs(10)).code, Some(78), "{}", service.stdout());
}
