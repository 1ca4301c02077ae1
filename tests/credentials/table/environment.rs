//! What the environment says, what comes first, and in which region it is.

use sigv4_tests::fake_aws::Step;
use sigv4_tests::secrets;

use crate::row::Outcome::Configuration;
use crate::row::Outcome::Failed;
use crate::row::Outcome::Found;
use crate::row::Outcome::NotLoaded;
use crate::row::Row;
use crate::table::USER;
use crate::table::run;

#[tokio::test(flavor = "multi_thread")]
async fn environment() {
    run(vec![
        Row::new("nothing").is(NotLoaded),
        Row::new("keys").user().gives(USER),
        Row::new("keys and a token")
            .user()
            .env(&[("AWS_SESSION_TOKEN", secrets::SESSION_TOKEN)])
            .gives(USER),
        Row::new("an empty token")
            .user()
            .env(&[("AWS_SESSION_TOKEN", "")])
            .gives(USER),
        Row::new("blanks around the token")
            .user()
            .env(&[("AWS_SESSION_TOKEN", " token ")])
            .gives(USER),
        Row::new("an account")
            .user()
            .env(&[("AWS_ACCOUNT_ID", "123456789012")])
            .gives(USER),
        Row::new("the old name of the secret")
            .env(&[
                ("AWS_ACCESS_KEY_ID", USER),
                ("SECRET_ACCESS_KEY", secrets::SECRET_ACCESS_KEY),
            ])
            .gives(USER),
        Row::new("blank keys before a container")
            .env(&[("AWS_ACCESS_KEY_ID", " "), ("AWS_SECRET_ACCESS_KEY", "")])
            .container()
            .gives("ASIACONTAINER"),
        Row::new("an id without a secret")
            .env(&[("AWS_ACCESS_KEY_ID", USER)])
            .container()
            .differs(
                Found("ASIACONTAINER"),
                Configuration,
                "half a pair is a mistake",
            ),
        Row::new("a secret without an id")
            .env(&[("AWS_SECRET_ACCESS_KEY", secrets::SECRET_ACCESS_KEY)])
            .container()
            .differs(
                Found("ASIACONTAINER"),
                Configuration,
                "half a pair is a mistake",
            ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn order() {
    let all = |name| {
        let profile =
            "[default]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = {secret}";
        Row::new(name)
            .credentials(profile)
            .web_identity()
            .container()
            .imds()
    };
    let chain = r#"{"type":"chain","sources":[{"type":"environment"},{"type":"container"},
        {"type":"instance_metadata"}]}"#;
    run(vec![
        all("the environment is first").user().gives(USER),
        all("the profile is second").gives("AKIDPROFILE"),
        all("the web identity is third")
            .credentials("")
            .gives("ASIAPOD"),
        all("the container is fourth")
            .credentials("")
            .env(&[("AWS_WEB_IDENTITY_TOKEN_FILE", "")])
            .differs(
                Failed,
                Found("ASIACONTAINER"),
                "an empty variable is how many environments spell that it is not set",
            ),
        Row::new("the container is before the instance")
            .container()
            .imds()
            .gives("ASIACONTAINER"),
        Row::new("a failure ends the search")
            .container()
            .imds()
            .when(|fakes| fakes.container.answer_with(Step::Status(403, "no")))
            .is(Failed),
        all("a chain that is listed")
            .source(chain)
            .gives("ASIACONTAINER"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn regions() {
    let config = "[default]\nregion = eu-west-1\n[profile dev]\nregion = eu-west-2\n";
    let both = [
        ("AWS_REGION", "us-west-1"),
        ("AWS_DEFAULT_REGION", "us-west-2"),
    ];
    run(vec![
        Row::new("both variables")
            .env(&both)
            .config(config)
            .imds()
            .region(Found("us-west-1")),
        Row::new("the other variable")
            .env(&both[1..])
            .config(config)
            .imds()
            .region(Found("us-west-2")),
        Row::new("the profile")
            .config(config)
            .imds()
            .region(Found("eu-west-1")),
        Row::new("another profile")
            .config(config)
            .imds()
            .env(&[("AWS_PROFILE", "dev")])
            .region(Found("eu-west-2")),
        Row::new("the profile of a source")
            .config(config)
            .source(r#"{"type":"profile","name":"dev"}"#)
            .region(Found("eu-west-2")),
        Row::new("the files of a source")
            .file("work/config", "[profile dev]\nregion = eu-west-3\n")
            .source(r#"{"type":"profile","name":"dev","config_file":"~/work/config"}"#)
            .region(Found("eu-west-3")),
        Row::new("the instance")
            .imds()
            .region(Found("eu-central-1")),
        Row::new("the instance, turned off")
            .imds()
            .env(&[("AWS_EC2_METADATA_DISABLED", "true")])
            .region(Configuration),
        Row::new("nowhere").region(Configuration),
    ])
    .await;
}
