//! Which files of a crate use which, by the paths that they write: `crate::`, `super::`, `self::`
//! and names of their own modules. Enough for rules about layers; what a macro would make of it is
//! not looked at.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// A module as the names on the way to it; the root of a crate has none.
pub type Module = Vec<String>;

/// The modules of a crate, each with those that it uses beside its own parents and children.
pub type Uses = BTreeMap<Module, BTreeSet<Module>>;

/// The uses among the files below a crate's `src`. Tests do not count: they may look anywhere.
pub fn uses(src: &Path) -> Uses {
    let files: BTreeMap<Module, PathBuf> = super::sources(src)
        .into_iter()
        .map(|path| (module(src, &path), path))
        .collect();
    let known: BTreeSet<Module> = files.keys().cloned().collect();
    let is_test = |module: &Module| module.last().is_some_and(|name| name == "tests");
    let of_file = |(own, path): (&Module, &PathBuf)| {
        let text = without_tests(&fs::read_to_string(path).expect("text"));
        let targets = paths(&text)
            .iter()
            .filter_map(|path| resolve(own, path, &known))
            .collect::<BTreeSet<_>>();
        (
            own.clone(),
            targets
                .into_iter()
                .filter(|other| !related(own, other))
                .collect(),
        )
    };
    files
        .iter()
        .filter(|(module, _)| !is_test(module))
        .map(of_file)
        .collect()
}

/// A circle of uses, if there is one: each module uses the next, the last one the first.
pub fn circle(uses: &Uses) -> Option<Vec<Module>> {
    let mut done = BTreeSet::new();
    uses.keys()
        .find_map(|start| circle_from(start, uses, &mut Vec::new(), &mut done))
}

fn circle_from(
    module: &Module,
    uses: &Uses,
    way: &mut Vec<Module>,
    done: &mut BTreeSet<Module>,
) -> Option<Vec<Module>> {
    if let Some(start) = way.iter().position(|passed| passed == module) {
        return Some(way[start..].to_vec());
    }
    if !done.insert(module.clone()) {
        return None;
    }
    way.push(module.clone());
    let found = uses
        .get(module)?
        .iter()
        .find_map(|next| circle_from(next, uses, way, done));
    way.pop();
    found
}

fn module(src: &Path, path: &Path) -> Module {
    let relative = path
        .strip_prefix(src)
        .expect("below src")
        .with_extension("");
    let names: Module = relative
        .iter()
        .map(|name| name.to_string_lossy().into_owned())
        .collect();
    match names.last().map(String::as_str) {
        Some("mod") => names[..names.len() - 1].to_vec(),
        Some("lib" | "main") if names.len() == 1 => Vec::new(),
        _ => names,
    }
}

fn related(one: &Module, other: &Module) -> bool {
    one.starts_with(other) || other.starts_with(one)
}

/// The code without comments and without the test module at its end.
fn without_tests(text: &str) -> String {
    let code = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default();
    code.lines()
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Every path of the code that begins at a module.
fn paths(code: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    for statement in code.split(';') {
        let tree = statement.rsplit_once("use ").map(|(_, tree)| tree.trim());
        if let Some(tree) = tree.filter(|tree| !tree.is_empty()) {
            flatten(&[], tree, &mut found);
        }
    }
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let end = code[at..].find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
            let path = &code[at..end.map_or(code.len(), |end| at + end)];
            found.push(
                path.trim_end_matches(':')
                    .split("::")
                    .map(str::to_owned)
                    .collect(),
            );
        }
    }
    found
}

/// The paths of one tree of a `use`: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn flatten(before: &[String], tree: &str, found: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let (path, group) = match tree.find('{') {
        Some(open) => (&tree[..open], Some(tree[open + 1..].trim_end_matches('}'))),
        None => (tree.split(" as ").next().unwrap_or_default(), None),
    };
    let names = path
        .trim()
        .trim_end_matches("::")
        .split("::")
        .filter(|name| !name.is_empty());
    let whole: Vec<String> = before
        .iter()
        .cloned()
        .chain(names.map(|name| name.trim().to_owned()))
        .collect();
    let Some(group) = group else {
        found.push(whole);
        return;
    };
    let (mut depth, mut start) = (0, 0);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                flatten(&whole, &group[start..at], found);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !group[start..].trim().is_empty() {
        flatten(&whole, &group[start..], found);
    }
}

/// The module that a path of `own` leads into: the longest beginning of it that is one.
fn resolve(own: &Module, path: &[String], known: &BTreeSet<Module>) -> Option<Module> {
    let mut base = own.clone();
    let mut rest = path;
    match path.first().map(String::as_str)? {
        "crate" => (base, rest) = (Vec::new(), &path[1..]),
        "self" => rest = &path[1..],
        "super" => {
            while rest.first().is_some_and(|name| name == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        name if known.contains(&[&own[..], &[name.to_owned()]].concat()) => {}
        _ => return None,
    }
    for name in rest {
        base.push(name.clone());
        if !known.contains(&base) {
            base.pop();
            break;
        }
    }
    Some(base)
}

#[test]
fn uses_are_found_however_they_are_written() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write("lib.rs", "mod a;\nmod b;\nmod c;\n");
    write(
        "a.rs",
        "mod inner;\nuse crate::{\n    b::{One, Two as Other},\n    d,\n};\n",
    );
    write("a/inner.rs", "fn f() { super::super::c::g() }\n");
    write(
        "b.rs",
        "// use crate::c;\nuse std::fs;\n\n#[cfg(test)]\nmod tests {\n    use crate::c;\n}\n",
    );
    write("c.rs", "use super::a::inner;\n");
    let names = |module: &[&str]| {
        module
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<Module>()
    };
    let found = uses(dir.path());
    assert_eq!(found[&names(&["a"])], BTreeSet::from([names(&["b"])]));
    assert_eq!(
        found[&names(&["a", "inner"])],
        BTreeSet::from([names(&["c"])])
    );
    assert!(found[&names(&["b"])].is_empty());
    assert_eq!(
        circle(&found),
        Some(vec![names(&["a", "inner"]), names(&["c"])])
    );
}
