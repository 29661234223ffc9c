//! Which core does what: the server has one for itself, the load generator, the collector and this program share another.

use std::io;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The cores of the server and of all else.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cores {
    server: usize,
    load: usize,
}

impl Cores {
    /// Takes the first two cores that this process may use, and moves this thread to the one of the load. Threads and
    /// processes that it starts stay there.
    pub(crate) fn take() -> io::Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut cores = (0..CpuSet::MAX_CPU).filter(|core| allowed.is_set(*core));
        let (Some(server), Some(load)) = (cores.next(), cores.next()) else {
            return Err(io::Error::other("the server and the load generator need a core each, and there is only one"));
        };
        move_to(load)?;
        Ok(Self { server, load })
    }

    /// Runs this on the server's core; what it starts stays there.
    pub(crate) fn on_server<T>(self, start: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        move_to(self.server)?;
        let started = start();
        move_to(self.load)?;
        started
    }
}

fn move_to(core: usize) -> io::Result<()> {
    let mut cores = CpuSet::new();
    cores.set(core);
    Ok(sched_setaffinity(None, &cores)?)
}
