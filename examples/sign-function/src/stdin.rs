//! Requests on the lines of a stream, and an answer on a line for each.

use std::io;
use std::io::BufRead;
use std::io::Read;
use std::io::Write;
use std::time::SystemTime;

use sigv4_core::Credentials;
use zeroize::Zeroizing;

use crate::answer::Refused;
use crate::answer::Signed;
use crate::fault::Fault;
use crate::limits::Limits;
use crate::request::SignRequest;
use crate::signing::sign;

/// Answers each line of a stream with a line, in order and at once, until the stream ends.
///
/// Lines with nothing on them are skipped. `credentials` is asked for those that sign a request
/// which brings none, `now` for the time.
///
/// # Errors
///
/// When the streams cannot be read from or written to. What is wrong with a line is its answer.
pub fn run_on_lines(
    mut input: impl BufRead,
    mut output: impl Write,
    limits: &Limits,
    mut credentials: impl FnMut() -> Result<Credentials, Fault>,
    mut now: impl FnMut() -> SystemTime,
) -> io::Result<()> {
    // In base64 a body has a third more bytes, and in JSON text it may have six times as many.
    let longest = limits.max_body.saturating_mul(6).saturating_add(HEAD);
    // A line may hold a secret key.
    let mut line = Zeroizing::new(Vec::new());
    let mut is_first = true;
    loop {
        line.clear();
        let most = u64::try_from(longest).unwrap_or(u64::MAX);
        if input.by_ref().take(most).read_until(b'\n', &mut line)? == 0 {
            return Ok(());
        }
        let answer = if line.len() == longest && !line.ends_with(b"\n") {
            input.skip_until(b'\n')?;
            let fault = Fault::new("request", format!("is longer than {longest} bytes"));
            Err(Refused::new(None, fault))
        } else {
            let mark: &[u8] = if is_first { BYTE_ORDER_MARK } else { b"" };
            let text = line.strip_prefix(mark).unwrap_or(&line).trim_ascii();
            if text.is_empty() {
                continue;
            }
            answer(text, limits, &mut credentials, now())
        };
        is_first = false;
        match answer {
            Ok(signed) => serde_json::to_writer(&mut output, &signed)?,
            Err(refused) => serde_json::to_writer(&mut output, &refused)?,
        }
        output.write_all(b"\n")?;
        output.flush()?;
    }
}

fn answer(
    text: &[u8],
    limits: &Limits,
    credentials: impl FnOnce() -> Result<Credentials, Fault>,
    now: SystemTime,
) -> Result<Signed, Refused> {
    let request = SignRequest::parse(text).map_err(|(id, fault)| Refused::new(id, fault))?;
    let signed = limits.check(&request, now).and_then(|()| {
        let credentials = match request.credentials()? {
            Some(own) => own,
            None => credentials()?,
        };
        sign(&request, &credentials, now)
    });
    signed.map_err(|fault| Refused::new(request.id, fault))
}

/// The bytes that a line may have beside the body.
const HEAD: usize = 1024 * 1024;
/// What some programs write in front of text.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
