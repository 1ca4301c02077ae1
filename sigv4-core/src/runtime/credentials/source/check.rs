//! What can be found wrong before anybody is asked.

use http::Uri;

use super::CredentialSource;
use super::settings::AssumeRoleSource;
use super::settings::ChainSource;
use super::settings::ProfileSource;
use super::settings::WebIdentitySource;
use crate::error::ConfigError;
use crate::scope::Region;

/// Finds values that cannot be right.
pub(super) trait Check {
    fn check(&self) -> Result<(), ConfigError>;
}

impl Check for CredentialSource {
    fn check(&self) -> Result<(), ConfigError> {
        match self {
            Self::Profile(profile) => profile.check(),
            Self::AssumeRole(role) => role.check(),
            Self::WebIdentity(identity) => identity.check(),
            Self::Chain(chain) => chain.check(),
            // Static keys are checked where they are read.
            Self::Default
            | Self::Static(_)
            | Self::Environment
            | Self::Container
            | Self::InstanceMetadata => Ok(()),
        }
    }
}

impl Check for ProfileSource {
    fn check(&self) -> Result<(), ConfigError> {
        if self
            .name
            .as_deref()
            .is_some_and(|name| name.trim().is_empty())
        {
            let remedy = "is empty; leave it out for the profile of the environment";
            return Err(ConfigError::new("name", remedy));
        }
        Ok(())
    }
}

impl Check for AssumeRoleSource {
    fn check(&self) -> Result<(), ConfigError> {
        check_role_arn(&self.arn()?)?;
        check_session_name(self.session_name.as_deref())?;
        check_region(self.region.as_deref())?;
        if let Some(external_id) = &self.external_id {
            let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c);
            if !(2..=1224).contains(&external_id.len()) || !external_id.chars().all(allowed) {
                let rule = "must be 2 to 1224 letters, digits and `_+=,.@:/-`";
                return Err(ConfigError::new("external_id", rule));
            }
        }
        if !(900..=43_200).contains(&self.duration_seconds.unwrap_or(3600)) {
            let rule = "must be between 900 (15 minutes) and 43200 (12 hours)";
            return Err(ConfigError::new("duration_seconds", rule));
        }
        if let Some(endpoint) = &self.endpoint {
            check_endpoint(endpoint)?;
        }
        self.source.check().map_err(within_source)
    }
}

impl AssumeRoleSource {
    /// Returns the ARN of the role, however it is said.
    pub(in crate::runtime::credentials) fn arn(&self) -> Result<String, ConfigError> {
        match (&self.role_arn, &self.account_id, &self.role_name) {
            (Some(_), None, None) if self.partition.is_some() => Err(ConfigError::new(
                "partition",
                "is part of `role_arn`; leave it out",
            )),
            (Some(arn), None, None) => Ok(arn.clone()),
            (None, Some(account), Some(role)) => {
                if account.len() != 12 || !account.bytes().all(|byte| byte.is_ascii_digit()) {
                    let rule = "must be 12 digits, in quotes where they begin with 0";
                    return Err(ConfigError::new("account_id", rule));
                }
                let partition = self.partition.as_deref().unwrap_or("aws");
                let role = role.trim_start_matches('/');
                Ok(format!("arn:{partition}:iam::{account}:role/{role}"))
            }
            (None, None, Some(_)) => Err(ConfigError::new(
                "account_id",
                "is missing; it goes with `role_name`",
            )),
            (None, Some(_), None) => Err(ConfigError::new(
                "role_name",
                "is missing; it goes with `account_id`",
            )),
            (None, None, None) => Err(ConfigError::new(
                "role_arn",
                "is missing; give it, or `account_id` and `role_name`",
            )),
            (Some(_), ..) => Err(ConfigError::new(
                "role_arn",
                "says the role already; leave out `account_id` and `role_name`",
            )),
        }
    }
}

impl Check for WebIdentitySource {
    fn check(&self) -> Result<(), ConfigError> {
        match (&self.token_file, &self.role_arn) {
            (Some(_), Some(role_arn)) => check_role_arn(role_arn)?,
            (None, None) if self.session_name.is_some() => {
                let remedy = "is that of the environment, as the role is; give both, or neither";
                return Err(ConfigError::new("session_name", remedy));
            }
            (None, None) => {}
            (Some(_), None) => {
                return Err(ConfigError::new(
                    "role_arn",
                    "is missing; it goes with `token_file`",
                ));
            }
            (None, Some(_)) => {
                return Err(ConfigError::new(
                    "token_file",
                    "is missing; it goes with `role_arn`",
                ));
            }
        }
        check_session_name(self.session_name.as_deref())?;
        check_region(self.region.as_deref())
    }
}

impl Check for ChainSource {
    fn check(&self) -> Result<(), ConfigError> {
        if self.sources.is_empty() {
            return Err(ConfigError::new("sources", "is empty; list at least one"));
        }
        let mut sources = self.sources.iter().enumerate();
        sources.try_for_each(|(index, source)| {
            source.check().map_err(|error| within_link(index, error))
        })
    }
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>
fn check_role_arn(arn: &str) -> Result<(), ConfigError> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let is_part = |part: &str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !part.is_empty() && part.bytes().all(allowed)
    };
    let is_role = |resource: &str| {
        let allowed = |c: char| c.is_ascii_graphic();
        resource
            .strip_prefix("role/")
            .is_some_and(|name| !name.is_empty() && name.chars().all(allowed))
    };
    match parts[..] {
        ["arn", partition, "iam", "", account, resource]
            if is_part(partition) && is_part(account) && is_role(resource) =>
        {
            Ok(())
        }
        _ => Err(ConfigError::new(
            "role_arn",
            "must be the ARN of a role, such as `arn:aws:iam::123456789012:role/gateway`",
        )),
    }
}

/// <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>
fn check_session_name(name: Option<&str>) -> Result<(), ConfigError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c);
    match name {
        Some(name) if !(2..=64).contains(&name.len()) || !name.chars().all(allowed) => {
            let rule = "must be 2 to 64 letters, digits and `_+=,.@-`";
            Err(ConfigError::new("session_name", rule))
        }
        _ => Ok(()),
    }
}

fn check_region(region: Option<&str>) -> Result<(), ConfigError> {
    region.map_or(Ok(()), |region| Region::new(region).map(|_| ()))
}

fn check_endpoint(endpoint: &str) -> Result<(), ConfigError> {
    let rule = "must be an address such as `https://sts.eu-central-1.amazonaws.com`";
    let uri: Uri = endpoint
        .parse()
        .map_err(|error| ConfigError::new("endpoint", rule).because(error))?;
    let is_http = matches!(uri.scheme_str(), Some("https" | "http"));
    let has_user = uri.authority().is_some_and(|it| it.as_str().contains('@'));
    if !is_http || has_user || uri.query().is_some() {
        return Err(ConfigError::new("endpoint", rule));
    }
    Ok(())
}

/// The fault is in the source that a role is assumed with.
pub(super) fn within_source(error: ConfigError) -> ConfigError {
    ConfigError::new("source", "cannot be used, for the reason behind this error").because(error)
}

/// The fault is in a link of a chain.
pub(super) fn within_link(index: usize, error: ConfigError) -> ConfigError {
    let message = format!(
        "number {} cannot be used, for the reason behind this error",
        index + 1
    );
    ConfigError::new("sources", message).because(error)
}

#[cfg(test)]
mod tests {
    use std::error::Error;
    use std::time::Duration;

    use super::*;

    const ARN: &str = "arn:aws:iam::123456789012:role/gateway";

    fn role() -> AssumeRoleSource {
        AssumeRoleSource::new(ARN)
    }

    #[test]
    fn names_the_field_that_cannot_be_right() {
        let identity = WebIdentitySource::new;
        let in_account = AssumeRoleSource::in_account;
        let named = |name: &str| ProfileSource::new().name(name).into();
        let half = |role: bool| {
            let mut half = identity("/token", ARN);
            if role {
                half.role_arn = None;
            } else {
                half.token_file = None;
            }
            half.into()
        };
        for (name, source, field) in [
            ("a blank profile", named(" "), "name"),
            (
                "no ARN",
                AssumeRoleSource::new("gateway").into(),
                "role_arn",
            ),
            (
                "the ARN of a user",
                AssumeRoleSource::new("arn:aws:iam::123456789012:user/x").into(),
                "role_arn",
            ),
            (
                "the ARN of a role of the bucket next door",
                AssumeRoleSource::new("arn:aws:s3::123456789012:role/x").into(),
                "role_arn",
            ),
            ("no role", AssumeRoleSource::default().into(), "role_arn"),
            (
                "an account without a leading zero",
                in_account("12345678901", "gateway").into(),
                "account_id",
            ),
            (
                "a role with a blank",
                in_account("123456789012", "a b").into(),
                "role_arn",
            ),
            (
                "a partition twice",
                role().partition("aws-cn").into(),
                "partition",
            ),
            (
                "a short name",
                role().session_name("x").into(),
                "session_name",
            ),
            (
                "a name with a blank",
                role().session_name("x y").into(),
                "session_name",
            ),
            (
                "an external id with a blank",
                role().external_id("x y").into(),
                "external_id",
            ),
            (
                "a minute",
                role().duration(Duration::from_secs(60)).into(),
                "duration_seconds",
            ),
            ("no region", role().region("eu central").into(), "region"),
            (
                "no scheme",
                role().endpoint("sts.example.com").into(),
                "endpoint",
            ),
            (
                "another scheme",
                role().endpoint("ftp://example.com").into(),
                "endpoint",
            ),
            (
                "a password",
                role().endpoint("https://a:b@example.com").into(),
                "endpoint",
            ),
            ("a token without a role", half(true), "role_arn"),
            ("a role without a token", half(false), "token_file"),
            ("an empty chain", ChainSource::new([]).into(), "sources"),
        ] {
            let source: CredentialSource = source;
            let error = source.check().expect_err(name);
            assert_eq!(error.field(), field, "{name}: {error}");
        }
    }

    #[test]
    fn says_where_inside_the_fault_is() {
        let wrong: CredentialSource = AssumeRoleSource::new("x").into();
        let source = CredentialSource::from(ChainSource::new([
            CredentialSource::Environment,
            role().source(wrong).into(),
        ]));
        let error = source.check().unwrap_err();
        assert_eq!(error.field(), "sources");
        assert!(error.to_string().contains("number 2"), "{error}");
        let inner = error.source().unwrap();
        assert!(inner.to_string().starts_with("source: "), "{inner}");
        let innermost = inner.source().unwrap().to_string();
        assert!(innermost.starts_with("role_arn: "), "{innermost}");
    }

    #[test]
    fn puts_the_arn_of_a_role_together() {
        let in_account = AssumeRoleSource::in_account("012345678901", "/team/gateway");
        assert_eq!(
            in_account.arn().unwrap(),
            "arn:aws:iam::012345678901:role/team/gateway"
        );
        assert_eq!(
            in_account.partition("aws-us-gov").arn().unwrap(),
            "arn:aws-us-gov:iam::012345678901:role/team/gateway"
        );
    }
}
