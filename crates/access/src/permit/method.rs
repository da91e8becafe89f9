//! The methods that a permit can allow.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// What may be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Association of each variant with a quantitative trait.
    GwasLinear,
    /// Association of each variant with a disease.
    GwasLogistic,
}

impl Method {
    pub const ALL: [Self; 2] = [Self::GwasLinear, Self::GwasLogistic];

    pub const fn name(self) -> &'static str {
        match self {
            Self::GwasLinear => "gwas-linear",
            Self::GwasLogistic => "gwas-logistic",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A word that names no method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no method; use gwas-linear or gwas-logistic")]
pub struct UnknownMethod(String);

impl FromStr for Method {
    type Err = UnknownMethod;

    fn from_str(text: &str) -> Result<Self, UnknownMethod> {
        Self::ALL
            .into_iter()
            .find(|method| method.name() == text)
            .ok_or_else(|| UnknownMethod(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_has_one_name() {
        for method in Method::ALL {
            assert_eq!(method.name().parse(), Ok(method));
            assert_eq!(serde_json::to_value(method).unwrap(), method.name());
        }
        assert!("pca".parse::<Method>().is_err());
    }
}
