//! What `admit.lua` answers.

use novai_core::limits::decide::{Release, View, Wait};
use novai_core::limits::window::Usage;
use redis::Value;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub is_admitted: bool,
    /// The shared time.
    pub now_us: u64,
    /// Names the data; a new name means that Redis has lost them.
    pub epoch: String,
    /// One per limit.
    pub views: Vec<View>,
}

/// Numbers per limit.
const WIDTH: usize = 9;

impl Reply {
    /// `None` for anything but what the script returns.
    pub fn parse(value: &Value, limits: usize) -> Option<Reply> {
        let Value::Array(items) = value else { return None };
        let (head, numbers) = items.split_at_checked(3)?;
        let [Value::Int(admitted), now, Value::BulkString(epoch)] = head else { return None };
        let views: Option<Vec<View>> = numbers.chunks_exact(WIDTH).map(view).collect();
        let views = views.filter(|views| views.len() == limits)?;
        Some(Reply {
            is_admitted: *admitted == 1,
            now_us: number(now)?,
            epoch: String::from_utf8(epoch.clone()).ok()?,
            views,
        })
    }
}

fn view(items: &[Value]) -> Option<View> {
    let at = |index: usize| items.get(index).and_then(number);
    let release = |from: usize| Some(Release { first_us: at(from)?, last_us: at(from + 1)? });
    Some(View {
        used: Usage { requests: at(0)?, tokens: at(1)? },
        in_flight: at(2)?,
        requests_wait: wait(items.get(3)?)?,
        tokens_wait: wait(items.get(4)?)?,
        requests_release: release(5)?,
        tokens_release: release(7)?,
    })
}

fn number(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        _ => None,
    }
}

fn wait(value: &Value) -> Option<Wait> {
    match value {
        Value::Int(0) => Some(Wait::Fits),
        Value::Int(-1) => Some(Wait::Never),
        other => number(other).map(Wait::Us),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_script_returns_is_understood() {
        let numbers = |numbers: &[i64]| numbers.iter().map(|number| Value::Int(*number)).collect::<Vec<_>>();
        let mut items = numbers(&[1, 500]);
        items.push(Value::BulkString(b"seed".to_vec()));
        items.extend(numbers(&[3, 40, 2, 0, -1, 5, 6, 7, 8]));
        let view = View {
            used: Usage { requests: 3, tokens: 40 },
            in_flight: 2,
            requests_wait: Wait::Fits,
            tokens_wait: Wait::Never,
            requests_release: Release { first_us: 5, last_us: 6 },
            tokens_release: Release { first_us: 7, last_us: 8 },
        };
        let expected = Reply { is_admitted: true, now_us: 500, epoch: "seed".into(), views: vec![view] };
        assert_eq!(Reply::parse(&Value::Array(items.clone()), 1), Some(expected));
        assert_eq!(Reply::parse(&Value::Array(items.clone()), 2), None);
        assert_eq!(Reply::parse(&Value::Okay, 1), None);
        items[5] = Value::Nil;
        assert_eq!(Reply::parse(&Value::Array(items), 1), None);
    }
}
