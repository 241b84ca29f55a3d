//! Holds the place of the generated code until it is there: progenitor's client, without an operation.

pub mod raw {
    use progenitor_client::ClientInfo;

    #[derive(Clone, Debug)]
    pub struct Client {
        pub(crate) baseurl: String,
        pub(crate) client: reqwest::Client,
        pub(crate) inner: crate::transport::Inner,
    }

    impl Client {
        pub fn new_with_client(
            baseurl: &str,
            client: reqwest::Client,
            inner: crate::transport::Inner,
        ) -> Self {
            Self { baseurl: baseurl.to_string(), client, inner }
        }
    }

    impl ClientInfo<crate::transport::Inner> for Client {
        fn api_version() -> &'static str {
            "0"
        }
        fn baseurl(&self) -> &str {
            &self.baseurl
        }
        fn client(&self) -> &reqwest::Client {
            &self.client
        }
        fn inner(&self) -> &crate::transport::Inner {
            &self.inner
        }
    }
}
