//! Instants as signatures write them, read back, and as credential services write them.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

/// Reads `20150830T123600Z` or `2015-08-30T12:36:00Z`.
///
/// `None` where the text is neither, or names no instant since 1970.
#[must_use]
pub fn parse(text: &str) -> Option<SystemTime> {
    let text: String = text.chars().filter(|c| !matches!(c, '-' | ':')).collect();
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    if date.len() != 8 || time.len() != 6 {
        return None;
    }
    let number = |digits: &str| {
        let all = digits.bytes().all(|byte| byte.is_ascii_digit());
        all.then(|| digits.parse::<u64>().ok()).flatten()
    };
    let (year, month, day) = (
        number(date.get(..4)?)?,
        number(date.get(4..6)?)?,
        number(date.get(6..)?)?,
    );
    let (hour, minute, second) = (
        number(time.get(..2)?)?,
        number(time.get(2..4)?)?,
        number(time.get(4..)?)?,
    );
    if year < 1970 || !(1..=12).contains(&month) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let length = |month: u64| match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    if day == 0 || day > length(month) {
        return None;
    }
    let of_years: u64 = (1970..year)
        .map(|year| 365 + u64::from(is_leap(year)))
        .sum();
    let of_months: u64 = (1..month).map(length).sum();
    let days = of_years + of_months + day - 1;
    let seconds = ((days * 24 + hour) * 60 + minute) * 60 + second;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// Writes `2015-08-30T12:36:00Z`.
///
/// # Panics
///
/// When the instant is before 1970.
#[must_use]
pub fn format(time: SystemTime) -> String {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .expect("the instant is in or after 1970")
        .as_secs();
    let (mut days, second) = (seconds / 86_400, seconds % 86_400);
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let mut year = 1970;
    while days >= 365 + u64::from(is_leap(year)) {
        days -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let mut month = 0;
    let february = 28 + u64::from(is_leap(year));
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    while days >= lengths[month] {
        days -= lengths[month];
        month += 1;
    }
    let (month, day) = (month + 1, days + 1);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The instant of AWS's examples and of its test suite: 2015-08-30, 12:36:00 UTC.
#[must_use]
pub fn of_the_suite() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_440_938_160)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_both_spellings() {
        assert_eq!(parse("20150830T123600Z"), Some(of_the_suite()));
        assert_eq!(parse("2015-08-30T12:36:00Z"), Some(of_the_suite()));
        let leap = UNIX_EPOCH + Duration::from_secs(951_782_400);
        assert_eq!(parse("20000229T000000Z"), Some(leap));
    }

    #[test]
    fn writes_what_it_reads() {
        for text in [
            "1970-01-01T00:00:00Z",
            "2000-02-29T23:59:59Z",
            "2015-08-30T12:36:00Z",
            "2099-12-31T01:02:03Z",
            "2100-03-01T00:00:00Z",
        ] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn refuses_what_is_no_instant() {
        for text in [
            "",
            "20150830",
            "20150830T123600",
            "20150230T123600Z",
            "20151330T123600Z",
            "20150830T243600Z",
            "2015083xT123600Z",
            "19691231T235959Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
