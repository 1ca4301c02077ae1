//! One row of the table: an environment, and what both implementations make of it.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use serde_json::Value;
use sigv4_tests::fake_aws::FakeContainer;
use sigv4_tests::fake_aws::FakeImds;
use sigv4_tests::fake_aws::FakeSts;
use sigv4_tests::fake_aws::SeenRequest;
use sigv4_tests::secrets;

use crate::helper::Order;

/// What is fetched, or the class of the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// These credentials, by their access key id; or this region.
    Found(&'static str),
    /// The source is not configured.
    NotLoaded,
    /// The configuration is at fault.
    Configuration,
    /// The source failed.
    Failed,
}

/// The services of one run.
pub(crate) struct Fakes {
    pub(crate) sts: FakeSts,
    pub(crate) imds: FakeImds,
    pub(crate) container: FakeContainer,
}

/// An environment, and what is expected of it.
pub(crate) struct Row {
    name: &'static str,
    variables: Vec<(&'static str, String)>,
    files: Vec<(&'static str, String)>,
    directories: Vec<&'static str>,
    source: &'static str,
    what: &'static str,
    prepare: fn(&Fakes),
    aws: Outcome,
    light: Outcome,
    differs: Option<&'static str>,
    expiry_differs: bool,
    is_nowhere: bool,
    requests_differ: bool,
    /// Which form fields both have to send, and how.
    sends: Vec<(&'static str, &'static str)>,
}

impl Row {
    /// Begins a row. `{imds}`, `{container}`, `{sts}` and `{home}` in values stand for the services
    /// and the home directory of the run. Without more it is in `us-east-1`.
    pub(crate) fn new(name: &'static str) -> Self {
        Self {
            name,
            variables: Vec::new(),
            files: Vec::new(),
            directories: Vec::new(),
            source: r#"{"type":"default"}"#,
            what: "credentials",
            prepare: |_| {},
            aws: Outcome::NotLoaded,
            light: Outcome::NotLoaded,
            differs: None,
            expiry_differs: false,
            is_nowhere: false,
            requests_differ: false,
            sends: Vec::new(),
        }
    }

    /// Sets variables.
    pub(crate) fn env(mut self, variables: &[(&'static str, &str)]) -> Self {
        let owned = variables
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()));
        self.variables.extend(owned);
        self
    }

    /// Sets the variables of a user.
    pub(crate) fn user(self) -> Self {
        self.env(&[
            ("AWS_ACCESS_KEY_ID", secrets::ACCESS_KEY_ID),
            ("AWS_SECRET_ACCESS_KEY", secrets::SECRET_ACCESS_KEY),
        ])
    }

    /// Takes the region away.
    pub(crate) const fn nowhere(mut self) -> Self {
        self.is_nowhere = true;
        self
    }

    /// Points to the metadata service.
    pub(crate) fn imds(self) -> Self {
        self.env(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", "{imds}")])
    }

    /// Points to the container service.
    pub(crate) fn container(self) -> Self {
        self.env(&[(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "{container}/v1/credentials",
        )])
    }

    /// Points to a role by the token in a file.
    pub(crate) fn web_identity(self) -> Self {
        self.file("token", "a.jwt.token").env(&[
            ("AWS_WEB_IDENTITY_TOKEN_FILE", "{home}/token"),
            ("AWS_ROLE_ARN", "arn:aws:iam::210987654321:role/pod"),
        ])
    }

    /// Writes `~/.aws/config`.
    pub(crate) fn config(self, content: &str) -> Self {
        self.file(".aws/config", content)
    }

    /// Writes `~/.aws/credentials`.
    pub(crate) fn credentials(self, content: &str) -> Self {
        self.file(".aws/credentials", content)
    }

    /// Writes a file in the home directory. `{id}` and `{secret}` are those of the fixtures.
    pub(crate) fn file(mut self, path: &'static str, content: &str) -> Self {
        let content = content
            .replace("{secret}", secrets::SECRET_ACCESS_KEY)
            .replace("{id}", secrets::ACCESS_KEY_ID);
        self.files.push((path, content));
        self
    }

    /// Makes a directory in the home directory.
    pub(crate) fn directory(mut self, path: &'static str) -> Self {
        self.directories.push(path);
        self
    }

    /// Sets the source, which is the default chain otherwise.
    pub(crate) const fn source(mut self, source: &'static str) -> Self {
        self.source = source;
        self
    }

    /// Changes what the services do.
    pub(crate) const fn when(mut self, prepare: fn(&Fakes)) -> Self {
        self.prepare = prepare;
        self
    }

    /// Expects this of both.
    pub(crate) const fn is(mut self, outcome: Outcome) -> Self {
        self.aws = outcome;
        self.light = outcome;
        self
    }

    /// Expects these credentials of both.
    pub(crate) const fn gives(self, id: &'static str) -> Self {
        self.is(Outcome::Found(id))
    }

    /// Asks for the region, and expects this one.
    pub(crate) const fn region(mut self, region: Outcome) -> Self {
        self.what = "region";
        self.is(region)
    }

    /// Expects one thing of `aws-config` and another of the light providers, on purpose.
    pub(crate) const fn differs(
        mut self,
        aws: Outcome,
        light: Outcome,
        reason: &'static str,
    ) -> Self {
        self.aws = aws;
        self.light = light;
        self.differs = Some(reason);
        self
    }

    /// Expects the same credentials with another end, on purpose.
    pub(crate) const fn expiry_differs(mut self, reason: &'static str) -> Self {
        self.differs = Some(reason);
        self.expiry_differs = true;
        self
    }

    /// Expects the same credentials on other requests, on purpose.
    pub(crate) const fn requests_differ(mut self, reason: &'static str) -> Self {
        self.differs = Some(reason);
        self.requests_differ = true;
        self
    }

    /// Expects both to have sent this field.
    pub(crate) fn sends(mut self, field: &'static str, value: &'static str) -> Self {
        self.sends.push((field, value));
        self
    }

    /// Runs both implementations, and returns what is not as expected.
    pub(crate) async fn run(self) -> Vec<String> {
        let aws = self.run_with("aws-config").await;
        let light = self.run_with("light").await;
        let mut wrong = Vec::new();
        for (engine, run, expected) in [
            ("aws-config", &aws, self.aws),
            ("light", &light, self.light),
        ] {
            if run.outcome() != Some(expected) {
                wrong.push(format!("{engine}: {expected:?} was expected, {run:?}"));
            }
            for (field, value) in &self.sends {
                let sent = format!("{field}={value}");
                if !run.requests.iter().any(|request| request.contains(&sent)) {
                    wrong.push(format!("{engine}: {sent} was not sent, {:?}", run.requests));
                }
            }
        }
        let differ = (self.aws != self.light) || self.expiry_differs || self.requests_differ;
        assert_eq!(
            differ,
            self.differs.is_some(),
            "{}: say why it differs",
            self.name
        );
        if self.aws == self.light {
            let fields = ["id", "secret", "token", "account", "provider", "expiry"];
            for field in fields {
                let same = aws.value[field] == light.value[field];
                if same == (self.expiry_differs && field == "expiry") {
                    let (aws, light) = (&aws.value[field], &light.value[field]);
                    wrong.push(format!("{field}: aws-config {aws}, light {light}"));
                }
            }
            if (aws.requests == light.requests) == self.requests_differ {
                let (aws, light) = (&aws.requests, &light.requests);
                wrong.push(format!("requests: aws-config {aws:#?}, light {light:#?}"));
            }
        }
        for run in [&aws, &light] {
            secrets::assert_no_secret(&run.value.to_string());
        }
        wrong
            .iter()
            .map(|wrong| format!("{}: {wrong}", self.name))
            .collect()
    }

    async fn run_with(&self, engine: &str) -> Run {
        let fakes = Fakes {
            sts: FakeSts::start().await,
            imds: FakeImds::start().await,
            container: FakeContainer::start().await,
        };
        (self.prepare)(&fakes);
        let home = tempfile::tempdir().expect("a directory can be made");
        for path in &self.directories {
            fs::create_dir_all(home.path().join(path)).expect("a directory can be made");
        }
        for (path, content) in &self.files {
            let path = home.path().join(path);
            let directory = path.parent().expect("the home directory is above");
            fs::create_dir_all(directory).expect("a directory can be made");
            fs::write(path, fakes.fill(content, home.path())).expect("a file can be written");
        }

        let mut hosts: HashMap<String, SocketAddr> = STS
            .iter()
            .map(|host| ((*host).to_owned(), fakes.sts.address()))
            .collect();
        hosts.insert("169.254.170.2".to_owned(), fakes.container.address());
        let mut variables = HashMap::new();
        if self.what == "credentials" && !self.is_nowhere {
            variables.insert("AWS_REGION".to_owned(), "us-east-1".to_owned());
        }
        for (name, value) in &self.variables {
            variables.insert((*name).to_owned(), fakes.fill(value, home.path()));
        }
        let order = Order {
            providers: engine.to_owned(),
            what: self.what.to_owned(),
            source: fakes.fill(self.source, home.path()),
            hosts,
        };
        let value = order.run(home.path(), &variables).await;
        Run {
            value,
            requests: fakes.requests(),
        }
    }
}

impl Fakes {
    fn fill(&self, text: &str, home: &Path) -> String {
        text.replace("{imds}", &self.imds.url())
            .replace("{container}", &self.container.url())
            .replace("{sts}", &self.sts.url())
            .replace("{home}", &home.display().to_string())
    }

    /// What the services were asked: each request once, however often it was repeated.
    fn requests(&self) -> BTreeSet<String> {
        let sts = self.sts.requests();
        let imds = self.imds.requests();
        let container = self.container.requests();
        let services = [("sts", sts), ("imds", imds), ("container", container)];
        let described = services
            .iter()
            .flat_map(|(service, requests)| requests.iter().map(|it| describe(service, it)));
        described.collect()
    }
}

/// Describes a request without what is different each time: dates, and names made of the time.
fn describe(service: &str, request: &SeenRequest) -> String {
    let mut text = format!("{service} {} {}", request.method(), request.uri());
    for field in [
        "Action",
        "RoleArn",
        "RoleSessionName",
        "ExternalId",
        "DurationSeconds",
        "WebIdentityToken",
    ] {
        if let Some(value) = request.form(field) {
            let is_made_up =
                field == "RoleSessionName" && value.ends_with(|c: char| c.is_numeric());
            let value = if is_made_up { "*" } else { &value };
            text.push_str(&format!(" {field}={value}"));
        }
    }
    for name in ["host", "authorization"] {
        let value = request.header(name).unwrap_or_default();
        let is_fixed = value.parse::<SocketAddr>().is_err() && !value.starts_with("AWS4");
        if is_fixed && !value.is_empty() {
            text.push_str(&format!(" {name}={value}"));
        }
        // Who signed, where.
        let mut scope = value
            .split(['=', ','])
            .nth(1)
            .unwrap_or_default()
            .split('/');
        if let (Some(id), Some(region)) = (scope.next(), scope.nth(1)) {
            text.push_str(&format!(" by {id} in {region}"));
        }
    }
    text
}

#[derive(Debug)]
struct Run {
    value: Value,
    requests: BTreeSet<String>,
}

impl Run {
    fn outcome(&self) -> Option<Outcome> {
        if let Some(id) = self.value["id"].as_str() {
            // Leaked, so that expectations can be constants.
            return Some(Outcome::Found(id.to_owned().leak()));
        }
        match self.value["class"].as_str()? {
            "not loaded" => Some(Outcome::NotLoaded),
            "configuration" | "region" | "load" => Some(Outcome::Configuration),
            "failed" => Some(Outcome::Failed),
            _ => None,
        }
    }
}

/// Where the fake STS is found.
const STS: [&str; 5] = [
    "sts.us-east-1.amazonaws.com",
    "sts.eu-central-1.amazonaws.com",
    "sts.eu-west-1.amazonaws.com",
    "sts.cn-north-1.amazonaws.com.cn",
    "sts.amazonaws.com",
];
