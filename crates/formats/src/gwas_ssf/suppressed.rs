//! The table of keys without a result, each with its reason. It says which and why, and no number
//! about anybody.

use std::io::{self, Write};

use ligate_model::VariantKey;

use super::{checksum::Checked, chromosome_code, table::Written};
use crate::bgzf;

/// The columns of the table, in order.
pub const SUPPRESSED_COLUMNS: [&str; 5] = [
    "chromosome",
    "base_pair_location",
    "effect_allele",
    "other_allele",
    "reason",
];

/// Writes keys and reasons as a bgzip-compressed table, in the order given. Contigs outside the
/// standard keep their name.
pub fn write_suppressed<'a, R: std::fmt::Display>(
    out: impl Write,
    rows: impl IntoIterator<Item = (&'a VariantKey, R)>,
) -> io::Result<Written> {
    let mut table = bgzf::Writer::new(Checked::new(out));
    writeln!(table, "{}", SUPPRESSED_COLUMNS.join("\t"))?;
    let mut count = 0;
    for (key, reason) in rows {
        let chromosome = chromosome_code(&key.contig)
            .map_or_else(|| key.contig.to_string(), |code| code.to_string());
        let reason = reason.to_string().replace(['\t', '\n', '\r'], " ");
        writeln!(
            table,
            "{chromosome}\t{}\t{}\t{}\t{reason}",
            key.position, key.alternate, key.reference
        )?;
        count += 1;
    }
    Ok(Written {
        rows: count,
        md5: table.finish()?.finish(),
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use ligate_model::{Allele, Contig, GateRule, Position};

    use super::*;

    #[test]
    fn says_which_and_why() {
        let key = |contig| VariantKey {
            contig: Contig::new(contig),
            position: Position::new(5),
            reference: Allele::new("A").unwrap(),
            alternate: Allele::new("<DEL>").unwrap(),
        };
        let mut file = Vec::new();
        let keys = [key("X"), key("GL000192.1")];
        let written =
            write_suppressed(&mut file, keys.iter().map(|key| (key, GateRule::Withheld))).unwrap();
        let mut text = String::new();
        flate2::read::MultiGzDecoder::new(&file[..])
            .read_to_string(&mut text)
            .unwrap();
        let expected = "chromosome\tbase_pair_location\teffect_allele\tother_allele\treason\n\
                        23\t5\t<DEL>\tA\tnot every site has calls that can be shown: one lacks the variant, has calls of fewer than nine people in ten, or its calls have changed for a few people since the variant was first shown\n\
                        GL000192.1\t5\t<DEL>\tA\tnot every site has calls that can be shown: one lacks the variant, has calls of fewer than nine people in ten, or its calls have changed for a few people since the variant was first shown\n";
        assert_eq!((text.as_str(), written.rows), (expected, 2));
    }
}
