use std::fmt::Error;

use seaworthy::prelude::*;

#[derive(Clone)]
struct Database;

/// Brings the tables up to date.
async fn migrate(
    State(_database): State<Database>,
    _shutdown: Shutdown,
) -> Result<(), Error> {
    Ok(())
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum migrate {}

impl<S: Sync> ::seaworthy::Command<S> for migrate
where
    State<Database>: ::seaworthy::FromState<S>,
{
    const COMMAND: ::seaworthy::CommandSpec = ::seaworthy::CommandSpec::new(
        "migrate",
        "Brings the tables up to date.",
    );
    async fn run(state: &S, shutdown: ::seaworthy::Shutdown) -> ::seaworthy::Outcome {
        let output = migrate(::seaworthy::FromState::from_state(state), shutdown).await;
        ::seaworthy::__private::worker_outcome::<Result<(), Error>>(output)
    }
}

async fn say_nothing() {}

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum say_nothing {}

impl<S: Sync> ::seaworthy::Command<S> for say_nothing {
    const COMMAND: ::seaworthy::CommandSpec = ::seaworthy::CommandSpec::new(
        "say-nothing",
        "",
    );
    async fn run(_: &S, _: ::seaworthy::Shutdown) -> ::seaworthy::Outcome {
        let output = say_nothing().await;
        ::seaworthy::__private::worker_outcome::<()>(output)
    }
}
