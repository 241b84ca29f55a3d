//! Of several rounds the middle one counts: a round in which the machine did something else moves nothing.

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

/// What it takes where the machine does nothing else; told beside the middle, and judged by nobody. `NaN` of none.
pub fn least(values: Vec<f64>) -> f64 {
    values.into_iter().fold(f64::NAN, f64::min)
}

/// Between which two the middle half lies: how far the median is to be trusted.
pub fn middle_half(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let cut = values.len() / 4;
    match values[..] {
        [] => (f64::NAN, f64::NAN),
        _ => (values[cut], values[values.len() - 1 - cut]),
    }
}

#[cfg(test)]
mod tests {
    use super::{least, median, middle_half};

    #[test]
    fn takes_the_middle() {
        for (values, expected) in [(vec![3.0, 1.0, 100.0], 3.0), (vec![4.0, 2.0], 3.0), (vec![1.0], 1.0)] {
            assert_eq!(median(values.clone()), expected, "{values:?}");
        }
        assert!(median(Vec::new()).is_nan());
    }

    #[test]
    fn takes_the_least() {
        assert_eq!(least(vec![2.0, 1.0, 3.0]), 1.0);
        assert!(least(Vec::new()).is_nan());
    }

    #[test]
    fn leaves_a_quarter_out_at_either_end() {
        for (values, expected) in [
            (vec![9.0, 1.0, 2.0, 3.0, 0.0], (1.0, 3.0)),
            (vec![4.0, 1.0, 2.0, 3.0], (2.0, 3.0)),
            (vec![2.0, 1.0], (1.0, 2.0)),
            (vec![1.0], (1.0, 1.0)),
        ] {
            assert_eq!(middle_half(values.clone()), expected, "{values:?}");
        }
        assert!(middle_half(Vec::new()).0.is_nan());
    }
}
