//! The IR as text, for people and for tests: one line for an operation's part, one for a field.

use std::fmt::{Display, Write};

use super::model::{
    Additional, Api, Field, Header, Media, Operation, Range, Shape, StringShape, TypeDef, TypeRef,
    UnionShape, Words,
};

/// Everything that was understood. Types that are only a `string` or the like are left out.
pub fn print(api: &Api) -> String {
    let mut printer = Printer { api, out: String::new() };
    printer.line(0, format!("{} {} {}", api.title, api.version, api.servers.join(" ")));
    for scheme in &api.security {
        printer.line(0, format!("security {}: {:?}", scheme.name, scheme.kind));
    }
    for operation in &api.operations {
        printer.operation(operation);
    }
    for def in &api.types {
        printer.ty(def);
    }
    if !api.error_statuses.is_empty() {
        printer.line(0, "\nstatuses of errors");
    }
    for known in &api.error_statuses {
        printer.line(1, format!("{} {}: {}", known.property, known.name, known.status));
    }
    printer.out
}

struct Printer<'a> {
    api: &'a Api,
    out: String,
}

impl Printer<'_> {
    fn line(&mut self, indent: usize, text: impl Display) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.out, "{:width$}{text}", "", width = indent * 2);
    }

    fn name(&self, ty: TypeRef) -> String {
        let name = self.api.types.get(ty.id.0 as usize).map_or("?", |def| &def.name);
        format!("{name}{}", if ty.nullable { " or null" } else { "" })
    }

    fn operation(&mut self, operation: &Operation) {
        let Operation { id, method, path, .. } = operation;
        let resource: Vec<_> = operation.resource.iter().map(snake).collect();
        let flags = with_flags(&[
            (operation.deprecated, "deprecated"),
            (!operation.authenticated, "public"),
            (!operation.complete, "INCOMPLETE"),
        ]);
        let name = format!("{}.{}", resource.join("."), snake(&operation.method_name));
        self.line(0, format!("\n{} {path} {id} = {name}{flags}", method.as_str().to_uppercase()));
        if !operation.roles.is_empty() {
            let roles: Vec<_> = operation.roles.iter().map(|roles| roles.join(" and ")).collect();
            self.line(1, format!("for {}", roles.join(", or ")));
        }
        for param in &operation.params {
            let flags = with_flags(&[(param.required, "required"), (param.explode, "explode")]);
            let ty = self.name(param.ty);
            let location = format!("{:?}", param.location).to_lowercase();
            let default = default(&param.default);
            self.line(1, format!("{location} {}: {ty}{default} ({}){flags}", param.name, param.style));
        }
        if let Some(body) = &operation.body {
            let flags = with_flags(&[(body.required, "required")]);
            body.media.iter().for_each(|media| self.media("body", media, &flags));
        }
        let success = &operation.success;
        let statuses: Vec<_> = success.statuses.iter().map(u16::to_string).collect();
        let label = if statuses.is_empty() { "no success".to_owned() } else { statuses.join(",") };
        if let Some(json) = success.json {
            self.line(1, format!("{label} json: {}", self.name(json)));
        }
        if let Some(stream) = &success.stream {
            let ends = stream.terminal.as_ref().map(|text| format!(", ends with {text}")).unwrap_or_default();
            let error = stream.error.map(|ty| format!(", fails with {}", self.name(ty))).unwrap_or_default();
            let asked =
                stream.selector.as_ref().map(|name| format!(", asked for by {name}")).unwrap_or_default();
            self.line(1, format!("{label} stream of {}{ends}{error}{asked}", self.name(stream.event)));
        }
        success.other.iter().for_each(|media| self.media(&label, media, ""));
        if success.empty || statuses.is_empty() {
            self.line(1, format!("{label} without body"));
        }
        self.headers(&success.headers);
        for error in &operation.errors {
            let ty = error.ty.map_or_else(|| "without body".to_owned(), |ty| self.name(ty));
            self.line(1, format!("{}: {ty}", error.range));
            self.headers(&error.headers);
        }
        if let Some(job) = &operation.job {
            self.line(1, format!("job until {} is {}", job.status, job.done.join(", ")));
        }
        if let Some(pages) = &operation.pages {
            let next = pages.next_cursor.as_deref().unwrap_or("last id");
            let more = pages.has_more.as_deref().unwrap_or("-");
            self.line(
                1,
                format!("pages of {} by {}, next {next}, more {more}", pages.items, pages.cursor_param),
            );
        }
    }

    fn media(&mut self, label: &str, media: &Media, flags: &str) {
        let ty = media.ty.map_or_else(|| "no schema".to_owned(), |ty| self.name(ty));
        self.line(1, format!("{label} {}: {ty}{flags}", media.media_type));
    }

    fn headers(&mut self, headers: &[Header]) {
        for header in headers {
            let flags = with_flags(&[(header.required, "required")]);
            self.line(2, format!("header {}: {}{flags}", header.name, self.name(header.ty)));
        }
    }

    fn ty(&mut self, def: &TypeDef) {
        if !def.named && def.origin.pointer.is_empty() {
            return;
        }
        let sides = match (def.in_request, def.in_response) {
            (true, true) => " <>",
            (true, false) => " <",
            (false, true) => " >",
            (false, false) => "",
        };
        let flags = with_flags(&[
            (!def.named, "inline"),
            (!def.complete, "INCOMPLETE"),
            (def.docs.deprecated, "deprecated"),
        ]);
        let shape = self.shape(&def.shape);
        self.line(0, format!("\n{}{sides}{flags} = {shape}", def.name));
        match &def.shape {
            Shape::Object(object) => object.fields.iter().for_each(|field| self.field(field)),
            Shape::Union(union) => self.variants(union),
            Shape::Enum { values } => {
                for value in values {
                    self.line(1, format!("{} {}", value.value, value.description).trim_end());
                }
            }
            _ => {}
        }
    }

    fn field(&mut self, field: &Field) {
        let flags = with_flags(&[
            (field.required, "required"),
            (field.read_only, "read-only"),
            (field.write_only, "write-only"),
            (field.docs.deprecated, "deprecated"),
        ]);
        let merge = field.merge.map(|merge| format!(", merge {merge:?}")).unwrap_or_default();
        let into = field.merge_into.as_ref().map(|name| format!(", into {name}")).unwrap_or_default();
        let docs = field.docs.description.lines().next().filter(|line| !line.is_empty());
        let docs =
            docs.map(|line| format!(" # {}", line.chars().take(60).collect::<String>())).unwrap_or_default();
        let ty = self.name(field.ty);
        self.line(1, format!("{}: {ty}{}{flags}{merge}{into}{docs}", field.name, default(&field.default)));
    }

    fn variants(&mut self, union: &UnionShape) {
        for variant in &union.variants {
            let tags = if variant.tags.is_empty() { "-".to_owned() } else { variant.tags.join(", ") };
            self.line(1, format!("{tags}: {}", self.name(variant.ty)));
        }
    }

    fn shape(&self, shape: &Shape) -> String {
        match shape {
            Shape::Any => "any".to_owned(),
            Shape::Null => "null".to_owned(),
            Shape::Bool => "bool".to_owned(),
            Shape::Integer { format, range } => number("integer", format, range),
            Shape::Number { format, range } => number("number", format, range),
            Shape::String(shape) => string(shape),
            Shape::Bytes { base64 } => if *base64 { "bytes as base64" } else { "bytes" }.to_owned(),
            Shape::Const(value) => format!("always {value}"),
            Shape::Enum { .. } => "enum".to_owned(),
            Shape::Array { items, min_items, max_items, unique } => {
                let unique = if *unique { " unique" } else { "" };
                format!("array of {}{}{unique}", self.name(*items), between("length", min_items, max_items))
            }
            Shape::Tuple { items, rest } => {
                let items: Vec<_> = items.iter().map(|ty| self.name(*ty)).collect();
                let rest = rest.map(|ty| format!(", then {}", self.name(ty))).unwrap_or_default();
                format!("tuple of {}{rest}", items.join(", "))
            }
            Shape::Map { values, min_properties, max_properties, key_pattern, key_max_length } => {
                let pattern =
                    key_pattern.as_ref().map(|pattern| format!(" keys like {pattern}")).unwrap_or_default();
                let keys = between("key length", &None, key_max_length);
                format!(
                    "map of {}{}{pattern}{keys}",
                    self.name(*values),
                    between("size", min_properties, max_properties)
                )
            }
            Shape::Object(object) => match object.additional {
                Additional::Open => "object".to_owned(),
                Additional::Closed => "closed object".to_owned(),
                Additional::Typed(ty) => format!("object, others {}", self.name(ty)),
            },
            Shape::Union(union) => {
                let kind = if union.any_of { "any of" } else { "one of" };
                match &union.discriminator {
                    Some(discriminator) if discriminator.inferred => {
                        format!("{kind}, by {} (inferred)", discriminator.property)
                    }
                    Some(discriminator) => format!("{kind}, by {}", discriminator.property),
                    None => kind.to_owned(),
                }
            }
            Shape::Alias(target) => format!("alias of {}", self.name(*target)),
        }
    }
}

fn number(name: &str, format: &Option<String>, range: &Range) -> String {
    let mut text =
        format!("{name}{}", format.as_ref().map(|format| format!(" {format}")).unwrap_or_default());
    let bounds = [
        (">=", &range.minimum),
        (">", &range.exclusive_minimum),
        ("<=", &range.maximum),
        ("<", &range.exclusive_maximum),
        ("multiple of", &range.multiple_of),
    ];
    for (sign, bound) in bounds {
        text += &bound.as_ref().map(|bound| format!(" {sign} {bound}")).unwrap_or_default();
    }
    text
}

fn string(shape: &StringShape) -> String {
    let format = shape.format.as_ref().map(|format| format!(" {format}")).unwrap_or_default();
    let pattern = shape.pattern.as_ref().map(|pattern| format!(" like {pattern}")).unwrap_or_default();
    format!("string{format}{pattern}{}", between("length", &shape.min_length, &shape.max_length))
}

fn between(what: &str, min: &Option<u64>, max: &Option<u64>) -> String {
    let bound = |bound: &Option<u64>| bound.map(|bound| bound.to_string()).unwrap_or_default();
    if min.is_none() && max.is_none() {
        String::new()
    } else {
        format!(" {what} {}..{}", bound(min), bound(max))
    }
}

fn default(value: &Option<serde_json::Value>) -> String {
    value.as_ref().map(|value| format!(" = {value}")).unwrap_or_default()
}

fn with_flags(flags: &[(bool, &str)]) -> String {
    flags.iter().filter(|(set, _)| *set).map(|(_, name)| format!(", {name}")).collect()
}

fn snake(words: &Words) -> String {
    words.0.join("_")
}
