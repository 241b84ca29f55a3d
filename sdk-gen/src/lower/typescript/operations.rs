//! One function per operation: what it takes, what it answers, and what it tells the runtime.
//!
//! Start at [`function`].

use std::collections::BTreeSet;

use crate::diagnostic::Diagnostics;
use crate::ir::model::{Api, Operation, Shape, TypeRef, Words};
use crate::ir::secrets::secret_fields;
use crate::lower::shared::accumulate::{self, Folding};
use crate::lower::shared::answers::{Answers, Events, Framing, Whole, answers};
use crate::lower::shared::arguments::{self, BodyFormat};
use crate::lower::shared::{resolved, target, text_path};

use super::folds;
use super::jobs;
use super::literals::{code, text};
use super::method_docs;
use super::model::{
    Answer, Argument, Call, Constant, ConstantKind, Declaration, Function, Literal, PlanTable, Signature, Ty,
};
use super::names::{self, Scope};
use super::parameters;
use super::spell::Spelling;

/// What the functions of one file share.
pub struct File<'a> {
    pub api: &'a Api,
    pub spelling: &'a Spelling<'a>,
    /// Names at the top of the file: functions, constants, imports.
    pub scope: Scope,
    pub plans: Vec<PlanTable>,
    pub params: Vec<Declaration>,
}

/// An operation's name in the SDK.
pub struct Named<'a> {
    pub function: &'a str,
    pub method: &'a str,
    /// `client.chat.completions.create`
    pub dotted: &'a str,
}

/// Gives a function and a method of these names, or of ones that are free.
pub type Claim<'a> = dyn FnMut(&str, &str) -> (String, String) + 'a;

/// The functions of an operation: one, or a second one for its stream where nothing in the request asks for it.
pub fn functions(
    file: &mut File<'_>,
    operation: &Operation,
    named: &Named<'_>,
    params_name: String,
    claim: &mut Claim<'_>,
    diagnostics: &mut Diagnostics,
) -> Vec<Function> {
    let answers = answers(file.api, operation);
    let selector = answers.events.as_ref().and_then(|events| events.selector.as_ref());
    let Some(events) = &answers.events else {
        let mut call = whole(file, operation, named, &answers, params_name, diagnostics);
        if let (Some(function), Some(job)) = (&mut call, &operation.job) {
            function.wait = jobs::wait(function, job, named, claim);
        }
        return call.into_iter().collect();
    };
    if selector.is_some() || answers.whole.is_none() {
        return streaming(file, operation, named, &answers, events, params_name, diagnostics)
            .into_iter()
            .collect();
    }
    // Both, and nothing says which: the caller does, by the method's name.
    let first = whole(file, operation, named, &answers, params_name.clone(), diagnostics);
    let streamed = |name: &str| names::member(&Words::split(&format!("{name} stream")));
    let (function, method) = claim(&streamed(named.function), &streamed(named.method));
    let dotted = named.dotted.rsplit_once('.').map_or("", |(before, _)| before);
    let dotted = format!("{dotted}.{method}");
    let named = Named { function: &function, method: &method, dotted: &dotted };
    let alone = Answers { whole: None, events: None, may_be_empty: false, others: Vec::new() };
    let params = file.params.len();
    let second = streaming(file, operation, &named, &alone, events, params_name, diagnostics);
    // The parameters are the same, and declared already.
    file.params.truncate(params);
    first.into_iter().chain(second).collect()
}

fn whole(
    file: &mut File<'_>,
    operation: &Operation,
    named: &Named<'_>,
    answers: &Answers,
    params_name: String,
    diagnostics: &mut Diagnostics,
) -> Option<Function> {
    let taken = parameters::taken(file, operation, named.function, params_name, diagnostics)?;
    let answer = answer(file, operation, answers);
    let base = constant_name(file, named.function, "operation");
    let call = bodies(file, operation, &taken.body, &base, |name, body_type| {
        Call::Constant(one(file, operation, answers, name, body_type))
    });
    let docs = method_docs::whole(file.api, operation, named.dotted, None);
    let signatures = vec![Signature { docs, narrowed: None, answer }];
    Some(assembled(operation, named, taken, signatures, call))
}

fn streaming(
    file: &mut File<'_>,
    operation: &Operation,
    named: &Named<'_>,
    answers: &Answers,
    events: &Events,
    params_name: String,
    diagnostics: &mut Diagnostics,
) -> Option<Function> {
    let api = file.api;
    let taken = parameters::taken(file, operation, named.function, params_name, diagnostics)?;
    let event = file.spelling.ty(events.event);
    let result = match &events.folding {
        Some(folding) => file.spelling.ty(accumulate::result(api, folding)),
        None => Ty::word("undefined"),
    };
    let stream = Answer::Stream { event: event.clone(), result: result.clone() };
    let mut entries = Vec::new();
    if events.framing == Framing::Lines {
        entries.push(("lines".to_owned(), code("true")));
    }
    entries.extend(events.terminal.as_ref().map(|terminal| ("terminal".to_owned(), text(terminal))));
    match &events.folding {
        Some(Folding::Pieces(plan)) => {
            let name = constant_name(file, named.function, "plan");
            let docs = vec![format!("How the events of `{}` are put together.", named.function)];
            file.plans.push(PlanTable {
                name: name.clone(),
                docs,
                value: folds::plan(api, file.spelling, plan),
            });
            entries.push(("plan".to_owned(), code(name)));
        }
        Some(Folding::Snapshots { field, .. }) => {
            let plan = Literal::Object(vec![("snapshots".to_owned(), text(field))]);
            entries.push(("plan".to_owned(), plan));
        }
        None => {}
    }
    entries.extend(events.text.as_ref().map(|path| ("text".to_owned(), text_steps(path))));
    let whole = events.folding.as_ref().map(|folding| accumulate::result(api, folding));
    entries.extend(secrets(api, whole.into_iter().chain([events.event])));
    let base = constant_name(file, named.function, "stream");
    let stream_call = |name: &str, body_type: Option<&str>| {
        let mut all = route(api, operation, body_type);
        all.extend(entries.iter().cloned());
        let kind = ConstantKind::Stream { event: event.clone(), result: result.clone() };
        Call::Constant(Constant { name: name.to_owned(), kind, entries: all })
    };
    let then = bodies(file, operation, &taken.body, &base, stream_call);
    let (Some(_), Some(selector)) = (&answers.whole, &events.selector) else {
        let docs = method_docs::stream(api, operation, named.dotted, None);
        let signatures = vec![Signature { docs, narrowed: None, answer: stream }];
        return Some(assembled(operation, named, taken, signatures, then));
    };
    let whole = answer(file, operation, answers);
    let base = constant_name(file, named.function, "operation");
    let otherwise = bodies(file, operation, &taken.body, &base, |name, body_type| {
        Call::Constant(one(file, operation, answers, name, body_type))
    });
    let key = names::key(&selector.field);
    let (asked, unasked) = match selector.default {
        false => (format!("{key}: true"), format!("{key}?: false | null | undefined")),
        true => (format!("{key}?: true | null | undefined"), format!("{key}: false")),
    };
    let body = taken.body.as_ref().map_or("body", |body| body.name.as_str());
    let optional = if taken.body.as_ref().is_some_and(|body| body.optional) { "?." } else { "" };
    let access = names::access(&selector.field);
    let access =
        if optional.is_empty() { access } else { format!("{optional}{}", access.trim_start_matches('.')) };
    let condition = match selector.default {
        false => format!("{body}{access}"),
        true => format!("{body}{access} ?? true"),
    };
    let either = Answer::Either(Box::new(whole.clone()), Box::new(stream.clone()));
    let signatures = vec![
        Signature {
            docs: method_docs::whole(api, operation, named.dotted, Some(selector)),
            narrowed: Some(unasked),
            answer: whole,
        },
        Signature {
            docs: method_docs::stream(api, operation, named.dotted, Some(selector)),
            narrowed: Some(asked),
            answer: stream,
        },
        Signature { docs: method_docs::either(operation, selector), narrowed: None, answer: either },
    ];
    let call = Call::Choice { condition, then: Box::new(then), otherwise: Box::new(otherwise) };
    Some(assembled(operation, named, taken, signatures, call))
}

fn assembled(
    operation: &Operation,
    named: &Named<'_>,
    taken: parameters::Taken,
    signatures: Vec<Signature>,
    call: Call,
) -> Function {
    let mut arguments = taken.positional;
    arguments.extend(taken.body);
    arguments.extend(taken.params);
    // What may be left out comes last, and an optional body before required parameters cannot be.
    let required_after = |at: usize| arguments[at..].iter().any(|argument: &Argument| !argument.optional);
    let fixed: Vec<bool> = (0..arguments.len()).map(required_after).collect();
    for (argument, fixed) in arguments.iter_mut().zip(fixed) {
        if fixed && argument.optional {
            argument.optional = false;
            argument.ty = argument.ty.clone().or(Ty::word("undefined"));
        }
    }
    Function {
        name: named.function.to_owned(),
        method: named.method.to_owned(),
        summary: method_docs::summary(operation),
        arguments,
        signatures,
        request: taken.request,
        call,
        wait: None,
        route: format!("{} {}", operation.method.as_str().to_uppercase(), operation.path),
    }
}

/// A constant's name, such as `createChatCompletionStream`.
fn constant_name(file: &mut File<'_>, function: &str, what: &str) -> String {
    let words = crate::ir::model::Words::split(&format!("{function} {what}"));
    file.scope.claim(&names::identifier(&words))
}

/// The constants for each way of writing the body, and what chooses between them.
fn bodies(
    file: &File<'_>,
    operation: &Operation,
    body: &Option<Argument>,
    name: &str,
    call: impl Fn(&str, Option<&str>) -> Call,
) -> Call {
    let request = arguments::request(file.api, operation);
    let Some(format) = request.body.as_ref() else { return call(name, None) };
    let usual = call(name, (format.format != BodyFormat::Json).then_some(format.media_type));
    let files = format.others.iter().find(|other| **other == "multipart/form-data");
    match (format.format, files, body) {
        (BodyFormat::Json, Some(files), Some(body)) => Call::Choice {
            condition: format!("hasFiles({})", body.name),
            then: Box::new(call(&format!("{name}WithFiles"), Some(files))),
            otherwise: Box::new(usual),
        },
        _ => usual,
    }
}

fn route(api: &Api, operation: &Operation, body_type: Option<&str>) -> Vec<(String, Literal)> {
    let mut entries = vec![
        ("method".to_owned(), text(&operation.method.as_str().to_uppercase())),
        // What stands behind `#` or `?` only tells operations of one path apart.
        ("path".to_owned(), text(operation.path.split(['#', '?']).next().unwrap_or_default())),
    ];
    entries.extend(body_type.map(|body_type| ("bodyType".to_owned(), text(body_type))));
    let joined = parameters::joined(api, operation);
    if !joined.is_empty() {
        let joined = joined.into_iter().map(|(name, separator)| (name, code(separator))).collect();
        entries.push(("joined".to_owned(), Literal::Object(joined)));
    }
    entries
}

/// The constant of an operation whose answer comes in one piece.
fn one(
    file: &File<'_>,
    operation: &Operation,
    answers: &Answers,
    name: &str,
    body_type: Option<&str>,
) -> Constant {
    let File { api, spelling, .. } = file;
    let mut entries = route(api, operation, body_type);
    let reply = match &answers.whole {
        Some(Whole::Text) => Some("text"),
        Some(Whole::Bytes(_)) => Some("bytes"),
        Some(Whole::Nothing) | None => Some("none"),
        Some(Whole::Json(ty)) => (!is_object(api, *ty)).then_some("value"),
    };
    entries.extend(reply.map(|reply| ("reply".to_owned(), text(reply))));
    if answers.may_be_empty {
        entries.push(("nothing".to_owned(), code("true")));
    }
    if let Some(Whole::Json(ty)) = answers.whole {
        entries.extend(secrets(api, [ty]));
    }
    let kind = match (page(spelling, operation, answers), &operation.pages) {
        (Some(item), Some(pages)) => {
            entries.push(("items".to_owned(), text(&pages.items)));
            entries.push(("cursorParam".to_owned(), text(&pages.cursor_param)));
            entries.extend(pages.next_cursor.as_ref().map(|field| ("nextCursor".to_owned(), text(field))));
            entries.extend(pages.has_more.as_ref().map(|field| ("hasMore".to_owned(), text(field))));
            ConstantKind::Page { item }
        }
        _ => ConstantKind::Operation(whole_ty(spelling, answers)),
    };
    Constant { name: name.to_owned(), kind, entries }
}

/// The fields whose values are not to be shown.
fn secrets(api: &Api, types: impl IntoIterator<Item = TypeRef>) -> Option<(String, Literal)> {
    let names: BTreeSet<String> = types.into_iter().flat_map(|ty| secret_fields(api, ty)).collect();
    let names: Vec<Literal> = names.iter().map(|name| text(name)).collect();
    (!names.is_empty()).then(|| ("secrets".to_owned(), Literal::Array(names)))
}

/// Whether every value of a type is a JSON object, so that the runtime may refuse anything else.
fn is_object(api: &Api, ty: TypeRef) -> bool {
    let mut seen = BTreeSet::new();
    let mut open = vec![ty];
    while let Some(ty) = open.pop() {
        let ty = target(api, ty);
        match &api.ty(ty.id).shape {
            _ if ty.nullable => return false,
            Shape::Object(_) | Shape::Map { .. } => {}
            Shape::Union(union) if seen.insert(ty.id) => {
                open.extend(union.variants.iter().map(|variant| variant.ty));
            }
            Shape::Union(_) => {}
            _ => return false,
        }
    }
    true
}

fn answer(file: &File<'_>, operation: &Operation, answers: &Answers) -> Answer {
    match page(file.spelling, operation, answers) {
        Some(item) => Answer::Page { item },
        None => Answer::Whole(whole_ty(file.spelling, answers)),
    }
}

/// The item's type, where an operation lists in pages.
fn page(spelling: &Spelling<'_>, operation: &Operation, answers: &Answers) -> Option<Ty> {
    let pages = operation.pages.as_ref()?;
    let Some(Whole::Json(ty)) = answers.whole else { return None };
    spelling.item_of(ty, &pages.items)
}

fn whole_ty(spelling: &Spelling<'_>, answers: &Answers) -> Ty {
    let ty = match &answers.whole {
        Some(Whole::Json(ty)) => spelling.ty(*ty),
        Some(Whole::Text) => Ty::word("string"),
        Some(Whole::Bytes(_)) => Ty::word("Uint8Array"),
        Some(Whole::Nothing) | None => Ty::word("void"),
    };
    if answers.may_be_empty { ty.or(Ty::word("undefined")) } else { ty }
}

fn text_steps(path: &[text_path::Step]) -> Literal {
    let step = |step: &text_path::Step| match step {
        text_path::Step::Field(name) => text(name),
        // Of several choices, the first: texts of two do not make one.
        text_path::Step::Items => code("0"),
    };
    Literal::Array(path.iter().map(step).collect())
}

/// What an argument of the request's own body is called.
pub const BODY: &str = "body";

/// The type of each way in which a body may be written, as one.
pub fn body_ty(file: &File<'_>, operation: &Operation) -> Ty {
    let media = operation.body.iter().flat_map(|body| &body.media);
    let mut all: Option<Ty> = None;
    for media in media {
        let ty = media.ty.map_or_else(Ty::unknown, |ty| one_body(file, &media.media_type, ty));
        all = Some(match all {
            None => ty,
            Some(all) => all.or(ty),
        });
    }
    all.unwrap_or_else(Ty::unknown)
}

fn one_body(file: &File<'_>, media_type: &str, ty: TypeRef) -> Ty {
    let (_, shape) = resolved(file.api, ty.id);
    match shape {
        crate::ir::model::Shape::Bytes { .. } if !media_type.contains("json") => {
            Ty::Uploadable.or(Ty::word("Uint8Array"))
        }
        _ => file.spelling.ty(ty),
    }
}
