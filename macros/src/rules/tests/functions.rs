//! What rules of annotated functions find, and the nearest that they don't.

use super::reported;

/// How often the rule speaks of a function with this body, below `#[handler]` or another attribute.
fn count(code: &str, head: &str, body: &str) -> usize {
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

fn finds(code: &str, head: &str, bodies: &[&str]) {
    for body in bodies {
        assert_eq!(count(code, head, body), 1, "{code} in {head} {{ {body} }}");
    }
}

fn is_silent(code: &str, head: &str, bodies: &[&str]) {
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

#[test]
fn worker_ignores_shutdown() {
    let head = "worker(State(db): State<Db>)";
    finds(
        "SW021",
        head,
        &[
            "loop { sleep(SECOND).await; }",
            "while true { sleep(SECOND).await; }",
            "{ let mut ticks = t(); loop { ticks.tick().await; for row in db.rows() { if row.old { break; } } } }",
            "loop { tokio::select! { _ = a => {}, _ = b => {} } }",
            "tokio::join!(async { loop { work().await; } });",
            "loop { sleep(SECOND).await; db.cancel_expired_orders().await; }",
            "loop { sleep(SECOND).await; remove_cancelled(&db).await; }",
            "loop { sleep(SECOND).await; if !db.market.is_closed() { work().await; } }",
        ],
    );
    is_silent(
        "SW021",
        head,
        &[
            "loop { sleep(SECOND).await; if db.done() { break; } }",
            "loop { sleep(SECOND).await; if db.done() { return; } }",
            "loop { db.step().await?; }",
            "'a: loop { loop { sleep(SECOND).await; break 'a; } }",
            "while let Some(x) = db.recv().await { work(x).await; }",
            "while !db.done() { sleep(SECOND).await; }",
            "for row in db.rows().await { work(row).await; }",
            "loop { std::hint::spin_loop(); }",
            "tokio::spawn(async { loop { work().await; } });",
            "timeout(SECOND, async { loop { work().await; } }).await;",
            "tokio::select! { _ = TOKEN.cancelled() => {}, _ = async { work().await } => {} }",
            "TOKEN.run_until_cancelled(async { loop { work().await; } }).await;",
            "run(&db.cancel_token, async { loop { work().await; } }).await;",
            "let end = CancellationToken::new(); loop { work(&end).await; }",
            "loop { tokio::select! { _ = db.shutdown() => {}, _ = work() => {} } }",
            "db.shutdown_began().await; loop { sleep(SECOND).await; }",
        ],
    );
    let head = "worker(mut stop: Shutdown)";
    finds("SW021", head, &["loop { sleep(SECOND).await; }"]);
    finds("SW021", "worker(_: Shutdown)", &["loop { sleep(SECOND).await; }"]);
    is_silent(
        "SW021",
        head,
        &[
            "loop { tokio::select! { () = &mut stop => {} _ = sleep(SECOND) => {} } }",
            "while !stop.has_begun() { sleep(SECOND).await; }",
            "let work = async { loop { sleep(SECOND).await; } }; tokio::select! { () = stop => {}, () = work => {} }",
            "run(stop, || async { loop { sleep(SECOND).await; } }).await;",
        ],
    );
    assert_eq!(count("SW021", "handler()", "loop { sleep(SECOND).await; }"), 0);
    for (signature, help) in [
        ("()", "take `mut shutdown: Shutdown`, and return in a `tokio::select!` with it"),
        ("(mut stop: Shutdown)", "write `() = &mut stop => return` in a `tokio::select!`"),
        ("(stop: Shutdown) -> Result<()>", "write `mut stop`, and select `() = &mut stop => return Ok(())`"),
        ("(_: Shutdown)", "name it `mut shutdown`, and select `() = &mut shutdown => return`"),
        (
            "(_shutdown: Shutdown) -> anyhow::Result<()>",
            "name it `mut shutdown`, and select `() = &mut shutdown => return Ok(())`",
        ),
    ] {
        let said = reported(&format!("#[worker] async fn f{signature} {{ loop {{ sleep(SECOND).await; }} }}")).join("");
        assert!(said.contains(&format!("\nhelp: {help}\n")), "{signature}: {said}");
    }
}

#[test]
fn retry_without_delay() {
    let head = "use reqwest::get as fetch; handler(State(db): State<Db>)";
    finds(
        "SW022",
        head,
        &[
            "loop { match db.call().await { Ok(x) => return x, Err(_) => continue } }",
            "loop { match db.call().await { Ok(x) => break x, Err(error) => { warn!(%error); } } }",
            "loop { match db.call().await { Err(error) => warn!(%error), Ok(x) => break x } }",
            "loop { if let Err(error) = db.call().await { warn!(%error); } else { break; } }",
            "loop { let Ok(x) = db.call().await else { continue }; return x; }",
            "loop { let Ok(x) = fetch(URL).await else { continue; }; return x; }",
            "loop { let res = db.call().await; match res { Ok(x) => break x, Err(e) => { warn!(%e); } } }",
            "while db.call().await.is_err() {}",
            "while db.call().await.is_err() { warn!(\"again\"); }",
            "loop { if db.call().await.is_ok() { break; } }",
            "loop { if let Ok(x) = db.call().await { return x; } }",
            "loop { if let Ok(x) = accounts.thread().await { return x; } }",
            "tokio::join!(async { loop { if let Ok(x) = db.call().await { break; } } });",
        ],
    );
    is_silent(
        "SW022",
        head,
        &[
            "loop { match db.call().await { Ok(x) => return x, Err(_) => sleep(SECOND).await } }",
            "loop { match db.call().await { Ok(x) => return x, Err(_) => { pause.run(); } } }",
            "loop { match db.call().await { Ok(x) => return x, Err(e) => return e } }",
            "loop { match db.call().await { Ok(x) => work(x), Err(_) => break } }",
            "loop { let x = db.call().await?; work(x); }",
            "let policy = x; loop { if db.call(ExponentialBackoff).await.is_ok() { break; } }",
            "loop { match rx.recv().await { Ok(x) => work(x), Err(_) => continue } }",
            "loop { let (s, _) = match listener.accept().await { Ok(x) => x, Err(_) => continue }; }",
            "loop { ticks.tick().await; if let Err(error) = db.call().await { warn!(%error); } }",
            "loop { if let Err(error) = timeout(SECOND, db.call()).await { warn!(%error); } }",
            "while let Some(x) = jobs.get() { if let Err(error) = db.call(x).await { warn!(%error); } }",
            "while let Err(error) = db.call().await { backoff.pause(); }",
            "for x in xs { if let Err(error) = db.call(x).await { warn!(%error); continue; } }",
            "loop { attempts += 1; if attempts > 3 { return; } if let Ok(x) = db.call().await { return x; } }",
            "loop { let x = a.get().await; match db.call(x).await { Ok(x) => break x, Err(_) => continue } }",
            "loop { tokio::select! { x = db.call() => match x { Err(_) => continue, Ok(x) => break } } }",
            "loop { for x in xs { if let Err(e) = db.call(x).await { warn!(%e); } } break; }",
            "loop { if let Some(x) = db.call().await { return x; } }",
            "loop { match db.call().await { Ok(x) => return x, Err(Error::Conflict) => continue } }",
            "loop { match db.call().await { Ok(x) => return x, Err(e) if e.is_conflict() => {} Err(e) => return e } }",
            "loop { match db.call().await { Err(Error::Closed) => return, Err(e) => { warn!(%e); } _ => {} } }",
            "loop { let res = db.call().await; if let Err(e) = res { warn!(%e); } }",
            "loop { let line = db.ask().await; match line.parse() { Ok(x) => break x, Err(_) => continue } }",
            "loop { if db.call().await.is_ok() { done += 1; } }",
            "loop { let code = random(); if db.insert(code).await.is_ok() { break code; } }",
            "loop { match \"a\".parse::<u8>() { Ok(_) => break, Err(_) => break } db.call().await; }",
        ],
    );
}

#[test]
fn hard_coded_address() {
    let head = "handler(State(client): State<Client>, Path(host): Path<String>)";
    finds(
        "SW023",
        head,
        &[
            "let a = \"redis://cache:6379\";",
            "let a = \"postgres://app:secret@db/orders\";",
            "let a = \"mongodb+srv://cluster0.abc.mongodb.net\";",
            "client.get(\"http://10.0.0.7/\").await;",
            "client.get(\"http://prices:8080/price\").await;",
            "client.get(\"http://prices.shop.svc/price\").await;",
            "client.get(\"http://prices.shop.svc.cluster.local/price\").await;",
            "client.get(format!(\"https://api.corp.internal/{host}\")).await;",
            "let a = \"redis://localhost\"; let b = \"https://a.b:80\";",
            "client.get(\"ws://[fd00::7]:80/\").await;",
            "TcpStream::connect(\"10.0.0.7:6379\").await;",
            "client.get(\"http://prices.shop.svc:8080/price\").await;",
            "tokio::select! { _ = TcpStream::connect(\"10.0.0.7:6379\") => {} }",
        ],
    );
    is_silent(
        "SW023",
        head,
        &[
            "let a = \"https://example.com/problems/stock\";",
            "let a = \"https://api.github.com/repos\"; let b = \"https://api.paypal.com:8443/v1\";",
            "client.get(\"http://localhost:15000/ready\").await; client.get(\"ws://[::1]:80/\").await;",
            "TcpStream::connect(\"127.0.0.1:6379\").await; TcpStream::connect(\"localhost:6379\").await;",
            "let a = Url::parse(\"http://localhost\")?; let b = Uri::from_static(\"http://127.0.0.1\");",
            "let a = matches!(url, \"redis://cache:6379\"); let b = matches!(url, \"http://10.0.0.1\" | \"x\");",
            "let a = \"http://www.w3.org/2000/svg\";",
            "let a = \"/orders/7\"; let b = \"application/json\"; let c = \"12:30\"; let d = \"a:b\"; let e = \"::1\";",
            "let a = format!(\"http://{host}:8080/\"); let b = format!(\"redis://{}:{}/\", a, b);",
            "let a = format!(\"postgres://{user}:{password}@{host}/app\");",
            "info!(\"see http://localhost:8080/docs\"); warn!(url = \"http://localhost:8080\");",
            "if url == \"http://localhost:8080\" { 1 } else { 2 }",
            "if url.starts_with(\"redis://cache\") || url.starts_with(\"redis://\") { 1 } else { 2 }",
            "match url { \"http://localhost:8080\" => 1, _ => 2 };",
            "let a = std::env::var(\"REDIS_URL\").unwrap_or_else(|_| \"redis://localhost\".into());",
            "TcpListener::bind(\"127.0.0.1:3000\").await; UdpSocket::bind(\"0.0.0.0:0\").await;",
            "let address: SocketAddr = \"127.0.0.1:3000\".parse()?; TcpListener::bind(address).await;",
            "let a = \"0.0.0.0:80\"; let b = args.next().unwrap_or_else(|| { String::from(\"http://10.0.0.1/\") });",
            "let a = \"http://169.254.169.254/latest/meta-data\"; let b = \"https://kubernetes.default.svc/api\";",
            "let a = Router::new().layer(CorsLayer::new().allow_origin(\"http://localhost:3000\".parse()?));",
            "let a = \"file:///etc/hosts\"; let b = \"urn:uuid:1\"; let c = \"data://x:1\";",
            "let a = \"dns lookup of redis://x failed\";",
        ],
    );
    assert_eq!(count("SW023", "cloud_service()", "let pool = connect(\"redis://cache\").await;"), 1);
    let text = reported("#[worker] async fn f() { connect(\"amqp://app:hunter2@queue:5672/x\").await; }").join("");
    assert!(text.contains("`amqp://queue:5672`") && !text.contains("hunter2"), "{text}");
}

#[test]
fn liveness_calls_out() {
    let head = "use tokio::net::TcpStream as Peer; health()";
    finds(
        "SW024",
        head,
        &[
            "reqwest::get(URL).await.is_ok()",
            "let client = seaworthy::reqwest::Client::new(); client.get(URL).send().await.is_ok()",
            "Peer::connect(ADDRESS).await.is_ok()",
            "tokio::join!(async { tokio::net::lookup_host(NAME).await });",
            "let http = seaworthy::http_client::HttpClient::new()?; true",
            "redis::cmd(\"PING\").query_async(&mut connection()).await",
            "sqlx::query(\"SELECT 1\").execute(&*POOL).await.is_ok()",
            "sqlx::query!(\"SELECT 1\").fetch_one(&*POOL).await.is_ok()",
            "POOL.acquire().await.is_ok()",
            "CLIENT.get(URL).send().await.is_ok()",
            "DB.ping().await.is_ok()",
            "let mut conn = CONN.clone(); conn.ping().await.is_ok()",
            "timeout(SECOND, REDIS.ping()).await.is_ok()",
            "POOL.execute(\"DELETE FROM probes\").await.is_ok()",
            "CLIENT.get_connection().is_ok()",
            "tonic::transport::Channel::from_static(URL).connect().await.is_ok()",
        ],
    );
    is_silent(
        "SW024",
        head,
        &[
            "LAST.load(Ordering::Relaxed) > 0",
            "PERMITS.acquire().await.is_ok()",
            "QUEUE.send(1).await.is_ok()",
            "STATE.lock().await.is_ok()",
            "tokio::time::timeout(SECOND, work()).await.is_ok()",
            "let message = reqwest::StatusCode::OK; true",
            "BEACON.ping(); true",
            "WATCHDOG.ping().await.is_ok()",
            "SCRIPT.execute(\"1 + 1\").await.is_ok()",
            "CONNECTIONS.get_connection(1).is_some()",
            "POOL.ping(); true",
        ],
    );
    assert_eq!(count("SW024", "ready()", "POOL.acquire().await.is_ok()"), 0);
    assert_eq!(reported("#[health] async fn f() -> bool { reqwest::get(URL).await.is_ok() }").len(), 1);
    let writes =
        "#[health] async fn f() -> bool { sqlx::query(\"INSERT INTO a VALUES (1)\").execute(&*POOL).await.is_ok() }";
    assert_eq!(reported(writes).len(), 1);
}

#[test]
fn readiness_writes() {
    let head = "use redis as store; ready(State(pool): State<Pool>)";
    finds(
        "SW025",
        head,
        &[
            "sqlx::query(\"INSERT INTO probes VALUES (1)\").execute(&pool).await",
            "sqlx::query(\"\\n  update probes set at = now()\").execute(&pool).await",
            "sqlx::query!(r#\"  DELETE FROM probes\"#).execute(&pool).await",
            "pool.execute(\"CREATE TABLE IF NOT EXISTS probes (at int)\").await",
            "store::cmd(\"SET\").arg(\"probe\").arg(1).query_async(&mut pool).await",
            "tokio::join!(pool.set_ex(\"probe\", 1, 10).await);",
            "let _: () = pool.set(\"probe\", 1).await?;",
            "let n: u64 = pool.incr(\"probe\", 1).await?;",
            "pool.post(URL).json(&1).send().await",
            "pool.request(Method::POST, URL).json(&1).send().await",
            "pool.request(http::Method::DELETE, URL).send().await",
            "sqlx::query(\"TRUNCATE probes\").execute(&pool).await",
            "sqlx::query(\"INSERT OR REPLACE INTO probes VALUES (1)\").execute(&pool).await",
            "sqlx::query(\"insert ignore into probes VALUES (1)\").execute(&pool).await",
            "tokio::fs::remove_file(\"probe\").await",
            "tokio::fs::write(\"probe\", \"x\").await",
            "pool.insert_one(doc).await",
        ],
    );
    is_silent(
        "SW025",
        head,
        &[
            "sqlx::query(\"SELECT 1\").execute(&pool).await",
            "sqlx::query(\"SELECT 1 FROM updates WHERE deleted\").execute(&pool).await",
            "store::cmd(\"PING\").query_async(&mut pool).await",
            "gauge!(\"probe\").set(1); counter!(\"probes\").increment(1);",
            "let mut seen = HashMap::new(); seen.insert(1, 2);",
            "Err(\"update pending\")",
            "Err(\"create the bucket first, drop the other, delete from the list\")",
            "flag.set(true).await;",
            "pool.get(URL).send().await",
            "pool.post(URL).json(&json!({\"jsonrpc\": \"2.0\"})).send().await",
            "tokio::fs::read(\"probe\").await",
            "pool.request(Method::GET, URL).send().await",
            "pool.request(Method::POST, URL).body(rpc).send().await",
            "Err(\"truncate the log\")",
            "let probe = pool.folder.join(\"probe\"); tokio::fs::write(&probe, \"x\").await?; tokio::fs::remove_file(probe).await",
        ],
    );
    assert_eq!(count("SW025", "health()", "tokio::fs::write(\"probe\", \"x\").await"), 0);
    assert_eq!(count("SW025", "handler()", "sqlx::query(\"INSERT INTO orders VALUES (1)\").execute(&pool).await"), 0);
}
