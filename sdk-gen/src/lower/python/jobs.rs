//! The method beside one that reads a job: it asks until the job is done.

use crate::ir::model::Job;
use crate::lower::shared::docs::wrapped;

use super::docs::{entry, section};
use super::method_docs::WIDTH;
use super::methods::Module;
use super::model::{Argument, Call, OperationConstant, Returns, Wait};
use super::names;

/// The method that waits for a job; its name is to be claimed.
pub fn wait(job: &Job, name: &str, returns: &Returns, module: &mut Module) -> Option<Wait> {
    let Returns::Whole { annotation, .. } = returns else { return None };
    let constant = format!("_{}_JOB", name.trim_end_matches('_').to_uppercase());
    let done: Vec<String> = job.done.iter().map(|value| names::quoted(value)).collect();
    let arguments =
        vec![Argument::Text(names::quoted(&job.status)), Argument::Text(format!("[{}]", done.join(", ")))];
    module.imports.add("...jobs", "Job");
    let value = Call { function: "Job".to_owned(), arguments };
    module.operations.push(OperationConstant { name: constant.clone(), value });
    let done: Vec<String> = job.done.iter().map(|value| format!("`{value}`")).collect();
    let mut docs = wrapped(
        &format!("Wait until the job is over: until `{}` is one of {}.", job.status, done.join(", ")),
        WIDTH,
    );
    let text = format!(
        "Asks with `{name}`, which takes the same arguments, first at once and then less and less often. \
         The job comes back however it ended."
    );
    section(&mut docs, wrapped(&text, WIDTH));
    section(&mut docs, vec!["Args:".to_owned()]);
    docs.extend(entry("poll_interval", "Seconds before the second question. Each wait is half as long again as the last, up to ten times this.", WIDTH));
    docs.extend(entry("wait_timeout", "Seconds to wait in all. `None` waits as long as it takes.", WIDTH));
    section(&mut docs, vec!["Raises:".to_owned()]);
    docs.extend(entry(
        "APITimeoutError",
        "`wait_timeout` passed. The job runs on; `error.partial` is how it stood.",
        WIDTH,
    ));
    let name = if name == "retrieve" { "wait".to_owned() } else { format!("wait_{name}") };
    Some(Wait { name, job: constant, annotation: annotation.clone(), docs })
}
