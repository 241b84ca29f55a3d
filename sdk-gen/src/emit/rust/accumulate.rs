//! Stream accumulators: how pieces are folded, and how the whole becomes the operation's answer.

use std::collections::BTreeSet;

use crate::emit::header;
use crate::emit::writer::Writer;
use crate::lower::rust::accumulate::{
    Accumulators, Conversion, ConversionKind, FoldWith, Folding, IndexField, StreamAccumulator,
};

use super::EMITTER;

pub fn emit(all: &Accumulators) -> Vec<(String, String)> {
    let fold = format!("{}{}", header::slashes(EMITTER), include_str!("templates/fold.rs"));
    vec![
        ("mod.rs".to_owned(), accumulators(&all.streams)),
        ("fold.rs".to_owned(), fold),
        ("pieces.rs".to_owned(), pieces(&all.foldings)),
        ("wholes.rs".to_owned(), wholes(&all.conversions)),
    ]
}

fn begin(docs: &[&str]) -> Writer {
    let mut w = Writer::default();
    w.line(header::slashes(EMITTER).trim_end());
    w.line("");
    w.module_docs(docs);
    w.line("");
    w
}

fn types<'a>(names: impl Iterator<Item = &'a String>) -> Vec<String> {
    names.cloned().collect::<BTreeSet<_>>().into_iter().collect()
}

fn accumulators(streams: &[StreamAccumulator]) -> String {
    let mut w = begin(&[
        "Puts the events of each stream together, into what the operation returns when it does not stream.",
    ]);
    w.line("mod fold;");
    w.line("mod pieces;");
    w.line("mod wholes;");
    w.line("");
    w.line("use self::fold::Fold;");
    w.import(
        "crate::generated::types",
        &types(streams.iter().flat_map(|stream| [&stream.event, &stream.result])),
    );
    w.line("use crate::stream::Accumulate;");
    for stream in streams {
        let StreamAccumulator { name, event, result, terminal, .. } = stream;
        w.gap();
        w.docs(&[format!("Makes a [`{result}`] of [`{event}`]s.")]);
        w.line("#[derive(Debug, Clone, Default)]");
        w.open(format!("pub struct {name} {{"));
        w.line(format!("whole: {event},"));
        w.close("}");
        w.gap();
        w.open(format!("impl Accumulate for {name} {{"));
        w.line(format!("type Event = {event};"));
        w.line(format!("type Final = {result};"));
        w.line(format!("const TERMINAL: Option<&'static str> = {terminal:?};"));
        w.gap();
        w.open(format!("fn push(&mut self, event: &{event}) {{"));
        w.line("self.whole.fold(event);");
        w.close("}");
        w.gap();
        w.open(format!("fn snapshot(&self) -> {result} {{"));
        w.line("self.whole.clone().into()");
        w.close("}");
        w.gap();
        w.open(format!("fn finish(self) -> {result} {{"));
        w.line("self.whole.into()");
        w.close("}");
        w.close("}");
    }
    w.finish()
}

fn pieces(foldings: &[Folding]) -> String {
    let mut w = begin(&[
        "How each type's pieces are folded: the description's `x-merge`, and the rules that need no key.",
    ]);
    w.import("crate::generated::types", &types(foldings.iter().map(|folding| &folding.name)));
    w.line("");
    let indexed = foldings.iter().any(|folding| folding.index.is_some());
    let appended =
        foldings.iter().flat_map(|folding| &folding.fields).any(|(_, with)| *with == FoldWith::Append);
    let names = [(appended, "Append"), (true, "Fold"), (indexed, "Indexed")];
    let names = names.iter().filter(|(wanted, _)| *wanted).map(|(_, name)| (*name).to_owned());
    w.import("super::fold", &["self".to_owned()].into_iter().chain(names).collect::<Vec<_>>());
    for folding in foldings {
        w.gap();
        fold(&mut w, folding);
        if let Some(index) = &folding.index {
            w.gap();
            self::index(&mut w, &folding.name, index);
        }
    }
    w.finish()
}

fn fold(w: &mut Writer, folding: &Folding) {
    w.open(format!("impl Fold for {} {{", folding.name));
    w.open("fn fold(&mut self, piece: &Self) {");
    for (ident, with) in &folding.fields {
        let function = match with {
            FoldWith::Append => {
                w.line(format!("self.{ident}.append(&piece.{ident});"));
                continue;
            }
            FoldWith::Fold => {
                w.line(format!("self.{ident}.fold(&piece.{ident});"));
                continue;
            }
            FoldWith::First => "first",
            FoldWith::FirstSet => "first_set",
            FoldWith::Replace => "replace",
            FoldWith::ReplaceSet => "replace_set",
            FoldWith::Merge => "merge",
            FoldWith::MergeFirst => "merge_first",
            FoldWith::ByIndex => "by_index",
            FoldWith::ByIndexSet => "by_index_set",
        };
        w.line(format!("fold::{function}(&mut self.{ident}, &piece.{ident});"));
    }
    if let Some(extra) = &folding.extra {
        w.line(format!("fold::fields(&mut self.{extra}, &piece.{extra});"));
    }
    w.close("}");
    w.close("}");
}

fn index(w: &mut Writer, name: &str, index: &IndexField) {
    let IndexField { ident, optional, signed, id } = index;
    let value = match (optional, signed) {
        (false, false) => format!("Some(self.{ident})"),
        (false, true) => format!("self.{ident}.try_into().ok()"),
        (true, false) => format!("self.{ident}"),
        (true, true) => format!("self.{ident}.and_then(|index| index.try_into().ok())"),
    };
    w.open(format!("impl Indexed for {name} {{"));
    w.open("fn index(&self) -> Option<u64> {");
    w.line(value);
    w.close("}");
    if let Some((id, optional)) = id {
        w.gap();
        w.open("fn id(&self) -> Option<&str> {");
        w.line(if *optional { format!("self.{id}.as_deref()") } else { format!("Some(&self.{id})") });
        w.close("}");
    }
    w.close("}");
}

fn wholes(conversions: &[Conversion]) -> String {
    let mut w = begin(&["A whole piece as the type that the operation returns when it does not stream."]);
    w.import("crate::generated::types", &types(conversions.iter().flat_map(|one| [&one.from, &one.to])));
    if conversions.iter().any(|conversion| matches!(conversion.kind, ConversionKind::Union { .. })) {
        w.line("");
        w.line("use super::fold;");
    }
    for Conversion { from, to, kind } in conversions {
        w.gap();
        w.open(format!("impl From<{from}> for {to} {{"));
        w.open(format!("fn from(from: {from}) -> Self {{"));
        match kind {
            ConversionKind::Struct(fields) => {
                let parts: Vec<String> =
                    fields.iter().map(|(ident, expression)| format!("{ident}: {expression}")).collect();
                w.record("Self", &parts, "");
            }
            ConversionKind::Union { tag, default, arms } => {
                w.open(format!("match fold::tag({tag}, {default:?}) {{"));
                for (tags, variant) in arms {
                    let tags: Vec<String> = tags.iter().map(|tag| format!("{tag:?}")).collect();
                    w.line(format!("{} => Self::{variant}(from.into()),", tags.join(" | ")));
                }
                w.line("_ => Self::Unknown(fold::unknown(&from)),");
                w.close("}");
            }
        }
        w.close("}");
        w.close("}");
    }
    w.finish()
}
