//! What one key, one tenant or everybody together has spent and reserved, today and this month.
//!
//! Pure: whoever keeps accounts calls [`Account::check`], then [`Account::reserve`], under a lock or in a transaction.

use super::budget::BudgetSpec;
use super::ledger::BudgetScope;
use super::period::{Day, Month};
use super::usd::Usd;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Account {
    pub day: Day,
    pub month: Month,
    pub today: Spent,
    pub this_month: Spent,
}

/// In nano-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spent {
    pub settled: u64,
    /// Worst case of what is under way.
    pub reserved: u64,
}

impl Spent {
    pub fn total(&self) -> u64 {
        self.settled.saturating_add(self.reserved)
    }

    fn settle(&mut self, reserved: u64, cost: u64) {
        self.reserved = self.reserved.saturating_sub(reserved);
        self.settled = self.settled.saturating_add(cost);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BudgetPeriod {
    Day,
    Month,
}

/// Which budget has no room, and how much there was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exceeded {
    pub period: BudgetPeriod,
    pub budget: Usd,
    pub settled: Usd,
    pub reserved: Usd,
    /// What the refused request might have cost.
    pub asked: Usd,
    /// When the budget begins anew, in Unix seconds.
    pub resets_at_s: u64,
}

impl Exceeded {
    /// For the caller: which budget, how it stands, and when there is money again.
    pub fn told(&self, scope: BudgetScope) -> String {
        let per = match self.period {
            BudgetPeriod::Day => "day",
            BudgetPeriod::Month => "month",
        };
        let resets_on = Day::of_unix_ms(self.resets_at_s * 1000);
        format!(
            "the {scope}'s budget of {} USD per {per} has no room for this request: {} USD are spent, {} USD are reserved \
             for requests under way, and this one may cost {} USD; the budget begins anew on {resets_on} (UTC)",
            self.budget, self.settled, self.reserved, self.asked,
        )
    }
}

impl Account {
    /// Begins a new day or month if `day` is one. Time that runs backwards changes nothing.
    pub fn advance(&mut self, day: Day) {
        if day > self.day {
            self.day = day;
            self.today = Spent::default();
        }
        if day.month() > self.month {
            self.month = day.month();
            self.this_month = Spent::default();
        }
    }

    /// Whether `nano` more fit. What costs nothing always does.
    pub fn check(&self, budget: &BudgetSpec, nano: u64) -> Result<(), Exceeded> {
        if nano == 0 {
            return Ok(());
        }
        let periods = [
            (BudgetPeriod::Day, budget.day_nano_usd, &self.today, self.day.next()),
            (BudgetPeriod::Month, budget.month_nano_usd, &self.this_month, self.month.next().first_day()),
        ];
        for (period, limit, spent, resets_on) in periods {
            if let Some(limit) = limit
                && spent.total().saturating_add(nano) > limit
            {
                return Err(Exceeded {
                    period,
                    budget: Usd::from_nano(limit),
                    settled: Usd::from_nano(spent.settled),
                    reserved: Usd::from_nano(spent.reserved),
                    asked: Usd::from_nano(nano),
                    resets_at_s: resets_on.unix_s(),
                });
            }
        }
        Ok(())
    }

    /// Call [`Account::advance`] first. `day` is the request's: a clock that ran backwards may give an earlier one.
    pub fn reserve(&mut self, day: Day, nano: u64) {
        if day == self.day {
            self.today.reserved = self.today.reserved.saturating_add(nano);
        }
        if day.month() == self.month {
            self.this_month.reserved = self.this_month.reserved.saturating_add(nano);
        }
    }

    /// Ends a reservation of `day`. A day that is over has no sum to correct any more.
    pub fn settle(&mut self, day: Day, reserved: u64, cost: u64) {
        if day == self.day {
            self.today.settle(reserved, cost);
        }
        if day.month() == self.month {
            self.this_month.settle(reserved, cost);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    #[test]
    fn both_budgets_bind_and_begin_anew() {
        let budget = BudgetSpec { day_nano_usd: Some(100), month_nano_usd: Some(150) };
        let mut account = Account::default();
        let today = day("2026-11-22");
        account.advance(today);
        assert_eq!(account.check(&budget, 100), Ok(()));
        account.reserve(today, 100);
        let exceeded = account.check(&budget, 1).unwrap_err();
        assert_eq!(
            (exceeded.period, exceeded.reserved.nano, exceeded.settled.nano),
            (BudgetPeriod::Day, 100, 0)
        );
        assert_eq!(exceeded.resets_at_s, day("2026-11-23").unix_s());
        assert_eq!(account.check(&budget, 0), Ok(()), "what is free is always allowed");
        account.settle(today, 100, 60);
        assert_eq!(account.check(&budget, 40), Ok(()));
        assert!(account.check(&budget, 41).is_err());

        let tomorrow = today.next();
        account.advance(tomorrow);
        account.advance(today); // A clock that ran backwards.
        assert_eq!(account.day, tomorrow);
        assert_eq!(account.check(&budget, 90), Ok(()));
        let exceeded = account.check(&budget, 91).unwrap_err();
        assert_eq!((exceeded.period, exceeded.settled.nano), (BudgetPeriod::Month, 60));
        assert_eq!(exceeded.resets_at_s, day("2026-12-01").unix_s());

        account.advance(day("2026-12-01"));
        assert_eq!(account.check(&budget, 100), Ok(()));
    }

    #[test]
    fn what_began_yesterday_ends_in_yesterdays_sums() {
        let (yesterday, today) = (day("2026-11-22"), day("2026-11-23"));
        let mut account = Account::default();
        account.advance(yesterday);
        account.reserve(yesterday, 10);
        account.advance(today);
        account.reserve(today, 5);
        account.settle(yesterday, 10, 7);
        assert_eq!(account.today, Spent { settled: 0, reserved: 5 });
        assert_eq!(account.this_month, Spent { settled: 7, reserved: 5 });
    }

    #[derive(Debug, Clone)]
    enum Step {
        /// Worst case, and the actual cost as a part of it in percent.
        Ask(u64, u64),
        Settle(usize),
        NextDay,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => (0..60_u64, 0..=100_u64).prop_map(|(worst, part)| Step::Ask(worst, part)),
            4 => (0..8_usize).prop_map(Step::Settle),
            1 => Just(Step::NextDay),
        ];
        proptest::collection::vec(step, 0..200)
    }

    proptest! {
        /// Law C2 and the budget's meaning, for any interleaving: never above it, and nothing stays reserved.
        #[test]
        fn reserved_and_settled_never_exceed_the_budget(
            steps in steps(), day_limit in 0..300_u64, month_limit in 0..900_u64,
        ) {
            let budget = BudgetSpec { day_nano_usd: Some(day_limit), month_nano_usd: Some(month_limit) };
            let mut account = Account::default();
            let mut today = day("2026-11-25");
            let mut open: Vec<(Day, u64, u64)> = Vec::new();
            let end = |account: &mut Account, (day, worst, part): (Day, u64, u64)| {
                account.settle(day, worst, worst * part / 100);
            };
            for step in steps {
                match step {
                    Step::NextDay => today = today.next(),
                    Step::Settle(index) if !open.is_empty() => {
                        let index = index % open.len();
                        end(&mut account, open.swap_remove(index));
                    }
                    Step::Settle(_) => {}
                    Step::Ask(worst, part) => {
                        account.advance(today);
                        if account.check(&budget, worst).is_ok() {
                            account.reserve(today, worst);
                            open.push((today, worst, part));
                        }
                    }
                }
                prop_assert!(account.today.total() <= day_limit);
                prop_assert!(account.this_month.total() <= month_limit);
            }
            for reservation in open {
                end(&mut account, reservation);
            }
            prop_assert_eq!((account.today.reserved, account.this_month.reserved), (0, 0));
        }
    }
}
