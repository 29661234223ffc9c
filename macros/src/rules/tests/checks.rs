//! What rules of workers, loops and checks find, and the nearest that they don't.

use super::{
    functions::{count, finds, is_silent},
    reported,
};

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
