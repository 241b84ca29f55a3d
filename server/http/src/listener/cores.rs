//! Threads that each run connections of their own, from the first byte to the last. Start at [`Cores::start`].
//!
//! In a runtime that shares its tasks among its threads, one of them at a time asks the kernel for everybody, hands out what it
//! learns and wakes others for it. Here each thread asks for its own connections, and whatever a request does (its upstream's
//! connection, its timers, its tasks) stays on that thread: at 64 connections a request takes about a tenth less CPU.
//!
//! The price: what computes for long delays its neighbours, and one HTTP/2 connection is one thread's, whatever it carries
//! (docs/adr/0015).

use std::convert::Infallible;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use tokio::net::TcpStream;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// For file look-ups and long counts of tokens; tokio's 512 would be for each of the threads.
const BLOCKING_THREADS_MAX: usize = 64;

/// The default has no threads: connections run in the runtime that accepts them.
#[derive(Default)]
pub struct Cores(Vec<Core>);

struct Core {
    runtime: Handle,
    /// Each of its connections has a clone.
    connections: Arc<()>,
    thread: JoinHandle<()>,
    /// The thread ends when this is dropped.
    _running: oneshot::Sender<Infallible>,
}

impl Cores {
    /// Fails where the operating system gives no more threads or files.
    pub fn start(count: NonZeroUsize) -> io::Result<Self> {
        (0..count.get()).map(Core::start).collect::<io::Result<_>>().map(Cores)
    }

    /// Runs a connection on the thread that has the fewest.
    pub(super) fn spawn<F: Future<Output = ()> + Send + 'static>(
        &self,
        socket: TcpStream,
        run: impl FnOnce(TcpStream) -> F + Send + 'static,
    ) {
        let Some(core) = self.0.iter().min_by_key(|core| Arc::strong_count(&core.connections)) else {
            tokio::spawn(run(socket));
            return;
        };
        let counted = Arc::clone(&core.connections);
        core.runtime.spawn(async move {
            match socket.into_std().and_then(TcpStream::from_std) {
                Ok(socket) => run(socket).await,
                Err(error) => tracing::error!(%error, "a connection cannot be handed to its thread"),
            }
            drop(counted);
        });
    }
}

impl Drop for Cores {
    /// What still runs is dropped, and the threads have ended.
    fn drop(&mut self) {
        let threads: Vec<_> = self.0.drain(..).map(|core| core.thread).collect();
        for thread in threads {
            // It has said so itself if it panicked.
            let _ = thread.join();
        }
    }
}

impl Core {
    fn start(number: usize) -> io::Result<Self> {
        let runtime =
            Builder::new_current_thread().enable_all().max_blocking_threads(BLOCKING_THREADS_MAX).build()?;
        let handle = runtime.handle().clone();
        let (running, ended) = oneshot::channel::<Infallible>();
        let thread = thread::Builder::new().name(format!("novai-core-{number}")).spawn(move || {
            let _ = runtime.block_on(ended);
            runtime.shutdown_background();
        })?;
        Ok(Core { runtime: handle, connections: Arc::default(), thread, _running: running })
    }
}

#[cfg(test)]
mod tests {
    use std::thread::ThreadId;

    use tokio::net::TcpListener;
    use tokio::sync::mpsc;

    use super::*;

    const TWO: NonZeroUsize = NonZeroUsize::new(2).unwrap();

    async fn accepted(listener: &TcpListener) -> (TcpStream, TcpStream) {
        let near = TcpStream::connect(listener.local_addr().unwrap());
        let (near, accepted) = tokio::join!(near, listener.accept());
        (near.unwrap(), accepted.unwrap().0)
    }

    /// Each connection tells its thread as often as it can read a byte, and ends with its socket.
    fn spawn(cores: &Cores, socket: TcpStream, told: mpsc::UnboundedSender<ThreadId>) {
        cores.spawn(socket, move |socket| async move {
            let mut byte = [0];
            while socket.readable().await.is_ok() {
                match socket.try_read(&mut byte) {
                    Ok(0) => break,
                    Ok(_) => told.send(thread::current().id()).unwrap(),
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
                }
            }
        });
    }

    #[tokio::test]
    async fn a_connection_stays_on_the_thread_that_had_the_fewest() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cores = Cores::start(TWO).unwrap();
        let mut clients = Vec::new();
        for _ in 0..4 {
            let (client, socket) = accepted(&listener).await;
            let (told, threads) = mpsc::unbounded_channel();
            spawn(&cores, socket, told);
            clients.push((client, threads));
        }
        let mut seen = Vec::new();
        for (client, threads) in &mut clients {
            client.try_write(b"1").unwrap();
            let first = threads.recv().await.unwrap();
            client.try_write(b"2").unwrap();
            assert_eq!(threads.recv().await.unwrap(), first);
            seen.push(first);
        }
        assert_eq!((seen[0], seen[1]), (seen[2], seen[3]));
        assert_ne!(seen[0], seen[1]);
        assert!(!seen.contains(&thread::current().id()));

        // The second thread loses both of its own, and gets the next one.
        for index in [3, 1] {
            let (client, mut threads) = clients.remove(index);
            drop(client);
            assert_eq!(threads.recv().await, None);
        }
        let (client, socket) = accepted(&listener).await;
        let (told, mut threads) = mpsc::unbounded_channel();
        spawn(&cores, socket, told);
        client.try_write(b"1").unwrap();
        assert_eq!(threads.recv().await, Some(seen[1]));
    }

    #[tokio::test]
    async fn without_threads_a_connection_runs_where_it_was_accepted() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, socket) = accepted(&listener).await;
        let (told, mut threads) = mpsc::unbounded_channel();
        spawn(&Cores::default(), socket, told);
        client.try_write(b"1").unwrap();
        assert_eq!(threads.recv().await, Some(thread::current().id()));
    }

    #[tokio::test]
    async fn dropped_threads_drop_what_runs_on_them() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let cores = Cores::start(TWO).unwrap();
        let (_client, socket) = accepted(&listener).await;
        let (told, mut threads) = mpsc::unbounded_channel();
        spawn(&cores, socket, told);
        drop(cores);
        assert_eq!(threads.recv().await, None);
    }
}
