//! In which region a program runs.

use std::path::PathBuf;

use super::context::Context;
use super::error::FetchError;
use super::error::FetchErrorKind;
use super::files::Selection;
use super::files::SharedConfig;
use super::imds;
use crate::scope::Region;

/// Finds the region: of `AWS_REGION`, `AWS_DEFAULT_REGION`, the profile, or the EC2 instance.
///
/// <https://docs.aws.amazon.com/sdkref/latest/guide/feature-region.html>
///
/// ```no_run
/// # use std::sync::Arc;
/// # use sigv4_core::{Signer, runtime::HttpSend};
/// use sigv4_core::runtime::light;
///
/// # async fn example(http: Arc<dyn HttpSend>) -> Result<(), Box<dyn std::error::Error>> {
/// let region = light::RegionChain::new(http).region().await?;
/// let signer = Signer::builder("sqs", region.ok_or("set AWS_REGION")?).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RegionChain {
    context: Context,
    selection: Selection,
}

impl RegionChain {
    /// Makes a chain that looks into the environment, the shared files and the metadata service.
    #[must_use]
    pub fn new(context: impl Into<Context>) -> Self {
        Self {
            context: context.into(),
            selection: Selection::default(),
        }
    }

    /// Sets the profile, whatever `AWS_PROFILE` says.
    #[must_use]
    pub fn profile(mut self, name: impl Into<String>) -> Self {
        self.selection.profile = Some(name.into());
        self
    }

    /// Sets the path of the configuration file, which has to be there.
    #[must_use]
    pub fn config_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.selection.config_file = Some(path.into());
        self
    }

    /// Sets the path of the credentials file, which has to be there.
    #[must_use]
    pub fn credentials_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.selection.credentials_file = Some(path.into());
        self
    }

    /// Returns the region, or `None` where nothing says which it is.
    ///
    /// # Errors
    ///
    /// When a source that is configured fails, or says what cannot be a region; see
    /// [`FetchError::kind`].
    ///
    /// # Cancel safety
    ///
    /// The future can be dropped at any time.
    pub async fn region(&self) -> Result<Option<String>, FetchError> {
        if let Some(region) = of_variables(NAME, &self.context)? {
            return Ok(Some(region));
        }
        let shared = SharedConfig::load(NAME, &self.context, &self.selection)?;
        if let Some(region) = of_profile(NAME, &shared)? {
            return Ok(Some(region));
        }
        of_instance(NAME, &self.context, &self.selection).await
    }
}

/// Returns the region that the environment says.
pub(super) fn of_variables(
    provider: &'static str,
    context: &Context,
) -> Result<Option<String>, FetchError> {
    for variable in ["AWS_REGION", "AWS_DEFAULT_REGION"] {
        if let Some(region) = context.variables().get(provider, variable)? {
            let place = format!("of the variable `{variable}`");
            return valid(provider, region.trim(), &place).map(Some);
        }
    }
    Ok(None)
}

/// Returns the region that the selected profile says.
pub(super) fn of_profile(
    provider: &'static str,
    shared: &SharedConfig,
) -> Result<Option<String>, FetchError> {
    let region = shared.get("region");
    region
        .map(|region| valid(provider, region, "of the profile"))
        .transpose()
}

/// Returns the region of the instance, or `None` where there is no metadata service.
pub(super) async fn of_instance(
    provider: &'static str,
    context: &Context,
    selection: &Selection,
) -> Result<Option<String>, FetchError> {
    let client = imds::Client::new(context.clone(), selection.clone());
    match client.region().await {
        Ok(region) => valid(provider, &region, "of the instance").map(Some),
        Err(error) if error.kind() == FetchErrorKind::NotConfigured => Ok(None),
        Err(error) => Err(error),
    }
}

/// Checks what shall be a region. As a part of host names it has no dot and no underscore.
pub(super) fn valid(
    provider: &'static str,
    region: &str,
    place: &str,
) -> Result<String, FetchError> {
    let invalid =
        || FetchError::configuration(provider, format!("the region {place} is not a region"));
    match Region::new(region) {
        Ok(_) if region.contains(['.', '_']) => Err(invalid()),
        Ok(region) => Ok(region.as_str().to_owned()),
        Err(error) => Err(invalid().because(error)),
    }
}

const NAME: &str = "Region";

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::fake::Fake;
    use super::*;

    #[tokio::test]
    async fn looks_at_one_place_after_the_other() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(&file, "[default]\nregion = profile-1\n[profile p]\n").unwrap();
        let config = ("AWS_CONFIG_FILE", file.to_str().unwrap());
        let empty = ("AWS_PROFILE", "p");
        for (name, variables, fake, expected) in [
            (
                "the variable",
                vec![
                    ("AWS_REGION", " first-1 "),
                    ("AWS_DEFAULT_REGION", "second-1"),
                ],
                Fake::new(),
                Some("first-1"),
            ),
            (
                "the other variable",
                vec![("AWS_REGION", ""), ("AWS_DEFAULT_REGION", "second-1")],
                Fake::new(),
                Some("second-1"),
            ),
            ("the profile", vec![config], Fake::new(), Some("profile-1")),
            (
                "the instance",
                vec![config, empty],
                Fake::new().answer(200, "TOKEN").answer(200, "instance-1"),
                Some("instance-1"),
            ),
            (
                "nowhere",
                vec![config, empty],
                Fake::new().refuse().refuse().refuse(),
                None,
            ),
            (
                "switched off",
                vec![config, empty, ("AWS_EC2_METADATA_DISABLED", "true")],
                Fake::new(),
                None,
            ),
        ] {
            let chain = RegionChain::new(fake.context(&variables));
            let region = chain.region().await.expect(name);
            assert_eq!(region.as_deref(), expected, "{name}");
        }
    }

    #[tokio::test]
    async fn reads_the_files_it_is_given() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        fs::write(&file, "[profile p]\nregion = profile-1\n").unwrap();
        let chain = RegionChain::new(Fake::new().context(&[])).profile("p");
        let region = chain.clone().config_file(&file).region().await.unwrap();
        assert_eq!(region.as_deref(), Some("profile-1"));
        let absent = chain.credentials_file(folder.path().join("absent"));
        assert!(absent.region().await.is_err());
    }

    #[tokio::test]
    async fn refuses_what_is_no_region() {
        for region in ["us east", "us-east-1.example.com", "a/b", "*"] {
            let chain = RegionChain::new(Fake::new().context(&[("AWS_REGION", region)]));
            let error = chain.region().await.unwrap_err();
            assert_eq!(error.kind(), FetchErrorKind::Configuration);
            assert!(error.to_string().contains("`AWS_REGION`"), "{error}");
        }
    }
}
