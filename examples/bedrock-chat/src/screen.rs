//! What people see: answers on the standard output, and everything else beside it.

use std::borrow::Cow;
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
        let text = if self.is_terminal {
            harmless(text).into()
        } else {
            Cow::Borrowed(text)
        };
        if let Some(last) = text.chars().next_back() {
            self.is_at_line_start = last == '\n';
        }
        self.is_writing = true;
        self.output.write_all(text.as_bytes()).await?;
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

/// Takes out of a text by which a terminal could be made to do something, or to show it in another
/// order than it is in. Each letter counts by itself, so that pieces of a text are as harmless as
/// the whole.
fn harmless(text: &str) -> String {
    // Some models end lines with two letters. The first, by itself, would write over the line.
    text.chars()
        .filter(|letter| *letter != '\r')
        .map(|letter| if obeyed(letter) { '\u{fffd}' } else { letter })
        .collect()
}

/// Tells whether a terminal obeys a letter: the control characters (C0, DEL and C1), and those that
/// turn the direction of all that follows. Languages that are written from the right need none of
/// the latter; the marks that they do use reach no further than their neighbours.
/// <https://www.unicode.org/reports/tr9/#Directional_Formatting_Characters>
fn obeyed(letter: char) -> bool {
    let is_control = letter.is_control() && !matches!(letter, '\n' | '\t');
    is_control || matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
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
        for obeyed in ('\0'..'\u{a0}')
            .filter(|letter| letter.is_control() && !matches!(letter, '\n' | '\t' | '\r'))
            .chain('\u{202a}'..='\u{202e}')
            .chain('\u{2066}'..='\u{2069}')
        {
            let shown = harmless(&format!("a{obeyed}b"));
            assert_eq!(shown, "a\u{fffd}b", "{obeyed:?}");
        }
    }

    #[test]
    fn what_is_said_in_pieces_is_as_harmless_as_the_whole() {
        let text = "a\x1b[31mb\r\nc\x1b]0;t\x07d\u{9b}2J\u{202e}e\u{202c}";
        let letters: Vec<String> = text.chars().map(String::from).collect();
        for size in 1..=letters.len() {
            let pieces = letters.chunks(size).map(|piece| harmless(&piece.concat()));
            let shown: String = pieces.collect();
            assert_eq!(
                shown,
                "a\u{fffd}[31mb\nc\u{fffd}]0;t\u{fffd}d\u{fffd}2J\u{fffd}e\u{fffd}"
            );
        }
    }

    #[test]
    fn what_people_write_is_shown_as_it_is() {
        for text in [
            "\u{5e9}\u{5dc}\u{5d5}\u{5dd}, 1 < 2\u{200f}!",
            "\u{645}\u{631}\u{62d}\u{628}\u{627} \u{61c}\u{200e}(a)",
            "\u{1f468}\u{200d}\u{1f469}\u{200d}\u{1f467} \u{2764}\u{fe0f}",
            "na\u{ef}ve e\u{301} \u{a0}\u{ad} \u{200b}\u{feff}",
            "one\n\ttwo\n",
        ] {
            assert_eq!(harmless(text), text, "{text:?}");
        }
    }

    #[test]
    fn says_why_it_came_to_it_once() {
        let inner = io::Error::other("no route");
        assert_eq!(explain(&io::Error::other(inner)), "no route");
    }
}
