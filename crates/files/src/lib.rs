//! Files of a node that survive a crash: written whole or not at all, appended to line by line,
//! locked.
//!
//! Whatever a function here has returned from is on disk, the name as well as the content. A file
//! is its owner's alone unless it is written for [`Readers::Everybody`].

mod error;
mod fingerprint;
mod folder;
pub mod form;
mod lines;
mod lock;
mod whole;

pub use error::FileError;
pub use fingerprint::{copy_private, fingerprint};
pub use folder::{
    entries, make_folder, make_private_folder, remove_tree, rename, shut_folder, sync_folder,
    sync_tree,
};
pub use lines::{append_line, read_lines, write_line};
pub use lock::{Claim, Holder, Lock};
pub use whole::{
    Next, Readers, create_private, is_unfinished, read_if_there, replace, replace_alone,
    replace_alone_with, replace_with, write_new,
};
