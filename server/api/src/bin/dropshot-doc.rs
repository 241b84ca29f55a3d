//! Prints the OpenAPI document that dropshot derives from the generated trait.
//!
//! `cargo xtask check` compares it with the lowered spec: what is generated must still mean what the spec says.

use std::error::Error;
use std::io::Write;

use dropshot::semver::Version;
use novai_api::{TITLE, VERSION, gateway_mod};

fn main() -> Result<(), Box<dyn Error>> {
    let api = gateway_mod::stub_api_description()?;
    let version: Version = VERSION.parse()?;
    let document = api.openapi(TITLE, version).json()?;
    writeln!(std::io::stdout(), "{}", serde_json::to_string_pretty(&document)?)?;
    Ok(())
}
