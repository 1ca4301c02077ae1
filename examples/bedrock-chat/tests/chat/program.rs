//! The program, run.

use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;

use local_aws::LocalAws;
use local_aws::bedrock::Break;
use local_aws::bedrock::Turn;
use serde_json::Value;
use sigv4_tests::fake_aws::Handout;
use sigv4_tests::fake_aws::Script;
use sigv4_tests::fake_aws::Step;
use tempfile::TempDir;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::process::Child;
use tokio::process::ChildStdin;
use tokio::process::ChildStdout;
use tokio::process::Command;
use tokio::time::timeout;

use crate::fixture::ANSWER;
use crate::fixture::until;

/// How long a program may take on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(60);

/// A program that is running.
struct Program {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: ChildStdout,
    read: String,
    _home: TempDir,
}

impl Program {
    fn start(aws: &LocalAws, arguments: &[&str]) -> Self {
        Self::start_with(arguments, aws.environment())
    }

    fn start_with(arguments: &[&str], environment: Vec<(&'static str, String)>) -> Self {
        let home = TempDir::new().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_bedrock-chat"));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        let mut child = command
            .args(arguments)
            .envs(environment)
            .env("HOME", home.path())
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            stdin: child.stdin.take(),
            stdout: child.stdout.take().unwrap(),
            child,
            read: String::new(),
            _home: home,
        }
    }

    async fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        stdin.write_all(line.as_bytes()).await.unwrap();
        stdin.flush().await.unwrap();
    }

    /// Reads until the output so far is this.
    async fn shows(&mut self, expected: &str) {
        let mut piece = [0; 1_024];
        while self.read.len() < expected.len() {
            let read = timeout(PATIENCE, self.stdout.read(&mut piece)).await;
            let length = read.unwrap_or(Ok(0)).unwrap();
            assert!(length > 0, "{:?} should be {expected:?}", self.read);
            self.read += std::str::from_utf8(&piece[..length]).unwrap();
        }
        assert_eq!(self.read, expected);
    }

    #[cfg(unix)]
    async fn interrupt(&self) {
        let id = self.child.id().unwrap().to_string();
        let killed = Command::new("kill").args(["-INT", &id]).status().await;
        assert!(killed.unwrap().success());
    }

    /// Ends the input, and returns what the program ends with, all its answers, and what else it
    /// said.
    async fn end(mut self) -> (ExitStatus, String, String) {
        self.stdin = None;
        let rest = async {
            self.stdout.read_to_string(&mut self.read).await.unwrap();
            let mut beside = String::new();
            let mut stderr = self.child.stderr.take().unwrap();
            stderr.read_to_string(&mut beside).await.unwrap();
            (self.child.wait().await.unwrap(), self.read, beside)
        };
        timeout(PATIENCE, rest).await.unwrap()
    }
}

/// Returns what was said before the last question, by turns.
fn conversation(aws: &LocalAws) -> Vec<String> {
    let seen = aws.seen();
    let body: Value = serde_json::from_slice(&seen.last().unwrap().body).unwrap();
    let messages = body["messages"].as_array().unwrap();
    let text = |message: &Value| message["content"][0]["text"].as_str().unwrap().to_owned();
    messages.iter().map(text).collect()
}

#[tokio::test]
async fn the_output_is_the_answer_alone() {
    let aws = LocalAws::start().await.unwrap();
    for arguments in [vec!["Why?"], vec!["--no-stream", "Why?"]] {
        let (status, answer, beside) = Program::start(&aws, &arguments).end().await;
        assert_eq!(answer, format!("{ANSWER}\n"));
        assert_eq!(beside, "[1 tokens in, 8 out, 42 ms, end_turn]\n");
        assert!(status.success());
    }
    let targets: Vec<_> = aws.seen().iter().map(|seen| seen.target.clone()).collect();
    assert!(targets[0].ends_with("/converse-stream"), "{targets:?}");
    assert!(targets[1].ends_with("/converse"), "{targets:?}");
}

#[tokio::test]
async fn words_appear_as_they_come() {
    let aws = LocalAws::start().await.unwrap();
    aws.bedrock().next(Turn::Held);
    let mut program = Program::start(&aws, &["Why?"]);
    aws.bedrock().release(2);
    program.shows("You ").await;
    aws.bedrock().release(1);
    program.shows("You asked ").await;
    aws.bedrock().release(100);
    let (status, answer, _) = program.end().await;
    assert_eq!(answer, format!("{ANSWER}\n"));
    assert!(status.success());
}

#[tokio::test]
async fn all_options_are_passed_on() {
    let aws = LocalAws::start().await.unwrap();
    let options = [
        "-m",
        "amazon.nova-micro-v1:0",
        "-r",
        "eu-west-1",
        "-s",
        "Be brief.",
        "--max-tokens",
        "3",
        "--temperature",
        "0.5",
        "Why?",
    ];
    let (status, answer, beside) = Program::start(&aws, &options).end().await;
    assert_eq!(answer.trim_end(), "You asked \"Why?\",");
    assert!(beside.contains("max_tokens"), "{beside}");
    assert!(status.success());
    let seen = aws.seen().remove(0);
    assert!(seen.target.contains("nova-micro"), "{}", seen.target);
    let scope = seen.headers["authorization"].to_str().unwrap();
    assert!(scope.contains("/eu-west-1/bedrock/"), "{scope}");
    let body: Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(body["system"][0]["text"], "Be brief.");
    assert_eq!(body["inferenceConfig"]["temperature"], 0.5);
}

#[tokio::test]
async fn lines_of_a_pipe_are_one_conversation() {
    let aws = LocalAws::start().await.unwrap();
    let mut program = Program::start(&aws, &[]);
    program.say("One?\n\n  \nTwo?").await;
    let (status, answers, beside) = program.end().await;
    let expected = "You asked \"One?\", and that was question 1.\n\
                    You asked \"Two?\", and that was question 2.\n";
    assert_eq!(answers, expected);
    assert!(!beside.contains('>'), "there is no prompt: {beside}");
    assert!(status.success());
    let first = "You asked \"One?\", and that was question 1.";
    assert_eq!(conversation(&aws), ["One?", first, "Two?"]);
}

#[tokio::test]
async fn a_dash_is_all_of_the_input() {
    let aws = LocalAws::start().await.unwrap();
    let mut program = Program::start(&aws, &["-"]);
    program.say("One\ntwo\n").await;
    let (_, answer, _) = program.end().await;
    assert_eq!(answer, "You asked \"One\ntwo\", and that was question 1.\n");
}

#[tokio::test]
async fn a_question_that_failed_is_forgotten() {
    let aws = LocalAws::start().await.unwrap();
    aws.bedrock().next(Turn::access_denied());
    let (after, how) = (3, Break::Truncated);
    aws.bedrock().next(Turn::Breaks { after, how });
    let mut program = Program::start(&aws, &[]);
    program.say("One?\nTwo?\nThree?\n").await;
    let (status, answers, beside) = program.end().await;
    let third = "You asked \"Three?\", and that was question 1.";
    assert_eq!(answers, format!("You asked \n{third}\n"));
    let worded = "error: AccessDeniedException: You don't have access to the model with the \
                  specified model ID.\nerror: the answer broke off: ";
    assert!(beside.starts_with(worded), "{beside}");
    assert_eq!(status.code(), Some(1));
    assert_eq!(conversation(&aws), ["Three?"]);
}

#[tokio::test]
async fn a_whole_answer_is_kept_though_its_figures_are_lost() {
    for how in [Break::Truncated, Break::Cut, Break::Damaged, Break::Ended] {
        let aws = LocalAws::start().await.unwrap();
        // All but the frame with the figures.
        let after = 11;
        aws.bedrock().next(Turn::Breaks {
            after,
            how: how.clone(),
        });
        let mut program = Program::start(&aws, &[]);
        program.say("One?\nTwo?\n").await;
        let (status, answers, beside) = program.end().await;
        assert!(status.success(), "{how:?}: {beside}");
        let first = "You asked \"One?\", and that was question 1.";
        let second = "You asked \"Two?\", and that was question 2.";
        assert_eq!(answers, format!("{first}\n{second}\n"), "{how:?}");
        assert!(
            beside.contains("no figures came, end_turn"),
            "{how:?}: {beside}"
        );
        assert_eq!(conversation(&aws), ["One?", first, "Two?"], "{how:?}");
    }
}

#[tokio::test]
async fn a_blank_answer_is_forgotten_with_its_question() {
    for arguments in [vec![], vec!["--no-stream"]] {
        let aws = LocalAws::start().await.unwrap();
        aws.bedrock().next(Turn::Says(" \n".to_owned()));
        let mut program = Program::start(&aws, &arguments);
        program.say("One?\nTwo?\n").await;
        let (status, _, beside) = program.end().await;
        assert!(status.success(), "{beside}");
        assert_eq!(conversation(&aws), ["Two?"]);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_breaks_an_answer_off() {
    let aws = LocalAws::start().await.unwrap();
    aws.bedrock().next(Turn::Held);
    aws.bedrock().release(3);
    let mut program = Program::start(&aws, &["Why?"]);
    program.shows("You asked ").await;
    program.interrupt().await;
    let (status, answer, beside) = program.end().await;
    assert_eq!(answer, "You asked \n");
    assert_eq!(beside, "[broken off]\n");
    assert_eq!(status.code(), Some(130));
    until("the end of the connection", || aws.bedrock().left() == 1).await;
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_is_heard_while_nobody_reads() {
    let aws = LocalAws::start().await.unwrap();
    // More than a pipe holds.
    aws.bedrock().next(Turn::Says("x".repeat(1 << 20)));
    let mut program = Program::start(&aws, &["Why?"]);
    program.stdout.read_u8().await.unwrap();
    program.interrupt().await;
    let status = timeout(PATIENCE, program.child.wait()).await;
    assert_eq!(status.unwrap().unwrap().code(), Some(130));
}

#[cfg(unix)]
#[tokio::test]
async fn what_ctrl_c_finds_on_its_way_to_the_screen_was_said() {
    for arguments in [vec![], vec!["--no-stream"]] {
        let aws = LocalAws::start().await.unwrap();
        // More than a pipe holds.
        aws.bedrock().next(Turn::Says("x".repeat(1 << 20)));
        let mut program = Program::start(&aws, &arguments);
        program.say("One?\n").await;
        program.stdout.read_u8().await.unwrap();
        program.interrupt().await;
        let mut note = [0; 13];
        let stderr = program.child.stderr.as_mut().unwrap();
        let read = timeout(PATIENCE, stderr.read_exact(&mut note)).await;
        read.unwrap().unwrap();
        assert_eq!(&note, b"[broken off]\n");
        program.say("Two?\n").await;
        let (status, ..) = program.end().await;
        assert!(status.success());
        let conversation = conversation(&aws);
        let [first, answer, second] = &conversation[..] else {
            unreachable!("{arguments:?}: {} messages", conversation.len())
        };
        assert_eq!((&**first, &**second), ("One?", "Two?"));
        let said = answer.strip_suffix(" [broken off]").unwrap();
        assert!(said.starts_with('x'), "{arguments:?}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_chat_goes_on_behind_ctrl_c() {
    let aws = LocalAws::start().await.unwrap();
    aws.bedrock().next(Turn::Held);
    aws.bedrock().release(3);
    aws.bedrock().next(Turn::Held);
    let mut program = Program::start(&aws, &[]);
    program.say("One?\n").await;
    program.shows("You asked ").await;
    program.interrupt().await;
    until("the end of the connection", || aws.bedrock().left() == 1).await;

    // Of the second answer nothing comes before it is broken off.
    program.say("Two?\n").await;
    until("the second question", || aws.seen().len() == 2).await;
    program.interrupt().await;
    until("the end of the connection", || aws.bedrock().left() == 2).await;

    program.say("Three?\n").await;
    let (status, answers, beside) = program.end().await;
    assert_eq!(
        answers,
        "You asked \nYou asked \"Three?\", and that was question 2.\n"
    );
    assert_eq!(beside.matches("[broken off]\n").count(), 2, "{beside}");
    assert!(status.success());
    assert_eq!(
        conversation(&aws),
        ["One?", "You asked  [broken off]", "Three?"]
    );
}

#[cfg(unix)]
#[tokio::test]
async fn ctrl_c_between_answers_ends_a_chat() {
    let aws = LocalAws::start().await.unwrap();
    let mut program = Program::start(&aws, &[]);
    program.say("Why?\n").await;
    program.shows(&format!("{ANSWER}\n")).await;
    program.interrupt().await;
    // Its input is still open.
    let status = timeout(PATIENCE, program.child.wait()).await;
    assert!(status.unwrap().unwrap().success());
}

#[tokio::test]
async fn what_is_throttled_is_told_and_answered() {
    let aws = LocalAws::start().await.unwrap();
    aws.bedrock().next(Turn::throttled());
    let (status, answer, beside) = Program::start(&aws, &["Why?"]).end().await;
    assert_eq!(answer, format!("{ANSWER}\n"));
    assert!(beside.starts_with("[ThrottlingException: "), "{beside}");
    assert!(status.success());
}

#[tokio::test]
async fn keys_that_come_later_are_waited_for() {
    let aws = LocalAws::start().await.unwrap();
    let folder = TempDir::new().unwrap();
    let token = folder.path().join("token");
    std::fs::write(&token, "a token").unwrap();
    aws.trust(&Handout::new("chatter"));
    // One fetch asks three times.
    let out_of_order = [const { Step::Status(503, "out of order") }; 3];
    aws.sts().answer_with(Script::first(out_of_order));
    let mut environment = aws.environment();
    environment.retain(|(name, _)| !name.contains("KEY"));
    environment.push(("AWS_WEB_IDENTITY_TOKEN_FILE", token.display().to_string()));
    let role = "arn:aws:iam::123456789012:role/chatter".to_owned();
    environment.push(("AWS_ROLE_ARN", role));
    let program = Program::start_with(&["Why?"], environment);
    let (status, answer, beside) = program.end().await;
    assert_eq!(answer, format!("{ANSWER}\n"), "{beside}");
    assert!(
        beside.starts_with("[the request was not sent: "),
        "{beside}"
    );
    assert!(beside.contains("; trying again in "), "{beside}");
    assert!(status.success());
}

#[tokio::test]
async fn an_error_does_nothing_to_the_terminal() {
    let aws = LocalAws::start().await.unwrap();
    let message = "No\u{1b}[2J\u{9b}1A\u{202e}\u{2066}: \u{5dc}\u{5d0}";
    aws.bedrock()
        .next(Turn::refused(400, "ValidationException", message));
    let name = "validationException".to_owned();
    let message = message.to_owned();
    let how = Break::Exception { name, message };
    aws.bedrock().next(Turn::Breaks { after: 1, how });
    let mut program = Program::start(&aws, &[]);
    program.say("One?\nTwo?\n").await;
    let (status, _, beside) = program.end().await;
    let shown = "error: ValidationException: No\u{fffd}[2J\u{fffd}1A\u{fffd}\u{fffd}: \
                 \u{5dc}\u{5d0}\n";
    assert_eq!(beside, shown.repeat(2));
    assert_eq!(status.code(), Some(1));
}

#[tokio::test]
async fn the_models_are_listed() {
    let aws = LocalAws::start().await.unwrap();
    let (status, list, _) = Program::start(&aws, &["--list-models"]).end().await;
    let first = list.lines().next().unwrap();
    assert_eq!(
        first,
        "amazon.nova-lite-v1:0                      Amazon Nova Lite"
    );
    assert_eq!(list.lines().count(), 4);
    assert!(status.success());
}

#[tokio::test]
async fn what_cannot_be_is_said_with_its_remedy() {
    let aws = LocalAws::start().await.unwrap();
    let without = |name: &str| {
        let environment = aws.environment().into_iter();
        environment
            .filter(|(variable, _)| *variable != name)
            .collect::<Vec<_>>()
    };
    // The chain of aws-config says it in its own words.
    let without_keys = if cfg!(feature = "aws-config") {
        "no providers in chain provided credentials"
    } else {
        "AWS_ACCESS_KEY_ID"
    };
    for (name, arguments, environment, code, expected) in [
        (
            "usage",
            vec!["--modle", "x"],
            aws.environment(),
            2,
            "--modle",
        ),
        (
            "region",
            vec!["x"],
            without("AWS_REGION"),
            1,
            "or give --region\n",
        ),
        (
            "keys",
            vec!["x"],
            without("AWS_ACCESS_KEY_ID"),
            1,
            without_keys,
        ),
        (
            "endpoint",
            vec!["x"],
            [
                &aws.environment()[..],
                &[("AWS_USE_FIPS_ENDPOINT", "1".to_owned())],
            ]
            .concat(),
            1,
            "`AWS_USE_FIPS_ENDPOINT` is neither true nor false\n",
        ),
        (
            "model",
            vec!["-m", "no.such-v1:0", "x"],
            aws.environment(),
            1,
            "error: ValidationException: The provided model identifier is invalid.\n",
        ),
    ] {
        let program = Program::start_with(&arguments, environment);
        let (status, answer, beside) = program.end().await;
        assert_eq!(
            (status.code(), &*answer),
            (Some(code), ""),
            "{name}: {beside}"
        );
        assert!(beside.contains(expected), "{name}: {beside}");
    }
    let (status, usage, _) = Program::start(&aws, &["--help"]).end().await;
    assert!(usage.contains("--list-models") && status.success());
}

#[tokio::test]
async fn ends_quietly_when_nobody_reads() {
    let aws = LocalAws::start().await.unwrap();
    aws.bedrock().next(Turn::Held);
    aws.bedrock().release(2);
    let mut program = Program::start(&aws, &["Why?"]);
    program.shows("You ").await;
    let mut child = program.child;
    drop(program.stdout);
    aws.bedrock().release(100);
    let status = timeout(PATIENCE, child.wait()).await.unwrap().unwrap();
    let mut beside = String::new();
    child
        .stderr
        .unwrap()
        .read_to_string(&mut beside)
        .await
        .unwrap();
    assert_eq!((status.code(), &*beside), (Some(0), ""));
}
