//! `s3-upload FILE s3://bucket/key`: the link goes to standard output, all else to standard error.

use std::ffi::OsStr;
use std::io;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::pin::pin;
use std::process::ExitCode;
use std::time::SystemTime;

use clap::Parser;
use s3_upload::Chain;
use s3_upload::Environment;
use s3_upload::Error;
use s3_upload::Progress;
use s3_upload::S3Client;
use s3_upload::Slot;
use s3_upload::Source;
use s3_upload::State;
use s3_upload::States;
use s3_upload::Target;
use s3_upload::Uploaded;
use s3_upload::Uploader;
use s3_upload::args::Args;
use tokio::runtime::Builder;
use tokio::signal;
use tokio::sync::oneshot;

/// What a program ends with that Ctrl-C has ended.
const INTERRUPTED: u8 = 130;

fn main() -> ExitCode {
    let args = Args::parse();
    let runtime = match Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("s3-upload: {error}");
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(run(&args));
    // A read of standard input may never end.
    runtime.shutdown_background();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(Error::Interrupted) => ExitCode::from(INTERRUPTED),
        Err(error) => {
            eprintln!("s3-upload: {}", Chain::of(&error));
            ExitCode::FAILURE
        }
    }
}

async fn run(args: &Args) -> Result<(), Error> {
    let states = match &args.state {
        Some(folder) => States::in_folder(folder),
        None => States::of_user()?,
    };
    if let Some(what) = &args.abort {
        return abort(args, what, &states).await;
    }
    let (Some(source), Some(target)) = (&args.source, &args.target) else {
        return Ok(());
    };
    let mut stop = pin!(interruption());
    let environment = tokio::select! {
        environment = Environment::read() => environment?,
        () = &mut stop => return Err(Error::Interrupted),
    };
    let client = environment.client(target)?;
    let uploaded = if source == Path::new("-") {
        let progress = Progress::on_stderr(None);
        let uploader = Uploader::new(target.clone(), client.clone(), args.options(), progress)?;
        let stop = async {
            stop.as_mut().await;
            eprintln!("interrupted: standard input cannot be read again, so that nothing is kept");
        };
        uploader.stream(tokio::io::stdin(), stop).await?
    } else {
        file(args, source, target, &client, &states, stop.as_mut()).await?
    };
    report(target, uploaded);
    let link = tokio::select! {
        link = client.presign_get(args.expires) => link?,
        () = stop => return Err(Error::Interrupted),
    };
    let left = link.expires_at().duration_since(SystemTime::now());
    let minutes = left.unwrap_or_default().as_secs().div_ceil(60);
    eprintln!("the link lasts {} h {:02} min", minutes / 60, minutes % 60);
    writeln!(io::stdout(), "{}", link.uri()).map_err(|source| Error::Io {
        what: "print the link".to_owned(),
        source,
    })
}

async fn file(
    args: &Args,
    path: &Path,
    target: &Target,
    client: &S3Client,
    states: &States,
    stop: impl Future<Output = ()>,
) -> Result<Uploaded, Error> {
    let source = Source::open(path)?;
    let progress = Progress::on_stderr(Some(source.length()));
    let bar = progress.clone();
    let uploader = Uploader::new(target.clone(), client.clone(), args.options(), progress)?;
    let slot = states.slot(client.url())?;
    let result = tokio::select! {
        result = uploader.file(&source, &slot) => result,
        () = stop => Err(Error::Interrupted),
    };
    // What is said now is not to stand behind it.
    bar.finish();
    if result.is_err() && slot.load().is_ok_and(|state| state.is_some()) {
        eprintln!(
            "what S3 has is kept: run the same command again to go on, \
             or `s3-upload --abort {target}` to remove it"
        );
    }
    result
}

/// Ends uploads that have begun: of a file, or to an object.
async fn abort(args: &Args, what: &OsStr, states: &States) -> Result<(), Error> {
    let environment = Environment::read().await?;
    let uploader = |target: &Target| {
        let client = environment.client(target)?;
        let url = client.url().to_owned();
        let progress = Progress::on_stderr(None);
        let uploader = Uploader::new(target.clone(), client, args.options(), progress)?;
        Ok::<_, Error>((uploader, url))
    };
    let mut found = Vec::new();
    if let Some(text) = what.to_str().filter(|text| text.starts_with("s3://")) {
        let target: Target = text
            .parse()
            .map_err(|error| Error::Usage(format!("{text} {error}")))?;
        let (_, url) = uploader(&target)?;
        let slot = states.slot(&url)?;
        if let Some(state) = slot.load()? {
            found.push((slot, state));
        }
    } else {
        found = states.of_file(&real_path(Path::new(what)))?;
    }
    if found.is_empty() {
        return Err(Error::Usage(format!(
            "there is no upload of {} that has begun and not ended",
            what.display()
        )));
    }
    let end = async |slot: Slot, state: State| {
        let target = state.target();
        let target: Target = target
            .parse()
            .map_err(|error| Error::Usage(format!("{target} {error}")))?;
        let (uploader, url) = uploader(&target)?;
        if !state.is_at(&url) {
            return Err(Error::Usage(format!(
                "the upload to {target} has begun at another endpoint: \
                 set AWS_REGION and AWS_ENDPOINT_URL_S3 to what they were, or remove {} \
                 to forget the upload",
                slot.path().display()
            )));
        }
        uploader.abort(&slot, &state).await?;
        eprintln!("the upload to {target} is aborted");
        Ok(())
    };
    let mut result = Ok(());
    for (slot, state) in found {
        // One that cannot be ended keeps none of the others.
        result = result.and(end(slot, state).await);
    }
    result
}

/// Returns the path of a file without links. One that is gone may have been uploaded in part.
fn real_path(path: &Path) -> PathBuf {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.into());
    let in_folder = || Some(path.parent()?.canonicalize().ok()?.join(path.file_name()?));
    let real = path.canonicalize().ok().or_else(in_folder);
    real.unwrap_or(path)
}

fn report(target: &Target, uploaded: Uploaded) {
    let how = match uploaded.parts {
        None => "in one piece".to_owned(),
        Some(1) => "in 1 part".to_owned(),
        Some(parts) => format!("in {parts} parts"),
    };
    eprintln!(
        "{target}: {} bytes {how}, CRC-64/NVME {}",
        uploaded.length, uploaded.checksum
    );
}

/// Is ready at the first Ctrl-C. The second one ends the program at once. Both are heard from now on,
/// not only when somebody waits for them.
fn interruption() -> impl Future<Output = ()> {
    let (sender, first) = oneshot::channel();
    #[cfg(unix)]
    let presses = signal::unix::signal(signal::unix::SignalKind::interrupt());
    #[cfg(windows)]
    let presses = signal::windows::ctrl_c();
    tokio::spawn(async move {
        let Ok(mut presses) = presses else {
            return std::future::pending().await;
        };
        presses.recv().await;
        let _ = sender.send(());
        presses.recv().await;
        std::process::exit(INTERRUPTED.into());
    });
    async {
        if first.await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
