//! The canonical headers: names in lower case, sorted; values trimmed, runs of blanks in them
//! folded to one space, repeated headers joined by commas in the order they were given.
//!
//! Values are octets. What is not ASCII is signed as it is sent.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request>

use crate::canonical::sink::Sink;

/// One header that is signed. A repeated header has an entry for each of its values.
type Entry<'a> = (&'a str, &'a [u8]);

/// The headers that are signed, sorted by name; on the stack unless there are many.
pub(crate) struct SignedHeaders<'a> {
    few: [Entry<'a>; FEW],
    count: usize,
    many: Vec<Entry<'a>>,
}

const FEW: usize = 16;

impl<'a> SignedHeaders<'a> {
    pub(crate) const fn new() -> Self {
        Self {
            few: [("", b""); FEW],
            count: 0,
            many: Vec::new(),
        }
    }

    /// Adds a header behind those of the same name.
    pub(crate) fn push(&mut self, name: &'a str, value: &'a [u8]) {
        if self.count < FEW {
            // Most headers are few enough to be sorted while they come in.
            let at = self.few[..self.count].partition_point(|entry| entry.0 <= name);
            self.few[at..=self.count].rotate_right(1);
            self.few[at] = (name, value);
            self.count += 1;
        } else {
            if self.many.is_empty() {
                self.many.extend_from_slice(&self.few);
            }
            self.many.push((name, value));
        }
    }

    /// Sorts what [`push`](Self::push) has left for later. To be called before anything is written.
    pub(crate) fn sort(&mut self) {
        self.many.sort_by_key(|entry| entry.0);
    }

    fn entries(&self) -> &[Entry<'a>] {
        if self.many.is_empty() {
            &self.few[..self.count]
        } else {
            &self.many
        }
    }

    /// Writes `name:value\n` for each header.
    pub(crate) fn write_to(&self, sink: &mut impl Sink) {
        let entries = self.entries();
        for (at, (name, value)) in entries.iter().enumerate() {
            if at > 0 && entries[at - 1].0 == *name {
                sink.put(b",");
            } else {
                if at > 0 {
                    sink.put(b"\n");
                }
                sink.put_str(name);
                sink.put(b":");
            }
            write_value(value, sink);
        }
        sink.put(b"\n");
    }

    /// Returns the names, each once, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        let entries = self.entries();
        entries
            .iter()
            .enumerate()
            .filter(|&(at, entry)| at == 0 || entries[at - 1].0 != entry.0)
            .map(|(_, entry)| entry.0)
    }

    /// Writes the names with semicolons between them.
    pub(crate) fn write_names_to(&self, sink: &mut impl Sink) {
        for (at, name) in self.names().enumerate() {
            if at > 0 {
                sink.put(b";");
            }
            sink.put_str(name);
        }
    }

    /// Returns the number of bytes that [`write_names_to`](Self::write_names_to) writes.
    pub(crate) fn names_len(&self) -> usize {
        self.names()
            .map(|name| name.len() + 1)
            .sum::<usize>()
            .saturating_sub(1)
    }
}

fn write_value(value: &[u8], sink: &mut impl Sink) {
    if !needs_folding(value) {
        sink.put(value);
        return;
    }
    let words = value
        .split(|&byte| is_blank(byte))
        .filter(|word| !word.is_empty());
    for (at, word) in words.enumerate() {
        if at > 0 {
            sink.put(b" ");
        }
        sink.put(word);
    }
}

/// Tells whether a value differs from its canonical form. Without an early exit, so that it
/// compiles to vector instructions: nearly every value is read to its end.
fn needs_folding(value: &[u8]) -> bool {
    let (Some(&first), Some(&last)) = (value.first(), value.last()) else {
        return false;
    };
    let mut folds = is_blank(first) | is_blank(last);
    for (&byte, &next) in value.iter().zip(&value[1..]) {
        folds |= (byte == b'\t') | ((byte == b' ') & (next == b' '));
    }
    folds
}

/// The blanks that a header value can hold. References fold other white space too, but none of it
/// is legal in a header.
const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(entries: &[(&'static str, &'static str)]) -> (String, String) {
        let mut headers = SignedHeaders::new();
        for (name, value) in entries {
            headers.push(name, value.as_bytes());
        }
        headers.sort();
        let mut text = Vec::new();
        headers.write_to(&mut text);
        let mut names = Vec::new();
        headers.write_names_to(&mut names);
        assert_eq!(names.len(), headers.names_len());
        (
            String::from_utf8(text).unwrap(),
            String::from_utf8(names).unwrap(),
        )
    }

    #[test]
    fn sorts_names_and_joins_values_in_their_order() {
        let (text, names) = written(&[
            ("b", "2"),
            ("a", "z"),
            ("b", "1"),
            ("a", "y"),
            ("host", "h"),
        ]);
        assert_eq!(text, "a:z,y\nb:2,1\nhost:h\n");
        assert_eq!(names, "a;b;host");
    }

    #[test]
    fn trims_and_folds_blanks() {
        for (value, expected) in [
            ("", ""),
            (" ", ""),
            ("a", "a"),
            ("  a  ", "a"),
            ("a b", "a b"),
            ("a   b", "a b"),
            ("a\tb", "a b"),
            ("\"a   b   c\"", "\"a b c\""),
            ("a \t b", "a b"),
            ("a ", "a"),
        ] {
            assert_eq!(
                written(&[("n", value)]).0,
                format!("n:{expected}\n"),
                "{value:?}"
            );
        }
    }

    #[test]
    fn keeps_the_order_of_many_headers() {
        const NAMES: [&str; 40] = [
            "n31", "n07", "n30", "n01", "n22", "n12", "n28", "n03", "n16", "n09", "n25", "n14",
            "n00", "n19", "n33", "n05", "n11", "n38", "n27", "n02", "n36", "n20", "n13", "n08",
            "n34", "n26", "n10", "n39", "n04", "n17", "n29", "n21", "n06", "n35", "n15", "n23",
            "n37", "n18", "n32", "n24",
        ];
        let mut entries: Vec<_> = NAMES.iter().map(|name| (*name, "1")).collect();
        entries.extend([("n05", "2"), ("n31", "2"), ("n05", "3")]);
        let (text, names) = written(&entries);
        let mut sorted = NAMES;
        sorted.sort_unstable();
        assert_eq!(names, sorted.join(";"));
        assert!(
            text.contains("\nn05:1,2,3\n") && text.contains("\nn31:1,2\n"),
            "{text}"
        );
    }
}
