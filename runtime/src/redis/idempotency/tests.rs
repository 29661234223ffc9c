use std::{
    future,
    sync::{
        Mutex,
        atomic::{AtomicU32, AtomicU64, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::{Path, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::{HeaderMap, Request, StatusCode, header::SET_COOKIE};
use servers::Redis as Server;
use tokio::{sync::Semaphore, task::JoinSet};
use tower::ServiceExt;

use super::*;
use crate::redis::server::{ask, back, connect};

/// What the handlers of all replicas do, and how often.
struct Work {
    ran: AtomicU32,
    /// Answers with this status.
    status: Mutex<StatusCode>,
    began: Semaphore,
    may_end: Semaphore,
    seen: AtomicU64,
}

impl Work {
    /// Handlers that end at once.
    fn new() -> Arc<Self> {
        Self::with_permits(Semaphore::MAX_PERMITS)
    }

    /// Handlers that wait until they may end.
    fn that_waits() -> Arc<Self> {
        Self::with_permits(0)
    }

    fn with_permits(permits: usize) -> Arc<Self> {
        Arc::new(Self {
            ran: AtomicU32::new(0),
            status: Mutex::new(StatusCode::CREATED),
            began: Semaphore::new(0),
            may_end: Semaphore::new(permits),
            seen: AtomicU64::new(0),
        })
    }

    fn ran(&self) -> u32 {
        self.ran.load(Ordering::SeqCst)
    }

    fn answer_with(&self, status: u16) {
        *self.status.lock().unwrap() = StatusCode::from_u16(status).unwrap();
    }

    /// Waits until a handler began.
    async fn has_begun(&self) {
        self.began.acquire().await.unwrap().forget();
    }
}

async fn order(State(work): State<Arc<Work>>, key: IdempotencyKey, body: Bytes) -> Response {
    let number = work.ran.fetch_add(1, Ordering::SeqCst) + 1;
    work.began.add_permits(1);
    work.may_end.acquire().await.unwrap().forget();
    assert_ne!(&body[..], b"panic");
    if body == "hang" {
        future::pending::<()>().await;
    }
    let status = *work.status.lock().unwrap();
    work.seen.fetch_add(body.len() as u64, Ordering::SeqCst);
    let text = format!("{number} {}", key.as_str());
    (status, [("x-number", number.to_string()), ("set-cookie", "a=b".into()), ("date", "now".into())], text)
        .into_response()
}

async fn large(State(work): State<Arc<Work>>, Path(size): Path<usize>) -> Vec<u8> {
    work.ran.fetch_add(1, Ordering::SeqCst);
    vec![b'a'; size]
}

/// A replica of a service whose handlers do this work.
fn replica(idempotency: Idempotency, work: &Arc<Work>) -> Router {
    let get = async |key: Option<IdempotencyKey>| format!("{}", key.is_some());
    Router::new()
        .route("/orders", post(order).patch(order).get(get).layer(idempotency.clone()))
        .route("/large/{size}", post(large).layer(idempotency))
        .route("/without", post(order))
        .with_state(Arc::clone(work))
}

async fn idempotency(server: &Server) -> Idempotency {
    Idempotency::new(connect(server).await)
}

fn request(key: &str, body: &'static str) -> Request<Body> {
    Request::post("/orders").header("idempotency-key", key).body(body.into()).unwrap()
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn is_replay(&self) -> bool {
        self.headers.get("idempotent-replayed").is_some_and(|value| value == "true")
    }
}

async fn send(replica: &Router, request: Request<Body>) -> Answer {
    let answer = replica.clone().oneshot(request).await.into_response();
    let (parts, body) = answer.into_parts();
    let text = String::from_utf8(to_bytes(body, 1 << 30).await.unwrap().into()).unwrap();
    Answer { status: parts.status.as_u16(), headers: parts.headers, text }
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_on_every_replica() {
    let server = Server::start();
    let work = Work::new();
    let (a, b) = (replica(idempotency(&server).await, &work), replica(idempotency(&server).await, &work));
    let first = send(&a, request("k", "kettle")).await;
    assert_eq!((first.status, first.text.as_str(), first.is_replay()), (201, "1 k", false));
    assert!(first.headers.contains_key(SET_COOKIE));
    for (replica, key) in [(&a, "k"), (&b, "k"), (&b, "\"k\"")] {
        let repeat = send(replica, request(key, "kettle")).await;
        assert_eq!((repeat.status, repeat.text.as_str(), repeat.is_replay()), (201, "1 k", true));
        assert_eq!(repeat.headers["x-number"], "1");
        assert_eq!(repeat.headers["content-type"], "text/plain; charset=utf-8");
        // That was for the first one alone.
        assert!(!repeat.headers.contains_key(SET_COOKIE) && !repeat.headers.contains_key("date"));
    }
    assert_eq!(send(&b, request("l", "kettle")).await.text, "2 l");
    assert_eq!(work.ran(), 2);
}

#[tokio::test]
async fn a_key_is_for_one_request_of_one_caller() {
    let server = Server::start();
    let work = Work::new();
    let a = replica(idempotency(&server).await, &work);
    assert_eq!(send(&a, request("k", "kettle")).await.status, 201);
    let other_body = request("k", "pot");
    let mut other_query = request("k", "kettle");
    *other_query.uri_mut() = "/orders?a=b".parse().unwrap();
    let mut other_method = request("k", "kettle");
    *other_method.method_mut() = http::Method::PATCH;
    let mut other_path = request("k", "kettle");
    *other_path.uri_mut() = "/large/1".parse().unwrap();
    for other in [other_body, other_query, other_method, other_path] {
        let answer = send(&a, other).await;
        assert_eq!(
            (answer.status, &answer.headers["content-type"]),
            (422, &"application/problem+json".parse().unwrap())
        );
    }
    assert_eq!(work.ran(), 1);
    for (index, (header, value)) in
        [("authorization", "Bearer a"), ("authorization", "Bearer b"), ("cookie", "session=a")].into_iter().enumerate()
    {
        let mut other_caller = request("k", "pot");
        other_caller.headers_mut().insert(header, value.parse().unwrap());
        assert_eq!(send(&a, other_caller).await.text, format!("{} k", index + 2));
    }
}

#[tokio::test]
async fn what_a_nested_path_captures_is_of_the_request() {
    let server = Server::start();
    let work = Work::new();
    let a = Router::new().nest("/{tenant}", replica(idempotency(&server).await, &work));
    for (tenant, status) in [("ada", 201), ("grace", 422), ("ada", 201)] {
        let mut of_tenant = request("k", "kettle");
        *of_tenant.uri_mut() = format!("/{tenant}/orders").parse().unwrap();
        assert_eq!(send(&a, of_tenant).await.status, status, "{tenant}");
    }
    assert_eq!(work.ran(), 1);
}

#[tokio::test]
async fn a_request_without_a_key_is_refused_where_one_is_needed() {
    let server = Server::start();
    let work = Work::new();
    let a = replica(idempotency(&server).await, &work);
    for key in [None, Some("a b"), Some("\"a")] {
        let mut without = request("k", "kettle");
        without.headers_mut().remove("idempotency-key");
        if let Some(key) = key {
            without.headers_mut().insert("idempotency-key", key.parse().unwrap());
        }
        let answer = send(&a, without).await;
        assert_eq!(answer.status, 400);
        let problem: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
        assert_eq!(problem["status"], 400);
        assert!(problem["detail"].as_str().unwrap().contains("`Idempotency-Key`"));
    }
    assert_eq!(send(&a, Request::get("/orders").body(Body::empty()).unwrap()).await.text, "false");
    let mut elsewhere = request("k", "kettle");
    *elsewhere.uri_mut() = "/without".parse().unwrap();
    assert_eq!(send(&a, elsewhere).await.status, 500);
    assert_eq!(work.ran(), 0);
}

#[tokio::test]
async fn answers_that_pass_are_not_kept() {
    let server = Server::start();
    let work = Work::new();
    let a = replica(idempotency(&server).await, &work);
    for status in [500, 503, 408, 425, 429] {
        work.answer_with(status);
        let answer = send(&a, request("k", "kettle")).await;
        assert_eq!((answer.status, answer.is_replay()), (status, false));
    }
    work.answer_with(404);
    assert_eq!(send(&a, request("k", "kettle")).await.text, "6 k");
    assert_eq!(send(&a, request("k", "kettle")).await.status, 404);
    assert_eq!(work.ran(), 6);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_waits_for_the_answer_of_the_first() {
    let server = Server::start();
    let work = Work::that_waits();
    let replicas = [replica(idempotency(&server).await, &work), replica(idempotency(&server).await, &work)];
    let mut requests = JoinSet::new();
    for index in 0..8 {
        let replica = replicas[index % 2].clone();
        requests.spawn(async move { send(&replica, request("k", "kettle")).await });
    }
    work.has_begun().await;
    // One that does not want to wait.
    let impatient = replica(idempotency(&server).await.wait(Duration::ZERO), &work);
    let told = send(&impatient, request("k", "kettle")).await;
    assert_eq!((told.status, &told.headers["retry-after"]), (409, &"1".parse().unwrap()));
    work.may_end.add_permits(1);
    let answers = requests.join_all().await;
    assert_eq!(answers.iter().filter(|answer| !answer.is_replay()).count(), 1);
    assert!(answers.iter().all(|answer| (answer.status, answer.text.as_str()) == (201, "1 k")));
    assert_eq!(work.ran(), 1);
}

/// Whatever ends a handler before it answers.
#[tokio::test]
async fn a_key_is_free_when_its_handler_panics_or_is_cancelled() {
    let server = Server::start();
    let redis = connect(&server).await;
    let work = Work::new();
    let a = replica(idempotency(&server).await, &work);
    let panicked = tokio::spawn({
        let a = a.clone();
        async move { send(&a, request("k", "panic")).await.status }
    });
    assert!(panicked.await.unwrap_err().is_panic());
    let cancelled = tokio::spawn({
        let a = a.clone();
        async move { send(&a, request("l", "hang")).await.status }
    });
    work.has_begun().await;
    work.has_begun().await;
    cancelled.abort();
    while ask::<i64>(&redis, "DBSIZE").await != 0 {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(send(&a, request("k", "kettle")).await.text, "3 k");
    assert_eq!(send(&a, request("l", "kettle")).await.text, "4 l");
}

#[tokio::test]
async fn a_handler_does_not_outlive_the_hold_of_its_key() {
    let server = Server::start();
    let work = Work::new();
    let a = replica(idempotency(&server).await.hold(Duration::from_millis(300)), &work);
    let answer = send(&a, request("k", "hang")).await;
    assert_eq!((answer.status, &answer.headers["retry-after"]), (503, &"1".parse().unwrap()));
    assert_eq!(send(&a, request("k", "kettle")).await.text, "2 k");
}

#[tokio::test]
async fn the_key_of_a_replica_that_died_is_free_after_its_hold() {
    let server = Server::start();
    let redis = connect(&server).await;
    let work = Work::that_waits();
    let a = replica(idempotency(&server).await.hold(Duration::from_secs(30)), &work);
    let dying = tokio::spawn({
        let a = a.clone();
        async move { send(&a, request("k", "kettle")).await.status }
    });
    work.has_begun().await;
    let [key] = &ask::<Vec<String>>(&redis, "KEYS *").await[..] else { panic!("there is one key") };
    let left: u64 = ask(&redis, &format!("PTTL {key}")).await;
    assert!((20_000..=30_000).contains(&left), "{left}");
    // As if that time were over, with nobody who released it.
    let _: i64 = ask(&redis, &format!("DEL {key}")).await;
    work.may_end.add_permits(2);
    let b = replica(idempotency(&server).await, &work);
    assert_eq!(send(&b, request("k", "kettle")).await.status, 201);
    // What the dead one would have kept is not kept over it.
    _ = dying.await.unwrap();
    assert_eq!(ask::<Vec<String>>(&redis, "KEYS *").await.len(), 1);
    assert!(send(&b, request("k", "kettle")).await.is_replay());
    assert_eq!(work.ran(), 2);
}

#[tokio::test]
async fn large_bodies_are_refused_and_large_answers_are_not_kept() {
    let server = Server::start();
    let work = Work::new();
    let a = replica(idempotency(&server).await.body_limit(100), &work);
    let with = |size: usize, body: usize| {
        let uri = format!("/large/{size}");
        Request::post(uri).header("idempotency-key", size.to_string()).body(vec![b'b'; body].into()).unwrap()
    };
    let refused = send(&a, with(1, 101)).await;
    assert_eq!((refused.status, &refused.headers["content-type"]), (413, &"application/problem+json".parse().unwrap()));
    assert_eq!(work.ran(), 0);
    assert_eq!(send(&a, with(100, 100)).await.text.len(), 100);
    assert_eq!(send(&a, with(100, 100)).await.text.len(), 100);
    assert_eq!(work.ran(), 1);
    let first = send(&a, with(5000, 0)).await;
    assert_eq!((first.status, first.text.len()), (200, 5000));
    let repeat = send(&a, with(5000, 0)).await;
    assert_eq!((repeat.status, &repeat.headers["content-type"]), (409, &"application/problem+json".parse().unwrap()));
    assert!(repeat.is_replay());
    assert_eq!(work.ran(), 2);
}

#[tokio::test]
async fn while_redis_is_away_nothing_is_carried_out() {
    let mut server = Server::start();
    let work = Work::new();
    let shared = idempotency(&server).await;
    let a = replica(shared.clone(), &work);
    assert_eq!(send(&a, request("k", "kettle")).await.text, "1 k");
    server.stop();
    for key in ["k", "l"] {
        let answer = send(&a, request(key, "kettle")).await;
        assert_eq!((answer.status, &answer.headers["retry-after"]), (503, &"1".parse().unwrap()));
    }
    assert_eq!(work.ran(), 1);
    server.resume();
    back(&shared.shared.redis).await;
    assert_eq!(send(&a, request("k", "kettle")).await.text, "1 k");
    assert_eq!(send(&a, request("l", "kettle")).await.text, "2 l");
}

/// Redis does late what it was asked for, and there is nobody any more to carry the request out.
#[tokio::test]
async fn a_key_that_was_taken_for_nobody_is_free_again() {
    let server = Server::start();
    let work = Work::new();
    let a = replica(idempotency(&server).await.wait(Duration::from_secs(5)), &work);
    // So that Redis knows the script.
    assert_eq!(send(&a, request("before", "kettle")).await.status, 201);
    server.freeze();
    let cancelled = tokio::spawn({
        let a = a.clone();
        async move { send(&a, request("k", "kettle")).await }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    cancelled.abort();
    assert_eq!(send(&a, request("l", "kettle")).await.status, 503);
    server.thaw();
    assert_eq!(send(&a, request("k", "kettle")).await.status, 201);
    assert_eq!(send(&a, request("l", "kettle")).await.status, 201);
    assert_eq!(work.ran(), 3);
}

/// The handler failed since Redis went away, as one that asks it for something else would.
#[tokio::test]
async fn a_key_that_could_not_be_released_is_when_redis_is_back() {
    let mut server = Server::start();
    let work = Work::that_waits();
    work.answer_with(503);
    let shared = idempotency(&server).await;
    let a = replica(shared.clone(), &work);
    let first = tokio::spawn({
        let a = a.clone();
        async move { send(&a, request("k", "kettle")).await }
    });
    work.has_begun().await;
    server.stop();
    work.may_end.add_permits(2);
    assert_eq!(first.await.unwrap().status, 503);
    work.answer_with(201);
    server.resume();
    back(&shared.shared.redis).await;
    assert_eq!(send(&a, request("k", "kettle")).await.text, "2 k");
}

#[tokio::test]
async fn what_was_done_while_redis_went_away_is_answered_and_kept_when_it_is_back() {
    let mut server = Server::start();
    let work = Work::that_waits();
    let shared = idempotency(&server).await;
    let a = replica(shared.clone(), &work);
    let first = tokio::spawn({
        let a = a.clone();
        async move { send(&a, request("k", "kettle")).await }
    });
    work.has_begun().await;
    server.stop();
    work.may_end.add_permits(1);
    let first = first.await.unwrap();
    assert_eq!((first.status, first.text.as_str()), (201, "1 k"));
    server.resume();
    back(&shared.shared.redis).await;
    // It waits until the answer that was not kept is.
    let repeat = send(&a, request("k", "kettle")).await;
    assert_eq!((repeat.text.as_str(), repeat.is_replay()), ("1 k", true));
    assert_eq!(work.ran(), 1);
}

#[tokio::test]
async fn a_client_that_goes_away_after_the_work_finds_its_answer() {
    let server = Server::start();
    let work = Work::that_waits();
    let a = replica(idempotency(&server).await, &work);
    let first = tokio::spawn({
        let a = a.clone();
        async move { send(&a, request("k", "kettle")).await }
    });
    work.has_begun().await;
    server.freeze();
    work.may_end.add_permits(1);
    // The handler is done, and Redis is asked to keep the answer.
    while work.seen.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    first.abort();
    assert!(first.await.is_err());
    server.thaw();
    let repeat = send(&a, request("k", "kettle")).await;
    assert_eq!((repeat.text.as_str(), repeat.is_replay()), ("1 k", true));
}
