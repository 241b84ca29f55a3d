//! Of several rounds the middle one counts: a round in which the machine did something else moves nothing.

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::median;

    #[test]
    fn takes_the_middle() {
        for (values, expected) in [(vec![3.0, 1.0, 100.0], 3.0), (vec![4.0, 2.0], 3.0), (vec![1.0], 1.0)] {
            assert_eq!(median(values.clone()), expected, "{values:?}");
        }
        assert!(median(Vec::new()).is_nan());
    }
}
