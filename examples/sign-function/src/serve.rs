//! The program as a server: until it is told to end.

use std::env;
use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::Config;
use crate::config::ConfigFault;
use crate::server;
use crate::server::Front;
use crate::server::Patience;

type BoxError = Box<dyn Error + Send + Sync>;

/// What the command line says of the server.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Command {
    /// The configuration file. Default: that of `SIGN_FUNCTION_CONFIG`.
    pub config: Option<PathBuf>,
    /// Where to listen, whatever the file says.
    pub listen: Option<SocketAddr>,
}

impl Command {
    /// Makes one that says nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Serves until SIGTERM or ctrl-c, and then ends with the last answer; at once, if it is told
    /// so twice. `ready` is told where it listens.
    ///
    /// # Errors
    ///
    /// When it cannot begin.
    pub fn run(self, ready: impl FnOnce(SocketAddr)) -> Result<(), BoxError> {
        let front = front()?;
        let file = self.config.or_else(|| {
            let path = env::var_os(CONFIG).filter(|path| !path.is_empty());
            path.map(PathBuf::from)
        });
        let mut config = match (file, front) {
            (Some(file), _) => Config::load(&file)?,
            (None, Front::Nobody) => Config::without_file()?,
            (None, Front::Functions { .. }) => {
                let remedy = "is needed behind Azure Functions: whoever has the key of the \
                              function would have anything signed; set it, or give `--config`";
                return Err(ConfigFault::new(CONFIG, remedy).into());
            }
        };
        if let Some(address) = self.listen {
            config.listen = address;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            // Before there is anything to wait for: a signal that nobody waits for is lost.
            let mut signals = Signals::new()?;
            let running = server::start(&config, front, Patience::default()).await?;
            let address = running.address();
            if !address.ip().is_loopback() {
                crate::log::write(format_args!(
                    "{address} is plain HTTP: put TLS before it, or keys and signatures can be \
                     read on the way"
                ));
            }
            ready(address);
            signals.end().await;
            tokio::select! {
                () = running.end() => Ok(()),
                () = signals.end() => Err("ended at once, as it was told twice".into()),
            }
        })
    }
}

/// Tells whether the host of Azure Functions has started the program.
fn front() -> Result<Front, ConfigFault> {
    match env::var(PORT) {
        Err(env::VarError::NotPresent) => Ok(Front::Nobody),
        Ok(port) => port
            .parse()
            .map(|port| Front::Functions { port })
            .map_err(|_| ConfigFault::new(PORT, "must be the number of a port")),
        Err(env::VarError::NotUnicode(_)) => {
            Err(ConfigFault::new(PORT, "must be the number of a port"))
        }
    }
}

const CONFIG: &str = "SIGN_FUNCTION_CONFIG";
const PORT: &str = "FUNCTIONS_CUSTOMHANDLER_PORT";

/// What tells the program to end.
#[cfg(unix)]
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::SignalKind;
        use tokio::signal::unix::signal;

        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    async fn end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

/// Where there are no such signals, ctrl-c ends the program.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn end(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the default action ends the program all the same.
            std::future::pending::<()>().await;
        }
    }
}
