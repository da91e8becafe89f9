//! The report as one HTML page.

use std::fmt::Write;

use super::{
    Identity, Method, Report, Status, Trait,
    figures::{count, counted},
    manhattan, qq,
    svg::{escape, id},
    tables,
};

const STYLE: &str = include_str!("page.css");

/// Above this lambda the page warns that test statistics are inflated.
const INFLATED: f64 = 1.1;

/// The page: complete, without scripts, nothing loaded from elsewhere.
pub fn page(report: &Report) -> String {
    let title = escape(&report.title);
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n</head>\n<body>\n<main>\n<header>\n<h1>{title}</h1>\n<p class=\"under\">{}</p>\n\
         </header>\n",
        escape(&subtitle(report))
    );
    html.push_str(&banner(&report.status));
    html.push_str(&contents(report));
    for of in &report.traits {
        html.push_str(&study(of));
    }
    html.push_str(&about(report));
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

fn subtitle(report: &Report) -> String {
    let traits: Vec<_> = report.traits.iter().map(|of| of.name.as_str()).collect();
    format!("{} · {} · {}", traits.join(", "), report.assembly, report.date)
}

fn banner(status: &Status) -> String {
    match status {
        Status::Local => "<p class=\"banner local\" role=\"note\"><strong>Local, not released.</strong> Computed on own \
                          data without a permit; nothing passed a disclosure gate. These numbers may tell about single \
                          people: keep them inside the organisation.</p>\n"
            .to_owned(),
        Status::Inside { permit } => format!(
            "<p class=\"banner inside\" role=\"note\"><strong>Inside the environment, under permit {}.</strong> Every \
             association below passed the disclosure gate, at the coordinator and again at every node. No person's \
             record left its organisation. This page and the files beside it stay in the permit's secure processing \
             environment: none of them is marked for export.</p>\n",
            escape(permit)
        ),
    }
}

fn contents(report: &Report) -> String {
    if report.traits.len() < 2 {
        return String::new();
    }
    let link = |of: &Trait| format!("<a href=\"#trait-{}\">{}</a>", id(&of.name), escape(&of.name));
    let links: Vec<_> = report.traits.iter().map(link).collect();
    format!("<nav aria-label=\"Traits\">{} <a href=\"#about\">How to read it</a></nav>\n", links.join(" "))
}

fn study(of: &Trait) -> String {
    let mut html = format!(
        "<section id=\"trait-{}\">\n<h2>{}</h2>\n<p class=\"under\">{}</p>\n",
        id(&of.name),
        escape(&of.name),
        escape(&method(of))
    );
    html.push_str(&summary(of));
    html.push_str(&of.identity.as_ref().map(identity).unwrap_or_default());
    let _ = write!(html, "<figure class=\"wide\">{}</figure>\n<div class=\"beside\">\n", manhattan(of));
    let _ = write!(html, "<figure>{}</figure>\n<div>\n{}", qq(of), lambda(of.lambda));
    if of.sites_asked > 1 {
        html.push_str(
            "<p>Nodes do not compare who their people are: people who are at two sites count twice.</p>\n",
        );
    }
    html.push_str(&tables::suppressed(of));
    html.push_str(&files(of));
    html.push_str("</div>\n</div>\n");
    html.push_str(&tables::leads(of));
    html.push_str("</section>\n");
    html
}

fn method(of: &Trait) -> String {
    let regression = match of.method {
        Method::Linear => "Linear regression",
        Method::Logistic => "Logistic regression (score test for all variants, Wald test for the strongest)",
    };
    match of.covariates.as_slice() {
        [] => format!("{regression}, no covariates"),
        covariates => format!("{regression}, adjusted for {}", covariates.join(", ")),
    }
}

fn summary(of: &Trait) -> String {
    let mut html = String::from("<dl class=\"figures\">\n");
    let mut figure = |name: &str, value: &str, more: &str| {
        let _ = writeln!(html, "<div><dt>{name}</dt><dd>{value}</dd><dd class=\"more\">{more}</dd></div>");
    };
    let cases = of
        .cases
        .map(|cases| format!("{} cases, {} controls", count(cases), count(of.people.saturating_sub(cases))));
    figure("People", &count(of.people), &cases.unwrap_or_default());
    let answered = format!("{} of {}", of.sites_answered, of.sites_asked);
    figure("Sites that answered", &answered, "");
    figure("Variants tested", &count(of.associations.len() as u64), "");
    let suppressed = of.suppressed.iter().map(|(_, keys)| keys).sum();
    figure("Without a result", &count(suppressed), "reasons below");
    figure(
        "Genomic inflation λ",
        &format!("{:.3}", of.lambda),
        if of.lambda > INFLATED { "inflated" } else { "" },
    );
    html.push_str("</dl>\n");
    html
}

fn identity(identity: &Identity) -> String {
    let compared = counted(identity.compared, "variant", "variants");
    let pooled_only = match identity.pooled_only {
        0 => String::new(),
        keys => format!(
            " {} only in the pooled result, where no gate is applied.",
            if keys == 1 { "1 variant is".to_owned() } else { format!("{} variants are", count(keys)) }
        ),
    };
    let same = identity.different == 0 && identity.federated_only == 0 && identity.compared > 0;
    if same {
        return format!(
            "<p class=\"verdict same\"><strong>Identical in every bit.</strong> For this demonstration all data were \
             also pooled and studied as one dataset: n, allele frequency, beta, standard error and p agree in every \
             bit for {compared}.{pooled_only}</p>\n"
        );
    }
    format!(
        "<p class=\"verdict different\"><strong>Different from the pooled result.</strong> Of {compared} compared, {} \
         differ in some bit; {} only in the federated result.{pooled_only}</p>\n",
        count(identity.different),
        if identity.federated_only == 1 {
            "1 is".to_owned()
        } else {
            format!("{} are", count(identity.federated_only))
        },
    )
}

fn lambda(lambda: f64) -> String {
    if lambda > INFLATED {
        format!(
            "<p class=\"warning\"><strong>λ = {lambda:.3}: the test statistics are inflated.</strong> Ancestry is not \
             corrected yet. Where people of different ancestry differ in the trait, every variant that differs between \
             them looks associated. Do not take an association on this page for one with the trait until ancestry is \
             accounted for.</p>\n"
        )
    } else {
        format!(
            "<p><strong>λ = {lambda:.3}</strong>: the bulk of the variants looks as it would without any association. \
             Ancestry is not corrected yet; above {INFLATED} this page would warn of it.</p>\n"
        )
    }
}

fn files(of: &Trait) -> String {
    if of.files.is_empty() {
        return String::new();
    }
    let item =
        |file: &String| format!("<li><a href=\"{}\">{}</a></li>", escape(&link_target(file)), escape(file));
    format!("<h3>Files</h3>\n<ul>{}</ul>\n", of.files.iter().map(item).collect::<String>())
}

/// A file name as a relative address: whatever is not plain is percent-encoded, so no name becomes a scheme or a path.
fn link_target(file: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    file.bytes().fold(String::from("./"), |mut out, b| {
        let _ = if plain(b) { write!(out, "{}", char::from(b)) } else { write!(out, "%{b:02X}") };
        out
    })
}

fn about(report: &Report) -> String {
    let mut html =
        String::from("<section id=\"about\">\n<h2>How it came about</h2>\n<div class=\"columns\">\n");
    html.push_str(&tables::nodes(&report.nodes));
    html.push_str(&tables::pairs("Thresholds of the disclosure gate", "Rule", "Value", &report.thresholds));
    html.push_str(&tables::pairs("Provenance", "What", "Which", &report.provenance));
    html.push_str("</div>\n<h2>How to read it</h2>\n<dl class=\"reading\">\n");
    for (term, meaning) in READING {
        let _ = writeln!(html, "<dt>{term}</dt><dd>{meaning}</dd>");
    }
    html.push_str("</dl>\n</section>\n");
    html
}

const READING: [(&str, &str); 7] = [
    (
        "Effect",
        "per copy of the effect allele, which stands behind the &gt; of the variant, with its standard error: in units of \
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
        let addresses = html.matches("http").count() - html.matches("http://www.w3.org/2000/svg").count();
        assert_eq!(addresses, 0);
        assert_eq!(html.matches("<section").count(), html.matches("</section>").count());
        assert_eq!(html.matches("<div").count(), html.matches("</div>").count());
    }

    #[test]
    fn it_says_on_what_ground() {
        let inside = page(&report());
        assert!(inside.contains("Inside the environment, under permit P-2026-1."), "{inside}");
        assert!(inside.contains("none of them is marked for export") && !inside.contains("eleased"));
        let local = page(&Report { status: Status::Local, ..report() });
        assert!(local.contains("Local, not released.") && !local.contains("Inside the environment"));
    }

    #[test]
    fn inflation_is_called_by_its_name() {
        assert!(!page(&report()).contains("inflated."));
        let inflated = Report { traits: vec![Trait { lambda: 1.11, ..study() }], ..report() };
        assert!(page(&inflated).contains("λ = 1.110: the test statistics are inflated."));
        assert!(page(&inflated).contains("Ancestry is not corrected yet."));
    }

    #[test]
    fn one_differing_bit_is_not_identity() {
        let same = Identity { compared: 10, different: 0, pooled_only: 1, federated_only: 0 };
        assert!(identity(&same).contains("Identical in every bit"));
        assert!(identity(&same).contains("1 variant is only in the pooled result"));
        for other in [
            Identity { different: 1, ..same },
            Identity { federated_only: 1, ..same },
            Identity { compared: 0, ..same },
        ] {
            assert!(!identity(&other).contains("Identical"), "{other:?}");
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
        report.status = Status::Inside { permit: evil.to_owned() };
        report.nodes[0].name = evil.to_owned();
        report.thresholds = vec![(evil.to_owned(), evil.to_owned())];
        report.provenance = vec![(evil.to_owned(), evil.to_owned())];
        report.traits = vec![of.clone(), of];
        let html = page(&report);
        assert!(!html.contains("<script") && !html.contains("href=\"javascript"));
        assert!(html.contains("href=\"./javascript%3Aalert%281%29\""));
    }
}
