//! Runs the commands of a README as they stand there, and compares what they print.
//!
//! A block that is marked `console` is a terminal: a line that begins with `$ ` is a command, those
//! that begin with `> ` continue it, and all others are what it prints. `[..]` stands for any text
//! within a line, and a line `...` for any number of lines. A command may fail where it says so; one
//! that fails and prints nothing is a fault, and so is one that leaves a file which git does not ignore.
//!
//! A block that is marked `sh` is not run, as it is for AWS itself. Of its commands the options of the
//! programs are looked up in what they print for `--help`. Blocks with other marks are not looked at.
//!
//! The commands run in a shell each block, in a folder of their own that holds the repository's
//! `examples`, one after the other and with the services of [`LocalAws`]. `cargo run
//! -p NAME -- ...` runs a program that is built already.

use std::collections::HashSet;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::timeout;

use crate::LocalAws;

/// What follows the output of each command, with its status between.
const STATUS: &str = "=== ended with ";
const MARK: &str = "=== the next command ===";
const IGNORED: &str = include_str!("../../../.gitignore");
const PATIENCE: Duration = Duration::from_secs(120);

/// A README whose commands are to be run.
#[derive(Debug)]
#[must_use]
pub struct Readme {
    path: PathBuf,
    programs: Vec<(String, PathBuf)>,
}

impl Readme {
    /// Takes the README in the folder of a package: `env!("CARGO_MANIFEST_DIR")`.
    pub fn in_folder(folder: &str) -> Self {
        Self {
            path: Path::new(folder).join("README.md"),
            programs: Vec::new(),
        }
    }

    /// Says where a package's program is: `env!("CARGO_BIN_EXE_...")`.
    pub fn program(mut self, package: &str, path: &str) -> Self {
        self.programs.push((package.to_owned(), path.into()));
        self
    }

    /// Runs all of it.
    ///
    /// # Errors
    ///
    /// With the command, and what it printed beside what it should have printed.
    pub async fn check(&self) -> Result<(), Box<dyn std::error::Error>> {
        let text = fs::read_to_string(&self.path)?;
        let sessions = sessions(&text);
        if sessions.is_empty() {
            return Err(format!("{} has no block marked console", self.path.display()).into());
        }
        let folder = self.prepare()?;
        for session in &sessions {
            // Each block begins with services that nobody has used.
            let aws = LocalAws::start().await?;
            let printed = run(session, folder.path(), &aws).await?;
            compare(session, &printed)?;
        }
        check_what_is_left(folder.path())?;
        self.check_options(&text).await
    }

    /// Looks the options up that commands give to programs and that are not run.
    async fn check_options(&self, text: &str) -> Result<(), Box<dyn std::error::Error>> {
        for block in text.split("\n```sh\n").skip(1) {
            let block = block.split("\n```").next().unwrap_or_default();
            for command in block.replace("\\\n", " ").split(['\n', '|', ';', '&']) {
                let Some((package, options)) = options(command) else {
                    continue;
                };
                let known = self.programs.iter().find(|(known, _)| known == package);
                let (_, program) = known.ok_or_else(|| format!("no program of {package}"))?;
                let output = Command::new(program).arg("--help").output();
                let help = String::from_utf8(timeout(PATIENCE, output).await??.stdout)?;
                let words = help.split(|c: char| !(c.is_alphanumeric() || c == '-'));
                let words: HashSet<_> = words.collect();
                if let Some(missing) = options.iter().find(|&option| !words.contains(option)) {
                    return Err(format!("{package} has no {missing}: {command}").into());
                }
            }
        }
        Ok(())
    }

    /// Makes the folder in which the commands run, with a `cargo` that knows the programs.
    fn prepare(&self) -> io::Result<TempDir> {
        let folder = TempDir::new()?;
        let commands = folder.path().join(".bin");
        fs::create_dir(&commands)?;
        let mut script = String::from(
            "#!/bin/sh\n\
             package=\n\
             while [ $# -gt 0 ]; do\n\
             case $1 in\n\
             -p) package=$2; shift ;;\n\
             --) shift; break ;;\n\
             run | -q | --quiet | -r | --release) ;;\n\
             *) echo \"cargo $1 is not expected here\" >&2; exit 1 ;;\n\
             esac\n\
             shift\n\
             done\n\
             case $package in\n\
             local-aws) exec \"$@\" ;;\n",
        );
        for (package, path) in &self.programs {
            script += &format!("{package}) exec '{}' \"$@\" ;;\n", path.display());
        }
        script += "*) echo \"there is no program of $package\" >&2; exit 1 ;;\nesac\n";
        let cargo = commands.join("cargo");
        fs::write(&cargo, script)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            use std::os::unix::fs::symlink;

            fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755))?;
            let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
            symlink(examples.canonicalize()?, folder.path().join("examples"))?;
        }
        Ok(folder)
    }
}

/// Readers run the commands in the repository: what these leave there is to be ignored by git.
fn check_what_is_left(folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        // Of the folders above, and of the folder that is HOME here.
        let is_known = name == "examples" || name.starts_with('.');
        if !is_known && !IGNORED.contains(&format!("\n/{name}\n")) {
            return Err(format!("{name} stays, and .gitignore has no /{name}").into());
        }
    }
    Ok(())
}

/// Returns the package and the options of `cargo run -p PACKAGE -- OPTIONS`.
fn options(command: &str) -> Option<(&str, Vec<&str>)> {
    let command = command.split(" #").next()?;
    let (_, run) = command.split_once("cargo run ")?;
    let (run, given) = run.split_once(" -- ").unwrap_or((run, ""));
    let (_, package) = run.split_once("-p ")?;
    let words = given.split_whitespace();
    let options = words.filter(|word| word.starts_with('-') && word.len() > 1);
    let options = options.filter_map(|option| option.split('=').next());
    Some((package.split_whitespace().next()?, options.collect()))
}

/// What stands in one block.
type Session = Vec<Step>;

#[derive(Debug, PartialEq, Eq)]
struct Step {
    command: String,
    output: Vec<String>,
}

fn sessions(text: &str) -> Vec<Session> {
    let mut sessions = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line != "```console" {
            continue;
        }
        let mut session = Session::new();
        for line in lines.by_ref().take_while(|&line| line != "```") {
            if let Some(command) = line.strip_prefix("$ ") {
                session.push(Step {
                    command: command.to_owned(),
                    output: Vec::new(),
                });
            } else if let Some(step) = session.last_mut() {
                match line.strip_prefix("> ") {
                    Some(more) if step.output.is_empty() => {
                        step.command.push('\n');
                        step.command.push_str(more);
                    }
                    _ => step.output.push(line.to_owned()),
                }
            }
        }
        sessions.push(session);
    }
    sessions
}

/// What a command printed, and whether it ended well.
struct Printed {
    lines: Vec<String>,
    is_success: bool,
}

/// Returns what the commands of a block print, up to one that ends the shell.
async fn run(
    session: &Session,
    folder: &Path,
    aws: &LocalAws,
) -> Result<Vec<Printed>, Box<dyn std::error::Error>> {
    // What goes on in the background is ended with the block.
    let mut script = String::from("exec 2>&1\n");
    for step in session {
        script += &format!("{}\nprintf '{STATUS}%s {MARK}\\n' \"$?\"\n", step.command);
    }
    let mut path = OsString::from(folder.join(".bin"));
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let mut command = Command::new("sh");
    command.arg("-c").arg(script).current_dir(folder);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    command.envs(aws.environment());
    // An error shows where in the code it came from, where that is asked for.
    command.env_remove("RUST_BACKTRACE");
    command.env("PATH", path).env("HOME", folder);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    #[cfg(unix)]
    command.process_group(0);
    let mut child = command.spawn()?;
    let id = child.id();
    let mut stdout = child.stdout.take().ok_or("there is no output")?;
    let reading = async {
        let mut text = Vec::new();
        let mut piece = [0; 4096];
        // A program in the background may hold the other end for ever: the last mark is the end.
        loop {
            let length = tokio::io::AsyncReadExt::read(&mut stdout, &mut piece).await?;
            text.extend_from_slice(&piece[..length]);
            let so_far = String::from_utf8_lossy(&text);
            if length == 0 || so_far.matches(MARK).count() == session.len() {
                return Ok::<_, io::Error>(so_far.into_owned());
            }
        }
    };
    let text = timeout(PATIENCE, reading).await;
    if let Some(id) = id {
        // Nothing is left to end where no program is in the background.
        let _ = Command::new("kill")
            .args(["--", &format!("-{id}")])
            .stderr(Stdio::null())
            .status()
            .await;
    }
    child.wait().await?;
    let text = text.map_err(|_| format!("no end of {:?}", session.last()))??;
    Ok(read(&text))
}

fn read(text: &str) -> Vec<Printed> {
    let mut printed = Vec::new();
    let mut rest = text;
    while let Some((part, after)) = rest.split_once(MARK) {
        let (part, status) = part.rsplit_once(STATUS).unwrap_or((part, ""));
        printed.push(Printed {
            lines: part.lines().map(str::to_owned).collect(),
            is_success: status == "0 ",
        });
        rest = after.strip_prefix('\n').unwrap_or(after);
    }
    printed
}

fn compare(session: &Session, printed: &[Printed]) -> Result<(), String> {
    for (step, printed) in session.iter().zip(printed) {
        let expected: Vec<&str> = step.output.iter().map(|line| line.trim_end()).collect();
        let lines = printed.lines.iter();
        let found: Vec<&str> = lines.map(|line| line.trim_end()).collect();
        if !lines_fit(&expected, &found) {
            return Err(format!(
                "$ {}\nshould print\n{}\nand prints\n{}",
                step.command,
                expected.join("\n"),
                found.join("\n")
            ));
        }
        if found.is_empty() && !printed.is_success {
            return Err(format!("$ {}\nfails, and says nothing", step.command));
        }
    }
    if printed.len() < session.len() {
        return Err(format!(
            "{} of {} commands ran",
            printed.len(),
            session.len()
        ));
    }
    Ok(())
}

fn lines_fit(expected: &[&str], found: &[&str]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((&"...", rest)) => (0..=found.len()).any(|skipped| lines_fit(rest, &found[skipped..])),
        Some((line, rest)) => found
            .split_first()
            .is_some_and(|(first, others)| line_fits(line, first) && lines_fit(rest, others)),
    }
}

fn line_fits(expected: &str, found: &str) -> bool {
    let Some((before, rest)) = expected.split_once("[..]") else {
        return expected == found;
    };
    let Some(found) = found.strip_prefix(before) else {
        return false;
    };
    (0..=found.len())
        .filter(|&skipped| found.is_char_boundary(skipped))
        .any(|skipped| line_fits(rest, &found[skipped..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    const README: &str = "\
Text.

```sh
not run
```

```console
$ printf 'one\\ntwo %s\\n' \\
> \"$AWS_REGION\"
one
two [..]-1
$ echo three >&2; echo four
...
four
```
";

    #[test]
    fn reads_commands_and_what_they_print() {
        let sessions = sessions(README);
        let [session] = &sessions[..] else {
            unreachable!("one block is a terminal: {sessions:?}")
        };
        assert_eq!(
            session[0].command,
            "printf 'one\\ntwo %s\\n' \\\n\"$AWS_REGION\""
        );
        assert_eq!(session[0].output, ["one", "two [..]-1"]);
        assert_eq!(session[1].output, ["...", "four"]);
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn runs_them() {
        let folder = TempDir::new().unwrap();
        let readme = |text: &str| {
            fs::write(folder.path().join("README.md"), text).unwrap();
            Readme::in_folder(folder.path().to_str().unwrap())
        };
        readme(README).check().await.unwrap();
        for (from, to) in [
            ("two [..]-1", "two [..]-2"),
            ("...\n", ""),
            ("four\n```", "five\n```"),
        ] {
            let error = readme(&README.replace(from, to)).check().await;
            assert!(error.is_err(), "{from:?} is {to:?}");
        }
        for silent in ["false", "sh -c 'exit 3'", "exit 3", "echo 'not closed"] {
            let error = readme(&format!("```console\n$ {silent}\n```\n"))
                .check()
                .await;
            assert!(error.is_err(), "{silent}");
        }
        for (file, is_ignored) in [("order.txt", true), ("order", false)] {
            let left = readme(&format!("```console\n$ echo a > {file}\n```\n"))
                .check()
                .await;
            assert_eq!(left.is_ok(), is_ignored, "{file}: {left:?}");
        }
        let of_a_program = |option: &str| {
            let command = format!("cargo run -p ls -- {option} | sort # --none");
            let text = format!("```console\n$ echo a\na\n```\n\n```sh\n{command}\n```\n");
            readme(&text).program("ls", "/bin/ls")
        };
        of_a_program("--all . -l").check().await.unwrap();
        let error = of_a_program("--none").check().await.unwrap_err();
        assert!(error.to_string().contains("has no --none"), "{error}");
        let unknown = "```console\n$ cargo run -p unknown -- x\n```\n";
        let error = readme(unknown).check().await.unwrap_err().to_string();
        assert!(error.contains("there is no program of unknown"), "{error}");
    }
}
