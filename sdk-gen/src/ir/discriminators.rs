//! Which property tells a union's variants apart: the declared one, or one that every variant requires as a different
//! string constant. Runs when every type is described.

use std::{cell::Cell, collections::HashSet};

use super::{
    builder::Builder,
    model::{Discriminator, Field, Origin, Shape, TypeDef, TypeId, UnionShape},
    source::{At, Read},
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
        for index in 0..self.types.len() {
            let Shape::Union(union) = &self.types[index].shape else { continue };
            let declared = self.discriminators.remove(&TypeId(index as u32));
            let lookup = Lookup::new(&self.types);
            let by_declaration = declared.as_ref().map(|declared| lookup.by_declaration(union, declared));
            let (property, inferred, tags) = match by_declaration {
                Some(Ok(tags)) => {
                    (declared.map(|declared| declared.property).unwrap_or_default(), false, tags)
                }
                other => {
                    if let (Some(Err(reason)), Some(declared)) = (other, declared) {
                        let Origin { pointer, place } = declared.origin;
                        let help = "give each variant its own constant of that property, or map it";
                        let message =
                            format!("the discriminator `{}` is not used: {reason}", declared.property);
                        self.diagnostics.warning(pointer, place, message, help);
                    }
                    match Lookup::new(&self.types).infer(union) {
                        Some((property, tags)) => (property, true, tags),
                        None => continue,
                    }
                }
            };
            if let Shape::Union(union) = &mut self.types[index].shape {
                union.discriminator = Some(Discriminator { property, inferred });
                for (variant, tags) in union.variants.iter_mut().zip(tags) {
                    variant.tags = tags;
                }
            }
        }
    }
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
        match repeated(&all) {
            Some(tag) => Err(format!("`{tag}` selects more than one variant")),
            None => Ok(all),
        }
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
