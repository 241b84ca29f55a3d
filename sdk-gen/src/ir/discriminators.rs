//! Which property tells a union's variants apart: the declared one, or one that every variant requires as a different
//! string constant. Runs when every type is described.

use std::{
    cell::Cell,
    collections::{HashMap, HashSet, hash_map::Entry},
};

use super::{
    builder::Builder,
    model::{Discriminator, Field, Origin, Shape, TypeDef, TypeId, TypeRef, UnionShape, Variant},
    names::pascal,
    source::{At, Read},
    unions::plain_variant,
};

/// Types that are looked at for one union. Recursion ends with it, too.
const STEPS_MAX: u32 = 4096;

/// A `discriminator` of the document, and what it says about each variant.
pub(super) struct Declared {
    pub property: String,
    pub origin: Origin,
    /// Value and target of each entry of `mapping`.
    pub mapping: Vec<(String, String)>,
    pub tags: Vec<Vec<String>>,
    /// Names of the variants in `components/schemas`: their tags where nothing else gives one.
    pub implicit: Vec<Option<String>>,
}

impl Declared {
    pub fn read(union: At<'_>) -> Option<Self> {
        let at = union.get("discriminator")?;
        let mapping = at.map("mapping").into_iter();
        Some(Declared {
            property: at.text("propertyName")?.to_owned(),
            origin: at.origin(),
            mapping: mapping
                .filter_map(|(tag, to)| Some((tag.to_owned(), to.as_str()?.to_owned())))
                .collect(),
            tags: Vec::new(),
            implicit: Vec::new(),
        })
    }

    /// Tags that `mapping` gives to a variant.
    pub fn mapped(&self, target: Option<&str>, component: Option<&str>) -> Vec<String> {
        let leads_here = |to: &str| Some(to) == target || Some(to) == component;
        self.mapping.iter().filter(|(_, to)| leads_here(to)).map(|(tag, _)| tag.clone()).collect()
    }
}

impl Builder<'_, '_> {
    pub fn find_discriminators(&mut self) {
        // Grouping variants adds unions at the end, which are looked at in their turn.
        let mut index = 0;
        while index < self.types.len() {
            if let Shape::Union(union) = &self.types[index].shape {
                let declared = self.discriminators.remove(&TypeId(index as u32));
                let by_declaration = declared.map(|declared| {
                    let tags = Lookup::new(&self.types).by_declaration(union, &declared);
                    (declared, tags)
                });
                match by_declaration {
                    Some((declared, Ok(tags))) => self.set_declared(index, declared, tags),
                    Some((declared, Err(reason))) => {
                        self.not_used(&declared, &reason);
                        self.set_inferred(index);
                    }
                    None => self.set_inferred(index),
                }
            }
            index += 1;
        }
    }

    fn not_used(&mut self, declared: &Declared, reason: &str) {
        let Origin { pointer, place } = declared.origin.clone();
        let message = format!("the discriminator `{}` is not used: {reason}", declared.property);
        let help = "give each variant its own constant of that property, or map it";
        self.diagnostics.warning(pointer, place, message, help);
    }

    fn set_inferred(&mut self, index: usize) {
        let Shape::Union(union) = &self.types[index].shape else { return };
        if let Some((property, tags)) = Lookup::new(&self.types).infer(union) {
            self.set(index, Discriminator { property, inferred: true }, tags);
        }
    }

    fn set(&mut self, index: usize, discriminator: Discriminator, tags: Vec<Vec<String>>) {
        if let Shape::Union(union) = &mut self.types[index].shape {
            union.discriminator = Some(discriminator);
            for (variant, tags) in union.variants.iter_mut().zip(tags) {
                variant.tags = tags;
            }
        }
    }

    /// Variants that one tag selects become a union of their own, under that tag.
    fn set_declared(&mut self, index: usize, declared: Declared, tags: Vec<Vec<String>>) {
        let groups = group(&tags);
        if groups.len() < 2 {
            self.not_used(&declared, "all variants have the same value of it");
            return self.set_inferred(index);
        }
        let def = &self.types[index];
        let Shape::Union(union) = &def.shape else { return };
        let (name, origin, old, any_of) =
            (def.name.clone(), def.origin.clone(), union.variants.clone(), union.any_of);
        let mut variants = Vec::new();
        let mut group_tags = Vec::new();
        for (tags, members) in groups {
            let members: Vec<Variant> = members.into_iter().map(|member| old[member].clone()).collect();
            variants.push(match members.as_slice() {
                [only] => only.clone(),
                _ => {
                    let label = pascal(tags.first().map_or("", String::as_str));
                    let shape = Shape::Union(UnionShape { variants: members, discriminator: None, any_of });
                    let id = self.synthesise(&format!("{name}{label}"), origin.clone(), shape);
                    plain_variant(TypeRef { id, nullable: false })
                }
            });
            group_tags.push(tags);
        }
        if let Shape::Union(union) = &mut self.types[index].shape {
            union.variants = variants;
        }
        self.set(index, Discriminator { property: declared.property, inferred: false }, group_tags);
    }
}

/// Variants that share a tag, together; with all tags of the group. In the order of each group's first variant.
fn group(tags: &[Vec<String>]) -> Vec<(Vec<String>, Vec<usize>)> {
    let mut groups: Vec<(Vec<String>, Vec<usize>)> = Vec::new();
    let mut group_of: HashMap<&str, usize> = HashMap::new();
    for (index, tags) in tags.iter().enumerate() {
        let known = tags.iter().find_map(|tag| group_of.get(tag.as_str()).copied());
        let group = known.unwrap_or(groups.len());
        if group == groups.len() {
            groups.push(Default::default());
        }
        groups[group].1.push(index);
        for tag in tags {
            // A variant of two groups stays with the first; the tag belongs to whoever had it first.
            if let Entry::Vacant(entry) = group_of.entry(tag) {
                entry.insert(group);
                groups[group].0.push(tag.clone());
            }
        }
    }
    groups
}

/// Looks into types, within a budget: unions in unions in unions could be walked in more ways than there is time for.
struct Lookup<'t> {
    types: &'t [TypeDef],
    steps_left: Cell<u32>,
}

impl<'t> Lookup<'t> {
    fn new(types: &'t [TypeDef]) -> Self {
        Lookup { types, steps_left: Cell::new(STEPS_MAX) }
    }

    /// The shape behind aliases; `None` when the budget is spent.
    fn shape(&self, mut id: TypeId) -> Option<&'t Shape> {
        loop {
            self.steps_left.set(self.steps_left.get().checked_sub(1)?);
            match &self.types[id.0 as usize].shape {
                Shape::Alias(target) => id = target.id,
                shape => return Some(shape),
            }
        }
    }

    fn by_declaration(&self, union: &UnionShape, declared: &Declared) -> Result<Vec<Vec<String>>, String> {
        let mut all = Vec::new();
        for (index, variant) in union.variants.iter().enumerate() {
            let name = || self.types[variant.ty.id.0 as usize].name.clone();
            let mapped = declared.tags.get(index).filter(|tags| !tags.is_empty()).cloned();
            let implicit = || declared.implicit.get(index).cloned().flatten().map(|name| vec![name]);
            if !self.is_object(variant.ty.id) {
                return Err(format!("`{}` is no object", name()));
            }
            let tags =
                mapped.or_else(|| self.tags_of(variant.ty.id, &declared.property, false)).or_else(implicit);
            all.push(tags.ok_or_else(|| format!("nothing says which value selects `{}`", name()))?);
        }
        Ok(all)
    }

    fn infer(&self, union: &UnionShape) -> Option<(String, Vec<Vec<String>>)> {
        let first = union.variants.first()?;
        let mut candidates: Vec<&str> =
            self.fields(first.ty.id).iter().map(|field| field.name.as_str()).collect();
        // Where several properties would do, `type` is what a reader expects.
        candidates.sort_by_key(|name| *name != "type");
        candidates.into_iter().find_map(|property| {
            let variants = union.variants.iter();
            let tags: Option<Vec<_>> =
                variants.map(|variant| self.tags_of(variant.ty.id, property, true)).collect();
            let tags = tags.filter(|tags| repeated(tags).is_none())?;
            Some((property.to_owned(), tags))
        })
    }

    /// Values of the property that a type's objects have; `None` where they may have any. `strict`: it must be
    /// required, and a constant.
    fn tags_of(&self, id: TypeId, property: &str, strict: bool) -> Option<Vec<String>> {
        match self.shape(id)? {
            Shape::Union(union) => {
                let mut tags = Vec::new();
                for variant in &union.variants {
                    tags.extend(self.tags_of(variant.ty.id, property, strict)?);
                }
                Some(tags)
            }
            Shape::Object(object) => {
                let field = object.fields.iter().find(|field| field.name == property)?;
                let usable = field.required && !field.ty.nullable || !strict;
                self.constants(field.ty.id, strict).filter(|_| usable)
            }
            _ => None,
        }
    }

    fn constants(&self, id: TypeId, strict: bool) -> Option<Vec<String>> {
        match self.shape(id)? {
            Shape::Const(value) => Some(vec![value.as_str()?.to_owned()]),
            Shape::Enum { values } if !strict => {
                values.iter().map(|value| value.value.as_str().map(str::to_owned)).collect()
            }
            _ => None,
        }
    }

    fn is_object(&self, id: TypeId) -> bool {
        match self.shape(id) {
            Some(Shape::Union(union)) => union.variants.iter().all(|variant| self.is_object(variant.ty.id)),
            Some(Shape::Object(_)) => true,
            _ => false,
        }
    }

    /// Fields of the first object that a type leads to.
    fn fields(&self, id: TypeId) -> &'t [Field] {
        match self.shape(id) {
            Some(Shape::Union(union)) => union.variants.first().map_or(&[], |first| self.fields(first.ty.id)),
            Some(Shape::Object(object)) => &object.fields,
            _ => &[],
        }
    }
}

fn repeated(tags: &[Vec<String>]) -> Option<&String> {
    let mut seen = HashSet::new();
    tags.iter().flatten().find(|tag| !seen.insert(*tag))
}
