//! The `Date` header.

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use http::HeaderMap;
use http::header;

/// Reads when an answer was made. `None` where it does not say so, or says several things.
pub(super) fn of(headers: &HeaderMap) -> Option<SystemTime> {
    let mut values = headers.get_all(header::DATE).iter();
    match (values.next(), values.next()) {
        (Some(date), None) => parse(date.as_bytes()),
        _ => None,
    }
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT`, the only form that servers may write.
///
/// <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7>
fn parse(text: &[u8]) -> Option<SystemTime> {
    let &[
        _,
        _,
        _,
        b',',
        b' ',
        d0,
        d1,
        b' ',
        m0,
        m1,
        m2,
        b' ',
        y0,
        y1,
        y2,
        y3,
        b' ',
        h0,
        h1,
        b':',
        n0,
        n1,
        b':',
        s0,
        s1,
        b' ',
        b'G',
        b'M',
        b'T',
    ] = text
    else {
        return None;
    };
    let two = |tens: u8, ones: u8| {
        let is_number = tens.is_ascii_digit() && ones.is_ascii_digit();
        is_number.then(|| u64::from(tens - b'0') * 10 + u64::from(ones - b'0'))
    };
    let month = MONTHS.iter().position(|month| **month == [m0, m1, m2])? as u64 + 1;
    let year = two(y0, y1)? * 100 + two(y2, y3)?;
    let (day, hour, minute, second) = (two(d0, d1)?, two(h0, h1)?, two(n0, n1)?, two(s0, s1)?);
    // A leap second is written as 60.
    if year < 1970 || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = ((days(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

const MONTHS: [&[u8; 3]; 12] = [
    b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov", b"Dec",
];

/// Days since 1970-01-01, after Howard Hinnant's `days_from_civil`:
/// <https://howardhinnant.github.io/date_algorithms.html#days_from_civil>
fn days(year: u64, month: u64, day: u64) -> u64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year / 400, year % 400);
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::date::Timestamp;

    #[test]
    fn reads_dates_as_servers_write_them() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777),
            ("Sun, 30 Aug 2015 12:36:00 GMT", 1_440_938_160),
            ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199),
            ("Fri, 01 Mar 2024 00:00:00 GMT", 1_709_251_200),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ] {
            let expected = UNIX_EPOCH + Duration::from_secs(seconds);
            assert_eq!(parse(text.as_bytes()), Some(expected), "{text}");
        }
    }

    #[test]
    fn agrees_with_how_dates_are_written() {
        for day in 0..200_000_u64 {
            let time = UNIX_EPOCH + Duration::from_secs(day * 86_400 + 3_661);
            let written = Timestamp::new(time).unwrap();
            let (year, rest) = written.as_str().split_at(4);
            let month = MONTHS[rest[..2].parse::<usize>().unwrap() - 1];
            let month = std::str::from_utf8(month).unwrap();
            let text = format!("Xxx, {} {month} {year} 01:01:01 GMT", &rest[2..4]);
            assert_eq!(parse(text.as_bytes()), Some(time), "{text}");
        }
    }

    #[test]
    fn reads_nothing_else() {
        for text in [
            "",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1969 08:49:37 GMT",
            "Sun, 06 Nov 0000 08:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, \u{661} Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
        let mut headers = HeaderMap::new();
        for count in 0..3 {
            assert_eq!(of(&headers).is_some(), count == 1);
            headers.append(
                header::DATE,
                "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap(),
            );
        }
    }
}
