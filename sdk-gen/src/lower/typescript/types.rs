//! Declarations of the API's types, one file per tag.
//!
//! Start at [`files`].

use std::collections::{BTreeMap, BTreeSet};

use crate::ir::model::{Additional, Api, Field, ObjectShape, Shape, TypeDef, TypeId};
use crate::lower::shared::{place, resolved};

use super::model::{Declaration, DeclarationKind, Docs, Import, Member, Ty, TypesFile};
use super::names::{self, Scope};
use super::spell::Spelling;
use super::{docs, runtime};

/// Types that several tags share.
const COMMON: &str = "common";

/// Which file each declaration is in, by its name.
pub type Places = BTreeMap<String, String>;

pub fn files(api: &Api, spelling: &Spelling<'_>) -> (Vec<TypesFile>, Places) {
    let tags = place::tags(api);
    let mut file_names = Scope::with(&[COMMON, "index"]);
    let mut by_tag: BTreeMap<&str, String> = BTreeMap::new();
    let mut places = Places::new();
    let mut files: BTreeMap<String, (Docs, Vec<Declaration>)> = BTreeMap::new();
    for (at, &tag) in tags.iter().enumerate() {
        let id = TypeId(at as u32);
        let Some(name) = spelling.name(id) else { continue };
        let file = match tag {
            Some(tag) => by_tag.entry(tag).or_insert_with(|| file_names.claim(&names::file(tag))).clone(),
            None => COMMON.to_owned(),
        };
        let (_, declarations) =
            files.entry(file.clone()).or_insert_with(|| (file_docs(api, tag), Vec::new()));
        declarations.push(declaration(api, spelling, id, name));
        places.insert(name.to_owned(), file);
    }
    let files = files.into_iter().map(|(name, (docs, declarations))| TypesFile {
        imports: imports(&declarations, &name, &places),
        name,
        docs,
        declarations,
    });
    (files.collect(), places)
}

fn file_docs(api: &Api, tag: Option<&str>) -> Docs {
    let Some(tag) = tag else { return vec!["Types that several resources share.".to_owned()] };
    let description = api.tags.iter().find(|known| known.name == tag).map_or("", |known| &known.description);
    let mut lines = vec![format!("Types of {}.", docs::prose(tag).join(" "))];
    docs::section(&mut lines, docs::prose(description));
    lines
}

fn declaration(api: &Api, spelling: &Spelling<'_>, id: TypeId, name: &str) -> Declaration {
    let def = api.ty(id);
    let mut docs = docs::lines(&def.docs);
    let kind = match &def.shape {
        Shape::Object(object) if !object.fields.is_empty() => interface(api, spelling, def, object),
        Shape::Enum { values } => {
            let described = values.iter().filter(|value| !value.description.trim().is_empty());
            let values: Vec<String> = described
                .flat_map(|value| docs::prose(&format!("- `{}`: {}", plain(&value.value), value.description)))
                .collect();
            docs::section(&mut docs, values);
            DeclarationKind::Alias(spelling.declared(id))
        }
        _ => DeclarationKind::Alias(spelling.declared(id)),
    };
    Declaration { name: name.to_owned(), docs, kind }
}

fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn interface(api: &Api, spelling: &Spelling<'_>, def: &TypeDef, object: &ObjectShape) -> DeclarationKind {
    let only_sent = def.in_request && !def.in_response;
    let members: Vec<Member> =
        object.fields.iter().map(|field| member(api, spelling, field, only_sent)).collect();
    let index = match object.additional {
        Additional::Typed(values) => {
            // Every declared member must fit the index signature, too.
            let mut all = spelling.ty(values);
            for member in &members {
                all = all.or(member.ty.clone());
            }
            let optional = members.iter().any(|member| member.optional);
            Some(if optional { all.or(Ty::word("undefined")) } else { all })
        }
        Additional::Open | Additional::Closed => None,
    };
    DeclarationKind::Interface { members, index }
}

fn member(api: &Api, spelling: &Spelling<'_>, field: &Field, only_sent: bool) -> Member {
    let (_, shape) = resolved(api, field.ty.id);
    let optional = !field.required || (only_sent && field.read_only);
    let ty = spelling.ty(field.ty);
    Member {
        key: names::key(&field.name),
        docs: docs::field(field, shape),
        // Callers may pass on what they do not have, under `exactOptionalPropertyTypes`, too.
        ty: if optional && only_sent { ty.or(Ty::word("undefined")) } else { ty },
        optional,
        readonly: field.read_only,
    }
}

fn imports(declarations: &[Declaration], own: &str, places: &Places) -> Vec<Import> {
    let mut uses = Uses::default();
    for declaration in declarations {
        match &declaration.kind {
            DeclarationKind::Interface { members, index } => {
                members.iter().for_each(|member| uses.add(&member.ty));
                index.iter().for_each(|index| uses.add(index));
            }
            DeclarationKind::Alias(ty) => uses.add(ty),
        }
    }
    uses.imports(places, |file| (file != own).then(|| format!("./{file}.js")), "../../runtime")
}

/// What a file spells and therefore imports.
#[derive(Debug, Default)]
pub struct Uses {
    named: BTreeSet<String>,
    runtime: BTreeSet<runtime::Type>,
}

impl Uses {
    pub fn add(&mut self, ty: &Ty) {
        ty.walk(&mut |ty| match ty {
            Ty::Named(name) => {
                self.named.insert(name.clone());
            }
            Ty::Unknown { .. } => self.runtime(runtime::Type::UnknownVariant),
            Ty::Uploadable => self.runtime(runtime::Type::Uploadable),
            _ => {}
        });
    }

    pub fn runtime(&mut self, ty: runtime::Type) {
        self.runtime.insert(ty);
    }

    /// Type imports: of the runtime first, then of the API's types by file. `path`: where a file of types is from here.
    pub fn imports(
        &self,
        places: &Places,
        path: impl Fn(&str) -> Option<String>,
        runtime: &str,
    ) -> Vec<Import> {
        let mut by_path: BTreeMap<(u8, String, bool), Vec<String>> = BTreeMap::new();
        for ty in &self.runtime {
            let from = format!("{runtime}/{}", ty.file());
            by_path.entry((0, from, ty.is_type())).or_default().push(ty.name().to_owned());
        }
        for name in &self.named {
            if let Some(path) = places.get(name).and_then(|file| path(file)) {
                by_path.entry((1, path, true)).or_default().push(name.clone());
            }
        }
        let import = |((_, from, type_only), mut names): ((u8, String, bool), Vec<String>)| {
            names.sort();
            Import { from, names, type_only }
        };
        by_path.into_iter().map(import).collect()
    }
}
