//! The diagnosis as one HTML page: complete, without scripts, nothing loaded from elsewhere.

use std::fmt::Write;

use super::super::svg::escape;
use super::{Acmg, Candidate, Diagnosis, Feature, Genome, Network, TermName, Variant, picture};

const STYLE: &str = include_str!("../page.css");
const OWN_STYLE: &str = include_str!("page.css");

/// Candidates whose evidence is spelled out.
const EXPLAINED: usize = 5;

/// Features named in a list.
const LISTED: usize = 8;

/// The page.
pub fn page(report: &Diagnosis) -> String {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>Diagnosis report</title>\n\
         <style>{STYLE}{OWN_STYLE}</style>\n</head>\n<body class=\"diagnosis\">\n<main>\n<header>\n\
         <h1>Which diseases explain this patient</h1>\n<p class=\"under\">{} · {}</p>\n</header>\n\
         <p class=\"banner local\" role=\"note\"><strong>{}.</strong></p>\n",
        escape(&report.patient.id),
        escape(&report.date),
        capitalised(&report.notice)
    );
    html.push_str(&candidates(report));
    html.push_str(&changes(report));
    html.push_str(&evidence(report));
    html.push_str(&next(report));
    html.push_str(&report.genome.as_ref().map(genome).unwrap_or_default());
    html.push_str(&panel(report));
    html.push_str(&report.network.as_ref().map(network).unwrap_or_default());
    html.push_str(&about(report));
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|letter| letter.to_uppercase().to_string()).unwrap_or_default();
    escape(&format!("{first}{}", letters.as_str()))
}

fn candidates(report: &Diagnosis) -> String {
    let mut html = String::from("<section>\n<h2>Candidates</h2>\n");
    let _ = writeln!(html, "<p class=\"under\">{}</p>", said(report));
    html.push_str(
        "<div class=\"scroll\"><table class=\"candidates\"><thead><tr><th>Rank</th><th>Probability</th><th>Disease</th>\
         <th>Gene</th><th>Inheritance</th></tr></thead><tbody>\n",
    );
    for candidate in &report.candidates {
        let _ = writeln!(html, "{}", row(candidate));
    }
    let _ = writeln!(
        html,
        "<tr class=\"none\"><td></td><td>{}</td><td colspan=\"3\">none of these diseases</td></tr>",
        bar(report.none_of_these)
    );
    let _ = writeln!(
        html,
        "</tbody></table></div>\n<p class=\"under\">{}</p>\n</section>",
        report.ninety_percent()
    );
    html
}

fn said(report: &Diagnosis) -> String {
    let patient = &report.patient;
    let who: Vec<_> = [&patient.sex, &patient.age].into_iter().flatten().map(String::as_str).collect();
    let mut text = format!("Observed: {}.", names(&patient.observed));
    if !patient.excluded.is_empty() {
        let _ = write!(text, " Looked for and not found: {}.", names(&patient.excluded));
    }
    if !who.is_empty() {
        let _ = write!(text, " {}.", capitalised(&who.join(", ")));
    }
    text
}

fn names(terms: &[TermName]) -> String {
    let name =
        |term: &TermName| format!("<span title=\"{}\">{}</span>", escape(&term.id), escape(&term.name));
    terms.iter().map(name).collect::<Vec<_>>().join("; ")
}

fn row(candidate: &Candidate) -> String {
    let alone = match candidate.rank_alone {
        Some(alone) if alone != candidate.rank => {
            format!("<span class=\"under\">{alone} without peers</span>")
        }
        _ => String::new(),
    };
    format!(
        "<tr><td>{}{alone}</td><td>{}</td><td>{}<span class=\"under\">{}</span></td><td>{}</td><td>{}</td></tr>",
        candidate.rank,
        bar(candidate.probability),
        escape(&candidate.name),
        escape(&candidate.disease),
        escape(&candidate.gene_words()),
        escape(&candidate.inheritance.join(", "))
    )
}

/// A probability as a bar with its number.
fn bar(share: f64) -> String {
    let percent = 100.0 * share.clamp(0.0, 1.0);
    let words = if percent >= 0.05 { format!("{percent:.1}%") } else { "&lt;0.1%".to_owned() };
    format!(
        "<span class=\"bar\"><span style=\"width:{percent:.1}%\"></span></span><span class=\"number\">{words}</span>"
    )
}

fn evidence(report: &Diagnosis) -> String {
    let mut html = format!(
        "<section>\n<h2>Evidence</h2>\n<p class=\"under\">What each observed term adds to a candidate's score (natural \
         logarithm of the likelihood ratio): blue speaks for it, orange against.</p>\n<figure class=\"wide\">{}</figure>\n",
        picture::evidence(report)
    );
    for candidate in report.candidates.iter().take(EXPLAINED) {
        html.push_str(&explanation(candidate));
    }
    html.push_str("</section>\n");
    html
}

fn explanation(candidate: &Candidate) -> String {
    let mut html = format!(
        "<h3>{}. {}</h3>\n<p class=\"under\">Phenotype {:+.2}, re-ranking {:+.2}{}</p>\n<ul>\n",
        candidate.rank,
        escape(&candidate.name),
        candidate.score,
        candidate.shift.total,
        parts(&candidate.shift.parts)
    );
    let mut item = |label: &str, text: String| {
        if !text.is_empty() {
            let _ = writeln!(html, "<li><strong>{label}</strong> {text}</li>");
        }
    };
    item("Matches:", matches(candidate));
    item("Frequent, not recorded:", features(&candidate.missing));
    item("Looked for and not found:", features(&candidate.against));
    item("Left unexplained:", names(&candidate.unexplained));
    html.push_str("</ul>\n");
    html.push_str(&variants(&candidate.variants));
    html
}

/// The parts of the re-ranking that do not round to zero.
fn parts(parts: &[(String, f64)]) -> String {
    let shown = parts.iter().filter(|(_, value)| value.abs() >= 0.005);
    let words: Vec<_> = shown.map(|(name, value)| format!("{} {value:+.2}", escape(name))).collect();
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

fn matches(candidate: &Candidate) -> String {
    let mut best: Vec<_> = candidate.contributions.iter().filter(|part| part.value > 0.0).collect();
    best.sort_by(|a, b| b.value.total_cmp(&a.value));
    let words = best.iter().take(LISTED).map(|part| {
        let by = match &part.matched {
            Some(matched) if matched.id != part.term.id => format!(" by {}", escape(&matched.name)),
            _ => String::new(),
        };
        let frequency = part.frequency.as_ref().map(|text| format!(", {}", escape(text))).unwrap_or_default();
        let references = match part.references.as_slice() {
            [] => String::new(),
            some => format!(", {}", escape(&some.iter().take(2).cloned().collect::<Vec<_>>().join(", "))),
        };
        format!(
            "{}{by} <span class=\"under\">({:+.2}{frequency}{references})</span>",
            escape(&part.term.name),
            part.value
        )
    });
    words.collect::<Vec<_>>().join("; ")
}

fn features(features: &[Feature]) -> String {
    let words =
        |feature: &Feature| format!("{} ({:.0}%)", escape(&feature.term.name), 100.0 * feature.frequency);
    features.iter().take(LISTED).map(words).collect::<Vec<_>>().join("; ")
}

fn variants(variants: &[Variant]) -> String {
    if variants.is_empty() {
        return String::new();
    }
    let mut html = String::from(
        "<div class=\"scroll\"><table><thead><tr><th>Variant</th><th>Consequence</th><th>Frequency</th>\
         <th>Inheritance</th><th>ACMG</th></tr></thead><tbody>\n",
    );
    for variant in variants {
        let _ = writeln!(
            html,
            "<tr><td>{} {}<span class=\"under\">{}, {}</span></td><td>{}<span class=\"under\">{}</span></td><td>{}</td>\
             <td>{}</td><td>{}</td></tr>",
            escape(&variant.gene),
            escape(&variant.variant),
            escape(&variant.assembly),
            escape(&variant.zygosity),
            escape(&variant.consequence),
            escape(variant.hgvs.as_deref().unwrap_or_default()),
            escape(&variant.frequency),
            escape(&variant.inheritance),
            variant.acmg.as_ref().map(acmg).unwrap_or_default()
        );
        for note in &variant.notes {
            let _ = writeln!(
                html,
                "<tr><td colspan=\"5\"><span class=\"under\">{}</span></td></tr>",
                escape(note)
            );
        }
    }
    html.push_str("</tbody></table></div>\n");
    html
}

fn acmg(acmg: &Acmg) -> String {
    let of = |status: &str| {
        let named = acmg.criteria.iter().filter(|criterion| criterion.status == status);
        let word = |criterion: &super::Criterion| {
            format!("<span title=\"{}\">{}</span>", escape(&criterion.reason), escape(&criterion.name))
        };
        named.map(word).collect::<Vec<_>>().join(" ")
    };
    let line = |label: &str, names: String| match names.as_str() {
        "" => String::new(),
        names => format!("<span class=\"under\">{label}: {names}</span>"),
    };
    format!(
        "{} ({} points){}{}{}",
        escape(&acmg.class),
        acmg.points,
        line("met", of("met")),
        line("not met", of("not met")),
        line("not assessable", of("not assessable"))
    )
}

fn next(report: &Diagnosis) -> String {
    if report.examine_next.is_empty() {
        return String::new();
    }
    let mut html = String::from(
        "<section>\n<h2>What to check next</h2>\n<p class=\"under\">Features that separate the leading candidates best, \
         by expected information gain. What was answered already is left out.</p>\n<div class=\"scroll\"><table><thead>\
         <tr><th>Feature</th><th>Bits</th><th>Expected</th><th>If present, speaks for</th></tr></thead><tbody>\n",
    );
    for step in &report.examine_next {
        let _ = writeln!(
            html,
            "<tr><td>{}<span class=\"under\">{}</span></td><td>{:.2}</td><td>{:.0}%</td><td>{}</td></tr>",
            escape(&step.term.name),
            escape(&step.term.id),
            step.bits,
            100.0 * step.expected,
            escape(&step.speaks_for.join("; "))
        );
    }
    html.push_str("</tbody></table></div>\n</section>\n");
    html
}

fn genome(genome: &Genome) -> String {
    let mut html = format!(
        "<section>\n<h2>Genome</h2>\n<p class=\"under\">{} records on {}; {} variants considered. {}</p>\n",
        genome.records,
        escape(&genome.assembly),
        genome.considered,
        escape(&genome.sources.join("; "))
    );
    for warning in &genome.warnings {
        let _ = writeln!(html, "<p class=\"warning\">{}</p>", escape(warning));
    }
    html.push_str("<ul>\n");
    for (what, records) in &genome.not_interpreted {
        let _ = writeln!(html, "<li>Not interpreted: {records} records ({}).</li>", escape(what));
    }
    if !genome.perhaps_not_covered.is_empty() {
        let genes = escape(&genome.perhaps_not_covered.join(", "));
        let _ = writeln!(
            html,
            "<li>Genes of leading candidates in which the file shows nothing, so that they may not be covered: {genes}. \
             No variant is not the same as normal.</li>"
        );
    }
    if let Some(pair) = &genome.two_diagnoses {
        let _ = writeln!(html, "<li>Two diagnoses together: {}</li>", escape(pair));
    }
    if genome.incidental_hidden > 0 {
        let hidden = genome.incidental_hidden;
        let _ = writeln!(
            html,
            "<li>{hidden} findings in genes that do not fit the phenotype are hidden; they are shown only on request \
             (--incidental).</li>"
        );
    }
    html.push_str("</ul>\n");
    if !genome.unknown_genes.is_empty() {
        html.push_str("<h3>Genes without a known disease</h3>\n");
        html.push_str(&variants(&genome.unknown_genes));
    }
    if !genome.incidental.is_empty() {
        html.push_str("<h3>Findings that do not fit the phenotype</h3>\n");
        html.push_str(&variants(&genome.incidental));
    }
    html.push_str("</section>\n");
    html
}

fn panel(report: &Diagnosis) -> String {
    let Some(panel) = &report.panel else { return String::new() };
    let mut html = format!(
        "<section>\n<h2>Outside the panel</h2>\n<p class=\"under\">{}: {} genes. The candidates above are the panel's; \
         these lie outside it.</p>\n<ul>\n",
        escape(&panel.name),
        panel.genes
    );
    for (rank, name, probability) in &panel.outside {
        let _ = writeln!(
            html,
            "<li>{} (rank {rank}, {:.1}% without the panel)</li>",
            escape(name),
            100.0 * probability
        );
    }
    if panel.outside.is_empty() {
        html.push_str("<li>nothing among the leading candidates</li>\n");
    }
    if !panel.unknown.is_empty() {
        let _ = writeln!(html, "<li>Not known as genes: {}</li>", escape(&panel.unknown.join(", ")));
    }
    html.push_str("</ul>\n</section>\n");
    html
}

fn network(network: &Network) -> String {
    let mut html = String::from("<section>\n<h2>What other registries know</h2>\n<ul>\n");
    for peer in &network.peers {
        let what = match &peer.refused {
            None => format!(
                "{} counts of {} diseases, fetched {}",
                peer.counts,
                peer.diseases,
                escape(&peer.fetched)
            ),
            Some(reason) => format!("not used: {}", escape(reason)),
        };
        let _ = writeln!(html, "<li>{}: {what}</li>", escape(&peer.name));
    }
    html.push_str("</ul>\n<div class=\"scroll\"><table><thead><tr><th>Disease</th><th>Rank by phenotype with all</th><th>With none</th>");
    let names = network.ranks.first().map(|row| row.without.as_slice()).unwrap_or_default();
    for (peer, _) in names {
        let _ = write!(html, "<th>Without {}</th>", escape(peer));
    }
    html.push_str("</tr></thead><tbody>\n");
    for row in &network.ranks {
        let without: String = row.without.iter().map(|(_, rank)| format!("<td>{rank}</td>")).collect();
        let _ = writeln!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td>{without}</tr>",
            escape(&row.disease),
            row.with_all,
            row.with_none
        );
    }
    html.push_str("</tbody></table></div>\n</section>\n");
    html
}

fn changes(report: &Diagnosis) -> String {
    let Some(changes) = &report.changes else { return String::new() };
    let mut html = format!("<section>\n<h2>Since the report of {}</h2>\n<ul>\n", escape(&changes.since));
    let before = html.len();
    for sentence in changes.versions.iter().chain(&changes.terms).chain(&changes.candidates) {
        let _ = writeln!(html, "<li>{}</li>", escape(sentence));
    }
    if html.len() == before {
        html.push_str("<li>Nothing changed.</li>\n");
    }
    html.push_str("</ul>\n</section>\n");
    html
}

fn about(report: &Diagnosis) -> String {
    let mut html = String::from("<section>\n<h2>How to read it, and on what it rests</h2>\n<ul>\n");
    for sentence in report.limits.iter().chain(&report.notes) {
        let _ = writeln!(html, "<li>{}</li>", escape(sentence));
    }
    html.push_str("</ul>\n<div class=\"scroll\"><table class=\"pairs\"><tbody>\n");
    for version in &report.versions {
        let _ =
            writeln!(html, "<tr><td>{}</td><td>{}</td></tr>", escape(&version.what), escape(&version.which));
    }
    html.push_str("</tbody></table></div>\n</section>\n");
    html
}

#[cfg(test)]
mod tests {
    use super::{super::example::diagnosis, *};

    #[test]
    fn the_page_stands_alone_and_carries_the_notice() {
        let html = page(&diagnosis());
        assert!(
            html.contains("Research use only; not a medical device; confirm in an accredited laboratory.")
        );
        assert!(!html.contains("<script") && !html.contains("<link") && !html.contains("@import"));
        assert_eq!(html.matches("http").count(), html.matches("http://www.w3.org/2000/svg").count());
        for element in ["section", "div", "ul", "table", "tr", "td"] {
            let opened =
                html.matches(&format!("<{element}>")).count() + html.matches(&format!("<{element} ")).count();
            assert_eq!(opened, html.matches(&format!("</{element}>")).count(), "{element}");
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
