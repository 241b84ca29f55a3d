//! A string enum that keeps values it does not know, by `support`'s macro.

use crate::emit::writer::Writer;
use crate::lower::rust::model::{Item, OpenEnum};

use super::types::Layout;

pub fn write(w: &mut Writer, item: &Item, open: &OpenEnum, layout: Layout) {
    w.open("open_enum! {");
    w.docs(&item.docs);
    if layout.non_exhaustive {
        w.line("#[non_exhaustive]");
    }
    w.open(format!("pub enum {} {{", item.name));
    for value in &open.values {
        w.docs(&value.docs);
        w.line(format!("{} = {:?},", value.variant, value.wire));
    }
    w.close("}");
    w.close("}");
}
