//! The lock on a journal's directory: one process at a time, for as long as it lives.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;

/// Unlocked by hand. Closing the file ends the lock only once nobody else has the file open, and a child that this process
/// has just forked to start a program has it until its `exec`: a ledger that was opened again at that moment found itself
/// in use.
pub(super) struct Lock(File);

impl Lock {
    /// `None` if somebody else has it.
    pub(super) fn take(path: &Path) -> io::Result<Option<Self>> {
        let file = File::create(path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock(file))),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // The system unlocks at the latest when the process ends.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_although_a_forked_child_still_has_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let lock = Lock::take(&path).unwrap().expect("free");
        // What fork leaves in a child: the same open file.
        let of_child = lock.0.try_clone().unwrap();
        assert!(Lock::take(&path).unwrap().is_none(), "taken");
        drop(lock);
        assert!(Lock::take(&path).unwrap().is_some(), "free again");
        drop(of_child);
    }
}
