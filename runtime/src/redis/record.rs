//! What is recorded of a command, and of several at once.

use std::{borrow::Cow, sync::Arc};

use ::redis::{Pipeline, RedisError, Value};

use super::{error, names};
use crate::telemetry::{Database, Operation, Value as Attribute};

/// What of an outcome matters to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    TimedOut,
    ReadOnly,
    Other,
}

/// Begins a pipeline. By the conventions, one of a single command is no batch.
pub(super) fn begin(database: &Arc<Database>, pipeline: &Pipeline) -> Operation {
    database.begin(names::of_all(pipeline), |span| {
        if let Ok(size @ 2..) = i64::try_from(pipeline.len()) {
            span.attribute("db.operation.batch.size", Attribute::Int(size));
        }
    })
}

/// Ends a command, or what one is like. It failed if one of its answers is an error.
pub(super) fn end(operation: Operation, answers: Result<&[Value], &RedisError>) -> Outcome {
    let (error_type, is_answer) = match answers {
        Err(error) => (error::error_type(error), error::code(error).is_some()),
        Ok(answers) => match refusal(answers) {
            Some(code) => (Cow::Borrowed(code), true),
            None => {
                operation.end();
                return Outcome::Other;
            }
        },
    };
    operation.fail(&error_type, is_answer.then_some(&*error_type));
    match (&*error_type, is_answer) {
        ("timeout", false) => Outcome::TimedOut,
        ("READONLY", true) => Outcome::ReadOnly,
        _ => Outcome::Other,
    }
}

/// Ends a pipeline, with the answers of a transaction as they stand within the one of `EXEC`.
pub(super) fn end_all(operation: Operation, pipeline: &Pipeline, answers: &Result<Vec<Value>, RedisError>) -> Outcome {
    end(
        operation,
        answers.as_ref().map(|answers| match answers.as_slice() {
            [Value::Array(within)] if pipeline.is_transaction() => within.as_slice(),
            answers => answers,
        }),
    )
}

/// The code of the first error among answers.
fn refusal(answers: &[Value]) -> Option<&str> {
    answers.iter().find_map(|answer| match answer {
        Value::ServerError(error) => Some(error.code()),
        _ => None,
    })
}
