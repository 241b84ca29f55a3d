//! The files of one crate's wire types.

use std::collections::{BTreeMap, BTreeSet};

use crate::emit::header;
use crate::emit::writer::Writer;
use crate::lower::rust::model::{Item, ItemKind, Module, Rule, Struct, Ty, Types};

use super::{EMITTER, check, enums, objects, unions};

/// Where the types go and what goes with them.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// Path of the module that holds them, such as `crate::generated`.
    pub base: &'static str,
    /// Checks are written beside the types.
    pub checks: bool,
    /// Enums may grow without that being a breaking change.
    pub non_exhaustive: bool,
}

impl Layout {
    pub const SERVER: Self = Self { base: "crate::generated", checks: true, non_exhaustive: false };
    pub const SDK: Self = Self { base: "crate::generated::types", checks: false, non_exhaustive: true };
}

/// Path and contents of every file, `mod.rs` among them.
pub fn emit(types: &Types, layout: Layout) -> Vec<(String, String)> {
    let mut files = vec![("mod.rs".to_owned(), root(types, layout))];
    files.push(("support.rs".to_owned(), support(layout)));
    let extra = include_str!("templates/extra.rs");
    files.push(("extra.rs".to_owned(), format!("{}{extra}", header::slashes(EMITTER))));
    if layout.checks {
        let text = include_str!("templates/check.rs");
        files.push(("check.rs".to_owned(), format!("{}{text}", header::slashes(EMITTER))));
    }
    let mut directories: BTreeMap<&str, Vec<&Module>> = BTreeMap::new();
    for module in &types.modules {
        if let [directory, _] = module.path.as_slice() {
            directories.entry(directory).or_default().push(module);
        }
        files.push((format!("{}.rs", path(&module.path)), self::module(module, layout)));
    }
    for (directory, modules) in directories {
        files.push((format!("{}/mod.rs", path(&[directory.to_owned()])), index(&modules)));
    }
    files.sort();
    files
}

fn support(layout: Layout) -> String {
    // A macro names its helpers from the crate's root: `$crate::generated::support`.
    let base = layout.base.trim_start_matches("crate::");
    let text = include_str!("templates/support.rs").replace("SUPPORT", &format!("{base}::support"));
    let unique = if layout.checks { include_str!("templates/unique.rs") } else { "" };
    format!("{}{text}{unique}", header::slashes(EMITTER))
}

/// A raw identifier names a file without its `r#`.
fn path(parts: &[String]) -> String {
    parts.iter().map(|part| part.trim_start_matches("r#")).collect::<Vec<_>>().join("/")
}

fn root(types: &Types, layout: Layout) -> String {
    let mut w = Writer::default();
    let directories: BTreeSet<&str> = types.modules.iter().map(|module| module.path[0].as_str()).collect();
    w.line(header::slashes(EMITTER).trim_end());
    w.line("");
    w.module_docs(&[
        "The API's wire types, one file per schema, in directories by tag.",
        "",
        "Unknown fields, enum values and union variants are kept and written back as they came.",
    ]);
    w.line("");
    // A message is moved rarely and boxing its larger half would show in every pattern.
    w.line("#![allow(clippy::large_enum_variant)]");
    // A tag and a schema may have the same name.
    w.line("#![allow(clippy::module_inception)]");
    w.line("");
    let mut modules: Vec<&str> = directories.iter().copied().chain(["extra", "support"]).collect();
    modules.extend(layout.checks.then_some("check"));
    modules.sort_unstable();
    modules.iter().for_each(|module| w.line(format!("mod {module};")));
    w.line("");
    let mut exports: Vec<String> =
        directories.iter().map(|directory| format!("pub use {directory}::*;")).collect();
    exports.push("pub use extra::Extra;".to_owned());
    exports.extend(layout.checks.then(|| "pub use check::{Check, Path, Pattern, Violation};".to_owned()));
    exports.sort();
    exports.iter().for_each(|export| w.line(export));
    w.finish()
}

fn index(modules: &[&Module]) -> String {
    let mut w = Writer::default();
    w.line(header::slashes(EMITTER).trim_end());
    w.line("");
    let mut names: Vec<&str> =
        modules.iter().filter_map(|module| module.path.last()).map(String::as_str).collect();
    names.sort_unstable();
    names.iter().for_each(|name| w.line(format!("mod {name};")));
    w.line("");
    names.iter().for_each(|name| w.line(format!("pub use {name}::*;")));
    w.finish()
}

fn module(module: &Module, layout: Layout) -> String {
    let mut w = Writer::default();
    w.line(header::slashes(EMITTER).trim_end());
    w.line("");
    w.module_docs(&[module.docs.as_str()]);
    w.line("");
    imports(&mut w, module, layout);
    for item in &module.items {
        w.gap();
        match &item.kind {
            ItemKind::Struct(object) => objects::write(&mut w, item, object, layout),
            ItemKind::OpenEnum(open) => enums::write(&mut w, item, open, layout),
            ItemKind::Union(union) => unions::write(&mut w, item, union, layout),
            ItemKind::Alias(target) => {
                w.docs(&item.docs);
                w.line(format!("pub type {} = {};", item.name, target));
            }
        }
        if let Some(rules) = &item.check {
            w.gap();
            check::write(&mut w, item, rules);
        }
    }
    w.finish()
}

/// What a module's items use, grouped as the standard library, other crates, this crate.
#[derive(Default)]
struct Needs {
    map: bool,
    fmt: bool,
    value: bool,
    object: bool,
    extra: bool,
    serialize: bool,
    deserialize: bool,
    deserializer: bool,
    open_enum: bool,
    unique: bool,
    union: bool,
    check: bool,
    pattern: bool,
}

fn imports(w: &mut Writer, module: &Module, layout: Layout) {
    let mut needs = Needs::default();
    module.items.iter().for_each(|item| needs.add(item, layout));
    if needs.map {
        w.line("use std::collections::BTreeMap;");
    }
    if needs.fmt {
        w.line("use std::fmt;");
    }
    if needs.map || needs.fmt {
        w.line("");
    }
    let named = |pairs: &[(bool, &str)]| -> Vec<String> {
        pairs.iter().filter(|(wanted, _)| *wanted).map(|(_, name)| (*name).to_owned()).collect()
    };
    let serde = named(&[
        (needs.deserialize, "Deserialize"),
        (needs.deserializer, "Deserializer"),
        (needs.serialize, "Serialize"),
    ]);
    let json = named(&[(needs.object, "Map"), (needs.value || needs.object, "Value")]);
    w.import("serde", &serde);
    w.import("serde_json", &json);
    if !serde.is_empty() || !json.is_empty() {
        w.line("");
    }
    let own: BTreeSet<&str> = module.items.iter().map(|item| item.name.as_str()).collect();
    let others = module.items.iter().flat_map(|item| &item.uses).map(String::as_str);
    let mut others: BTreeSet<&str> = others.filter(|name| !own.contains(name)).collect();
    if needs.check {
        others.extend(["Check", "Path", "Violation"]);
    }
    if needs.extra {
        others.insert("Extra");
    }
    let others: Vec<String> = others.into_iter().map(str::to_owned).collect();
    // rustfmt's order: a capital, then small letters, then a list.
    if let [only] = others.as_slice() {
        w.import(layout.base, std::slice::from_ref(only));
    }
    if needs.pattern {
        w.line(format!("use {}::check::Pattern;", layout.base));
    }
    let support = named(&[(needs.union || needs.unique, "self"), (needs.open_enum, "open_enum")]);
    match support.as_slice() {
        [] => {}
        [only] if only == "self" => w.line(format!("use {}::support;", layout.base)),
        names => w.import(&format!("{}::support", layout.base), names),
    }
    if others.len() > 1 {
        w.import(layout.base, &others);
    }
}

impl Needs {
    fn add(&mut self, item: &Item, layout: Layout) {
        match &item.kind {
            ItemKind::Struct(object) => self.add_struct(object, layout),
            ItemKind::OpenEnum(_) => self.open_enum = true,
            ItemKind::Union(union) => {
                union.variants.iter().for_each(|variant| self.add_ty(&variant.ty));
                let params = union.constructors.iter().flat_map(|constructor| &constructor.params);
                params.for_each(|param| self.add_ty(&param.ty));
                self.serialize = true;
                self.deserialize = true;
                self.deserializer = true;
                self.value = true;
                self.union = true;
            }
            ItemKind::Alias(ty) => self.add_ty(ty),
        }
        let rules = item.check.as_deref().unwrap_or_default();
        self.check |= !rules.is_empty();
        self.pattern |= has_pattern(rules);
    }

    fn add_struct(&mut self, object: &Struct, layout: Layout) {
        object.fields.iter().for_each(|field| self.add_ty(&field.ty));
        self.add_ty(&object.extra.1);
        self.fmt |= object.has_secrets();
        self.serialize = true;
        self.deserialize = true;
        self.unique |= layout.checks && object.extra.1 == Ty::Extra;
    }

    fn add_ty(&mut self, ty: &Ty) {
        match ty {
            Ty::Value => self.value = true,
            Ty::Object => self.object = true,
            Ty::Extra => self.extra = true,
            Ty::Map(inner) => {
                self.map = true;
                self.add_ty(inner);
            }
            Ty::Vec(inner) | Ty::Option(inner) => self.add_ty(inner),
            Ty::Tuple(items) => items.iter().for_each(|item| self.add_ty(item)),
            Ty::Bool | Ty::U64 | Ty::I64 | Ty::F64 | Ty::String | Ty::Named(_) | Ty::Boxed(_) => {}
        }
    }
}

fn has_pattern(rules: &[Rule]) -> bool {
    !crate::lower::rust::patterns(rules).is_empty()
}
