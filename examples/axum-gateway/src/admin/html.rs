//! What goes into the status page: texts that cannot be markup, times and durations.

use std::fmt;
use std::fmt::Write;
use std::time::Duration;
use std::time::SystemTime;

/// A text of whatever origin, which stays text between tags and within quotes.
///
/// Control characters, and those that turn the direction of what follows, are shown as unknown
/// ones: they could make one name look like another.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\n' => f.write_char('\n')?,
                '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                    f.write_char(char::REPLACEMENT_CHARACTER)?;
                }
                c if c.is_control() => f.write_char(char::REPLACEMENT_CHARACTER)?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// A time, as `2015-08-30 12:36:00 UTC`.
pub(super) struct Utc(pub(super) SystemTime);

impl fmt::Display for Utc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.0.duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since.unwrap_or(Duration::ZERO).as_secs();
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = date(days);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC"
        )
    }
}

/// How long ago something was.
pub(super) fn ago(then: SystemTime, now: SystemTime) -> String {
    match now.duration_since(then) {
        Ok(passed) if passed.as_secs() > 0 => format!("{} ago", roughly(passed)),
        _ => "just now".to_owned(),
    }
}

/// A duration in one unit, or in two where the first is coarse.
pub(super) fn roughly(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{minutes} min"),
        7200..172_800 => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// A number with spaces between groups of three digits.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('\u{202f}');
        }
        grouped.push(digit);
    }
    grouped
}

/// A number of bytes, in the largest unit that keeps it whole.
pub(super) fn bytes(count: u64) -> String {
    let units = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let fits = |&(size, _): &(u64, &str)| count >= size && count.is_multiple_of(size);
    match units.into_iter().find(fits) {
        Some((size, unit)) => format!("{} {unit}", count / size),
        None => format!("{count} B"),
    }
}

/// The date of a day since 1970: `civil_from_days` of Howard Hinnant, for days after 1970.
///
/// <https://howardhinnant.github.io/date_algorithms.html>
const fn date(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 {
        (year, month + 3)
    } else {
        (year + 1, month - 9)
    };
    (era * 400 + year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_never_becomes_markup() {
        for (name, text, expected) in [
            ("plain", "bedrock:eu", "bedrock:eu"),
            (
                "an element",
                "<script>x</script>",
                "&lt;script&gt;x&lt;/script&gt;",
            ),
            (
                "an attribute's end",
                "\" onload='x'",
                "&quot; onload=&#39;x&#39;",
            ),
            ("an entity", "&lt;", "&amp;lt;"),
            (
                "control characters",
                "a\0\u{1b}[2Jb\u{85}",
                "a\u{fffd}\u{fffd}[2Jb\u{fffd}",
            ),
            (
                "turned direction",
                "a\u{202e}b\u{2066}c",
                "a\u{fffd}b\u{fffd}c",
            ),
            ("other scripts", "Zürich 東京", "Zürich 東京"),
        ] {
            assert_eq!(Text(text).to_string(), expected, "{name}");
        }
    }

    #[test]
    fn times_are_those_of_the_calendar() {
        // As `date -u -d @…` prints them.
        for (seconds, expected) in [
            (0, "1970-01-01 00:00:00 UTC"),
            (951_782_399, "2000-02-28 23:59:59 UTC"),
            (951_782_400, "2000-02-29 00:00:00 UTC"),
            (1_440_938_160, "2015-08-30 12:36:00 UTC"),
            (1_709_251_199, "2024-02-29 23:59:59 UTC"),
            (4_107_542_400, "2100-03-01 00:00:00 UTC"),
        ] {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(Utc(time).to_string(), expected);
        }
    }

    #[test]
    fn numbers_are_short() {
        for (seconds, expected) in [
            (0, "0 s"),
            (119, "119 s"),
            (120, "2 min"),
            (7199, "119 min"),
            (7260, "2 h 1 min"),
            (180_000, "2 d 2 h"),
        ] {
            assert_eq!(roughly(Duration::from_secs(seconds)), expected);
        }
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(bytes(10 << 20), "10 MiB");
        assert_eq!(bytes(1500), "1500 B");
        assert_eq!(bytes(0), "0 B");
    }
}
