//! What a source of credentials is, in one line for people. No secrets.

use std::fmt;
use std::path::Path;

use super::CredentialSource;
use super::settings::AssumeRoleSource;
use super::settings::ChainSource;
use super::settings::ProfileSource;
use super::settings::StaticKeys;
use super::settings::WebIdentitySource;

impl fmt::Display for CredentialSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::Profile(profile) => write_profile(f, profile),
            Self::Static(keys) => write_keys(f, keys),
            Self::AssumeRole(role) => write_role(f, role),
            Self::WebIdentity(identity) => write_identity(f, identity),
            Self::Chain(chain) => write_chain(f, chain),
            Self::Default | Self::Environment | Self::Container | Self::InstanceMetadata => Ok(()),
        }
    }
}

fn write_profile(f: &mut fmt::Formatter<'_>, profile: &ProfileSource) -> fmt::Result {
    if let Some(name) = &profile.name {
        write!(f, " {name}")?;
    }
    write_path(f, "config_file", profile.config_file.as_deref())?;
    write_path(f, "credentials_file", profile.credentials_file.as_deref())
}

/// A key that stands in the configuration itself is shown as redacted, one that is kept elsewhere by
/// its place.
fn write_keys(f: &mut fmt::Formatter<'_>, keys: &StaticKeys) -> fmt::Result {
    let (id, secret) = (&keys.access_key_id, &keys.secret_access_key);
    write!(f, ", access_key_id {id:?}, secret_access_key {secret:?}")?;
    match &keys.session_token {
        Some(token) => write!(f, ", session_token {token:?}"),
        None => Ok(()),
    }
}

fn write_role(f: &mut fmt::Formatter<'_>, role: &AssumeRoleSource) -> fmt::Result {
    if let Some(arn) = &role.role_arn {
        write!(f, " {arn}")?;
    }
    write_text(f, "account_id", role.account_id.as_deref())?;
    write_text(f, "role_name", role.role_name.as_deref())?;
    write_text(f, "partition", role.partition.as_deref())?;
    write_text(f, "session_name", role.session_name.as_deref())?;
    if role.external_id.is_some() {
        f.write_str(", with an external_id")?;
    }
    if let Some(seconds) = role.duration_seconds {
        write!(f, ", for {seconds} s")?;
    }
    write_text(f, "region", role.region.as_deref())?;
    write_text(f, "endpoint", role.endpoint.as_deref())?;
    write!(f, ", by ({})", role.source)
}

fn write_identity(f: &mut fmt::Formatter<'_>, identity: &WebIdentitySource) -> fmt::Result {
    if let Some(arn) = &identity.role_arn {
        write!(f, " {arn}")?;
    }
    write_path(f, "token_file", identity.token_file.as_deref())?;
    write_text(f, "session_name", identity.session_name.as_deref())?;
    write_text(f, "region", identity.region.as_deref())
}

fn write_chain(f: &mut fmt::Formatter<'_>, chain: &ChainSource) -> fmt::Result {
    let mut separator = " of ";
    for source in &chain.sources {
        write!(f, "{separator}({source})")?;
        separator = ", ";
    }
    if !chain.sticky {
        f.write_str(", asked anew each time")?;
    }
    Ok(())
}

fn write_text(f: &mut fmt::Formatter<'_>, name: &str, text: Option<&str>) -> fmt::Result {
    text.map_or(Ok(()), |text| write!(f, ", {name} {text}"))
}

fn write_path(f: &mut fmt::Formatter<'_>, name: &str, path: Option<&Path>) -> fmt::Result {
    path.map_or(Ok(()), |path| write!(f, ", {name} {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn says_where_credentials_come_from_and_no_key() {
        let keys = StaticKeys::new("AKIDEXAMPLE", "file:/run/secrets/key").session_token("s3cr3t");
        let role = AssumeRoleSource::new("arn:aws:iam::123456789012:role/gateway")
            .external_id("s3cr3t")
            .duration(Duration::from_secs(900))
            .region("eu-central-1")
            .endpoint("https://sts.example.com")
            .source(StaticKeys::new("env:MY_ID", "s3cr3t"));
        let in_account =
            AssumeRoleSource::in_account("123456789012", "gateway").partition("aws-cn");
        let identity = WebIdentitySource::new("/token", "arn:aws:iam::123456789012:role/pod");
        let profile = ProfileSource::new().name("dev").config_file("~/config");
        let chain = ChainSource::new([profile.clone().into(), CredentialSource::Container]);
        let rows: [(CredentialSource, &str); 9] = [
            (CredentialSource::Default, "default"),
            (ProfileSource::new().into(), "profile"),
            (profile.into(), "profile dev, config_file ~/config"),
            (
                keys.into(),
                "static, access_key_id <redacted>, secret_access_key file:/run/secrets/key, \
                 session_token <redacted>",
            ),
            (
                role.into(),
                "assume_role arn:aws:iam::123456789012:role/gateway, with an external_id, for 900 s, \
                 region eu-central-1, endpoint https://sts.example.com, by (static, access_key_id \
                 env:MY_ID, secret_access_key <redacted>)",
            ),
            (
                in_account.into(),
                "assume_role, account_id 123456789012, role_name gateway, partition aws-cn, by \
                 (default)",
            ),
            (
                identity.into(),
                "web_identity arn:aws:iam::123456789012:role/pod, token_file /token",
            ),
            (
                chain.clone().into(),
                "chain of (profile dev, config_file ~/config), (container)",
            ),
            (
                chain.sticky(false).into(),
                "chain of (profile dev, config_file ~/config), (container), asked anew each time",
            ),
        ];
        for (source, expected) in rows {
            assert_eq!(source.to_string(), expected);
        }
    }
}
