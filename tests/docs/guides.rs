//! Each guide is a part of the documentation of a crate, and is found there.

use std::fs;

use crate::page::Page;
use crate::page::guides;
use crate::page::root;

const CRATES: [&str; 3] = ["core", "tower", "reqwest"];

/// The module of a crate that holds its guides.
fn module(name: &str) -> String {
    fs::read_to_string(root().join(format!("sigv4-{name}/src/guide.rs"))).unwrap()
}

/// Returns the name of a guide: that of its file.
fn slug(page: &Page) -> String {
    page.path.file_stem().unwrap().display().to_string()
}

fn mount(slug: &str) -> String {
    let module = slug.replace('-', "_");
    format!("#[doc = include_str!(\"../docs/{slug}.md\")]\npub mod {module} {{}}\n")
}

#[test]
fn are_all_in_the_documentation() {
    for page in guides() {
        let mount = mount(&slug(&page));
        let is_mounted = CRATES.iter().any(|name| module(name).contains(&mount));
        assert!(is_mounted, "no guide.rs has\n{mount}");
    }
}

#[test]
fn are_all_in_every_index() {
    let index = Page::read("docs/README.md");
    for page in guides() {
        let slug = slug(&page);
        let file = format!("{slug}.md");
        let is_there = index.links.iter().any(|link| link.target == file);
        assert!(is_there, "docs/README.md has no link to {file}");
        for name in CRATES {
            let row = format!("][{slug}] |");
            assert!(
                module(name).contains(&row),
                "sigv4-{name}: guide.rs, {slug}"
            );
        }
    }
}

/// A link to another file would lead nowhere on a page of rustdoc: there, its label leads to the
/// module that the file is.
#[test]
fn lead_from_one_to_the_other_in_the_documentation_too() {
    for page in guides() {
        for link in &page.links {
            let is_file = !link.target.contains("://") && !link.target.starts_with('#');
            assert!(
                !is_file || link.is_by_label,
                "{}: {} has to be a label",
                page.name(),
                link.target
            );
        }
        for name in CRATES {
            let folder = root().join(format!("sigv4-{name}/src/guide"));
            if !module(name).contains(&mount(&slug(&page))) {
                continue;
            }
            let ours = fs::read_to_string(folder.join("links.md")).unwrap();
            for (label, target) in page.definitions() {
                let is_file = !target.contains("://") && !target.starts_with('#');
                let is_known = ours.contains(&format!("[{label}]: "));
                assert!(
                    is_known || !is_file,
                    "{}: sigv4-{name}/src/guide/links.md does not have [{label}]",
                    page.name()
                );
            }
        }
    }
}
