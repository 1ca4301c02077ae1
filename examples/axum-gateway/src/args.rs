//! The command line. Flags make the same configuration as a file does, through the same checks.

#![expect(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "it is the program's own, and nobody else depends on it"
)]

use std::path::PathBuf;

use clap::Args as Group;
use clap::Parser;
use clap::Subcommand;

use crate::config::Config;
use crate::config::ConfigErrors;

/// Signs requests to AWS services, for clients without AWS keys.
///
/// What is served is said by a file (--config), or for one service by flags (--upstream, --service,
/// --region). Each flag can also be set in the environment. Without any: a demonstration that needs
/// no AWS account.
#[derive(Parser, Clone, Debug, Default)]
#[command(version, args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What to do instead of serving
    #[command(subcommand)]
    pub command: Option<Command>,
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "SIGV4_GATEWAY_CONFIG")]
    pub config: Option<PathBuf>,
    /// What is served without a file
    #[command(flatten)]
    pub flags: Flags,
    /// How many threads work on requests; as many as there are processors, if it is left out
    #[arg(long, value_name = "N", env = "SIGV4_GATEWAY_WORKERS")]
    pub workers: Option<usize>,
    /// Run the demonstration's requests, print the verdicts, and exit
    #[arg(long, conflicts_with_all = ["config", "upstream"])]
    pub once: bool,
}

/// What to do instead of serving.
#[derive(Subcommand, Clone, Debug)]
pub enum Command {
    /// Check a configuration file, and print what it is understood to be
    CheckConfig {
        /// The file
        file: PathBuf,
    },
    /// Print the configuration that does what Envoy's filter aws_request_signing does
    ImportEnvoy {
        /// A configuration of Envoy, or a part of one that has the filter in it
        file: PathBuf,
        /// Where the requests go; without it, the host that the filter rewrites to
        #[arg(long)]
        upstream: Option<String>,
    },
    /// Show the gateway at work, without an AWS account
    Demo {
        /// Run the requests, print the verdicts, and exit
        #[arg(long)]
        once: bool,
    },
}

/// What is served without a file: one route.
#[derive(Group, Clone, Debug, Default)]
pub struct Flags {
    /// Where to forward to, for example `https://bedrock-runtime.us-east-1.amazonaws.com`
    #[arg(long, conflicts_with = "config", env = "SIGV4_GATEWAY_UPSTREAM")]
    pub upstream: Option<String>,
    /// The signing name of the service, for example bedrock
    #[arg(long, env = "SIGV4_GATEWAY_SERVICE")]
    pub service: Option<String>,
    /// The region to sign for, for example us-east-1
    #[arg(long, env = "SIGV4_GATEWAY_REGION")]
    pub region: Option<String>,
    /// Serve only what is below this path, and remove it
    #[arg(long, env = "SIGV4_GATEWAY_STRIP_PREFIX")]
    pub strip_prefix: Option<String>,
    /// Do not cover bodies by the signature, where the service takes that
    #[arg(long, env = "SIGV4_GATEWAY_UNSIGNED_PAYLOAD")]
    pub unsigned_payload: bool,
    /// Let this x-amz-* header of a client pass, and sign it (may be repeated)
    #[arg(long = "allow-amz-header", value_name = "NAME", value_delimiter = ',')]
    #[arg(env = "SIGV4_GATEWAY_ALLOW_AMZ_HEADERS")]
    pub allowed_headers: Vec<String>,
    /// Take the credentials of this profile of the shared configuration files
    #[arg(long, env = "SIGV4_GATEWAY_PROFILE")]
    pub profile: Option<String>,
    /// Assume this role
    #[arg(long, value_name = "ARN", env = "SIGV4_GATEWAY_ROLE_ARN")]
    pub role_arn: Option<String>,
    /// The address to listen on; loopback only, since flags know no callers' keys
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    #[arg(env = "SIGV4_GATEWAY_LISTEN")]
    pub listen: String,
    /// Serve requests with this Host header, too, besides loopback names (may be repeated)
    #[arg(long = "allow-host", value_name = "HOST", value_delimiter = ',')]
    #[arg(env = "SIGV4_GATEWAY_ALLOW_HOSTS")]
    pub hosts: Vec<String>,
    /// The address for health checks, metrics and the status page; loopback only
    #[arg(long, value_name = "ADDRESS", env = "SIGV4_GATEWAY_ADMIN")]
    pub admin: Option<String>,
}

impl Args {
    /// Returns the configuration to serve; `None`, if neither a file nor a service is said.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    #[must_use]
    pub fn load(&self) -> Option<Result<Config, ConfigErrors>> {
        let flags = &self.flags;
        let route = [&flags.upstream, &flags.service, &flags.region];
        match &self.config {
            Some(path) => Some(Config::load(path)),
            None if route.iter().any(|flag| flag.is_some()) => Some(Config::from_flags(flags)),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Args {
        Args::try_parse_from([&["axum-gateway"], args].concat()).unwrap()
    }

    fn load(args: &[&str]) -> Result<Config, ConfigErrors> {
        parse(args).load().unwrap()
    }

    const BEDROCK: [&str; 6] = [
        "--upstream",
        "https://bedrock-runtime.us-east-1.amazonaws.com",
        "--service",
        "bedrock",
        "--region",
        "us-east-1",
    ];

    #[test]
    fn flags_make_what_a_file_makes() {
        let flags = [
            "--strip-prefix=/bedrock",
            "--allow-amz-header=x-amzn-bedrock-trace",
            "--allow-host=gateway.internal",
            "--listen=127.0.0.1:9000",
            "--admin=127.0.0.1:9901",
            "--profile=dev",
        ];
        let made = load(&[&BEDROCK[..], &flags].concat()).unwrap();
        let file = "
listeners: [{ tcp: '127.0.0.1:9000', hosts: [gateway.internal] }]
admin: { tcp: '127.0.0.1:9901', hosts: [gateway.internal] }
routes:
  - name: bedrock
    match: /bedrock
    upstream: https://bedrock-runtime.us-east-1.amazonaws.com
    service: bedrock
    region: us-east-1
    headers: { allow: [x-amzn-bedrock-trace] }
    credentials: { type: profile, name: dev }
";
        let expected = Config::parse(file, "file").unwrap();
        assert_eq!(made.to_string(), expected.to_string());
        let print = |config: &Config| config.credentials[0].fingerprint;
        assert_eq!(print(&made), print(&expected));
    }

    #[test]
    fn a_role_is_assumed_with_the_profile() {
        let flags = [
            "--profile=dev",
            "--role-arn=arn:aws:iam::123456789012:role/gateway",
        ];
        let config = load(&[&BEDROCK[..], &flags].concat()).unwrap();
        assert_eq!(config.credentials[0].source.kind(), "assume_role");
    }

    #[test]
    fn errors_name_the_flag() {
        for (name, args, flag) in [
            (
                "no service",
                &["--upstream", "https://a.example", "--region", "r"][..],
                "--service",
            ),
            (
                "no upstream",
                &["--service", "s3", "--region", "eu-west-1"],
                "--upstream",
            ),
            (
                "no region",
                &["--upstream", "https://a.example", "--service", "s"],
                "--region",
            ),
            (
                "bad upstream",
                &[&["--upstream=ftp://a"], &BEDROCK[2..]].concat(),
                "--upstream",
            ),
            (
                "bad address",
                &[&BEDROCK[..], &["--listen=8080"]].concat(),
                "--listen",
            ),
            (
                "everywhere",
                &[&BEDROCK[..], &["--listen=0.0.0.0:80"]].concat(),
                "--listen",
            ),
            (
                "bad admin",
                &[&BEDROCK[..], &["--admin=0.0.0.0:80"]].concat(),
                "--admin",
            ),
            (
                "bad host",
                &[&BEDROCK[..], &["--allow-host=a:80"]].concat(),
                "--allow-host",
            ),
            (
                "bad prefix",
                &[&BEDROCK[..], &["--strip-prefix=/../a"]].concat(),
                "--strip-prefix",
            ),
            (
                "unsigned",
                &[&BEDROCK[..], &["--unsigned-payload"]].concat(),
                "--unsigned-payload",
            ),
            (
                "bad role",
                &[&BEDROCK[..], &["--role-arn=gateway"]].concat(),
                "--role-arn",
            ),
            (
                "empty profile",
                &[&BEDROCK[..], &["--profile="]].concat(),
                "--profile",
            ),
        ] {
            let errors = load(args).unwrap_err();
            let fields: Vec<&str> = errors.errors().iter().map(|error| error.field()).collect();
            assert_eq!(fields, [flag], "{name}: {errors}");
        }
    }

    #[test]
    fn without_anything_there_is_no_configuration() {
        assert!(parse(&[]).load().is_none());
        assert!(parse(&["demo", "--once"]).load().is_none());
    }
}
