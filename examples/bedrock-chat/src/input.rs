//! The questions, line by line.

use std::io;
use std::io::BufRead;
use std::io::Read;
use std::thread;

use tokio::sync::mpsc;

/// The lines of the standard input.
///
/// They are read in a thread of their own: a read from a terminal cannot be broken off, and would
/// keep the program from its end.
#[derive(Debug)]
pub(crate) struct Lines {
    lines: mpsc::Receiver<io::Result<String>>,
}

impl Lines {
    pub(crate) fn new() -> Self {
        let (sender, lines) = mpsc::channel(1);
        thread::spawn(move || {
            let mut input = io::stdin().lock();
            loop {
                let mut line = Vec::new();
                let read = match input.read_until(b'\n', &mut line) {
                    Ok(0) => return,
                    Ok(_) => Ok(String::from_utf8_lossy(&line).trim().to_owned()),
                    Err(error) => Err(error),
                };
                let is_over = read.is_err();
                if sender.blocking_send(read).is_err() || is_over {
                    return;
                }
            }
        });
        Self { lines }
    }

    /// Returns the next line, or `None` behind the last.
    ///
    /// # Cancel safety
    ///
    /// No line is lost.
    pub(crate) async fn next(&mut self) -> Option<io::Result<String>> {
        self.lines.recv().await
    }
}

/// Reads all of the standard input.
pub(crate) async fn all() -> io::Result<String> {
    let (sender, mut received) = mpsc::channel(1);
    thread::spawn(move || {
        let mut text = Vec::new();
        let read = io::stdin().lock().read_to_end(&mut text);
        let text = read.map(|_| String::from_utf8_lossy(&text).trim().to_owned());
        // Who waited may have been broken off.
        let _ = sender.blocking_send(text);
    });
    received.recv().await.unwrap_or_else(|| Ok(String::new()))
}
