//! The Python package as text, formatted as `ruff format` leaves it.
//!
//! Start at [`emit`]; [`text`] knows how long calls and lists are broken.

mod client;
mod folds;
mod methods;
mod params;
mod reference;
mod resources;
mod text;
mod types;

use crate::lower::python::model::Package;

/// Directory that a wrong output is fixed in.
const EMITTER: &str = "python";

/// Path and contents of every file of the generated folder.
pub fn emit(package: &Package) -> Vec<(String, String)> {
    let mut files = vec![("__init__.py".to_owned(), root())];
    files.extend(types::emit(package));
    files.extend(params::emit(package));
    files.extend(resources::emit(package));
    files.extend(folds::emit(package));
    files.push(("client.py".to_owned(), client::emit(&package.client)));
    files.push(("api.md".to_owned(), reference::emit(package)));
    files.sort();
    files
}

fn root() -> String {
    let docs =
        "Everything that follows from the API's description; the runtime around it is written by hand.";
    text::Text::module(&[docs]).finish()
}
