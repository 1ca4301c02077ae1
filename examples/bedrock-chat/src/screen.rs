//! What people see: answers on the standard output, and everything else beside it.

use std::env;
use std::error::Error;
use std::io;
use std::io::IsTerminal;
use std::io::Write;

/// Where answers and notes are shown.
#[derive(Debug)]
pub(crate) struct Screen {
    /// Whether the output is a terminal, which obeys what it is shown.
    is_terminal: bool,
    is_dim: bool,
    is_at_line_start: bool,
}

impl Screen {
    pub(crate) fn new() -> Self {
        Self {
            is_terminal: io::stdout().is_terminal(),
            is_dim: is_dim(),
            is_at_line_start: true,
        }
    }

    /// Shows a piece of an answer at once.
    pub(crate) fn say(&mut self, text: &str) -> io::Result<()> {
        if let Some(last) = text.chars().next_back() {
            self.is_at_line_start = last == '\n';
        }
        let mut output = io::stdout().lock();
        if self.is_terminal {
            output.write_all(harmless(text).as_bytes())?;
        } else {
            output.write_all(text.as_bytes())?;
        }
        output.flush()
    }

    /// Ends the line of an answer, if there is one.
    pub(crate) fn end(&mut self) -> io::Result<()> {
        if self.is_at_line_start {
            return Ok(());
        }
        self.say("\n")
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
