//! A page of the documentation: its links, its headings, its blocks of code, and where it is.

use std::fs;
use std::path::Path;
use std::path::PathBuf;

use pulldown_cmark::BrokenLink;
use pulldown_cmark::CodeBlockKind;
use pulldown_cmark::Event;
use pulldown_cmark::LinkType;
use pulldown_cmark::Options;
use pulldown_cmark::Parser;
use pulldown_cmark::Tag;
use pulldown_cmark::TagEnd;

/// A file in Markdown.
#[derive(Debug)]
pub(crate) struct Page {
    /// Its path below the root of the repository.
    pub(crate) path: PathBuf,
    pub(crate) text: String,
    pub(crate) links: Vec<Link>,
    pub(crate) blocks: Vec<Block>,
    /// Labels in brackets that are code and have no definition: to GitHub they are no links.
    pub(crate) undefined: Vec<String>,
    /// The anchors of its headings, as GitHub and rustdoc make them.
    pub(crate) anchors: Vec<String>,
}

/// A link on a page.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) target: String,
    /// Whether it is one by a label, `[text][label]`, with a definition elsewhere on the page.
    pub(crate) is_by_label: bool,
}

/// A block of code between fences.
#[derive(Debug)]
pub(crate) struct Block {
    /// What stands behind the opening fence: nothing means Rust.
    pub(crate) language: String,
    pub(crate) text: String,
}

impl Page {
    /// Reads a page, which is named by its path below the root.
    pub(crate) fn read(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let text = fs::read_to_string(root().join(&path)).unwrap();
        Self::parse(path, text)
    }

    pub(crate) fn parse(path: PathBuf, text: String) -> Self {
        let mut undefined = Vec::new();
        let (mut links, mut anchors) = (Vec::new(), Vec::new());
        let mut heading: Option<String> = None;
        let mut blocks = Vec::new();
        let mut block: Option<Block> = None;
        let mut note = |broken: BrokenLink<'_>| {
            undefined.push(broken.reference.to_string());
            None
        };
        let options = Options::ENABLE_TABLES;
        let parser = Parser::new_with_broken_link_callback(&text, options, Some(&mut note));
        for event in parser {
            match event {
                Event::Start(Tag::Link {
                    link_type,
                    dest_url,
                    ..
                }) => links.push(Link {
                    target: dest_url.to_string(),
                    is_by_label: matches!(
                        link_type,
                        LinkType::Reference | LinkType::Collapsed | LinkType::Shortcut
                    ),
                }),
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => {
                    anchors.extend(heading.take().map(|text| anchor(&text)));
                }
                Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) => {
                    block = Some(Block {
                        language: language.to_string(),
                        text: String::new(),
                    });
                }
                Event::End(TagEnd::CodeBlock) => blocks.extend(block.take()),
                Event::Text(piece) | Event::Code(piece) => {
                    if let Some(block) = &mut block {
                        block.text.push_str(&piece);
                    }
                    if let Some(heading) = &mut heading {
                        heading.push_str(&piece);
                    }
                }
                _ => {}
            }
        }
        undefined.retain(|label| label.starts_with('`'));
        Self {
            path,
            text,
            links,
            blocks,
            undefined,
            anchors,
        }
    }

    /// Returns its path, with a slash between its parts on every system.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string().replace('\\', "/")
    }

    /// Returns its blocks in a language.
    pub(crate) fn blocks_in(&self, language: &str) -> impl Iterator<Item = &str> {
        let blocks = self.blocks.iter();
        let blocks = blocks.filter(move |block| block.language == language);
        blocks.map(|block| &*block.text)
    }

    /// Returns the definitions of labels, `[label]: target`, in the order in which they stand.
    pub(crate) fn definitions(&self) -> Vec<(&str, &str)> {
        let lines = self.text.lines();
        lines
            .filter_map(|line| line.strip_prefix('[')?.split_once("]: "))
            .collect()
    }
}

/// Returns the anchor of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter_map(|character| match character {
        ' ' => Some('-'),
        '-' | '_' => Some(character),
        _ if character.is_alphanumeric() => Some(character),
        _ => None,
    });
    kept.flat_map(char::to_lowercase).collect()
}

/// Returns the pages of a folder, by name.
pub(crate) fn pages_in(folder: &str) -> Vec<Page> {
    let mut names: Vec<_> = fs::read_dir(root().join(folder))
        .unwrap()
        .map(|entry| Path::new(folder).join(entry.unwrap().file_name()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    names.sort();
    names.into_iter().map(Page::read).collect()
}

/// Returns the guides: the pages of `docs/` but for its index.
pub(crate) fn guides() -> Vec<Page> {
    let mut pages = pages_in("docs");
    pages.retain(|page| !page.path.ends_with("README.md"));
    assert!(pages.len() > 5, "the guides are in docs/");
    pages
}

/// Returns every page that people read as a file. The READMEs of the crates are rustdoc's.
pub(crate) fn pages() -> Vec<Page> {
    let mut pages = vec![];
    for folder in [
        ".",
        "docs",
        "docs/decisions",
        "docs/recipes",
        "bench",
        "fuzz",
    ] {
        pages.extend(pages_in(folder));
    }
    for folder in examples() {
        pages.extend(pages_in(&folder));
    }
    pages
}

/// Returns the folders of the examples: those with a manifest, whatever else is beside them.
pub(crate) fn examples() -> Vec<String> {
    let entries = fs::read_dir(root().join("examples")).unwrap();
    let folders = entries.map(|entry| Path::new("examples").join(entry.unwrap().file_name()));
    let folders = folders.filter(|folder| root().join(folder).join("Cargo.toml").exists());
    folders.map(|folder| folder.display().to_string()).collect()
}

/// Returns the root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
