//! The canonical headers: names in lower case, sorted; values trimmed, runs of blanks in them
//! folded to one space, repeated headers joined by commas in the order they were given.
//!
//! Values are octets. What is not ASCII is signed as it is sent.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html#create-canonical-request>

use crate::canonical::sink::Sink;

/// One header that is signed. A repeated header has an entry for each of its values.
#[derive(Clone, Copy)]
struct Entry<'a> {
    /// The first eight octets of the name, which sort as the name does. Names seldom agree in them,
    /// so that they are seldom compared any further.
    start: u64,
    name: &'a str,
    value: &'a [u8],
}

impl<'a> Entry<'a> {
    const EMPTY: Self = Self {
        start: 0,
        name: "",
        value: b"",
    };

    #[inline]
    fn new(name: &'a str, value: &'a [u8]) -> Self {
        let bytes = name.as_bytes();
        let start = match bytes.first_chunk() {
            Some(start) => *start,
            None => {
                let mut start = [0; 8];
                start[..bytes.len()].copy_from_slice(bytes);
                start
            }
        };
        Self {
            start: u64::from_be_bytes(start),
            name,
            value,
        }
    }

    #[inline]
    fn sorts_before(&self, other: &Self) -> bool {
        self.start < other.start || (self.start == other.start && self.name < other.name)
    }

    #[inline]
    fn repeats(&self, other: &Self) -> bool {
        self.start == other.start && self.name == other.name
    }
}

/// The headers that are signed, sorted by name; on the stack unless there are many.
#[derive(Clone)]
pub(crate) struct SignedHeaders<'a> {
    few: [Entry<'a>; FEW],
    count: usize,
    many: Vec<Entry<'a>>,
}

const FEW: usize = 16;

impl<'a> SignedHeaders<'a> {
    pub(crate) const fn new() -> Self {
        Self {
            few: [Entry::EMPTY; FEW],
            count: 0,
            many: Vec::new(),
        }
    }

    /// Adds a header behind those of the same name.
    #[inline]
    pub(crate) fn push(&mut self, name: &'a str, value: &'a [u8]) {
        let entry = Entry::new(name, value);
        if self.count < FEW {
            // Most headers are few enough to be sorted while they come in.
            let mut at = self.count;
            while at > 0 && entry.sorts_before(&self.few[at - 1]) {
                self.few[at] = self.few[at - 1];
                at -= 1;
            }
            self.few[at] = entry;
            self.count += 1;
        } else {
            if self.many.is_empty() {
                self.many.extend_from_slice(&self.few);
            }
            self.many.push(entry);
        }
    }

    /// Sorts what [`push`](Self::push) has left for later. To be called before anything is written.
    pub(crate) fn sort(&mut self) {
        self.many.sort_by_key(|entry| entry.name);
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
        for (at, entry) in entries.iter().enumerate() {
            if at > 0 && entries[at - 1].repeats(entry) {
                sink.put(b",");
            } else {
                if at > 0 {
                    sink.put(b"\n");
                }
                sink.put_str(entry.name);
                sink.put(b":");
            }
            write_value(entry.value, sink);
        }
        sink.put(b"\n");
    }

    /// Returns the names, each once, sorted.
    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        let entries = self.entries();
        entries
            .iter()
            .enumerate()
            .filter(|&(at, entry)| at == 0 || !entries[at - 1].repeats(entry))
            .map(|(_, entry)| entry.name)
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

    /// Returns the names with semicolons between them.
    pub(crate) fn names_text(&self) -> Vec<u8> {
        let mut text = Vec::with_capacity(self.names_len());
        self.write_names_to(&mut text);
        text
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

/// Tells whether a value differs from its canonical form.
fn needs_folding(value: &[u8]) -> bool {
    // What is not a blank is greater than both of them. The least octet is found with vector
    // instructions, and most values hold no blank at all.
    let least = value.iter().fold(u8::MAX, |least, &byte| least.min(byte));
    least <= b' ' && {
        let is_double = |pair: &[u8]| pair == b"  ";
        value.contains(&b'\t')
            || value.starts_with(b" ")
            || value.ends_with(b" ")
            || value.windows(2).any(is_double)
    }
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
