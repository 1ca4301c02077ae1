//! Roles, by keys and by web identities.

use sigv4_tests::fake_aws::Handout;

use crate::row::Outcome::Configuration;
use crate::row::Outcome::Failed;
use crate::row::Outcome::Found;
use crate::row::Row;
use crate::table::ASSUME;
use crate::table::PROFILE;
use crate::table::run;

#[tokio::test(flavor = "multi_thread")]
async fn roles() {
    let user = "[profile user]\naws_access_key_id = {id}\naws_secret_access_key = {secret}\n";
    let role = |rest: &str| format!("[default]\n{ASSUME}/app\n{rest}\n{user}");
    run(vec![
        Row::new("a role of another profile")
            .config(&role("source_profile = user"))
            .gives("ASIAAPP"),
        Row::new("a role of a role")
            .config(&format!(
                "{}[profile base]\n{ASSUME}/base\nsource_profile = user\n",
                role("source_profile = base")
            ))
            .gives("ASIAAPP"),
        Row::new("a role whose source is in the credentials file")
            .config(&format!("[default]\n{ASSUME}/app\nsource_profile = user\n"))
            .credentials(&user.replace("profile ", ""))
            .gives("ASIAAPP"),
        Row::new("a role of its own profile")
            .config(&role("source_profile = default").replace("[profile user]", ""))
            .gives("ASIAAPP"),
        Row::new("a circle of roles")
            .config(&format!(
                "[default]\n{ASSUME}/a\nsource_profile = b\n\
                 [profile b]\n{ASSUME}/b\nsource_profile = default\n"
            ))
            .container()
            .is(Configuration),
        Row::new("a source that is not there")
            .config(&role("source_profile = nobody"))
            .container()
            .is(Configuration),
        Row::new("a source without credentials")
            .config(&format!(
                "{}[profile empty]\nregion = x\n",
                role("source_profile = empty")
            ))
            .container()
            .is(Configuration),
        Row::new("no source")
            .config(&role(""))
            .container()
            .is(Configuration),
        Row::new("two sources")
            .config(&role(
                "source_profile = user\ncredential_source = Environment",
            ))
            .container()
            .is(Configuration),
        Row::new("a role of the environment")
            .config(&role("credential_source = Environment"))
            .user()
            .source(PROFILE)
            .gives("ASIAAPP"),
        Row::new("a role of the container")
            .config(&role("credential_source = EcsContainer"))
            .container()
            .when(|fakes| fakes.sts.trust(&Handout::new("container")))
            .gives("ASIAAPP"),
        Row::new("a role of the instance")
            .config(&role("credential_source = Ec2InstanceMetadata"))
            .imds()
            .when(|fakes| fakes.sts.trust(&Handout::new("instance")))
            .gives("ASIAAPP"),
        Row::new("a role of something unheard of")
            .config(&role("credential_source = Cloud"))
            .container()
            .is(Configuration),
        Row::new("what a role may need")
            .config(&role(
                "source_profile = user\nexternal_id = tenant-7\nrole_session_name = me",
            ))
            .when(|fakes| fakes.sts.require_external_id("tenant-7"))
            .sends("RoleSessionName", "me")
            .gives("ASIAAPP"),
        Row::new("a role that is refused")
            .config(&role("source_profile = user\nexternal_id = tenant-8"))
            .when(|fakes| fakes.sts.require_external_id("tenant-7"))
            .container()
            .is(Failed),
        Row::new("how long a role lasts")
            .config(&role("source_profile = user\nduration_seconds = 900"))
            .requests_differ("aws-config does not read duration_seconds, as other SDKs do")
            .gives("ASIAAPP"),
        Row::new("the region of the profile")
            .config(&role("source_profile = user\nregion = eu-west-1"))
            .nowhere()
            .gives("ASIAAPP"),
        Row::new("a web identity")
            .web_identity()
            .when(|fakes| fakes.sts.require_web_identity_token("a.jwt.token"))
            .gives("ASIAPOD"),
        Row::new("a web identity with a name")
            .web_identity()
            .env(&[("AWS_ROLE_SESSION_NAME", "me")])
            .sends("RoleSessionName", "me")
            .gives("ASIAPOD"),
        Row::new("a web identity without a role")
            .web_identity()
            .env(&[("AWS_ROLE_ARN", "")])
            .container()
            .differs(
                Failed,
                Configuration,
                "an empty variable is one that is not set",
            ),
        Row::new("a web identity without its file")
            .env(&[
                ("AWS_WEB_IDENTITY_TOKEN_FILE", "/no/such/token"),
                ("AWS_ROLE_ARN", "arn:aws:iam::210987654321:role/pod"),
            ])
            .container()
            .differs(
                Failed,
                Configuration,
                "a path that leads nowhere is a mistake",
            ),
        Row::new("a web identity that is refused")
            .web_identity()
            .when(|fakes| fakes.sts.require_web_identity_token("another"))
            .container()
            .is(Failed),
        Row::new("a web identity of a profile")
            .config(&format!(
                "[default]\n{ASSUME}/app\nweb_identity_token_file = {{home}}/jwt\n\
                 role_session_name = me\n"
            ))
            .file("jwt", "another.jwt.token")
            .when(|fakes| fakes.sts.require_web_identity_token("another.jwt.token"))
            .sends("RoleSessionName", "me")
            .gives("ASIAAPP"),
        Row::new("a role of a web identity")
            .config(&format!(
                "[default]\n{ASSUME}/app\nsource_profile = pod\n\
                 [profile pod]\n{ASSUME}/pod\nweb_identity_token_file = {{home}}/jwt\n"
            ))
            .file("jwt", "a.jwt.token")
            .gives("ASIAAPP"),
        Row::new("STS somewhere else")
            .config(&role("source_profile = user"))
            .env(&[
                ("AWS_ENDPOINT_URL_STS", "{sts}"),
                ("AWS_ENDPOINT_URL", "http://127.0.0.1:9"),
            ])
            .gives("ASIAAPP"),
        Row::new("every service somewhere else")
            .config(&role("source_profile = user"))
            .env(&[("AWS_ENDPOINT_URL", "{sts}")])
            .gives("ASIAAPP"),
        Row::new("an empty region")
            .config(&role("source_profile = user\nregion = eu-west-1"))
            .env(&[("AWS_REGION", "")])
            .differs(
                Failed,
                Found("ASIAAPP"),
                "an empty variable is one that is not set",
            ),
        Row::new("STS in another partition")
            .config(&role("source_profile = user"))
            .env(&[("AWS_REGION", "cn-north-1")])
            .sends("host", "sts.cn-north-1.amazonaws.com.cn")
            .gives("ASIAAPP"),
        Row::new("a role without any region")
            .config(&role("source_profile = user"))
            .nowhere()
            .differs(
                Failed,
                Configuration,
                "a setting that is missing is a mistake",
            ),
        Row::new("a web identity without any region")
            .web_identity()
            .nowhere()
            .differs(
                Failed,
                Configuration,
                "a setting that is missing is a mistake",
            ),
        Row::new("a web identity in the region of the instance")
            .web_identity()
            .imds()
            .nowhere()
            .sends("host", "sts.eu-central-1.amazonaws.com")
            .gives("ASIAPOD"),
        Row::new("a role in a source")
            .user()
            .source(
                r#"{"type":"assume_role","account_id":"210987654321","role_name":"team/app",
                    "external_id":"tenant-7","duration_seconds":900,"session_name":"me",
                    "region":"eu-west-1","source":{"type":"environment"}}"#,
            )
            .sends("RoleArn", "arn:aws:iam::210987654321:role/team/app")
            .sends("DurationSeconds", "900")
            .sends("ExternalId", "tenant-7")
            .sends("host", "sts.eu-west-1.amazonaws.com")
            .gives("ASIAAPP"),
        Row::new("a web identity in a source")
            .file("jwt", "a.jwt.token")
            .source(
                r#"{"type":"web_identity","token_file":"~/jwt","region":"eu-west-1",
                    "role_arn":"arn:aws:iam::210987654321:role/pod","session_name":"me"}"#,
            )
            .sends("host", "sts.eu-west-1.amazonaws.com")
            .sends("RoleSessionName", "me")
            .gives("ASIAPOD"),
    ])
    .await;
}
