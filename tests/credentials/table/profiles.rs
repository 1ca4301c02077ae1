//! Keys in the shared configuration files.

use crate::row::Outcome::Configuration;
use crate::row::Outcome::Failed;
use crate::row::Outcome::NotLoaded;
use crate::row::Row;
use crate::table::USER;
use crate::table::run;

#[tokio::test(flavor = "multi_thread")]
async fn profiles() {
    let keys = "aws_access_key_id = {id}\naws_secret_access_key = {secret}\n";
    let section = |name: &str| format!("[{name}]\n{keys}");
    let with_id = |name: &str, id: &str| section(name).replace("{id}", id);
    run(vec![
        Row::new("the default in the credentials file")
            .credentials(&section("default"))
            .gives(USER),
        Row::new("the default in the config file")
            .config(&section("default"))
            .gives(USER),
        Row::new("a profile in the config file")
            .config(&section("profile dev"))
            .env(&[("AWS_PROFILE", "dev")])
            .gives(USER),
        Row::new("a profile in the credentials file alone")
            .credentials(&section("dev"))
            .env(&[("AWS_PROFILE", "dev")])
            .gives(USER),
        Row::new("a profile with blanks in its name")
            .config(&section("profile \"my dev\""))
            .env(&[("AWS_PROFILE", "my dev")])
            .is(NotLoaded),
        Row::new("`profile default` before `default`")
            .config(&format!(
                "{}{}",
                with_id("default", "AKIDPLAIN"),
                section("profile default")
            ))
            .gives(USER),
        Row::new("`profile default` before a later `default`")
            .config(&format!(
                "{}{}",
                section("profile default"),
                with_id("default", "AKIDPLAIN")
            ))
            .gives(USER),
        Row::new("the credentials file before the config file")
            .config(&with_id("default", "AKIDCONFIG"))
            .credentials(&section("default"))
            .gives(USER),
        Row::new("one half in each file")
            .config("[default]\naws_access_key_id = {id}\n")
            .credentials("[default]\naws_secret_access_key = {secret}\n")
            .gives(USER),
        Row::new("a section without `profile` in the config file")
            .config(&section("dev"))
            .env(&[("AWS_PROFILE", "dev")])
            .is(NotLoaded),
        Row::new("a section twice")
            .config(&format!(
                "{}[default]\naws_session_token = token\n",
                section("default")
            ))
            .gives(USER),
        Row::new("comments, blanks and continuations")
            .config(
                "# a comment\n; another\n\n  \n[default]   ; behind a name\n\
                 aws_access_key_id   =   {id}   # behind a value\n\
                 aws_secret_access_key={secret}\n\
                 s3 =\n  max_concurrent_requests = 20\n\n\
                 region = us-west-2\n",
            )
            .gives(USER),
        Row::new("line breaks of Windows")
            .config(&section("default").replace('\n', "\r\n"))
            .gives(USER),
        Row::new("names in capitals")
            .config(&section("default").replace("aws_", "AWS_"))
            .gives(USER),
        Row::new("a token and an account")
            .credentials(&format!(
                "{}aws_session_token = token\naws_account_id = 123456789012\n",
                section("default")
            ))
            .gives(USER),
        Row::new("an id without a secret")
            .credentials("[default]\naws_access_key_id = {id}\n")
            .container()
            .is(Configuration),
        Row::new("a profile without credentials")
            .config("[default]\nregion = eu-west-1\n")
            .container()
            .gives("ASIACONTAINER"),
        Row::new("a profile that is not there")
            .config(&section("default"))
            .env(&[("AWS_PROFILE", "dev")])
            .container()
            .is(Configuration),
        Row::new("no default among others")
            .config(&section("profile dev"))
            .container()
            .gives("ASIACONTAINER"),
        Row::new("files elsewhere")
            .file("elsewhere/config", "[profile dev]\nregion = eu-west-1\n")
            .file("elsewhere/keys", &section("dev"))
            .env(&[
                ("AWS_PROFILE", "dev"),
                ("AWS_CONFIG_FILE", "~/elsewhere/config"),
                ("AWS_SHARED_CREDENTIALS_FILE", "{home}/elsewhere/keys"),
            ])
            .gives(USER),
        Row::new("files elsewhere that are not there")
            .env(&[
                ("AWS_CONFIG_FILE", "/no/such/config"),
                ("AWS_SHARED_CREDENTIALS_FILE", "/no/such/credentials"),
            ])
            .container()
            .gives("ASIACONTAINER"),
        Row::new("a directory in place of a file")
            .directory(".aws/credentials")
            .container()
            .gives("ASIACONTAINER"),
        Row::new("a malformed section")
            .config("[default\nregion = x\n")
            .container()
            .is(Configuration),
        Row::new("a property before any section")
            .config("region = x\n[default]\n")
            .container()
            .is(Configuration),
        Row::new("a line that is no property")
            .config("[default]\nnonsense\n")
            .container()
            .is(Configuration),
        Row::new("an empty file")
            .config("")
            .container()
            .gives("ASIACONTAINER"),
        Row::new("a process")
            .config("[default]\ncredential_process = /no/such/program\n")
            .differs(
                Failed,
                Configuration,
                "the light providers start no programs",
            ),
        Row::new("a source that names its files")
            .file("work/config", &section("profile dev"))
            .source(r#"{"type":"profile","name":"dev","config_file":"~/work/config"}"#)
            .gives(USER),
        Row::new("a source that names both files")
            .file("work/config", &with_id("profile dev", "AKIDCONFIG"))
            .file("work/keys", &section("dev"))
            .source(
                r#"{"type":"profile","name":"dev","config_file":"~/work/config",
                    "credentials_file":"{home}/work/keys"}"#,
            )
            .gives(USER),
        Row::new("a source whose config file stands below the usual credentials")
            .file("work/config", &with_id("profile dev", "AKIDCONFIG"))
            .credentials(&section("dev"))
            .source(r#"{"type":"profile","name":"dev","config_file":"~/work/config"}"#)
            .gives(USER),
    ])
    .await;
}
