//! Redis, between a real server and a real process.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{IpAddr, TcpListener, TcpStream},
    path::PathBuf,
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use seaworthy::{
    prelude::*,
    redis::{self, AsyncCommands},
    testing::{self, Process, ProcessBuilder, Signal, Span},
};
use servers::{Folder, Redis};

use crate::support::{metric, own_address};

const SOON: Duration = Duration::from_secs(15);

/// What none of them may show.
const PASSWORD: &str = "hunter2-in-the-url";

fn cache(url: &str) -> ProcessBuilder {
    Process::builder(env!("CARGO_BIN_EXE_cache")).env("ACCESS_LOG", "off").env("CACHE_REDIS_URL", url)
}

fn with_password(redis: &Redis) -> String {
    format!("redis://:{PASSWORD}@{}/0", redis.address())
}

/// Sends commands as a person would, a line each, and waits for their answers.
fn ask(redis: &Redis, commands: &[&str]) {
    let mut stream = TcpStream::connect(redis.address()).unwrap();
    let mut answers = BufReader::new(stream.try_clone().unwrap()).lines();
    for command in commands {
        stream.write_all(format!("{command}\r\n").as_bytes()).unwrap();
        let answer = answers.next().unwrap().unwrap();
        assert!(!answer.starts_with('-'), "{answer}");
    }
}

/// Who is connected, as the server lists them.
fn clients(redis: &Redis) -> String {
    let mut stream = TcpStream::connect(redis.address()).unwrap();
    stream.write_all(b"CLIENT LIST\r\nQUIT\r\n").unwrap();
    std::io::read_to_string(stream).unwrap()
}

/// The files of an authority's certificate, and of a certificate that it signed and its key.
fn certificate_files(folder: &Folder, of: IpAddr) -> [PathBuf; 3] {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new([of.to_string()]).unwrap().signed_by(&key, &issuer).unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(format!("{name}.pem"));
        fs::write(&path, text).unwrap();
        path
    };
    [file("authority", authority.pem()), file("certificate", certificate.pem()), file("key", key.serialize_pem())]
}

/// Asserts that it does not start, with this exit code, and that it says this; gives how long it took.
fn assert_fails(process: &Process, code: i32, expected: &[&str]) -> Duration {
    let exit = process.wait_exit(SOON);
    let said = process.stdout() + &process.stderr();
    assert_eq!(exit.code, Some(code), "{said}");
    assert!(!said.contains(PASSWORD), "{said}");
    for expected in expected {
        assert!(said.contains(expected), "no {expected:?} in {said}");
    }
    exit.elapsed
}

#[test]
fn what_is_kept_is_given_back() {
    let redis = Redis::start();
    let process = cache(&redis.url()).spawn();
    process.wait_ready();
    assert_eq!(process.get("/get/a").text(), "nothing");
    assert_eq!(process.get("/set/a/7").status, 200);
    assert_eq!(process.get("/get/a").text(), "7");
    assert_eq!(process.get("/several").text(), "1 2 (3, 4, 5) 10");
    assert_eq!(process.get("/wait").text(), r#"("queue", "job") 1 true"#);
    assert_eq!(process.get("/wrong").status, 500);
    assert!(clients(&redis).contains(" name=cache "), "{}", clients(&redis));
    process.assert_contract();
}

#[test]
fn a_socket_is_as_good() {
    let folder = Folder::new("socket");
    let socket = folder.path().join("redis.sock");
    let _redis = Redis::start_with(&["--unixsocket", socket.to_str().unwrap()]);
    let process = cache(&format!("redis+unix://{}?db=1", socket.display())).spawn();
    process.wait_ready();
    assert_eq!(process.get("/set/a/7").status, 200);
    assert_eq!(process.get("/get/a").text(), "7");
    process.assert_contract();
}

#[test]
fn its_variables_are_shown() {
    let process = cache("").arg("--help").spawn();
    assert_eq!(process.wait_exit(SOON).code, Some(0));
    let help = process.stdout();
    for variable in ["URL", "CONNECT_TIMEOUT", "TIMEOUT", "CERTIFICATE"] {
        assert!(help.contains(&format!("  CACHE_REDIS_{variable}")), "{help}");
    }
    assert!(help.contains("  redis  Redis answers."), "{help}");
}

/// Looks at things, in Redis.
#[cloud_service(ready(none))]
async fn looker(settings: redis::Settings) -> Result<Service<redis::Redis>> {
    let look = async |State(mut redis): State<redis::Redis>| -> Result<String> {
        let looks: u64 = redis.incr("hunter2", 1).await?;
        redis::pipe().set("hunter2", looks).get("hunter2").exec_async(&mut redis).await?;
        redis::pipe().atomic().get("hunter2").lpop("hunter2", None).ignore_errors().exec_async(&mut redis).await?;
        let nothing: Option<String> = redis.get("hunter3").await?;
        Ok(format!("{nothing:?}"))
    };
    let redis = redis::Redis::connect(settings).await?;
    Ok(Service::new(redis).http(Router::new().route("/", get(look))))
}

#[test]
fn commands_are_spans_of_the_request_they_are_sent_in() {
    let redis = Redis::start();
    let url: Url = format!("redis://{}/3", redis.address()).parse().unwrap();
    let service = testing::start::<looker>(redis::Settings::new(url));
    assert_eq!(service.get("/").text(), "None");
    let deadline = Instant::now() + SOON;
    let spans = loop {
        let spans = service.spans();
        if spans.iter().any(|span| span.name == "GET /") {
            break spans;
        }
        assert!(Instant::now() < deadline, "{spans:?}");
        std::thread::yield_now();
    };
    let find = |name: &str| -> &Span { spans.iter().find(|span| span.name == name).unwrap() };
    let get = |span: &Span, key: &str| span.attributes.get(key).cloned().unwrap_or_default();
    let request = find("GET /");
    for (name, size, error) in
        [("INCRBY 3", "", ""), ("PIPELINE 3", "2", ""), ("MULTI 3", "2", "WRONGTYPE"), ("GET 3", "", "")]
    {
        let span = find(name);
        assert_eq!(span.parent_span_id, request.span_id);
        assert_eq!(get(span, "db.system.name"), "redis");
        assert_eq!(get(span, "db.namespace"), "3");
        assert_eq!(get(span, "server.address"), redis.address().ip().to_string());
        assert_eq!(get(span, "db.operation.batch.size"), size, "{name}");
        assert_eq!((get(span, "error.type"), get(span, "db.response.status_code")), (error.into(), error.into()));
    }
    // The request and these: a PING to be ready would be of no trace.
    assert_eq!(spans.len(), 5, "{spans:?}");
    assert!(!format!("{spans:?}").contains("hunter"), "{spans:?}");
    drop(service);
}

#[test]
fn commands_are_counted_by_their_names_and_nothing_else_is_told_of_them() {
    let redis = Redis::start_with(&["--requirepass", PASSWORD]);
    let process = cache(&with_password(&redis)).env("RUST_LOG", "trace").spawn();
    process.wait_ready();
    for path in ["/set/hunter2/hunter2", "/get/hunter2", "/get/hunter2", "/wrong", "/several", "/wait"] {
        _ = process.get(path);
    }
    let metrics = process.admin("/metrics");
    let count = |operation: &str, error_type: &str| {
        let labels = [("db_system_name", "redis"), ("db_operation_name", operation), ("error_type", error_type)];
        metric(&metrics, "db_client_operation_duration_seconds_count", &labels)
    };
    let counted = [
        ("SET", "", 2.0),
        ("GET", "", 2.0),
        ("LPOP", "WRONGTYPE", 1.0),
        ("PIPELINE", "", 1.0),
        ("MULTI", "", 1.0),
        ("EVALSHA", "NOSCRIPT", 1.0),
        ("EVALSHA", "", 1.0),
        ("BLPOP", "", 1.0),
        ("PING", "", 0.0),
    ];
    for (operation, error_type, expected) in counted {
        assert_eq!(count(operation, error_type), expected, "{operation} {error_type}: {}", metrics.text());
    }
    process.assert_contract();
    let said = metrics.text() + &process.stdout() + &process.stderr();
    assert!(!said.contains("hunter2"), "{said}");
}

#[test]
fn the_start_waits_for_redis() {
    let mut redis = Redis::start();
    redis.stop();
    let process = cache(&redis.url()).env("CACHE_REDIS_CONNECT_TIMEOUT", "30s").spawn();
    let waiting = process.wait_for_log(|line| line["message"].to_string().contains("waiting for Redis"));
    assert!(waiting["message"].to_string().contains("Connection refused"), "{waiting}");
    redis.resume();
    process.wait_ready();
    let told = process.logs().iter().filter(|line| line["message"].to_string().contains("waiting for Redis")).count();
    assert_eq!(told, 1);
    process.assert_contract();
}

#[test]
fn a_redis_that_never_comes_ends_the_start() {
    let address = own_address();
    let process = cache(&format!("redis://:{PASSWORD}@{address}")).env("CACHE_REDIS_CONNECT_TIMEOUT", "300ms").spawn();
    let expected = format!("Redis at {address} (`CACHE_REDIS_URL`) is not available: Connection refused");
    assert_fails(&process, 69, &[&expected]);
}

#[test]
fn a_listener_that_never_answers_ends_the_start() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let process = cache(&format!("redis://:{PASSWORD}@{address}")).env("CACHE_REDIS_CONNECT_TIMEOUT", "300ms").spawn();
    let expected = format!("Redis at {address} (`CACHE_REDIS_URL`) is not available: it accepted the connection, and");
    assert!(assert_fails(&process, 69, &[&expected]) < Duration::from_secs(5));
}

#[test]
fn what_only_a_person_can_mend_ends_the_start_at_once() {
    let redis = Redis::start_with(&["--requirepass", "another"]);
    let open = Redis::start();
    let cases = [
        (with_password(&redis), "it refuses the user or the password"),
        (format!("redis://somebody:{PASSWORD}@{}", redis.address()), "it refuses the user or the password"),
        (redis.url(), "it wants a password, and its URL has none"),
        (with_password(&open), "it refuses the password of its URL"),
        (format!("redis://{}/77", open.address()), "it has no database 77: DB index is out of range"),
    ];
    for (url, expected) in cases {
        let process = cache(&url).spawn();
        let took = assert_fails(&process, 78, &["(`CACHE_REDIS_URL`) can't be used", expected]);
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
    let urls = [
        (format!("http://:{PASSWORD}@cache"), "it has to begin with redis://, rediss:// or redis+unix://"),
        (format!("redis://:{PASSWORD}@cache/zero"), "its database is not a number"),
        (format!("redis://:{PASSWORD}#1@cache"), "`CACHE_REDIS_URL` is not valid"),
        (format!("redis://:{PASSWORD}@cache#1"), "what follows the `#` means nothing"),
        (format!("redis://:{PASSWORD}@"), "`CACHE_REDIS_URL` is not valid"),
    ];
    for (url, expected) in urls {
        assert_fails(&cache(&url).spawn(), 78, &["`CACHE_REDIS_URL`", expected]);
    }
    let process = cache(&open.url()).env("CACHE_REDIS_TIMEOUT", "0s").spawn();
    assert_fails(&process, 78, &["`CACHE_REDIS_TIMEOUT` is zero"]);
}

#[test]
fn a_redis_that_goes_away_is_waited_for() {
    let mut redis = Redis::start();
    let process = cache(&redis.url()).spawn();
    process.wait_ready();
    assert_eq!(process.get("/set/a/7").status, 200);
    redis.stop();
    // At once, and not when a check or a time-out says so.
    process.wait_for_log(|line| line["message"].to_string().contains("is not available"));
    let began = Instant::now();
    let statuses: Vec<u16> = (0..50).map(|_| process.get("/get/a").status).collect();
    assert!(statuses.iter().all(|status| *status == 503), "{statuses:?}");
    // One that waits for a connection does so for 1 s.
    assert!(began.elapsed() < SOON, "50 requests took {:?}", began.elapsed());
    process.wait_until("/ready is 503", || process.admin("/ready").status == 503);
    assert_eq!(process.admin("/health").status, 200);
    let labels = [("db_operation_name", "GET"), ("error_type", "disconnected")];
    assert_eq!(metric(&process.admin("/metrics"), "db_client_operation_duration_seconds_count", &labels), 50.0);

    redis.resume();
    process.wait_until("it is served again", || process.get("/get/a").status == 200);
    assert_eq!(process.get("/get/a").text(), "7");
    process.wait_ready();
    process.assert_contract();
}

#[test]
fn a_short_restart_is_noticed_by_nobody_who_comes_after_it() {
    let redis = Redis::start();
    let process = cache(&redis.url()).spawn();
    process.wait_ready();
    ask(&redis, &["CLIENT KILL TYPE normal"]);
    process.wait_for_log(|line| line["message"].to_string().contains("was lost"));
    let statuses: Vec<u16> = (0..20).map(|_| process.get("/set/a/7").status).collect();
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    process.assert_contract();
}

#[test]
fn a_redis_that_hangs_is_left() {
    let redis = Redis::start();
    let process = cache(&redis.url()).env("CACHE_REDIS_TIMEOUT", "200ms").spawn();
    process.wait_ready();
    redis.freeze();
    let began = Instant::now();
    assert_eq!(process.get("/get/a").status, 503);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    process.wait_for_log(|line| line["message"].to_string().contains("it doesn't answer"));
    process.wait_for_log(|line| line["message"].to_string().contains("it accepted the connection, and doesn't answer"));
    let began = Instant::now();
    assert_eq!(process.get("/get/a").status, 503);
    assert!(began.elapsed() < Duration::from_millis(200), "{:?}", began.elapsed());
    redis.thaw();
    process.wait_until("it is served again", || process.get("/get/a").status == 200);
    let labels = [("db_operation_name", "GET"), ("error_type", "timeout")];
    assert_eq!(metric(&process.admin("/metrics"), "db_client_operation_duration_seconds_count", &labels), 1.0);
    process.assert_contract();
}

#[test]
fn a_password_can_be_rotated() {
    let redis = Redis::start_with(&["--requirepass", "the-first"]);
    let folder = Folder::new("url");
    let file = folder.path().join("url");
    let url = |password: &str| format!("redis://:{password}@{}\n", redis.address());
    fs::write(&file, url("the-first")).unwrap();
    let process = Process::builder(env!("CARGO_BIN_EXE_cache")).env("CACHE_REDIS_URL_FILE", &file).spawn();
    process.wait_ready();
    ask(&redis, &["AUTH the-first", "CONFIG SET requirepass the-second", "CLIENT KILL TYPE normal"]);
    process.wait_for_log(|line| line["message"].to_string().contains("it refuses the user or the password"));
    assert_eq!(process.get("/get/a").status, 503);
    fs::write(&file, url("the-second")).unwrap();
    process.wait_until("it is served again", || process.get("/get/a").status == 200);
    process.assert_contract();
    let said = process.stdout() + &process.stderr();
    assert!(!said.contains("the-first") && !said.contains("the-second"), "{said}");
}

#[test]
fn what_is_opened_after_it_is_closed_before_it() {
    let redis = Redis::start();
    let process = cache(&redis.url()).spawn();
    process.wait_ready();
    process.signal(Signal::Term);
    assert_eq!(process.wait_exit(SOON).code, Some(0));
    let closing: Vec<_> = process.logs().into_iter().filter(|line| line["message"] == "closing").collect();
    let [first, last] = &closing[..] else { panic!("{closing:?}") };
    assert_eq!((&first["resource"], &first["answer"]), (&"first".into(), &"PONG".into()));
    assert_eq!(last["resource"], "last");
    assert!(last["error"].to_string().contains("the connection was closed"), "{last}");
}

#[test]
fn tls_is_spoken_with_whom_is_trusted() {
    let tls = own_address();
    let folder = Folder::new("certificates");
    let files = certificate_files(&folder, tls.ip());
    let [authority, certificate, key] = files.each_ref().map(|path| path.to_str().unwrap());
    let port = tls.port().to_string();
    let _redis = Redis::start_with(
        &[
            ["--tls-port", &port, "--bind", &tls.ip().to_string()].as_slice(),
            &["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-ca-cert-file", authority],
            &["--tls-auth-clients", "no"],
        ]
        .concat(),
    );
    let url = format!("rediss://:{PASSWORD}@{tls}");
    let open = format!("rediss://{tls}");
    let process = cache(&open).env("CACHE_REDIS_CERTIFICATE", authority).spawn();
    process.wait_ready();
    assert_eq!(process.get("/get/a").text(), "nothing");
    process.assert_contract();

    let process = cache(&url).spawn();
    assert_fails(&process, 78, &["no TLS with it: invalid peer certificate: UnknownIssuer"]);
    let process = cache(&url).env("CACHE_REDIS_CERTIFICATE", "/nowhere/roots.pem").spawn();
    assert_fails(&process, 78, &["`CACHE_REDIS_CERTIFICATE` can't be used: /nowhere/roots.pem can't be read"]);
    // Without TLS where it is spoken, and with it where it is not.
    let process = cache(&format!("redis://:{PASSWORD}@{tls}")).env("CACHE_REDIS_CONNECT_TIMEOUT", "300ms").spawn();
    let code = process.wait_exit(SOON).code;
    let said = process.stdout() + &process.stderr();
    assert!(code.is_some_and(|code| code == 69 || code == 78), "{said}");
    assert!(said.contains("wants TLS (rediss://)") && !said.contains(PASSWORD), "{said}");
    let plain = Redis::start();
    let process = cache(&format!("rediss://:{PASSWORD}@{}", plain.address()))
        .env("CACHE_REDIS_CERTIFICATE", authority)
        .env("CACHE_REDIS_CONNECT_TIMEOUT", "300ms")
        .spawn();
    let code = process.wait_exit(SOON).code;
    let said = process.stdout() + &process.stderr();
    assert!(code.is_some_and(|code| code == 69 || code == 78), "{said}");
    assert!(said.contains("TLS") && !said.contains(PASSWORD), "{said}");
}
