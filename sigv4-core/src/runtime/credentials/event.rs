//! What happens in a credentials cache, for metrics and logs.

use std::time::Duration;
use std::time::SystemTime;

use crate::error::Error;

/// Tells the [hook](crate::runtime::CredentialsCacheBuilder::on_event) of a cache what happens in
/// it. Nothing in it is secret.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum CredentialsEvent {
    /// Fresh credentials were handed out.
    #[non_exhaustive]
    Hit {
        /// Which ones.
        generation: u64,
    },
    /// Credentials were handed out that are good, but should have been replaced by now.
    #[non_exhaustive]
    StaleServed {
        /// Which ones.
        generation: u64,
    },
    /// Credentials that have ended were handed out, because there is a grace period.
    #[non_exhaustive]
    GraceServed {
        /// Which ones.
        generation: u64,
    },
    /// The source is asked for credentials.
    #[non_exhaustive]
    RefreshStarted {
        /// Because of what AWS answered, and not because it was time.
        forced: bool,
    },
    /// The source returned new credentials.
    #[non_exhaustive]
    RefreshSucceeded {
        /// The number that they got.
        generation: u64,
        /// When they end.
        expires_at: Option<SystemTime>,
        /// How long it took.
        took: Duration,
    },
    /// The source returned the credentials that are there already; it is asked again later.
    #[non_exhaustive]
    RefreshUnchanged {
        /// Which ones.
        generation: u64,
        /// How long it took.
        took: Duration,
    },
    /// The source failed, or returned nothing that can be used.
    #[non_exhaustive]
    RefreshFailed {
        /// Why.
        error: Error,
        /// How many times in a row.
        failures: u32,
        /// How long it took.
        took: Duration,
    },
    /// Somebody had to wait for credentials, with success or without.
    #[non_exhaustive]
    Blocked {
        /// For how long.
        waited: Duration,
    },
    /// AWS refused credentials as ended.
    #[non_exhaustive]
    Invalidated {
        /// Which ones.
        generation: u64,
    },
    /// The source returned credentials of somebody else.
    #[non_exhaustive]
    IdentityChanged {
        /// Whether they are used. If not, the refresh failed.
        accepted: bool,
    },
}
