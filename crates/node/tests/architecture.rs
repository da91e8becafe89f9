//! The invariants of ARCHITECTURE.md that can be read from `cargo metadata`: who may depend on
//! whom, where the heavy libraries stay, one version of arrow, permissive licences only.

#[path = "architecture/modules.rs"]
mod modules;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    fs,
    path::{Path, PathBuf},
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

/// The dependencies that each crate may have on others of the workspace.
const ALLOWED_EDGES: [(&str, &[&str]); 16] = [
    ("ligate-model", &[]),
    ("ligate-files", &["ligate-model"]),
    ("ligate-genotypes", &[]),
    ("ligate-formats", &["ligate-model", "ligate-genotypes"]),
    ("ligate-records", &["ligate-model", "ligate-formats"]),
    (
        "ligate-lake",
        &[
            "ligate-model",
            "ligate-files",
            "ligate-genotypes",
            "ligate-formats",
            "ligate-records",
        ],
    ),
    ("ligate-analysis", &["ligate-model", "ligate-genotypes"]),
    (
        "ligate-knowledge",
        &["ligate-model", "ligate-formats", "ligate-records"],
    ),
    (
        "ligate-clinic",
        &[
            "ligate-model",
            "ligate-formats",
            "ligate-records",
            "ligate-knowledge",
        ],
    ),
    (
        "ligate-evaluation",
        &["ligate-model", "ligate-knowledge", "ligate-clinic"],
    ),
    ("ligate-listener", &["ligate-access"]),
    ("ligate-api", &["ligate-model", "ligate-listener"]),
    ("ligate-disclosure", &["ligate-model", "ligate-files"]),
    ("ligate-access", &["ligate-model", "ligate-files"]),
    (
        "ligate-federation",
        &[
            "ligate-model",
            "ligate-files",
            "ligate-access",
            "ligate-disclosure",
        ],
    ),
    (
        "ligate",
        &[
            "ligate-model",
            "ligate-files",
            "ligate-genotypes",
            "ligate-formats",
            "ligate-lake",
            "ligate-analysis",
            "ligate-records",
            "ligate-knowledge",
            "ligate-clinic",
            "ligate-evaluation",
            "ligate-api",
            "ligate-disclosure",
            "ligate-access",
            "ligate-federation",
            "ligate-listener",
        ],
    ),
];

/// The modules of the binary from the ground up: each may use those before it, and none after it.
const NODE_LAYERS: [&str; 20] = [
    "output",
    "interrupt",
    "progress",
    "config",
    "folder",
    "session",
    "gate",
    "permits",
    "books",
    "revocations",
    "registry",
    "recovery",
    "report",
    "diagnosis",
    "matchmaking",
    "run",
    "serve",
    "cli",
    "commands",
    "demo",
];

/// Libraries that only the named crates may use directly, so that the others build and test in
/// seconds.
const CONFINED: [(&str, &[&str]); 10] = [
    ("datafusion", &["ligate-lake"]),
    ("arrow", &["ligate-lake"]),
    ("parquet", &["ligate-lake"]),
    ("clap", &["ligate"]),
    ("anyhow", &["ligate"]),
    ("hyper", &["ligate-listener", "ligate-federation"]),
    ("axum", &["ligate", "ligate-listener", "ligate-api"]),
    (
        "tokio",
        &[
            "ligate",
            "ligate-listener",
            "ligate-api",
            "ligate-federation",
        ],
    ),
    ("ureq", &["ligate"]),
    ("prost", &["ligate-records"]),
];

/// Licences that may be linked into the binary.
const PERMISSIVE: [&str; 14] = [
    "Apache-2.0",
    "MIT",
    "MIT-0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unlicense",
    "0BSD",
    "CC0-1.0",
    "BSL-1.0",
    "Unicode-3.0",
    "CDLA-Permissive-2.0",
    "bzip2-1.0.6",
];

fn metadata() -> Metadata {
    MetadataCommand::new()
        .exec()
        .expect("cargo metadata runs in a checkout")
}

fn direct_dependencies(package: &Package) -> BTreeSet<&str> {
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != DependencyKind::Development)
        .map(|dependency| dependency.name.as_str())
        .collect()
}

#[test]
fn arrows_point_down_only() {
    let metadata = metadata();
    let allowed: BTreeMap<_, _> = ALLOWED_EDGES.into_iter().collect();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let may = allowed
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not in ALLOWED_EDGES; add it"));
        for dependency in direct_dependencies(package)
            .into_iter()
            .filter(|name| name.starts_with("ligate"))
        {
            assert!(
                may.contains(&dependency),
                "{name} may not depend on {dependency}"
            );
        }
    }
}

#[test]
fn within_the_binary_arrows_point_down_too() {
    let layer = |name: &String| {
        let found = NODE_LAYERS.iter().position(|layer| layer == name);
        found.unwrap_or_else(|| panic!("{name} is not in NODE_LAYERS; add it where it belongs"))
    };
    let uses = modules::uses(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(uses.len() > 100, "{} modules", uses.len());
    for (own, others) in &uses {
        let Some(name) = own.first() else { continue };
        for other in others.iter().filter_map(|other| other.first()) {
            let down = layer(other) <= layer(name);
            assert!(down, "{} may not use {other}", own.join("::"));
        }
    }
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut count = 0;
    for entry in fs::read_dir(crates).expect("the crates") {
        let src = entry.expect("a crate").path().join("src");
        let circle = modules::circle(&modules::uses(&src));
        let names = circle
            .iter()
            .flatten()
            .map(|module| module.join("::"))
            .collect::<Vec<_>>();
        assert_eq!(circle, None, "{}: {}", src.display(), names.join(" -> "));
        count += 1;
    }
    assert!(count > 15, "{count} crates");
}

#[test]
fn heavy_libraries_stay_where_they_belong() {
    let metadata = metadata();
    for package in metadata.workspace_packages() {
        let dependencies = direct_dependencies(package);
        for (library, users) in CONFINED {
            let uses = dependencies.contains(library);
            assert!(
                !uses || users.contains(&package.name.as_str()),
                "{} may not use {library}",
                package.name
            );
        }
    }
}

/// What must survive a crash is written by `ligate-files`: elsewhere a folder that is not synced,
/// or a file that others can read for a moment, would not be noticed.
#[test]
fn one_crate_waits_for_the_disk() {
    let own_ways = [
        ".sync_all(",
        ".sync_data(",
        ".persist(",
        ".persist_noclobber(",
        "FlockOperation",
    ];
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let others = fs::read_dir(crates)
        .expect("the crates")
        .map(|entry| entry.expect("a crate").path());
    let others: Vec<PathBuf> = others.filter(|path| !path.ends_with("files")).collect();
    assert!(others.len() > 10, "{others:?}");
    for path in others.iter().flat_map(|path| sources(&path.join("src"))) {
        let text = fs::read_to_string(&path).expect("text");
        let own = own_ways.into_iter().find(|way| text.contains(way));
        assert_eq!(own, None, "{}: use ligate-files", path.display());
    }
}

/// A ledger that is opened elsewhere has no audit log as its witness.
#[test]
fn one_module_opens_the_ledgers() {
    let all = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let opens = |path: &&PathBuf| {
        fs::read_to_string(path)
            .expect("text")
            .contains("Ledger::open(")
    };
    let opening: Vec<_> = all
        .iter()
        .filter(opens)
        .filter_map(|path| path.file_name())
        .collect();
    assert_eq!(opening, ["books.rs"]);
}

/// The Rust files below a folder.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the sources") {
            let path = entry.expect("a file").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                files.push(path);
            }
        }
    }
    files
}

#[test]
fn there_is_one_arrow() {
    let metadata = metadata();
    for library in ["arrow", "parquet", "object_store"] {
        let versions: BTreeSet<_> = metadata
            .packages
            .iter()
            .filter(|package| package.name.as_str() == library)
            .map(|package| package.version.to_string())
            .collect();
        assert!(
            versions.len() <= 1,
            "{library} is there in versions {versions:?}"
        );
    }
}

#[test]
fn every_licence_is_permissive() {
    let metadata = metadata();
    let packages: HashMap<_, _> = metadata
        .packages
        .iter()
        .map(|package| (&package.id, package))
        .collect();
    for id in linked(&metadata) {
        let package = packages[id];
        let licence = package.license.as_deref().unwrap_or("");
        assert!(
            is_permissive(licence),
            "{} {} is under \"{licence}\"",
            package.name,
            package.version
        );
    }
}

/// Everything that can end up in the binary: normal dependencies, all the way down.
fn linked(metadata: &Metadata) -> HashSet<&PackageId> {
    let resolve = metadata
        .resolve
        .as_ref()
        .expect("metadata has a resolved graph");
    let nodes: HashMap<_, _> = resolve.nodes.iter().map(|node| (&node.id, node)).collect();
    let mut open: Vec<_> = metadata.workspace_members.iter().collect();
    let mut seen = HashSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let normal = |dependency: &&cargo_metadata::NodeDep| {
            dependency
                .dep_kinds
                .iter()
                .any(|kind| kind.kind == DependencyKind::Normal)
        };
        open.extend(
            nodes[id]
                .deps
                .iter()
                .filter(normal)
                .map(|dependency| &dependency.pkg),
        );
    }
    seen
}

/// Whether an SPDX expression leaves a choice that is permissive in all its parts. OR binds weaker
/// than AND.
fn is_permissive(expression: &str) -> bool {
    let expression = expression.trim();
    let alternatives = split_outside_parentheses(expression, &[" OR ", "/"]);
    if alternatives.len() > 1 {
        return alternatives.into_iter().any(is_permissive);
    }
    let parts = split_outside_parentheses(expression, &[" AND "]);
    if parts.len() > 1 {
        return parts.into_iter().all(is_permissive);
    }
    match expression
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
    {
        Some(inner) => is_permissive(inner),
        None => PERMISSIVE.contains(&expression.split(" WITH ").next().unwrap_or("")),
    }
}

fn split_outside_parentheses<'a>(text: &'a str, separators: &[&str]) -> Vec<&'a str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (index, letter) in text.char_indices() {
        depth += i32::from(letter == '(') - i32::from(letter == ')');
        let here = separators
            .iter()
            .find(|separator| text[index..].starts_with(**separator));
        if let (Some(separator), 0) = (here, depth) {
            parts.push(&text[start..index]);
            start = index + separator.len();
        }
    }
    parts.push(text.get(start..).unwrap_or(""));
    parts
}

#[test]
fn licence_expressions_are_read() {
    assert!(is_permissive("MIT OR Apache-2.0"));
    assert!(is_permissive("Unlicense/MIT"));
    assert!(is_permissive("(Apache-2.0 OR MIT) AND BSD-3-Clause"));
    assert!(!is_permissive("(MIT OR Apache-2.0) AND LGPL-3.0"));
    assert!(!is_permissive("LGPL-3.0"));
    assert!(!is_permissive("MIT AND GPL-3.0"));
    assert!(!is_permissive(""));
}
