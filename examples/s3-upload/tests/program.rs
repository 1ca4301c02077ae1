//! The program, run: what it prints where, and what becomes of it when it is killed.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(unix)]

use std::fmt::Debug;
use std::fs;
use std::fs::File;
use std::path::Path;
use std::path::PathBuf;
use std::process::Output;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use http::Method;
use local_aws::BUCKET;
use local_aws::LocalAws;
use sigv4_tests::secrets;
use tempfile::TempDir;
use tokio::io::AsyncBufReadExt;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::io::BufReader;
use tokio::net::TcpListener;
use tokio::process::Child;
use tokio::process::Command;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::sleep;
use tokio::time::timeout;

const MIB: usize = 1 << 20;
/// How long a test waits for what is to come.
const PATIENCE: Duration = Duration::from_secs(60);

struct Shell {
    aws: LocalAws,
    folder: TempDir,
}

impl Shell {
    async fn open() -> Self {
        Self {
            aws: LocalAws::start().await.unwrap(),
            folder: TempDir::new().unwrap(),
        }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        self.program(env!("CARGO_BIN_EXE_s3-upload"), arguments)
    }

    fn program(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars() {
            if name.starts_with("AWS_") || name.starts_with("XDG_") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .envs(self.aws.environment())
            .env("HOME", self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    async fn run(&self, arguments: &[&str]) -> Output {
        run(&mut self.command(arguments)).await
    }

    fn write(&self, name: &str, content: &[u8]) {
        fs::write(self.folder.path().join(name), content).unwrap();
    }

    fn states(&self) -> PathBuf {
        self.folder.path().join(".cache/s3-upload")
    }

    fn parts_sent(&self) -> Vec<u16> {
        let number = |target: &str| {
            let (_, rest) = target.split_once("partNumber=")?;
            rest.split('&').next()?.parse().ok()
        };
        let seen = self.aws.seen();
        let uploads = seen.iter().filter(|seen| seen.method == Method::PUT);
        let mut numbers: Vec<u16> = uploads.filter_map(|seen| number(&seen.target)).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Returns which parts are in the state.
    fn saved(&self) -> Vec<u16> {
        let text = states(&self.states()).first().map(fs::read_to_string);
        let text = text.and_then(Result::ok).unwrap_or_default();
        let number = |line: &str| {
            let line = line.strip_suffix("}\n")?;
            let (number, _) = line.strip_prefix("{\"number\":")?.split_once(',')?;
            number.parse().ok()
        };
        text.split_inclusive('\n').filter_map(number).collect()
    }

    /// Starts an upload of five parts, of which two get through.
    async fn begin(&self) -> Child {
        self.write("file", &data(20 * MIB + 1));
        self.aws.s3().hold_uploads_after(2);
        let child = self.command(&BIG).spawn().unwrap();
        let seen = || (self.saved().len(), self.parts_sent());
        wait_until(|| seen().0 == 2 && seen().1.len() == 4, seen).await;
        child
    }
}

const BIG: [&str; 6] = [
    "file",
    "s3://example-bucket/key",
    "--part-size",
    "5MiB",
    "--parallel",
    "2",
];

async fn wait_until<T: Debug>(is_so: impl Fn() -> bool, seen: impl Fn() -> T) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{:?}", seen());
        sleep(Duration::from_millis(10)).await;
    }
}

/// Waits for what the program does, but not for ever.
async fn in_time<T>(what: &str, future: impl Future<Output = T>) -> T {
    let done = timeout(PATIENCE, future).await;
    done.unwrap_or_else(|_| unreachable!("{what}: it takes more than {PATIENCE:?}"))
}

async fn run(command: &mut Command) -> Output {
    in_time("it ends", command.output()).await.unwrap()
}

/// The same of one that runs already.
async fn output_of(child: Child) -> Output {
    let output = in_time("it ends", child.wait_with_output()).await;
    output.unwrap()
}

fn states(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|end| end == "json"))
        .collect()
}

fn data(length: usize) -> Vec<u8> {
    let octet = |at: usize| (at ^ (at >> 8) ^ (at >> 15) ^ (at >> 21)).to_le_bytes()[0];
    (0..length).map(octet).collect()
}

fn text(bytes: &[u8]) -> String {
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    secrets::assert_no_secret(&text);
    text
}

async fn interrupt(child: &Child) {
    let id = child.id().unwrap().to_string();
    let status = Command::new("kill").args(["-INT", &id]).status().await;
    assert!(status.unwrap().success());
}

#[tokio::test]
async fn prints_a_link_that_works_and_nothing_else_on_standard_output() {
    let shell = Shell::open().await;
    shell.write("hello.txt", b"hello, world\n");
    let output = shell
        .run(&["hello.txt", "s3://example-bucket/a b/hello+.txt"])
        .await;
    let (link, said) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{said}");
    let link = link.strip_suffix('\n').unwrap();
    assert!(!link.contains(['\n', ' ']), "{link}");
    assert!(
        link.contains("/example-bucket/a%20b/hello%2B.txt?"),
        "{link}"
    );
    assert!(link.contains("&X-Amz-Expires=3600&"), "{link}");
    assert_eq!(
        said,
        "s3://example-bucket/a b/hello+.txt: 13 bytes in one piece, CRC-64/NVME Lmpt2+01Syw=\n\
         the link lasts 1 h 00 min\n"
    );
    let mut curl = Command::new("curl");
    let got = run(curl.args(["-sS", "--noproxy", "*", link])).await;
    assert_eq!(text(&got.stdout), "hello, world\n");
}

#[tokio::test]
async fn goes_on_after_it_was_killed() {
    let shell = Shell::open().await;
    let mut child = shell.begin().await;
    child.kill().await.unwrap();
    // The parts that were held are taken for broken off, or arrive when nobody is there.
    shell.aws.s3().release();
    let mut once = shell.saved();
    once.push(5);
    assert_eq!(shell.aws.s3().object("key"), None);

    let output = shell.run(&BIG).await;
    let said = text(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.starts_with("going on with an upload: "), "{said}");
    assert!(said.contains(" of 5 parts are there\n"), "{said}");
    assert!(
        said.contains(": 20971521 bytes in 5 parts, CRC-64/NVME "),
        "{said}"
    );
    let sent = shell.parts_sent();
    for number in once {
        let times = sent.iter().filter(|sent| **sent == number).count();
        assert_eq!(times, 1, "part {number} of {sent:?}");
    }
    assert!(shell.aws.s3().object("key").unwrap() == data(20 * MIB + 1));
    assert!(states(&shell.states()).is_empty());
}

#[tokio::test]
async fn says_how_to_go_on_and_how_to_abort_when_it_is_interrupted() {
    for what in ["s3://example-bucket/key", "file"] {
        let shell = Shell::open().await;
        let child = shell.begin().await;
        interrupt(&child).await;
        let output = output_of(child).await;
        assert_eq!(output.status.code(), Some(130));
        assert_eq!(
            text(&output.stderr),
            "what S3 has is kept: run the same command again to go on, \
             or `s3-upload --abort s3://example-bucket/key` to remove it\n"
        );
        assert_eq!(text(&output.stdout), "");
        assert_eq!(states(&shell.states()).len(), 1);

        let output = shell.run(&["--abort", what]).await;
        let said = text(&output.stderr);
        assert_eq!(
            said, "the upload to s3://example-bucket/key is aborted\n",
            "{what}"
        );
        assert!(output.status.success());
        assert!(states(&shell.states()).is_empty());
        assert_eq!(shell.aws.s3().open_uploads().unwrap(), 0);

        let output = shell.run(&["--abort", what]).await;
        let said = text(&output.stderr);
        assert!(said.contains("there is no upload of"), "{said}");
        assert_eq!(output.status.code(), Some(1));
    }
}

#[tokio::test]
async fn aborts_what_it_can_of_a_file_that_is_gone() {
    let shell = Shell::open().await;
    let mut child = shell.begin().await;
    child.kill().await.unwrap();
    // Uploads of the same file to a store that is somewhere else.
    let state = states(&shell.states()).remove(0);
    let here = fs::read_to_string(&state).unwrap();
    let other = here.replace("http://127.0.0.1:", "http://127.0.0.2:");
    assert_ne!(other, here);
    for number in 0..8 {
        fs::write(state.with_file_name(format!("{number}.json")), &other).unwrap();
    }
    let folder = shell.folder.path();
    fs::remove_file(folder.join("file")).unwrap();
    std::os::unix::fs::symlink(folder, folder.join("link")).unwrap();
    let output = shell.run(&["--abort", "link/file"]).await;
    let said = text(&output.stderr);
    let said: Vec<&str> = said.lines().collect();
    assert_eq!(output.status.code(), Some(1), "{said:?}");
    assert_eq!(said[0], "the upload to s3://example-bucket/key is aborted");
    assert!(
        said[1].contains("has begun at another endpoint"),
        "{said:?}"
    );
    assert!(said[1].contains(".json to forget the upload"), "{said:?}");
    assert_eq!(said.len(), 2, "{said:?}");
    assert_eq!(states(&shell.states()).len(), 8);
    assert_eq!(shell.aws.s3().open_uploads().unwrap(), 0);
}

#[tokio::test]
async fn aborts_standard_input_when_it_is_interrupted() {
    let shell = Shell::open().await;
    shell.aws.s3().hold_uploads_after(1);
    let mut command = shell.command(&["-", "s3://example-bucket/key", "--part-size", "5MiB"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    // It stays open: what reads it must not keep the program.
    let mut stdin = child.stdin.take().unwrap();
    let content = data(11 * MIB);
    in_time("it reads", stdin.write_all(&content))
        .await
        .unwrap();
    let sent = || shell.parts_sent();
    wait_until(|| sent().len() == 2, sent).await;
    assert_eq!(shell.aws.s3().open_uploads().unwrap(), 1);
    interrupt(&child).await;
    let output = output_of(child).await;
    assert_eq!(
        text(&output.stderr),
        "interrupted: standard input cannot be read again, so that nothing is kept\n\
         the upload is aborted\n"
    );
    assert_eq!(output.status.code(), Some(130));
    assert_eq!(shell.aws.s3().open_uploads().unwrap(), 0);
    drop(stdin);
}

/// Answers that an upload has begun, and nothing else. Says which requests come.
async fn take_and_say_nothing(listener: TcpListener, methods: UnboundedSender<String>) {
    while let Ok((stream, _)) = listener.accept().await {
        let methods = methods.clone();
        tokio::spawn(async move {
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            let method = line.split(' ').next().unwrap_or_default();
            if method == "POST" {
                let body = "<R><UploadId>id</UploadId></R>";
                let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: ";
                let answer = format!("{head}{}\r\n\r\n{body}", body.len());
                // The rest of the head is to be read, or the end of the connection breaks it.
                while line != "\r\n" {
                    line.clear();
                    stream.read_line(&mut line).await.unwrap();
                }
                stream.write_all(answer.as_bytes()).await.unwrap();
            } else {
                methods.send(method.to_owned()).unwrap();
                std::future::pending::<()>().await;
            }
        });
    }
}

#[tokio::test]
async fn ends_at_once_when_it_is_interrupted_twice() {
    let shell = Shell::open().await;
    // Nobody answers, not even that the upload is aborted.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let (sender, mut methods) = unbounded_channel();
    let server = tokio::spawn(take_and_say_nothing(silent, sender));
    let mut command = shell.command(&["-", "s3://example-bucket/key", "--part-size", "5MiB"]);
    command.env("AWS_ENDPOINT_URL", url).stdin(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A byte more than a part: so much is read before the upload begins.
    let content = data(5 * MIB + 1);
    in_time("it reads", stdin.write_all(&content))
        .await
        .unwrap();
    let part = in_time("it sends a part", methods.recv()).await;
    assert_eq!(part.as_deref(), Some("PUT"));
    interrupt(&child).await;
    let abort = in_time("it aborts", methods.recv()).await;
    assert_eq!(abort.as_deref(), Some("DELETE"));
    assert!(child.try_wait().unwrap().is_none(), "it waits for that");
    interrupt(&child).await;
    // Without the second one it would wait as long as an answer may take.
    let status = timeout(PATIENCE / 2, child.wait()).await;
    assert_eq!(status.unwrap().unwrap().code(), Some(130));
    server.abort();
    drop(stdin);
}

#[tokio::test]
async fn says_what_is_wrong() {
    let shell = Shell::open().await;
    shell.write("file", b"content");
    let pipe = shell.folder.path().join("pipe");
    let made = Command::new("mkfifo").arg(pipe).status().await;
    assert!(made.unwrap().success());
    let aws = "s3://example-bucket/key";
    for (name, arguments, expected) in [
        (
            "no file",
            vec!["none", aws],
            "s3-upload: cannot read none: No such file or directory (os error 2)\n",
        ),
        (
            "a folder",
            vec![".", aws],
            "s3-upload: . is not a file; what is no file goes through standard input: `-`\n",
        ),
        (
            "a pipe",
            vec!["pipe", aws],
            "s3-upload: pipe is not a file; what is no file goes through standard input: `-`\n",
        ),
        #[cfg(target_os = "linux")]
        (
            "no length",
            vec!["/proc/self/cmdline", aws],
            "s3-upload: /proc/self/cmdline is not a file; ",
        ),
        (
            "no bucket",
            vec!["file", "s3://other-bucket/key"],
            "s3-upload: S3 says 404 NoSuchBucket: ",
        ),
        (
            "small parts",
            vec!["file", aws, "--part-size", "4MiB"],
            "s3-upload: a part has between 5 MiB and 5 GiB, and not 4.00 MiB: ",
        ),
        (
            "dots",
            vec!["file", "s3://example-bucket/a/../b"],
            "error: invalid value 's3://example-bucket/a/../b' for '[TARGET]': has a key with a \
             segment `.` or `..`",
        ),
    ] {
        let output = shell.run(&arguments).await;
        let said = text(&output.stderr);
        assert!(said.starts_with(expected), "{name}: {said}");
        assert!(!output.status.success(), "{name}");
        assert_eq!(text(&output.stdout), "", "{name}");
    }
    let mut wrong_key = shell.command(&["file", aws]);
    wrong_key.env("AWS_SECRET_ACCESS_KEY", "another");
    let said = text(&run(&mut wrong_key).await.stderr);
    assert!(said.contains("S3 says 403 SignatureDoesNotMatch"), "{said}");

    let mut nobody = shell.command(&["file", aws]);
    nobody.env("AWS_EC2_METADATA_DISABLED", "true");
    nobody.env_remove("AWS_ACCESS_KEY_ID");
    nobody.env_remove("AWS_SECRET_ACCESS_KEY");
    let said = text(&run(&mut nobody).await.stderr);
    assert!(said.contains("there are no usable credentials"), "{said}");
    assert_eq!(said.lines().count(), 1, "tried once: {said}");

    let mut nowhere = shell.command(&["file", aws, "--attempts", "1"]);
    nowhere.env("AWS_ENDPOINT_URL", "http://127.0.0.1:9");
    let said = text(&run(&mut nowhere).await.stderr);
    assert!(said.contains("the request did not get through: "), "{said}");
    assert!(said.contains("refused"), "{said}");
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn says_so_when_nobody_takes_the_link() {
    let shell = Shell::open().await;
    shell.write("file", b"content");
    let mut command = shell.command(&["file", "s3://example-bucket/key"]);
    let full = File::options().write(true).open("/dev/full").unwrap();
    let output = command.stdout(full).spawn().unwrap();
    let output = output.wait_with_output().await.unwrap();
    let said = text(&output.stderr);
    assert!(
        said.contains("s3-upload: cannot print the link: "),
        "{said}"
    );
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test]
async fn ends_when_it_is_interrupted_before_it_knows_where_to_send() {
    let shell = Shell::open().await;
    shell.write("file", b"content");
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let mut command = shell.command(&["file", "s3://example-bucket/key", "--attempts", "1"]);
    command
        .env_remove("AWS_REGION")
        .env_remove("AWS_DEFAULT_REGION");
    command.env("AWS_EC2_METADATA_SERVICE_ENDPOINT", url);
    let child = command.spawn().unwrap();
    let asked = in_time("it asks", silent.accept()).await.unwrap();
    interrupt(&child).await;
    let output = output_of(child).await;
    assert_eq!(text(&output.stderr), "");
    assert_eq!(output.status.code(), Some(130));
    drop(asked);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn takes_the_bar_away_when_it_is_interrupted_on_a_terminal() {
    let shell = Shell::open().await;
    // Parts of one length: which of them gets through is a matter of chance.
    shell.write("file", &data(15 * MIB));
    shell.aws.s3().hold_uploads_after(1);
    let program = env!("CARGO_BIN_EXE_s3-upload");
    let line = format!("{program} file s3://example-bucket/key --part-size 5MiB --threshold 5MiB");
    let mut command = shell.program("script", &["-qec", &line, "/dev/null"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    let (mut keys, mut screen) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let mut seen = Vec::new();
    while !String::from_utf8_lossy(&seen).contains("5.00 MiB stored") {
        let read = timeout(PATIENCE, screen.read_buf(&mut seen)).await;
        assert!(matches!(read, Ok(Ok(1..))), "{read:?}: {}", text(&seen));
        assert!(begun.elapsed() < PATIENCE, "{}", text(&seen));
    }
    keys.write_all(b"\x03").await.unwrap();
    let rest = screen.read_to_end(&mut seen);
    in_time("it ends", rest).await.unwrap();
    in_time("it ends", child.wait()).await.unwrap();
    let seen = text(&seen);
    let (before, _) = seen.split_once("what S3 has is kept").expect(&seen);
    let line = before.rsplit('\n').next().unwrap();
    let line = line.rsplit("\x1b[2K").next().unwrap();
    assert!(!line.contains("stored"), "{before:?}");
}

/// A file of 300 MB goes up in the memory of a few pieces of it, in one piece or in parts.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn keeps_no_file_in_memory() {
    let shell = Shell::open().await;
    for (more, length) in [
        (["--threshold", "1GiB"], 300_000_000),
        (["--part-size", "32MiB"], 200_000_000),
    ] {
        let file = File::create(shell.folder.path().join("big")).unwrap();
        file.set_len(length).unwrap();
        let key = format!("s3://{BUCKET}/key");
        let arguments = ["big", &key, more[0], more[1]];
        let mut child = shell.command(&arguments).spawn().unwrap();
        let status = format!("/proc/{}/status", child.id().unwrap());
        let (begun, mut peak) = (Instant::now(), 0);
        let ended = loop {
            if let Some(ended) = child.try_wait().unwrap() {
                break ended;
            }
            let text = fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
            peak = peak.max(kib.unwrap_or(0));
            assert!(begun.elapsed() < 5 * PATIENCE, "{more:?}: {peak} KiB");
            sleep(Duration::from_millis(20)).await;
        };
        assert!(ended.success(), "{more:?}");
        println!("{more:?}: {peak} KiB");
        assert!(peak > 0 && peak < 60 * 1024, "{more:?}: {peak} KiB");
    }
}
