//! The tables of the page.

use maud::{Markup, html};

use super::{
    Association, GENOME_WIDE, LEAD_WINDOW, Method, Node, Planted, Trait, components,
    figures::{count, effect, p_value},
    is_strongest_within, lead_variants,
};

/// Lead variants that are listed; a strongly inflated study could have thousands.
const MOST_LEADS: usize = 60;

/// Longer alleles are cut in the page; the files have them whole.
const MOST_BASES: usize = 12;

/// The strongest within 1 Mb each, and every planted variant wherever it came to stand.
pub(super) fn leads(of: &Trait) -> Markup {
    let shown = shown(of);
    let rows = html! { @for row in &shown.rows { (lead_row(of, *row)) } };
    let unseen = of
        .planted
        .iter()
        .filter(|planted| find(of, planted).is_none());
    html! {
        h3 { "Strongest within 1 Mb, p below 5 × 10⁻⁸" }
        (planted_summary(of))
        @if shown.rows.is_empty() {
            p { "None." }
        } @else {
            (components::table("leads", &columns(of), &rows))
        }
        @if shown.left_out > 0 {
            p { (count(shown.left_out as u64)) " more are in the table beside this page." }
        }
        @for planted in unseen {
            p { "Planted but without a result: " (variant(&planted.place)) ", effect " (effect(planted.effect)) "." }
        }
    }
}

/// How many of the planted variants came out on top of their surroundings.
fn planted_summary(of: &Trait) -> Markup {
    let on_top =
        |planted: &&Planted| find(of, planted).is_some_and(|index| is_strongest(of, index));
    let strongest = of.planted.iter().filter(on_top).count();
    let how_many = match of.planted.len() {
        all if all == strongest => format!("all {all}"),
        all => format!("{strongest} of the {all}"),
    };
    html! {
        @if !of.planted.is_empty() {
            p {
                "The trait is simulated: " (how_many) " planted variants are the strongest within 1 Mb. Planted variants \
                 are listed even where p is above the line."
            }
        }
    }
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
    let planted: Vec<_> = of
        .planted
        .iter()
        .filter_map(|planted| find(of, planted))
        .collect();
    leads.extend(planted);
    leads.sort_by(|&a, &b| {
        of.associations[b]
            .neg_log10_p
            .total_cmp(&of.associations[a].neg_log10_p)
            .then(a.cmp(&b))
    });
    leads.dedup();
    Shown {
        rows: leads,
        left_out,
    }
}

fn find(of: &Trait, planted: &Planted) -> Option<usize> {
    of.associations
        .iter()
        .position(|row| row.place == planted.place)
}

fn has_baseline(of: &Trait) -> bool {
    of.associations.iter().any(|row| row.baseline.is_some())
}

fn columns(of: &Trait) -> Vec<&'static str> {
    let mut columns = vec!["Variant", "Name", "Effect ± SE"];
    if of.method == Method::Logistic {
        columns.extend(["Odds ratio", "Test"]);
    }
    columns.extend(["p", "EAF", "n", "Sites"]);
    if has_baseline(of) {
        columns.push("Meta-analysis ± SE");
    }
    if !of.planted.is_empty() {
        columns.push("Planted effect");
    }
    columns
}

fn lead_row(of: &Trait, index: usize) -> Markup {
    let row = &of.associations[index];
    let planted = of.planted.iter().find(|planted| planted.place == row.place);
    let baseline = row
        .baseline
        .map_or_else(nothing, |(beta, error)| with_error(beta, error));
    html! {
        tr class=[planted.map(|_| "planted")] {
            td { (variant(&row.place)) }
            td { (row.id.as_deref().unwrap_or("–")) }
            td { (with_error(row.beta, row.standard_error)) }
            @if of.method == Method::Logistic {
                td { (effect(row.beta.exp())) }
                td { (row.test) }
            }
            td { (p_value(row.neg_log10_p)) }
            td { (format!("{:.3}", row.allele_frequency)) }
            td { (count(row.n)) }
            td { (row.sites) }
            @if has_baseline(of) { td { (baseline) } }
            @if !of.planted.is_empty() { td { (planted_cell(of, index, row, planted)) } }
        }
    }
}

fn nothing() -> String {
    "–".to_owned()
}

fn planted_cell(of: &Trait, index: usize, row: &Association, planted: Option<&Planted>) -> Markup {
    let Some(planted) = planted else {
        return html! { (nothing()) };
    };
    html! {
        (effect(planted.effect))
        @if row.neg_log10_p <= -GENOME_WIDE.log10() { (components::under("p above 5 × 10⁻⁸")) }
        @if !is_strongest(of, index) { (components::under("not the strongest within 1 Mb")) }
    }
}

fn with_error(value: f64, error: f64) -> String {
    format!("{} ± {}", effect(value), effect(error))
}

fn variant(place: &super::Place) -> String {
    format!(
        "{} {}>{}",
        place.position_label(),
        short(&place.reference),
        short(&place.alternate)
    )
}

fn short(allele: &str) -> String {
    let bases = allele.chars().count();
    if bases <= MOST_BASES {
        return allele.to_owned();
    }
    format!(
        "{}… ({bases} bases)",
        allele.chars().take(MOST_BASES - 4).collect::<String>()
    )
}

/// Reasons and numbers of keys without a result.
pub(super) fn suppressed(of: &Trait) -> Markup {
    let rows: Vec<_> = of
        .suppressed
        .iter()
        .map(|(reason, keys)| (reason.clone(), count(*keys)))
        .collect();
    if rows.is_empty() {
        return html! { p { "Every variant that the sites offered has a result." } };
    }
    components::pairs("Without a result", ["Reason", "Variants"], &rows)
}

pub(super) fn nodes(nodes: &[Node]) -> Markup {
    let with_people = nodes.iter().any(|node| node.people.is_some());
    let mut columns = vec!["Node", "Country", "Dataset", "Snapshot"];
    if with_people {
        columns.push("People");
    }
    columns.push("Answered");
    let rows = html! {
        @for node in nodes {
            tr {
                td { (node.name) }
                td { (node.country) }
                td { (node.dataset) }
                td { code { (node.snapshot) } }
                @if with_people { td { (node.people.map_or_else(nothing, count)) } }
                td { (if node.answered { "yes" } else { "no" }) }
            }
        }
    };
    html! {
        @if !nodes.is_empty() {
            div {
                h3 { "Nodes" }
                (components::table("", &columns, &rows))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::study;

    #[test]
    fn planted_variants_are_listed_wherever_they_stand() {
        let html = leads(&study()).into_string();
        assert_eq!(html.matches("<tr class=\"planted\">").count(), 2);
        assert_eq!(
            html.matches("<tr>").count(),
            2,
            "the head and one lead that was not planted"
        );
        assert!(html.contains("2 of the 3 planted variants are the strongest within 1 Mb"));
        assert!(html.contains("−0.200<span class=\"under\">p above 5 × 10⁻⁸</span>"));
        assert!(html.contains("Planted but without a result: 3:5 C&gt;T"));
    }

    #[test]
    fn columns_match_their_head() {
        for method in [Method::Linear, Method::Logistic] {
            let html = leads(&Trait { method, ..study() }).into_string();
            let (heads, cells) = (html.matches("<th ").count(), html.matches("<td>").count());
            assert_eq!(cells, heads * 3, "{method:?}");
        }
    }

    #[test]
    fn an_inflated_study_has_a_bounded_list() {
        let mut of = study();
        of.planted.clear();
        of.associations = (1..200)
            .map(|i| crate::report::example::association(1, i * 1_500_000, 9.0))
            .collect();
        let html = leads(&of).into_string();
        assert_eq!(html.matches("<tr>").count(), 1 + MOST_LEADS);
        assert!(html.contains("139 more are in the table"));
    }

    #[test]
    fn long_alleles_are_cut() {
        assert_eq!(short("ACGTACGTACGTACGT"), "ACGTACGT… (16 bases)");
        assert_eq!(short("ACGT"), "ACGT");
    }
}
