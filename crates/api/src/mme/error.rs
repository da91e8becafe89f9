//! Refusals in the standard's form: a status, and a body with a message and the versions that are
//! understood.

use serde_json::json;

use super::Version;

/// Why a request is refused. No message repeats what the request holds of a patient.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MmeError {
    #[error("the body is not JSON of a match request (line {line}, column {column})")]
    Malformed { line: usize, column: usize },
    #[error("{0}")]
    Incomplete(&'static str),
    #[error("the token in X-Auth-Token is missing or not known here")]
    Unauthorized,
    #[error("this address takes {0} only")]
    Method(&'static str),
    #[error("there is nothing at this address")]
    NotFound,
    #[error("unsupported API version")]
    NotAcceptable,
    #[error("the body came too slowly")]
    Slow,
    #[error("the body was cut off")]
    CutOff,
    #[error("the body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the body is to be application/vnd.ga4gh.matchmaker.v1.1+json or application/json")]
    MediaType,
    #[error("too many requests; try again later")]
    Busy,
    #[error("the request could not be answered")]
    Internal,
}

impl MmeError {
    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Self::Malformed { .. } | Self::CutOff => 400,
            Self::Unauthorized => 401,
            Self::NotFound => 404,
            Self::Method(_) => 405,
            Self::NotAcceptable => 406,
            Self::Slow => 408,
            Self::TooLarge(_) => 413,
            Self::MediaType => 415,
            Self::Incomplete(_) => 422,
            Self::Busy => 429,
            Self::Internal => 500,
        }
    }

    /// The body, as JSON.
    pub fn body(&self) -> String {
        let supported: Vec<_> = Version::SUPPORTED.iter().map(ToString::to_string).collect();
        json!({ "message": self.to_string(), "supportedVersions": supported }).to_string()
    }
}
