//! What `examples/bedrock-chat` does, on the AWS SDK, without `--list-models`: that would be another
//! crate of the SDK.

use std::env;
use std::error::Error;
use std::io;
use std::io::BufRead;
use std::io::IsTerminal;
use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use aws_config::BehaviorVersion;
use aws_config::Region;
use aws_sdk_bedrockruntime::Client;
use aws_sdk_bedrockruntime::error::DisplayErrorContext;
use aws_sdk_bedrockruntime::error::ProvideErrorMetadata;
use aws_sdk_bedrockruntime::types::ContentBlock;
use aws_sdk_bedrockruntime::types::ContentBlockDelta;
use aws_sdk_bedrockruntime::types::ConversationRole;
use aws_sdk_bedrockruntime::types::ConverseStreamOutput;
use aws_sdk_bedrockruntime::types::InferenceConfiguration;
use aws_sdk_bedrockruntime::types::Message;
use aws_sdk_bedrockruntime::types::SystemContentBlock;
use lexopt::Arg;
use lexopt::Parser;
use lexopt::ValueExt;
use tokio::signal;
use tokio::sync::Notify;
use tokio::sync::mpsc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = match Arguments::parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    match run(&arguments).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    let mut config = aws_config::defaults(BehaviorVersion::latest());
    if let Some(region) = &arguments.region {
        config = config.region(Region::new(region.clone()));
    }
    let interrupts = Arc::new(Notify::new());
    let pressed = Arc::clone(&interrupts);
    tokio::spawn(async move {
        while signal::ctrl_c().await.is_ok() {
            pressed.notify_one();
        }
    });
    let mut chat = Chat {
        client: Client::new(&config.load().await),
        arguments,
        interrupts,
        history: Vec::new(),
    };
    if let Some(question) = &arguments.question {
        return Ok(match chat.ask(question.clone()).await? {
            Outcome::Answered => ExitCode::SUCCESS,
            Outcome::Failed => ExitCode::FAILURE,
            Outcome::BrokenOff => ExitCode::from(130),
        });
    }
    let has_prompt = io::stdin().is_terminal();
    let mut lines = lines();
    let mut all_answered = true;
    loop {
        if has_prompt {
            eprint!("> ");
        }
        let line = tokio::select! {
            line = lines.recv() => line.transpose()?,
            () = chat.interrupts.notified() => None,
        };
        let Some(question) = line else { break };
        if !question.is_empty() {
            all_answered &= !matches!(chat.ask(question).await?, Outcome::Failed);
        }
    }
    Ok(if all_answered {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

struct Chat<'a> {
    client: Client,
    arguments: &'a Arguments,
    interrupts: Arc<Notify>,
    history: Vec<Message>,
}

enum Outcome {
    Answered,
    Failed,
    BrokenOff,
}

impl Chat<'_> {
    async fn ask(&mut self, question: String) -> Result<Outcome, Box<dyn Error>> {
        self.history
            .push(message(ConversationRole::User, question)?);
        let mut answer = String::new();
        let answering = async {
            if self.arguments.stream {
                self.stream(&mut answer).await
            } else {
                self.whole(&mut answer).await
            }
        };
        let result = tokio::select! {
            result = answering => Some(result),
            () = self.interrupts.notified() => None,
        };
        println!();
        let outcome = match result {
            Some(Ok(figures)) => {
                eprintln!("[{figures}]");
                Outcome::Answered
            }
            Some(Err(error)) => {
                eprintln!("error: {error}");
                answer.clear();
                Outcome::Failed
            }
            None => {
                eprintln!("[broken off]");
                if !answer.is_empty() {
                    answer.push_str(" [broken off]");
                }
                Outcome::BrokenOff
            }
        };
        if answer.is_empty() {
            self.history.pop();
        } else {
            self.history
                .push(message(ConversationRole::Assistant, answer)?);
        }
        Ok(outcome)
    }

    async fn stream(&self, answer: &mut String) -> Result<String, Box<dyn Error>> {
        let request = self.client.converse_stream();
        let request = request
            .model_id(&self.arguments.model)
            .set_messages(Some(self.history.clone()))
            .set_system(self.arguments.system())
            .set_inference_config(self.arguments.inference_config());
        let mut stream = request.send().await.map_err(explain)?.stream;
        let mut figures = String::new();
        let mut reason = None;
        while let Some(event) = stream.recv().await.map_err(explain)? {
            match event {
                ConverseStreamOutput::ContentBlockDelta(event) => {
                    if let Some(ContentBlockDelta::Text(text)) = event.delta {
                        say(&text)?;
                        answer.push_str(&text);
                    }
                }
                ConverseStreamOutput::MessageStop(event) => reason = Some(event.stop_reason),
                ConverseStreamOutput::Metadata(event) => {
                    let (input, output) = event
                        .usage
                        .map_or((0, 0), |usage| (usage.input_tokens, usage.output_tokens));
                    let latency = event.metrics.map_or(0, |metrics| metrics.latency_ms);
                    figures = format!("{input} tokens in, {output} out, {latency} ms");
                }
                _ => {}
            }
        }
        let reason = reason.ok_or("the answer broke off")?;
        Ok(format!("{figures}, {reason}"))
    }

    async fn whole(&self, answer: &mut String) -> Result<String, Box<dyn Error>> {
        let request = self.client.converse();
        let request = request
            .model_id(&self.arguments.model)
            .set_messages(Some(self.history.clone()))
            .set_system(self.arguments.system())
            .set_inference_config(self.arguments.inference_config());
        let whole = request.send().await.map_err(explain)?;
        if let Some(message) = whole
            .output
            .as_ref()
            .and_then(|output| output.as_message().ok())
        {
            for block in &message.content {
                if let ContentBlock::Text(text) = block {
                    answer.push_str(text);
                }
            }
        }
        say(answer)?;
        let (input, output) = whole
            .usage
            .map_or((0, 0), |usage| (usage.input_tokens, usage.output_tokens));
        let latency = whole.metrics.map_or(0, |metrics| metrics.latency_ms);
        let reason = whole.stop_reason;
        Ok(format!(
            "{input} tokens in, {output} out, {latency} ms, {reason}"
        ))
    }
}

fn message(role: ConversationRole, text: String) -> Result<Message, Box<dyn Error>> {
    let message = Message::builder()
        .role(role)
        .content(ContentBlock::Text(text));
    Ok(message.build()?)
}

fn say(text: &str) -> io::Result<()> {
    let mut output = io::stdout().lock();
    output.write_all(text.as_bytes())?;
    output.flush()
}

fn explain<E: ProvideErrorMetadata + Error + 'static>(error: E) -> Box<dyn Error> {
    match (error.code(), error.message()) {
        (Some(code), Some(message)) => format!("{code}: {message}").into(),
        _ => DisplayErrorContext(error).to_string().into(),
    }
}

fn lines() -> mpsc::Receiver<io::Result<String>> {
    let (sender, lines) = mpsc::channel(1);
    thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            if sender
                .blocking_send(line.map(|line| line.trim().to_owned()))
                .is_err()
            {
                return;
            }
        }
    });
    lines
}

struct Arguments {
    question: Option<String>,
    model: String,
    region: Option<String>,
    system: Option<String>,
    max_tokens: Option<i32>,
    temperature: Option<f32>,
    stream: bool,
}

impl Arguments {
    fn parse() -> Result<Self, lexopt::Error> {
        let mut parser = Parser::from_iter(env::args_os());
        let mut words: Vec<String> = Vec::new();
        let mut parsed = Self {
            question: None,
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
                Arg::Long("temperature") => parsed.temperature = Some(parser.value()?.parse()?),
                Arg::Long("no-stream") => parsed.stream = false,
                Arg::Value(word) => words.push(word.string()?),
                _ => return Err(argument.unexpected()),
            }
        }
        parsed.question = (!words.is_empty()).then(|| words.join(" "));
        Ok(parsed)
    }

    fn system(&self) -> Option<Vec<SystemContentBlock>> {
        let system = self.system.as_ref()?;
        Some(vec![SystemContentBlock::Text(system.clone())])
    }

    fn inference_config(&self) -> Option<InferenceConfiguration> {
        if self.max_tokens.is_none() && self.temperature.is_none() {
            return None;
        }
        let config = InferenceConfiguration::builder()
            .set_max_tokens(self.max_tokens)
            .set_temperature(self.temperature);
        Some(config.build())
    }
}
