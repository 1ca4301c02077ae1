//! The policy of MuleSoft's Flex Gateway that signs for AWS, as its documentation has it. It stands
//! in a route in place of `service`, `region` and the like.
//!
//! Flex signs by Envoy's filter, which covers all headers but the excluded ones and three of its
//! own. Such a route does the same.

use serde::Deserialize;
use sigv4_core::runtime::SecretText;

use super::errors::Faults;
use super::file::Pattern;
use super::node::Node;
use super::node::Path;

/// The one policy that is known.
pub(super) const NAME: &str = "native-aws-signature-flex";

/// What Envoy's filter never signs.
pub(super) const ENVOY_EXCLUDES: [&str; 3] =
    ["x-forwarded-for", "x-forwarded-proto", "x-amzn-trace-id"];

/// An item of `policies`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(expecting = "a table with `policyRef` and `config`")]
pub(super) struct Policy {
    policy_ref: PolicyRef,
    /// Read where the name is known.
    config: Option<Node>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `name`")]
struct PolicyRef {
    name: String,
}

/// The `config` of the policy.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(expecting = "a table with `serviceName` and `region`")]
pub(super) struct Config {
    pub(super) service_name: String,
    pub(super) region: String,
    #[serde(default)]
    pub(super) use_unsigned_payload: bool,
    #[serde(default)]
    pub(super) signing_algorithm: Algorithm,
    #[serde(default)]
    pub(super) match_excluded_headers: Vec<Pattern>,
    #[serde(default)]
    authentication_mode: Mode,
    credentials_file_provider: Option<FileProvider>,
    inline_credential_provider: Option<InlineProvider>,
}

#[derive(Clone, Copy, Deserialize, Default, PartialEq, Eq)]
pub(super) enum Algorithm {
    #[default]
    #[serde(rename = "AWS_SIGV4")]
    Sigv4,
    #[serde(rename = "AWS_SIGV4A")]
    Sigv4a,
}

#[derive(Clone, Copy, Deserialize, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Default,
    Profile,
    Static,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(expecting = "a table with `credentialsDataSource` and `profile`")]
struct FileProvider {
    credentials_data_source: Option<DataSource>,
    profile: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with `filename`")]
struct DataSource {
    filename: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[serde(expecting = "a table with `accessKeyId` and `secretAccessKey`")]
struct InlineProvider {
    // The values are taken from the file; these say what there must be.
    #[serde(rename = "accessKeyId")]
    _access_key_id: SecretText,
    #[serde(rename = "secretAccessKey")]
    _secret_access_key: SecretText,
    #[serde(rename = "sessionToken")]
    _session_token: Option<SecretText>,
}

impl Policy {
    /// Reads the configuration of the policies of a route: of the one that there can be.
    pub(super) fn read(
        policies: &[Self],
        path: &Path,
        faults: &mut Faults,
    ) -> Option<(Path, Config)> {
        for (index, policy) in policies.iter().enumerate() {
            let path = path.item(index);
            if policy.policy_ref.name != NAME {
                let path = path.field("policyRef.name");
                faults.add(
                    path,
                    format!("is not known; the only policy here is `{NAME}`"),
                );
                return None;
            }
            if index > 0 {
                faults.add(path, "signs a second time; a route has one such policy");
                return None;
            }
        }
        let path = path.item(0).field("config");
        let Some(config) = policies.first()?.config.as_ref() else {
            faults.add(path, "is missing; it says `serviceName` and `region`");
            return None;
        };
        match Config::deserialize(config) {
            Ok(config) => Some((path, config)),
            Err(error) => {
                let (way, message) = error.into_parts();
                let steps = path.0.into_iter().chain(way.0).collect();
                faults.add(Path(steps), message);
                None
            }
        }
    }
}

impl Config {
    /// Returns the credentials as one of our sources, and where they are said. `written` is the
    /// configuration as it stands in the file.
    pub(super) fn credentials(
        &self,
        written: &Node,
        path: &Path,
        faults: &mut Faults,
    ) -> (Path, Node) {
        let blocks = [
            (
                Mode::Profile,
                "credentialsFileProvider",
                self.credentials_file_provider.is_some(),
            ),
            (
                Mode::Static,
                "inlineCredentialProvider",
                self.inline_credential_provider.is_some(),
            ),
        ];
        for (mode, block, is_there) in blocks {
            let name = if mode == Mode::Profile {
                "profile"
            } else {
                "static"
            };
            let path = path.field(block);
            if is_there && self.authentication_mode != mode {
                faults.add(
                    path,
                    format!(
                        "counts only with `authenticationMode: {name}`; say that, or leave this out"
                    ),
                );
            } else if !is_there && self.authentication_mode == mode {
                faults.add(
                    path,
                    format!("is missing; `authenticationMode: {name}` needs it"),
                );
            }
        }
        let kind = |name: &str| Node::from(name);
        match self.authentication_mode {
            Mode::Default => (
                path.field("authenticationMode"),
                Node::table([("type", kind("default"))]),
            ),
            Mode::Profile => {
                let provider = self.credentials_file_provider.as_ref();
                let file = provider.and_then(|it| it.credentials_data_source.as_ref());
                let source = Node::table([
                    ("type", kind("profile")),
                    ("name", provider.and_then(|it| it.profile.clone()).into()),
                    (
                        "credentials_file",
                        file.map(|it| it.filename.clone()).into(),
                    ),
                ]);
                (path.field("credentialsFileProvider"), source)
            }
            Mode::Static => {
                let Some(block) = written.get("inlineCredentialProvider") else {
                    // That has been said.
                    return (path.clone(), Node::table([("type", kind("default"))]));
                };
                let value = |name: &str| block.get(name).cloned().into();
                let source = Node::table([
                    ("type", kind("static")),
                    ("access_key_id", value("accessKeyId")),
                    ("secret_access_key", value("secretAccessKey")),
                    ("session_token", value("sessionToken")),
                ]);
                (path.field("inlineCredentialProvider"), source)
            }
        }
    }
}
