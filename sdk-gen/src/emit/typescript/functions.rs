//! One file of functions per namespace: what the runtime is told, and a function per operation.

use crate::lower::typescript::model::{
    Answer, Argument, Call, Constant, ConstantKind, Entry, Function, Literal, Resource, Signature, Ty,
    Values, Wait,
};

use super::begin;
use super::layout::{Layout, Part, Returned};
use super::literals;
use super::spell::variants;
use super::types::{declaration, imports};

pub fn file(resource: &Resource) -> String {
    let mut docs = vec![format!("The operations of `{}` as functions.", resource.dotted)];
    docs.push(String::new());
    docs.push("A bundler keeps those that are called; `client` may be the plain `Client`.".to_owned());
    let mut w = begin(&docs);
    imports(&mut w, &resource.function_imports);
    for params in &resource.params {
        w.gap();
        declaration(&mut w, params);
    }
    for plan in &resource.plans {
        w.gap();
        w.docs(&plan.docs);
        literals::write(&mut w, &format!("const {}: Plan = ", plan.name), &plan.value, ";", true);
    }
    for function in &resource.functions {
        for constant in function.call.constants() {
            w.gap();
            self::constant(&mut w, constant);
        }
        w.gap();
        self::function(&mut w, function, &resource.dotted);
        if let Some(wait) = &function.wait {
            w.gap();
            self::wait(&mut w, function, wait, &resource.dotted);
        }
    }
    w.finish()
}

fn constant(w: &mut Layout, constant: &Constant) {
    let ty = match &constant.kind {
        ConstantKind::Operation(ty) => format!("Operation<{ty}>"),
        ConstantKind::Stream { event, result } => format!("StreamOperation<{event}, {result}>"),
        ConstantKind::Page { item } => format!("PageOperation<{item}>"),
    };
    let value = Literal::Object(constant.entries.clone());
    let open = constant.entries.len() > 2;
    let head = format!("const {}: {ty} =", constant.name);
    if w.fits(&format!("{head} {{")) {
        literals::write(w, &format!("{head} "), &value, ";", open);
    } else if let ConstantKind::Stream { event, result } = &constant.kind {
        w.open(format!("const {}: StreamOperation<", constant.name));
        w.line(format!("{event},"));
        w.line(result.to_string());
        w.dedent();
        literals::write(w, "> = ", &value, ";", open);
    } else {
        w.open(head);
        literals::write(w, "", &value, ";", open);
        w.dedent();
    }
}

fn function(w: &mut Layout, function: &Function, dotted: &str) {
    let mut docs = function.summary.clone();
    let own = format!("The same as `client.{dotted}.{}`.", function.method);
    match docs.iter().position(|line| line.starts_with('@')) {
        Some(at) => {
            docs.insert(at, String::new());
            docs.insert(at, own);
        }
        None => docs.push(own),
    }
    w.docs(&docs);
    let head = format!("export function {}", function.name);
    let parts = |signature: Option<&Signature>| {
        let narrowed = signature.and_then(|signature| signature.narrowed.as_deref());
        let mut parts = vec![Part::of("client", "Client")];
        parts.extend(function.arguments.iter().map(|argument| self::argument(argument, narrowed)));
        parts.push(Part::of("options?", "RequestOptions"));
        parts
    };
    if function.signatures.len() > 1 {
        for signature in &function.signatures {
            w.signature(&head, &parts(Some(signature)), &answer(&signature.answer), ";");
        }
    }
    let Some(last) = function.signatures.last() else { return };
    w.signature(&head, &parts(Some(last)), &answer(&last.answer), " {");
    w.indent();
    body(w, function);
    w.close("}");
}

/// The function that asks until a job is done.
fn wait(w: &mut Layout, function: &Function, wait: &Wait, dotted: &str) {
    let mut docs: Vec<String> = wait.docs.iter().take_while(|line| !line.is_empty()).cloned().collect();
    docs.push(format!("The same as `client.{dotted}.{}`.", wait.method));
    w.docs(&docs);
    let mut parts = vec![Part::of("client", "Client")];
    parts.extend(wait_parts(function));
    let returned = Returned { name: "Promise", variants: variants(&wait.ty) };
    w.signature(&format!("export function {}", wait.name), &parts, &returned, " {");
    w.indent();
    let arguments: Vec<&str> = function.arguments.iter().map(|argument| argument.name.as_str()).collect();
    let read = [&["client"], arguments.as_slice(), &["options"]].concat().join(", ");
    literals::write(w, "const job = ", &wait.job, ";", false);
    w.call(
        "return wait",
        &[format!("() => {}({read})", function.name), "job".to_owned(), "options".to_owned()],
        ";",
    );
    w.close("}");
}

/// What waiting takes: the same, and how to wait.
pub fn wait_parts(function: &Function) -> Vec<Part> {
    let mut parts: Vec<Part> =
        function.arguments.iter().map(|argument| self::argument(argument, None)).collect();
    parts.push(Part::of("options?", "WaitOptions"));
    parts
}

/// `body: ChatCompletionRequest & { stream: true }`
pub fn argument(argument: &Argument, narrowed: Option<&str>) -> Part {
    let optional = if argument.optional { "?" } else { "" };
    let name = format!("{}{optional}", argument.name);
    let variants = match narrowed.filter(|_| argument.is_body) {
        None => variants(&argument.ty),
        Some(narrowed) if matches!(argument.ty, Ty::Union(_)) => {
            vec![format!("({}) & {{ {narrowed} }}", argument.ty)]
        }
        Some(narrowed) => vec![format!("{} & {{ {narrowed} }}", argument.ty)],
    };
    Part { name, variants }
}

/// The type that a call returns.
pub fn answer(answer: &Answer) -> Returned {
    match answer {
        Answer::Whole(ty) => Returned { name: "APIPromise", variants: variants(ty) },
        Answer::Stream { event, result } => {
            Returned { name: "APIPromise", variants: vec![format!("Stream<{event}, {result}>")] }
        }
        Answer::Either(one, other) => Returned {
            name: "APIPromise",
            variants: [self::answer(one).variants, self::answer(other).variants].concat(),
        },
        Answer::Page { item } => Returned { name: "PagePromise", variants: vec![item.to_string()] },
    }
}

fn body(w: &mut Layout, function: &Function) {
    let mut args: Vec<(String, Literal)> = Vec::new();
    let object = |entries: &[Entry]| {
        let entry = |entry: &Entry| match entry.key.as_str() {
            "" => (format!("...{}", entry.code), Literal::Code(String::new())),
            key => (key.to_owned(), Literal::Code(entry.code.clone())),
        };
        Literal::Object(entries.iter().map(entry).collect())
    };
    let request = &function.request;
    if !request.path.is_empty() {
        args.push(("path".to_owned(), object(&request.path)));
    }
    match &request.query {
        Values::None => {}
        Values::Argument(name) => args.push(("query".to_owned(), Literal::Code(name.clone()))),
        Values::Each(entries) => args.push(("query".to_owned(), object(entries))),
    }
    if !request.headers.is_empty() {
        args.push(("headers".to_owned(), object(&request.headers)));
    }
    if let Some(body) = &request.body {
        args.push(("body".to_owned(), Literal::Code(body.clone())));
    }
    let args = Literal::Object(args);
    call(w, &function.call, &args, "return ", ";");
}

fn call(w: &mut Layout, call: &Call, args: &Literal, head: &str, tail: &str) {
    match call {
        Call::Constant(constant) => w.runtime_call(&format!("{head}{}", invoked(constant)), args, tail),
        Call::Choice { condition, then, otherwise } => {
            w.open(format!("if ({condition}) {{"));
            self::call(w, then, args, head, tail);
            w.close("}");
            self::call(w, otherwise, args, head, tail);
        }
    }
}

/// `request(client, retrieveModelOperation`
fn invoked(constant: &Constant) -> String {
    let function = match constant.kind {
        ConstantKind::Operation(_) => "request",
        ConstantKind::Stream { .. } => "stream",
        ConstantKind::Page { .. } => "pages",
    };
    format!("{function}(client, {}", constant.name)
}
