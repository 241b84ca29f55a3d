//! The one thing that shards need of a lock. Tests put shuttle's in its place, which tries the orders in which threads can
//! take it.

use std::ops::DerefMut;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub trait Locks: Send + Sync + 'static {
    type Lock<T: Send + 'static>: Send + Sync;
    type Guard<'a, T: Send + 'static>: DerefMut<Target = T>;

    fn new<T: Send + 'static>(value: T) -> Self::Lock<T>;
    fn lock<T: Send + 'static>(lock: &Self::Lock<T>) -> Self::Guard<'_, T>;
}

/// The standard library's.
pub struct StdLocks;

impl Locks for StdLocks {
    type Lock<T: Send + 'static> = Mutex<T>;
    type Guard<'a, T: Send + 'static> = MutexGuard<'a, T>;

    fn new<T: Send + 'static>(value: T) -> Mutex<T> {
        Mutex::new(value)
    }

    fn lock<T: Send + 'static>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
        // Nothing below panics half-way through a change.
        lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
