//! The format of the shared configuration files, `~/.aws/config` and `~/.aws/credentials`.
//!
//! It has no specification but the tests that the SDKs share, which are run here too. A line that
//! begins with `[` opens a section, one that begins with white space continues the property above
//! it, one that begins with `#` or `;` is a comment, every other is `name = value`. A comment may
//! follow a value after white space. A property without a value whose continuation lines are
//! properties holds these as a group, one level deep.

use std::collections::HashMap;
use std::fmt;

use zeroize::Zeroize;

/// Which of the two files a text is from: sections are named differently in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileKind {
    Config,
    Credentials,
}

/// The sections of both files.
#[derive(Default)]
pub(super) struct Sections {
    profiles: HashMap<String, Properties>,
    /// All others, such as `[services local]`, by both parts of their name.
    others: HashMap<(String, String), Properties>,
}

/// The properties of a section, by their name in lower case. Wiped when they are done with.
#[derive(Default)]
pub(super) struct Properties(HashMap<String, String>);

/// Says in which line a file is not as it should be. It does not say what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SyntaxError {
    pub(super) line: usize,
    pub(super) message: &'static str,
}

impl Sections {
    /// Reads a file into the sections that are there. What is there already and in the file too is
    /// replaced.
    ///
    /// Sections and properties whose names are not what they should be are passed over.
    pub(super) fn merge(&mut self, kind: FileKind, text: &str) -> Result<(), SyntaxError> {
        let parsed = parse(text)?;
        let prefixed_default = parsed
            .iter()
            .any(|(name, _)| SectionName::of(kind, name) == Some(SectionName::PrefixedDefault));
        for (name, properties) in parsed {
            let target = match SectionName::of(kind, name) {
                None => continue,
                // `[profile default]` takes the place of `[default]`.
                Some(SectionName::Default) if prefixed_default => continue,
                Some(SectionName::Default | SectionName::PrefixedDefault) => {
                    self.profiles.entry(DEFAULT.to_owned()).or_default()
                }
                Some(SectionName::Profile(name)) => {
                    self.profiles.entry(name.to_owned()).or_default()
                }
                Some(SectionName::Other(prefix, name)) => {
                    let key = (prefix.to_owned(), name.to_owned());
                    self.others.entry(key).or_default()
                }
            };
            for (name, value) in properties {
                if is_identifier(&name)
                    && let Some(mut replaced) = target.0.insert(name, value)
                {
                    replaced.zeroize();
                }
            }
        }
        Ok(())
    }

    pub(super) fn profile(&self, name: &str) -> Option<&Properties> {
        self.profiles.get(name)
    }

    pub(super) fn has_profiles(&self) -> bool {
        !self.profiles.is_empty()
    }

    /// Returns a section such as `[services local]`.
    pub(super) fn section(&self, prefix: &str, name: &str) -> Option<&Properties> {
        self.others.get(&(prefix.to_owned(), name.to_owned()))
    }
}

impl Properties {
    /// Returns a property by its name in lower case. One without a value counts as absent.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// Returns a property of a group.
    pub(super) fn get_nested(&self, group: &str, name: &str) -> Option<&str> {
        let lines = self.0.get(group)?.strip_prefix('\n')?;
        lines
            .lines()
            .filter_map(|line| line.split_once('='))
            .find(|(key, _)| key.trim_matches(WHITE).eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim_matches(WHITE))
            .filter(|value| !value.is_empty())
    }
}

impl Drop for Properties {
    fn drop(&mut self) {
        for value in self.0.values_mut() {
            value.zeroize();
        }
    }
}

/// Shows names only.
impl fmt::Debug for Sections {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.profiles.keys()).finish()
    }
}

impl fmt::Debug for Properties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// What a section is, by its name.
#[derive(Debug, PartialEq, Eq)]
enum SectionName<'a> {
    /// `[default]`
    Default,
    /// `[profile default]`
    PrefixedDefault,
    Profile(&'a str),
    Other(&'a str, &'a str),
}

impl<'a> SectionName<'a> {
    /// Returns `None` for a section that means nothing in this file.
    fn of(kind: FileKind, name: &'a str) -> Option<Self> {
        let (prefix, name) = match name.split_once(WHITE) {
            Some((prefix, name)) => (Some(prefix), name.trim()),
            None => (None, name.trim()),
        };
        if !is_identifier(name) {
            return None;
        }
        match (kind, prefix) {
            (_, None) if name == DEFAULT => Some(Self::Default),
            (FileKind::Config, Some("profile")) if name == DEFAULT => Some(Self::PrefixedDefault),
            (FileKind::Config, Some("profile")) => Some(Self::Profile(name)),
            (FileKind::Config, Some(prefix)) => Some(Self::Other(prefix, name)),
            (FileKind::Credentials, None) => Some(Self::Profile(name)),
            (FileKind::Config, None) | (FileKind::Credentials, Some(_)) => None,
        }
    }
}

/// A section by the name it is written with, and its properties in order.
type Parsed<'a> = Vec<(&'a str, Vec<(String, String)>)>;

fn parse(text: &str) -> Result<Parsed<'_>, SyntaxError> {
    let mut sections = Parsed::new();
    for (index, line) in text.lines().enumerate() {
        let fails = |message| {
            Err(SyntaxError {
                line: index + 1,
                message,
            })
        };
        if line.trim_matches(WHITE).is_empty() || line.starts_with(COMMENT) {
            continue;
        }
        if line.starts_with('[') {
            let line = without_comment(line, false);
            match line[1..].strip_suffix(']') {
                Some(name) => sections.push((name.trim_matches(WHITE), Vec::new())),
                None => return fails("Profile definition must end with ']'"),
            }
            continue;
        }
        let Some((_, properties)) = sections.last_mut() else {
            return fails("Expected a profile definition");
        };
        if line.starts_with(WHITE) {
            let Some((_, value)) = properties.last_mut() else {
                return fails("Expected a property definition, found continuation");
            };
            // What continues a property without a value is a group.
            if value.is_empty() || value.starts_with('\n') {
                match property(line) {
                    Ok(_) => {}
                    Err(Flaw::NoEquals) => {
                        return fails("Expected an '=' sign defining a sub-property");
                    }
                    Err(Flaw::NoName) => return fails("Sub-property did not have a name"),
                }
            }
            value.push('\n');
            value.push_str(line.trim_matches(WHITE));
            continue;
        }
        match property(line) {
            Ok((name, value)) => properties.push((name.to_ascii_lowercase(), value.to_owned())),
            Err(Flaw::NoEquals) => return fails("Expected an '=' sign defining a property"),
            Err(Flaw::NoName) => return fails("Property did not have a name"),
        }
    }
    Ok(sections)
}

enum Flaw {
    NoEquals,
    NoName,
}

fn property(line: &str) -> Result<(&str, &str), Flaw> {
    let (name, value) = without_comment(line, true)
        .split_once('=')
        .ok_or(Flaw::NoEquals)?;
    match name.trim_matches(WHITE) {
        "" => Err(Flaw::NoName),
        name => Ok((name, value.trim_matches(WHITE))),
    }
}

/// Cuts off white space and a comment. Within a property a comment needs white space before it.
fn without_comment(line: &str, after_white_space: bool) -> &str {
    let line = line.trim_matches(WHITE);
    let mut white = false;
    for (index, char) in line.char_indices() {
        if COMMENT.contains(&char) && (white || !after_white_space) {
            return line[..index].trim_matches(WHITE);
        }
        white = char.is_whitespace();
    }
    line
}

fn is_identifier(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-/.%@:+".contains(&byte);
    !name.is_empty() && name.bytes().all(allowed)
}

const DEFAULT: &str = "default";
const WHITE: &[char] = &[' ', '\t'];
const COMMENT: &[char] = &['#', ';'];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;

    /// The cases that the SDKs share, from the package that ships them, `aws-runtime`.
    #[test]
    fn reads_files_as_the_sdks_do() {
        let cases = super::super::suite::read("profile-parser-tests.json");
        let cases = cases["tests"].as_array().unwrap();
        assert!(cases.len() >= 40, "{}", cases.len());
        for case in cases {
            let name = case["name"].as_str().unwrap();
            let mut sections = Sections::default();
            let mut result = Ok(());
            for (kind, file) in [
                (FileKind::Config, "configFile"),
                (FileKind::Credentials, "credentialsFile"),
            ] {
                let text = case["input"][file].as_str().unwrap_or_default();
                result = result.and_then(|()| sections.merge(kind, text));
            }
            let output = &case["output"];
            if let Some(expected) = output["errorContaining"].as_str() {
                let error = result.expect_err(name);
                assert!(error.message.contains(expected), "{name}: {error:?}");
                continue;
            }
            assert_eq!(result, Ok(()), "{name}");
            let profiles: BTreeMap<_, _> = sections
                .profiles
                .iter()
                .map(|(name, properties)| (name, &properties.0))
                .collect();
            let expected = output["config"]
                .get("profiles")
                .or_else(|| output.get("profiles"))
                .unwrap_or_else(|| panic!("{name} expects profiles"));
            assert_eq!(&serde_json::to_value(profiles).unwrap(), expected, "{name}");
            let sessions = sections
                .others
                .iter()
                .filter_map(|((prefix, name), section)| {
                    (prefix == "sso-session").then_some((name, &section.0))
                });
            let sessions: BTreeMap<_, _> = sessions.collect();
            if let Some(expected @ Value::Object(_)) = output["config"].get("ssoSessions") {
                assert_eq!(&serde_json::to_value(sessions).unwrap(), expected, "{name}");
            }
        }
    }

    #[test]
    fn finds_properties_of_groups() {
        let mut sections = Sections::default();
        let text = "[services local]\ns3 =\n  endpoint_url = http://a\nsts =\n  # none\n  \
                    other = 1\n  Endpoint_URL =  http://b  \n[profile p]\nempty =\nplain = x";
        sections.merge(FileKind::Config, text).unwrap_err();
        let text = text.replace("  # none\n", "");
        sections.merge(FileKind::Config, &text).unwrap();
        let services = sections.section("services", "local").unwrap();
        assert_eq!(services.get_nested("sts", "endpoint_url"), Some("http://b"));
        assert_eq!(services.get_nested("s3", "endpoint_url"), Some("http://a"));
        assert_eq!(services.get_nested("s3", "other"), None);
        assert_eq!(services.get_nested("sqs", "endpoint_url"), None);
        let profile = sections.profile("p").unwrap();
        assert_eq!(profile.get("empty"), None);
        assert_eq!(profile.get_nested("plain", "x"), None);
    }

    #[test]
    fn says_where_and_not_what() {
        let text = "[default]\naws_access_key_id = AKID\ns3cr3t\n";
        let error = Sections::default()
            .merge(FileKind::Credentials, text)
            .unwrap_err();
        assert_eq!(error.line, 3);
        let mut sections = Sections::default();
        let text = "[default]\naws_secret_access_key = s3cr3t\n";
        sections.merge(FileKind::Credentials, text).unwrap();
        let shown = format!("{sections:?}{:?}{error:?}", sections.profile("default"));
        assert!(!shown.contains("s3cr3t"), "{shown}");
    }
}
