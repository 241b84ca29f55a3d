//! Responses: all 2xx together as the success, every other one as an error.

use super::{
    builder::Builder,
    model::{ErrorResponse, Header, Shape, Success, TypeRef, UnionShape},
    names::pascal,
    operations::{essence, is_json},
    source::{At, Read},
};

impl<'d> Builder<'d, '_> {
    pub fn responses(&mut self, operation: At<'d>, hint: &str) -> (Success, Vec<ErrorResponse>) {
        let mut success = Success::default();
        let mut errors = Vec::new();
        let mut bodies: Vec<TypeRef> = Vec::new();
        let responses = operation.map("responses");
        let is_success = |status: &str| status.starts_with('2');
        // Some documents describe their only response as `default`.
        let only_default = !responses.iter().any(|(status, _)| is_success(status) || status.starts_with('3'));
        for (status, at) in &responses {
            if status.starts_with("x-") {
                continue;
            }
            let Some((at, component)) = self.follow(*at, "response") else { continue };
            if is_success(status) || (only_default && *status == "default" && responses.len() == 1) {
                let hint = component.map_or_else(|| format!("{hint}Response"), pascal);
                self.success(&mut success, &mut bodies, status, at, &hint, operation);
            } else {
                let label = if *status == "default" { "Error" } else { *status };
                let hint = component.map_or_else(|| format!("{hint}Response{label}"), pascal);
                errors.extend(self.error_response(status, at, &hint));
            }
            if let Some(links) = at.get("links") {
                self.warning(
                    links,
                    "`links` are not generated",
                    "describe how operations follow each other in words",
                );
            }
        }
        success.json = match bodies.as_slice() {
            [] => None,
            [only] => Some(*only),
            several => {
                let variants = several.iter().map(|&ty| super::unions::plain_variant(ty)).collect();
                let union = UnionShape { variants, discriminator: None, any_of: true };
                let id = self.synthesise(&format!("{hint}Response"), operation.origin(), Shape::Union(union));
                Some(TypeRef { id, nullable: several.iter().any(|ty| ty.nullable) })
            }
        };
        if success.statuses.is_empty() && errors.is_empty() {
            self.warning(operation, "the operation describes no response", "add the response of a success");
        }
        (success, errors)
    }

    fn success(
        &mut self,
        success: &mut Success,
        bodies: &mut Vec<TypeRef>,
        status: &str,
        at: At<'d>,
        hint: &str,
        operation: At<'d>,
    ) {
        // `2XX` and `default` stand for 200.
        success.statuses.push(status.parse().unwrap_or(200));
        if success.description.is_empty() {
            success.description = at.words("description");
        }
        for header in self.headers(at, hint) {
            if !success.headers.iter().any(|known| known.name.eq_ignore_ascii_case(&header.name)) {
                success.headers.push(header);
            }
        }
        let content = at.map("content");
        success.empty |= content.is_empty();
        for (media_type, media) in content {
            let essence = essence(media_type);
            if essence == "text/event-stream" {
                let stream = self.stream(media, operation, hint);
                if success.stream.is_some() {
                    self.warning(media, "a second stream in one operation is ignored", "keep one of them");
                } else {
                    success.stream = Some(stream);
                }
            } else if is_json(&essence) {
                let media = self.media(media_type, media, hint);
                success.examples.extend(media.examples);
                let ty = media.ty.unwrap_or_else(|| self.any());
                if !bodies.contains(&ty) {
                    bodies.push(ty);
                }
            } else {
                let media = self.media(media_type, media, hint);
                success.other.push(media);
            }
        }
    }

    fn error_response(&mut self, status: &str, at: At<'d>, hint: &str) -> Option<ErrorResponse> {
        let code = status.parse::<u16>().ok();
        let upper = status.to_ascii_uppercase();
        let is_range =
            upper.len() == 3 && upper.ends_with("XX") && upper.starts_with(|c| ('1'..='5').contains(&c));
        if !(code.is_some_and(|code| (100..600).contains(&code)) || is_range || status == "default") {
            let message = format!("`{status}` is no status");
            self.error(at, message, "write a number such as 404, a range such as 4XX, or default");
            return None;
        }
        let mut ty = None;
        for (media_type, media) in at.map("content") {
            let is_json = is_json(&essence(media_type));
            let media_ty = self.media(media_type, media, hint).ty;
            // The JSON body describes the error; another media type says the same in another form.
            if is_json && ty.is_none() {
                ty = media_ty.or_else(|| Some(self.any()));
            }
        }
        Some(ErrorResponse {
            status: code,
            range: if is_range { upper } else { status.to_owned() },
            description: at.words("description"),
            ty,
            headers: self.headers(at, hint),
        })
    }

    fn headers(&mut self, at: At<'d>, hint: &str) -> Vec<Header> {
        let mut headers = Vec::new();
        for (name, at) in at.map("headers") {
            let Some((at, component)) = self.follow(at, "header") else { continue };
            if name.eq_ignore_ascii_case("content-type") {
                continue;
            }
            let schema = at
                .get("schema")
                .or_else(|| at.map("content").first().and_then(|(_, media)| media.get("schema")));
            let hint = component.map_or_else(|| format!("{hint}{}", pascal(name)), pascal);
            let ty = match schema {
                Some(schema) => self.schema(schema, &hint),
                None => self.string(),
            };
            headers.push(Header {
                name: name.to_owned(),
                docs: at.docs(),
                required: at.flag("required"),
                ty,
            });
        }
        headers
    }
}
