//! Jobs, which run on after they were asked for: `x-job`, or what the values of `status` tell.

use super::{
    builder::Builder,
    model::{Job, Method, Operation, Shape, TypeDef},
    source::{At, Read},
    streams::resolve,
};

/// Fields that say how far a job is.
const STATUS: [&str; 2] = ["status", "state"];

/// Values of such a field while the job runs. A word that is in no list here keeps an operation from being taken for a job.
const RUNNING: [&str; 16] = [
    "cancelling",
    "canceling",
    "created",
    "finalizing",
    "in_progress",
    "pending",
    "preparing",
    "processing",
    "queued",
    "running",
    "scheduled",
    "started",
    "starting",
    "submitted",
    "validating",
    "validating_files",
];
const DONE: [&str; 14] = [
    "cancelled",
    "canceled",
    "complete",
    "completed",
    "done",
    "error",
    "errored",
    "expired",
    "failed",
    "finished",
    "succeeded",
    "success",
    "timed_out",
    "timeout",
];

/// `at` is the operation in the document. `x-job: false` says that it is none.
pub(super) fn find_job(types: &[TypeDef], operation: &Operation, at: At<'_>) -> Option<Job> {
    if let Some(extension) = at.get("x-job") {
        let done = extension.texts("done").into_iter().map(str::to_owned).collect();
        return Some(Job { status: extension.text("status")?.to_owned(), done });
    }
    if operation.method != Method::Get || !operation.path.ends_with('}') {
        return None;
    }
    let Shape::Object(object) = resolve(types, operation.success.json?.id) else { return None };
    object.fields.iter().filter(|field| field.required && STATUS.contains(&field.name.as_str())).find_map(
        |field| {
            let Shape::Enum { values } = resolve(types, field.ty.id) else { return None };
            let values: Vec<&str> = values.iter().filter_map(|value| value.value.as_str()).collect();
            let (done, others): (Vec<&str>, Vec<&str>) =
                values.into_iter().partition(|value| DONE.contains(value));
            let runs = !others.is_empty() && others.iter().all(|value| RUNNING.contains(value));
            let done: Vec<String> = done.into_iter().map(str::to_owned).collect();
            (runs && !done.is_empty()).then(|| Job { status: field.name.clone(), done })
        },
    )
}

impl<'d> Builder<'d, '_> {
    pub fn check_job(&mut self, at: At<'d>) {
        let help = "write it like `{ status: status, done: [completed, failed, cancelled] }`";
        if at.text("status").is_none() {
            self.error(at, "`x-job` needs the name of a field under `status`", help);
        }
        if at.texts("done").is_empty() {
            self.error(at, "`x-job` needs the last values of that field under `done`", help);
        }
        for (key, value) in at.entries().filter(|(key, _)| !matches!(*key, "status" | "done")) {
            self.error(value, format!("`x-job` has no key `{key}`"), help);
        }
    }
}
