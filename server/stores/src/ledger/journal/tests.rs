use super::*;

/// Stored in memory, where the system allows it, and written.
const BOTH: [Durability; 2] = [Durability::Process, Durability::Power];

fn begun(dir: &Path) -> Journal {
    begun_as(dir, Durability::Process)
}

fn begun_as(dir: &Path, durability: Durability) -> Journal {
    let left = Journal::lock(dir).unwrap();
    Journal::begin(dir, left, durability).unwrap()
}

fn append(journal: &mut Journal, text: &str) -> SegmentId {
    journal.append(0, |out| out.extend_from_slice(text.as_bytes())).unwrap()
}

fn texts(dir: &Path) -> Vec<String> {
    let left = Journal::lock(dir).unwrap();
    let records = left.segments.iter().flat_map(|path| read(path).unwrap());
    records.map(|record| String::from_utf8(record).unwrap()).collect()
}

#[test]
fn what_was_appended_is_there_at_the_next_start() {
    for durability in BOTH {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = begun_as(dir.path(), durability);
        let filler = "x".repeat(60_000);
        let mut expected = Vec::new();
        // Some segments' worth.
        for number in 0..200 {
            expected.push(format!("{number} {filler}"));
            append(&mut journal, expected.last().unwrap());
        }
        assert!(journal.full_count() >= 2);
        drop(journal);
        assert_eq!(texts(dir.path()), expected, "{durability:?}");
        let _ = begun_as(dir.path(), durability);
        assert_eq!(texts(dir.path()), Vec::<String>::new(), "begun anew");
    }
}

#[test]
fn one_process_at_a_time() {
    let dir = tempfile::tempdir().unwrap();
    let journal = begun(dir.path());
    let refused = Journal::lock(dir.path()).err().expect("locked").to_string();
    assert!(refused.contains("another novai uses"), "{refused}");
    drop(journal);
    assert!(Journal::lock(dir.path()).is_ok());
}

#[test]
fn a_record_that_was_cut_off_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = begun(dir.path());
    for text in ["one", "two", "three"] {
        append(&mut journal, text);
    }
    drop(journal);
    let path = Journal::lock(dir.path()).unwrap().segments.remove(0);
    let whole = std::fs::read(&path).unwrap();
    let end = whole.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for cut in 0..=end {
        // A crash leaves zeros where nothing was written.
        let mut bytes = whole.clone();
        bytes[cut..].fill(0);
        std::fs::write(&path, &bytes).unwrap();
        let expected = [11, 22, end].iter().filter(|until| cut >= **until).count();
        assert_eq!(texts(dir.path()).len(), expected, "cut at {cut}");
        // One flipped bit is as bad.
        let mut bytes = whole.clone();
        bytes[cut.min(end - 1)] ^= 1;
        std::fs::write(&path, &bytes).unwrap();
        assert!(texts(dir.path()).len() < 3, "flipped at {cut}");
    }
}

#[test]
fn a_place_that_was_not_written_is_passed_over() {
    for durability in BOTH {
        check_places(durability);
    }
}

fn check_places(durability: Durability) {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = begun_as(dir.path(), durability);
    let placed = ["one", "two", "three", "four"].map(|text| {
        let bytes = frame(|out| out.extend_from_slice(text.as_bytes()));
        (journal.place(bytes.len(), 0).unwrap(), bytes)
    });
    // Not in their order, and the second not at all, in part, and whole.
    for (written, expected) in [
        (0, &["one", "three", "four"][..]),
        (1, &["one", "three", "four"]),
        (10, &["one", "three", "four"]),
        (11, &["one", "two", "three", "four"]),
    ] {
        for index in [3, 0, 2] {
            let (place, bytes) = &placed[index];
            place.write(bytes).unwrap();
        }
        placed[1].0.write(&placed[1].1[..written]).unwrap();
        let path = journal.current.id.path(dir.path());
        let texts: Vec<_> =
            read(&path).unwrap().into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect();
        assert_eq!(texts, expected, "{durability:?}, {written} bytes of the second");
    }
}

#[test]
fn room_is_kept_for_what_must_follow() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = begun(dir.path());
    let first = append(&mut journal, "small");
    let room = journal.current.room();
    assert!(!journal.append_if_room(room, |out| out.push(1)).unwrap(), "it can do without");
    let second = journal.append(room, |out| out.push(1)).unwrap();
    assert!(second > first, "another segment had to be made");
    assert!(journal.current.room() >= room);
    assert_eq!(journal.oldest_full(), Some(first));
    assert_eq!(journal.give_up_oldest_full(), Some(first.path(dir.path())));
    assert_eq!(journal.oldest_full(), None);
}

#[test]
fn a_spare_is_used_when_it_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = begun(dir.path());
    assert!(!journal.wants_spare());
    let half = journal.current.room() / 2;
    while journal.current.room() > half {
        append(&mut journal, &"x".repeat(60_000));
    }
    assert!(journal.wants_spare());
    let spare = journal.next_spare().make().unwrap();
    let id = spare.id;
    journal.store_spare(spare);
    assert!(!journal.wants_spare());
    let mut last = append(&mut journal, "x");
    while journal.full_count() == 0 {
        last = append(&mut journal, &"x".repeat(60_000));
    }
    assert_eq!(last, id);
}

#[test]
fn full_segments_are_synced_once_where_anybody_syncs() {
    for (durability, expected) in BOTH.into_iter().zip([[1, 1], [3, 1]]) {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = begun_as(dir.path(), durability);
        while journal.full_count() < 2 {
            append(&mut journal, &"x".repeat(60_000));
        }
        let counts = [journal.unsynced().len(), journal.unsynced().len()];
        assert_eq!(counts, expected, "{durability:?}");
    }
}
