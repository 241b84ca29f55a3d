use std::cell::Cell;
use std::time::UNIX_EPOCH;

use super::*;

fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    lines.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

#[test]
fn asked_waits() {
    // 2015-10-21 07:28:00.
    let now = UNIX_EPOCH + Duration::from_secs(1_445_412_480);
    for (lines, ms) in [
        (vec![], None),
        (vec![("retry-after", "7")], Some(7_000)),
        (vec![("retry-after", " 7 ")], Some(7_000)),
        (vec![("retry-after", "0.5")], Some(500)),
        (vec![("retry-after", "Wed, 21 Oct 2015 07:28:30 GMT")], Some(30_000)),
        (vec![("retry-after", "Wed, 21 Oct 2015 07:27:30 GMT")], Some(0)),
        (vec![("retry-after-ms", "374"), ("retry-after", "7")], Some(374)),
        (vec![("retry-after-ms", "junk"), ("retry-after", "7")], Some(7_000)),
        (vec![("retry-after-ms", "0")], Some(0)),
        (vec![("retry-after", "-1")], None),
        (vec![("retry-after", "inf")], None),
        (vec![("retry-after", "NaN")], None),
        (vec![("retry-after", "1e300")], None),
        (vec![("retry-after", "")], None),
        (vec![("retry-after", "tomorrow")], None),
    ] {
        assert_eq!(retry_after(&headers(&lines), now), ms.map(Duration::from_millis), "{lines:?}");
    }
}

#[test]
fn waits_double_up_to_the_cap_and_jitter_takes_up_to_half() {
    let options = Options::default();
    let wait = |attempt, fraction| delay(&options, attempt, None, fraction).as_millis();
    for (attempt, most) in
        [(1, 500), (2, 1_000), (3, 2_000), (4, 4_000), (5, 8_000), (6, 8_000), (40, 8_000), (u32::MAX, 8_000)]
    {
        assert_eq!(wait(attempt, 0.0), most);
        assert_eq!(wait(attempt, 0.5), most * 3 / 4);
        assert!(wait(attempt, 0.999) >= most / 2);
    }
    let asked = |secs| delay(&options, 1, Some(Duration::from_secs(secs)), 0.9);
    assert_eq!((asked(3), asked(3_600)), (Duration::from_secs(3), Duration::from_secs(8)));
}

#[test]
fn fractions_are_below_one() {
    assert_eq!(Entropy::fixed(0).fraction(), 0.0);
    assert!(Entropy::fixed(u64::MAX).fraction() < 1.0);
    let os = Entropy::from_os();
    assert_ne!(os.bits(), os.bits());
}

/// With time paused: the waits are exact, and nothing sleeps.
#[tokio::test(start_paused = true)]
async fn runs() {
    let again = Again::Yes { asked: None };
    let asked = |secs| Again::Yes { asked: Some(Duration::from_secs(secs)) };
    // What each attempt says, the total deadline, and then: attempts made, and seconds · 10 until the end.
    for (says, total_secs, attempts, tenths) in [
        (vec![again; 3], 600, 3, 15),
        (vec![Again::No], 600, 1, 0),
        (vec![again, Again::No], 600, 2, 5),
        (vec![asked(3), asked(0), again], 600, 3, 30),
        (vec![asked(100), again, again], 600, 3, 90),
        (vec![asked(5), again, again], 5, 1, 0),
        (vec![again, asked(7), again], 4, 2, 5),
    ] {
        let start = Instant::now();
        let made = Cell::new(0);
        let total_at = Some(start + Duration::from_secs(total_secs));
        let result: Result<(), u32> = run(&Options::default(), &Entropy::fixed(0), total_at, |number| {
            made.set(number);
            let again = says[number as usize - 1];
            async move { Err(Failed { error: number, again }) }
        })
        .await;
        assert_eq!((result, made.get()), (Err(attempts), attempts), "{says:?}");
        // The clock of paused time ticks in whole milliseconds.
        let waited = start.elapsed().as_millis();
        assert!(waited.abs_diff(tenths * 100) <= 2, "{says:?}: {waited} ms");
    }
    let result: Result<u32, ()> = run(&Options::default(), &Entropy::fixed(0), None, |number| async move {
        if number < 3 { Err(Failed { error: (), again: Again::Yes { asked: None } }) } else { Ok(number) }
    })
    .await;
    assert_eq!(result, Ok(3));
}
