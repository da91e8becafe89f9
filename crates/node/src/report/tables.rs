//! The tables of the page.

use std::fmt::Write;

use super::{
    Association, GENOME_WIDE, LEAD_WINDOW, Method, Node, Planted, Trait,
    figures::{count, effect, p_value},
    is_strongest_within, lead_variants,
    svg::escape,
};

/// Lead variants that are listed; a strongly inflated study could have thousands.
const MOST_LEADS: usize = 60;

/// Longer alleles are cut in the page; the files have them whole.
const MOST_BASES: usize = 12;

/// The strongest within 1 Mb each, and every planted variant wherever it came to stand.
pub(super) fn leads(of: &Trait) -> String {
    let shown = shown(of);
    let mut html = String::from("<h3>Strongest within 1 Mb, p below 5 × 10⁻⁸</h3>\n");
    html.push_str(&planted_summary(of));
    if shown.rows.is_empty() {
        html.push_str("<p>None.</p>\n");
    } else {
        let _ = write!(html, "<div class=\"scroll\"><table class=\"leads\">\n{}<tbody>\n", head(of));
        for row in &shown.rows {
            html.push_str(&lead_row(of, *row));
        }
        html.push_str("</tbody></table></div>\n");
    }
    if shown.left_out > 0 {
        let _ =
            writeln!(html, "<p>{} more are in the table beside this page.</p>", count(shown.left_out as u64));
    }
    for planted in of.planted.iter().filter(|planted| find(of, planted).is_none()) {
        let name = escape(&variant(&planted.place));
        let _ =
            writeln!(html, "<p>Planted but without a result: {name}, effect {}.</p>", effect(planted.effect));
    }
    html
}

/// How many of the planted variants came out on top of their surroundings.
fn planted_summary(of: &Trait) -> String {
    if of.planted.is_empty() {
        return String::new();
    }
    let on_top = |planted: &&Planted| find(of, planted).is_some_and(|index| is_strongest(of, index));
    let strongest = of.planted.iter().filter(on_top).count();
    let how_many = match of.planted.len() {
        all if all == strongest => format!("all {all}"),
        all => format!("{strongest} of the {all}"),
    };
    format!(
        "<p>The trait is simulated: {how_many} planted variants are the strongest within 1 Mb. Planted variants are \
         listed even where p is above the line.</p>\n"
    )
}

fn is_strongest(of: &Trait, index: usize) -> bool {
    is_strongest_within(&of.associations, index, LEAD_WINDOW)
}

struct Shown {
    rows: Vec<usize>,
    left_out: usize,
}

fn shown(of: &Trait) -> Shown {
    let mut leads = lead_variants(&of.associations, LEAD_WINDOW, GENOME_WIDE);
    let left_out = leads.len().saturating_sub(MOST_LEADS);
    leads.truncate(MOST_LEADS);
    let planted: Vec<_> = of.planted.iter().filter_map(|planted| find(of, planted)).collect();
    leads.extend(planted);
    leads.sort_by(|&a, &b| {
        of.associations[b].neg_log10_p.total_cmp(&of.associations[a].neg_log10_p).then(a.cmp(&b))
    });
    leads.dedup();
    Shown { rows: leads, left_out }
}

fn find(of: &Trait, planted: &Planted) -> Option<usize> {
    of.associations.iter().position(|row| row.place == planted.place)
}

fn has_baseline(of: &Trait) -> bool {
    of.associations.iter().any(|row| row.baseline.is_some())
}

fn head(of: &Trait) -> String {
    let mut cells = vec!["Variant", "Name", "Effect ± SE"];
    if of.method == Method::Logistic {
        cells.extend(["Odds ratio", "Test"]);
    }
    cells.extend(["p", "EAF", "n", "Sites"]);
    if has_baseline(of) {
        cells.push("Meta-analysis ± SE");
    }
    if !of.planted.is_empty() {
        cells.push("Planted effect");
    }
    let cells: String = cells.iter().map(|cell| format!("<th scope=\"col\">{cell}</th>")).collect();
    format!("<thead><tr>{cells}</tr></thead>\n")
}

fn lead_row(of: &Trait, index: usize) -> String {
    let row = &of.associations[index];
    let mut cells = vec![
        escape(&variant(&row.place)),
        escape(row.id.as_deref().unwrap_or("–")),
        with_error(row.beta, row.standard_error),
    ];
    if of.method == Method::Logistic {
        cells.extend([effect(row.beta.exp()), escape(&row.test)]);
    }
    cells.extend([
        p_value(row.neg_log10_p),
        format!("{:.3}", row.allele_frequency),
        count(row.n),
        row.sites.to_string(),
    ]);
    if has_baseline(of) {
        cells.push(row.baseline.map_or_else(|| "–".to_owned(), |(beta, error)| with_error(beta, error)));
    }
    let planted = of.planted.iter().find(|planted| planted.place == row.place);
    if !of.planted.is_empty() {
        cells.push(planted.map_or_else(|| "–".to_owned(), |planted| planted_cell(of, index, row, planted)));
    }
    let class = if planted.is_some() { " class=\"planted\"" } else { "" };
    let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
    format!("<tr{class}>{cells}</tr>\n")
}

fn planted_cell(of: &Trait, index: usize, row: &Association, planted: &Planted) -> String {
    let mut notes = Vec::new();
    if row.neg_log10_p <= -GENOME_WIDE.log10() {
        notes.push("p above 5 × 10⁻⁸");
    }
    if !is_strongest(of, index) {
        notes.push("not the strongest within 1 Mb");
    }
    let notes = notes.iter().map(|note| format!("<span class=\"under\">{note}</span>")).collect::<String>();
    format!("{}{notes}", effect(planted.effect))
}

fn with_error(value: f64, error: f64) -> String {
    format!("{} ± {}", effect(value), effect(error))
}

fn variant(place: &super::Place) -> String {
    format!("{} {}>{}", place.position_label(), short(&place.reference), short(&place.alternate))
}

fn short(allele: &str) -> String {
    let bases = allele.chars().count();
    if bases <= MOST_BASES {
        return allele.to_owned();
    }
    format!("{}… ({bases} bases)", allele.chars().take(MOST_BASES - 4).collect::<String>())
}

/// Reasons and numbers of keys without a result.
pub(super) fn suppressed(of: &Trait) -> String {
    let rows: Vec<_> = of.suppressed.iter().map(|(reason, keys)| (reason.clone(), count(*keys))).collect();
    if rows.is_empty() {
        return String::from("<p>Every variant that the sites offered has a result.</p>\n");
    }
    pairs("Without a result", "Reason", "Variants", &rows)
}

pub(super) fn nodes(nodes: &[Node]) -> String {
    if nodes.is_empty() {
        return String::new();
    }
    let with_people = nodes.iter().any(|node| node.people.is_some());
    let mut html = String::from("<div><h3>Nodes</h3>\n<div class=\"scroll\"><table><thead><tr>");
    for (name, wanted) in [
        ("Node", true),
        ("Country", true),
        ("Dataset", true),
        ("Snapshot", true),
        ("People", with_people),
        ("Answered", true),
    ] {
        if wanted {
            let _ = write!(html, "<th scope=\"col\">{name}</th>");
        }
    }
    html.push_str("</tr></thead><tbody>\n");
    for node in nodes {
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td><code>{}</code></td>",
            escape(&node.name),
            escape(&node.country),
            escape(&node.dataset),
            escape(&node.snapshot)
        );
        if with_people {
            let _ = write!(html, "<td>{}</td>", node.people.map_or_else(|| "–".to_owned(), count));
        }
        let _ = writeln!(html, "<td>{}</td></tr>", if node.answered { "yes" } else { "no" });
    }
    html.push_str("</tbody></table></div></div>\n");
    html
}

/// A table of two columns under a heading; nothing where there are no rows.
pub(super) fn pairs(heading: &str, first: &str, second: &str, rows: &[(String, String)]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut html = format!(
        "<div><h3>{heading}</h3>\n<div class=\"scroll\"><table class=\"pairs\"><thead><tr><th scope=\"col\">{first}</th>\
         <th scope=\"col\">{second}</th></tr></thead><tbody>\n"
    );
    for (name, value) in rows {
        let _ = writeln!(html, "<tr><td>{}</td><td>{}</td></tr>", escape(name), escape(value));
    }
    html.push_str("</tbody></table></div></div>\n");
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::study;

    #[test]
    fn planted_variants_are_listed_wherever_they_stand() {
        let html = leads(&study());
        assert_eq!(html.matches("<tr class=\"planted\">").count(), 2);
        assert_eq!(html.matches("<tr>").count(), 2, "the head and one lead that was not planted");
        assert!(html.contains("2 of the 3 planted variants are the strongest within 1 Mb"));
        assert!(html.contains("−0.200<span class=\"under\">p above 5 × 10⁻⁸</span>"));
        assert!(html.contains("Planted but without a result: 3:5 C&gt;T"));
    }

    #[test]
    fn columns_match_their_head() {
        for method in [Method::Linear, Method::Logistic] {
            let html = leads(&Trait { method, ..study() });
            let (heads, cells) = (html.matches("<th ").count(), html.matches("<td>").count());
            assert_eq!(cells, heads * 3, "{method:?}");
        }
    }

    #[test]
    fn an_inflated_study_has_a_bounded_list() {
        let mut of = study();
        of.planted.clear();
        of.associations =
            (1..200).map(|i| crate::report::example::association(1, i * 1_500_000, 9.0)).collect();
        let html = leads(&of);
        assert_eq!(html.matches("<tr>").count(), 1 + MOST_LEADS);
        assert!(html.contains("139 more are in the table"));
    }

    #[test]
    fn long_alleles_are_cut() {
        assert_eq!(short("ACGTACGTACGTACGT"), "ACGTACGT… (16 bases)");
        assert_eq!(short("ACGT"), "ACGT");
    }
}
