//! Into which parts an upload is divided, and the limits of S3.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>

use std::ops::Range;

use crate::error::Error;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

/// The least that a part may have, but for the last.
pub const MIN_PART: u64 = 5 * MIB;
/// The most that one request may upload: an object, or a part.
pub const MAX_REQUEST: u64 = 5 * GIB;
/// The most parts that an object may have.
pub const MAX_PARTS: u64 = 10_000;
/// The most that an object may have.
pub const MAX_OBJECT: u64 = MAX_PARTS * MAX_REQUEST;

/// The parts of an object: all but the last are of one size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parts {
    length: u64,
    size: u64,
}

/// One part of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// Its number, from 1.
    pub number: u16,
    /// Where it begins and ends in the object.
    pub range: Range<u64>,
}

impl Parts {
    /// Divides an object of this length into parts of a size, or of a greater one where 10,000
    /// parts would not do.
    ///
    /// # Errors
    ///
    /// When S3 takes no such object, or no such parts.
    pub fn new(length: u64, size: u64) -> Result<Self, Error> {
        check_part_size(size)?;
        if length > MAX_OBJECT {
            return Err(Error::usage(format!(
                "an object of S3 has at most {}, and this would have {}",
                Size(MAX_OBJECT),
                Size(length)
            )));
        }
        // Whole mebibytes are easier to read.
        let least = length.div_ceil(MAX_PARTS).div_ceil(MIB) * MIB;
        Ok(Self {
            length,
            size: size.max(least),
        })
    }

    /// Returns how long every part but the last is.
    #[must_use]
    pub const fn size(self) -> u64 {
        self.size
    }

    /// Returns how many there are. An empty object has one, which is empty.
    #[must_use]
    pub fn count(self) -> u16 {
        let count = self.length.div_ceil(self.size).max(1);
        // The size was chosen so that there are no more than 10,000.
        u16::try_from(count).unwrap_or(u16::MAX)
    }

    /// Returns them in order.
    pub fn iter(self) -> impl Iterator<Item = Part> {
        (1..=self.count()).map(move |number| {
            let begin = u64::from(number - 1) * self.size;
            Part {
                number,
                range: begin..self.length.min(begin + self.size),
            }
        })
    }
}

impl Part {
    /// Returns how long it is.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.range.end - self.range.start
    }
}

/// Refuses what cannot be the size of parts.
pub(crate) fn check_part_size(size: u64) -> Result<(), Error> {
    if (MIN_PART..=MAX_REQUEST).contains(&size) {
        Ok(())
    } else {
        Err(Error::usage(format!(
            "a part has between 5 MiB and 5 GiB, and not {}: correct --part-size",
            Size(size)
        )))
    }
}

/// Reads a size as people write it: `8MiB`, `8M`, `8388608`. Units are powers of 1024.
///
/// # Errors
///
/// When it is none, with what would be one.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = text[digits.len()..].trim().to_ascii_lowercase();
    let factor = match unit.trim_end_matches("ib").trim_end_matches('b') {
        "" => 1,
        "k" => KIB,
        "m" => MIB,
        "g" => GIB,
        "t" => KIB * GIB,
        _ => return Err("is not a size such as 8MiB".to_owned()),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "is not a size such as 8MiB".to_owned())?;
    number
        .checked_mul(factor)
        .ok_or_else(|| "is more than there is".to_owned())
}

/// Writes a size as people read it.
pub(crate) struct Size(pub(crate) u64);

impl std::fmt::Display for Size {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", indicatif::BinaryBytes(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grow_so_that_ten_thousand_do() {
        for (name, length, asked, size, count) in [
            ("an empty file", 0, 8 * MIB, 8 * MIB, 1),
            ("one byte", 1, 8 * MIB, 8 * MIB, 1),
            ("one part", 8 * MIB, 8 * MIB, 8 * MIB, 1),
            ("one byte more", 8 * MIB + 1, 8 * MIB, 8 * MIB, 2),
            ("as many as may be", 50_000 * MIB, 5 * MIB, 5 * MIB, 10_000),
            (
                "one byte more than that",
                50_000 * MIB + 1,
                5 * MIB,
                6 * MIB,
                8334,
            ),
            ("a large object", 5 * KIB * GIB, 8 * MIB, 525 * MIB, 9987),
            ("large parts", 5 * KIB * GIB, MAX_REQUEST, MAX_REQUEST, 1024),
            (
                "the largest object",
                MAX_OBJECT,
                8 * MIB,
                MAX_REQUEST,
                10_000,
            ),
        ] {
            let parts = Parts::new(length, asked).expect(name);
            assert_eq!((parts.size(), parts.count()), (size, count), "{name}");
        }
    }

    #[test]
    fn cover_all_of_it_once() {
        for length in [0, 1, 5 * MIB - 1, 5 * MIB, 5 * MIB + 1, 100 * MIB + 3] {
            let parts: Vec<Part> = Parts::new(length, MIN_PART).unwrap().iter().collect();
            let mut end = 0;
            for (part, number) in parts.iter().zip(1..) {
                assert_eq!((part.number, part.range.start), (number, end));
                end = part.range.end;
            }
            assert_eq!(end, length);
            let (last, others) = parts.split_last().unwrap();
            assert!(others.iter().all(|part| part.length() == MIN_PART));
            assert!(last.length() <= MIN_PART);
        }
    }

    #[test]
    fn keep_the_limits_of_s3() {
        for (name, length, size) in [
            ("too small a part", 1, MIN_PART - 1),
            ("too large a part", 1, MAX_REQUEST + 1),
            ("too large an object", MAX_OBJECT + 1, MAX_REQUEST),
        ] {
            let error = Parts::new(length, size).expect_err(name);
            assert!(matches!(error, Error::Usage(_)), "{name}");
        }
    }

    #[test]
    fn sizes_are_read() {
        for (text, size) in [
            ("0", Some(0)),
            ("8388608", Some(8 * MIB)),
            ("8MiB", Some(8 * MIB)),
            ("8 mib", Some(8 * MIB)),
            ("8M", Some(8 * MIB)),
            ("8MB", Some(8 * MIB)),
            ("16k", Some(16 * KIB)),
            ("5GiB", Some(5 * GIB)),
            ("5TiB", Some(5 * KIB * GIB)),
            ("100b", Some(100)),
            ("", None),
            ("MiB", None),
            ("-1", None),
            ("1.5MiB", None),
            ("8 apples", None),
            ("99999999999TiB", None),
        ] {
            assert_eq!(parse_size(text).ok(), size, "{text}");
        }
    }
}
