//! The little of SVG that the plots share: escaping, the frame, and the colours of light and dark.

use std::fmt::Write;

/// Text as it may stand in HTML or SVG, in an element or a quoted attribute. Characters that XML
/// forbids become U+FFFD.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\t' | '\n' => out.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// A text as an XML id: letters, digits and hyphens.
pub(super) fn id(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect()
}

/// Blue and grey of the Okabe-Ito palette's lightness steps alternate, vermilion marks hits:
/// distinct for every kind of colour vision, and hits differ by shape as well.
const STYLE: &str = "\
.lg{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;font-size:12px}\
.lg .bg{fill:#fff}.lg text{fill:#3a444e}.lg .head{font-size:15px;font-weight:600;fill:#1b2127}\
.lg .small{font-size:11px;fill:#5a6570}.lg .name{font-size:11.5px;font-weight:600;fill:#1b2127}\
.lg .axis{stroke:#6b7680;fill:none}.lg .grid{stroke:#e7ebee;fill:none}.lg .break{stroke:#aab3bb;stroke-dasharray:1 4}\
.lg .gw{stroke:#c04a00;stroke-dasharray:7 4}.lg .sug{stroke:#6b7680;stroke-dasharray:2 4}\
.lg .p{fill:none;stroke-linecap:round;stroke-width:4}.lg .a{stroke:#0a66a0}.lg .b{stroke:#7f95a8}\
.lg .hit{stroke:#d55e00;stroke-width:4.6}.lg .lead{fill:#d55e00;stroke:#fff;stroke-width:1}\
.lg .lead.pl{stroke:#1b2127;stroke-width:1.6}\
.lg .tie{stroke:#8a949d;fill:none}.lg .band{fill:#0a66a0;opacity:.13}.lg .diag{stroke:#6b7680;fill:none}\
@media (prefers-color-scheme:dark){.lg .bg{fill:#161b21}.lg text{fill:#b9c3cc}.lg .head,.lg .name{fill:#eef2f5}\
.lg .small{fill:#9ba7b2}.lg .axis,.lg .diag{stroke:#7c8894}.lg .grid{stroke:#252d35}.lg .break{stroke:#56616c}\
.lg .gw{stroke:#ff9a52}.lg .sug{stroke:#7c8894}.lg .a{stroke:#5cb3ec}.lg .b{stroke:#71808e}.lg .hit{stroke:#ff9142}\
.lg .lead{fill:#ff9142;stroke:#161b21}.lg .lead.pl{stroke:#fff}.lg .band{fill:#5cb3ec;opacity:.18}}\
@media print{.lg .bg{fill:#fff}.lg text,.lg .head,.lg .name,.lg .small{fill:#1b2127}.lg .grid{stroke:#e7ebee}\
.lg .a{stroke:#0a66a0}.lg .b{stroke:#7f95a8}.lg .hit{stroke:#d55e00}.lg .lead{fill:#d55e00;stroke:#fff}\
.lg .lead.pl{stroke:#1b2127}.lg .band{fill:#0a66a0}}";

/// A picture under construction. Coordinates are pixels from the top left.
pub(super) struct Svg(String);

impl Svg {
    /// `name` makes the ids unique on a page; `title` and `description` are what a screen reader
    /// says.
    pub(super) fn new(name: &str, width: f64, height: f64, title: &str, description: &str) -> Self {
        let (id, title, description) = (id(name), escape(title), escape(description));
        Self(format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" class=\"lg\" role=\"img\" \
             aria-labelledby=\"{id}-t {id}-d\"><title id=\"{id}-t\">{title}</title><desc id=\"{id}-d\">{description}\
             </desc><style>{STYLE}</style><rect class=\"bg\" width=\"{width}\" height=\"{height}\" rx=\"6\"/>\n"
        ))
    }

    pub(super) fn text(&mut self, class: &str, anchor: &str, x: f64, y: f64, text: &str) {
        let text = escape(text);
        self.raw(format_args!(
            "<text class=\"{class}\" text-anchor=\"{anchor}\" x=\"{x:.1}\" y=\"{y:.1}\">{text}</text>\n"
        ));
    }

    /// A text that reads from the bottom up.
    pub(super) fn upward_text(&mut self, x: f64, y: f64, text: &str) {
        let text = escape(text);
        self.raw(format_args!(
            "<text text-anchor=\"middle\" transform=\"translate({x:.1} {y:.1}) rotate(-90)\">{text}</text>\n"
        ));
    }

    pub(super) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.raw(format_args!(
            "<path class=\"{class}\" d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\"/>\n"
        ));
    }

    /// Round dots as one path: a point is a stroke of no length with round ends, a third of a
    /// circle element's size.
    pub(super) fn dots(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut path = String::new();
        for (x, y) in points {
            let _ = write!(path, "M{x:.1} {y:.1}h0");
        }
        if !path.is_empty() {
            self.raw(format_args!("<path class=\"p {class}\" d=\"{path}\"/>\n"));
        }
    }

    /// A diamond with a text that browsers show on hovering.
    pub(super) fn diamond(&mut self, class: &str, x: f64, y: f64, hover: &str) {
        let hover = escape(hover);
        self.raw(format_args!(
            "<path class=\"{class}\" d=\"M{x:.1} {:.1}l5.5 5.5l-5.5 5.5l-5.5 -5.5z\"><title>{hover}</title></path>\n",
            y - 5.5
        ));
    }

    pub(super) fn polygon(&mut self, class: &str, points: impl IntoIterator<Item = (f64, f64)>) {
        let mut path = String::new();
        for (x, y) in points {
            let _ = write!(
                path,
                "{}{x:.1} {y:.1}",
                if path.is_empty() { 'M' } else { 'L' }
            );
        }
        self.raw(format_args!("<path class=\"{class}\" d=\"{path}z\"/>\n"));
    }

    pub(super) fn finish(mut self) -> String {
        self.0.push_str("</svg>\n");
        self.0
    }

    fn raw(&mut self, content: std::fmt::Arguments<'_>) {
        let _ = self.0.write_fmt(content);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_becomes_markup() {
        assert_eq!(
            escape("<b a='1' c=\"2\">&\u{0}"),
            "&lt;b a=&#39;1&#39; c=&quot;2&quot;&gt;&amp;\u{fffd}"
        );
        assert_eq!(id("a b\"<é"), "a-b---");
        let mut svg = Svg::new("x\"y", 10.0, 10.0, "<t>", "d&d");
        svg.text("small", "start", 1.0, 1.0, "<script>");
        svg.diamond("lead", 1.0, 1.0, "</title>");
        let svg = svg.finish();
        assert!(svg.contains("&lt;script&gt;") && !svg.contains("<script>"));
        assert!(
            svg.contains("<title>&lt;/title&gt;</title>")
                && svg.contains("id=\"x-y-t\">&lt;t&gt;<")
        );
    }
}
