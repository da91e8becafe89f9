//! The report as one HTML page.

use std::fmt::Write;

use ligate_analysis::inflation::INFLATED;
use maud::{Markup, html};

use super::{
    Identity, Method, Report, Status, Trait, components,
    figures::{count, counted},
    manhattan, qq,
    svg::id,
    tables,
};

/// The page: complete, without scripts, nothing loaded from elsewhere.
pub fn page(report: &Report) -> String {
    let body = html! {
        header {
            h1 { (report.title) }
            p.under { (subtitle(report)) }
        }
        (banner(&report.status))
        (contents(report))
        @for of in &report.traits { (study(of)) }
        (about(report))
    };
    components::shell(&report.title, "study", &body)
}

fn subtitle(report: &Report) -> String {
    let traits: Vec<_> = report.traits.iter().map(|of| of.name.as_str()).collect();
    format!(
        "{} · {} · {}",
        traits.join(", "),
        report.assembly,
        report.date
    )
}

fn banner(status: &Status) -> Markup {
    match status {
        Status::Local => html! {
            p.banner.local role="note" {
                strong { "Local, not released." }
                " Computed on own data without a permit; nothing passed a disclosure gate. These numbers may tell about \
                 single people: keep them inside the organisation."
            }
        },
        Status::Inside { permit } => html! {
            p.banner.inside role="note" {
                strong { "Inside the environment, under permit " (permit) "." }
                " Every association below passed the disclosure gate, at the coordinator and again at every node. No \
                 person's record left its organisation. This page and the files beside it stay in the permit's secure \
                 processing environment: none of them is marked for export."
            }
        },
    }
}

fn contents(report: &Report) -> Markup {
    html! {
        @if report.traits.len() > 1 {
            nav aria-label="Traits" {
                @for of in &report.traits { a href={ "#trait-" (id(&of.name)) } { (of.name) } }
                a href="#about" { "How to read it" }
            }
        }
    }
}

fn study(of: &Trait) -> Markup {
    html! {
        section id={ "trait-" (id(&of.name)) } {
            h2 { (of.name) }
            p.under { (method(of)) }
            (summary(of))
            @if let Some(found) = &of.identity { (identity(found)) }
            (components::wide_picture("Manhattan plot", manhattan(of)))
            div.beside {
                figure { (components::picture(qq(of))) }
                div {
                    (lambda(of.lambda))
                    @if of.sites_asked > 1 {
                        p { "Nodes do not compare who their people are: people who are at two sites count twice." }
                    }
                    (tables::suppressed(of))
                    (files(of))
                }
            }
            (tables::leads(of))
        }
    }
}

fn method(of: &Trait) -> String {
    let regression = match of.method {
        Method::Linear => "Linear regression",
        Method::Logistic => {
            "Logistic regression (score test for all variants, Wald test for the strongest)"
        }
    };
    match of.covariates.as_slice() {
        [] => format!("{regression}, no covariates"),
        covariates => format!("{regression}, adjusted for {}", covariates.join(", ")),
    }
}

fn summary(of: &Trait) -> Markup {
    let cases = of.cases.map(|cases| {
        format!(
            "{} cases, {} controls",
            count(cases),
            count(of.people.saturating_sub(cases))
        )
    });
    let without: u64 = of.suppressed.iter().map(|(_, keys)| keys).sum();
    let figures = [
        ("People", count(of.people), cases.unwrap_or_default()),
        (
            "Sites that answered",
            format!("{} of {}", of.sites_answered, of.sites_asked),
            String::new(),
        ),
        (
            "Variants tested",
            count(of.associations.len() as u64),
            String::new(),
        ),
        (
            "Without a result",
            count(without),
            said_if(without > 0, "reasons below"),
        ),
        (
            "Genomic inflation λ",
            format!("{:.3}", of.lambda),
            said_if(of.lambda > INFLATED, "inflated"),
        ),
    ];
    html! {
        dl.figures {
            @for (name, value, more) in figures {
                div { dt { (name) } dd { (value) } dd.more { (more) } }
            }
        }
    }
}

fn said_if(holds: bool, words: &str) -> String {
    if holds {
        words.to_owned()
    } else {
        String::new()
    }
}

fn identity(identity: &Identity) -> Markup {
    let compared = counted(identity.compared, "variant", "variants");
    let is_are = |number: u64, one: &str, many: &str| match number {
        1 => format!("1 {one}"),
        number => format!("{} {many}", count(number)),
    };
    let pooled_only = match identity.pooled_only {
        0 => String::new(),
        keys => format!(
            " {} only in the pooled result, where no gate is applied.",
            is_are(keys, "variant is", "variants are")
        ),
    };
    let same = identity.different == 0 && identity.federated_only == 0 && identity.compared > 0;
    if same {
        return html! {
            p.verdict.same {
                strong { "Identical in every bit." }
                " For this demonstration all data were also pooled and studied as one dataset: n, allele frequency, beta, \
                 standard error and p agree in every bit for " (compared) "." (pooled_only)
            }
        };
    }
    html! {
        p.verdict.different {
            strong { "Different from the pooled result." }
            " Of " (compared) " compared, " (count(identity.different)) " differ in some bit; "
            (is_are(identity.federated_only, "is", "are")) " only in the federated result." (pooled_only)
        }
    }
}

fn lambda(lambda: f64) -> Markup {
    let value = format!("λ = {lambda:.3}");
    html! {
        @if lambda > INFLATED {
            p.warning {
                strong { (value) ": the test statistics are inflated." }
                " Ancestry is not corrected yet. Where people of different ancestry differ in the trait, every variant \
                 that differs between them looks associated. Do not take an association on this page for one with the \
                 trait until ancestry is accounted for."
            }
        } @else {
            p {
                strong { (value) }
                ": the bulk of the variants looks as it would without any association. Ancestry is not corrected yet; \
                 above " (INFLATED) " this page would warn of it."
            }
        }
    }
}

fn files(of: &Trait) -> Markup {
    html! {
        @if !of.files.is_empty() {
            h3 { "Files" }
            (components::list(of.files.iter().map(|file| html! { a href=(link_target(file)) { (file) } })))
        }
    }
}

/// A file name as a relative address: whatever is not plain is percent-encoded, so no name becomes
/// a scheme or a path.
fn link_target(file: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    file.bytes().fold(String::from("./"), |mut out, b| {
        let _ = if plain(b) {
            write!(out, "{}", char::from(b))
        } else {
            write!(out, "%{b:02X}")
        };
        out
    })
}

fn about(report: &Report) -> Markup {
    html! {
        section id="about" {
            h2 { "How it came about" }
            div.columns {
                (tables::nodes(&report.nodes))
                (components::pairs("Thresholds of the disclosure gate", ["Rule", "Value"], &report.thresholds))
                (components::pairs("Provenance", ["What", "Which"], &report.provenance))
            }
            h2 { "How to read it" }
            dl.reading {
                @for (term, meaning) in READING { dt { (term) } dd { (meaning) } }
            }
        }
    }
}

const READING: [(&str, &str); 7] = [
    (
        "Effect",
        "per copy of the effect allele, which stands behind the > of the variant, with its standard error: in units of \
         the trait, or as log odds for a disease with the odds ratio beside it.",
    ),
    (
        "p",
        "the probability of an effect at least as large by chance alone. A million independent tests are made in a \
         genome, so 5 × 10⁻⁸ is the usual line; 10⁻⁵ is a hint at most.",
    ),
    (
        "Manhattan plot",
        "one dot per variant along the chromosomes. Variants that are inherited together rise together; the diamond is \
         the strongest within 1 Mb.",
    ),
    (
        "QQ plot and λ",
        "all p-values against those of a study without any association. Dots inside the band up to the strong end \
         are what one hopes for; λ is the median of the test statistics over its expectation.",
    ),
    (
        "EAF, n, sites",
        "frequency of the effect allele, people with a call, and sites whose data hold the variant. A site that lacks a \
         variant counts its people as not called, so n differs between variants.",
    ),
    (
        "Meta-analysis",
        "what one would have from combining the sites' own results by inverse variance, for comparison, in tenths of a \
         standard error. Each site's own result has its own level of the trait, so the two differ where sites differ in \
         that, as a disease registry and a biobank do. It is absent where fewer than three sites could give their own.",
    ),
    (
        "Without a result",
        "variants that did not pass the disclosure gate, or whose model could not be fitted. They are not zero: nothing \
         is said about them. The list with reasons is among the files.",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::example::{report, study};

    #[test]
    fn the_page_stands_alone() {
        let html = page(&report());
        assert!(!html.contains("<script") && !html.contains("<link") && !html.contains("@import"));
        let addresses =
            html.matches("http").count() - html.matches("http://www.w3.org/2000/svg").count();
        assert_eq!(addresses, 0);
        assert_eq!(
            html.matches("<section").count(),
            html.matches("</section>").count()
        );
        assert_eq!(html.matches("<div").count(), html.matches("</div>").count());
    }

    #[test]
    fn it_says_on_what_ground() {
        let inside = page(&report());
        assert!(
            inside.contains("Inside the environment, under permit P-2026-1."),
            "{inside}"
        );
        assert!(
            inside.contains("none of them is marked for export") && !inside.contains("eleased")
        );
        let local = page(&Report {
            status: Status::Local,
            ..report()
        });
        assert!(
            local.contains("Local, not released.") && !local.contains("Inside the environment")
        );
    }

    #[test]
    fn inflation_is_called_by_its_name() {
        assert!(!page(&report()).contains("inflated."));
        let inflated = Report {
            traits: vec![Trait {
                lambda: 1.11,
                ..study()
            }],
            ..report()
        };
        assert!(page(&inflated).contains("λ = 1.110: the test statistics are inflated."));
        assert!(page(&inflated).contains("Ancestry is not corrected yet."));
    }

    #[test]
    fn one_differing_bit_is_not_identity() {
        let same = Identity {
            compared: 10,
            different: 0,
            pooled_only: 1,
            federated_only: 0,
        };
        let same_page = identity(&same).into_string();
        assert!(same_page.contains("Identical in every bit"));
        assert!(same_page.contains("1 variant is only in the pooled result"));
        for other in [
            Identity {
                different: 1,
                ..same
            },
            Identity {
                federated_only: 1,
                ..same
            },
            Identity {
                compared: 0,
                ..same
            },
        ] {
            assert!(
                !identity(&other).into_string().contains("Identical"),
                "{other:?}"
            );
        }
    }

    #[test]
    fn nothing_from_outside_becomes_markup() {
        let mut of = study();
        let evil = "<script>alert(1)</script>\"'";
        of.name = evil.to_owned();
        of.covariates = vec![evil.to_owned()];
        of.suppressed = vec![(evil.to_owned(), 1)];
        of.files = vec!["javascript:alert(1)".to_owned(), evil.to_owned()];
        for row in &mut of.associations {
            row.id = Some(evil.to_owned());
            row.place.alternate = evil.to_owned();
        }
        let mut report = report();
        report.title = evil.to_owned();
        report.status = Status::Inside {
            permit: evil.to_owned(),
        };
        report.nodes[0].name = evil.to_owned();
        report.thresholds = vec![(evil.to_owned(), evil.to_owned())];
        report.provenance = vec![(evil.to_owned(), evil.to_owned())];
        report.traits = vec![of.clone(), of];
        let html = page(&report);
        assert!(!html.contains("<script") && !html.contains("href=\"javascript"));
        assert!(html.contains("href=\"./javascript%3Aalert%281%29\""));
    }
}
