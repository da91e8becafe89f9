//! The `[revocation]` part of `ligate.toml`: how old a list of revoked permits may be.

use anyhow::{Result, ensure};
use jiff::SignedDuration;
use serde::Deserialize;

/// How long a list is good for before it is fetched anew, and before it says nothing any more.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Revocation {
    /// A list older than this is fetched anew.
    pub fetch_seconds: u64,
    /// Whoever has no list younger than this answers nothing under the issuer's permits.
    pub stale_after_seconds: u64,
}

impl Default for Revocation {
    fn default() -> Self {
        Self {
            fetch_seconds: 300,
            stale_after_seconds: 24 * 60 * 60,
        }
    }
}

impl Revocation {
    /// The largest bound of age: 30 days. Without a bound, an issuer that is cut off could revoke
    /// nothing.
    const STALE_AFTER_SECONDS_MAX: u64 = 30 * 24 * 60 * 60;

    pub fn check(&self) -> Result<()> {
        let most = Self::STALE_AFTER_SECONDS_MAX;
        ensure!(
            (1..=most).contains(&self.stale_after_seconds),
            "stale_after_seconds must be 1 to {most} (30 days)"
        );
        ensure!(
            (1..=self.stale_after_seconds).contains(&self.fetch_seconds),
            "fetch_seconds must be 1 to stale_after_seconds"
        );
        Ok(())
    }

    /// The age from which a list says nothing.
    pub fn stale_after(&self) -> SignedDuration {
        SignedDuration::from_secs(self.stale_after_seconds.min(Self::STALE_AFTER_SECONDS_MAX) as i64)
    }

    /// The age from which a list is fetched anew.
    pub fn fetch_interval(&self) -> SignedDuration {
        SignedDuration::from_secs(self.fetch_seconds.min(Self::STALE_AFTER_SECONDS_MAX) as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_age_of_a_list_is_always_bounded() {
        let settings = |fetch_seconds, stale_after_seconds| Revocation {
            fetch_seconds,
            stale_after_seconds,
        };
        assert!(Revocation::default().check().is_ok());
        assert!(settings(1, 1).check().is_ok());
        for bad in [
            settings(0, 10),
            settings(11, 10),
            settings(1, 0),
            settings(1, u64::MAX),
        ] {
            assert!(bad.check().is_err(), "{bad:?}");
        }
    }
}
