//! What rules of handlers find, and the nearest that they don't.

use super::reported;

/// How often the rule speaks of a function with this body, below `#[handler]` or another attribute.
pub(super) fn count(code: &str, head: &str, body: &str) -> usize {
    let (uses, head) = head.rsplit_once(';').map_or(("", head), |(uses, head)| (uses, head));
    let separator = if uses.is_empty() { "" } else { ";" };
    let source = format!("{uses}{separator}\n#[{}]\nasync fn f{} {{ {body} }}", head_of(head).0, head_of(head).1);
    reported(&source).iter().filter(|text| text.ends_with(code)).count()
}

/// `handler(a: A)` is an attribute and parameters.
fn head_of(head: &str) -> (&str, &str) {
    let head = head.trim();
    head.split_at(head.find('(').unwrap())
}

pub(super) fn finds(code: &str, head: &str, bodies: &[&str]) {
    for body in bodies {
        assert_eq!(count(code, head, body), 1, "{code} in {head} {{ {body} }}");
    }
}

pub(super) fn is_silent(code: &str, head: &str, bodies: &[&str]) {
    for body in bodies {
        assert_eq!(count(code, head, body), 0, "{code} in {head} {{ {body} }}");
    }
}

#[test]
fn guard_across_await() {
    let head = "use tokio::sync::Mutex as Gate; handler(State(m): State<M>)";
    finds(
        "SW017",
        head,
        &[
            "let guard = m.lock().await; work().await;",
            "let mut guard = m.lock().unwrap(); work().await;",
            "let guard = m.lock().expect(\"x\"); work().await;",
            "let guard: G<'_, T> = m.inner.write().await; if a { work().await; }",
            "let guard = m.lock().unwrap_or_else(|e| e.into_inner()); work().await;",
            "let guard = m.lock().map_err(|_| E)?; work().await;",
            "let Ok(guard) = m.lock() else { return }; work().await;",
            "let guard = m.lock(); guard.push(1); work().await;",
            "let guard = Gate::lock(&m).await; work().await;",
            "let guard = &mut m.lock().await; work().await;",
            "let inner = &mut *m.lock().await; work(inner).await;",
            "let guard = m.lock().await; work().await; drop(guard);",
            "let guard = m.lock().await; tokio::select! { _ = work() => {} }",
            "tokio::select! { _ = a => { let guard = m.lock().await; work().await; } }",
            "let f = async move { let guard = m.lock().await; work().await; };",
            "m.lock().await.query(1).await;",
            "let rows = m.lock().await.query(1)?.rows().await?;",
            "query(1).execute(&mut *m.lock().await).await;",
            "if let Some(x) = m.lock().await.get(1) { work(x).await; }",
            "while let Some(x) = m.lock().unwrap().pop() { work(x).await; }",
            "match m.lock().await.kind() { A => work().await, B => {} }",
            "for x in m.lock().await.iter() { work(x).await; }",
            "let guard = m.lock().await; let other = n.lock().await; drop(other); work().await;",
            "let mut guard = m.lock().await; guard = work().await;",
            "let mut guard = m.lock().await; if guard.old == work().await { guard.old = 1; }",
            "let mut guard = m.lock().await; *guard = fetch().await?; work().await;",
            "let mut guard = m.lock().unwrap(); *guard = fetch().await?;",
            "let mut locks = m.lock().await; locks.entry(1).or_insert(work().await);",
        ],
    );
    is_silent(
        "SW017",
        head,
        &[
            "let guard = m.lock().await; guard.push(1);",
            "{ let guard = m.lock().await; guard.push(1); } work().await;",
            "let n = { let guard = m.lock().await; guard.len() }; work(n).await;",
            "let guard = m.lock().await; drop(guard); work().await;",
            "let guard = m.lock().await; std::mem::drop(guard); work().await;",
            "let guard = m.lock().await; release(guard); work().await;",
            "let n = *m.lock().unwrap(); work(n).await;",
            "let v = m.lock().unwrap().clone(); work(v).await;",
            "let v = m.lock().await.get(1).cloned(); work(v).await;",
            "m.lock().await.push(1); work().await;",
            "_ = m.lock().await; work().await;",
            "let _ = m.lock().await; work().await;",
            "let guard = m.lock().await; let later = async move { work().await };",
            "let guard = m.lock().await; tokio::spawn(async { work().await });",
            "let guard = m.lock().await; let f = |x| { async move { x.await } };",
            "let a = m.lock().await; let b = n.write().await; a.swap(b);",
            "let guard = timeout(SECOND, m.lock()).await;",
            "let next = timeout(SECOND, m.lock()).await.is_ok();",
            "let lock = m.lock(); let guard = lock.await; guard.push(1);",
            "if m.lock().unwrap().is_empty() { work().await; }",
            "match m.lock().await.kind() { A => 1, B => 2 };",
            "match m.lock().await { guard => { drop(guard); work().await } }",
            "let tx = Arc::new(Mutex::new(tx)); let mine = tx.clone(); mine.lock().await.send(1).await;",
            "let tx = Gate::new(tx); let tx = Gate::lock(&tx).await; tx.send(1).await;",
            "let guard = redlock.lock(\"key\").await?; work().await;",
            "let guard = redlock.lock().await?; work().await;",
            "file.write(&bytes).await; file.flush().await;",
            "let state = m.read().await; work(&state).await;",
            "let v: Vec<_> = xs.iter().map(|x| x.lock().unwrap().len()).collect(); work(v).await;",
            "join(xs.iter().map(|x| x.lock().unwrap().go())).await;",
            "async fn inner() { work().await } let guard = m.lock().await; guard.push(1);",
            "let mut token = m.token.lock().await; if token.expired() { *token = fetch(&m).await?; }",
            "let mut token = m.token.lock().await; if let None = *token { token.value = Some(fetch().await?); }",
            "let mut guard = m.lock().await; *guard = match guard.kind() { A => fetch().await, B => 1 };",
            "let gate = m.gates.entry(id).or_default().clone(); let _guard = gate.lock().await; work().await;",
            "let gate = { let mut gates = m.lock().unwrap(); gates.entry(id).or_default().clone() }; \
             let _guard = gate.lock().await; work().await;",
            "let _guard = m.gates.entry(id).or_default().clone().lock_owned().await; work().await;",
            "let guard = m.gates.entry(id).or_default().value().lock().await; work().await;",
            "let gate = Gate::default(); let guard = gate.lock().await; work().await;",
            "let gate = Gate::const_new(1); let guard = gate.lock().await; work().await;",
            "let gate: Arc<Mutex<u8>> = Arc::default(); let guard = gate.lock().await; work().await;",
        ],
    );
}

#[test]
fn blocking_call() {
    let head = "use std::fs::{self, read as load}; handler(Path(name): Path<String>)";
    finds(
        "SW005",
        head,
        &[
            "std::thread::sleep(SECOND);",
            "fs::read_to_string(name)?;",
            "load(format!(\"data/{name}\"))?;",
            "let text = load(\"/process\")?;",
            "fs::File::open(name)?.read_to_string(&mut text)?;",
            "fs::OpenOptions::new().read(true).open(name)?;",
            "fs::OpenOptions::new().append(true).create(true).open(name)?;",
            "fs::DirBuilder::new().recursive(true).create(name)?;",
            "std::net::TcpStream::connect_timeout(&address, SECOND)?;",
            "let page = ureq::get(URL).call()?;",
            "reqwest::blocking::get(URL)?;",
            "tasks.spawn(send(fs::read(name)?));",
            "tasks.spawn(async move { fs::read(name) });",
            "let read = async move || fs::read(name); read().await?;",
            "let read = |name| async move { fs::read(name) }; read(name).await?;",
            "async fn inner(name: String) { fs::read(name); } inner(name).await;",
            "let rows: Vec<_> = names.iter().map(|name| fs::read(name)).collect();",
        ],
    );
    is_silent(
        "SW005",
        head,
        &[
            "tokio::task::spawn_blocking(move || fs::read(name)).await?;",
            "tasks.spawn_blocking(move || fs::read(name)); tasks.spawn_blocking_on(|| fs::read(NAME), &handle);",
            "std::thread::Builder::new().name(name).spawn(move || std::thread::sleep(SECOND))?;",
            "std::thread::scope(|scope| { scope.spawn(|| fs::read(name)); });",
            "conn.interact(|conn| { std::thread::sleep(SECOND); conn.rows() }).await?;",
            "pool.install(|| fs::read(name)); rayon::join(|| fs::read(\"a\"), || fs::read(\"b\"));",
            "let read = move || fs::read(name); tokio::task::spawn_blocking(read).await?;",
            "let read = |name: &str| { fs::read(name) }; tokio::task::spawn_blocking(move || read(&name)).await?;",
            "fn inner(name: String) -> Vec<u8> { fs::read(name) } tokio::task::spawn_blocking(|| inner(name)).await?;",
            "let options = fs::OpenOptions::new(); let mode = fs::Permissions::from_mode(0o600);",
            "let times = fs::FileTimes::new(); let maker = fs::DirBuilder::new(); fs::OpenOptions::new().create(true);",
            "match error { ureq::Error::Status(404, _) => 1, _ => 2 };",
            "std::net::UdpSocket::bind(\"0.0.0.0:0\")?;",
            "fs::read_to_string(\"/proc/self/status\")?; load(format!(\"/proc/{name}/stat\"))?; fs::read_dir(\"/proc\")?;",
            "fs::File::open(\"/sys/fs/cgroup/memory.max\")?; fs::OpenOptions::new().read(true).open(\"/proc/stat\")?;",
        ],
    );
    assert_eq!(count("SW005", "health()", "std::fs::read(NAME).is_ok()"), 1);
    assert_eq!(reported("#[health] fn f() -> bool { std::fs::read(NAME).is_ok() }").len(), 1);
    let help = |head: &str, body: &str| {
        let (attribute, parameters) = head_of(head);
        let all = reported(&format!("#[{attribute}] async fn f{parameters} {{ {body} }}"));
        all.join("").lines().find_map(|line| line.strip_prefix("help: ").map(str::to_owned)).unwrap_or_default()
    };
    for (head, body, says) in [
        ("handler()", "std::fs::read(NAME);", "write `tokio::fs`"),
        ("handler()", "std::fs::OpenOptions::new().read(true).open(NAME);", "write `tokio::fs`"),
        ("worker()", "std::fs::OpenOptions::new().append(true).open(NAME);", "keep it in a store"),
        ("handler()", "std::fs::write(NAME, body);", "keep it in a store"),
        ("ready()", "std::fs::write(NAME, body);", "remove it"),
        ("handler()", "reqwest::blocking::get(URL);", "write `seaworthy::http_client::HttpClient`"),
        ("health()", "reqwest::blocking::get(URL);", "make it an async readiness check"),
        ("health()", "std::net::TcpStream::connect(ADDRESS);", "make it an async readiness check"),
    ] {
        assert!(help(head, body).starts_with(says), "{head} {{ {body} }}: {}", help(head, body));
    }
}

#[test]
fn local_file() {
    let head = "use tokio::fs as disk; handler(State(dir): State<Dir>, Path(name): Path<String>, body: Bytes)";
    finds(
        "SW018",
        head,
        &[
            "tokio::fs::write(\"a\", body).await?;",
            "disk::write(name, body).await?;",
            "use tokio::fs::File; File::create(format!(\"uploads/{name}\")).await?;",
            "tokio::join!(tokio::fs::remove_file(name));",
            "tokio::fs::rename(\"a\", \"b\").await?;",
            "tokio::fs::create_dir_all(\"uploads\").await?;",
            "tokio::fs::OpenOptions::new().append(true).create(true).open(\"log\").await?;",
            "tokio::task::spawn_blocking(|| std::fs::write(\"a\", body)).await?;",
            "tokio::fs::write(\"a\", dir.encode()).await?;",
            "tokio::fs::rename(dir.join(name), format!(\"uploads/{name}\")).await?;",
            "tokio::fs::copy(dir.join(name), name).await?;",
            "for name in names { tokio::fs::remove_file(name).await?; }",
            "match body.kind() { Some(path) if dir.has(path) => tokio::fs::remove_file(path).await?, None => () }",
            "tokio::fs::write(\"running\", body).await?;",
        ],
    );
    is_silent(
        "SW018",
        head,
        &[
            "tokio::fs::read(name).await?;",
            "tokio::fs::read_to_string(name).await?;",
            "tokio::fs::File::open(name).await?;",
            "tokio::fs::OpenOptions::new().read(true).open(name).await?;",
            "tokio::fs::OpenOptions::new().read(true).write(false).open(name).await?;",
            "tokio::fs::metadata(name).await?;",
            "let file = tempfile::NamedTempFile::new()?; tokio::fs::write(file.path(), body).await?;",
            "let path = std::env::temp_dir().join(name); tokio::fs::write(path, body).await?;",
            "tokio::fs::write(\"/tmp/a\", body).await?;",
            "tokio::fs::write(dir.join(name), body).await?;",
            "tokio::fs::write(format!(\"{dir}/{name}\"), body).await?;",
            "tokio::fs::OpenOptions::new().create(true).append(true).open(&dir.log).await?;",
            "let path = dir.join(name); let path = path.with_extension(\"x\"); tokio::fs::write(&path, body).await?;",
            "tokio::fs::OpenOptions::new().append(true).open(&dir.log).await?;",
            "self.journal.write(1); tokio::fs::remove_file(&self.path).await?;",
            "store.write(\"a\", body).await?; fs::write(name, body);",
            "tokio::fs::rename(\"upload\", dir.join(name)).await?;",
            "tokio::fs::hard_link(name, &dir.log).await?;",
            "for entry in dir.entries()? { tokio::fs::remove_file(entry.path()).await?; }",
            "for (_, old) in dir.entries()? { for file in old { disk::remove_file(file).await?; } }",
            "match dir.newest() { Some(path) if path.is_old() => { disk::remove_file(path).await?; } None => {} }",
            "let path = match dir.kind() { A(path) => path.clone(), B { path, .. } => path }; disk::remove_file(path).await?;",
            "tokio::fs::write(\"/dev/stdout\", body).await?; tokio::fs::write(\"/proc/self/oom_score_adj\", body).await?;",
            "let socket = \"/run/app.sock\"; tokio::fs::remove_file(socket).await?;",
        ],
    );
    // A function that blocks is reported once.
    let blocking = "#[handler] async fn f() { std::fs::write(\"a\", \"b\")?; }";
    assert_eq!(reported(blocking).len(), 1);
    assert_eq!(count("SW018", "worker()", "tokio::fs::write(\"state.json\", b\"1\").await?;"), 1);
    assert_eq!(count("SW018", "cloud_service()", "tokio::fs::write(\"state.json\", b\"1\").await?;"), 0);
}

#[test]
fn client_per_request() {
    let head = "use reqwest::Client as Http; use redis as store; handler(State(app): State<App>)";
    finds(
        "SW019",
        head,
        &[
            "let client = reqwest::Client::new();",
            "let client = Http::builder().build()?;",
            "tokio::join!(async { use seaworthy::reqwest; reqwest::get(URL).await });",
            "use seaworthy::http_client::HttpClient; let http = HttpClient::new()?;",
            "let http = seaworthy::http_client::HttpClient::with(|it| it)?;",
            "let client = store::Client::open(app.url)?;",
            "let pool = sqlx::PgPool::connect(URL).await?;",
            "let pool = sqlx::Pool::<sqlx::Postgres>::connect(URL).await?;",
            "let pool = sqlx::postgres::PgPoolOptions::new().max_connections(5).connect(URL).await?;",
            "let pool = sqlx::PgConnection::connect(URL).await?;",
            "let (client, connection) = tokio_postgres::connect(URL, NoTls).await?;",
            "let client = kube::Client::try_default().await?;",
            "let client = mongodb::Client::with_uri_str(URL).await?;",
            "let docker = bollard::Docker::connect_with_local_defaults()?;",
            "let channel = tonic::transport::Channel::from_static(URL).connect().await?;",
            "use pb::greeter_client::GreeterClient; let mut client = GreeterClient::connect(URL).await?;",
        ],
    );
    is_silent(
        "SW019",
        head,
        &[
            "let client = app.http.clone(); client.get(URL).send().await?;",
            "static CLIENT: LazyLock<Http> = LazyLock::new(|| Http::new());",
            "static CLIENT: OnceLock<Http> = OnceLock::new(); let client = CLIENT.get_or_init(Http::new);",
            "let client = CLIENT.get_or_init(|| reqwest::Client::new());",
            "let client = CLIENT.get_or_try_init(|| async { kube::Client::try_default().await }).await?;",
            "let client = Client::new();",
            "let client = my::Client::new();",
            "let client = HttpClient::new(app.reqwest.clone());",
            "let client = http_client::HttpClient::new(app.reqwest.clone());",
            "let client = app.clients.get_with(name, async { reqwest::Client::new() }).await;",
            "let pool = app.pools.try_get_with(name, sqlx::PgPool::connect(URL)).await?;",
            "let pool = app.pools.entry(name).or_try_insert_with(|| reqwest::Client::builder().build())?;",
            "let client = GreeterClient::new(app.channel.clone());",
            "let options = sqlx::postgres::PgConnectOptions::new();",
            "sqlx::query(\"SELECT 1\").execute(&app.pool).await?;",
            "let headers = reqwest::header::HeaderMap::new();",
        ],
    );
    assert_eq!(count("SW019", "ready()", "reqwest::get(URL).await?;"), 1);
    assert_eq!(count("SW019", "cloud_service()", "let client = reqwest::Client::new();"), 0);
    assert_eq!(count("SW019", "worker()", "let client = reqwest::Client::new();"), 0);
}

#[test]
fn request_unwrap() {
    let head = "use axum::extract::Query as Params; handler(State(db): State<Db>, Path(id): Path<String>, \
                Params(query): Params<HashMap<String, String>>, headers: HeaderMap, Json(value): Json<Value>, \
                body: Bytes, \
                mut form: Multipart, session: Session)";
    finds(
        "SW020",
        head,
        &[
            "let n: u32 = id.parse().unwrap();",
            "let id = id.parse::<u32>().expect(\"a number\"); id.checked_add(1).unwrap();",
            "let page = query.get(\"page\").unwrap();",
            "tokio::join!(async { headers.get(\"x\").unwrap().clone() });",
            "let auth = headers[\"authorization\"].clone();",
            "let page = &query[\"page\"];",
            "let field = form.next_field().await.unwrap();",
            "let name = value[\"name\"].as_str().unwrap();",
            "let text = std::str::from_utf8(&body).unwrap();",
            "let order: Order = serde_json::from_slice(&body).unwrap();",
            "let id = Uuid::parse_str(&id).unwrap();",
            "format!(\"{}\", id.parse::<u32>().unwrap());",
            "if a { db.find(id.parse().unwrap()).await; }",
            "let x = query.get(\"a\").unwrap().split(',').next().unwrap();",
            "let text = body.collect().await.unwrap();",
            "let x = db.find(query.get(\"a\").unwrap()).await.unwrap();",
        ],
    );
    is_silent(
        "SW020",
        head,
        &[
            "let n: u32 = id.parse().unwrap_or(1);",
            "let n: u32 = id.parse().unwrap_or_default();",
            "let n: u32 = id.parse().map_err(|_| StatusCode::BAD_REQUEST)?;",
            "let row = db.fetch().await.unwrap();",
            "let row = db.fetch(&id).await.unwrap();",
            "let json = serde_json::to_string(&value).unwrap();",
            "let id = \"7\"; id.parse::<u32>().unwrap();",
            "let id = db.id(&id); id.check().unwrap();",
            "xs.iter().map(|id| id.parse::<u32>().unwrap());",
            "for id in xs { id.parse::<u32>().unwrap(); }",
            "match db.find() { Some(id) => id.parse().unwrap(), None => 0 };",
            "if query.contains_key(\"a\") { query[\"a\"].len() } else { 0 }",
            "if headers.get(\"x\").is_some() { headers.get(\"x\").unwrap(); }",
            "let name = &value[\"name\"];",
            "let first = id.split('/').next().unwrap();",
            "form.lock().unwrap();",
            "session.get(\"user\").await.unwrap();",
            "headers.extensions().get::<User>().unwrap();",
            "db.id.unwrap(); self::id::get().unwrap(); Some { id: x.unwrap() };",
            "\"a\".parse::<HeaderValue>().unwrap();",
            "value.insert(&db).await.unwrap();",
            "let saved = value.order.save(&db).await.expect(\"saved\");",
        ],
    );
    for ty in ["Path<u64>", "axum::extract::Path<uuid::Uuid>", "Path<(u32, bool)>"] {
        let head = format!("handler(Path(id): {ty})");
        is_silent(
            "SW020",
            &head,
            &[
                "let header: HeaderValue = id.to_string().parse().unwrap();",
                "let header = HeaderValue::from_str(&id.to_string()).unwrap();",
            ],
        );
        assert_eq!(count("SW020", &head, "u8::try_from(id).unwrap(); id.checked_sub(1).unwrap();"), 1);
    }
    finds(
        "SW020",
        "use axum::extract::Path as P; handler(P(id): P<String>)",
        &["let header: HeaderValue = id.to_string().parse().unwrap();"],
    );
    let option = "handler(query: Option<Query<Page>>, result: Result<Json<Order>, JsonRejection>)";
    finds("SW020", option, &["let Query(page) = query.unwrap();", "let Json(order) = result.unwrap();"]);
    assert_eq!(count("SW020", "handler(body: Bytes, names: Query<Vec<String>>)", "let a = names[\"a\"];"), 0);
    assert_eq!(count("SW020", "handler(ValidJson(order): ValidJson<Order>)", "order.email.unwrap();"), 1);
    assert_eq!(count("SW020", "worker(State(id): State<Id>)", "id.parse().unwrap();"), 0);
}
