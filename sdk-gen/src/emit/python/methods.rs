//! One method: its overloads, its signature, its docs and the call into the runtime.

use crate::lower::python::model::{Argument, Call, Method, Parameter, Returns, SentBody, StreamTypes, Wait};

use super::resources::Flavour;
use super::text::Text;

const OPTIONS: &str = "**options: Unpack[RequestOptions]";

pub fn emit(w: &mut Text, method: &Method, flavour: Flavour) {
    let run = flavour.pick("def", "async def");
    let wait = flavour.pick("", "await ");
    match &method.returns {
        Returns::Whole { annotation, operation } => {
            w.gap();
            signature(w, run, &method.name, parameters(method, None), annotation);
            w.docstring(&method.docs);
            w.call(&format!("return {wait}"), &call(method, "self._request", operation, None), "");
            w.dedent();
        }
        Returns::Pages { item, operation } => {
            let page = flavour.pick("Page", "AsyncPages");
            w.gap();
            signature(w, "def", &method.name, parameters(method, None), &format!("{page}[{item}]"));
            w.docstring(&method.docs);
            w.call("return ", &call(method, "self._pages", operation, None), "");
            w.dedent();
        }
        Returns::Stream { annotation, operation } => {
            w.gap();
            signature(w, run, &method.name, parameters(method, None), &stream(annotation, flavour));
            w.docstring(&method.docs);
            w.call(&format!("return {wait}"), &call(method, "self._stream", operation, None), "");
            w.dedent();
        }
        Returns::Twin { whole, operation, stream: types, stream_operation, stream_name } => {
            w.gap();
            signature(w, run, &method.name, parameters(method, None), whole);
            w.docstring(&method.docs);
            w.call(&format!("return {wait}"), &call(method, "self._request", operation, None), "");
            w.dedent();
            w.gap();
            signature(w, run, stream_name, parameters(method, None), &stream(types, flavour));
            w.docstring(&[format!("As `{}`, but streamed.", method.name)]);
            w.call(&format!("return {wait}"), &call(method, "self._stream", stream_operation, None), "");
            w.dedent();
        }
        Returns::Either { .. } => either(w, method, flavour),
    }
    if let Some(wait) = &method.wait {
        self::wait(w, method, wait, flavour);
    }
}

fn wait(w: &mut Text, method: &Method, wait: &Wait, flavour: Flavour) {
    let mut parts = parameters(method, None);
    let options = parts.pop();
    if !parts.contains(&"*".to_owned()) {
        parts.push("*".to_owned());
    }
    parts.push("poll_interval: float = 1.0".to_owned());
    parts.push("wait_timeout: Optional[float] = None".to_owned());
    parts.extend(options);
    w.gap();
    signature(w, flavour.pick("def", "async def"), &wait.name, parts, &wait.annotation);
    w.docstring(&wait.docs);
    let mut passed: Vec<String> = method.positional.iter().map(|parameter| parameter.name.clone()).collect();
    passed.extend(method.named.iter().map(|Parameter { name, .. }| format!("{name}={name}")));
    passed.push("**options".to_owned());
    w.list(
        &format!(
            "return {}{}(",
            flavour.pick("", "await "),
            format_args!("{}.{}", wait.job, flavour.pick("wait", "wait_async"))
        ),
        &[
            format!("lambda: self.{}({})", method.name, passed.join(", ")),
            "poll_interval".to_owned(),
            "wait_timeout".to_owned(),
        ],
        "",
    );
    w.dedent();
}

fn either(w: &mut Text, method: &Method, flavour: Flavour) {
    let Returns::Either { whole, operation, stream: types, stream_operation, selector } = &method.returns
    else {
        return;
    };
    let run = flavour.pick("def", "async def");
    let wait = flavour.pick("", "await ");
    let streamed = stream(types, flavour);
    let both = format!("Union[{whole}, {streamed}]");
    let overloads = [(&selector.whole, whole), (&selector.stream, &streamed), (&selector.either, &both)];
    for (parameter, annotation) in overloads {
        w.gap();
        w.line("@overload");
        signature_end(w, run, &method.name, parameters(method, Some(parameter)), annotation, " ...");
    }
    w.gap();
    signature(w, run, &method.name, parameters(method, Some(&selector.implementation)), &both);
    w.docstring(&method.docs);
    let mut entries = Vec::new();
    if let Some(SentBody::Fields(fields)) = &method.sends.body {
        entries.extend(fields.iter().map(|(key, value)| format!("{key}: {value}")));
    }
    w.list("body = {", &entries, "");
    w.open(format!("if {}:", selector.name));
    w.call(&format!("return {wait}"), &call(method, "self._stream", stream_operation, Some("body")), "");
    w.dedent();
    w.call(&format!("return {wait}"), &call(method, "self._request", operation, Some("body")), "");
    w.dedent();
}

fn stream(types: &StreamTypes, flavour: Flavour) -> String {
    format!("{}[{}, {}]", flavour.pick("Stream", "AsyncStream"), types.event, types.whole)
}

/// The method's parameters in order, `selector` behind the required ones.
fn parameters(method: &Method, selector: Option<&Parameter>) -> Vec<String> {
    let mut parts = vec!["self".to_owned()];
    parts.extend(method.positional.iter().map(parameter));
    let required = method.named.iter().filter(|named| named.default.is_none());
    let optional = method.named.iter().filter(|named| named.default.is_some());
    let named: Vec<String> = required.chain(selector).chain(optional).map(parameter).collect();
    if !named.is_empty() {
        parts.push("*".to_owned());
    }
    parts.extend(named);
    parts.push(OPTIONS.to_owned());
    parts
}

fn parameter(parameter: &Parameter) -> String {
    let Parameter { name, annotation, default } = parameter;
    match default {
        Some(default) => format!("{name}: {annotation} = {default}"),
        None => format!("{name}: {annotation}"),
    }
}

fn signature(w: &mut Text, run: &str, name: &str, parameters: Vec<String>, annotation: &str) {
    signature_end(w, run, name, parameters, annotation, "");
    w.indent();
}

fn signature_end(w: &mut Text, run: &str, name: &str, parameters: Vec<String>, annotation: &str, end: &str) {
    let one = format!("{run} {name}({}) -> {annotation}:{end}", parameters.join(", "));
    if w.fits(&one) {
        w.line(one);
        return;
    }
    w.open(format!("{run} {name}("));
    let all = parameters.join(", ");
    if w.fits(&all) {
        w.line(all);
    } else {
        // A comma behind `**options` is fine since Python 3.6.
        parameters.iter().for_each(|part| w.line(format!("{part},")));
    }
    w.dedent();
    w.line(format!(") -> {annotation}:{end}"));
}

/// `self._request(_RETRIEVE, path={"model": model}, options=options)`
fn call(method: &Method, function: &str, operation: &str, body: Option<&str>) -> Call {
    let mut arguments = vec![Argument::Text(operation.to_owned())];
    let sends = &method.sends;
    for (name, values) in [("path", &sends.path), ("query", &sends.query), ("headers", &sends.headers)] {
        if !values.is_empty() {
            arguments.push(dict(name, values));
        }
    }
    match (body, &sends.body) {
        (Some(name), _) => arguments.push(Argument::Named("body".to_owned(), name.to_owned())),
        (None, Some(SentBody::Fields(fields))) => arguments.push(dict("body", fields)),
        (None, Some(SentBody::Whole(value))) => {
            arguments.push(Argument::Named("body".to_owned(), value.clone()));
        }
        (None, None) => {}
    }
    arguments.push(Argument::Named("options".to_owned(), "options".to_owned()));
    Call { function: function.to_owned(), arguments }
}

fn dict(name: &str, values: &[(String, String)]) -> Argument {
    let entries = values.iter().map(|(key, value)| (key.clone(), Argument::Text(value.clone())));
    Argument::NamedDict(name.to_owned(), entries.collect())
}
