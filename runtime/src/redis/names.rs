//! What operations are called, and which commands don't go together with others on one connection.

use std::{borrow::Cow, sync::LazyLock};

use ::redis::{Arg, Cmd, ErrorKind, Pipeline, RedisError};

/// The commands of Redis 8 without its modules: their names cost nothing.
const KNOWN: &str = "\
    ACL APPEND ASKING AUTH BGREWRITEAOF BGSAVE BITCOUNT BITFIELD BITFIELD_RO BITOP BITPOS BLMOVE BLMPOP BLPOP \
    BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN CLIENT CLUSTER COMMAND CONFIG COPY DBSIZE DEBUG DECR DECRBY DEL \
    DISCARD DUMP ECHO EVAL EVALSHA EVALSHA_RO EVAL_RO EXEC EXISTS EXPIRE EXPIREAT EXPIRETIME FAILOVER FCALL \
    FCALL_RO FLUSHALL FLUSHDB FUNCTION GEOADD GEODIST GEOHASH GEOPOS GEORADIUS GEORADIUSBYMEMBER \
    GEORADIUSBYMEMBER_RO GEORADIUS_RO GEOSEARCH GEOSEARCHSTORE GET GETBIT GETDEL GETEX GETRANGE GETSET HDEL \
    HELLO HEXISTS HEXPIRE HEXPIREAT HEXPIRETIME HGET HGETALL HGETDEL HGETEX HINCRBY HINCRBYFLOAT HKEYS HLEN \
    HMGET HMSET HPERSIST HPEXPIRE HPEXPIREAT HPEXPIRETIME HPTTL HRANDFIELD HSCAN HSET HSETEX HSETNX HSTRLEN HTTL \
    HVALS INCR INCRBY INCRBYFLOAT INFO KEYS LASTSAVE LATENCY LCS LINDEX LINSERT LLEN LMOVE LMPOP LOLWUT LPOP \
    LPOS LPUSH LPUSHX LRANGE LREM LSET LTRIM MEMORY MGET MIGRATE MODULE MONITOR MOVE MSET MSETNX MULTI OBJECT \
    PERSIST PEXPIRE PEXPIREAT PEXPIRETIME PFADD PFCOUNT PFMERGE PING PSETEX PSUBSCRIBE PSYNC PTTL PUBLISH PUBSUB \
    PUNSUBSCRIBE QUIT RANDOMKEY READONLY READWRITE RENAME RENAMENX REPLICAOF RESET RESTORE ROLE RPOP RPOPLPUSH \
    RPUSH RPUSHX SADD SAVE SCAN SCARD SCRIPT SDIFF SDIFFSTORE SELECT SET SETBIT SETEX SETNX SETRANGE SHUTDOWN \
    SINTER SINTERCARD SINTERSTORE SISMEMBER SLOWLOG SMEMBERS SMISMEMBER SMOVE SORT SORT_RO SPOP SPUBLISH \
    SRANDMEMBER SREM SSCAN SSUBSCRIBE STRLEN SUBSCRIBE SUNION SUNIONSTORE SUNSUBSCRIBE SWAPDB SYNC TIME TOUCH \
    TTL TYPE UNLINK UNSUBSCRIBE UNWATCH WAIT WAITAOF WATCH XACK XACKDEL XADD XAUTOCLAIM XCLAIM XDEL XDELEX \
    XGROUP XINFO XLEN XPENDING XRANGE XREAD XREADGROUP XREVRANGE XSETID XTRIM ZADD ZCARD ZCOUNT ZDIFF ZDIFFSTORE \
    ZINCRBY ZINTER ZINTERCARD ZINTERSTORE ZLEXCOUNT ZMPOP ZMSCORE ZPOPMAX ZPOPMIN ZRANDMEMBER ZRANGE ZRANGEBYLEX \
    ZRANGEBYSCORE ZRANGESTORE ZRANK ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREVRANGE \
    ZREVRANGEBYLEX ZREVRANGEBYSCORE ZREVRANK ZSCAN ZSCORE ZUNION ZUNIONSTORE";

/// Commands that hold up all that are sent after them, or change what the connection means for whoever else uses it.
const OWN: &str = "\
    ASKING AUTH BLMOVE BLMPOP BLPOP BRPOP BRPOPLPUSH BZMPOP BZPOPMAX BZPOPMIN DISCARD EXEC HELLO MONITOR MULTI \
    PSUBSCRIBE PSYNC PUNSUBSCRIBE QUIT READONLY READWRITE RESET SELECT SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE SYNC \
    UNSUBSCRIBE UNWATCH WAIT WAITAOF WATCH";

/// The longest name that is taken over.
const LONGEST: usize = 24;

static NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| KNOWN.split_ascii_whitespace().collect());
static OWN_NAMES: LazyLock<Vec<&'static str>> = LazyLock::new(|| OWN.split_ascii_whitespace().collect());

/// The name of a command, in upper case. What can't be the name of one is `_OTHER`, so that there are not more series
/// than commands in the code.
pub(super) fn of(command: &Cmd) -> Cow<'static, str> {
    known_or_taken_over(command).unwrap_or(Cow::Borrowed("_OTHER"))
}

fn known_or_taken_over(command: &Cmd) -> Option<Cow<'static, str>> {
    let Some(Arg::Simple(written)) = command.args_iter().next() else { return None };
    let mut memory = [0; LONGEST];
    let upper = memory.get_mut(..written.len())?;
    upper.copy_from_slice(written);
    upper.make_ascii_uppercase();
    let name = std::str::from_utf8(upper).ok().filter(|name| !name.is_empty())?;
    if let Ok(found) = NAMES.binary_search(&name) {
        return NAMES.get(found).map(|name| Cow::Borrowed(*name));
    }
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'));
    is_name.then(|| Cow::Owned(name.to_owned()))
}

/// That of a pipeline.
pub(super) fn of_all(pipeline: &Pipeline) -> &'static str {
    if pipeline.is_transaction() { "MULTI" } else { "PIPELINE" }
}

/// Refuses a command that has to have a connection of its own.
pub(super) fn check_shared(name: &str, command: &Cmd) -> Result<(), RedisError> {
    let is_own = match name {
        "CLIENT" => silences(command),
        "XREAD" | "XREADGROUP" => waits(command),
        _ => OWN_NAMES.binary_search(&name).is_ok(),
    };
    if !is_own {
        return Ok(());
    }
    let help = format!("{name} would hold up the others, or change what they mean: send it on `redis.dedicated()`");
    Err((ErrorKind::Client, "the command needs a connection of its own", help).into())
}

/// Whether `BLOCK` is among the options of a command that reads streams: they end with `STREAMS`.
fn waits(command: &Cmd) -> bool {
    let mut options = command.args_iter().take_while(|argument| !is(argument, b"STREAMS"));
    options.any(|argument| is(&argument, b"BLOCK"))
}

/// Whether it is `CLIENT REPLY`, after which answers would be taken for those to other commands.
fn silences(command: &Cmd) -> bool {
    command.args_iter().nth(1).is_some_and(|argument| is(&argument, b"REPLY"))
}

fn is(argument: &Arg<&[u8]>, word: &[u8]) -> bool {
    matches!(argument, Arg::Simple(text) if text.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use ::redis::{cmd, pipe};

    use super::*;

    #[test]
    fn the_tables_can_be_searched() {
        assert!(NAMES.is_sorted());
        assert!(OWN_NAMES.is_sorted());
        assert!(OWN_NAMES.iter().all(|name| NAMES.contains(name)));
        assert!(NAMES.iter().all(|name| name.len() <= LONGEST));
    }

    #[test]
    fn a_known_name_is_in_upper_case_and_costs_nothing() {
        for written in ["GET", "get", "Get"] {
            assert!(matches!(of(cmd(written).arg("key")), Cow::Borrowed("GET")));
        }
    }

    #[test]
    fn other_names_are_those_of_modules_or_none() {
        assert_eq!(of(&cmd("json.set")), "JSON.SET");
        for none in ["", "user 7", "a-very-long-name-that-nothing-has", "\u{1f980}"] {
            assert_eq!(of(&cmd(none)), "_OTHER", "{none}");
        }
        assert_eq!(of(&Cmd::new()), "_OTHER");
    }

    #[test]
    fn a_pipeline_is_called_by_its_kind() {
        assert_eq!(of_all(&pipe()), "PIPELINE");
        assert_eq!(of_all(pipe().atomic()), "MULTI");
    }

    #[test]
    fn what_waits_or_changes_the_connection_needs_one_of_its_own() {
        let needs = |command: &Cmd| check_shared(&of(command), command).is_err();
        assert!(needs(cmd("blpop").arg("queue").arg(0)));
        assert!(needs(cmd("WATCH").arg("key")));
        assert!(needs(cmd("XREAD").arg("block").arg(0).arg("STREAMS").arg("orders").arg("$")));
        assert!(!needs(cmd("XREAD").arg("STREAMS").arg("BLOCK").arg("0")));
        assert!(!needs(cmd("XREADGROUP").arg("GROUP").arg("a").arg("b").arg("STREAMS").arg("orders").arg(">")));
        assert!(needs(cmd("CLIENT").arg("reply").arg("OFF")));
        assert!(!needs(cmd("CLIENT").arg("LIST")));
        assert!(!needs(cmd("LPOP").arg("queue")));
    }
}
