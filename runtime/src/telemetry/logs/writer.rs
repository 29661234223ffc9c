//! The way to stdout: a bounded buffer, and a thread that empties it.
//!
//! The bound is in bytes, since lines differ. Lines wait in buffers of one size, which go to the thread and come back: none
//! is allocated once there are two, and none grows, which would leave its smaller ones behind. The writing goes past [`std::io::stdout`], whose lock a blocked write would hold against every
//! `println!` of the process.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Write},
    mem,
    os::fd::AsFd,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

/// How many bytes may wait; a line past this is dropped.
const CAPACITY: usize = 4 * 1024 * 1024;
/// How long lines gather, where there are many. The first after a pause goes at once.
const PAUSE: Duration = Duration::from_millis(5);
/// As many bytes as are worth a write before that, and as fit into a buffer.
const ENOUGH: usize = 32 * 1024;

/// Takes lines without waiting, and writes them from its own thread.
pub(crate) struct Writer {
    state: Mutex<State>,
    filled: Condvar,
    written: Condvar,
}

#[derive(Default)]
struct State {
    /// Buffers with no room for the line that came next.
    full: VecDeque<Vec<u8>>,
    /// That which lines are added to.
    waiting: Vec<u8>,
    /// An empty one to take its place.
    spare: Vec<u8>,
    /// How many bytes are in the full ones.
    behind: usize,
    /// Counts the buffers that were handed to the thread, and those it is done with.
    taken: u64,
    done: u64,
    /// How many wait for what is there to be written.
    flushes: usize,
    /// Whether the thread waits for lines.
    is_idle: bool,
}

// === impl Writer ===

impl Writer {
    /// Starts the thread that writes to stdout.
    pub(crate) fn to_stdout() -> Arc<Self> {
        // Without stdout (it may be closed), lines go nowhere.
        let out: Box<dyn Write + Send> = match io::stdout().as_fd().try_clone_to_owned() {
            Ok(stdout) => Box::new(File::from(stdout)),
            Err(_) => Box::new(io::sink()),
        };
        Self::to(out)
    }

    pub(crate) fn to(out: impl Write + Send + 'static) -> Arc<Self> {
        let writer = Arc::new(Self { state: Mutex::default(), filled: Condvar::new(), written: Condvar::new() });
        let thread = Arc::clone(&writer);
        // Without the thread, lines fill the buffer and are then counted as dropped.
        _ = thread::Builder::new().name("seaworthy-logs".into()).spawn(move || thread.run(out));
        writer
    }

    /// Takes a line. It is dropped and counted where too many wait.
    pub(crate) fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        let before = state.len();
        if before + line.len() > CAPACITY {
            drop(state);
            dropped("queue_full", 1);
            return;
        }
        if state.waiting.capacity() - state.waiting.len() < line.len() {
            state.make_room(line.len());
        }
        state.waiting.extend_from_slice(line);
        let is_wanted = mem::take(&mut state.is_idle) || (before < ENOUGH && state.len() >= ENOUGH);
        drop(state);
        if is_wanted {
            self.filled.notify_one();
        }
    }

    /// Waits until what was taken so far is written, at most this long. Says whether it is.
    pub(crate) fn flush(&self, within: Duration) -> bool {
        let deadline = Instant::now() + within;
        let mut state = self.lock();
        let goal = state.taken + state.full.len() as u64 + u64::from(!state.waiting.is_empty());
        state.flushes += 1;
        self.filled.notify_one();
        while state.done < goal {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.written.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.flushes -= 1;
        state.done >= goal
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn run(&self, mut out: impl Write) {
        let mut last = None;
        loop {
            let mut lines = self.wait(last).take();

            if let Err(rest) = write_all(&mut out, &lines) {
                dropped("write_error", count_lines(&lines[rest..]));
            }
            lines.clear();
            self.lock().give_back(lines);
            self.written.notify_all();
            last = Some(Instant::now());
        }
    }

    /// Waits for lines. Soon after the last were written, for some more than one, which saves a busy service most of the
    /// wake-ups and writes.
    fn wait(&self, last: Option<Instant>) -> MutexGuard<'_, State> {
        let mut state = self.lock();
        while let Some(left) = last.and_then(|last: Instant| PAUSE.checked_sub(last.elapsed()))
            && state.flushes == 0
            && state.len() < ENOUGH
        {
            state = self.filled.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        while state.len() == 0 {
            state.is_idle = true;
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.is_idle = false;
        state
    }
}

// === impl State ===

impl State {
    /// How many bytes wait.
    fn len(&self) -> usize {
        self.behind + self.waiting.len()
    }

    /// Sees that a line of this length fits.
    #[cold]
    fn make_room(&mut self, line: usize) {
        let mut empty = mem::take(&mut self.spare);
        empty.reserve_exact(ENOUGH.max(line));
        let full = mem::replace(&mut self.waiting, empty);
        if !full.is_empty() {
            self.behind += full.len();
            self.full.push_back(full);
        }
    }

    /// The lines that wait longest.
    fn take(&mut self) -> Vec<u8> {
        self.taken += 1;
        match self.full.pop_front() {
            Some(lines) => {
                self.behind -= lines.len();
                lines
            }
            None => mem::replace(&mut self.waiting, mem::take(&mut self.spare)),
        }
    }

    /// Takes back what [`take`](Self::take) gave, empty.
    fn give_back(&mut self, lines: Vec<u8>) {
        self.done += 1;
        // One that had to be larger for a long line is not worth its memory.
        if lines.capacity() <= ENOUGH {
            self.spare = lines;
        }
    }
}

/// Writes everything, or says where it stopped. A descriptor that somebody made non-blocking is waited for.
fn write_all(out: &mut impl Write, bytes: &[u8]) -> Result<(), usize> {
    let mut at = 0;
    while at < bytes.len() {
        match out.write(&bytes[at..]) {
            Ok(0) => return Err(at),
            Ok(written) => at += written,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                thread::sleep(Duration::from_millis(5));
            }
            Err(_) => return Err(at),
        }
    }
    Ok(())
}

fn count_lines(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}

fn dropped(reason: &'static str, lines: u64) {
    metrics::counter!("seaworthy_logs_dropped_total", "reason" => reason).increment(lines);
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    struct Channel(mpsc::SyncSender<Vec<u8>>);

    impl Write for Channel {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(|_| io::ErrorKind::BrokenPipe)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_are_written_in_order() {
        let (sender, receiver) = mpsc::sync_channel(1000);
        let writer = Writer::to(Channel(sender));
        for number in 0..100 {
            writer.push(format!("{number}\n").as_bytes());
        }
        assert!(writer.flush(Duration::from_secs(10)));
        let text: Vec<u8> = receiver.try_iter().flatten().collect();
        let expected: String = (0..100).map(|number| format!("{number}\n")).collect();
        assert_eq!(String::from_utf8(text).unwrap(), expected);
        assert!(writer.flush(Duration::ZERO));
    }

    #[test]
    fn a_blocked_reader_blocks_neither_lines_nor_the_flush() {
        let (sender, receiver) = mpsc::sync_channel(0);
        let writer = Writer::to(Channel(sender));
        let line = [b'x'; 64 * 1024];
        for _ in 0..200 {
            writer.push(&line);
        }
        assert!(writer.lock().len() <= CAPACITY);
        assert!(!writer.flush(Duration::from_millis(20)));
        drop(receiver);
        assert!(writer.flush(Duration::from_secs(10)));
    }

    #[test]
    fn lines_of_any_length_keep_their_order_and_no_memory() {
        let (sender, receiver) = mpsc::sync_channel(1000);
        let writer = Writer::to(Channel(sender));
        let mut expected = Vec::new();
        for (number, length) in [(b'a', 10), (b'b', ENOUGH), (b'c', ENOUGH + 1), (b'd', 1), (b'e', 3 * ENOUGH)] {
            let line = vec![number; length];
            writer.push(&line);
            expected.extend(line);
        }
        assert!(writer.flush(Duration::from_secs(10)));
        assert_eq!(receiver.try_iter().flatten().collect::<Vec<u8>>(), expected);
        let state = writer.lock();
        assert_eq!((state.len(), state.full.len()), (0, 0));
        assert!(state.spare.capacity() <= ENOUGH);
    }

    #[test]
    fn a_broken_pipe_is_survived() {
        let (sender, receiver) = mpsc::sync_channel(0);
        drop(receiver);
        let writer = Writer::to(Channel(sender));
        for _ in 0..3 {
            writer.push(b"line\n");
            assert!(writer.flush(Duration::from_secs(10)));
        }
    }
}
