//! Containers and instances.

use sigv4_tests::fake_aws::Step;
use sigv4_tests::secrets;

use crate::row::Outcome::Configuration;
use crate::row::Outcome::Failed;
use crate::row::Outcome::NotLoaded;
use crate::row::Row;
use crate::table::run;

#[tokio::test(flavor = "multi_thread")]
async fn containers() {
    let token = |value: &'static str| [("AWS_CONTAINER_AUTHORIZATION_TOKEN", value)];
    run(vec![
        Row::new("a full address")
            .container()
            .gives("ASIACONTAINER"),
        Row::new("a path")
            .env(&[(
                "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                "/v2/credentials?id=7",
            )])
            .gives("ASIACONTAINER"),
        Row::new("a path before a full address")
            .container()
            .env(&[("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials")])
            .gives("ASIACONTAINER"),
        Row::new("a token")
            .container()
            .env(&token("Bearer fixture"))
            .when(|fakes| fakes.container.require_authorization("Bearer fixture"))
            .gives("ASIACONTAINER"),
        Row::new("a token in a file before another")
            .container()
            .env(&token("Bearer another"))
            .file("token", "Bearer fixture")
            .env(&[("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "{home}/token")])
            .when(|fakes| fakes.container.require_authorization("Bearer fixture"))
            .gives("ASIACONTAINER"),
        Row::new("a token in a file with a line break")
            .container()
            .file("token", &format!("{}\n", secrets::SESSION_TOKEN))
            .env(&[("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "{home}/token")])
            .is(Configuration),
        Row::new("a token in a file that is not there")
            .container()
            .env(&[("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", "/no/such/token")])
            .differs(
                Failed,
                Configuration,
                "a path that leads nowhere is a mistake",
            ),
        Row::new("a token that is missing")
            .container()
            .when(|fakes| fakes.container.require_authorization("Bearer fixture"))
            .is(Failed),
        Row::new("plain http to the world")
            .env(&[(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "http://192.0.2.1/credentials",
            )])
            .is(Configuration),
        Row::new("no address")
            .env(&[("AWS_CONTAINER_CREDENTIALS_FULL_URI", "credentials")])
            .is(Configuration),
        Row::new("nothing there")
            .env(&[(
                "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                "http://127.0.0.1:9/credentials",
            )])
            .is(Failed),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn instances() {
    run(vec![
        Row::new("an instance").imds().gives("ASIAINSTANCE"),
        Row::new("a slash behind the address")
            .env(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{imds}/")])
            .gives("ASIAINSTANCE"),
        Row::new("the address in the profile")
            .config("[default]\nec2_metadata_service_endpoint = {imds}\n")
            .gives("ASIAINSTANCE"),
        Row::new("turned off")
            .imds()
            .env(&[("AWS_EC2_METADATA_DISABLED", "True")])
            .is(NotLoaded),
        Row::new("not turned off")
            .imds()
            .env(&[("AWS_EC2_METADATA_DISABLED", "no")])
            .gives("ASIAINSTANCE"),
        Row::new("no role")
            .imds()
            .when(|fakes| fakes.imds.answer_roles_with(Step::Status(404, "")))
            .is(NotLoaded),
        Row::new("forbidden")
            .imds()
            .when(|fakes| fakes.imds.answer_tokens_with(Step::Status(403, "")))
            .is(Failed),
        Row::new("nothing there")
            .env(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:9")])
            .is(NotLoaded),
        Row::new("the instance alone")
            .imds()
            .container()
            .user()
            .source(r#"{"type":"instance_metadata"}"#)
            .gives("ASIAINSTANCE"),
    ])
    .await;
}
