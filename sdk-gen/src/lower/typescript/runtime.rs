//! Names of the hand-written runtime that generated files import, in one place.

/// What is imported from `src/runtime`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Type {
    Client,
    CookiesFunction,
    HasFilesFunction,
    JoinedFunction,
    Operation,
    PageOperation,
    PagePromise,
    PagesFunction,
    Plan,
    Promise,
    RequestFunction,
    RequestOptions,
    Resource,
    Step(&'static str),
    Stream,
    StreamFunction,
    StreamOperation,
    UnknownVariant,
    Uploadable,
    WaitFunction,
    WaitOptions,
}

pub const APPEND_LIST: &str = "APPEND_LIST";
pub const APPEND_TEXT: &str = "APPEND_TEXT";
pub const FIRST: &str = "FIRST";
pub const REPLACE: &str = "REPLACE";
pub const MERGE: &str = "merge";
pub const BY_INDEX: &str = "byIndex";

/// What plans are made of.
pub const STEPS: &[&str] = &[APPEND_LIST, APPEND_TEXT, FIRST, REPLACE, MERGE, BY_INDEX];

/// Names of the runtime and of what the package exports of it, so that no generated one hides one.
pub const NAMES: &[&str] = &[
    "APIConnectionError",
    "APIError",
    "APIStatusError",
    "APITimeoutError",
    "APIUserAbortError",
    "AuthenticationError",
    "BadRequestError",
    "ClientOptions",
    "ConflictError",
    "DEFAULT_BASE_URL",
    "Deadline",
    "ErrorDetails",
    "InternalServerError",
    "NotFoundError",
    "NovAIError",
    "PermissionDeniedError",
    "Quota",
    "RateLimit",
    "RateLimitError",
    "ResponseDecodeError",
    "StreamTruncatedError",
    "Timeouts",
    "UnknownTag",
    "UnprocessableEntityError",
    "WithResponse",
    "classOfStatus",
    APPEND_LIST,
    APPEND_TEXT,
    FIRST,
    REPLACE,
    MERGE,
    BY_INDEX,
    "APIPromise",
    "Client",
    "cookies",
    "hasFiles",
    "joined",
    "Operation",
    "Page",
    "PageOperation",
    "PagePromise",
    "pages",
    "Plan",
    "request",
    "RequestOptions",
    "Resource",
    "Stream",
    "stream",
    "StreamOperation",
    "UnknownVariant",
    "Uploadable",
    "wait",
    "WaitOptions",
];

/// What the client has beside its namespaces.
pub const CLIENT_MEMBERS: &[&str] =
    &["apiKey", "baseURL", "constructor", "maxRetries", "options", "timeouts", "withOptions"];

/// What a namespace has beside its methods.
pub const RESOURCE_MEMBERS: &[&str] = &["client"];

impl Type {
    pub fn name(self) -> &'static str {
        self.entry().0
    }

    /// With the extension that both module systems want.
    pub fn file(self) -> &'static str {
        self.entry().1
    }

    pub fn is_type(self) -> bool {
        self.entry().2
    }

    fn entry(self) -> (&'static str, &'static str, bool) {
        match self {
            Type::Client => ("Client", "client.js", true),
            Type::CookiesFunction => ("cookies", "parameters.js", false),
            Type::HasFilesFunction => ("hasFiles", "parameters.js", false),
            Type::JoinedFunction => ("joined", "parameters.js", false),
            Type::Operation => ("Operation", "operation.js", true),
            Type::PageOperation => ("PageOperation", "operation.js", true),
            Type::PagePromise => ("PagePromise", "pages.js", true),
            Type::PagesFunction => ("pages", "pages.js", false),
            Type::Plan => ("Plan", "accumulate.js", true),
            Type::Promise => ("APIPromise", "response.js", true),
            Type::RequestFunction => ("request", "transport.js", false),
            Type::RequestOptions => ("RequestOptions", "options.js", true),
            Type::Resource => ("Resource", "resource.js", false),
            Type::Step(name) => (name, "accumulate.js", false),
            Type::Stream => ("Stream", "stream.js", true),
            Type::StreamFunction => ("stream", "transport.js", false),
            Type::StreamOperation => ("StreamOperation", "operation.js", true),
            Type::UnknownVariant => ("UnknownVariant", "unknown.js", true),
            Type::Uploadable => ("Uploadable", "multipart.js", true),
            Type::WaitFunction => ("wait", "jobs.js", false),
            Type::WaitOptions => ("WaitOptions", "jobs.js", true),
        }
    }
}
