//! The thread that waits for the disk, for [`Durability::Power`]: one sync for all who wait.
//!
//! [`Durability::Power`]: super::Durability::Power

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle, Thread};

use super::{Shared, unavailable};

pub(super) struct Syncer {
    thread: Thread,
    stop: Arc<AtomicBool>,
    handle: Option<JoinHandle<()>>,
}

impl Syncer {
    pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let handle = thread::Builder::new().name("novai-sync".to_owned()).spawn(move || {
            while !stopped.load(Ordering::Acquire) {
                if !sync(&shared) {
                    thread::park();
                }
            }
        })?;
        Ok(Syncer { thread: handle.thread().clone(), stop, handle: Some(handle) })
    }

    pub(super) fn wake(&self) {
        self.thread.unpark();
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        self.thread.unpark();
        if let Some(handle) = self.handle.take() {
            let _ = handle.join();
        }
    }
}

/// False if nobody waited.
fn sync(shared: &Shared) -> bool {
    let (waiting, files) = {
        let mut state = shared.lock();
        if state.waiting_for_sync.is_empty() {
            return false;
        }
        (std::mem::take(&mut state.waiting_for_sync), state.journal.unsynced())
    };
    let synced = files.iter().try_for_each(|file| file.sync_data());
    for waiting in waiting {
        let answer = match &synced {
            Ok(()) => Ok(()),
            Err(error) => Err(unavailable(error.to_string())),
        };
        let _ = waiting.send(answer);
    }
    true
}
