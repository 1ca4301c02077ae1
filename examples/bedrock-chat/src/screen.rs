//! What people see: answers on the standard output, and everything else beside it.

use std::env;
use std::error::Error;
use std::io;
use std::io::IsTerminal;
use std::io::Write;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::io::Stdout;
use tokio::time::timeout;

/// Where answers and notes are shown.
#[derive(Debug)]
pub(crate) struct Screen {
    /// Whether the output is a terminal, which obeys what it is shown.
    is_terminal: bool,
    is_dim: bool,
    is_at_line_start: bool,
    output: Stdout,
    /// Whether something is not written yet. It is so behind a [`say`](Self::say) that was dropped.
    is_writing: bool,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self {
            is_terminal: io::stdout().is_terminal(),
            is_dim: is_dim(),
            is_at_line_start: true,
            output: tokio::io::stdout(),
            is_writing: false,
        }
    }

    /// Shows a piece of an answer at once.
    ///
    /// Not until somebody reads it: while nobody does, Ctrl-C is to be heard all the same.
    pub(crate) async fn say(&mut self, text: &str) -> io::Result<()> {
        if let Some(last) = text.chars().next_back() {
            self.is_at_line_start = last == '\n';
        }
        self.is_writing = true;
        if self.is_terminal {
            self.output.write_all(harmless(text).as_bytes()).await?;
        } else {
            self.output.write_all(text.as_bytes()).await?;
        }
        self.output.flush().await?;
        self.is_writing = false;
        Ok(())
    }

    /// Ends the line of an answer, if there is one, and somebody to read it.
    pub(crate) async fn end(&mut self) -> io::Result<()> {
        if self.is_at_line_start {
            return Ok(());
        }
        if self.is_writing {
            match timeout(MOMENT, self.output.flush()).await {
                Ok(flushed) => flushed?,
                Err(_) => return Ok(()),
            }
        }
        self.say("\n").await
    }

    /// Shows that the next question may come.
    pub(crate) fn prompt(&self) {
        beside("> ");
    }

    /// Shows something about an answer.
    pub(crate) fn note(&self, text: &str) {
        note(text, self.is_dim);
    }
}

/// Shows something about an answer, from wherever.
pub(crate) fn aside(text: &str) {
    note(text, is_dim());
}

/// Shows what went wrong.
pub(crate) fn complain(text: &str) {
    beside(&format!("error: {}\n", harmless(text)));
}

/// Says an error and why it came to it, in one line.
pub(crate) fn explain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        if !text.ends_with(&cause) {
            text = format!("{text}: {cause}");
        }
        source = error.source();
    }
    text
}

fn note(text: &str, is_dim: bool) {
    let text = harmless(text);
    beside(&if is_dim {
        format!("\x1b[2m[{text}]\x1b[0m\n")
    } else {
        format!("[{text}]\n")
    });
}

fn beside(text: &str) {
    // There is no other place to say that this one is closed.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// <https://no-color.org>
fn is_dim() -> bool {
    let no_color = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stderr().is_terminal() && !no_color
}

/// Takes out of a text by which a terminal could be made to do something.
fn harmless(text: &str) -> String {
    let harmless = |letter: char| !letter.is_control() || matches!(letter, '\n' | '\t');
    // Some models end lines with two letters. The first, by itself, would write over the line.
    text.chars()
        .filter(|letter| *letter != '\r')
        .map(|letter| if harmless(letter) { letter } else { '\u{fffd}' })
        .collect()
}

/// How long somebody who reads may need for what is written.
const MOMENT: Duration = Duration::from_millis(200);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_is_shown_nothing_that_it_obeys() {
        assert_eq!(
            harmless("a\x1b[2J\r\u{9b}b\n\tc"),
            "a\u{fffd}[2J\u{fffd}b\n\tc"
        );
    }

    #[test]
    fn says_why_it_came_to_it_once() {
        let inner = io::Error::other("no route");
        assert_eq!(explain(&io::Error::other(inner)), "no route");
    }
}
