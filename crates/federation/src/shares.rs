//! The Shamir shares that nodes hold of each other's secrets, each node's part of what the nodes
//! alone know together, and their encryption on the way through the coordinator. Refuses
//! ciphertexts of another round, pair or direction.

use std::num::NonZeroU8;

use aes_gcm::{
    Aes256Gcm, KeyInit, Nonce,
    aead::{Aead, Payload},
};
use ligate_disclosure::shamir::{self, SECRET_BYTES, Share};
use rand_core::{CryptoRng, RngCore};
use zeroize::Zeroizing;

use crate::{
    Refusal,
    keys::{Derivation, RoundSecrets},
};

/// Two share values, the part of the nodes' common secret, and AES-GCM's tag.
pub(crate) const SEALED_BYTES: usize = 3 * SECRET_BYTES + 16;

/// What one node sends another through the coordinator: one share of each of its two secrets and
/// its part of the nodes' common secret, encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SealedShares(pub(crate) [u8; SEALED_BYTES]);

/// One node's shares of another's two secrets, and the other's part of the nodes' common secret.
#[derive(Clone)]
pub(crate) struct PeerShares {
    pub(crate) mask_key: Share,
    pub(crate) seed: Share,
    pub(crate) common: Zeroizing<[u8; SECRET_BYTES]>,
}

/// The place on Shamir's polynomial of the node at this place of the roster: one more, since zero
/// is the secret.
pub(crate) fn shamir_place(place: usize) -> Result<NonZeroU8, Refusal> {
    u8::try_from(place + 1)
        .ok()
        .and_then(NonZeroU8::new)
        .ok_or(Refusal::Nodes)
}

/// Shares a node's mask key and seed out to all nodes of the key list, itself included; by place.
pub(crate) fn share_out(
    derivation: Derivation<'_>,
    secrets: &RoundSecrets,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<Vec<(usize, PeerShares)>, Refusal> {
    let nodes: Vec<usize> = derivation.list.nodes().iter().collect();
    let places = nodes
        .iter()
        .map(|place| shamir_place(*place))
        .collect::<Result<Vec<_>, _>>()?;
    let threshold = derivation.roster.threshold();
    let mask_key = Zeroizing::new(secrets.mask().to_bytes());
    let mask_keys =
        shamir::split(&mask_key, &places, threshold, rng).map_err(|_| Refusal::Nodes)?;
    let seeds =
        shamir::split(secrets.seed(), &places, threshold, rng).map_err(|_| Refusal::Nodes)?;
    let shares = mask_keys
        .into_iter()
        .zip(seeds)
        .map(|(mask_key, seed)| PeerShares {
            mask_key,
            seed,
            common: Zeroizing::new(*secrets.common()),
        });
    Ok(nodes.into_iter().zip(shares).collect())
}

pub(crate) fn seal(
    derivation: Derivation<'_>,
    channel: &Zeroizing<[u8; 32]>,
    direction: [usize; 2],
    shares: &PeerShares,
) -> Result<SealedShares, Refusal> {
    let key = derivation.share_key(channel, direction)?;
    let parts = [
        shares.mask_key.value().as_slice(),
        shares.seed.value(),
        &*shares.common,
    ];
    let plain = Zeroizing::new(parts.concat());
    let payload = Payload {
        msg: &plain,
        aad: derivation.round.binding().as_bytes(),
    };
    // The key serves this one message: the round's keys are fresh and the direction is part of the
    // derivation.
    let sealed = Aes256Gcm::new((&*key).into()).encrypt(&Nonce::default(), payload);
    sealed
        .ok()
        .and_then(|bytes| bytes.try_into().ok())
        .map(SealedShares)
        .ok_or(Refusal::Nodes)
}

pub(crate) fn open(
    derivation: Derivation<'_>,
    channel: &Zeroizing<[u8; 32]>,
    [from, to]: [usize; 2],
    sealed: &SealedShares,
) -> Result<PeerShares, Refusal> {
    let unreadable = || match derivation.roster.members().get(from) {
        Some(member) => Refusal::BadShares(member.node.clone()),
        None => Refusal::Nodes,
    };
    let key = derivation.share_key(channel, [from, to])?;
    let payload = Payload {
        msg: &sealed.0,
        aad: derivation.round.binding().as_bytes(),
    };
    let plain = Aes256Gcm::new((&*key).into()).decrypt(&Nonce::default(), payload);
    let plain = Zeroizing::new(plain.map_err(|_| unreadable())?);
    let ([mask_key, seed, common], []) = plain.as_chunks() else {
        return Err(unreadable());
    };
    let place = shamir_place(to)?;
    Ok(PeerShares {
        mask_key: Share::new(place, *mask_key),
        seed: Share::new(place, *seed),
        common: Zeroizing::new(*common),
    })
}
