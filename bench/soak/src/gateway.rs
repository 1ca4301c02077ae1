//! The gateway under load: a process of its own, and what the kernel says of it.

use std::env;
use std::fs;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use sigv4_tests::secrets;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::process::Command;
use tokio::time::Instant;

use crate::BoxError;

/// The longest body that the gateway takes, in bytes.
pub(crate) const BODY_LIMIT: usize = 10 << 20;

/// How the gateway is told where to listen and to forward to. All that depends on its command line
/// and configuration is here and in [`BODY_LIMIT`].
fn command(binary: &Path, listen: SocketAddr, upstream: SocketAddr) -> Command {
    let mut command = Command::new(binary);
    command
        .args(["--upstream", &format!("http://{upstream}")])
        .args(["--service", "bedrock", "--region", "us-east-1"])
        .args(["--listen", &listen.to_string()]);
    command
}

/// Where the gateway tells how many tasks it has. It has no such place yet.
const ADMIN: Option<SocketAddr> = None;

pub(crate) struct Gateway {
    child: Child,
    address: SocketAddr,
}

/// What a process has at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) resident_kib: u64,
    pub(crate) threads: u64,
    pub(crate) descriptors: usize,
    /// Tasks of its runtime, where it tells.
    pub(crate) tasks: Option<u64>,
}

impl Gateway {
    /// Starts the program and waits until it listens.
    pub(crate) async fn start(binary: &Path, upstream: SocketAddr) -> Result<Self, BoxError> {
        let address = free_address().await?;
        let mut command = command(binary, address, upstream);
        command
            .env("AWS_ACCESS_KEY_ID", secrets::ACCESS_KEY_ID)
            .env("AWS_SECRET_ACCESS_KEY", secrets::SECRET_ACCESS_KEY)
            .env_remove("AWS_SESSION_TOKEN")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // It says why each request was refused: here that would be a line for every twentieth.
            .stderr(Stdio::null())
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .map_err(|error| format!("{}: {error}", binary.display()))?;
        let deadline = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(address).await.is_err() {
            if let Some(status) = child.try_wait()? {
                return Err(format!("the gateway did not start: {status}").into());
            }
            if Instant::now() > deadline {
                return Err("the gateway does not listen".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self { child, address })
    }

    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Fails where the process has ended.
    pub(crate) fn check_alive(&mut self) -> Result<(), BoxError> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => Err(format!("the gateway ended by itself: {status}").into()),
        }
    }

    pub(crate) async fn sample(&self) -> Result<Sample, BoxError> {
        let id = self.child.id().ok_or("the gateway has ended")?;
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let number = |name: &str| -> Result<u64, BoxError> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next());
            Ok(number.ok_or("the kernel does not say")?.parse()?)
        };
        Ok(Sample {
            resident_kib: number("VmRSS:")?,
            threads: number("Threads:")?,
            descriptors: fs::read_dir(format!("/proc/{id}/fd"))?.count(),
            tasks: match ADMIN {
                Some(admin) => Some(tasks(admin).await?),
                None => None,
            },
        })
    }
}

/// The binary given, or one that cargo builds.
pub(crate) fn binary(given: Option<&str>) -> Result<PathBuf, BoxError> {
    if let Some(given) = given {
        return Ok(given.into());
    }
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = std::process::Command::new(cargo)
        .args(["build", "--locked", "--release", "-p", "axum-gateway"])
        .current_dir(&workspace)
        .status()?;
    if !status.success() {
        return Err("the gateway does not build".into());
    }
    let target =
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| workspace.join("target"), Into::into);
    Ok(target.join("release/axum-gateway"))
}

/// An address that nobody listens on.
pub(crate) async fn free_address() -> Result<SocketAddr, BoxError> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await?
        .local_addr()?)
}

/// Reads the gauge `sigv4_gateway_tasks`.
async fn tasks(admin: SocketAddr) -> Result<u64, BoxError> {
    let mut stream = TcpStream::connect(admin).await?;
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let mut lines = answer.lines();
    let gauge = lines.find_map(|line| line.strip_prefix("sigv4_gateway_tasks "));
    Ok(gauge.ok_or("there is no gauge of tasks")?.trim().parse()?)
}
