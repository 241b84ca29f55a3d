//! Where log lines go: collected in memory, written by a thread of its own.
//!
//! A request must not wait for a disk or a terminal, and a write per line would cost more than the line itself. Lines are
//! copied into one buffer; the writer wakes when it stops being empty, lets a little more come, and writes all at once.
//! The buffer is bounded: when the target cannot keep up, lines are dropped, and the next line written says how many.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use novai_http::access_log::LineSink;
use tracing_subscriber::fmt::MakeWriter;

/// Some ten thousand lines.
const BUFFER_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How long lines may wait for company. Short enough to watch a log, long enough to write a burst at once.
const BATCH_DELAY: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub struct Sink {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    buffer: Vec<u8>,
    lines_dropped: u64,
    is_closed: bool,
}

/// Ends the writer when dropped, after everything was written.
pub struct Writer {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Sink {
    pub fn start(target: impl Write + Send + 'static) -> std::io::Result<(Sink, Writer)> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || write_all(&of_thread, target))?;
        Ok((Sink { shared: Arc::clone(&shared) }, Writer { shared, thread: Some(thread) }))
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LineSink for Sink {
    fn write_line(&self, line: &[u8]) {
        let mut state = self.shared.lock();
        if state.buffer.len() + line.len() > BUFFER_BYTES_MAX {
            state.lines_dropped += 1;
            return;
        }
        let was_empty = state.buffer.is_empty();
        state.buffer.extend_from_slice(line);
        drop(state);
        if was_empty {
            self.shared.changed.notify_one();
        }
    }
}

fn write_all(shared: &Shared, mut target: impl Write) {
    let mut batch = Vec::new();
    let mut state = shared.lock();
    loop {
        while state.buffer.is_empty() && !state.is_closed {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.is_closed {
            let delayed = shared.changed.wait_timeout_while(state, BATCH_DELAY, |state| !state.is_closed);
            state = delayed.unwrap_or_else(PoisonError::into_inner).0;
        }
        std::mem::swap(&mut batch, &mut state.buffer);
        let lines_dropped = std::mem::take(&mut state.lines_dropped);
        let is_closed = state.is_closed;
        drop(state);
        if lines_dropped > 0 {
            let told = format!(
                r#"{{"level":"WARN","target":"novai::log","message":"the log could not keep up","lines_dropped":{lines_dropped}}}"#
            );
            batch.extend_from_slice(told.as_bytes());
            batch.push(b'\n');
        }
        // There is nobody to tell about a log that cannot be written.
        let _ = target.write_all(&batch).and_then(|()| target.flush());
        batch.clear();
        if is_closed {
            return;
        }
        state = shared.lock();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// `tracing` writes one event per `write`.
pub struct EventWriter(Sink);

impl Write for EventWriter {
    fn write(&mut self, event: &[u8]) -> std::io::Result<usize> {
        self.0.write_line(event);
        Ok(event.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Sink {
    type Writer = EventWriter;

    fn make_writer(&'a self) -> EventWriter {
        EventWriter(self.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Default)]
    struct Target(Arc<Mutex<Vec<u8>>>);

    impl Write for Target {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn everything_is_written_before_the_writer_ends() {
        let target = Target::default();
        let (sink, writer) = Sink::start(target.clone()).unwrap();
        for number in 0..1000 {
            sink.write_line(format!("{number}\n").as_bytes());
        }
        drop(writer);
        let written = String::from_utf8(target.0.lock().unwrap().clone()).unwrap();
        let expected: String = (0..1000).map(|number| format!("{number}\n")).collect();
        assert_eq!(written, expected);
    }

    #[test]
    fn a_full_buffer_drops_lines_and_says_so() {
        /// Blocks until the test lets go.
        struct Stuck(Arc<Mutex<()>>, Target);
        impl Write for Stuck {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                let _free = self.0.lock().unwrap();
                self.1.write(bytes)
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let (gate, target) = (Arc::new(Mutex::new(())), Target::default());
        let (sink, writer) = Sink::start(Stuck(Arc::clone(&gate), target.clone())).unwrap();
        let closed = gate.lock().unwrap();
        // Two buffers' worth and one line: the writer may have taken one.
        let line = vec![b'x'; BUFFER_BYTES_MAX / 2];
        for _ in 0..5 {
            sink.write_line(&line);
        }
        drop(closed);
        drop(writer);
        let written = target.0.lock().unwrap().clone();
        assert!(String::from_utf8_lossy(&written).contains("lines_dropped"), "{} bytes", written.len());
    }
}
