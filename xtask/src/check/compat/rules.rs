//! What breaks a caller. One row per rule, with the sentence that the author reads.
//!
//! Not breaks: a new operation, response field, enum value or union variant (clients keep what they do not know,
//! law A6), a new optional request field, a wider range, a new error status.

macro_rules! rules {
    ($($rule:ident: $meaning:literal,)*) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Rule { $($rule),* }

        impl Rule {
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$rule => $meaning),* }
            }

            #[cfg(test)]
            pub const ALL: &[Rule] = &[$(Self::$rule),*];
        }
    };
}

rules! {
    OperationRemoved: "the operation is gone",
    OperationRenamed: "its name in SDKs changed",
    AuthenticationAdded: "it now needs a key",
    ParameterRemoved: "the parameter is gone",
    ParameterRequired: "the parameter is required now",
    BodyRequired: "a request body is required now",
    MediaTypeRemoved: "the media type is gone",
    NewErrorOfOtherShape: "the new error has a body that clients do not know",
    StatusRemoved: "the response status is gone",
    ResponseHeaderRemoved: "the response header is gone",
    StreamRemoved: "the stream is gone",
    StreamEndChanged: "the event that ends the stream changed",
    StreamErrorRemoved: "the stream no longer reports its errors",
    StreamSelectorChanged: "the field that asks for the stream changed",
    SchemaRemoved: "the named schema is gone, and its type in SDKs with it",
    FieldRemoved: "the field is gone",
    RequestFieldRequired: "the request field is required now",
    RequestNullRefused: "null is refused now",
    RequestFieldsClosed: "unknown request fields are refused now",
    ResponseFieldOptional: "the response field may be absent now",
    ResponseNullAdded: "the response field may be null now",
    DefaultChanged: "the default changed",
    TypeChanged: "the type changed",
    EnumValueRemoved: "the enum value is gone",
    VariantRemoved: "the union variant is gone",
    RequestNarrowed: "fewer values are accepted now",
}
