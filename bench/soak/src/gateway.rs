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

/// The longest body that the gateway takes to hash it, in bytes.
pub(crate) const BODY_LIMIT: usize = 10 << 20;

/// How many requests the gateway works on at once: more than the clients send, with those that they
/// gave up and that it has not noticed yet.
pub(crate) const CONCURRENCY: usize = 256;

/// Below this, bodies pass without being hashed.
pub(crate) const PASSING: &str = "/files";

/// What the gateway is told. All that depends on its configuration is here and in the constants
/// above.
fn configuration(listen: SocketAddr, admin: SocketAddr, upstream: SocketAddr) -> String {
    let access_key_id = secrets::ACCESS_KEY_ID;
    let secret = secrets::SECRET_ACCESS_KEY;
    format!(
        "listeners: [{{ tcp: '{listen}' }}]
admin: {{ tcp: '{admin}' }}
credentials:
  main: {{ type: static, access_key_id: '{access_key_id}', secret_access_key: '{secret}' }}
routes:
  - match: {PASSING}
    upstream: http://{upstream}
    service: s3
    region: us-east-1
    payload: unsigned
    credentials: main
  - match: /
    upstream: http://{upstream}
    service: bedrock
    region: us-east-1
    body_limit: {BODY_LIMIT}
    credentials: main
limits: {{ concurrency: {CONCURRENCY} }}
# A line for every twentieth request would be most of what is measured.
log: {{ requests: none }}
"
    )
}

pub(crate) struct Gateway {
    child: Child,
    address: SocketAddr,
    admin: SocketAddr,
}

/// What a process has at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) resident_kib: u64,
    pub(crate) threads: u64,
    pub(crate) descriptors: usize,
    /// Tasks of its runtime.
    pub(crate) tasks: u64,
    pub(crate) connections: u64,
    pub(crate) requests_in_flight: u64,
}

impl Gateway {
    /// Starts the program and waits until it listens.
    pub(crate) async fn start(binary: &Path, upstream: SocketAddr) -> Result<Self, BoxError> {
        let (address, admin) = (free_address().await?, free_address().await?);
        let file = env::temp_dir().join(format!("sigv4-soak-{}.yaml", std::process::id()));
        fs::write(&file, configuration(address, admin, upstream))?;
        let gateway = Self::start_with(binary, &file, address, admin).await;
        fs::remove_file(&file)?;
        gateway
    }

    async fn start_with(
        binary: &Path,
        file: &Path,
        address: SocketAddr,
        admin: SocketAddr,
    ) -> Result<Self, BoxError> {
        let mut command = Command::new(binary);
        command
            .arg("--config")
            .arg(file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .map_err(|error| format!("{}: {error}", binary.display()))?;
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(address).await.is_err() {
            if let Some(status) = child.try_wait()? {
                return Err(format!("the gateway did not start: {status}").into());
            }
            if Instant::now() > deadline {
                return Err("the gateway does not listen".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Self {
            child,
            address,
            admin,
        })
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
        // The gauges count what tells them, too: the same each time.
        let metrics = metrics(self.admin).await?;
        let gauge = |name: &str| -> Result<u64, BoxError> {
            let value = metrics.lines().find_map(|line| line.strip_prefix(name));
            let value = value.ok_or_else(|| format!("there is no gauge {name}"))?;
            Ok(value.trim().parse()?)
        };
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
            tasks: gauge("sigv4_gateway_tasks ")?,
            connections: gauge("sigv4_gateway_connections ")?,
            requests_in_flight: gauge("sigv4_gateway_requests_in_flight ")?,
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
        .arg("--no-default-features")
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

/// Reads what the gateway says of itself.
async fn metrics(admin: SocketAddr) -> Result<String, BoxError> {
    let mut stream = TcpStream::connect(admin).await?;
    let request = format!("GET /metrics HTTP/1.1\r\nhost: {admin}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}
