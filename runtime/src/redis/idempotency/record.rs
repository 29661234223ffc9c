//! What Redis knows of a key: which request it is of, who carries it out, and the answer.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use ::redis::{RedisResult, Script};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep},
};

use super::{IdempotencyKey, Shared, keys};

/// How long to wait before an answer that could not be kept is tried again.
const PAUSE: Duration = Duration::from_millis(250);

/// Takes a key that nobody has. ARGV: what the request asks for, who would carry it out, and for how many milliseconds.
/// Gives one of the numbers that [`Record::begin`] reads, and the answer if there is one.
static BEGIN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local request, answer = unpack(redis.call('HMGET', KEYS[1], 'request', 'answer'))
        if not request then
            redis.call('HSET', KEYS[1], 'request', ARGV[1], 'run', ARGV[2])
            redis.call('PEXPIRE', KEYS[1], ARGV[3])
            return {0, ''}
        elseif request ~= ARGV[1] then
            return {1, ''}
        elseif answer then
            return {2, answer}
        end
        return {3, ''}
        ",
    )
});

/// Keeps the answer of whoever has the key. ARGV: who, the answer, and for how many milliseconds.
static KEEP: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        if redis.call('HGET', KEYS[1], 'run') ~= ARGV[1] then
            return 0
        end
        redis.call('HSET', KEYS[1], 'answer', ARGV[2])
        redis.call('PEXPIRE', KEYS[1], ARGV[3])
        return 1
        ",
    )
});

/// Lets the key go, if it is this one's and there is no answer.
static RELEASE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local run, answer = unpack(redis.call('HMGET', KEYS[1], 'run', 'answer'))
        if run ~= ARGV[1] or answer then
            return 0
        end
        return redis.call('DEL', KEYS[1])
        ",
    )
});

/// A key in Redis, for one request that comes with it.
pub(super) struct Record {
    shared: Arc<Shared>,
    key: String,
    run: String,
    request: String,
}

/// What became of the wish to carry a request out.
pub(super) enum Begun {
    /// It is the first.
    First(Running),
    /// Another request has the key.
    Other,
    /// It was carried out, with this answer.
    Answered(Vec<u8>),
}

/// The key, while the request is carried out. Dropped, it is released.
pub(super) struct Running {
    record: Option<Record>,
    /// Until when the handler may run.
    pub(super) deadline: Instant,
}

// === impl Record ===

impl Record {
    pub(super) fn new(shared: Arc<Shared>, key: &IdempotencyKey, request: String) -> Self {
        let name = format!("{}:idempotency:{}", shared.prefix, key.scoped());
        Self { shared, key: name, run: keys::hex(&keys::random_bytes()), request }
    }

    /// Takes the key, or tells who has it. Gives itself back while another one carries the request out.
    pub(super) async fn begin(self) -> RedisResult<Result<Begun, Self>> {
        let hold = self.shared.hold;
        // Before it is asked for: the key can't be free before it is over by this.
        let deadline = Instant::now() + hold - hold / 10;
        let mut script = BEGIN.key(&self.key);
        script.arg(&self.request).arg(&self.run).arg(keys::millis(hold));
        let (what, answer): (u8, Vec<u8>) = script.invoke_async(&mut self.shared.redis.clone()).await?;
        Ok(match what {
            0 => Ok(Begun::First(Running { record: Some(self), deadline })),
            1 => Ok(Begun::Other),
            2 => Ok(Begun::Answered(answer)),
            _ => Err(self),
        })
    }

    /// Whether the key was still this one's.
    async fn keep(&self, answer: &[u8]) -> RedisResult<bool> {
        let mut script = KEEP.key(&self.key);
        script.arg(&self.run).arg(answer).arg(keys::millis(self.shared.lifetime));
        script.invoke_async(&mut self.shared.redis.clone()).await
    }

    async fn release(&self) {
        let mut script = RELEASE.key(&self.key);
        script.arg(&self.run);
        let released: RedisResult<bool> = script.invoke_async(&mut self.shared.redis.clone()).await;
        if let Err(error) = released {
            tracing::warn!(target: "seaworthy::redis", "an idempotency key is not released before its time: {error}");
        }
    }

    async fn keep_until(self, answer: Vec<u8>, deadline: Instant, tried: oneshot::Sender<()>) {
        let mut tried = Some(tried);
        loop {
            let problem = match self.keep(&answer).await {
                Ok(true) => return,
                Ok(false) => "its key was lost".into(),
                Err(error) if Instant::now() + PAUSE < deadline => {
                    tracing::debug!(target: "seaworthy::redis", "the answer to a request is not kept yet: {error}");
                    tried = None;
                    sleep(PAUSE).await;
                    continue;
                }
                Err(error) => error.to_string(),
            };
            drop(tried);
            tracing::warn!(target: "seaworthy::redis", "the answer to a request is not kept, so a repeat runs again: {problem}");
            return;
        }
    }
}

// === impl Running ===

impl Running {
    /// Keeps the answer. Completes after the first try; others follow while the key is held.
    ///
    /// It is not cancelled with the request: what was done is known here, whether or not the client is still there.
    pub(super) async fn keep(mut self, answer: Vec<u8>) {
        let Some(record) = self.record.take() else { return };
        let (trying, tried) = oneshot::channel();
        tokio::spawn(record.keep_until(answer, self.deadline, trying));
        // Ends with the sender.
        _ = tried.await;
    }

    /// Lets a repeat run.
    pub(super) async fn release(mut self) {
        if let Some(record) = &self.record {
            record.release().await;
        }
        self.record = None;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let (Some(record), Ok(runtime)) = (self.record.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move { record.release().await });
        }
    }
}
