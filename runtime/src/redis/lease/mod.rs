//! A lease: which of the replicas does what only one may do.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use seaworthy::{prelude::*, redis::{self, Lease, Redis, Term}};
//!
//! /// Settings of the shop.
//! #[config(env)]
//! struct Config {
//!     #[config(flatten, env = "REDIS")]
//!     redis: redis::Settings,
//! }
//!
//! #[derive(Clone, FromRef)]
//! struct App {
//!     redis: Redis,
//!     lease: Lease,
//! }
//!
//! /// Sends what is due: on one replica at a time.
//! #[worker]
//! async fn dispatch(State(lease): State<Lease>, shutdown: Shutdown) -> Result<()> {
//!     lease.lead(shutdown, send_what_is_due).await
//! }
//!
//! async fn send_what_is_due(term: Term) -> Result<()> {
//!     loop {
//!         // .. WHERE last_term <= $1, with this token: what a leader before wrote late is refused.
//!         let _token = term.token();
//!         tokio::time::sleep(Duration::from_secs(1)).await;
//!     }
//! }
//!
//! /// Sells things.
//! #[cloud_service(ready(redis::ready), workers(dispatch))]
//! async fn main(config: Config) -> Result<Service<App>> {
//!     let redis = Redis::connect(config.redis).await?;
//!     let lease = Lease::new(redis.clone(), "dispatch", Duration::from_secs(10));
//!     Ok(Service::new(App { redis, lease }))
//! }
//! ```
//!
//! # What is guaranteed
//!
//! **At most one replica runs the job**, as long as three things hold: clocks of processes run as fast as that of
//! Redis, to within a tenth, and nobody sets that one forward; no process is paused in the middle of the job; and Redis
//! forgets nothing. The holder renews the lease three times within its time to live. What it counts by is the moment
//! *before* it asked, on its own monotonic clock: when a tenth of the time to live is left of that and no renewal was
//! confirmed, the job is dropped where it waits. Whoever leads next can't have begun by then.
//!
//! **What is not guaranteed**, because no lease can:
//!
//! - A process that is paused (SIGSTOP, a virtual machine that moves, a swapped page) or blocks its runtime can't drop
//!   its job in time. When it wakes it goes on with the next instruction, beside the new leader, up to the `await` that
//!   it comes to: there the clock says that its time is over.
//! - A Redis that fails over to a replica that lags, or restarts without its data, gives the lease to the next who
//!   asks.
//! - What was sent is under way: a request that the job had begun to send may arrive later.
//!
//! Therefore each term has a **fencing token** that only grows ([`Term::token`]), across restarts and failovers of
//! Redis too as long as its clock is not set back meanwhile: whatever the job writes to has to keep the largest it saw,
//! and refuse what comes with a smaller one. With that, what a former leader does late has no effect.
//!
//! # Who leads next
//!
//! A lease is given back when the job ends and when the service begins to drain, and another replica leads within some
//! 100 ms. After a SIGKILL it is as long as the time to live. `seaworthy_lease_held{lease}` is 1 where the process
//! leads.
//!
//! # Redis away
//!
//! Nobody leads: the holder's job is dropped before its lease could be over, `seaworthy_lease_held` is 0, and all
//! compete again once Redis is back. With a time to live of 10 s or more, an outage of a third of it is not noticed.
//! Asking for the lease is in no trace and no metric of operations: it goes on all day.

mod bid;
mod term;
#[cfg(test)]
mod tests;

use std::{borrow::Cow, fmt, future::Future, sync::Arc, time::Duration};

use self::bid::Bid;
pub use self::term::Term;
use super::{Redis, keys, time};
use crate::Shutdown;

/// The right to do something alone. Clones compete with each other, as replicas do.
///
/// The [module](self) shows it in a service, and says what is guaranteed.
#[derive(Clone)]
pub struct Lease {
    redis: Redis,
    name: Cow<'static, str>,
    ttl: Duration,
    prefix: Arc<str>,
}

/// What a job may return that runs while a lease is held.
#[diagnostic::on_unimplemented(
    message = "`{Self}` doesn't say what the job comes to when the service stops",
    label = "returned by the job of a lease",
    note = "help: return `()`, a `Result<(), E>`, or an `Option`"
)]
pub trait JobOutput {
    /// What it is where the shutdown ended the job.
    fn stopped() -> Self;
}

// === impl JobOutput ===

#[diagnostic::do_not_recommend]
impl JobOutput for () {
    fn stopped() -> Self {}
}

#[diagnostic::do_not_recommend]
impl<E> JobOutput for Result<(), E> {
    fn stopped() -> Self {
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl<T> JobOutput for Option<T> {
    fn stopped() -> Self {
        None
    }
}

// === impl Lease ===

impl Lease {
    /// A lease of this name, which ends this long after its holder was last heard of.
    ///
    /// The time to live is for how long nobody leads after a crash; 10 s is a good one. It has to be several times
    /// longer than Redis may take to answer (`REDIS_TIMEOUT`, 1 s), or each hiccup ends a term. It is 10 ms at least.
    ///
    /// # Panics
    ///
    /// If the name is not of letters, digits, `_`, `-` and `.`.
    #[must_use]
    pub fn new(redis: Redis, name: impl Into<Cow<'static, str>>, ttl: Duration) -> Self {
        let name = name.into();
        keys::assert_name(&name);
        Self { redis, name, ttl: ttl.max(Duration::from_millis(10)), prefix: keys::default_prefix() }
    }

    /// What keys in Redis begin with: `{prefix:lease:name}` and `{prefix:lease:name}:term`. The default is the
    /// service's name.
    #[must_use]
    pub fn prefix(self, prefix: impl Into<Arc<str>>) -> Self {
        Self { prefix: prefix.into(), ..self }
    }

    /// Competes for the lease, and runs the job while it has it. Gives what the job ended with, or `None` for a
    /// shutdown.
    ///
    /// The job is dropped where it waits when the lease can't be renewed, and when the shutdown begins: it has to be
    /// one that may be dropped at any `await`. After the former it competes again, and the job is begun anew with
    /// another [`Term`]. A job that ended is not begun again.
    ///
    /// Dropped, it drops the job, and gives the lease back if there is still a runtime to do so.
    pub async fn lead<J, F>(&self, mut shutdown: Shutdown, mut job: J) -> F::Output
    where
        J: FnMut(Term) -> F,
        F: Future<Output: JobOutput>,
    {
        loop {
            // Another one for each term: what the one before had sent, and arrives late, must not end this one's.
            let mut bid = Bid::new(self);
            let ended = tokio::select! {
                biased;
                () = &mut shutdown => Some(F::Output::stopped()),
                term = bid.win() => {
                    let job = job(term);
                    // The lease first: a job that is ready all the time must not keep it from being dropped.
                    tokio::select! {
                        biased;
                        () = &mut shutdown => Some(F::Output::stopped()),
                        () = bid.keep() => None,
                        output = job => Some(output),
                    }
                }
            };
            // By here the job was dropped.
            if let Some(ended) = ended {
                bid.give_back().await;
                return ended;
            }
        }
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("name", &self.name).field("ttl", &self.ttl).finish()
    }
}
