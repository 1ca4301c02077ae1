//! The conversation.

use std::fmt;
use std::io;
use std::io::IsTerminal;

use bedrock_chat::client::BedrockClient;
use bedrock_chat::client::ContentBlock;
use bedrock_chat::client::ConverseRequest;
use bedrock_chat::client::Error;
use bedrock_chat::client::InferenceConfig;
use bedrock_chat::client::Message;
use bedrock_chat::client::Metrics;
use bedrock_chat::client::Role;
use bedrock_chat::client::StopReason;
use bedrock_chat::client::StreamEvent;
use bedrock_chat::client::Usage;

use crate::arguments::Arguments;
use crate::input::Lines;
use crate::interrupts::Interrupts;
use crate::screen::Screen;
use crate::screen::complain;
use crate::screen::explain;

/// A conversation with a model.
#[derive(Debug)]
pub(crate) struct Chat<'a> {
    client: &'a BedrockClient,
    arguments: &'a Arguments,
    interrupts: &'a Interrupts,
    screen: Screen,
    /// Questions and answers by turns, beginning with a question and ending with an answer.
    history: Vec<Message>,
}

/// What became of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Answered,
    Failed,
    BrokenOff,
}

/// What is known of an answer behind its end.
#[derive(Debug, Default)]
struct Figures {
    stop_reason: StopReason,
    /// They come last, and may not come at all.
    counted: Option<(Usage, Metrics)>,
}

enum Failure {
    Bedrock(Error),
    Output(io::Error),
}

impl<'a> Chat<'a> {
    pub(crate) fn new(
        client: &'a BedrockClient,
        arguments: &'a Arguments,
        interrupts: &'a Interrupts,
    ) -> Self {
        Self {
            client,
            arguments,
            interrupts,
            screen: Screen::new(),
            history: Vec::new(),
        }
    }

    /// Answers line by line, until there are no more or Ctrl-C is pressed at the prompt. Returns
    /// whether all were answered.
    pub(crate) async fn run(&mut self) -> io::Result<bool> {
        let has_prompt = io::stdin().is_terminal();
        let mut lines = Lines::new();
        let mut all_answered = true;
        loop {
            if has_prompt {
                self.screen.prompt();
            }
            let line = self.interrupts.or(lines.next()).await.flatten();
            let Some(question) = line.transpose()? else {
                break;
            };
            if !question.is_empty() {
                all_answered &= self.ask(question).await? != Outcome::Failed;
            }
        }
        if has_prompt {
            eprintln!();
        }
        Ok(all_answered)
    }

    /// Asks a question and shows the answer. Fails where that cannot be shown.
    pub(crate) async fn ask(&mut self, question: String) -> io::Result<Outcome> {
        self.history.push(Message::user(question));
        let request = request(self.arguments, &self.history);
        let (client, screen) = (self.client, &mut self.screen);
        let mut answer = Vec::new();
        let answering = async {
            if self.arguments.stream {
                stream(client, &request, screen, &mut answer).await
            } else {
                whole(client, &request, screen, &mut answer).await
            }
        };
        // What is broken off is dropped here, and its connection with it.
        let result = self.interrupts.or(answering).await;
        self.screen.end().await?;
        match result {
            Some(Ok(figures)) => {
                self.remember(answer);
                self.screen.note(&figures.to_string());
                Ok(Outcome::Answered)
            }
            Some(Err(Failure::Bedrock(error))) => {
                // A question without an answer would have to be the last.
                self.history.pop();
                complain(&explain(&error));
                Ok(Outcome::Failed)
            }
            Some(Err(Failure::Output(error))) => Err(error),
            None => {
                if !answer.is_empty() {
                    append(&mut answer, BROKEN_OFF);
                }
                self.remember(answer);
                self.screen.note("broken off");
                Ok(Outcome::BrokenOff)
            }
        }
    }

    /// Keeps an answer for the next question, or forgets the question where there is none.
    fn remember(&mut self, mut answer: Vec<ContentBlock>) {
        // Bedrock takes no blank text back, and would refuse all questions from here on.
        answer.retain(|block| block.as_text().is_none_or(|text| !text.trim().is_empty()));
        if answer.is_empty() {
            self.history.pop();
        } else {
            self.history.push(Message::new(Role::Assistant, answer));
        }
    }
}

/// Asks the last question of a conversation, as the command line has it.
fn request<'a>(arguments: &Arguments, history: &'a [Message]) -> ConverseRequest<'a> {
    let mut request = ConverseRequest::new(&arguments.model, history);
    if let Some(system) = &arguments.system {
        request = request.system(system);
    }
    let mut config = InferenceConfig::new();
    if let Some(tokens) = arguments.max_tokens {
        config = config.max_tokens(tokens);
    }
    if let Some(temperature) = arguments.temperature {
        config = config.temperature(temperature);
    }
    if config != InferenceConfig::new() {
        request = request.inference_config(config);
    }
    request
}

/// Shows an answer while it is made.
async fn stream(
    client: &BedrockClient,
    request: &ConverseRequest<'_>,
    screen: &mut Screen,
    answer: &mut Vec<ContentBlock>,
) -> Result<Figures, Failure> {
    let mut events = client.converse_stream(request).await?;
    let mut figures = Figures::default();
    let mut is_whole = false;
    loop {
        let event = match events.next().await {
            Ok(Some(event)) => event,
            Ok(None) => break,
            // What is missing is only what the answer counts as.
            Err(_) if is_whole => break,
            Err(error) => return Err(error.into()),
        };
        match event {
            StreamEvent::Text { text, .. } => {
                // First of all: Ctrl-C may be heard when it is shown and `say` is not over.
                append(answer, &text);
                screen.say(&text).await?;
            }
            StreamEvent::MessageStop { reason } => {
                figures.stop_reason = reason;
                is_whole = true;
            }
            StreamEvent::Metadata { usage, metrics } => figures.counted = Some((usage, metrics)),
            // A thought, a tool: this chat has no place for them.
            _ => {}
        }
    }
    Ok(figures)
}

/// Shows an answer when it is whole.
async fn whole(
    client: &BedrockClient,
    request: &ConverseRequest<'_>,
    screen: &mut Screen,
    answer: &mut Vec<ContentBlock>,
) -> Result<Figures, Failure> {
    let whole = client.converse(request).await?;
    let text = whole.message.text();
    *answer = whole.message.content;
    screen.say(&text).await?;
    Ok(Figures {
        stop_reason: whole.stop_reason,
        counted: Some((whole.usage, whole.metrics)),
    })
}

/// Adds words to the text at the end.
fn append(answer: &mut Vec<ContentBlock>, words: &str) {
    match answer.last_mut() {
        Some(ContentBlock::Text { text }) => text.push_str(words),
        _ => answer.push(ContentBlock::text(words)),
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = &self.stop_reason;
        let Some((usage, metrics)) = &self.counted else {
            return write!(f, "no figures came, {reason}");
        };
        let (input, output) = (usage.input_tokens, usage.output_tokens);
        let latency = metrics.latency_ms;
        write!(f, "{input} tokens in, {output} out, {latency} ms, {reason}")
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Bedrock(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// What the model is told where its answer was broken off.
const BROKEN_OFF: &str = " [broken off]";
