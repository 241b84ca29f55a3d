//! What the files of a namespace import.

use super::model::{
    Answer, Call, Child, ConstantKind, Declaration, DeclarationKind, Function, Import, Literal, PlanTable, Ty,
};
use super::runtime::{self, Type};
use super::types::{Places, Uses};

/// Of the file with the functions.
pub fn of_functions(
    functions: &[Function],
    params: &[Declaration],
    plans: &[PlanTable],
    places: &Places,
) -> Vec<Import> {
    let mut uses = Uses::default();
    for declaration in params {
        if let DeclarationKind::Interface { members, .. } = &declaration.kind {
            members.iter().for_each(|member| uses.add(&member.ty));
        }
    }
    for plan in plans {
        uses.runtime(Type::Plan);
        steps(&plan.value, &mut uses);
    }
    for function in functions {
        uses.runtime(Type::Client);
        signature(function, &mut uses);
        call(&function.call, &mut uses);
        if function.wait.is_some() {
            uses.runtime(Type::WaitFunction);
        }
        let entries = function.request.headers.iter().chain(match &function.request.query {
            super::model::Values::Each(entries) => entries.as_slice(),
            _ => &[],
        });
        for entry in entries {
            for (start, ty) in [("cookies(", Type::CookiesFunction), ("joined(", Type::JoinedFunction)] {
                if entry.code.starts_with(start) {
                    uses.runtime(ty);
                }
            }
        }
    }
    uses.imports(places, |file| Some(format!("../types/{file}.js")), "../../runtime")
}

/// Of the file with the class.
pub fn of_class(
    functions: &[Function],
    params: &[Declaration],
    children: &[Child],
    file: &str,
    places: &Places,
) -> Vec<Import> {
    let mut uses = Uses::default();
    uses.runtime(Type::Resource);
    functions.iter().for_each(|function| signature(function, &mut uses));
    let mut imports = uses.imports(places, |file| Some(format!("../types/{file}.js")), "../../runtime");
    let mut own = Vec::new();
    if !functions.is_empty() {
        let waits = functions.iter().filter_map(|function| function.wait.as_ref());
        let waits = waits.map(|wait| wait.name.clone());
        let mut names: Vec<String> =
            functions.iter().map(|function| function.name.clone()).chain(waits).collect();
        names.sort();
        own.push(Import { from: format!("../operations/{file}.js"), names, type_only: false });
    }
    if !params.is_empty() {
        let mut names: Vec<String> = params.iter().map(|declaration| declaration.name.clone()).collect();
        names.sort();
        own.push(Import { from: format!("../operations/{file}.js"), names, type_only: true });
    }
    for child in children {
        own.push(Import {
            from: format!("./{}.js", child.file),
            names: vec![child.class.clone()],
            type_only: false,
        });
    }
    own.sort();
    imports.extend(own);
    imports
}

/// The names of the runtime that a plan is made of.
fn steps(value: &Literal, uses: &mut Uses) {
    match value {
        Literal::Code(code) => {
            let name = code.split('(').next().unwrap_or_default();
            if let Some(name) = runtime::STEPS.iter().find(|known| **known == name) {
                uses.runtime(Type::Step(name));
            }
        }
        Literal::Object(entries) => entries.iter().for_each(|(_, value)| steps(value, uses)),
        Literal::Array(items) => items.iter().for_each(|item| steps(item, uses)),
        Literal::Noted(_, value) => steps(value, uses),
    }
}

fn signature(function: &Function, uses: &mut Uses) {
    uses.runtime(Type::RequestOptions);
    if function.wait.is_some() {
        uses.runtime(Type::WaitOptions);
    }
    function.arguments.iter().for_each(|argument| uses.add(&argument.ty));
    function.signatures.iter().for_each(|signature| answer(&signature.answer, uses));
}

fn answer(answer: &Answer, uses: &mut Uses) {
    match answer {
        Answer::Whole(ty) => {
            uses.runtime(Type::Promise);
            uses.add(ty);
        }
        Answer::Stream { event, result } => {
            uses.runtime(Type::Promise);
            uses.runtime(Type::Stream);
            uses.add(event);
            uses.add(result);
        }
        Answer::Either(one, other) => {
            self::answer(one, uses);
            self::answer(other, uses);
        }
        Answer::Page { item } => {
            uses.runtime(Type::PagePromise);
            uses.add(item);
        }
    }
}

fn call(call: &Call, uses: &mut Uses) {
    if let Call::Choice { condition, then, otherwise } = call {
        if condition.starts_with("hasFiles(") {
            uses.runtime(Type::HasFilesFunction);
        }
        self::call(then, uses);
        self::call(otherwise, uses);
        return;
    }
    for constant in call.constants() {
        let mut add = |function: Type, ty: Type, spelled: &[&Ty]| {
            uses.runtime(function);
            uses.runtime(ty);
            spelled.iter().for_each(|ty| uses.add(ty));
        };
        match &constant.kind {
            ConstantKind::Operation(ty) => add(Type::RequestFunction, Type::Operation, &[ty]),
            ConstantKind::Stream { event, result } => {
                add(Type::StreamFunction, Type::StreamOperation, &[event, result]);
            }
            ConstantKind::Page { item } => add(Type::PagesFunction, Type::PageOperation, &[item]),
        }
    }
}
