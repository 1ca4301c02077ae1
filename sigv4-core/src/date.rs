//! The two forms of time in a signature: `YYYYMMDDTHHMMSSZ` and its first eight characters.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-signing-elements.html>

use std::time::Duration;
use std::time::SystemTime;
use std::time::UNIX_EPOCH;

use crate::error::Error;
use crate::error::ErrorKind;

const SECONDS_PER_DAY: u64 = 86_400;
/// Midnight after 9999-12-31: the first instant that four digits of a year cannot name.
const END: u64 = 253_402_300_800;

/// An instant in whole seconds, written as signatures want it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timestamp {
    text: [u8; 16],
    seconds: u64,
}

impl Timestamp {
    pub(crate) fn new(time: SystemTime) -> Result<Self, Error> {
        let seconds = time
            .duration_since(UNIX_EPOCH)
            .ok()
            .map(|since| since.as_secs())
            .filter(|&seconds| seconds < END)
            .ok_or(OUT_OF_RANGE)?;
        let (year, month, day) = civil_from_days(narrow(seconds / SECONDS_PER_DAY));
        let of_day = narrow(seconds % SECONDS_PER_DAY);

        let mut text = *b"00000000T000000Z";
        two_digits(&mut text, 0, year / 100);
        two_digits(&mut text, 2, year % 100);
        two_digits(&mut text, 4, month);
        two_digits(&mut text, 6, day);
        two_digits(&mut text, 9, of_day / 3600);
        two_digits(&mut text, 11, of_day / 60 % 60);
        two_digits(&mut text, 13, of_day % 60);
        Ok(Self { text, seconds })
    }

    /// `20150830T123600Z`
    pub(crate) fn as_bytes(&self) -> &[u8; 16] {
        &self.text
    }

    pub(crate) fn as_str(&self) -> &str {
        ascii(&self.text)
    }

    /// `20150830`, the first part of the credential scope.
    pub(crate) fn day(&self) -> &str {
        ascii(&self.text[..8])
    }

    /// Days since 1970-01-01: what a derived key is valid for.
    pub(crate) fn day_number(&self) -> u64 {
        self.seconds / SECONDS_PER_DAY
    }

    /// The instant that the text names: the given one without its fraction of a second.
    pub(crate) fn time(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(self.seconds)
    }
}

const OUT_OF_RANGE: Error = Error::new(
    ErrorKind::Time,
    "the signing time is before 1970 or after 9999; check the clock that was given",
);

fn ascii(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("a timestamp is made of digits, T and Z")
}

fn narrow(value: u64) -> u32 {
    u32::try_from(value).expect("four digits of a year have few days, and a day few seconds")
}

fn two_digits(text: &mut [u8; 16], at: usize, value: u32) {
    text[at] = b'0' + (value / 10 % 10) as u8;
    text[at + 1] = b'0' + (value % 10) as u8;
}

/// The proleptic Gregorian date of a day number, after Howard Hinnant's `civil_from_days`:
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>
fn civil_from_days(days: u32) -> (u32, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + u32::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> String {
        let timestamp = Timestamp::new(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        assert_eq!(timestamp.day(), &timestamp.as_str()[..8]);
        timestamp.as_str().to_owned()
    }

    /// Expected values from GNU `date -u -d @N +%Y%m%dT%H%M%SZ`.
    #[test]
    fn writes_dates_as_gnu_date_does() {
        for (seconds, expected) in [
            (0, "19700101T000000Z"),
            (951_782_399, "20000228T235959Z"),
            (951_782_400, "20000229T000000Z"),
            (951_868_800, "20000301T000000Z"),
            (1_440_938_160, "20150830T123600Z"),
            (1_709_251_199, "20240229T235959Z"),
            (1_735_689_599, "20241231T235959Z"),
            (4_107_542_399, "21000228T235959Z"),
            (4_107_542_400, "21000301T000000Z"),
            (253_402_300_799, "99991231T235959Z"),
        ] {
            assert_eq!(at(seconds), expected);
        }
    }

    #[test]
    fn refuses_times_that_four_digits_of_a_year_cannot_name() {
        for time in [
            UNIX_EPOCH - Duration::from_secs(1),
            UNIX_EPOCH + Duration::from_secs(253_402_300_800),
        ] {
            assert_eq!(Timestamp::new(time).unwrap_err().kind(), ErrorKind::Time);
        }
    }

    #[test]
    fn drops_the_fraction_of_a_second() {
        let timestamp = Timestamp::new(UNIX_EPOCH + Duration::from_millis(1_999)).unwrap();
        assert_eq!(timestamp.time(), UNIX_EPOCH + Duration::from_secs(1));
    }
}
