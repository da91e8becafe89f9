//! Text as files have it: whatever wraps it, line by line, as a table, or whole. Every file that
//! this workspace reads as text, and every variant file, comes through here.

mod input;
mod lines;
mod table;
mod whole;

pub(crate) use input::{CHUNK, Chunk};
pub use input::{Input, TextReader};
pub use lines::{Line, Lines};
pub use table::Table;
pub use whole::{columns, fields, numbered_lines, read};
