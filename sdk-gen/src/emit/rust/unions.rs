//! A union: the enum, its constructors and conversions, and how it is read.

use crate::emit::writer::Writer;
use crate::lower::rust::model::{Constructor, Item, JsonKind, Ty, Union, UnionVariant};

use super::spell;
use super::types::Layout;

pub fn write(w: &mut Writer, item: &Item, union: &Union, layout: Layout) {
    declaration(w, item, union, layout);
    if !union.constructors.is_empty() {
        w.gap();
        w.open(format!("impl {} {{", item.name));
        for constructor in &union.constructors {
            w.gap();
            self::constructor(w, constructor);
        }
        w.close("}");
    }
    for variant in union.variants.iter().filter(|variant| variant.from) {
        conversions(w, &item.name, variant);
    }
    w.gap();
    w.open(format!("impl<'de> Deserialize<'de> for {} {{", item.name));
    w.open("fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {");
    w.line("support::read(from)");
    w.close("}");
    w.close("}");
    w.gap();
    reader(w, &item.name, union);
}

fn declaration(w: &mut Writer, item: &Item, union: &Union, layout: Layout) {
    w.docs(&item.docs);
    w.line("#[derive(Debug, Clone, PartialEq, Serialize)]");
    match &union.tag {
        Some(tag) => w.line(format!("#[serde(tag = {tag:?})]")),
        None => w.line("#[serde(untagged)]"),
    }
    if layout.non_exhaustive {
        w.line("#[non_exhaustive]");
    }
    w.open(format!("pub enum {} {{", item.name));
    for variant in &union.variants {
        w.docs(&variant.docs);
        match (&union.tag, variant.tags.as_slice()) {
            (Some(_), [tag]) if !variant.keeps_tag => {
                if *tag != variant.name {
                    w.line(format!("#[serde(rename = {tag:?})]"));
                }
            }
            (Some(_), _) => w.line("#[serde(untagged)]"),
            (None, _) => {}
        }
        w.line(format!("{}({}),", variant.name, variant.ty));
    }
    w.docs(&["A variant that this version does not know, as received."]);
    if union.tag.is_some() {
        w.line("#[serde(untagged)]");
    }
    w.line("Unknown(Value),");
    w.close("}");
}

fn constructor(w: &mut Writer, constructor: &Constructor) {
    if constructor.docs.is_empty() {
        w.docs(&[format!("A [`{}`].", constructor.payload)]);
    } else {
        w.docs(&constructor.docs);
    }
    let params: Vec<String> = constructor.params.iter().map(spell::param).collect();
    w.list(&format!("pub fn {}", constructor.name), &params, " -> Self {");
    w.indent();
    let names: Vec<&str> = constructor.params.iter().map(|param| param.ident.as_str()).collect();
    let made = match names.as_slice() {
        [] => format!("{}::default()", constructor.payload),
        names => format!("{}::new({})", constructor.payload, names.join(", ")),
    };
    let made = if constructor.boxed { format!("Box::new({made})") } else { made };
    w.line(format!("Self::{}({made})", constructor.variant));
    w.close("}");
}

fn conversions(w: &mut Writer, union: &str, variant: &UnionVariant) {
    let mut from = |source: &str, value: &str| {
        w.gap();
        w.open(format!("impl From<{source}> for {union} {{"));
        w.open(format!("fn from(value: {source}) -> Self {{"));
        w.line(format!("Self::{}({value})", variant.name));
        w.close("}");
        w.close("}");
    };
    match &variant.ty {
        Ty::String => {
            from("&str", "value.to_owned()");
            from("String", "value");
        }
        Ty::Boxed(name) => from(name, "Box::new(value)"),
        Ty::Value => {}
        ty => {
            from(&ty.to_string(), "value");
            // A listed string converts from text, too: `tool_choice("auto")`.
            if variant.kind == JsonKind::String {
                from("&str", "value.into()");
            }
        }
    }
}

fn reader(w: &mut Writer, name: &str, union: &Union) {
    w.open(format!("impl support::Union for {name} {{"));
    if let Some(tag) = &union.tag {
        let tagged = union.variants.iter();
        let all: Vec<String> =
            tagged.clone().flat_map(|variant| &variant.tags).map(|tag| format!("{tag:?}")).collect();
        let kept = tagged.filter(|variant| variant.keeps_tag).flat_map(|variant| &variant.tags);
        let kept: Vec<String> = kept.map(|tag| format!("{tag:?}")).collect();
        w.line(format!("const TAG: &'static str = {tag:?};"));
        constant(w, "TAGS", &all);
        if !kept.is_empty() {
            constant(w, "KEPT", &kept);
        }
        w.line("");
    }
    w.open("fn unknown(value: Value) -> Self {");
    w.line("Self::Unknown(value)");
    w.close("}");
    let kinds = [
        (JsonKind::String, "string"),
        (JsonKind::Number, "number"),
        (JsonKind::Bool, "boolean"),
        (JsonKind::Array, "array"),
    ];
    for (kind, method) in kinds {
        let variants: Vec<&UnionVariant> =
            union.variants.iter().filter(|variant| variant.kind == kind).collect();
        if !variants.is_empty() {
            w.gap();
            w.open(format!("fn {method}<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {{"));
            one_of(w, &variants);
            w.close("}");
        }
    }
    let objects: Vec<&UnionVariant> =
        union.variants.iter().filter(|variant| variant.kind == JsonKind::Object).collect();
    if !objects.is_empty() {
        w.gap();
        object(w, union, &objects);
    }
    w.close("}");
}

fn constant(w: &mut Writer, name: &str, values: &[String]) {
    let one = format!("const {name}: &'static [&'static str] = &[{}];", values.join(", "));
    if w.fits(&one) {
        w.line(one);
        return;
    }
    let head = format!("const {name}: &'static [&'static str] =");
    let rest = format!("    &[{}];", values.join(", "));
    if w.fits(&rest) {
        w.line(head);
        w.line(rest);
        return;
    }
    w.open(format!("{head} &["));
    w.fill(values);
    w.close("];");
}

/// One variant is read straight; several are tried in the document's order.
fn one_of(w: &mut Writer, variants: &[&UnionVariant]) {
    if let [only] = variants {
        w.line(format!("Deserialize::deserialize(from).map(Self::{})", only.name));
        return;
    }
    w.line("let value = Value::deserialize(from)?;");
    for variant in variants {
        w.open("if let Ok(payload) = Deserialize::deserialize(&value) {");
        w.line(format!("return Ok(Self::{}(payload));", variant.name));
        w.close("}");
    }
    w.line("Ok(Self::Unknown(value))");
}

fn object(w: &mut Writer, union: &Union, variants: &[&UnionVariant]) {
    let tag = if union.tag.is_some() { "tag" } else { "_tag" };
    w.open(format!(
        "fn object<'de, D: Deserializer<'de>>({tag}: &str, from: D) -> Result<Self, D::Error> {{"
    ));
    if union.tag.is_none() {
        one_of(w, variants);
        w.close("}");
        return;
    }
    w.open("match tag {");
    for variant in variants.iter().filter(|variant| !variant.tags.is_empty()) {
        let tags: Vec<String> = variant.tags.iter().map(|tag| format!("{tag:?}")).collect();
        w.line(format!(
            "{} => Deserialize::deserialize(from).map(Self::{}),",
            tags.join(" | "),
            variant.name
        ));
    }
    w.line("_ => Deserialize::deserialize(from).map(Self::Unknown),");
    w.close("}");
    w.close("}");
}
