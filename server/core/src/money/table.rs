//! Which model costs what: found by the name that the provider knows the model by.

use std::collections::HashMap;
use std::sync::Arc;

use super::price::Price;

/// What a request to one model may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Tariff {
    pub price: Price,
    /// What one answer may have where the request does not say; `None` where nobody knows.
    pub output_tokens_max: Option<u64>,
}

impl Tariff {
    pub const FREE: Tariff = Tariff { price: Price::FREE, output_tokens_max: None };
}

/// Prices by the providers' own model ids.
#[derive(Debug, Clone, Default)]
pub struct PriceTable {
    by_model: HashMap<Box<str>, Listed>,
}

#[derive(Debug, Clone)]
struct Listed {
    tariff: Arc<Tariff>,
    context_length: Option<u64>,
}

impl PriceTable {
    pub fn insert(&mut self, model: impl Into<Box<str>>, tariff: Tariff) {
        self.insert_with_context(model, tariff, None);
    }

    /// With the tokens that it can have before it, its answer among them: told to people, and nothing is decided by it.
    pub fn insert_with_context(
        &mut self,
        model: impl Into<Box<str>>,
        tariff: Tariff,
        context_length: Option<u64>,
    ) {
        self.by_model.insert(model.into(), Listed { tariff: Arc::new(tariff), context_length });
    }

    /// `gpt-4.1-2025-04-14` and `claude-sonnet-4-20250514` cost what `gpt-4.1` and `claude-sonnet-4` do, unless the table
    /// says otherwise. Nothing else is guessed: a `-mini` is another model.
    pub fn find(&self, upstream_model: &str) -> Option<Arc<Tariff>> {
        self.listed(upstream_model).map(|listed| Arc::clone(&listed.tariff))
    }

    pub fn context_length(&self, upstream_model: &str) -> Option<u64> {
        self.listed(upstream_model)?.context_length
    }

    fn listed(&self, upstream_model: &str) -> Option<&Listed> {
        let exact = self.by_model.get(upstream_model);
        exact.or_else(|| self.by_model.get(undated(upstream_model)?))
    }

    pub fn len(&self) -> usize {
        self.by_model.len()
    }

    pub fn is_empty(&self) -> bool {
        self.by_model.is_empty()
    }
}

/// Without a date at its end; `None` if there is none.
fn undated(model: &str) -> Option<&str> {
    const DASHED: &str = "-0000-00-00";
    const PLAIN: &str = "-00000000";
    [DASHED, PLAIN].into_iter().find_map(|shape| {
        let (name, date) = model.split_at_checked(model.len().checked_sub(shape.len())?)?;
        let fits = date.bytes().zip(shape.bytes()).all(|(got, wanted)| match wanted {
            b'0' => got.is_ascii_digit(),
            _ => got == wanted,
        });
        (fits && !name.is_empty()).then_some(name)
    })
}

/// How the models of one provider are priced that no `[[models]]` entry names.
#[derive(Debug, Clone)]
pub enum Pricing {
    /// The provider costs nothing: one's own machine, or the simulator.
    Free,
    /// By the table. What is not in it is not served.
    Table(Arc<PriceTable>),
}

impl Pricing {
    pub fn of(&self, upstream_model: &str) -> Option<Arc<Tariff>> {
        match self {
            Pricing::Free => Some(Arc::new(Tariff::FREE)),
            Pricing::Table(table) => table.find(upstream_model),
        }
    }

    pub fn context_length(&self, upstream_model: &str) -> Option<u64> {
        match self {
            Pricing::Free => None,
            Pricing::Table(table) => table.context_length(upstream_model),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dated_names_cost_what_undated_ones_do() {
        let mut table = PriceTable::default();
        let tariff = |input| Tariff { price: Price::text(input, 0, 0), output_tokens_max: None };
        table.insert("gpt-4.1", tariff(1));
        table.insert("gpt-4.1-2025-12-31", tariff(2));
        table.insert("claude-sonnet-4", tariff(3));
        for (model, input) in [
            ("gpt-4.1", Some(1)),
            ("gpt-4.1-2025-04-14", Some(1)),
            ("gpt-4.1-2025-12-31", Some(2)),
            ("claude-sonnet-4-20250514", Some(3)),
            ("gpt-4.1-mini", None),
            ("gpt-4.1-2025-4-14", None),
            ("gpt-4", None),
            ("-2025-04-14", None),
            ("é2025-04-14", None),
            ("", None),
        ] {
            assert_eq!(table.find(model).map(|tariff| tariff.price.input), input, "{model:?}");
        }
    }
}
