//! The accounts that a batch touches: locked, changed in memory, written back.

use std::collections::BTreeMap;

use deadpool_postgres::Transaction;
use novai_core::money::{
    Account, BudgetScope, Budgets, Day, Exceeded, Month, Refusal, Reservation, Spent, Usd,
};
use tokio_postgres::Error;

use super::super::rows::{signed, unsigned};

#[derive(Default)]
pub(super) struct Accounts(BTreeMap<String, Account>);

fn scopes(reservation: &Reservation) -> impl Iterator<Item = (BudgetScope, String)> {
    let key = (BudgetScope::Key, format!("key:{}", reservation.key_id));
    let tenant = reservation.tenant.as_ref().map(|tenant| (BudgetScope::Tenant, format!("tenant:{tenant}")));
    [Some(key), tenant, Some((BudgetScope::Global, "global".to_owned()))].into_iter().flatten()
}

impl Accounts {
    /// Those of `reservations`, until the transaction's end. Always in the order of their names: nobody deadlocks.
    pub(super) async fn lock<'a>(
        transaction: &Transaction<'_>,
        reservations: impl Iterator<Item = &'a Reservation>,
    ) -> Result<Self, Error> {
        let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
        for reservation in reservations {
            for (_, scope) in scopes(reservation) {
                accounts.entry(scope).or_default();
            }
        }
        if accounts.is_empty() {
            return Ok(Accounts::default());
        }
        let names: Vec<&str> = accounts.keys().map(String::as_str).collect();
        let make = transaction
            .prepare_cached(
                "INSERT INTO accounts SELECT scope, 0, 0, 0, 0, 0, 0 FROM unnest($1::text[]) AS scope
                 ORDER BY scope ON CONFLICT (scope) DO NOTHING",
            )
            .await?;
        transaction.execute(&make, &[&names]).await?;
        let lock = transaction
            .prepare_cached(
                "SELECT scope, day, month, day_settled_nano_usd, day_reserved_nano_usd, month_settled_nano_usd,
                     month_reserved_nano_usd
                 FROM accounts WHERE scope = ANY ($1) ORDER BY scope FOR UPDATE",
            )
            .await?;
        let rows = transaction.query(&lock, &[&names]).await?;
        let accounts = rows
            .iter()
            .map(|row| {
                let number = |index: usize| unsigned(row.get(index));
                let days = |index: usize| u32::try_from(row.get::<_, i32>(index)).unwrap_or(0);
                let account = Account {
                    day: Day(days(1)),
                    month: Month(days(2)),
                    today: Spent { settled: number(3), reserved: number(4) },
                    this_month: Spent { settled: number(5), reserved: number(6) },
                };
                (row.get(0), account)
            })
            .collect();
        Ok(Accounts(accounts))
    }

    pub(super) fn reserve(&mut self, reservation: &Reservation, budgets: &Budgets) -> Result<(), Refusal> {
        if reservation.reserved == Usd::ZERO {
            return Ok(());
        }
        let (day, nano) = (reservation.day(), reservation.reserved.nano);
        for (scope, name) in scopes(reservation) {
            let budget = match scope {
                BudgetScope::Key => &budgets.key,
                BudgetScope::Tenant => &budgets.tenant,
                BudgetScope::Global => &budgets.global,
            };
            let account = self.0.entry(name).or_default();
            account.advance(day);
            account
                .check(budget, nano)
                .map_err(|exceeded: Exceeded| Refusal::Budget { scope, exceeded: Box::new(exceeded) })?;
        }
        for (_, name) in scopes(reservation) {
            self.0.entry(name).or_default().reserve(day, nano);
        }
        Ok(())
    }

    pub(super) fn settle(&mut self, reservation: &Reservation, cost: Usd) {
        for (_, name) in scopes(reservation) {
            let account = self.0.entry(name).or_default();
            // After a crash of everybody, what is settled may be the day's first.
            account.advance(reservation.day());
            account.settle(reservation.day(), reservation.reserved.nano, cost.nano);
        }
    }

    pub(super) async fn write(&self, transaction: &Transaction<'_>) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = self.0.keys().map(String::as_str).collect();
        let numbers = |of: fn(&Account) -> u64| {
            self.0.values().map(|account| signed(of(account))).collect::<Vec<i64>>()
        };
        let days = |of: fn(&Account) -> u32| {
            self.0
                .values()
                .map(|account| i32::try_from(of(account)).unwrap_or(i32::MAX))
                .collect::<Vec<i32>>()
        };
        let update = transaction
            .prepare_cached(
                "UPDATE accounts SET day = new.day, month = new.month,
                     day_settled_nano_usd = new.ds, day_reserved_nano_usd = new.dr,
                     month_settled_nano_usd = new.ms, month_reserved_nano_usd = new.mr
                 FROM unnest($1::text[], $2::int[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
                     AS new (scope, day, month, ds, dr, ms, mr)
                 WHERE accounts.scope = new.scope",
            )
            .await?;
        transaction
            .execute(
                &update,
                &[
                    &names,
                    &days(|account| account.day.0),
                    &days(|account| account.month.0),
                    &numbers(|account| account.today.settled),
                    &numbers(|account| account.today.reserved),
                    &numbers(|account| account.this_month.settled),
                    &numbers(|account| account.this_month.reserved),
                ],
            )
            .await?;
        Ok(())
    }
}
