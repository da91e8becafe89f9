//! The diagnosis as one HTML page: complete, without scripts, nothing loaded from elsewhere.

use maud::{Markup, html};

use super::super::components::{self, joined, list, under};
use super::{
    Acmg, Candidate, Contribution, Criterion, Diagnosis, Feature, Genome, Network, Panel, PeerUse,
    Standing, TermName, Variant, picture,
};

/// Candidates whose evidence is spelled out.
const EXPLAINED: usize = 5;

/// Features named in a list.
const LISTED: usize = 8;

/// The page.
pub fn page(report: &Diagnosis) -> String {
    let body = html! {
        header {
            h1 { "Which diseases explain this patient" }
            p.under { (report.patient.id) " · " (report.date) }
        }
        p.banner.local role="note" { strong { (capitalised(&report.notice)) "." } }
        (candidates(report))
        (changes(report))
        (evidence(report))
        (next(report))
        @if let Some(found) = &report.genome { (genome(found)) }
        @if let Some(found) = &report.panel { (panel(found)) }
        @if let Some(found) = &report.network { (network(found)) }
        (about(report))
    };
    components::shell("Diagnosis report", "diagnosis", &body)
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters
        .next()
        .map(|letter| letter.to_uppercase().to_string())
        .unwrap_or_default();
    format!("{first}{}", letters.as_str())
}

fn candidates(report: &Diagnosis) -> Markup {
    let rows = html! {
        @for candidate in &report.candidates { (row(candidate)) }
        tr.none {
            td {}
            td { (bar(report.none_of_these)) }
            td colspan="3" { "none of these diseases" }
        }
    };
    html! {
        section {
            h2 { "Candidates" }
            p.under { (said(report)) }
            (components::table("candidates", &["Rank", "Probability", "Disease", "Gene", "Inheritance"], &rows))
            p.under { (report.ninety_percent()) }
        }
    }
}

fn said(report: &Diagnosis) -> Markup {
    let patient = &report.patient;
    let who: Vec<_> = [&patient.sex, &patient.age]
        .into_iter()
        .flatten()
        .map(String::as_str)
        .collect();
    html! {
        "Observed: " (names(&patient.observed)) "."
        @if !patient.excluded.is_empty() { " Looked for and not found: " (names(&patient.excluded)) "." }
        @if !who.is_empty() { " " (capitalised(&who.join(", "))) "." }
    }
}

fn names(terms: &[TermName]) -> Markup {
    joined(
        terms
            .iter()
            .map(|term| html! { span title=(term.id) { (term.name) } }),
        "; ",
    )
}

fn row(candidate: &Candidate) -> Markup {
    let alone = candidate
        .rank_alone
        .filter(|alone| *alone != candidate.rank);
    html! {
        tr {
            td {
                (candidate.rank)
                @if let Some(alone) = alone { (under(html! { (alone) " without peers" })) }
            }
            td { (bar(candidate.probability)) }
            td { (candidate.name) (under(&candidate.disease)) }
            td { (candidate.gene_words()) }
            td { (candidate.inheritance.join(", ")) }
        }
    }
}

/// A probability as a bar with its number.
fn bar(share: f64) -> Markup {
    let percent = 100.0 * share.clamp(0.0, 1.0);
    let words = if percent >= 0.05 {
        format!("{percent:.1}%")
    } else {
        "<0.1%".to_owned()
    };
    html! {
        span.bar { span style=(format!("width:{percent:.1}%")) {} }
        span.number { (words) }
    }
}

fn evidence(report: &Diagnosis) -> Markup {
    html! {
        section {
            h2 { "Evidence" }
            p.under {
                "What each observed term adds to a candidate's score (natural logarithm of the likelihood ratio): blue \
                 speaks for it, orange against."
            }
            (components::wide_picture("Evidence", picture::evidence(report)))
            @for candidate in report.candidates.iter().take(EXPLAINED) { (explanation(candidate)) }
        }
    }
}

fn explanation(candidate: &Candidate) -> Markup {
    let score = format!(
        "Phenotype {:+.2}, re-ranking {:+.2}",
        candidate.score, candidate.shift.total
    );
    let all = [
        ("Matches:", matches(candidate)),
        ("Frequent, not recorded:", features(&candidate.missing)),
        ("Looked for and not found:", features(&candidate.against)),
        ("Left unexplained:", names(&candidate.unexplained)),
    ];
    let said = all.into_iter().filter(|(_, text)| !text.0.is_empty());
    html! {
        h3 { (candidate.rank) ". " (candidate.name) }
        p.under { (score) (parts(&candidate.shift.parts)) }
        (list(said.map(|(label, text)| html! { strong { (label) } " " (text) })))
        (variants(&candidate.variants))
    }
}

/// The parts of the re-ranking that do not round to zero.
fn parts(parts: &[(String, f64)]) -> String {
    let shown = parts.iter().filter(|(_, value)| value.abs() >= 0.005);
    let words: Vec<_> = shown
        .map(|(name, value)| format!("{name} {value:+.2}"))
        .collect();
    if words.is_empty() {
        String::new()
    } else {
        format!(" ({})", words.join(", "))
    }
}

fn matches(candidate: &Candidate) -> Markup {
    let mut best: Vec<_> = candidate
        .contributions
        .iter()
        .filter(|part| part.value > 0.0)
        .collect();
    best.sort_by(|a, b| b.value.total_cmp(&a.value));
    joined(best.into_iter().take(LISTED).map(matched), "; ")
}

/// A term that speaks for a candidate: by which of its features, how frequent that is, and who says
/// so.
fn matched(part: &Contribution) -> Markup {
    let by = part
        .matched
        .as_ref()
        .filter(|matched| matched.id != part.term.id);
    let references: Vec<_> = part.references.iter().take(2).map(String::as_str).collect();
    let mut grounds = vec![format!("{:+.2}", part.value)];
    grounds.extend(part.frequency.clone());
    if !references.is_empty() {
        grounds.push(references.join(", "));
    }
    html! {
        (part.term.name)
        @if let Some(matched) = by { " by " (matched.name) }
        " " (under(html! { "(" (grounds.join(", ")) ")" }))
    }
}

fn features(features: &[Feature]) -> Markup {
    let words = |feature: &Feature| {
        let share = format!(" ({:.0}%)", 100.0 * feature.frequency);
        html! { (feature.term.name) (share) }
    };
    joined(features.iter().take(LISTED).map(words), "; ")
}

fn variants(variants: &[Variant]) -> Markup {
    let rows = html! {
        @for variant in variants {
            (variant_row(variant))
            @for note in &variant.notes { tr { td colspan="5" { (under(note)) } } }
        }
    };
    let columns = ["Variant", "Consequence", "Frequency", "Inheritance", "ACMG"];
    html! { @if !variants.is_empty() { (components::table("", &columns, &rows)) } }
}

fn variant_row(variant: &Variant) -> Markup {
    html! {
        tr {
            td { (variant.gene) " " (variant.variant) (under(html! { (variant.assembly) ", " (variant.zygosity) })) }
            td { (variant.consequence) (under(variant.hgvs.as_deref().unwrap_or_default())) }
            td { (variant.frequency) }
            td { (variant.inheritance) }
            td { @if let Some(found) = &variant.acmg { (acmg(found)) } }
        }
    }
}

fn acmg(acmg: &Acmg) -> Markup {
    let word = |criterion: &Criterion| html! { span title=(criterion.reason) { (criterion.name) } };
    let line = |standing: Standing| {
        let named = acmg
            .criteria
            .iter()
            .filter(|criterion| criterion.status == standing);
        let names = joined(named.map(word), " ");
        html! { @if !names.0.is_empty() { (under(html! { (standing.words()) ": " (names) })) } }
    };
    html! {
        (acmg.class) " (" (acmg.points) " points)"
        @for standing in Standing::ALL { (line(standing)) }
    }
}

fn next(report: &Diagnosis) -> Markup {
    let rows = html! {
        @for step in &report.examine_next {
            tr {
                td { (step.term.name) (under(&step.term.id)) }
                td { (format!("{:.2}", step.bits)) }
                td { (format!("{:.0}%", 100.0 * step.expected)) }
                td { (step.speaks_for.join("; ")) }
            }
        }
    };
    html! {
        @if !report.examine_next.is_empty() {
            section {
                h2 { "What to check next" }
                p.under {
                    "Features that separate the leading candidates best, by expected information gain. What was answered \
                     already is left out."
                }
                (components::table("", &["Feature", "Bits", "Expected", "If present, speaks for"], &rows))
            }
        }
    }
}

fn genome(genome: &Genome) -> Markup {
    html! {
        section {
            h2 { "Genome" }
            p.under {
                (genome.records) " records on " (genome.assembly) "; " (genome.considered) " variants considered. "
                (genome.sources.join("; "))
            }
            @for warning in &genome.warnings { p.warning { (warning) } }
            (list(remarks(genome)))
            @if !genome.unknown_genes.is_empty() {
                h3 { "Genes without a known disease" }
                (variants(&genome.unknown_genes))
            }
            @if !genome.incidental.is_empty() {
                h3 { "Findings that do not fit the phenotype" }
                (variants(&genome.incidental))
            }
        }
    }
}

/// What the genome could not say, or says beside the candidates.
fn remarks(genome: &Genome) -> Vec<String> {
    let unread =
        |(what, records): &(String, u64)| format!("Not interpreted: {records} records ({what}).");
    let mut remarks: Vec<String> = genome.not_interpreted.iter().map(unread).collect();
    if !genome.perhaps_not_covered.is_empty() {
        remarks.push(format!(
            "Genes of leading candidates in which the file shows nothing, so that they may not be covered: {}. No variant \
             is not the same as normal.",
            genome.perhaps_not_covered.join(", ")
        ));
    }
    remarks.extend(
        genome
            .two_diagnoses
            .iter()
            .map(|pair| format!("Two diagnoses together: {pair}")),
    );
    if genome.incidental_hidden > 0 {
        remarks.push(format!(
            "{} findings in genes that do not fit the phenotype are hidden; they are shown only on request (--incidental).",
            genome.incidental_hidden
        ));
    }
    remarks
}

fn panel(panel: &Panel) -> Markup {
    let outside = panel.outside.iter().map(|(rank, name, probability)| {
        format!(
            "{name} (rank {rank}, {:.1}% without the panel)",
            100.0 * probability
        )
    });
    let mut lines: Vec<String> = outside.collect();
    if lines.is_empty() {
        lines.push("nothing among the leading candidates".to_owned());
    }
    if !panel.unknown.is_empty() {
        lines.push(format!("Not known as genes: {}", panel.unknown.join(", ")));
    }
    html! {
        section {
            h2 { "Outside the panel" }
            p.under {
                (panel.name) ": " (panel.genes) " genes. The candidates above are the panel's; these lie outside it."
            }
            (list(lines))
        }
    }
}

fn network(network: &Network) -> Markup {
    let without = network
        .ranks
        .first()
        .map(|row| row.without.as_slice())
        .unwrap_or_default();
    let without: Vec<_> = without
        .iter()
        .map(|(peer, _)| format!("Without {peer}"))
        .collect();
    let mut columns = vec!["Disease", "Rank by phenotype with all", "With none"];
    columns.extend(without.iter().map(String::as_str));
    let rows = html! {
        @for row in &network.ranks {
            tr {
                td { (row.disease) }
                td { (row.with_all) }
                td { (row.with_none) }
                @for (_, rank) in &row.without { td { (rank) } }
            }
        }
    };
    html! {
        section {
            h2 { "What other registries know" }
            (list(network.peers.iter().map(use_of)))
            (components::table("", &columns, &rows))
        }
    }
}

fn use_of(peer: &PeerUse) -> String {
    let PeerUse {
        name,
        counts,
        diseases,
        fetched,
        ..
    } = peer;
    match &peer.refused {
        None => format!("{name}: {counts} counts of {diseases} diseases, fetched {fetched}"),
        Some(reason) => format!("{name}: not used: {reason}"),
    }
}

fn changes(report: &Diagnosis) -> Markup {
    let Some(changes) = &report.changes else {
        return Markup::default();
    };
    let all = [&changes.versions, &changes.terms, &changes.candidates];
    let mut sentences: Vec<&str> = all.into_iter().flatten().map(String::as_str).collect();
    if sentences.is_empty() {
        sentences.push("Nothing changed.");
    }
    html! {
        section {
            h2 { "Since the report of " (changes.since) }
            (list(sentences))
        }
    }
}

fn about(report: &Diagnosis) -> Markup {
    let rows = html! {
        @for version in &report.versions { tr { td { (version.what) } td { (version.which) } } }
    };
    html! {
        section {
            h2 { "How to read it, and on what it rests" }
            (list(report.limits.iter().chain(&report.notes)))
            (components::table("pairs", &[], &rows))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::example::diagnosis, *};

    #[test]
    fn the_page_stands_alone_and_carries_the_notice() {
        let html = page(&diagnosis());
        assert!(html.contains(
            "Research use only; not a medical device; confirm in an accredited laboratory."
        ));
        assert!(!html.contains("<script") && !html.contains("<link") && !html.contains("@import"));
        assert_eq!(
            html.matches("http").count(),
            html.matches("http://www.w3.org/2000/svg").count()
        );
        for element in ["section", "div", "ul", "table", "tr", "td"] {
            let opened = html.matches(&format!("<{element}>")).count()
                + html.matches(&format!("<{element} ")).count();
            assert_eq!(
                opened,
                html.matches(&format!("</{element}>")).count(),
                "{element}"
            );
        }
    }

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let evil = "<script>alert(1)</script>\"'";
        let mut report = diagnosis();
        report.patient.id = evil.to_owned();
        report.patient.observed[0].name = evil.to_owned();
        report.candidates[0].name = evil.to_owned();
        report.candidates[0].gene = Some(evil.to_owned());
        report.candidates[0].contributions[0].term.name = evil.to_owned();
        report.candidates[0].contributions[0].references = vec![evil.to_owned()];
        report.versions[0].which = evil.to_owned();
        report.notes = vec![evil.to_owned()];
        assert!(!page(&report).contains("<script"));
    }
}
