//! Sources as configuration files say them.

use std::error::Error;
use std::io::Write;

use aws_credential_types::provider::ProvideCredentials;
use sigv4_core::ConfigError;
use sigv4_core::runtime::CredentialSource;
use sigv4_core::runtime::Providers;
use sigv4_core::runtime::StaticKeys;
use sigv4_tests::fake_aws::LoopbackHttp;
use sigv4_tests::secrets;

fn source(json: &str) -> CredentialSource {
    serde_json::from_str(json).unwrap()
}

fn refused(json: &str) -> ConfigError {
    source(json).load(&Providers::local()).unwrap_err()
}

#[test]
fn reads_every_type() {
    for (kind, fields) in [
        ("default", ""),
        ("profile", ""),
        (
            "profile",
            r#","name":"x","config_file":"~/c","credentials_file":"~/k""#,
        ),
        (
            "static",
            r#","access_key_id":"a","secret_access_key":"b","session_token":"c""#,
        ),
        ("environment", ""),
        (
            "assume_role",
            r#","role_arn":"arn:aws:iam::123456789012:role/x","session_name":"me",
               "external_id":"tenant","duration_seconds":900,"region":"eu-west-1",
               "endpoint":"https://sts.example.com","source":{"type":"environment"}"#,
        ),
        (
            "assume_role",
            r#","account_id":"123456789012","role_name":"x","partition":"aws-cn""#,
        ),
        ("web_identity", ""),
        (
            "web_identity",
            r#","token_file":"/t","role_arn":"arn:aws:iam::123456789012:role/x",
               "session_name":"me","region":"eu-west-1""#,
        ),
        ("container", ""),
        ("instance_metadata", ""),
        (
            "chain",
            r#","sources":[{"type":"environment"}],"sticky":false"#,
        ),
    ] {
        let source = source(&format!(r#"{{"type":"{kind}"{fields}}}"#));
        assert_eq!(source.kind(), kind);
        for providers in [
            Providers::light(LoopbackHttp::new()),
            Providers::aws_config(LoopbackHttp::new()),
        ] {
            source.load(&providers).expect(kind);
        }
    }
}

#[test]
fn names_what_it_does_not_know() {
    for (name, json, part) in [
        (
            "another type",
            r#"{"type":"vault"}"#,
            "unknown variant `vault`",
        ),
        ("no type", r#"{"name":"x"}"#, "missing field `type`"),
        (
            "a field too many",
            r#"{"type":"default","nmae":"x"}"#,
            "unknown field `nmae`",
        ),
        (
            "a field misspelt",
            r#"{"type":"profile","nmae":"x"}"#,
            "unknown field `nmae`",
        ),
        (
            "no fields",
            r#"{"type":"container","name":"x"}"#,
            "unknown field `name`",
        ),
        (
            "a field missing",
            r#"{"type":"static","access_key_id":"x"}"#,
            "missing field `secret_access_key`",
        ),
        (
            "inside a role",
            r#"{"type":"assume_role","source":{"type":"profil"}}"#,
            "unknown variant `profil`",
        ),
        (
            "inside a chain",
            r#"{"type":"chain","sources":[{"type":"environment","x":1}]}"#,
            "unknown field `x`",
        ),
    ] {
        let error = serde_json::from_str::<CredentialSource>(json).expect_err(name);
        assert!(error.to_string().contains(part), "{name}: {error}");
    }
}

#[test]
fn keeps_secrets_out_of_errors_and_debug() {
    let secret = secrets::SECRET_ACCESS_KEY;
    for (name, json) in [
        ("a secret in place of a table", format!("\"{secret}\"")),
        (
            "a secret in a chain",
            format!(r#"{{"type":"chain","sources":["{secret}"]}}"#),
        ),
        (
            "a secret as a source",
            format!(r#"{{"type":"assume_role","source":"{secret}"}}"#),
        ),
        (
            "a secret beside a mistake",
            format!(r#"{{"type":"static","access_key_id":1,"secret_access_key":"{secret}"}}"#),
        ),
    ] {
        let error = serde_json::from_str::<CredentialSource>(&json).expect_err(name);
        secrets::assert_no_secret(&format!("{error} {error:?}"));
    }
    // A secret of digits alone, without its quotes.
    for number in [
        "81985529216486895",
        "-81985529216486895",
        "8.25e99",
        "true",
        "null",
    ] {
        let json =
            format!(r#"{{"type":"static","access_key_id":"a","secret_access_key":{number}}}"#);
        let error = serde_json::from_str::<CredentialSource>(&json).unwrap_err();
        assert!(!error.to_string().contains("8198552"), "{error}");
        assert!(!error.to_string().contains("8.25"), "{error}");
    }

    let keys =
        StaticKeys::new(secrets::ACCESS_KEY_ID, secret).session_token(secrets::SESSION_TOKEN);
    let source = CredentialSource::from(keys);
    secrets::assert_no_secret(&format!("{source:?}"));
    let provider = source.load(&Providers::local()).unwrap();
    secrets::assert_no_secret(&format!("{provider:?}"));
    let places = StaticKeys::new("env:MY_ID", "file:/run/key");
    let shown = format!("{places:?}");
    assert!(
        shown.contains("env:MY_ID") && shown.contains("file:/run/key"),
        "{shown}"
    );

    // The white space around it is the fault, and not the rest.
    let keys = StaticKeys::new(secrets::ACCESS_KEY_ID, format!(" {secret}"));
    let error = CredentialSource::from(keys)
        .load(&Providers::local())
        .unwrap_err();
    assert_eq!(error.field(), "secret_access_key");
    secrets::assert_no_secret(&format!("{error} {error:?}"));
}

#[tokio::test]
async fn reads_keys_from_where_they_are() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    writeln!(file, "{}", secrets::SECRET_ACCESS_KEY).unwrap();
    let path = file.path().display();
    // A variable that cargo sets for every test.
    let source = source(&format!(
        r#"{{"type":"static","access_key_id":"env:CARGO_PKG_NAME",
            "secret_access_key":"file:{path}","session_token":"literal"}}"#
    ));
    let provider = source.load(&Providers::local()).unwrap();
    let credentials = provider.provide_credentials().await.unwrap();
    assert_eq!(credentials.access_key_id(), "sigv4-tests");
    assert_eq!(credentials.secret_access_key(), secrets::SECRET_ACCESS_KEY);
    assert_eq!(credentials.session_token(), Some("literal"));
    assert_eq!(credentials.expiry(), None);

    // They are read anew each time: a rotated file counts.
    std::fs::write(file.path(), "rotated\r\n").unwrap();
    let credentials = provider.provide_credentials().await.unwrap();
    assert_eq!(credentials.secret_access_key(), "rotated");
    drop(file);
    let error = provider.provide_credentials().await.unwrap_err();
    let cause = error.source().unwrap().to_string();
    assert!(cause.starts_with("secret_access_key: the file"), "{cause}");
}

#[test]
fn makes_a_cache_that_suits_the_source() {
    let providers = Providers::light(LoopbackHttp::new());
    for (kind, recheck) in [("profile", "Some(60s)"), ("container", "None")] {
        let source = source(&format!(r#"{{"type":"{kind}"}}"#));
        let cache = format!("{:?}", source.cache(&providers).unwrap());
        assert!(cache.contains(&format!("name: \"{kind}\"")), "{cache}");
        assert!(cache.contains(&format!("recheck: {recheck}")), "{cache}");
    }
}

#[test]
fn looks_up_again_what_may_come_out_of_a_file() {
    let providers = Providers::light(LoopbackHttp::new());
    for (source, recheck) in [
        (r#"{"type":"default"}"#, "Some(60s)"),
        (r#"{"type":"profile"}"#, "Some(60s)"),
        (
            r#"{"type":"static","access_key_id":"AKID","secret_access_key":"x"}"#,
            "Some(60s)",
        ),
        (
            r#"{"type":"chain","sources":[{"type":"environment"},{"type":"container"}]}"#,
            "Some(60s)",
        ),
        (r#"{"type":"environment"}"#, "None"),
        (r#"{"type":"container"}"#, "None"),
        (r#"{"type":"instance_metadata"}"#, "None"),
    ] {
        let cache = self::source(source).cache(&providers).unwrap();
        let text = format!("{cache:?}");
        assert!(text.contains(&format!("recheck: {recheck}")), "{text}");
    }
}

#[test]
fn says_which_value_is_missing() {
    let error =
        refused(r#"{"type":"static","access_key_id":"env:SIGV4_NOT_SET","secret_access_key":"x"}"#);
    assert_eq!(error.field(), "access_key_id");
    assert!(
        error.to_string().contains("`SIGV4_NOT_SET` is not set"),
        "{error}"
    );
}

#[test]
fn names_the_feature_of_a_source_that_needs_one() {
    for json in [
        r#"{"type":"default"}"#,
        r#"{"type":"profile"}"#,
        r#"{"type":"assume_role","role_arn":"arn:aws:iam::123456789012:role/x"}"#,
        r#"{"type":"web_identity"}"#,
        r#"{"type":"container"}"#,
        r#"{"type":"instance_metadata"}"#,
    ] {
        let error = refused(json);
        assert_eq!(error.field(), source(json).kind());
        let text = error.to_string();
        assert!(text.contains("`light-credentials`"), "{text}");
        assert!(text.contains("`aws-config`"), "{text}");
    }
    // Said of the one inside, too.
    let error =
        refused(r#"{"type":"chain","sources":[{"type":"environment"},{"type":"container"}]}"#);
    assert_eq!(error.field(), "sources");
    assert!(error.to_string().contains("number 2"), "{error}");
    assert!(error.source().unwrap().to_string().contains("`aws-config`"));
}

#[test]
fn refuses_values_that_cannot_be_right() {
    for (json, field) in [
        (r#"{"type":"assume_role"}"#, "role_arn"),
        (r#"{"type":"assume_role","role_arn":"app"}"#, "role_arn"),
        (
            r#"{"type":"assume_role","account_id":"1","role_name":"x"}"#,
            "account_id",
        ),
        (
            r#"{"type":"web_identity","token_file":"/token"}"#,
            "role_arn",
        ),
        (r#"{"type":"profile","name":""}"#, "name"),
        (r#"{"type":"chain","sources":[]}"#, "sources"),
        (
            r#"{"type":"static","access_key_id":"","secret_access_key":"x"}"#,
            "access_key_id",
        ),
    ] {
        assert_eq!(refused(json).field(), field, "{json}");
    }
}
