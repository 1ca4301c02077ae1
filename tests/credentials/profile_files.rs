//! What is read from files is looked at again when they change.

use std::env;
use std::fs;
use std::path::Path;

use aws_credential_types::provider::ProvideCredentials;
use sigv4_core::runtime::AssumeRoleSource;
use sigv4_core::runtime::ChainSource;
use sigv4_core::runtime::CredentialSource;
use sigv4_core::runtime::HttpSend;
use sigv4_core::runtime::ProfileSource;
use sigv4_core::runtime::Providers;
use sigv4_core::runtime::StaticKeys;
use sigv4_tests::fake_aws::FakeSts;
use sigv4_tests::fake_aws::LoopbackHttp;
use sigv4_tests::secrets;

fn both(http: impl HttpSend + Clone) -> [Providers; 2] {
    [Providers::light(http.clone()), Providers::aws_config(http)]
}

fn write(path: &Path, name: &str, id: &str) {
    let secret = secrets::SECRET_ACCESS_KEY;
    let content = format!("[{name}]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n");
    fs::write(path, content).unwrap();
}

#[tokio::test]
async fn reads_a_file_again_after_it_has_changed() {
    for providers in both(LoopbackHttp::new()) {
        let directory = tempfile::tempdir().unwrap();
        let (config, keys) = (
            directory.path().join("config"),
            directory.path().join("keys"),
        );
        fs::write(&config, "").unwrap();
        write(&keys, "dev", "AKIDFIRST");
        let profile = ProfileSource::new()
            .name("dev")
            .config_file(&config)
            .credentials_file(&keys);
        let provider = CredentialSource::from(profile).load(&providers).unwrap();
        let id = async || {
            let found = provider.provide_credentials().await;
            found.map(|credentials| credentials.access_key_id().to_owned())
        };
        assert_eq!(id().await.unwrap(), "AKIDFIRST");
        // As long as before, and within the tick of a coarse clock.
        write(&keys, "dev", "AKIDOTHER");
        assert_eq!(id().await.unwrap(), "AKIDOTHER", "{providers:?}");
        // A mistake is one as long as it is there, and is the same each time.
        fs::write(&config, "[dev\n").unwrap();
        let first = format!("{:?}", id().await.unwrap_err());
        assert_eq!(
            format!("{:?}", id().await.unwrap_err()),
            first,
            "{providers:?}"
        );
        fs::write(&config, "").unwrap();
        assert_eq!(id().await.unwrap(), "AKIDOTHER", "{providers:?}");
    }
}

#[tokio::test]
async fn a_listed_chain_keeps_to_the_source_that_provided() {
    for providers in both(LoopbackHttp::new()) {
        for is_sticky in [true, false] {
            let directory = tempfile::tempdir().unwrap();
            let (config, keys) = (
                directory.path().join("config"),
                directory.path().join("keys"),
            );
            fs::write(&config, "").unwrap();
            // Whoever runs this may have selected a profile.
            let name = env::var("AWS_PROFILE").unwrap_or_else(|_| "default".to_owned());
            write(&keys, &name, "AKIDPROFILE");
            let profile = ProfileSource::new()
                .config_file(&config)
                .credentials_file(&keys);
            let other = StaticKeys::new("AKIDOTHER", secrets::SECRET_ACCESS_KEY);
            let chain = ChainSource::new([profile.into(), other.into()]).sticky(is_sticky);
            let provider = CredentialSource::from(chain).load(&providers).unwrap();
            let id = async || {
                let found = provider.provide_credentials().await;
                found.map(|credentials| credentials.access_key_id().to_owned())
            };
            assert_eq!(id().await.unwrap(), "AKIDPROFILE", "{providers:?}");
            // A file that is being replaced is no reason to be somebody else.
            fs::write(&keys, "").unwrap();
            match is_sticky {
                true => assert!(id().await.is_err(), "{providers:?}"),
                false => assert_eq!(id().await.unwrap(), "AKIDOTHER", "{providers:?}"),
            }
        }
    }
}

#[tokio::test]
async fn asks_sts_at_the_address_that_is_given() {
    let sts = FakeSts::start().await;
    for providers in both(LoopbackHttp::new()) {
        let keys = StaticKeys::new(secrets::ACCESS_KEY_ID, secrets::SECRET_ACCESS_KEY);
        let role = AssumeRoleSource::new("arn:aws-cn:iam::123456789012:role/app")
            .region("cn-north-1")
            .endpoint(sts.url())
            .source(keys);
        let provider = CredentialSource::from(role).load(&providers).unwrap();
        let credentials = provider.provide_credentials().await.unwrap();
        assert_eq!(credentials.access_key_id(), "ASIAAPP");
        let requests = sts.requests();
        assert_eq!(requests.len(), 1, "{providers:?}");
        let authorization = requests[0].header("authorization").unwrap();
        assert!(
            authorization.contains("/cn-north-1/sts/"),
            "{authorization}"
        );
        let name = requests[0].form("RoleSessionName").unwrap();
        assert!(name.starts_with("sigv4-"), "{name}");
        sts.forget();
    }
}
