//! Versions of the API in `Accept` and `Content-Type`:
//! `application/vnd.ga4gh.matchmaker.v1.1+json`.

use std::fmt;

use super::MmeError;

/// A version of the API, as 1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    pub major: u16,
    pub minor: u16,
}

impl Version {
    /// What this program understands, oldest first.
    pub const SUPPORTED: [Self; 2] = [Self { major: 1, minor: 0 }, Self { major: 1, minor: 1 }];
    pub const LATEST: Self = Self { major: 1, minor: 1 };

    /// The version that answers one who asks for this: the same major, no older minor.
    fn answered_by(self) -> Option<Self> {
        Self::SUPPORTED
            .into_iter()
            .find(|own| own.major == self.major && own.minor >= self.minor)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}.{}", self.major, self.minor)
    }
}

/// The value of `Content-Type` in this version.
pub fn content_type(version: Version) -> String {
    format!("application/vnd.ga4gh.matchmaker.v{version}+json")
}

/// What a media range asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Range {
    Any,
    Matchmaker(Option<Version>),
    Other,
}

/// The version to answer in. `accept` and `content_type` are the headers, where there are any.
pub fn answer_version(
    accept: Option<&str>,
    content_type: Option<&str>,
) -> Result<Version, MmeError> {
    check_body(content_type)?;
    let Some(accept) = accept else {
        return Ok(Version::LATEST);
    };
    let mut found = None;
    for range in accept.split(',').map(range) {
        let offered = match range {
            Range::Any | Range::Matchmaker(None) => Some(Version::LATEST),
            Range::Matchmaker(Some(version)) => version.answered_by(),
            Range::Other => None,
        };
        found = found.max(offered);
    }
    found.ok_or(MmeError::NotAcceptable)
}

/// Clients in use send plain `application/json`, or no type at all.
fn check_body(content_type: Option<&str>) -> Result<(), MmeError> {
    match content_type.map(range) {
        None | Some(Range::Any | Range::Matchmaker(None)) => Ok(()),
        Some(Range::Matchmaker(Some(version))) if version.answered_by().is_some() => Ok(()),
        Some(_) => Err(MmeError::MediaType),
    }
}

fn range(text: &str) -> Range {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    // A quality of zero means "not this".
    let refused = parts.any(|part| {
        let quality = part.strip_prefix("q=").or_else(|| part.strip_prefix("Q="));
        quality.is_some_and(|quality| {
            quality
                .trim()
                .parse::<f32>()
                .is_ok_and(|quality| quality <= 0.0)
        })
    });
    if refused {
        return Range::Other;
    }
    if matches!(name.as_str(), "*/*" | "application/*" | "application/json") {
        return Range::Any;
    }
    let Some(rest) = name.strip_prefix("application/vnd.ga4gh.matchmaker") else {
        return Range::Other;
    };
    let Some(version) = rest.strip_suffix("+json") else {
        return Range::Other;
    };
    if version.is_empty() {
        return Range::Matchmaker(None);
    }
    match version.strip_prefix(".v").and_then(parse_version) {
        Some(version) => Range::Matchmaker(Some(version)),
        None => Range::Other,
    }
}

fn parse_version(text: &str) -> Option<Version> {
    let (major, minor) = text.split_once('.')?;
    Some(Version {
        major: major.parse().ok()?,
        minor: minor.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const V1_0: Version = Version { major: 1, minor: 0 };
    const V1_1: Version = Version { major: 1, minor: 1 };

    #[test]
    fn the_answer_is_in_a_version_that_the_peer_reads() {
        let check = |accept: Option<&str>, expected: Result<Version, MmeError>| {
            assert_eq!(answer_version(accept, None), expected, "{accept:?}");
        };
        check(None, Ok(V1_1));
        check(Some("*/*"), Ok(V1_1));
        check(Some("application/json"), Ok(V1_1));
        check(Some("application/vnd.ga4gh.matchmaker+json"), Ok(V1_1));
        check(Some("application/vnd.ga4gh.matchmaker.v1.1+json"), Ok(V1_1));
        check(Some("application/vnd.ga4gh.matchmaker.v1.0+json"), Ok(V1_0));
        check(
            Some("text/html, application/vnd.ga4gh.matchmaker.v1.0+json;q=0.5"),
            Ok(V1_0),
        );
        check(
            Some("application/vnd.ga4gh.matchmaker.v1.7+json"),
            Err(MmeError::NotAcceptable),
        );
        check(
            Some("application/vnd.ga4gh.matchmaker.v2.0+json"),
            Err(MmeError::NotAcceptable),
        );
        check(Some("text/html"), Err(MmeError::NotAcceptable));
        check(Some("application/json;q=0"), Err(MmeError::NotAcceptable));
    }

    #[test]
    fn bodies_of_another_type_are_refused() {
        let check = |body: &str| answer_version(None, Some(body)).map(|_| ());
        assert_eq!(check("application/json; charset=utf-8"), Ok(()));
        assert_eq!(check("application/vnd.ga4gh.matchmaker.v1.0+json"), Ok(()));
        for other in [
            "text/plain",
            "application/xml",
            "application/vnd.ga4gh.matchmaker.v9.0+json",
            "",
        ] {
            assert_eq!(check(other), Err(MmeError::MediaType), "{other}");
        }
    }
}
