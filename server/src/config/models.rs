//! `[[models]]`: which names callers may use, and who serves them, in which order.
//!
//! Start at [`models`]. Fallbacks are other models' names: here they become those models' targets, so that nothing beyond this
//! file can go in a circle.

use std::collections::{HashMap, HashSet};

use novai_core::ModelCard;
use novai_core::money::{Day, Price, PriceTable, Tariff};
use novai_core::routing::{RouteError, TARGETS_MAX};

use super::prices::{self, CONTEXT_TOKENS_MAX};
use super::providers::ProviderSettings;
use super::reader::{At, Section};

const WEIGHT_MAX: u64 = 1_000_000;
const TARGETS_EXAMPLE: &str =
    "write targets = [{ provider = \"openai\", upstream_id = \"gpt-4o-mini\" }, { provider = \"local\" }]";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelSettings {
    /// The name callers use.
    pub id: String,
    /// Its own, then those of its fallbacks. At least one, and none twice.
    pub targets: Vec<TargetSettings>,
    pub card: ModelCard,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetSettings {
    pub provider: String,
    /// The name the provider knows.
    pub upstream_id: String,
    pub tariff: Tariff,
    pub weight: Option<u32>,
}

impl TargetSettings {
    fn is_same_place(&self, other: &TargetSettings) -> bool {
        (&self.provider, &self.upstream_id) == (&other.provider, &other.upstream_id)
    }
}

/// What the configuration says elsewhere.
#[derive(Clone, Copy)]
struct Known<'a> {
    providers: &'a [ProviderSettings],
    table: &'a PriceTable,
}

/// A model as it stands there, with names for fallbacks.
struct Draft {
    id: At<String>,
    targets: Vec<TargetSettings>,
    fallbacks: Vec<At<String>>,
    card: ModelCard,
}

pub fn models(
    sections: Vec<Section<'_>>,
    providers: &[ProviderSettings],
    table: &PriceTable,
) -> Vec<ModelSettings> {
    let known = Known { providers, table };
    let mut ids = HashSet::new();
    let mut drafts = Vec::new();
    let mut sections: Vec<Section<'_>> = sections;
    for section in &mut sections {
        drafts.extend(draft(section, known, &mut ids));
    }
    let by_id: HashMap<&str, &Draft> = drafts.iter().map(|draft| (draft.id.value.as_str(), draft)).collect();
    if let Some(section) = sections.first() {
        check_fallbacks(section, &drafts, &by_id);
    }
    let models = drafts.iter().map(|draft| {
        let mut targets = Vec::new();
        gather(draft, &by_id, &mut HashSet::new(), &mut targets);
        if targets.len() > TARGETS_MAX
            && let Some(section) = sections.first()
        {
            let rule = format!("{}, those of its fallbacks included", RouteError::TooMany);
            section.report(draft.id.problem(rule, "remove some"));
        }
        let mut card = draft.card.clone();
        // What all targets can take, if it is known of all.
        let mut lengths = targets.iter().map(|target| table.context_length(&target.upstream_id));
        let least = lengths.try_fold(u64::MAX, |least, length| Some(least.min(length?)));
        card.context_length = card.context_length.or(least.filter(|least| *least != u64::MAX));
        ModelSettings { id: draft.id.value.clone(), targets, card }
    });
    let models = models.collect();
    sections.into_iter().for_each(Section::finish);
    models
}

/// A model's own targets, then those of its fallbacks, each once. A circle, which was reported, ends where it began.
fn gather<'a>(
    draft: &'a Draft,
    by_id: &HashMap<&str, &'a Draft>,
    seen: &mut HashSet<&'a str>,
    targets: &mut Vec<TargetSettings>,
) {
    if !seen.insert(&draft.id.value) {
        return;
    }
    let is_fallback = !targets.is_empty();
    for target in &draft.targets {
        if !targets.iter().any(|other| other.is_same_place(target)) {
            // A fallback is never the first.
            let weight = target.weight.filter(|_| !is_fallback);
            targets.push(TargetSettings { weight, ..target.clone() });
        }
    }
    for fallback in &draft.fallbacks {
        if let Some(draft) = by_id.get(fallback.value.as_str()) {
            gather(draft, by_id, seen, targets);
        }
    }
}

fn check_fallbacks(section: &Section<'_>, drafts: &[Draft], by_id: &HashMap<&str, &Draft>) {
    let mut done = HashSet::new();
    for draft in drafts {
        for fallback in &draft.fallbacks {
            if !by_id.contains_key(fallback.value.as_str()) {
                let ids: Vec<&str> = drafts.iter().map(|draft| draft.id.value.as_str()).collect();
                section.report(fallback.problem(
                    format!("no model is called {:?}", fallback.value),
                    format!("use one of: {}", ids.join(", ")),
                ));
            }
        }
        find_circle(section, draft, by_id, &mut Vec::new(), &mut done);
    }
}

/// Depth first. `path` leads to `draft`; what is `done` leads into no circle that was not reported.
fn find_circle<'a>(
    section: &Section<'_>,
    draft: &'a Draft,
    by_id: &HashMap<&str, &'a Draft>,
    path: &mut Vec<&'a str>,
    done: &mut HashSet<&'a str>,
) {
    path.push(&draft.id.value);
    for fallback in &draft.fallbacks {
        let name = fallback.value.as_str();
        if let Some(begin) = path.iter().position(|id| *id == name) {
            let circle = path[begin..].join(" → ");
            section.report(
                fallback.problem(
                    format!("the fallbacks go in a circle: {circle} → {name}"),
                    "remove one of them",
                ),
            );
        } else if let Some(next) = by_id.get(name)
            && !done.contains(name)
        {
            find_circle(section, next, by_id, path, done);
        }
    }
    path.pop();
    done.insert(&draft.id.value);
}

/// Leaves the section unfinished: what is wrong between models is reported through it.
fn draft(section: &mut Section<'_>, known: Known<'_>, ids: &mut HashSet<String>) -> Option<Draft> {
    let id = section.string("id", "gpt-4o-mini");
    match &id {
        None => section.report(section.reference("id").problem("is required", "write id = \"gpt-4o-mini\"")),
        Some(id) if !ids.insert(id.value.clone()) => section.report(id.problem(
            format!("is taken: another model is called {:?} too", id.value),
            "give each its own id",
        )),
        Some(_) => {}
    }
    let of_model = Rates::read(section);
    let has_targets = section.has("targets");
    let targets_at = section.reference("targets");
    let targets = if has_targets {
        for key in ["provider", "upstream_id"] {
            if section.has(key) {
                let problem = section
                    .reference(key)
                    .problem("cannot stand beside `targets`", format!("move {key} into one of the targets"));
                section.report(problem);
            }
        }
        let _ = (section.string("provider", "openai"), section.string("upstream_id", "gpt-4o-mini"));
        let sections = section.sections("targets");
        if sections.is_empty() {
            section.report(targets_at.problem("must name at least one target", TARGETS_EXAMPLE));
        }
        sections.into_iter().filter_map(|own| target_of_list(own, id.as_ref(), &of_model, known)).collect()
    } else {
        Vec::from_iter(target(section, id.as_ref(), None, of_model, known))
    };
    let fallbacks = section.strings("fallbacks", "another-model");
    let card = card(section);
    if targets.iter().any(|target| target.weight.is_some())
        && targets.iter().all(|target| target.weight.unwrap_or(0) == 0)
    {
        let fix = "give one a weight above 0, or none a weight";
        section.report(targets_at.problem(RouteError::NoWeight.to_string(), fix));
    }
    for (index, target) in targets.iter().enumerate() {
        if targets[..index].iter().any(|other| other.is_same_place(target)) {
            let rule = format!("{} at {} is there twice", target.upstream_id, target.provider);
            section.report(targets_at.problem(rule, "name each target once; `weight` makes one likelier"));
        }
    }
    Some(Draft { id: id?, targets, fallbacks, card })
}

/// What listings tell about it.
fn card(section: &mut Section<'_>) -> ModelCard {
    let has_capabilities = section.has("capabilities");
    let capabilities = section.strings("capabilities", "tools").into_iter().map(|at| at.value).collect();
    ModelCard {
        context_length: section.integer_if_set("context_length", 1..=CONTEXT_TOKENS_MAX, 128_000),
        capabilities: has_capabilities.then_some(capabilities),
        deprecated_on: day(section, "deprecation_date"),
        shut_down_on: day(section, "shutdown_date"),
    }
}

fn day(section: &mut Section<'_>, key: &'static str) -> Option<Day> {
    let at = section.string(key, "2027-03-31")?;
    let day = Day::parse(&at.value);
    if day.is_none() {
        let rule = format!("must be a date, but is {:?}", at.value);
        section.report(at.problem(rule, format!("write {key} = \"2027-03-31\"")));
    }
    day
}

fn target_of_list(
    mut section: Section<'_>,
    id: Option<&At<String>>,
    of_model: &Rates,
    known: Known<'_>,
) -> Option<TargetSettings> {
    let weight = section.integer_if_set("weight", 0..=WEIGHT_MAX, 1).map(|weight| weight as u32);
    let own = Rates::read(&mut section);
    let target = target(&mut section, id, weight, own.or(of_model), known);
    section.finish();
    target
}

/// What a model or one of its targets costs.
#[derive(Clone, Copy)]
struct Rates {
    has_price: bool,
    price: Option<Price>,
    output_tokens_max: Option<u64>,
}

impl Rates {
    fn read(section: &mut Section<'_>) -> Self {
        let has_price = section.has("price");
        let price = prices::price(section);
        Rates { has_price, price, output_tokens_max: prices::max_output_tokens(section) }
    }

    fn or(self, other: &Rates) -> Rates {
        let output_tokens_max = self.output_tokens_max.or(other.output_tokens_max);
        Rates { output_tokens_max, ..if self.has_price { self } else { *other } }
    }
}

/// `provider` and `upstream_id` of a section, priced.
fn target(
    section: &mut Section<'_>,
    id: Option<&At<String>>,
    weight: Option<u32>,
    rates: Rates,
    known: Known<'_>,
) -> Option<TargetSettings> {
    let provider = section.string("provider", "openai");
    let upstream_id = section.string("upstream_id", "gpt-4o-mini").map(|at| at.value);
    match &provider {
        None => {
            section.report(
                section.reference("provider").problem("is required", "name one of the [[providers]]"),
            );
        }
        Some(at) if !known.providers.iter().any(|provider| provider.name == at.value) => {
            let names: Vec<&str> = known.providers.iter().map(|provider| provider.name.as_str()).collect();
            let fix = match names.is_empty() {
                true => "add a [[providers]] section with that name".to_owned(),
                false => format!("use one of: {}", names.join(", ")),
            };
            section.report(at.problem(format!("no provider is called {:?}", at.value), fix));
        }
        Some(_) => {}
    }
    let (id, provider) = (id?, provider?);
    let upstream_id = upstream_id.unwrap_or_else(|| id.value.clone());
    let tariff = tariff(section, id, &upstream_id, &provider, rates, known)?;
    Some(TargetSettings { provider: provider.value, upstream_id, tariff, weight })
}

/// The configured price, else the provider's if that is free, else the table's. Nothing is ever free by accident.
fn tariff(
    section: &Section<'_>,
    id: &At<String>,
    upstream_id: &str,
    provider: &At<String>,
    rates: Rates,
    known: Known<'_>,
) -> Option<Tariff> {
    let listed = known.table.find(upstream_id);
    // Its provider is wrong, which has been said.
    let provider = known.providers.iter().find(|settings| settings.name == provider.value)?;
    let price = match (rates.price, provider.is_free, &listed) {
        (Some(price), ..) => price,
        (None, ..) if rates.has_price => return None,
        (None, true, _) => Price::FREE,
        (None, false, Some(listed)) => listed.price,
        (None, false, None) => {
            section.report(id.problem(
                format!("has no price, and none is known for {upstream_id:?}"),
                "add price = { input = \"1.00\", output = \"2.00\" } (USD per million tokens), or price = \"free\"",
            ));
            return None;
        }
    };
    let listed = listed.and_then(|listed| listed.output_tokens_max);
    Some(Tariff { price, output_tokens_max: rates.output_tokens_max.or(listed) })
}
