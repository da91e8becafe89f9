//! The ranking as a person reads it in a terminal.

use std::fmt::Write;

use super::{Candidate, Diagnosis, Genome, Variant};

/// Contributions and features shown for each candidate.
const SHOWN: usize = 4;

/// Candidates that are explained; the rest is a line each.
const EXPLAINED: usize = 3;

/// The ranking, what speaks for and against its head, and what to look at next.
pub fn terminal(report: &Diagnosis) -> String {
    let mut out = String::new();
    let (observed, excluded) = (report.patient.observed.len(), report.patient.excluded.len());
    let _ = writeln!(out, "{observed} observed terms, {excluded} excluded\n");
    ranking(&mut out, report);
    for candidate in report.candidates.iter().take(EXPLAINED) {
        explanation(&mut out, candidate);
    }
    next(&mut out, report);
    if let Some(genome) = &report.genome {
        genome_part(&mut out, genome);
    }
    network(&mut out, report);
    outside_panel(&mut out, report);
    changed(&mut out, report);
    for note in &report.notes {
        let _ = writeln!(out, "note: {note}");
    }
    let _ = writeln!(out, "{}", report.notice);
    out
}

fn ranking(out: &mut String, report: &Diagnosis) {
    let _ = writeln!(
        out,
        "{:>4}  {:>11}  {:<10} {:<13} disease",
        "rank", "probability", "gene", "id"
    );
    for candidate in &report.candidates {
        let gene = candidate.gene_words();
        let _ = writeln!(
            out,
            "{:>4}  {:>11}  {gene:<10} {:<13} {}",
            candidate.rank,
            percent(candidate.probability),
            candidate.disease,
            candidate.name
        );
    }
    let _ = writeln!(
        out,
        "{:>4}  {:>11}  none of these diseases",
        "",
        percent(report.none_of_these)
    );
    let _ = writeln!(out, "{}\n", report.ninety_percent());
}

fn percent(share: f64) -> String {
    if share >= 0.0005 {
        format!("{:.1}%", 100.0 * share)
    } else {
        "<0.1%".to_owned()
    }
}

fn explanation(out: &mut String, candidate: &Candidate) {
    let _ = writeln!(
        out,
        "{}. {}: phenotype {:+.2}, re-ranking {:+.2}",
        candidate.rank, candidate.name, candidate.score, candidate.shift.total
    );
    let mut strongest: Vec<_> = candidate.contributions.iter().collect();
    strongest.sort_by(|a, b| b.value.abs().total_cmp(&a.value.abs()));
    for part in strongest.iter().take(SHOWN) {
        let matched = match &part.matched {
            Some(matched) if matched.id != part.term.id => format!(", by {}", matched.name),
            _ => String::new(),
        };
        let frequency = part
            .frequency
            .as_ref()
            .map(|words| format!(" ({words})"))
            .unwrap_or_default();
        let _ = writeln!(
            out,
            "     {:+6.2}  {}{matched}{frequency}",
            part.value, part.term.name
        );
    }
    for variant in candidate.variants.iter().take(SHOWN) {
        let _ = writeln!(out, "     {}", variant_line(variant));
    }
    let missing: Vec<_> = candidate
        .missing
        .iter()
        .take(SHOWN)
        .map(|feature| feature.term.name.as_str())
        .collect();
    if !missing.is_empty() {
        let _ = writeln!(out, "     frequent, not recorded: {}", missing.join("; "));
    }
    out.push('\n');
}

fn variant_line(variant: &Variant) -> String {
    let class = variant
        .acmg
        .as_ref()
        .map(|acmg| format!(", {} ({} points)", acmg.class, acmg.points));
    format!(
        "{} {} {}, {}; {}; {}{}",
        variant.gene,
        variant.variant,
        variant.zygosity,
        variant.consequence,
        variant.frequency,
        variant.inheritance,
        class.unwrap_or_default()
    )
}

fn next(out: &mut String, report: &Diagnosis) {
    if report.examine_next.is_empty() {
        return;
    }
    let _ = writeln!(out, "What to examine next, by expected information:");
    for step in report.examine_next.iter().take(SHOWN) {
        let speaks = step
            .speaks_for
            .iter()
            .take(2)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join("; ");
        let _ = writeln!(
            out,
            "     {:.2} bits  {} (speaks for {speaks})",
            step.bits, step.term.name
        );
    }
    out.push('\n');
}

fn genome_part(out: &mut String, genome: &Genome) {
    let _ = writeln!(
        out,
        "Genome: {} records on {}, {} variants considered. {}",
        genome.records,
        genome.assembly,
        genome.considered,
        genome.sources.join("; ")
    );
    for (what, records) in &genome.not_interpreted {
        let _ = writeln!(out, "     not interpreted: {records} records ({what})");
    }
    if !genome.perhaps_not_covered.is_empty() {
        let _ = writeln!(
            out,
            "     perhaps not covered (\"no variant\" is not \"normal\"): {}",
            genome.perhaps_not_covered.join(", ")
        );
    }
    for variant in genome.unknown_genes.iter().take(SHOWN) {
        let _ = writeln!(
            out,
            "     gene without a known disease: {}",
            variant_line(variant)
        );
    }
    if genome.unknown_genes.len() > SHOWN {
        let more = genome.unknown_genes.len() - SHOWN;
        let _ = writeln!(out, "     and {more} more such variants in the report");
    }
    if let Some(pair) = &genome.two_diagnoses {
        let _ = writeln!(out, "     two diagnoses: {pair}");
    }
    for variant in &genome.incidental {
        let _ = writeln!(out, "     incidental: {}", variant_line(variant));
    }
    if genome.incidental_hidden > 0 {
        let _ = writeln!(
            out,
            "     {} findings in genes that do not fit the phenotype are hidden; --incidental shows them",
            genome.incidental_hidden
        );
    }
    for warning in &genome.warnings {
        let _ = writeln!(out, "warning: {warning}");
    }
    out.push('\n');
}

fn network(out: &mut String, report: &Diagnosis) {
    let Some(network) = &report.network else {
        return;
    };
    for peer in &network.peers {
        match &peer.refused {
            None => {
                let _ = writeln!(
                    out,
                    "Peer {}: {} counts of {} diseases, fetched {}",
                    peer.name, peer.counts, peer.diseases, peer.fetched
                );
            }
            Some(reason) => {
                let _ = writeln!(out, "Peer {}: not used: {reason}", peer.name);
            }
        }
    }
    for row in network
        .ranks
        .iter()
        .filter(|row| row.with_all != row.with_none)
        .take(SHOWN)
    {
        let _ = writeln!(
            out,
            "     {}: rank {} by phenotype with peers, {} without",
            row.disease, row.with_all, row.with_none
        );
    }
    out.push('\n');
}

fn outside_panel(out: &mut String, report: &Diagnosis) {
    let Some(panel) = &report.panel else { return };
    let _ = writeln!(out, "Panel of {} genes. Outside it:", panel.genes);
    if panel.outside.is_empty() {
        let _ = writeln!(out, "     nothing among the leading candidates");
    }
    for (rank, name, probability) in panel.outside.iter().take(SHOWN) {
        let _ = writeln!(
            out,
            "     rank {rank} without the panel: {name} ({})",
            percent(*probability)
        );
    }
    if !panel.unknown.is_empty() {
        let _ = writeln!(out, "     not known as genes: {}", panel.unknown.join(", "));
    }
    out.push('\n');
}

fn changed(out: &mut String, report: &Diagnosis) {
    let Some(changes) = &report.changes else {
        return;
    };
    let _ = writeln!(out, "Since the report of {}:", changes.since);
    let sentences = changes
        .versions
        .iter()
        .chain(&changes.terms)
        .chain(&changes.candidates);
    let mut none = true;
    for sentence in sentences {
        none = false;
        let _ = writeln!(out, "     {sentence}");
    }
    if none {
        let _ = writeln!(out, "     nothing changed");
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::{super::example::diagnosis, *};

    #[test]
    fn the_ranking_comes_first_and_the_notice_last() {
        let text = terminal(&diagnosis());
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], "2 observed terms, 0 excluded");
        assert!(
            lines[3].contains("60.0%")
                && lines[3].contains("FGFR2")
                && lines[3].ends_with("Pfeiffer syndrome")
        );
        assert_eq!(lines.last(), Some(&super::super::NOTICE));
        assert!(text.contains("0.40 bits  Broad hallux"), "{text}");
        assert!(
            text.contains("frequent, not recorded: Hypertelorism"),
            "{text}"
        );
    }
}
