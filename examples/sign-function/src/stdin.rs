//! Requests on the lines of a stream, and an answer on a line for each.

use std::io;
use std::io::BufRead;
use std::io::Write;
use std::time::SystemTime;

use sigv4_core::Credentials;

use crate::fault::Fault;
use crate::limits::Limits;

/// Answers each line of a stream with a line, in order and at once, until the stream ends.
///
/// `credentials` is asked for those that sign a request which brings none, `now` for the time.
///
/// # Errors
///
/// When the streams cannot be read from or written to. What is wrong with a line is its answer.
pub fn run_on_lines(
    _input: impl BufRead,
    _output: impl Write,
    _limits: &Limits,
    _credentials: impl FnMut() -> Result<Credentials, Fault>,
    _now: impl FnMut() -> SystemTime,
) -> io::Result<()> {
    Ok(())
}
