//! Calls, each with its span, its duration and its time-out.

use std::{
    future::{Future, poll_fn},
    pin::{Pin, pin},
    task::{Context, Poll},
};

use futures_util::Stream;
use sqlx::{Error, SqlStr};
use tokio::time::{Sleep, sleep, timeout};

use super::{
    Postgres, failure,
    statement::{self, Statement},
};
use crate::telemetry::{Operation, Value};

/// A stream of rows, whose operation ends with it. Its time-out is that of each wait for a row.
pub(super) struct Rows<S> {
    db: Postgres,
    name: &'static str,
    /// `None` where spans don't have it.
    text: Option<SqlStr>,
    /// `None` before the first poll.
    operation: Option<Operation>,
    /// `None` after its end.
    rows: Option<S>,
    waiting: Option<Pin<Box<Sleep>>>,
}

// === impl Postgres ===

impl Postgres {
    /// Does something as one call.
    pub(super) async fn call<T>(
        &self,
        operation: Operation,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let result = {
            let mut work = pin!(timeout(self.inner.timeout, work));
            poll_fn(|cx| {
                let _inside = operation.span().enter();
                work.as_mut().poll(cx)
            })
            .await
        };
        let result = result.unwrap_or_else(|_| Err(failure::timed_out()));
        self.end(operation, result.as_ref().err());
        result
    }

    /// Begins the operation of a call.
    pub(super) fn operation(&self, sql: &SqlStr) -> Operation {
        let text = self.inner.query_text.then_some(sql);
        self.begin_operation(statement::operation(sql.as_str()), text)
    }

    fn begin_operation(&self, name: &'static str, text: Option<&SqlStr>) -> Operation {
        self.inner.database.begin(name, |span| {
            if let Some(text) = text {
                span.attribute("db.query.text", Value::Text(text.as_str()));
            }
        })
    }

    fn end(&self, operation: Operation, error: Option<&Error>) {
        let Some(error) = error else { return operation.end() };
        self.suspect(error);
        match failure::error_type(error) {
            Some((name, is_status)) => operation.fail(&name, is_status.then_some(&*name)),
            None => operation.end(),
        }
    }
}

// === impl Rows ===

impl<S> Rows<S> {
    /// The rows that this statement asks for, as a stream that `rows` makes of it.
    pub(super) fn new(db: &Postgres, statement: Statement, rows: impl FnOnce(Statement) -> S) -> Self {
        let name = statement::operation(statement.sql.as_str());
        let text = db.inner.query_text.then(|| statement.sql.clone());
        Self { db: db.clone(), name, text, operation: None, rows: Some(rows(statement)), waiting: None }
    }

    /// Ends the operation, and lets go of the rows.
    fn end(&mut self, error: Option<&Error>) {
        self.rows = None;
        self.waiting = None;
        if let Some(operation) = self.operation.take() {
            self.db.end(operation, error);
        }
    }
}

impl<T, S: Stream<Item = Result<T, Error>> + Unpin> Stream for Rows<S> {
    type Item = Result<T, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(rows) = &mut this.rows else { return Poll::Ready(None) };
        let operation = this.operation.get_or_insert_with(|| this.db.begin_operation(this.name, this.text.as_ref()));
        let polled = {
            let _inside = operation.span().enter();
            Pin::new(rows).poll_next(cx)
        };
        match polled {
            Poll::Ready(Some(Ok(row))) => {
                this.waiting = None;
                Poll::Ready(Some(Ok(row)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.end(Some(&error));
                Poll::Ready(Some(Err(error)))
            }
            Poll::Ready(None) => {
                this.end(None);
                Poll::Ready(None)
            }
            Poll::Pending => {
                let limit = this.db.inner.timeout;
                if this.waiting.get_or_insert_with(|| Box::pin(sleep(limit))).as_mut().poll(cx).is_pending() {
                    return Poll::Pending;
                }
                let error = failure::timed_out();
                this.end(Some(&error));
                Poll::Ready(Some(Err(error)))
            }
        }
    }
}

/// Who drops it between two rows has read enough. Who drops it while it waits was cancelled, as the operation says
/// itself.
impl<S> Drop for Rows<S> {
    fn drop(&mut self) {
        if self.waiting.is_none() {
            self.end(None);
        }
    }
}
