//! Whether what a provider returned is of use.

use aws_credential_types::credential_feature::AwsCredentialFeature;

use crate::credentials::Credentials;
use crate::error::Error;
use crate::error::ErrorKind;
use crate::runtime::CredentialsCacheBuilder;
use crate::runtime::CredentialsEvent;
use crate::runtime::IdentityPolicy;
use crate::runtime::credentials::cached::CachedCredentials;
use crate::runtime::credentials::flight::Provided;
use crate::runtime::credentials::policy::Moment;

/// What a provider's answer is good for.
pub(super) enum Verdict<'a> {
    New(Credentials, Box<aws_credential_types::Credentials>),
    Unchanged(&'a CachedCredentials),
}

/// The credentials that are there.
#[derive(Clone, Copy)]
pub(super) struct Current<'a> {
    pub(super) credentials: &'a CachedCredentials,
    /// AWS has refused them, or the clocks disagree about them.
    pub(super) is_doubtful: bool,
}

/// Decides what the provider's answer is good for. Appends to `events` what else there is to tell.
pub(super) fn judge<'a>(
    settings: &CredentialsCacheBuilder,
    provided: Provided,
    current: Option<Current<'a>>,
    now: Moment,
    events: &mut Vec<CredentialsEvent>,
) -> Result<Verdict<'a>, Error> {
    let provided = provided?;
    let credentials = Credentials::try_from(&provided).map_err(|error| UNUSABLE.because(error))?;
    let is_over = |end| {
        let over = now.wall.duration_since(end);
        over.is_ok_and(|over| over >= settings.grace_of(&provided))
    };
    if credentials.expires_at().is_some_and(is_over) {
        return Err(EXPIRED);
    }
    let Some(current) = current else {
        return Ok(Verdict::New(credentials, Box::new(provided)));
    };
    let there = current.credentials;
    if there.is_same_as(&provided) {
        return Ok(Verdict::Unchanged(there));
    }
    if !is_same_identity(there.provided(), &provided) {
        let accepted = settings.identity == IdentityPolicy::Follow;
        events.push(CredentialsEvent::IdentityChanged { accepted });
        if !accepted {
            return Err(SOMEBODY_ELSE);
        }
    }
    let ends = (
        credentials.expires_at(),
        there.credentials().expires_at(),
        current.is_doubtful,
    );
    match ends {
        // To take these would shorten what there is.
        (Some(end), Some(later), false) if end < later => Ok(Verdict::Unchanged(there)),
        _ => Ok(Verdict::New(credentials, Box::new(provided))),
    }
}

/// Compares whose credentials these are, as far as both tell.
fn is_same_identity(
    one: &aws_credential_types::Credentials,
    other: &aws_credential_types::Credentials,
) -> bool {
    let kind = |credentials| {
        aws_credential_types::Credentials::get_property::<Vec<AwsCredentialFeature>>(credentials)
    };
    let is_same_account = match (one.account_id(), other.account_id()) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    let is_same_kind = match (kind(one), kind(other)) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    is_same_account && is_same_kind
}

const UNUSABLE: Error = Error::new(
    ErrorKind::Credentials,
    "what the provider returned cannot be signed with",
);
const EXPIRED: Error = Error::new(
    ErrorKind::Credentials,
    "what the provider returned has ended already; check its source and the clock of this machine",
);
const SOMEBODY_ELSE: Error = Error::new(
    ErrorKind::Credentials,
    "the provider returned the credentials of another account or source than before; if that is \
     meant, start again, or build the cache with IdentityPolicy::Follow",
);
