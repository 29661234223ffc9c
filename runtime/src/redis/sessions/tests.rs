use std::collections::BTreeMap;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Path, State},
    response::IntoResponse,
    routing::{get, post},
};
use http::{
    Request, StatusCode,
    header::{COOKIE, SET_COOKIE},
};
use servers::Redis as Server;
use tower::ServiceExt;

use super::*;
use crate::redis::server::{ask, back, connect};

const KEY: &str = "0123456789abcdef0123456789abcdef";
const OTHER_KEY: &str = "fedcba9876543210fedcba9876543210";

type Customer = BTreeMap<String, String>;

fn secret(text: &str) -> Secret<String> {
    Secret::from(text.to_owned())
}

fn customer(name: &str) -> Customer {
    Customer::from([("name".into(), name.into())])
}

async fn sessions(server: &Server) -> Sessions {
    Sessions::new(connect(server).await, &secret(KEY)).unwrap()
}

/// A replica of a service with sessions.
fn replica(sessions: Sessions) -> Router {
    let begin = async |State(sessions): State<Sessions>, Path(name): Path<String>| {
        sessions.begin(&customer(&name)).await.map(|begun| (begun, name))
    };
    let save = async |session: Session<Customer>, Path(name): Path<String>| session.save(&customer(&name)).await;
    let end = async |session: Session<Customer>| session.end().await.map(|ended| (ended, "ended"));
    let who = async |session: Session<Customer>| session["name"].clone();
    let maybe = async |session: Option<Session<Customer>>| {
        session.map_or("nobody".into(), |session| session.into_inner()["name"].clone())
    };
    let other_type = async |session: Session<u64>| session.to_string();
    // What `?` makes of it in a handler.
    let own_error = async |session: Result<Session<Customer>, SessionError>| -> Result<&'static str, Error> {
        session?;
        Ok("somebody")
    };
    Router::new()
        .route("/begin/{name}", post(begin))
        .route("/save/{name}", post(save))
        .route("/end", post(end))
        .route("/who", get(who))
        .route("/maybe", get(maybe))
        .route("/number", get(other_type))
        .route("/own-error", get(own_error))
        .with_state(sessions)
}

struct Answer {
    status: StatusCode,
    cookie: Option<String>,
    text: String,
}

/// Sends a request with these headers `Cookie`.
async fn send(replica: &Router, path: &str, cookies: &[&str]) -> Answer {
    let method = if path.matches('/').count() > 1 || path == "/end" { "POST" } else { "GET" };
    let mut request = Request::builder().method(method).uri(path);
    for cookie in cookies {
        request = request.header(COOKIE, *cookie);
    }
    let answer = replica.clone().oneshot(request.body(Body::empty()).unwrap()).await.into_response();
    Answer {
        status: answer.status(),
        cookie: answer.headers().get(SET_COOKIE).map(|cookie| cookie.to_str().unwrap().to_owned()),
        text: String::from_utf8(to_bytes(answer.into_body(), 1 << 20).await.unwrap().into()).unwrap(),
    }
}

/// Begins a session; gives the cookie as a browser sends it.
async fn begin(replica: &Router, name: &str) -> String {
    let begun = send(replica, &format!("/begin/{name}"), &[]).await;
    assert_eq!(begun.status, 200, "{}", begun.text);
    begun.cookie.unwrap().split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_session_is_one_on_all_replicas_until_it_ends() {
    let server = Server::start();
    let (a, b) = (replica(sessions(&server).await), replica(sessions(&server).await));
    let cookie = begin(&a, "ada").await;
    assert_eq!(send(&b, "/who", &[&cookie]).await.text, "ada");
    assert_eq!(send(&b, "/save/grace", &[&cookie]).await.status, 200);
    assert_eq!(send(&a, "/maybe", &[&cookie]).await.text, "grace");
    let ended = send(&a, "/end", &[&cookie]).await;
    assert_eq!(ended.cookie.unwrap(), "session=; HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=0");
    assert_eq!(send(&b, "/who", &[&cookie]).await.status, 401);
    assert_eq!(send(&b, "/own-error", &[&cookie]).await.status, 401);
    assert_eq!(send(&b, "/maybe", &[&cookie]).await.text, "nobody");
    assert_eq!(send(&b, "/save/ada", &[&cookie]).await.status, 401);
}

#[tokio::test]
async fn the_cookie_is_for_the_browser_alone_and_each_begin_has_another() {
    let server = Server::start();
    let a = replica(sessions(&server).await);
    let begun = send(&a, "/begin/ada", &[]).await.cookie.unwrap();
    let (value, attributes) = begun.split_once("; ").unwrap();
    assert_eq!(value.len(), "session=".len() + 96);
    assert_eq!(attributes, "HttpOnly; Secure; SameSite=Lax; Path=/; Max-Age=34560000");
    // Whatever the client brings, it gets another id.
    let again = send(&a, "/begin/ada", &[value]).await.cookie.unwrap();
    assert_ne!(again.split(';').next().unwrap(), value);
    let plain = replica(sessions(&server).await.secure(false).cookie("sid"));
    assert!(
        send(&plain, "/begin/ada", &[])
            .await
            .cookie
            .unwrap()
            .ends_with("; HttpOnly; SameSite=Lax; Path=/; Max-Age=34560000")
    );
}

#[tokio::test]
async fn what_was_not_signed_here_never_reaches_redis() {
    let mut server = Server::start();
    let a = replica(sessions(&server).await);
    let cookie = begin(&a, "ada").await;
    let value = cookie.strip_prefix("session=").unwrap();
    let swapped: String = value.chars().map(|digit| if digit == '0' { '1' } else { '0' }).collect();
    let forged = [
        String::new(),
        "session".into(),
        "session=".into(),
        format!("session={}", &value[..32]),
        format!("session={}", &value[..95]),
        format!("session={value}0"),
        format!("session={}", value.to_uppercase() + "A"),
        format!("session={swapped}"),
        format!("session=g{}", &value[1..]),
        format!("session=\"{value}\""),
        format!("Session={value}"),
        format!("xsession={value}"),
        format!("session ={value}"),
        format!("session={}{}", &swapped[..32], &value[32..]),
        format!("session={}", "0".repeat(100_000)),
        vec![format!("session={swapped}"); 1000].join("; "),
    ];
    // With nobody there to ask, only those that are not asked for are answered with 401.
    server.stop();
    for cookie in &forged {
        let answer = send(&a, "/who", &[cookie]).await;
        assert_eq!(answer.status, 401, "{}", &cookie[..cookie.len().min(200)]);
    }
    assert_eq!(send(&a, "/who", &[]).await.status, 401);
    assert_eq!(send(&a, "/who", &[&cookie]).await.status, 503);
}

#[tokio::test]
async fn of_many_cookies_the_one_that_was_signed_counts() {
    let server = Server::start();
    let a = replica(sessions(&server).await);
    let cookie = begin(&a, "ada").await;
    let zeros = format!("session={}", "0".repeat(96));
    for cookies in [
        &[&format!("a=b; {cookie}")[..]] as &[&str],
        &[&format!("a=b;{cookie};session=")],
        &["a=b", &cookie],
        &[&zeros, &cookie],
        &[&format!("session; =; session=x; {zeros};  {cookie} ; {zeros}")],
    ] {
        assert_eq!(send(&a, "/who", cookies).await.text, "ada", "{cookies:?}");
    }
}

#[tokio::test]
async fn each_use_begins_the_lifetime_anew_and_without_any_it_ends() {
    let server = Server::start();
    let redis = connect(&server).await;
    let a = replica(sessions(&server).await.lifetime(Duration::from_secs(60)).prefix("shop"));
    let cookie = begin(&a, "ada").await;
    let key = format!("shop:session:{}", &cookie["session=".len()..][..32]);
    for use_it in ["/who", "/maybe", "/save/grace"] {
        assert_eq!(ask::<i64>(&redis, &format!("PEXPIRE {key} 30000")).await, 1);
        assert_eq!(send(&a, use_it, &[&cookie]).await.status, 200);
        let left: i64 = ask(&redis, &format!("PTTL {key}")).await;
        assert!((50_000..=60_000).contains(&left), "{use_it}: {left}");
    }
    assert_eq!(ask::<i64>(&redis, &format!("PEXPIRE {key} 0")).await, 1);
    for use_it in ["/who", "/save/ada", "/end"] {
        assert_eq!(send(&a, use_it, &[&cookie]).await.status, 401);
    }
    assert_eq!(ask::<i64>(&redis, "DBSIZE").await, 0);
}

#[tokio::test]
async fn what_is_saved_late_revives_no_session() {
    let server = Server::start();
    let sessions = sessions(&server).await;
    let a = replica(sessions.clone());
    let cookie = begin(&a, "ada").await;
    let take = || async {
        let request = Request::builder().header(COOKIE, &cookie).body(()).unwrap();
        let (mut parts, ()) = request.into_parts();
        <Session<Customer> as axum::extract::FromRequestParts<_>>::from_request_parts(&mut parts, &sessions).await
    };
    let (first, second) = (take().await.unwrap(), take().await.unwrap());
    assert_eq!(format!("{first:?}"), r#"Session({"name": "ada"})"#);
    _ = first.end().await.unwrap();
    assert!(matches!(second.save(&customer("eve")).await, Err(SessionError::Missing)));
    assert!(matches!(take().await, Err(SessionError::Missing)));
    // To end it again is no mistake.
    _ = second.end().await.unwrap();
}

#[tokio::test]
async fn the_key_rotates_while_sessions_go_on() {
    let server = Server::start();
    let with = async |key, previous: Option<&str>| {
        let sessions = Sessions::new(connect(&server).await, &secret(key)).unwrap();
        replica(sessions.previous_key(previous.map(secret).as_ref()).unwrap())
    };
    let (old, new) = (with(KEY, None).await, with(OTHER_KEY, None).await);
    let prepared = with(KEY, Some(OTHER_KEY)).await;
    let rotated = with(OTHER_KEY, Some(KEY)).await;
    let (before, after) = (begin(&old, "ada").await, begin(&rotated, "grace").await);
    for (replica, knows_before, knows_after) in
        [(&old, 200, 401), (&prepared, 200, 200), (&rotated, 200, 200), (&new, 401, 200)]
    {
        assert_eq!(send(replica, "/who", &[&before]).await.status, knows_before);
        assert_eq!(send(replica, "/who", &[&after]).await.status, knows_after);
    }
}

#[tokio::test]
async fn a_key_that_could_be_guessed_is_refused_and_none_is_shown() {
    let server = Server::start();
    let redis = connect(&server).await;
    let refused = Sessions::new(redis.clone(), &secret("hunter2")).unwrap_err();
    assert_eq!(refused.kind(), crate::error::Kind::Config);
    assert!(refused.to_string().contains("has 7 bytes") && !refused.to_string().contains("hunter2"), "{refused}");
    let sessions = Sessions::new(redis, &secret(KEY)).unwrap();
    assert!(sessions.clone().previous_key(&secret("hunter2")).is_err());
    assert!(!format!("{sessions:?}").contains("0123"), "{sessions:?}");
}

#[tokio::test]
async fn data_of_another_type_is_no_session() {
    let server = Server::start();
    let a = replica(sessions(&server).await);
    let cookie = begin(&a, "ada").await;
    assert_eq!(send(&a, "/number", &[&cookie]).await.status, 401);
    assert_eq!(send(&a, "/who", &[&cookie]).await.text, "ada");
}

#[tokio::test]
async fn while_redis_is_away_nobody_is_logged_out_and_nobody_in() {
    let mut server = Server::start();
    let sessions = sessions(&server).await;
    let a = replica(sessions.clone());
    let cookie = begin(&a, "ada").await;
    server.stop();
    for path in ["/begin/eve", "/who", "/maybe", "/save/eve", "/end", "/own-error"] {
        assert_eq!(send(&a, path, &[&cookie]).await.status, 503, "{path}");
    }
    server.resume();
    back(&sessions.shared.redis).await;
    assert_eq!(send(&a, "/who", &[&cookie]).await.text, "ada");

    // There, and silent.
    server.freeze();
    assert_eq!(send(&a, "/who", &[&cookie]).await.status, 503);
    server.thaw();
    back(&sessions.shared.redis).await;
    assert_eq!(send(&a, "/who", &[&cookie]).await.text, "ada");
}

#[test]
#[should_panic(expected = "`a b` can't be the name of a cookie")]
fn a_cookie_that_can_not_be_called_so_is_a_mistake_at_the_start() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = Server::start();
    _ = runtime.block_on(sessions(&server)).cookie("a b");
}
