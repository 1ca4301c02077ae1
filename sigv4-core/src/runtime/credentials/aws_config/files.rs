//! The shared configuration files, of which `aws-config` reads each once.

use std::env;
use std::fs;
use std::path::PathBuf;

use aws_config::profile::profile_file;
use sha2::Digest;
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::runtime::credentials::source::settings::ProfileSource;

/// Where files are that a provider depends on.
#[derive(Debug)]
pub(super) struct Files {
    paths: Vec<PathBuf>,
}

/// What files held at some time. Files that cannot be read hold nothing.
///
/// A digest of the contents, not of time and length: keys that are rotated are as long as those
/// before, and clocks of file systems are coarse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Contents([u8; 32]);

impl Files {
    pub(super) const fn none() -> Self {
        Self { paths: Vec::new() }
    }

    /// The files of a profile, or those of the environment.
    pub(super) fn of(profile: &ProfileSource) -> Self {
        let config = || of_environment("AWS_CONFIG_FILE", "config");
        let credentials = || of_environment("AWS_SHARED_CREDENTIALS_FILE", "credentials");
        let paths = [
            profile.config_file.clone().or_else(config),
            profile.credentials_file.clone().or_else(credentials),
        ];
        Self {
            paths: paths.into_iter().flatten().collect(),
        }
    }

    /// Looks at the files. They are small and local, and `aws-config` reads them the same way.
    pub(super) fn contents(&self) -> Contents {
        let mut digest = Sha256::new();
        for path in &self.paths {
            let content = fs::read(path).map(Zeroizing::new).unwrap_or_default();
            digest.update((content.len() as u64).to_be_bytes());
            digest.update(&*content);
        }
        Contents(digest.finalize().into())
    }
}

fn of_environment(variable: &str, name: &str) -> Option<PathBuf> {
    let home = env::home_dir();
    match env::var_os(variable).map(PathBuf::from) {
        Some(path) => match path.strip_prefix("~") {
            Ok(rest) => home.map(|home| home.join(rest)),
            Err(_) => Some(path),
        },
        None => home.map(|home| home.join(".aws").join(name)),
    }
}

/// Returns the files that are given; where only one is, the other is that of the environment.
#[expect(
    deprecated,
    reason = "the new name is in `aws-runtime`, on which nothing else here depends"
)]
pub(super) fn profile_files(profile: &ProfileSource) -> Option<profile_file::ProfileFiles> {
    use profile_file::ProfileFileKind as Kind;

    if profile.config_file.is_none() && profile.credentials_file.is_none() {
        return None;
    }
    let mut builder = profile_file::Builder::new();
    // The builder has flags for the files of the environment, but puts those before the given ones,
    // and what is said later wins: the credentials file has to be the last.
    for (kind, given, variable, name) in [
        (
            Kind::Config,
            &profile.config_file,
            "AWS_CONFIG_FILE",
            "config",
        ),
        (
            Kind::Credentials,
            &profile.credentials_file,
            "AWS_SHARED_CREDENTIALS_FILE",
            "credentials",
        ),
    ] {
        let of_environment = || of_environment(variable, name).filter(|path| path.exists());
        if let Some(path) = given.clone().or_else(of_environment) {
            builder = builder.with_file(kind, path);
        }
    }
    Some(builder.build())
}
