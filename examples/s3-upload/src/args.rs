//! What the program is asked to do.

use std::ffi::OsString;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::plan::parse_size;
use crate::retry::Retry;
use crate::target::Target;
use crate::upload::Options;

/// Uploads a file or standard input to S3, and prints a link to it.
#[derive(Clone, Debug, Parser)]
#[command(name = "s3-upload", version, arg_required_else_help = true, override_usage = USAGE)]
#[non_exhaustive]
pub struct Args {
    /// The file, or `-` for standard input.
    #[arg(required_unless_present = "abort")]
    pub source: Option<PathBuf>,
    /// Where it goes: s3://bucket/key.
    #[arg(required_unless_present = "abort")]
    pub target: Option<Target>,
    /// Ends an upload that has begun, of this file or to this s3://bucket/key, and removes its
    /// parts.
    #[arg(long, value_name = "FILE|S3URL", conflicts_with_all = ["source", "target"])]
    pub abort: Option<OsString>,
    /// How long parts are, at least 5MiB.
    #[arg(long, value_name = "SIZE", default_value = "8MiB", value_parser = parse_size)]
    pub part_size: u64,
    /// Up to which length a file goes up in one piece, at most 5GiB.
    #[arg(long, value_name = "SIZE", default_value = "16MiB", value_parser = parse_size)]
    pub threshold: u64,
    /// How many parts are sent at the same time.
    #[arg(long, value_name = "NUMBER", default_value = "4",
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub parallel: u16,
    /// How often a part is sent before the upload fails.
    #[arg(long, value_name = "NUMBER", default_value = "5",
          value_parser = clap::value_parser!(u32).range(1..=100))]
    pub attempts: u32,
    /// How much of a file is sent in a second at most.
    #[arg(long, value_name = "SIZE", value_parser = parse_rate)]
    pub limit_rate: Option<NonZeroU64>,
    /// How long the link lasts, up to 7d: 90s, 15m, 1h.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = parse_time)]
    pub expires: Duration,
    /// Where it is kept how far uploads have got, instead of in the cache folder of the user.
    #[arg(long, value_name = "FOLDER")]
    pub state: Option<PathBuf>,
}

impl Args {
    /// Returns how uploads are to be done.
    #[must_use]
    pub fn options(&self) -> Options {
        Options {
            part_size: self.part_size,
            threshold: self.threshold,
            parallel: usize::from(self.parallel),
            retry: Retry::attempts(self.attempts),
            bytes_per_second: self.limit_rate,
            stall: STALL,
        }
    }
}

fn parse_rate(text: &str) -> Result<NonZeroU64, String> {
    NonZeroU64::new(parse_size(text)?).ok_or_else(|| "must be more than nothing".to_owned())
}

fn parse_time(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let unit = match text[digits.len()..].trim() {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => DAY,
        _ => return Err("is not a time such as 15m".to_owned()),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "is not a time such as 15m".to_owned())?;
    let seconds = number.saturating_mul(unit);
    if (1..=7 * DAY).contains(&seconds) {
        Ok(Duration::from_secs(seconds))
    } else {
        Err("must be between a second and 7d, which is the most that S3 allows".to_owned())
    }
}

const USAGE: &str = "s3-upload [OPTIONS] <SOURCE> <TARGET>
       s3-upload [OPTIONS] --abort <FILE|S3URL>";
const DAY: u64 = 24 * 3600;
const STALL: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn are_those_of_one_command() {
        Args::command().debug_assert();
        let args = Args::try_parse_from(["s3-upload", "-", "s3://bucket/key"]).unwrap();
        assert_eq!(args.part_size, 8 << 20);
        for wrong in [
            vec!["file"],
            vec!["file", "bucket/key"],
            vec!["file", "s3://bucket/a/../b"],
            vec!["--abort", "s3://bucket/key", "file", "s3://bucket/key"],
            vec!["file", "s3://bucket/key", "--parallel", "0"],
            vec!["file", "s3://bucket/key", "--limit-rate", "0"],
        ] {
            let all = ["s3-upload"].into_iter().chain(wrong.iter().copied());
            assert!(Args::try_parse_from(all).is_err(), "{wrong:?}");
        }
    }

    /// What can be uploaded can be aborted.
    #[cfg(unix)]
    #[test]
    fn name_files_that_are_no_text() {
        use std::os::unix::ffi::OsStringExt;

        let name = || OsString::from_vec(b"a\xff".to_vec());
        let args = ["s3-upload", "--abort"].map(OsString::from);
        let args = Args::try_parse_from(args.into_iter().chain([name()])).unwrap();
        assert_eq!(args.abort, Some(name()));
    }

    #[test]
    fn times_are_read() {
        for (text, seconds) in [
            ("90", Some(90)),
            ("90s", Some(90)),
            ("15m", Some(900)),
            ("1h", Some(3600)),
            ("7d", Some(604_800)),
            ("8d", None),
            ("0", None),
            ("", None),
            ("1w", None),
            ("99999999999999999999d", None),
        ] {
            let time = parse_time(text).ok().map(|time| time.as_secs());
            assert_eq!(time, seconds, "{text}");
        }
    }
}
