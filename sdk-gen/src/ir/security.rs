//! Security schemes, and the roles that operations ask for.

use super::{
    builder::Builder,
    model::{Location, SecurityKind, SecurityScheme},
    source::{At, Read},
};

impl<'d> Builder<'d, '_> {
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

    /// What `security` lists beside each scheme, whichever the scheme is: `[{ key: [admin] }, { token: [admin] }]` is
    /// `admin`.
    pub fn roles(&mut self, at: At<'d>) -> Vec<Vec<String>> {
        let requirements = at.get("security").or_else(|| self.document.root().get("security"));
        let mut alternatives: Vec<Vec<String>> = Vec::new();
        for requirement in requirements.into_iter().flat_map(At::items) {
            let mut roles: Vec<String> = requirement
                .entries()
                .flat_map(|(_, roles)| roles.items().filter_map(At::as_str).map(str::to_owned))
                .collect();
            roles.sort();
            roles.dedup();
            if roles.is_empty() {
                return Vec::new();
            }
            if !alternatives.contains(&roles) {
                alternatives.push(roles);
            }
        }
        alternatives
    }
}
