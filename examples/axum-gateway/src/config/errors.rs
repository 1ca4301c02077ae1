//! What is wrong with a configuration, and where.

use std::error::Error;
use std::fmt;
use std::iter;

use super::node::Node;
use super::node::Path;
use super::node::Place;

/// All that is wrong with a configuration. Each error is a line with the file, the place in it, the
/// field and the remedy; never a value that may be secret.
#[derive(Debug)]
pub struct ConfigErrors {
    errors: Vec<Located>,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Located {
    file: String,
    place: Option<Place>,
    field: String,
    message: String,
}

impl Located {
    /// Returns the line in the file, which counts from 1. There is none where it is not in a file.
    #[must_use]
    pub fn line(&self) -> Option<u64> {
        self.place.map(|place| place.line)
    }

    /// Returns the column in that line, which counts from 1.
    #[must_use]
    pub fn column(&self) -> Option<u64> {
        self.place.map(|place| place.column)
    }

    /// Returns the way to the field: `routes[1].upstream`. It is empty for the file as a whole.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// Returns what is wrong with it and what is to be done.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for Located {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(place) = self.place {
            write!(f, ":{}:{}", place.line, place.column)?;
        }
        if !self.field.is_empty() {
            write!(f, ": {}", self.field)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl ConfigErrors {
    /// Returns the errors, in the order of the file.
    #[must_use]
    pub fn errors(&self) -> &[Located] {
        &self.errors
    }

    /// Makes one of what is not YAML. The parser's text has no snippet of the file in it, which may
    /// hold secrets.
    pub(super) fn syntax(file: &str, error: &serde_saphyr::Error) -> Self {
        let error = error.without_snippet();
        let place = error.location().map(|location| Place {
            line: location.line(),
            column: location.column(),
        });
        let message = match error {
            serde_saphyr::Error::DuplicateMappingKey { .. } => {
                "the same field stands here twice; keep one".to_owned()
            }
            _ => format!("is not YAML: {}", first_line(&error.to_string())),
        };
        Self::one(file, place.filter(|place| place.line > 0), message)
    }

    /// Makes one of a single error of a file as a whole, or of a place in it.
    pub(super) fn one(file: &str, place: Option<Place>, message: impl Into<String>) -> Self {
        Self {
            errors: vec![Located {
                file: file.to_owned(),
                place,
                field: String::new(),
                message: message.into(),
            }],
        }
    }

    /// Gives fields other names: those of the flags that they came from.
    pub(crate) fn rename(&mut self, name: impl Fn(&str) -> Option<String>) {
        for error in &mut self.errors {
            if let Some(name) = name(&error.field) {
                error.field = name;
            }
        }
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{error}")?;
        }
        Ok(())
    }
}

impl Error for ConfigErrors {}

/// Collects what is wrong, so that all of it can be said at once.
#[derive(Debug, Default)]
pub(super) struct Faults(Vec<(Path, String)>);

impl Faults {
    /// Adds one.
    pub(super) fn add(&mut self, path: Path, message: impl Into<String>) {
        self.0.push((path, message.into()));
    }

    /// Adds what a library says of a value, with its causes, and returns `None`.
    pub(super) fn refuse<T>(&mut self, path: Path, error: &(dyn Error + 'static)) -> Option<T> {
        let causes = iter::successors(Some(error), |&error| error.source());
        let text: Vec<String> = causes.map(ToString::to_string).collect();
        self.add(path, text.join(": "));
        None
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Finds the places, and puts the errors in their order.
    pub(super) fn located(self, root: &Node, file: &str) -> ConfigErrors {
        let located = |(path, message): (Path, String)| Located {
            file: file.to_owned(),
            place: root.place_of(&path),
            field: path.to_string(),
            message,
        };
        let mut errors: Vec<Located> = self.0.into_iter().map(located).collect();
        errors.sort_by_key(|error| error.place);
        ConfigErrors { errors }
    }
}
