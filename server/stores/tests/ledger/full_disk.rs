//! A disk without room, on a small file system of the test's own: new requests are refused with the reason, what runs is
//! settled, nothing is damaged, and all is well when there is room again.

#![cfg(target_os = "linux")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use novai_core::money::{Budgets, Ledger, Refusal};

use crate::support::{Books, reserve, settle, totals, usage};

/// Room for SQLite, two segments of the journal, and little else.
const MIB: u64 = 14;

struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where tests may not mount anything.
    fn mount() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={MIB}m"), "tmpfs"])
            .arg(dir.path())
            .output();
        let is_mounted = mounted.is_ok_and(|output| output.status.success());
        if !is_mounted {
            println!("skipped: a file system can only be mounted by root");
        }
        is_mounted.then_some(SmallDisk(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Leaves no byte free. What it wrote goes when it is dropped.
    fn fill(&self) -> Filler {
        let path = self.path().join("filler");
        let mut file = std::fs::File::create(&path).unwrap();
        for size in [64 << 10, 1 << 10, 1] {
            while file.write_all(&vec![1; size]).is_ok() {}
        }
        Filler(path)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

struct Filler(PathBuf);

impl Drop for Filler {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// How many were settled until one was refused, and why that was.
async fn until_refused(books: &Books, ledger: &dyn Ledger) -> (u64, String) {
    for settled in 0..100_000 {
        let reservation = Arc::new(books.reservation("key_1", 100));
        match reserve(ledger, &reservation, &Budgets::default()).await {
            Ok(()) => drop(settle(ledger, &reservation, usage(1, 2))),
            Err(Refusal::Unavailable(source)) => return (settled, source.to_string()),
            Err(other) => panic!("{other}"),
        }
    }
    panic!("a full disk refuses nobody");
}

#[tokio::test]
async fn nothing_is_lost_and_all_is_well_afterwards() {
    let Some(disk) = SmallDisk::mount() else { return };
    let books = Books::on(disk.path());
    let opened = books.open().await;
    let running = Arc::new(books.reservation("key_1", 100));
    reserve(&*opened.ledger, &running, &Budgets::default()).await.unwrap();

    let filler = disk.fill();
    let (settled, reason) = until_refused(&books, &*opened.ledger).await;
    assert!(reason.contains("No space left"), "{reason}");
    settle(&*opened.ledger, &running, usage(1, 2));
    let failed = opened.ledger.flush().await.unwrap_err().to_string();
    assert!(failed.contains("the ledger is not available"), "{failed}");

    drop(filler);
    opened.ledger.flush().await.expect("there is room again");
    let expected = settled + 1;
    assert_eq!(totals(&*opened.ledger).await, (expected, expected, 2 * expected, 5000 * expected));
    let next = Arc::new(books.reservation("key_1", 100));
    reserve(&*opened.ledger, &next, &Budgets::default()).await.expect("requests are taken again");
}

#[tokio::test]
async fn a_process_that_dies_on_a_full_disk_loses_nothing() {
    let Some(disk) = SmallDisk::mount() else { return };
    let books = Books::on(disk.path());
    let opened = books.open().await;
    let filler = disk.fill();
    let (settled, _) = until_refused(&books, &*opened.ledger).await;
    drop(opened);

    let refused = books.try_open().await.expect_err("there is no room to begin with");
    assert!(refused.contains("full") || refused.contains("No space left"), "{refused}");
    drop(filler);
    let again = books.open().await;
    assert_eq!(totals(&*again.ledger).await, (settled, settled, 2 * settled, 5000 * settled));
}
