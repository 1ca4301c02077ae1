//! Durations and sizes as people write them.

use std::fmt;
use std::time::Duration;

use serde::Deserialize;
use serde::Deserializer;
use serde::de;
use serde::de::Unexpected;
use serde::de::Visitor;

/// A duration: `500ms`, `30s`, `5m`, `1h`, `1d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time(pub(super) Duration);

/// A number of bytes: `4096`, `64KiB`, `10MiB`, `1GiB`, `10MB`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size(pub(super) u64);

/// A duration, in the greatest unit that it is a whole number of.
pub(super) struct ShowTime(pub(super) Duration);

/// A number of bytes, in the greatest unit that it is a whole number of.
pub(super) struct ShowSize(pub(super) u64);

/// In milliseconds.
const TIMES: [(&str, u64); 5] = [
    ("d", 24 * 3_600_000),
    ("h", 3_600_000),
    ("ms", 1),
    ("m", 60_000),
    ("s", 1_000),
];
const SIZES: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];
const A_TIME: &str = "a duration with its unit, such as `500ms`, `30s`, `5m`, `1h` or `1d`";
const A_SIZE: &str = "a number of bytes, such as `4096`, `64KiB`, `10MiB` or `1GiB`";

impl Time {
    pub(super) fn parse(text: &str) -> Option<Self> {
        scaled(text, &TIMES).map(|millis| Self(Duration::from_millis(millis)))
    }
}

impl Size {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let plain = text.parse().ok();
        plain.or_else(|| scaled(text, &SIZES)).map(Self)
    }
}

/// Reads a whole number with a unit behind it.
fn scaled(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(end);
    let unit = unit.trim_start();
    let (_, factor) = units
        .iter()
        .find(|(name, _)| unit.eq_ignore_ascii_case(name))?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TimeVisitor)
    }
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = Time;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(A_TIME)
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Time, E> {
        Time::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl<'de> Deserialize<'de> for Size {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SizeVisitor)
    }
}

struct SizeVisitor;

impl Visitor<'_> for SizeVisitor {
    type Value = Size;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(A_SIZE)
    }

    fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Size, E> {
        Ok(Size(bytes))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Size, E> {
        Size::parse(text).ok_or_else(|| E::invalid_value(Unexpected::Str(text), &self))
    }
}

impl fmt::Display for ShowTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (millis, seconds) = (self.0.subsec_millis(), self.0.as_secs());
        match seconds {
            _ if millis > 0 => write!(f, "{}ms", self.0.as_millis()),
            seconds if seconds >= 86_400 && seconds % 86_400 == 0 => {
                write!(f, "{}d", seconds / 86_400)
            }
            seconds if seconds >= 3600 && seconds % 3600 == 0 => write!(f, "{}h", seconds / 3600),
            // Most timeouts are known in seconds.
            seconds if seconds > 300 && seconds % 60 == 0 => write!(f, "{}m", seconds / 60),
            seconds => write!(f, "{seconds}s"),
        }
    }
}

impl fmt::Display for ShowSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut binary = SIZES[..3].iter();
        match binary.find(|(_, size)| self.0 >= *size && self.0.is_multiple_of(*size)) {
            Some((unit, size)) => write!(f, "{}{unit}", self.0 / size),
            None => write!(f, "{}B", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_durations_with_their_unit() {
        for (text, expected) in [
            ("500ms", Some(500)),
            ("0s", Some(0)),
            ("30s", Some(30_000)),
            ("5 m", Some(300_000)),
            ("1h", Some(3_600_000)),
            ("7d", Some(604_800_000)),
            ("30", None),
            ("", None),
            ("s", None),
            ("-5s", None),
            ("1.5s", None),
            ("5 minutes", None),
            ("99999999999999999999s", None),
            ("99999999999999999d", None),
        ] {
            let expected = expected.map(|millis| Time(Duration::from_millis(millis)));
            assert_eq!(Time::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn reads_sizes_with_and_without_a_unit() {
        for (text, expected) in [
            ("0", Some(0)),
            ("4096", Some(4096)),
            ("64KiB", Some(65_536)),
            ("10 MiB", Some(10_485_760)),
            ("10mb", Some(10_000_000)),
            ("1GiB", Some(1_073_741_824)),
            ("1 TiB", None),
            ("MiB", None),
            ("-1", None),
            ("99999999999GiB", None),
        ] {
            assert_eq!(Size::parse(text), expected.map(Size), "{text}");
        }
    }

    #[test]
    fn shows_what_it_reads() {
        for text in ["500ms", "1500ms", "30s", "300s", "10m", "2h", "7d", "0s"] {
            let time = Time::parse(text).unwrap();
            assert_eq!(ShowTime(time.0).to_string(), text);
        }
        for text in ["1B", "1000B", "64KiB", "10MiB", "2GiB"] {
            let size = Size::parse(text).unwrap();
            assert_eq!(ShowSize(size.0).to_string(), text);
        }
    }
}
