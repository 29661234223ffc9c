//! Real servers for tests: each on an address of the loopback that nobody else uses, in a folder of its own, and gone
//! with the value that stands for it.
//!
//! What stops listening on such an address can listen there again, and no other test can take the port meanwhile.

mod haproxy;
mod postgres;
mod program;
mod redis;

pub use self::{
    haproxy::{Backend, HaProxy},
    postgres::Postgres,
    program::{Folder, own_address},
    redis::Redis,
};

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn redis_keeps_its_data() {
        let mut redis = Redis::start();
        assert_eq!(redis.command(&["INCR", "a"]), ":1");
        redis.stop();
        assert!(TcpStream::connect(redis.address()).is_err());
        redis.resume();
        assert_eq!(redis.command(&["INCR", "a"]), ":2");
    }

    #[test]
    fn postgres_keeps_its_data() {
        let mut postgres = Postgres::start();
        postgres.query("create table t as select 7 as a, 'x' as b");
        postgres.stop();
        postgres.resume();
        assert_eq!(postgres.query("select * from t"), "7|x");
    }

    #[test]
    fn a_balancer_knows_which_servers_are_up() {
        let backends =
            [8081, 8082].map(|port| Backend { address: own_address(port), check: "inter 20ms fall 1 rise 1" });
        let haproxy = HaProxy::start(&backends);
        while haproxy.is_up() != [false, false] {
            std::thread::yield_now();
        }
        assert_eq!(haproxy.retries(), 0);
    }
}
