use std::{collections::VecDeque, time::Instant};

use proptest::{collection, prelude::*, test_runner::TestRunner};
use servers::Redis as Server;
use tokio::{runtime::Runtime, task::JoinSet};

use super::*;
use crate::redis::server::{ask, back, connect};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn so_many_are_allowed_and_no_more() {
    let server = Server::start();
    let limit = RateLimit::new(connect(&server).await, "orders", 3, MINUTE);
    let elsewhere = RateLimit::new(connect(&server).await, "orders", 3, MINUTE);
    for (limit, remaining) in [(&limit, 2), (&elsewhere, 1), (&limit, 0)] {
        let allowed = limit.check("ada").await.unwrap();
        assert_eq!(allowed.remaining, Some(remaining));
        let headers = (allowed, ()).into_response().headers().clone();
        assert_eq!(headers["ratelimit-policy"], "\"orders\";q=3;w=60");
        assert_eq!(headers["ratelimit"], format!("\"orders\";r={remaining};t=60"));
    }
    let refused = limit.check("ada").await.unwrap_err();
    let wait = refused.retry_after.unwrap();
    assert!((MINUTE - Duration::from_secs(10)..=MINUTE).contains(&wait), "{wait:?}");
    let answer = refused.into_response();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], whole_seconds(wait).to_string());
    assert_eq!(answer.headers()["ratelimit"], format!("\"orders\";r=0;t={}", whole_seconds(wait)));
    // Others are not concerned: another key, another limit, another service.
    assert!(limit.check("grace").await.is_ok());
    assert!(RateLimit::new(limit.redis.clone(), "visits", 3, MINUTE).check("ada").await.is_ok());
    assert!(limit.clone().prefix("other").check("ada").await.is_ok());
    // What is refused is refused in a handler that returns the error of all things, too.
    let error = crate::Error::from(limit.check("ada").await.unwrap_err());
    assert_eq!(error.into_response().status(), 429);
}

#[tokio::test]
async fn a_limit_of_nothing_refuses_everything() {
    let server = Server::start();
    let limit = RateLimit::new(connect(&server).await, "none", 0, MINUTE);
    assert_eq!(limit.check("ada").await.unwrap_err().retry_after, Some(MINUTE));
}

#[tokio::test]
async fn a_limit_that_was_lowered_waits_for_all_that_is_too_much() {
    let server = Server::start();
    let redis = connect(&server).await;
    let before = RateLimit::new(redis.clone(), "orders", 3, MINUTE);
    for _ in 0..3 {
        _ = before.check("ada").await.unwrap();
    }
    // As if the first two were as old as they can be.
    for (index, age) in [(0, 59), (1, 30)] {
        let member: Vec<Vec<u8>> = ::redis::cmd("ZRANGE")
            .arg("seaworthy:limit:orders:ada")
            .arg(index)
            .arg(index)
            .query_async(&mut redis.clone())
            .await
            .unwrap();
        let _: f64 = ::redis::cmd("ZINCRBY")
            .arg("seaworthy:limit:orders:ada")
            .arg(-1_000_000 * age)
            .arg(&member[0])
            .query_async(&mut redis.clone())
            .await
            .unwrap();
    }
    let wait = |limit| {
        let limit = RateLimit::new(redis.clone(), "orders", limit, MINUTE);
        async move { limit.check("ada").await.unwrap_err().retry_after.unwrap().as_secs() }
    };
    assert!((0..=1).contains(&wait(3).await));
    assert!((20..=30).contains(&wait(2).await));
    assert!((50..=60).contains(&wait(1).await));
}

/// What the script has to be: times of what was allowed, and nothing else.
#[derive(Default)]
struct Model(VecDeque<u64>);

impl Model {
    fn check(&mut self, limit: u64, window: u64, now: u64) -> (bool, u64, u64) {
        while self.0.front().is_some_and(|time| time + window <= now) {
            self.0.pop_front();
        }
        let is_allowed = (self.0.len() as u64) < limit;
        if is_allowed {
            self.0.push_back(now);
        }
        let wait = self.0.front().map_or(window, |time| time + window - now);
        (is_allowed, limit - self.0.len() as u64, wait)
    }
}

#[test]
fn it_does_what_the_model_does_whenever_it_is_asked() {
    let server = Server::start();
    let runtime = Runtime::new().unwrap();
    let redis = runtime.block_on(connect(&server));
    // The same script, by a clock of ours.
    let script = Script::new(&CHECK_TEXT.replace("redis.call('TIME')", "{ARGV[4], ARGV[5]}"));
    let window = 60_000_000;
    let steps =
        collection::vec((0..2_usize, prop_oneof![Just(0), 1..window / 3, Just(window), window - 2..window + 2]), 1..60);
    let strategy = (1..6_u64, steps, 0..1_000_000_u64);
    let count = std::cell::Cell::new(0);
    let mut runner = TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(200) });
    let result = runner.run(&strategy, |(limit, steps, start)| {
        let runs = count.get() + 1;
        count.set(runs);
        let mut models = [Model::default(), Model::default()];
        let mut now = 1_700_000_000_000_000 + start;
        for (index, (key, pause)) in steps.into_iter().enumerate() {
            now += pause;
            let mut asked = script.key(format!("{runs}-{key}"));
            asked.arg(limit).arg(window).arg(index).arg(now / 1_000_000).arg(now % 1_000_000);
            let got: (bool, u64, u64) = runtime.block_on(asked.invoke_async(&mut redis.clone())).unwrap();
            prop_assert_eq!(got, models[key].check(limit, window, now));
            let kept: u64 = runtime.block_on(ask(&redis, &format!("ZCARD {runs}-{key}")));
            prop_assert!(kept <= limit);
        }
        Ok(())
    });
    result.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_no_window_are_more_allowed_than_the_limit() {
    const LIMIT: usize = 20;
    const WINDOW: Duration = Duration::from_millis(100);
    let server = Server::start();
    let mut limits = Vec::new();
    for _ in 0..8 {
        limits.push(RateLimit::new(connect(&server).await, "orders", LIMIT as u32, WINDOW));
    }
    let began = Instant::now();
    let mut replicas = JoinSet::new();
    for limit in limits {
        replicas.spawn(async move {
            let mut allowed = Vec::new();
            while began.elapsed() < 10 * WINDOW {
                let before = began.elapsed();
                if limit.check("ada").await.is_ok() {
                    allowed.push((before, began.elapsed()));
                }
            }
            allowed
        });
    }
    let mut allowed = replicas.join_all().await.concat();
    allowed.sort();
    assert!(allowed.len() > 5 * LIMIT, "{}", allowed.len());
    // Each was allowed between the two times: those that surely were in less than a window.
    for first in &allowed {
        let within = allowed.iter().filter(|other| other.0 >= first.0 && other.1 < first.0 + WINDOW).count();
        assert!(within <= LIMIT, "{within} within a window from {:?}", first.0);
    }
    // And nothing is left of it.
    let redis = connect(&server).await;
    while ask::<i64>(&redis, "DBSIZE").await != 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn while_redis_is_away_everything_is_allowed_or_nothing() {
    let mut server = Server::start();
    let open = RateLimit::new(connect(&server).await, "orders", 1, MINUTE);
    let closed = RateLimit::new(connect(&server).await, "passwords", 1, MINUTE).closed();
    assert!(open.check("ada").await.is_ok());
    server.stop();
    for _ in 0..5 {
        let allowed = open.check("ada").await.unwrap();
        assert_eq!(allowed.remaining, None);
        assert!((allowed, ()).into_response().headers().get("ratelimit").is_none());
        let refused = closed.check("ada").await.unwrap_err();
        assert_eq!(refused.retry_after, None);
        assert_eq!(refused.into_response().status(), 503);
    }
    assert!(open.is_away.load(Ordering::Relaxed));
    server.resume();
    back(&open.redis).await;
    back(&closed.redis).await;
    assert!(open.check("ada").await.is_err());
    assert!(closed.check("ada").await.is_ok());
    assert!(!open.is_away.load(Ordering::Relaxed));
}

#[test]
#[should_panic(expected = "the name `a b` has to be of letters")]
fn a_name_that_can_not_be_a_label_is_a_mistake_at_the_start() {
    let runtime = Runtime::new().unwrap();
    let server = Server::start();
    _ = RateLimit::new(runtime.block_on(connect(&server)), "a b", 1, MINUTE);
}
