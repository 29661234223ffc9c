//! Which service a thread belongs to, for what is called from anywhere in it: a handler, a worker, a task of either.
//!
//! Not a task's own value: tasks that a handler spawns to do its work would have none, and the service can't stop
//! without them either. Threads of a service's runtime work for no other.

use std::{cell::OnceCell, sync::Arc};

use super::Lifecycle;
use crate::About;

thread_local! {
    static OWNER: OnceCell<Owner> = const { OnceCell::new() };
}

/// A service, as those who run in it see it.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) about: About,
    pub(crate) lifecycle: Arc<Lifecycle>,
}

impl Owner {
    /// The service that the current code runs in. `None` on a thread that is not of its runtime, and outside of a
    /// service: in a unit test or a command.
    pub(crate) fn current() -> Option<Self> {
        OWNER.try_with(|owner| owner.get().cloned()).ok().flatten()
    }

    /// Makes this thread the service's, until it ends.
    pub(crate) fn own_thread(self) {
        _ = OWNER.try_with(|owner| owner.set(self));
    }
}
