//! What becomes of connections, with a real server.

use std::{
    future::{Future, poll_fn},
    pin::pin,
    task::Poll,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use servers::Postgres as Server;
use sqlx::query_scalar;
use tokio::time::{sleep, timeout};

use super::*;

/// Connects with one connection at most, which is waited for this long.
async fn connect(server: &Server, acquire_timeout: Duration) -> Postgres {
    let mut settings = Settings::new(server.url().parse().unwrap());
    settings.max_connections = 1.try_into().unwrap();
    settings.acquire_timeout = acquire_timeout;
    Postgres::connect(settings).await.unwrap()
}

/// Polls a future this often, and drops it unless it ended.
async fn cut_off<T>(future: impl Future<Output = T>, polls: u32) -> Option<T> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Pending if left == 0 => Poll::Ready(None),
            polled => polled.map(Some),
        }
    })
    .await
}

/// The server's process of a connection, which does not go on until this is dropped.
struct Frozen(Pid);

impl Frozen {
    fn new(pid: i32) -> Self {
        let pid = Pid::from_raw(pid).unwrap();
        kill_process(pid, Signal::STOP).unwrap();
        Self(pid)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        // It may have ended.
        _ = kill_process(self.0, Signal::CONT);
    }
}

#[tokio::test]
async fn a_transaction_that_is_cut_off_at_any_moment_leaves_none_behind() {
    let server = Server::start();
    let db = connect(&server, Duration::from_secs(5)).await;
    sqlx::query("CREATE TABLE things (id int)").execute(&db).await.unwrap();
    let mut cut = 0;
    // One waits for its connection, then for its answer, which may be there already.
    for polls in (1..=3).cycle().take(12) {
        cut += u32::from(cut_off(db.begin(), polls).await.is_none());
        let insert = sqlx::query("INSERT INTO things VALUES (1)");
        timeout(Duration::from_secs(10), insert.execute(&db)).await.unwrap().unwrap();
        let left = "SELECT count(*) FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'";
        assert_eq!(server.query(left), "0", "after {polls} polls");
    }
    assert!(cut > 0);
    assert_eq!(server.query("SELECT count(*) FROM things"), "12");
}

#[tokio::test]
async fn a_connection_that_is_given_back_and_does_not_answer_is_replaced() {
    let server = Server::start();
    let db = connect(&server, Duration::from_secs(1)).await;
    let mut connection = db.acquire().await.unwrap();
    let frozen = Frozen::new(query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *connection).await.unwrap());
    drop(connection);
    let replaced = async {
        while sqlx::query("SELECT 1").execute(&db).await.is_err() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(Duration::from_secs(10), replaced).await.unwrap();
    drop(frozen);
}

#[tokio::test]
async fn the_longest_times_can_be_waited_for() {
    let server = Server::start();
    let mut settings = Settings::new(server.url().parse().unwrap());
    settings.connect_timeout = Duration::MAX;
    settings.timeout = Duration::MAX;
    settings.idle_timeout = Duration::MAX;
    settings.max_lifetime = Duration::MAX;
    let db = Postgres::connect(settings).await.unwrap();
    sqlx::query("SELECT 1").execute(&db).await.unwrap();
}
