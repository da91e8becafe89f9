//! Files of sites with frequencies: what is taken of one that does not say it.

use std::path::Path;

/// Frequency that a site has at least where its file lists it without one: gnomAD's list starts
/// there.
pub const LISTED_FROM: f64 = 0.0002;

/// Whether the name says GRCh37; a file that says nothing is of GRCh38.
pub fn is_grch37(path: &Path) -> bool {
    let name = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_ascii_lowercase();
    ["grch37", "hg19", "b37"]
        .iter()
        .any(|assembly| name.contains(assembly))
}
