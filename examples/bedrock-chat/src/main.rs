//! A chat in the terminal with the models of Amazon Bedrock, without an AWS SDK.

mod arguments;
mod chat;
mod credentials;
mod input;
mod interrupts;
mod screen;

use std::env;
use std::error::Error;
use std::io;
use std::process::ExitCode;

use bedrock_chat::client::BedrockClient;
use bedrock_chat::client::Endpoints;
use tokio::runtime::Builder;

use crate::arguments::Arguments;
use crate::arguments::Task;
use crate::arguments::USAGE;
use crate::chat::Chat;
use crate::chat::Outcome;
use crate::interrupts::Interrupts;
use crate::screen::Screen;
use crate::screen::aside;
use crate::screen::complain;
use crate::screen::explain;

fn main() -> ExitCode {
    let arguments = match Arguments::parse(env::args_os().skip(1)) {
        Ok(arguments) => arguments,
        Err(error) => {
            complain(&format!("{error}; see --help"));
            return ExitCode::from(2);
        }
    };
    match block_on(run(&arguments)) {
        Ok(code) => code,
        Err(error) => match error.downcast_ref::<io::Error>() {
            // Whoever read the answers has read enough.
            Some(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            _ => {
                complain(&explain(&*error));
                ExitCode::FAILURE
            }
        },
    }
}

/// By hand, as all that tokio has macros for: they would be a crate more to compile.
fn block_on<T>(work: impl Future<Output = Result<T, Box<dyn Error>>>) -> Result<T, Box<dyn Error>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    // Nobody waits for the name of a host that Ctrl-C made needless: looking it up cannot be broken
    // off, and may take as long as the resolver likes.
    runtime.shutdown_background();
    result
}

async fn run(arguments: &Arguments) -> Result<ExitCode, Box<dyn Error>> {
    if arguments.task == Task::Help {
        Screen::new().say(USAGE).await?;
        return Ok(ExitCode::SUCCESS);
    }
    let interrupts = Interrupts::new();
    let Some(client) = interrupts.or(client(arguments)).await.transpose()? else {
        return Ok(BROKEN_OFF.into());
    };
    let mut chat = Chat::new(&client, arguments, &interrupts);
    let question = match &arguments.task {
        Task::Ask(question) => question.clone(),
        Task::AskInput => match interrupts.or(input::all()).await {
            Some(question) => question?,
            None => return Ok(BROKEN_OFF.into()),
        },
        Task::ListModels => {
            let listed = interrupts.or(list_models(&client)).await;
            return listed.unwrap_or(Ok(BROKEN_OFF.into()));
        }
        Task::Chat | Task::Help => {
            let all_answered = chat.run().await?;
            return Ok(if all_answered {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            });
        }
    };
    Ok(match chat.ask(question).await? {
        Outcome::Answered => ExitCode::SUCCESS,
        Outcome::Failed => ExitCode::FAILURE,
        Outcome::BrokenOff => BROKEN_OFF.into(),
    })
}

async fn client(arguments: &Arguments) -> Result<BedrockClient, Box<dyn Error>> {
    let (region, credentials) = credentials::find(arguments.region.clone()).await?;
    let client = BedrockClient::builder(&region, credentials)
        .endpoints(Endpoints::of_environment(&region)?)
        .on_retry(|retry| {
            let error = explain(retry.error);
            aside(&format!("{error}; trying again in {:.1?}", retry.pause));
        });
    Ok(client.build()?)
}

async fn list_models(client: &BedrockClient) -> Result<ExitCode, Box<dyn Error>> {
    let models = client.list_foundation_models().await?;
    let width = models.iter().map(|model| model.model_id.len()).max();
    let width = width.unwrap_or_default();
    let mut screen = Screen::new();
    for model in &models {
        let (id, name, provider) = (&model.model_id, &model.model_name, &model.provider_name);
        let on_demand = |kind: &String| kind == "ON_DEMAND";
        let how = if model.inference_types_supported.iter().any(on_demand) {
            ""
        } else {
            ", not on demand"
        };
        screen
            .say(&format!("{id:width$}  {provider} {name}{how}\n"))
            .await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What a shell says of a program that Ctrl-C has ended.
const BROKEN_OFF: u8 = 130;

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;

    #[test]
    fn the_end_waits_for_nothing_that_cannot_be_broken_off() {
        let (hold, held) = mpsc::channel::<()>();
        let done = block_on(async {
            let (begin, begun) = oneshot::channel();
            tokio::task::spawn_blocking(move || {
                begin.send(()).unwrap();
                held.recv_timeout(Duration::from_secs(60))
            });
            // One that has not begun would not be held.
            Ok(begun.await?)
        });
        done.unwrap();
        // Whoever is still held is there to be let go.
        hold.send(()).unwrap();
    }
}
