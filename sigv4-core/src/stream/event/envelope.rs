//! The signed messages around the messages of a stream.

use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use bytes::Bytes;

use crate::date::Timestamp;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::stream::event::error::EventError;
use crate::stream::event::frame;
use crate::stream::event::headers;
use crate::stream::event::message::EventHeader;
use crate::stream::event::message::EventValue;
use crate::stream::event::message::name;
use crate::stream::event::signer::EventSigner;

#[cfg_attr(docsrs, doc(cfg(feature = "eventstream")))]
impl EventSigner {
    /// Signs an encoded message and returns the encoded message that goes onto the wire.
    ///
    /// That has the headers `:date` and `:chunk-signature`, and the given message for a payload.
    /// `now` is its date, without the fraction of a second.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use sigv4_core::{Credentials, EventMessage, EventSigner, Signer};
    ///
    /// let signer = Signer::builder("transcribe", "us-east-1").build()?;
    /// # let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
    /// # let seed_of_the_request = "";
    /// let mut events = EventSigner::new(&signer, &credentials, seed_of_the_request)?;
    ///
    /// let audio = EventMessage::new(&b"a few milliseconds of audio"[..])
    ///     .with_header(":message-type", "event")
    ///     .with_header(":event-type", "AudioEvent")
    ///     .encode()?;
    /// let first_on_the_wire = events.sign_message(&audio, SystemTime::now())?;
    /// let last_on_the_wire = events.end(SystemTime::now())?;
    ///
    /// let envelope = EventMessage::decode(first_on_the_wire)?;
    /// assert_eq!(envelope.payload(), &audio);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`EventStream`](crate::ErrorKind::EventStream) when the message is empty or longer than 16 MiB,
    /// [`Time`](crate::ErrorKind::Time) when the date is before 1970 or after 9999. The chain is then
    /// unchanged.
    pub fn sign_message(&mut self, message: &[u8], now: SystemTime) -> Result<Bytes, Error> {
        // It would end the stream.
        if message.is_empty() {
            return Err(REFUSED);
        }
        self.envelope(message, now)
    }

    /// Signs the end of the stream: an empty message behind the last one.
    ///
    /// A service takes a stream without it for one that broke off.
    ///
    /// # Errors
    ///
    /// [`Time`](crate::ErrorKind::Time) when the date is before 1970 or after 9999. The chain is then
    /// unchanged.
    pub fn end(&mut self, now: SystemTime) -> Result<Bytes, Error> {
        self.envelope(b"", now)
    }

    fn envelope(&mut self, payload: &[u8], now: SystemTime) -> Result<Bytes, Error> {
        let time = Timestamp::new(now)?;
        frame::check(0, payload.len()).map_err(refused)?;
        let date = header(name::DATE, EventValue::Timestamp(millis(&time)))?;
        let signature = self.sign_at(&time, &date, payload)?.to_bytes();
        let signature = EventValue::Bytes(Bytes::copy_from_slice(&signature));
        let signature = header(name::CHUNK_SIGNATURE, signature)?;
        Ok(frame::write(&[&date, &signature], payload))
    }
}

/// Wraps what is wrong with messages that were to be signed.
pub(super) fn refused(error: EventError) -> Error {
    REFUSED.because(error)
}

fn header(name: &str, value: EventValue) -> Result<Vec<u8>, Error> {
    let name = name.to_owned();
    headers::encode(&[EventHeader { name, value }]).map_err(refused)
}

/// Milliseconds since 1970 of a time without a fraction of a second.
fn millis(time: &Timestamp) -> i64 {
    let since = time.time().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

const REFUSED: Error = Error::new(
    ErrorKind::EventStream,
    "there is no event stream message to sign; give whole ones, as EventMessage::encode makes them",
);
