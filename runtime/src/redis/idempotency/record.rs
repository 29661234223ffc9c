//! What Redis knows of a key: which request it is of, who carries it out, and the answer.

use std::{
    sync::{Arc, LazyLock},
    time::Duration,
};

use ::redis::{RedisResult, Script};
use tokio::{
    runtime::Handle,
    sync::oneshot,
    time::{Instant, sleep},
};

use super::{IdempotencyKey, Shared, error, keys, time};

/// How long to wait before an answer is tried to be kept again, or a key to be released: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(4));

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

/// The key, from before it is asked for until the request was carried out. Dropped, it is released.
pub(super) struct Running {
    /// `None` once it is for others to say what becomes of the key.
    record: Option<Arc<Record>>,
    /// Until when the handler may run.
    pub(super) deadline: Instant,
}

/// What becomes of a key.
enum Ending {
    Kept(Vec<u8>),
    Released,
}

// === impl Record ===

impl Record {
    pub(super) fn new(shared: Arc<Shared>, key: &IdempotencyKey, request: String) -> Self {
        let name = format!("{}:idempotency:{}", shared.prefix, key.scoped());
        Self { shared, key: name, run: keys::hex(&keys::random_bytes()), request }
    }

    /// Takes the key, or tells who has it: `None` while another one carries the request out.
    ///
    /// Dropped, it lets the key go that it may have taken.
    pub(super) async fn begin(self: &Arc<Self>) -> RedisResult<Option<Begun>> {
        let hold = self.shared.hold;
        // Before it is asked for: the key can't be free before it is over by this.
        let deadline = Instant::now() + hold - hold / 10;
        let mut running = Running { record: Some(Arc::clone(self)), deadline };
        let mut script = BEGIN.key(&self.key);
        script.arg(&self.request).arg(&self.run).arg(time::millis(hold));
        let (what, answer): (u8, Vec<u8>) = match script.invoke_async(&mut self.shared.redis.clone()).await {
            Ok((0, _)) => return Ok(Some(Begun::First(running))),
            // It may yet take the key.
            Err(error) if error::may_be_done(&error) => return Err(error),
            asked => {
                running.record = None;
                asked?
            }
        };
        Ok(match what {
            1 => Some(Begun::Other),
            2 => Some(Begun::Answered(answer)),
            _ => None,
        })
    }

    /// Whether the key was still this one's.
    async fn end(&self, ending: &Ending) -> RedisResult<bool> {
        let mut script = match ending {
            Ending::Kept(_) => KEEP.key(&self.key),
            Ending::Released => RELEASE.key(&self.key),
        };
        script.arg(&self.run);
        if let Ending::Kept(answer) = ending {
            script.arg(answer).arg(time::millis(self.shared.lifetime));
        }
        script.invoke_async(&mut self.shared.redis.clone()).await
    }

    /// Tries again and again until it is done, or the key is free by itself.
    async fn end_until(self: Arc<Self>, ending: Ending, deadline: Instant, tried: oneshot::Sender<()>) {
        let mut tried = Some(tried);
        let mut pause = PAUSES.0;
        let problem = loop {
            match self.end(&ending).await {
                Ok(true) => return,
                Ok(false) => break "the key was lost".into(),
                Err(error) if Instant::now() + pause >= deadline => break error.to_string(),
                Err(_) => {
                    tried = None;
                    sleep(time::jittered(pause)).await;
                    pause = (pause * 2).min(PAUSES.1);
                }
            }
        };
        drop(tried);
        if matches!(ending, Ending::Kept(_)) {
            tracing::warn!(target: "seaworthy::redis", "the answer to a request is not kept, so a repeat runs again: {problem}");
        }
    }
}

// === impl Running ===

impl Running {
    /// Keeps the answer. Completes after the first try; others follow while the key is held.
    ///
    /// It is not cancelled with the request: what was done is known here, whether or not the client is still there.
    pub(super) async fn keep(self, answer: Vec<u8>) {
        self.end(Ending::Kept(answer)).await;
    }

    /// Lets a repeat run. Completes after the first try, as [`keep`](Self::keep) does.
    pub(super) async fn release(self) {
        self.end(Ending::Released).await;
    }

    async fn end(mut self, ending: Ending) {
        if let Some(tried) = self.spawn_end(ending) {
            // Ends with the sender.
            _ = tried.await;
        }
    }

    fn spawn_end(&mut self, ending: Ending) -> Option<oneshot::Receiver<()>> {
        let (record, runtime) = (self.record.take()?, Handle::try_current().ok()?);
        let (trying, tried) = oneshot::channel();
        runtime.spawn(record.end_until(ending, self.deadline, trying));
        Some(tried)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.spawn_end(Ending::Released);
    }
}
