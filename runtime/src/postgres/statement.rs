//! What a statement does, and a statement that is looked at before it is sent.

use sqlx::{
    Execute, Postgres,
    error::BoxDynError,
    postgres::{PgArguments, PgStatement},
};

/// The statements that `db.operation.name` tells apart. There are few, so that there are few series.
const OPERATIONS: &[&str] = &[
    "ALTER",
    "ANALYZE",
    "BEGIN",
    "CALL",
    "CLOSE",
    "COMMIT",
    "COPY",
    "CREATE",
    "DECLARE",
    "DELETE",
    "DO",
    "DROP",
    "EXPLAIN",
    "FETCH",
    "GRANT",
    "INSERT",
    "LISTEN",
    "LOCK",
    "MERGE",
    "NOTIFY",
    "REFRESH",
    "RELEASE",
    "REVOKE",
    "ROLLBACK",
    "SAVEPOINT",
    "SELECT",
    "SET",
    "SHOW",
    "TABLE",
    "TRUNCATE",
    "UNLISTEN",
    "UPDATE",
    "VACUUM",
    "VALUES",
    "WITH",
];

/// The first word of a statement, if it is one of those that are told apart, and else `_OTHER`.
pub(super) fn operation(sql: &str) -> &'static str {
    let sql = without_comments(sql);
    let end = sql.find(|character: char| !character.is_ascii_alphabetic()).unwrap_or(sql.len());
    let word = sql.get(..end).unwrap_or_default();
    OPERATIONS.iter().find(|operation| operation.eq_ignore_ascii_case(word)).copied().unwrap_or("_OTHER")
}

/// Leaves out what may stand before the first word.
fn without_comments(mut sql: &str) -> &str {
    loop {
        sql = sql.trim_start_matches(|character: char| character.is_whitespace() || character == '(');
        let after = if let Some(comment) = sql.strip_prefix("--") {
            comment.split_once('\n')
        } else if let Some(comment) = sql.strip_prefix("/*") {
            comment.split_once("*/")
        } else {
            return sql;
        };
        sql = after.map_or("", |(_, rest)| rest);
    }
}

/// A statement taken apart, so that its text can be read.
pub(super) struct Statement {
    pub(super) sql: sqlx::SqlStr,
    arguments: Result<Option<PgArguments>, BoxDynError>,
    prepared: Option<PgStatement>,
    persistent: bool,
}

// === impl Statement ===

impl Statement {
    pub(super) fn new<'q>(mut query: impl Execute<'q, Postgres>) -> Self {
        let persistent = query.persistent();
        let prepared = query.statement().cloned();
        let arguments = query.take_arguments();
        Self { sql: query.sql(), arguments, prepared, persistent }
    }
}

impl Execute<'_, Postgres> for Statement {
    fn sql(self) -> sqlx::SqlStr {
        self.sql
    }

    fn statement(&self) -> Option<&PgStatement> {
        self.prepared.as_ref()
    }

    fn take_arguments(&mut self) -> Result<Option<PgArguments>, BoxDynError> {
        std::mem::replace(&mut self.arguments, Ok(None))
    }

    fn persistent(&self) -> bool {
        self.persistent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_says_what_is_done() {
        for (sql, expected) in [
            ("SELECT 1", "SELECT"),
            ("  select\n1", "SELECT"),
            ("-- all of them\nInsert into a values ($1)", "INSERT"),
            ("/* a */ /* b */ (select 1) union (select 2)", "SELECT"),
            ("with a as (select 1) delete from b", "WITH"),
            ("COMMIT", "COMMIT"),
            ("selected", "_OTHER"),
            ("12", "_OTHER"),
            ("", "_OTHER"),
            ("-- no end", "_OTHER"),
            ("/* no end", "_OTHER"),
            ("ünïcode", "_OTHER"),
        ] {
            assert_eq!(operation(sql), expected, "{sql}");
        }
    }

    #[test]
    fn a_statement_is_what_it_was() {
        let query = sqlx::query::<Postgres>("SELECT $1").bind(7).persistent(false);
        let mut statement = Statement::new(query);
        assert!(!statement.persistent());
        assert!(statement.statement().is_none());
        assert!(statement.take_arguments().is_ok_and(|arguments| arguments.is_some()));
        assert_eq!(statement.sql().as_str(), "SELECT $1");
    }
}
