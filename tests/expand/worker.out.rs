use std::fmt::Error;

use seaworthy::prelude::*;

#[derive(Clone)]
struct Redis;

/// Removes sessions that have expired.
async fn expire(State(_redis): State<Redis>, shutdown: Shutdown) -> Result<(), Error> {
    shutdown.await;
    Ok(())
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum expire {}

impl<S: Sync> ::seaworthy::Worker<S> for expire
where
    State<Redis>: ::seaworthy::FromState<S>,
{
    const WORKER: ::seaworthy::WorkerSpec = ::seaworthy::WorkerSpec::new(
        "expire",
        "Removes sessions that have expired.",
    );
    async fn run(state: &S, shutdown: ::seaworthy::Shutdown) -> ::seaworthy::Outcome {
        let output = expire(::seaworthy::FromState::from_state(state), shutdown).await;
        ::seaworthy::__private::worker_outcome::<Result<(), Error>>(output)
    }
}

async fn migrate() {}

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum migrate {}

impl<S: Sync> ::seaworthy::Worker<S> for migrate {
    const WORKER: ::seaworthy::WorkerSpec = ::seaworthy::WorkerSpec::new("migrate", "")
        .restart(::seaworthy::Restart::Never)
        .backoff(
            ::std::time::Duration::from_millis(500),
            ::std::time::Duration::from_secs(90),
        );
    async fn run(_: &S, _: ::seaworthy::Shutdown) -> ::seaworthy::Outcome {
        let output = migrate().await;
        ::seaworthy::__private::worker_outcome::<()>(output)
    }
}
