//! Who has spent what, in memory: every key, every tenant, and everybody together.

use std::sync::Arc;

use hashbrown::HashMap;
use novai_core::money::{
    Account, BudgetScope, BudgetSpec, Budgets, Day, Exceeded, Refusal, Reservation, Usd,
};
use rusqlite::Connection;

use super::super::rows::unsigned;

#[derive(Default)]
pub(super) struct Accounts {
    keys: HashMap<Arc<str>, Account>,
    tenants: HashMap<Arc<str>, Account>,
    global: Account,
    day: Day,
}

impl Accounts {
    /// This month's sums as the database has them. Nothing may be reserved yet.
    pub(super) fn load(connection: &Connection, now_ms: u64) -> rusqlite::Result<Self> {
        let today = Day::of_unix_ms(now_ms);
        let mut accounts = Accounts::default();
        accounts.advance(today);
        let mut statement = connection.prepare(
            "SELECT day, key_id, tenant, sum(cost_nano_usd) FROM usage_daily WHERE day >= ? GROUP BY day, key_id, tenant",
        )?;
        let mut rows = statement.query([today.month().first_day().0])?;
        while let Some(row) = rows.next()? {
            let day = Day(row.get(0)?);
            let cost = unsigned(row.get(3)?);
            let (key_id, tenant): (String, String) = (row.get(1)?, row.get(2)?);
            let tenant: Option<Arc<str>> = Some(tenant.into()).filter(|tenant: &Arc<str>| !tenant.is_empty());
            accounts.advance(day);
            let latest = accounts.day;
            for account in accounts.of(&key_id.into(), tenant.as_ref()) {
                account.advance(latest);
                account.settle(day, 0, cost);
            }
        }
        Ok(accounts)
    }

    pub(super) fn check(&mut self, reservation: &Reservation, budgets: &Budgets) -> Result<(), Refusal> {
        if budgets.is_unlimited() || reservation.reserved == Usd::ZERO {
            return Ok(());
        }
        self.advance(reservation.day());
        let nano = reservation.reserved.nano;
        let none = Account { day: self.day, month: self.day.month(), ..Account::default() };
        let of = |accounts: &HashMap<Arc<str>, Account>, name: &Arc<str>| {
            let mut account = accounts.get(name).copied().unwrap_or(none);
            account.advance(self.day);
            account
        };
        let refused =
            |scope| move |exceeded: Exceeded| Refusal::Budget { scope, exceeded: Box::new(exceeded) };
        let is_set = |budget: &BudgetSpec| *budget != BudgetSpec::default();
        if is_set(&budgets.key) {
            let account = of(&self.keys, &reservation.key_id);
            account.check(&budgets.key, nano).map_err(refused(BudgetScope::Key))?;
        }
        if let Some(tenant) = reservation.tenant.as_ref().filter(|_| is_set(&budgets.tenant)) {
            let account = of(&self.tenants, tenant);
            account.check(&budgets.tenant, nano).map_err(refused(BudgetScope::Tenant))?;
        }
        self.global.check(&budgets.global, nano).map_err(refused(BudgetScope::Global))
    }

    pub(super) fn reserve(&mut self, reservation: &Reservation) {
        if reservation.reserved == Usd::ZERO {
            return;
        }
        let day = reservation.day();
        self.advance(day);
        let today = self.day;
        for account in self.of(&reservation.key_id, reservation.tenant.as_ref()) {
            account.advance(today);
            account.reserve(day, reservation.reserved.nano);
        }
    }

    pub(super) fn settle(&mut self, reservation: &Reservation, cost: Usd) {
        if reservation.reserved == Usd::ZERO && cost == Usd::ZERO {
            return;
        }
        let day = reservation.day();
        for account in self.of(&reservation.key_id, reservation.tenant.as_ref()) {
            account.settle(day, reservation.reserved.nano, cost.nano);
        }
    }

    /// Makes accounts that are not there yet.
    fn of<'a>(
        &'a mut self,
        key_id: &Arc<str>,
        tenant: Option<&Arc<str>>,
    ) -> impl Iterator<Item = &'a mut Account> {
        let day = self.day;
        let new = || Account { day, month: day.month(), ..Account::default() };
        let key = self.keys.entry(Arc::clone(key_id)).or_insert_with(new);
        let tenants = &mut self.tenants;
        let tenant = tenant.map(|tenant| tenants.entry(Arc::clone(tenant)).or_insert_with(new));
        [Some(key), tenant, Some(&mut self.global)].into_iter().flatten()
    }

    /// A new day. A new month also forgets who has been silent in the old one.
    fn advance(&mut self, day: Day) {
        if day <= self.day {
            return;
        }
        if day.month() > self.day.month() {
            let had_a_say =
                |account: &Account| account.month == day.month() || account.this_month.reserved > 0;
            self.keys.retain(|_, account| had_a_say(account));
            self.tenants.retain(|_, account| had_a_say(account));
        }
        self.day = day;
        self.global.advance(day);
    }
}
