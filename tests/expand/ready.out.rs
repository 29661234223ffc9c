use std::fmt::Error;

use seaworthy::prelude::*;

#[derive(Clone)]
struct Redis;

impl Redis {
    async fn ping(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// Sessions can be read and written.
async fn sessions(State(redis): State<Redis>) -> Result<(), Error> {
    redis.ping().await
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
enum sessions {}

impl<S: Sync> ::seaworthy::Readiness<S> for sessions
where
    State<Redis>: ::seaworthy::FromState<S>,
{
    const CHECK: ::seaworthy::Check = ::seaworthy::Check::new(
            "sessions",
            "Sessions can be read and written.",
        )
        .every(::std::time::Duration::from_secs(5))
        .timeout(::std::time::Duration::from_millis(500));
    async fn check(state: &S) -> ::seaworthy::Outcome {
        let output = sessions(::seaworthy::FromState::from_state(state)).await;
        ::seaworthy::__private::check_outcome::<Result<(), Error>>(output)
    }
}

/// Recommendations are there.
///
/// Pages are shown without them.
pub async fn recommendations(
    State(redis): State<Redis>,
    State(replica): State<Redis>,
) -> bool {
    redis.ping().await.is_ok() && replica.ping().await.is_ok()
}

#[doc(hidden)]
#[allow(non_camel_case_types)]
pub enum recommendations {}

impl<S: Sync> ::seaworthy::Readiness<S> for recommendations
where
    State<Redis>: ::seaworthy::FromState<S>,
{
    const CHECK: ::seaworthy::Check = ::seaworthy::Check::new(
            "recommendations",
            "Recommendations are there.",
        )
        .critical(false);
    async fn check(state: &S) -> ::seaworthy::Outcome {
        let output = recommendations(
                ::seaworthy::FromState::from_state(state),
                ::seaworthy::FromState::from_state(state),
            )
            .await;
        ::seaworthy::__private::check_outcome::<bool>(output)
    }
}

#[cfg(unix)]
async fn state() {}

#[cfg(unix)]
#[doc(hidden)]
#[allow(non_camel_case_types)]
enum state {}

#[cfg(unix)]
impl<S: Sync> ::seaworthy::Readiness<S> for state {
    const CHECK: ::seaworthy::Check = ::seaworthy::Check::new("state", "");
    async fn check(_: &S) -> ::seaworthy::Outcome {
        let output = state().await;
        ::seaworthy::__private::check_outcome::<()>(output)
    }
}
