//! `x-error-statuses`: the status that an error event would have had as a reply, by the values of its fields.

use super::{
    builder::Builder,
    source::{At, Read},
};

/// The status that an error event would have had as a reply, if this field has this value.
#[derive(Debug, Clone, PartialEq)]
pub struct ErrorStatus {
    /// Wire name of the field, such as `code`.
    pub property: String,
    pub name: String,
    pub status: u16,
}

impl<'d> Builder<'d, '_> {
    /// Takes down what a property says. A value has one status, whichever property it stands in.
    pub fn note_error_statuses(&mut self, property: &str, at: At<'d>) {
        let Some(table) = at.get("x-error-statuses") else { return };
        if table.entries().next().is_none() {
            self.error(table, "`x-error-statuses` is not a map", "write it like `{ model_not_found: 404 }`");
        }
        for (name, value) in at.map("x-error-statuses") {
            let number = value.as_number().and_then(serde_json::Number::as_u64);
            let status = number.and_then(|number| u16::try_from(number).ok());
            let Some(status) = status.filter(|status| (400..600).contains(status)) else {
                let message = format!("`{name}` has no status of an error");
                self.error(value, message, "write a number from 400 to 599");
                continue;
            };
            match self.error_statuses.iter().find(|known| known.name == name) {
                None => self.error_statuses.push(ErrorStatus {
                    property: property.to_owned(),
                    name: name.to_owned(),
                    status,
                }),
                Some(known) if known.status != status => {
                    let message = format!("`{name}` has the status {} elsewhere", known.status);
                    self.error(value, message, "give it one status, or another name");
                }
                Some(_) => {}
            }
        }
    }
}
