//! What a caller reads whose request head never became a request: our error shape, like any other error.

use http::header::HeaderMap;

use crate::codes::Code;
use crate::front::Front;
use crate::listener::{Refusal, Refuse};
use crate::problem::Problem;
use crate::request_id;

impl Refuse for Front {
    fn refuse(&self, refusal: Refusal) -> Vec<u8> {
        let request_id = self.request_ids.of(&HeaderMap::new());
        let problem = problem(refusal);
        tracing::info!(%request_id, status = problem.status.as_u16(), code = %problem.code, "a request head was refused");
        wire(&problem, &request_id)
    }
}

pub(crate) fn problem(refusal: Refusal) -> Problem {
    match refusal {
        Refusal::Malformed => Problem::bad_request("the request head is not HTTP/1.1 (RFC 9112)"),
        Refusal::TooLarge => Problem::new(
            Code::HeadersTooLarge,
            "the request head has more than 100 header fields, or more bytes than this gateway takes",
        ),
        Refusal::TooSlow => Problem::new(Code::RequestTimeout, "the request head did not arrive in time"),
    }
}

pub(crate) fn wire(problem: &Problem, request_id: &str) -> Vec<u8> {
    let body = problem.to_json();
    let mut response = format!(
        "HTTP/1.1 {}\r\ncontent-type: application/json\r\n{}: {request_id}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        problem.status,
        request_id::HEADER.as_str(),
        body.len(),
    )
    .into_bytes();
    response.extend_from_slice(&body);
    response
}
