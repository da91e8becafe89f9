//! Opens one file: undoes its compression, and tells by name and content what it holds.

use std::{io::Read, path::Path, sync::Arc};

use ligate_formats::{ReadError, text::Input};

use super::{BYTES_MAX, Source, document::Document, folder::extension, lines::Lines};
use crate::{phenopacket::from_protobuf, term_list};

/// Bytes that are looked at to tell text from protobuf.
const LOOKED_AT: usize = 4096;

enum Kind {
    Json,
    Protobuf,
    List,
}

pub(super) fn open(file: &Arc<Path>, in_folder: bool) -> Result<Source, ReadError> {
    let reader = Input::open(file)?.into_text();
    let extension = extension(file).unwrap_or_default();
    if matches!(extension.as_str(), "jsonl" | "ndjson") {
        return Ok(Source::Lines(Lines::new(
            Arc::clone(file),
            Box::new(reader),
        )));
    }
    let bytes = whole(file, reader)?;
    let document = match kind(&extension, &bytes) {
        Kind::Json => Document::json(Arc::clone(file), text(file, bytes)?),
        Kind::Protobuf => Document::protobuf(Arc::clone(file), from_protobuf(&bytes)),
        Kind::List => {
            let text = text(file, bytes)?;
            let is_other = in_folder && !text.contains("HP:") && !text.contains("HP_");
            let list = (!is_other).then(|| term_list::parse(&text));
            Document::list(Arc::clone(file), list)
        }
    };
    Ok(Source::Document(Box::new(document)))
}

fn whole(file: &Path, reader: impl Read) -> Result<Vec<u8>, ReadError> {
    let mut bytes = Vec::new();
    reader
        .take(BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| ReadError::io(file, error))?;
    if bytes.len() as u64 > BYTES_MAX {
        let message =
            "the file is larger than 64 MiB; give the cases as JSON lines (.jsonl), one a line";
        return Err(ReadError::malformed(file, 1, message));
    }
    Ok(bytes)
}

/// What the content is. A protobuf has control characters near its beginning (the tags of its
/// fields), a text none.
fn kind(extension: &str, bytes: &[u8]) -> Kind {
    let start = &bytes[..bytes.len().min(LOOKED_AT)];
    let is_binary = start
        .iter()
        .any(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace());
    let opens = start.iter().find(|byte| !byte.is_ascii_whitespace());
    match extension {
        "pb" | "protobuf" => Kind::Protobuf,
        _ if is_binary => Kind::Protobuf,
        "json" => Kind::Json,
        _ if matches!(opens, Some(b'{' | b'[')) && !starts_with_id(start) => Kind::Json,
        _ => Kind::List,
    }
}

/// A list may write its ids in brackets.
fn starts_with_id(start: &[u8]) -> bool {
    let start = start.trim_ascii_start();
    let rest = start.strip_prefix(b"[").unwrap_or(start).trim_ascii_start();
    rest.starts_with(b"HP:") || rest.starts_with(b"HP_")
}

fn text(file: &Path, bytes: Vec<u8>) -> Result<String, ReadError> {
    String::from_utf8(bytes)
        .map_err(|_| ReadError::malformed(file, 1, "the text is not UTF-8; save it as UTF-8"))
}
