//! What a process wrote and how it ended, as it happens.

use std::{
    fmt,
    io::{BufRead, BufReader, Read},
    os::unix::process::ExitStatusExt,
    process::ExitStatus,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::Value;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it, unless it exited.
    pub signal: Option<i32>,
    /// How long it took since the first signal that was sent to it, or since its start where none was.
    pub elapsed: Duration,
}

/// What is known of a process; every change wakes who waits.
#[derive(Debug, Default)]
pub(super) struct Watched {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct State {
    lines: Vec<Line>,
    /// Of stdout and stderr, those that reached their end.
    ended_streams: usize,
    exited: Option<Instant>,
}

#[derive(Debug)]
struct Line {
    stream: Stream,
    text: String,
    json: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Out,
    Err,
}

/// What was waited for did not come.
pub(super) enum Missed {
    TooLate,
    Ended,
}

// === impl Watched ===

impl Watched {
    /// Reads a stream to its end. Meant for a thread of its own.
    pub(super) fn read(&self, stream: Stream, from: impl Read) {
        let mut from = BufReader::new(from);
        let mut bytes = Vec::new();
        while matches!(from.read_until(b'\n', &mut bytes), Ok(1..)) {
            let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
            bytes.clear();
            let json = text.starts_with('{').then(|| serde_json::from_str(&text).ok()).flatten();
            self.lock().lines.push(Line { stream, text, json });
            self.changed.notify_all();
        }
        self.lock().ended_streams += 1;
        self.changed.notify_all();
    }

    /// Records that the process exited just now.
    pub(super) fn exited(&self) {
        self.lock().exited = Some(Instant::now());
        self.changed.notify_all();
    }

    /// Waits until something is found in what is known.
    pub(super) fn wait<T>(&self, within: Duration, mut find: impl FnMut(&State) -> Option<T>) -> Result<T, Missed> {
        let deadline = Instant::now() + within;
        let mut state = self.lock();
        loop {
            if let Some(found) = find(&state) {
                return Ok(found);
            }
            if state.is_complete() {
                return Err(Missed::Ended);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Missed::TooLate);
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits for a line of JSON that `wanted` accepts, whether it was written before or comes now.
    pub(super) fn wait_for_log(
        &self,
        within: Duration,
        mut wanted: impl FnMut(&Value) -> bool,
    ) -> Result<Value, Missed> {
        let mut seen = 0;
        self.wait(within, |state| {
            let new = state.lines.get(seen..).unwrap_or_default();
            seen = state.lines.len();
            new.iter().filter_map(|line| line.json.as_ref()).find(|json| wanted(json)).cloned()
        })
    }

    /// The lines of JSON so far.
    pub(super) fn logs(&self) -> Vec<Value> {
        self.lock().lines.iter().filter_map(|line| line.json.clone()).collect()
    }

    /// What was written to a stream so far.
    pub(super) fn text(&self, stream: Stream) -> String {
        self.lock().lines.iter().filter(|line| line.stream == stream).map(|line| format!("{}\n", line.text)).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows what the process wrote, its last 200 lines.
impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let omitted = state.lines.len().saturating_sub(200);
        if omitted > 0 {
            writeln!(f, "  | ... {omitted} lines before")?;
        }
        for line in state.lines.iter().skip(omitted) {
            writeln!(f, "  | {}", line.text)?;
        }
        Ok(())
    }
}

// === impl State ===

impl State {
    /// When the process exited, once all it wrote was read too.
    pub(super) fn end(&self) -> Option<Instant> {
        self.exited.filter(|_| self.ended_streams == 2)
    }

    fn is_complete(&self) -> bool {
        self.end().is_some()
    }
}

// === impl Exit ===

impl Exit {
    pub(super) fn new(status: ExitStatus, elapsed: Duration) -> Self {
        Self { code: status.code(), signal: status.signal(), elapsed }
    }
}
