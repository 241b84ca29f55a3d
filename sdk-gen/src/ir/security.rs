//! Security schemes.

use super::{
    builder::Builder,
    model::{Location, SecurityKind, SecurityScheme},
    source::Read,
};

impl Builder<'_, '_> {
    pub fn security(&mut self) -> Vec<SecurityScheme> {
        let schemes =
            self.document.root().get("components").map(|at| at.map("securitySchemes")).unwrap_or_default();
        let mut found = Vec::new();
        for (name, at) in schemes {
            let Some((at, _)) = self.follow(at, "security scheme") else { continue };
            let scheme = at.text("scheme").unwrap_or_default().to_ascii_lowercase();
            let kind = match (at.text("type"), scheme.as_str(), at.text("in")) {
                (Some("http"), "bearer", _) => SecurityKind::Bearer,
                (Some("http"), "basic", _) => SecurityKind::Basic,
                (Some("apiKey"), _, Some(place @ ("query" | "header" | "cookie"))) => SecurityKind::ApiKey {
                    location: match place {
                        "query" => Location::Query,
                        "cookie" => Location::Cookie,
                        _ => Location::Header,
                    },
                    name: at.words("name"),
                },
                (kind, ..) => {
                    let kind = kind.unwrap_or("unknown");
                    let message =
                        format!("clients do not obtain credentials of the kind `{kind}` themselves");
                    self.warning(
                        at,
                        message,
                        "callers pass a token; describe it as `type: http, scheme: bearer`",
                    );
                    SecurityKind::Other(kind.to_owned())
                }
            };
            found.push(SecurityScheme { name: name.to_owned(), kind });
        }
        found
    }
}
