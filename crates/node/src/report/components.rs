//! What every page is made of: the shell, tables that can be slid sideways, lists, pairs of names
//! and values. All text that a page is given is escaped by the templates; only pictures, which are
//! made here too, are taken as markup.

use maud::{DOCTYPE, Markup, PreEscaped, Render, html};

const STYLE: &str = include_str!("page.css");

/// The whole page: complete, without scripts, nothing loaded from elsewhere.
pub(super) fn shell(title: &str, class: &str, body: &Markup) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body class=(class) {
                main { (body) }
            }
        }
    };
    page.into_string()
}

/// A picture of ours.
pub(super) fn picture(svg: String) -> Markup {
    PreEscaped(svg)
}

/// A picture that is wider than a telephone: it can be slid, and a line says so where it has to be.
pub(super) fn wide_picture(what: &str, svg: String) -> Markup {
    html! {
        p.hint { "The picture is wider than this screen: slide it sideways." }
        figure.wide tabindex="0" role="region" aria-label=(what) { (picture(svg)) }
    }
}

/// A table that can be slid where it is wider than the page; a shadow at the edge shows that there
/// is more.
pub(super) fn table(class: &str, columns: &[&str], rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label="Table" {
            table class=[Some(class).filter(|class| !class.is_empty())] {
                @if !columns.is_empty() {
                    thead { tr { @for column in columns { th scope="col" { (column) } } } }
                }
                tbody { (rows) }
            }
        }
    }
}

/// A table of two columns under a heading; nothing where there are no rows.
pub(super) fn pairs(heading: &str, columns: [&str; 2], rows: &[(String, String)]) -> Markup {
    let body = html! {
        @for (name, value) in rows { tr { td { (name) } td { (value) } } }
    };
    html! {
        @if !rows.is_empty() {
            div {
                h3 { (heading) }
                (table("pairs", &columns, &body))
            }
        }
    }
}

/// A list of sentences.
pub(super) fn list(items: impl IntoIterator<Item = impl Render>) -> Markup {
    html! { ul { @for item in items { li { (item) } } } }
}

/// What stands in small letters under something.
pub(super) fn under(text: impl Render) -> Markup {
    html! { span.under { (text) } }
}

/// Pieces with a separator between them.
pub(super) fn joined(pieces: impl IntoIterator<Item = Markup>, separator: &str) -> Markup {
    let pieces: Vec<String> = pieces.into_iter().map(PreEscaped::into_string).collect();
    PreEscaped(pieces.join(&html! { (separator) }.into_string()))
}
