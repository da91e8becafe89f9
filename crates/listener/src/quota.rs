//! How often one client may ask. Every client has a bucket of tokens that fills at a steady rate; a
//! request takes one.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use ligate_access::PublicKey;
use tokio::time::Instant;

use crate::{Client, Limits};

/// Clients whose buckets are remembered. A bucket that is full again is forgotten first, and loses
/// nothing by it.
const CLIENTS_MAX: usize = 4096;

/// Whom a bucket belongs to: the holder of a key, or of a network where there are no keys.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Holder {
    Key(PublicKey),
    Network(std::net::IpAddr),
}

impl From<&Client> for Holder {
    fn from(client: &Client) -> Self {
        client.key.map_or(Self::Network(client.network), Self::Key)
    }
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    filled: Instant,
}

/// The buckets of a port.
pub(crate) struct Quota {
    per_second: f64,
    at_once: f64,
    buckets: Mutex<HashMap<Holder, Bucket>>,
}

impl Quota {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            per_second: f64::from(limits.requests_per_minute_max.max(1)) / 60.0,
            at_once: f64::from(limits.requests_at_once_max.max(1)),
            buckets: Mutex::default(),
        }
    }

    /// Takes a token for one request.
    ///
    /// # Errors
    ///
    /// How long to wait for the next token, where there is none.
    pub(crate) fn take(&self, client: &Client) -> Result<(), Duration> {
        let now = Instant::now();
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CLIENTS_MAX {
            self.forget_full(&mut buckets, now);
        }
        let bucket = buckets.entry(client.into()).or_insert(Bucket {
            tokens: self.at_once,
            filled: now,
        });
        bucket.tokens = self.tokens(bucket, now);
        bucket.filled = now;
        if bucket.tokens >= 1.0 {
            bucket.tokens -= 1.0;
            return Ok(());
        }
        let missing = (1.0 - bucket.tokens) / self.per_second;
        Err(Duration::from_secs_f64(missing))
    }

    fn tokens(&self, bucket: &Bucket, now: Instant) -> f64 {
        let earned = now.duration_since(bucket.filled).as_secs_f64() * self.per_second;
        (bucket.tokens + earned).min(self.at_once)
    }

    /// If all are in use, all begin anew: what is remembered stays bounded, and nobody is turned
    /// away for it.
    fn forget_full(&self, buckets: &mut HashMap<Holder, Bucket>, now: Instant) {
        buckets.retain(|_, bucket| self.tokens(bucket, now) < self.at_once);
        if buckets.len() >= CLIENTS_MAX {
            buckets.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(last: u8) -> Client {
        Client {
            key: None,
            network: [192, 0, 2, last].into(),
        }
    }

    fn quota(per_minute: u32, at_once: u32) -> Quota {
        Quota::new(&Limits {
            requests_per_minute_max: per_minute,
            requests_at_once_max: at_once,
            ..Limits::default()
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_asks_too_often_waits_and_the_others_do_not() {
        let quota = quota(60, 3);
        for _ in 0..3 {
            assert_eq!(quota.take(&client(1)), Ok(()));
        }
        assert_eq!(quota.take(&client(1)), Err(Duration::from_secs(1)));
        assert_eq!(quota.take(&client(2)), Ok(()));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(quota.take(&client(1)), Ok(()));
        assert!(quota.take(&client(1)).is_err());
        // Who was silent for long has no more than all at once.
        tokio::time::advance(Duration::from_secs(1000)).await;
        let answered = (0..10).filter(|_| quota.take(&client(1)).is_ok()).count();
        assert_eq!(answered, 3);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_remembered_is_bounded() {
        let quota = quota(60, 1);
        for number in 0..3 * CLIENTS_MAX as u32 {
            let network = std::net::Ipv4Addr::from_bits(number).into();
            let stranger = Client { key: None, network };
            assert_eq!(quota.take(&stranger), Ok(()));
        }
        assert!(quota.buckets.lock().unwrap().len() <= CLIENTS_MAX);
    }
}
