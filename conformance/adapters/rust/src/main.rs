//! The conformance adapter of the Rust SDK: lines of `conformance/PROTOCOL.md` in, calls of the crate `novai`, lines out.
//!
//! **Invariant:** nothing is judged or repaired here. What the SDK says goes out as it is.

mod call;
mod outcome;
mod protocol;

use std::io::{self, BufRead, Write};

use serde_json::json;

fn main() -> io::Result<()> {
    // A worker beside this thread: connections of dropped streams must close while the next line is awaited.
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut output = io::stdout().lock();
    writeln!(output, "{}", json!({ "protocol": 1, "client": "rust", "version": env!("CARGO_PKG_VERSION") }))?;
    output.flush()?;
    for line in io::stdin().lock().lines() {
        let request: protocol::Request = match serde_json::from_str(&line?) {
            Ok(request) => request,
            Err(error) => return Err(io::Error::other(format!("not a request: {error}"))),
        };
        let results = runtime.block_on(call::all(&request));
        writeln!(output, "{}", json!({ "id": request.id, "results": results }))?;
        output.flush()?;
    }
    Ok(())
}
