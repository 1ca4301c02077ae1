//! Links between files, and from the guides to the documentation of the crates.

use std::fs;
use std::path::Component;
use std::path::Path;
use std::path::PathBuf;

use crate::page::Page;
use crate::page::guides;
use crate::page::pages;
use crate::page::root;

#[test]
fn lead_to_files_and_headings_that_exist() {
    let broken: Vec<_> = pages().iter().flat_map(broken_links).collect();
    assert!(broken.is_empty(), "{broken:#?}");
}

#[test]
fn that_are_broken_are_found() {
    let text = "# A heading, `code`\n[1](#a-heading-code) [2](#another) [3](which-crate.md) \
                [4](none.md) [5](which-crate.md#nothing) [6](../examples/none/) [7][label] [8](std::env)\n\n\
                [label]: nowhere.md\n";
    let page = Page::parse("docs/page.md".into(), text.to_owned());
    let broken = broken_links(&page);
    let targets: Vec<_> = broken
        .iter()
        .filter_map(|text| text.rsplit(' ').next())
        .collect();
    assert_eq!(
        targets,
        [
            "#another",
            "none.md",
            "which-crate.md#nothing",
            "../examples/none/",
            "nowhere.md",
            "std::env"
        ]
    );
}

/// Returns what is wrong with the relative links of a page.
fn broken_links(page: &Page) -> Vec<String> {
    let links = page.links.iter();
    links
        .filter(|link| !link.target.contains("://"))
        .filter(|link| !exists(page, &link.target))
        .map(|link| format!("{} links to {}", page.name(), link.target))
        .collect()
}

fn exists(page: &Page, target: &str) -> bool {
    let (path, anchor) = match target.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (target, None),
    };
    if path.is_empty() {
        return anchor.is_some_and(|anchor| page.anchors.iter().any(|known| known == anchor));
    }
    let folder = page.path.parent().unwrap();
    let Some(path) = normal(&folder.join(path)) else {
        return false;
    };
    let has_anchor = |anchor| {
        let page = Page::read(&path);
        page.anchors.iter().any(|known| known == anchor)
    };
    root().join(&path).exists() && anchor.is_none_or(has_anchor)
}

/// Removes `..` from a path, unless it leads out of the repository.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => normal.pop().then_some(())?,
            Component::CurDir => {}
            other => normal.push(other),
        }
    }
    Some(normal)
}

#[test]
fn to_items_have_a_definition_for_readers_of_the_file() {
    let undefined: Vec<_> = guides()
        .into_iter()
        .filter(|page| !page.undefined.is_empty())
        .map(|page| (page.name(), page.undefined))
        .collect();
    assert!(undefined.is_empty(), "{undefined:#?}");
}

#[test]
fn to_the_documentation_of_a_crate_name_what_there_is() {
    let mut links = 0;
    for page in pages() {
        for link in &page.links {
            let Some(target) = link.target.strip_prefix("https://docs.rs/sigv4-") else {
                continue;
            };
            links += 1;
            let problem = missing_item(target);
            assert_eq!(problem, None, "{}: {}", page.name(), link.target);
        }
    }
    assert!(links > 20, "only {links} links were found");
    for wrong in [
        "core/latest/sigv4_core/struct.Signers.html",
        "core/latest/sigv4_core/struct.Signer.html#method.sing",
        "core/latest/sigv4_core/enum.WireForm.html#variant.Canon",
        "core/latest/sigv4_core/guide/nothing/index.html",
        "core/latest/sigv4_tower/index.html",
    ] {
        assert!(missing_item(wrong).is_some(), "{wrong}");
    }
}

/// Says what is not in the sources of a crate, for `core/latest/sigv4_core/struct.Signer.html`.
fn missing_item(target: &str) -> Option<String> {
    let (page, fragment) = target.split_once('#').unwrap_or((target, ""));
    let mut parts = page.split('/');
    let name = parts.next()?;
    let library = format!("sigv4_{name}");
    if (parts.next(), parts.next()) != (Some("latest"), Some(&*library)) {
        return Some(library);
    }
    let sources = sources(&root().join(format!("sigv4-{name}/src")));
    let rest: Vec<_> = parts.collect();
    let (file, modules) = rest.split_last()?;
    let mut wanted: Vec<_> = modules
        .iter()
        .map(|module| format!("mod {module}"))
        .collect();
    if let [kind, item, "html"] = file.split('.').collect::<Vec<_>>()[..] {
        // A function may be `async`.
        wanted.push(match kind {
            "fn" => format!("fn {item}"),
            "constant" => format!("pub const {item}"),
            kind => format!("pub {kind} {item}"),
        });
    }
    match fragment.split_once('.') {
        Some(("method", method)) => wanted.push(format!("fn {method}")),
        Some(("associatedconstant", constant)) => wanted.push(format!("const {constant}")),
        Some(("variant", variant)) => wanted.push(format!("    {variant}")),
        _ => {}
    }
    wanted
        .into_iter()
        .find(|wanted| !has_word(&sources, wanted))
}

/// Tells whether a text is there and its last word ends there.
fn has_word(sources: &str, wanted: &str) -> bool {
    sources.match_indices(wanted).any(|(at, found)| {
        let next = sources[at + found.len()..].chars().next();
        next.is_some_and(|next| !next.is_alphanumeric() && next != '_')
    })
}

/// Returns all sources below a folder. `pub mod light` is a re-export, and counts.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(path).unwrap());
        }
    }
    text
}
