//! The evidence at a glance: one row for each observed term, one column for each leading candidate,
//! the cell's colour and number what the term adds to the candidate's score.

use super::super::svg::escape;
use super::{Candidate, Diagnosis};
use std::fmt::Write;

/// Candidates and terms in the picture; more would not be looked at.
const COLUMNS: usize = 6;
const ROWS: usize = 24;

const NAME_WIDTH: f64 = 300.0;
const CELL_WIDTH: f64 = 92.0;
const CELL_HEIGHT: f64 = 26.0;
const HEAD: f64 = 62.0;

/// A contribution of this size has the full colour.
const FULL: f64 = 4.0;

/// The picture as SVG; empty where there is nothing to show.
pub(super) fn evidence(report: &Diagnosis) -> String {
    let columns: Vec<_> = report.candidates.iter().take(COLUMNS).collect();
    let Some(first) = columns.first() else {
        return String::new();
    };
    let rows = first.contributions.len().min(ROWS);
    let (width, height) = (
        NAME_WIDTH + CELL_WIDTH * columns.len() as f64,
        HEAD + CELL_HEIGHT * rows as f64 + 8.0,
    );
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" class=\"evidence\" role=\"img\" \
         aria-label=\"What each observed term adds to the score of each leading candidate\">\n"
    );
    for (column, candidate) in columns.iter().enumerate() {
        heading(&mut svg, column, candidate);
    }
    for row in 0..rows {
        let name = &first.contributions[row].term.name;
        text(
            &mut svg,
            "term",
            "end",
            NAME_WIDTH - 10.0,
            middle(row),
            &shortened(name, 44),
        );
        for (column, candidate) in columns.iter().enumerate() {
            // Every candidate is scored over the same terms in the same order.
            if let Some(part) = candidate.contributions.get(row) {
                cell(&mut svg, row, column, part.value, name);
            }
        }
    }
    svg.push_str("</svg>\n");
    svg
}

fn middle(row: usize) -> f64 {
    HEAD + CELL_HEIGHT * row as f64 + CELL_HEIGHT / 2.0 + 4.0
}

fn left(column: usize) -> f64 {
    NAME_WIDTH + CELL_WIDTH * column as f64
}

fn heading(svg: &mut String, column: usize, candidate: &Candidate) {
    let x = left(column) + CELL_WIDTH / 2.0;
    let gene = candidate.gene.as_deref().unwrap_or("no gene");
    text(
        svg,
        "head",
        "middle",
        x,
        20.0,
        &format!("{}. {}", candidate.rank, shortened(gene, 9)),
    );
    text(svg, "small", "middle", x, 37.0, &candidate.disease);
    text(
        svg,
        "small",
        "middle",
        x,
        53.0,
        &format!("{:.1}%", 100.0 * candidate.probability),
    );
}

fn cell(svg: &mut String, row: usize, column: usize, value: f64, name: &str) {
    let side = if value >= 0.0 { "for" } else { "against" };
    let strength = (value.abs() / FULL).min(1.0);
    let (x, y) = (left(column) + 1.0, HEAD + CELL_HEIGHT * row as f64 + 1.0);
    let _ = writeln!(
        svg,
        "<rect class=\"{side}\" fill-opacity=\"{:.2}\" x=\"{x}\" y=\"{y}\" width=\"{}\" height=\"{}\" rx=\"3\">\
         <title>{}: {value:+.2}</title></rect>",
        0.06 + 0.74 * strength,
        CELL_WIDTH - 2.0,
        CELL_HEIGHT - 2.0,
        escape(name)
    );
    text(
        svg,
        "value",
        "middle",
        x + CELL_WIDTH / 2.0 - 1.0,
        middle(row),
        &format!("{value:+.1}"),
    );
}

fn text(svg: &mut String, class: &str, anchor: &str, x: f64, y: f64, words: &str) {
    let words = escape(words);
    let _ = writeln!(
        svg,
        "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x}\" y=\"{y}\">{words}</text>"
    );
}

/// At most `longest` characters, with an ellipsis where some are left out.
fn shortened(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    text.chars().take(longest - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::example::diagnosis, *};

    #[test]
    fn a_cell_for_each_term_and_candidate() {
        let svg = evidence(&diagnosis());
        assert_eq!(svg.matches("<rect").count(), 4);
        assert_eq!(svg.matches("class=\"against\"").count(), 2);
        assert!(
            evidence(&Diagnosis {
                candidates: Vec::new(),
                ..diagnosis()
            })
            .is_empty()
        );
    }

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(shortened("ééééé", 3), "éé…");
        assert_eq!(shortened("abc", 3), "abc");
    }
}
