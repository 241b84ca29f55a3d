//! The function beside one that reads a job: it asks until the job is done.

use crate::ir::model::{Job, Words};

use super::docs;
use super::literals::text;
use super::model::{Answer, Function, Literal, Ty, Wait};
use super::names;
use super::operations::{Claim, Named};

/// `None` where the operation answers with no one thing.
pub fn wait(function: &Function, job: &Job, named: &Named<'_>, claim: &mut Claim<'_>) -> Option<Wait> {
    let Answer::Whole(ty) = &function.signatures.first()?.answer else { return None };
    let what = match ty {
        Ty::Named(name) => Words::split(name),
        _ => Words::split(named.function),
    };
    let with = |first: &str, rest: &[String]| {
        let words: Vec<String> = first.split(' ').map(str::to_owned).chain(rest.iter().cloned()).collect();
        names::member(&Words(words))
    };
    let method = match named.method {
        "retrieve" => "wait".to_owned(),
        other => with("wait", &Words::split(other).0),
    };
    let (name, method) = claim(&with("wait for", &what.0), &method);
    let done: Vec<String> = job.done.iter().map(|value| format!("`{value}`")).collect();
    let mut lines = docs::prose(&format!(
        "Waits until the job is over: until `{}` is one of {}.",
        job.status,
        done.join(", ")
    ));
    let asks = format!(
        "Asks with `{}`, which takes the same arguments, first at once and then less and less often. The job comes \
         back however it ended.",
        named.method
    );
    docs::section(&mut lines, docs::prose(&asks));
    let thrown =
        "@throws APITimeoutError `waitTimeoutMs` passed. The job runs on; `error.partial` is how it stood.";
    docs::section(&mut lines, docs::tag(thrown));
    let done = Literal::Array(job.done.iter().map(|value| text(value)).collect());
    let job = Literal::Object(vec![("status".to_owned(), text(&job.status)), ("done".to_owned(), done)]);
    Some(Wait { name, method, docs: lines, job, ty: ty.clone() })
}
