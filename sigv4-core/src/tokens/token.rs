//! A token, and what makes it.

use std::fmt;
use std::time::Duration;
use std::time::SystemTime;

use http::Request;
use zeroize::Zeroizing;

use crate::credentials::Credentials;
use crate::date::Timestamp;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::presign::PresignOptions;
use crate::signer::Signer;

/// Makes tokens of one kind, for one user of one resource.
///
/// The functions of [this module](crate::tokens) return it. Everything that can be wrong with the
/// input has been checked by then. It holds no credentials and is made to be kept, one for each
/// pool of connections.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use sigv4_core::{Credentials, tokens};
///
/// # let credentials = Credentials::new("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")?;
/// let signer = tokens::bedrock("us-east-1")?
///     .expires_in(Duration::from_secs(3600))
///     .clamp_to_credentials();
/// let token = signer.token(&credentials, SystemTime::now())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct TokenSigner {
    signer: Signer,
    kind: Kind,
    lifetime: Duration,
    clamp: bool,
}

/// What tells the tokens of one service from those of another.
#[derive(Clone)]
pub(super) struct Kind {
    /// The request that is presigned.
    pub(super) request: Request<()>,
    /// What stands before the path in the text that becomes the token.
    pub(super) start: String,
    /// Makes the token of that text.
    pub(super) wrap: fn(Zeroizing<String>) -> Zeroizing<String>,
    pub(super) lifetime: Duration,
    pub(super) longest: Duration,
    /// The most that `X-Amz-Expires` says, where the token holds longer than that.
    pub(super) said: Duration,
}

impl TokenSigner {
    pub(super) fn new(signer: Signer, kind: Kind) -> Self {
        Self {
            signer,
            lifetime: kind.lifetime,
            kind,
            clamp: false,
        }
    }

    /// Sets how long a token holds, rounded down to whole seconds. Default, and the most that the
    /// service allows: see the [table](crate::tokens).
    pub const fn expires_in(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Shortens the lifetime of a token to that of the credentials, where it would be longer.
    /// Default: that is an error, since such a token would stop working before its time.
    pub const fn clamp_to_credentials(mut self) -> Self {
        self.clamp = true;
        self
    }

    /// Makes a token that holds from now on.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Expiry`] when the lifetime is less than a second, longer than the service
    /// allows, or longer than that of the credentials; [`ErrorKind::Time`] when `now` cannot be.
    pub fn token(&self, credentials: &Credentials, now: SystemTime) -> Result<Token, Error> {
        let kind = &self.kind;
        if self.lifetime > kind.longest {
            return Err(too_long(kind.longest));
        }
        let time = Timestamp::new(now)?;
        let lifetime = options(self.lifetime, self.clamp).lifetime(&time, credentials)?;
        let said = lifetime.min(kind.said);
        let presigned = self.signer.presign(&kind.request, said, credentials, now)?;
        let target = presigned
            .uri()
            .path_and_query()
            .map_or("", |target| target.as_str());
        let text = [&kind.start, target].concat();
        Ok(Token {
            text: (kind.wrap)(Zeroizing::new(text)),
            expires_at: time.time() + lifetime,
        })
    }
}

impl fmt::Debug for TokenSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenSigner")
            .field("signer", &self.signer)
            .field("lifetime", &self.lifetime)
            .field("clamp", &self.clamp)
            .finish_non_exhaustive()
    }
}

/// A token that authorises whoever holds it, until it expires.
///
/// `Debug` shows the expiry alone, and there is no `Display`, so that it does not end up in a log by
/// accident. [`expose`](Self::expose) is the way to get at it. Its text is wiped from memory with
/// the last clone.
#[derive(Clone)]
pub struct Token {
    text: Zeroizing<String>,
    expires_at: SystemTime,
}

impl Token {
    /// Returns the text of the token: a credential.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Returns when the token stops working.
    #[must_use]
    pub fn expires_at(&self) -> SystemTime {
        self.expires_at
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

pub(super) fn options(lifetime: Duration, clamp: bool) -> PresignOptions {
    let options = PresignOptions::expires_in(lifetime);
    if clamp {
        options.clamp_to_credentials()
    } else {
        options
    }
}

fn too_long(longest: Duration) -> Error {
    let message = format!(
        "the service takes no token that lives for more than {} s; ask for less",
        longest.as_secs()
    );
    Error::with_message(ErrorKind::Expiry, message)
}

/// What a token is that is nothing but the text of the URL.
pub(super) fn as_it_is(text: Zeroizing<String>) -> Zeroizing<String> {
    text
}

/// A quarter of an hour: what most of these services check a token for.
pub(super) const QUARTER: Duration = Duration::from_secs(15 * 60);
