use super::*;

const SECOND: u64 = 1_000_000;

fn requests(usage: &Usage) -> u64 {
    usage.requests
}

fn tokens(usage: &Usage) -> u64 {
    usage.tokens
}

/// A window with one request of one token at each time.
fn window(times_us: &[u64]) -> Window {
    let mut window = Window::default();
    for time_us in times_us {
        window.advance(*time_us);
        window.take(*time_us, 1);
    }
    window
}

#[test]
fn a_bucket_leaves_a_window_after_its_last_admission() {
    let mut window = window(&[0, 300_000, 700_000]);
    for (at_us, used) in [
        (WINDOW_US - 1, 3),
        // The first one has left, but shares its bucket with the second.
        (WINDOW_US, 3),
        (WINDOW_US + 299_999, 3),
        (WINDOW_US + 300_000, 1),
        (WINDOW_US + 699_999, 1),
        (WINDOW_US + 700_000, 0),
    ] {
        window.advance(at_us);
        assert_eq!(window.used().requests, used, "at {at_us} µs");
    }
}

#[test]
fn the_wait_ends_when_enough_has_left() {
    let full = window(&[0, SECOND, SECOND + 1, 3 * SECOND]);
    let now_us = 3 * SECOND;
    for (limit, amount, wait_us) in [
        (5, 1, Some(0)),
        (4, 1, Some(WINDOW_US - now_us)),
        (4, 2, Some(WINDOW_US + SECOND + 1 - now_us)),
        (4, 4, Some(WINDOW_US)),
        (4, 5, None),
        (0, 1, None),
    ] {
        assert_eq!(full.wait_us(limit, amount, requests), wait_us, "limit {limit}, amount {amount}");
    }
}

#[test]
fn what_is_settled_goes_back_to_its_own_bucket() {
    let mut window = Window::default();
    let first = window.take(0, 100);
    let second = window.take(SECOND, 50);
    window.settle(first, 100, 30);
    assert_eq!(window.used(), Usage { requests: 2, tokens: 80 });
    // More than was reserved: later requests wait for it.
    window.settle(second, 50, 70);
    assert_eq!(window.wait_us(100, 10, tokens), Some(WINDOW_US - SECOND));
    window.advance(WINDOW_US);
    assert_eq!(window.used(), Usage { requests: 1, tokens: 70 });
    window.settle(first, 100, 0);
    assert_eq!(window.used().tokens, 70, "what has expired is not given back again");
    assert_eq!(window.release_us(tokens), (SECOND, SECOND));
}

#[test]
fn a_clock_that_jumps_back_stands_still() {
    let mut window = window(&[10 * SECOND]);
    assert_eq!(window.advance(5 * SECOND), 10 * SECOND);
    window.take(5 * SECOND, 1);
    window.advance(10 * SECOND + WINDOW_US - 1);
    assert_eq!(window.used().requests, 2);
    window.advance(10 * SECOND + WINDOW_US);
    assert!(window.is_empty());
}
