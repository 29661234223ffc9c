//! The readiness check.

use axum::extract::State;

use super::Redis;
use crate::{
    FromState,
    probe::{Check, Outcome, Readiness},
};

/// Whether Redis answers: the readiness check of a service with a [`Redis`] in its state.
///
/// List it: `#[cloud_service(ready(seaworthy::redis::ready))]`. It runs every 5 s, fails after 1 s, and is neither a
/// span nor counted as a command.
#[expect(non_camel_case_types, reason = "a check is listed by the name of its function")]
pub enum ready {}

/// Asks Redis for an answer.
///
/// # Errors
///
/// Says why there is none.
pub async fn ready(State(redis): State<Redis>) -> Result<(), ::redis::RedisError> {
    redis.ping().await
}

impl<S: Sync> Readiness<S> for ready
where
    State<Redis>: FromState<S>,
{
    const CHECK: Check = Check::new("redis", "Redis answers.");

    async fn check(state: &S) -> Outcome {
        ready(FromState::from_state(state)).await.map_err(|error| error.to_string())
    }
}
