//! What the command line says.

use std::ffi::OsString;

use lexopt::Arg;
use lexopt::Parser;
use lexopt::ValueExt;

pub(crate) const USAGE: &str = "\
Talks to a model on Amazon Bedrock.

usage: bedrock-chat [OPTION]...              chat: a line is a question, ctrl-d ends it
       bedrock-chat [OPTION]... QUESTION     answer one question
       bedrock-chat [OPTION]... -            answer one question, which is all of the input
       bedrock-chat [OPTION]... --list-models

options:
  -m, --model ID         the model, or the id or ARN of an inference profile
                         [default: amazon.nova-lite-v1:0]
  -r, --region REGION    [default: AWS_REGION, that of the profile, that of the instance]
  -s, --system TEXT      what the model is told to be or to do
      --max-tokens N     how long an answer may be
      --temperature T    how much is left to chance, from 0 to 1
      --no-stream        show an answer when it is whole
      --list-models      show the models of the region
  -h, --help

Ctrl-C breaks an answer off. What was said of it stays, and the chat goes on.

exit status: 0 well; 1 no answer, or not all of it; 2 wrong usage; 130 broken off
";

/// What to do, and how.
#[derive(Debug, PartialEq)]
pub(crate) struct Arguments {
    pub(crate) task: Task,
    pub(crate) model: String,
    pub(crate) region: Option<String>,
    pub(crate) system: Option<String>,
    pub(crate) max_tokens: Option<u32>,
    pub(crate) temperature: Option<f32>,
    pub(crate) stream: bool,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Task {
    Chat,
    Ask(String),
    AskInput,
    ListModels,
    Help,
}

impl Arguments {
    pub(crate) fn parse(
        arguments: impl IntoIterator<Item = impl Into<OsString>>,
    ) -> Result<Self, lexopt::Error> {
        let mut parser = Parser::from_args(arguments);
        let mut words: Vec<String> = Vec::new();
        let mut task = None;
        let mut parsed = Self {
            task: Task::Chat,
            model: "amazon.nova-lite-v1:0".to_owned(),
            region: None,
            system: None,
            max_tokens: None,
            temperature: None,
            stream: true,
        };
        while let Some(argument) = parser.next()? {
            match argument {
                Arg::Short('m') | Arg::Long("model") => parsed.model = parser.value()?.string()?,
                Arg::Short('r') | Arg::Long("region") => {
                    parsed.region = Some(parser.value()?.string()?);
                }
                Arg::Short('s') | Arg::Long("system") => {
                    parsed.system = Some(parser.value()?.string()?);
                }
                Arg::Long("max-tokens") => parsed.max_tokens = Some(parser.value()?.parse()?),
                Arg::Long("temperature") => {
                    parsed.temperature = Some(parser.value()?.parse_with(temperature)?);
                }
                Arg::Long("no-stream") => parsed.stream = false,
                Arg::Long("list-models") => task = Some(Task::ListModels),
                Arg::Short('h') | Arg::Long("help") => task = Some(Task::Help),
                Arg::Value(word) => words.push(word.string()?),
                _ => return Err(argument.unexpected()),
            }
        }
        parsed.task = match (task, &words[..]) {
            (Some(task), []) => task,
            (Some(Task::Help), _) => Task::Help,
            (Some(_), _) => return Err("--list-models takes no question".into()),
            (None, []) => Task::Chat,
            (None, [word]) if word == "-" => Task::AskInput,
            (None, words) => Task::Ask(words.join(" ")),
        };
        Ok(parsed)
    }
}

/// Reads a number that JSON has.
fn temperature(text: &str) -> Result<f32, &'static str> {
    let number: Option<f32> = text.parse().ok();
    let number = number.filter(|number| number.is_finite());
    number.ok_or("it is no number")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_what_to_do() {
        for (arguments, task) in [
            (vec![], Task::Chat),
            (vec!["Why?"], Task::Ask("Why?".to_owned())),
            (
                vec!["Why", "-m", "x", "not?"],
                Task::Ask("Why not?".to_owned()),
            ),
            (vec!["--", "--help"], Task::Ask("--help".to_owned())),
            (vec!["-"], Task::AskInput),
            (vec!["--list-models"], Task::ListModels),
            (vec!["-h", "Why?"], Task::Help),
        ] {
            assert_eq!(
                Arguments::parse(arguments.clone()).unwrap().task,
                task,
                "{arguments:?}"
            );
        }
    }

    #[test]
    fn knows_how_to_do_it() {
        let parsed = Arguments::parse([
            "--model=a:0",
            "-r",
            "eu-west-1",
            "--system",
            "Be brief.",
            "--max-tokens",
            "7",
            "--temperature",
            "0.5",
            "--no-stream",
        ]);
        let expected = Arguments {
            task: Task::Chat,
            model: "a:0".to_owned(),
            region: Some("eu-west-1".to_owned()),
            system: Some("Be brief.".to_owned()),
            max_tokens: Some(7),
            temperature: Some(0.5),
            stream: false,
        };
        assert_eq!(parsed.unwrap(), expected);
    }

    #[test]
    fn says_what_it_does_not_understand() {
        for (arguments, named) in [
            (vec!["--modle", "x"], "--modle"),
            (vec!["--model"], "--model"),
            (vec!["--max-tokens", "many"], "many"),
            (vec!["--max-tokens", "-1"], "-1"),
            (vec!["--temperature", "NaN"], "NaN"),
            (vec!["--temperature", "inf"], "inf"),
            (vec!["--temperature", "warm"], "warm"),
            (vec!["--list-models", "x"], "--list-models"),
        ] {
            let error = Arguments::parse(arguments.clone()).unwrap_err().to_string();
            assert!(error.contains(named), "{arguments:?}: {error}");
        }
    }
}
