//! What a request may ask for.

use std::time::Duration;
use std::time::SystemTime;

use crate::fault::Fault;
use crate::request::SignRequest;

/// Bounds of what a request may ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// How many bytes a body may have.
    pub max_body: usize,
    /// How far `time` may be from now, in both directions. `None`: any distance.
    pub time_window: Option<Duration>,
    /// The most that `expires_in` may be. `None`: as much as AWS allows, which is seven days.
    pub longest_link: Option<Duration>,
    /// Whether a request may bring the credentials to sign with.
    pub credentials_in_request: bool,
}

impl Limits {
    /// Returns those for standard input, whose writer has started the program: any time, any
    /// lifetime, own credentials.
    #[must_use]
    pub const fn for_stdin() -> Self {
        Self {
            max_body: 64 * 1024 * 1024,
            time_window: None,
            longest_link: None,
            credentials_in_request: true,
        }
    }

    /// Returns those for callers over HTTP: within 15 minutes of now, links for 900 seconds, no
    /// credentials of their own, bodies of 10 MiB.
    #[must_use]
    pub const fn for_http() -> Self {
        Self {
            max_body: 10 * 1024 * 1024,
            time_window: Some(Duration::from_secs(15 * 60)),
            longest_link: Some(Duration::from_secs(900)),
            credentials_in_request: false,
        }
    }

    /// Holds a request against the bounds.
    ///
    /// # Errors
    ///
    /// With the field that is out of bounds.
    pub fn check(&self, request: &SignRequest, now: SystemTime) -> Result<(), Fault> {
        if request.credentials.is_some() && !self.credentials_in_request {
            return Err(Fault::new(
                "credentials",
                "are not taken from requests here; leave them out",
            ));
        }
        if let Some((field, length)) = request.body_length()
            && length > self.max_body
        {
            let most = self.max_body;
            return Err(Fault::new(
                field,
                format!("is longer than {most} bytes; send its hash as `payload` instead"),
            ));
        }
        if let (Some(window), Some(time)) = (self.time_window, request.time) {
            let distance = time.duration_since(now);
            let distance = distance.unwrap_or_else(|earlier| earlier.duration());
            if distance > window {
                let seconds = window.as_secs();
                return Err(Fault::new(
                    "time",
                    format!("is more than {seconds} s from now; leave it out to sign for now"),
                ));
            }
        }
        if let Some(most) = self.longest_link
            && request.lifetime().is_some_and(|lifetime| lifetime > most)
        {
            let seconds = most.as_secs();
            return Err(Fault::new(
                "expires_in",
                format!("may be {seconds} at most here"),
            ));
        }
        Ok(())
    }
}
