//! One file of types per tag, and their index.

use crate::lower::typescript::model::{Declaration, DeclarationKind, Import, Member, TypesFile};

use super::layout::Layout;
use super::spell::variants;
use super::{begin, index};

pub fn emit(files: &[TypesFile]) -> Vec<(String, String)> {
    let mut out: Vec<(String, String)> =
        files.iter().map(|types| (format!("types/{}.ts", types.name), file(types))).collect();
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    out.push(("types/index.ts".to_owned(), index("Every type of the API.", &names, true)));
    out
}

fn file(types: &TypesFile) -> String {
    let mut w = begin(&types.docs);
    imports(&mut w, &types.imports);
    for declaration in &types.declarations {
        w.gap();
        self::declaration(&mut w, declaration);
    }
    w.finish()
}

pub fn imports(w: &mut Layout, imports: &[Import]) {
    for import in imports {
        let keyword = if import.type_only { "import type" } else { "import" };
        w.import(keyword, &import.names, &import.from);
    }
}

pub fn declaration(w: &mut Layout, declaration: &Declaration) {
    w.docs(&declaration.docs);
    match &declaration.kind {
        DeclarationKind::Alias(ty) => {
            w.union(&format!("export type {}", declaration.name), " =", &variants(ty));
        }
        DeclarationKind::Interface { members, index } => {
            w.open(format!("export interface {} {{", declaration.name));
            for member in members {
                if !member.docs.is_empty() {
                    w.gap();
                }
                self::member(w, member);
            }
            if let Some(index) = index {
                w.gap();
                w.union("[key: string]", ":", &variants(index));
            }
            w.close("}");
        }
    }
}

fn member(w: &mut Layout, member: &Member) {
    w.docs(&member.docs);
    let readonly = if member.readonly { "readonly " } else { "" };
    let optional = if member.optional { "?" } else { "" };
    w.union(&format!("{readonly}{}{optional}", member.key), ":", &variants(&member.ty));
}
