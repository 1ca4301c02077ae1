//! What AWS said when it refused, until `sigv4-core` says it.

use http::StatusCode;

/// A refusal of AWS, as it is counted. It has the face of the library's.
#[derive(Clone, Debug)]
pub struct AwsRefusal {
    status: StatusCode,
    code: Option<Box<str>>,
    cause: RefusalCause,
}

impl AwsRefusal {
    /// Puts one together.
    #[must_use]
    pub fn new(status: StatusCode, code: Option<&str>, cause: RefusalCause) -> Self {
        let code = code.map(Into::into);
        Self {
            status,
            code,
            cause,
        }
    }

    /// Returns the status of the answer.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns AWS's code.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// Returns what is likely behind it.
    #[must_use]
    pub const fn cause(&self) -> RefusalCause {
        self.cause
    }
}

/// What is likely behind a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalCause {
    name: &'static str,
    advice: &'static str,
}

impl RefusalCause {
    /// Names one.
    #[must_use]
    pub const fn new(name: &'static str, advice: &'static str) -> Self {
        Self { name, advice }
    }

    /// Returns its name, for labels.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.name
    }

    /// Returns the likely cause and the remedy, in a sentence.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        self.advice
    }
}
