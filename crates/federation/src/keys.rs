//! The keys of one round: two fresh X25519 key pairs and a self-mask seed per node, the list of
//! them that all nodes see, and what is derived from them. Refuses lists with forged, repeated or
//! degenerate keys.
//!
//! Bonawitz et al. 2017, figure 4: c is the `channel` key (shares are encrypted under it), s the
//! `mask` key (pairwise masks), b the self-mask's `seed`. Beyond the paper each node commits to b
//! under its signature, so that the coordinator notices wrong shares instead of opening a wrong
//! sum.

use hkdf::Hkdf;
use ligate_access::{Identity, Signature};
use ligate_disclosure::masks::Seed;
use ligate_model::Digest;
use rand_core::{CryptoRng, RngCore};
use sha2::Sha256;
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::{
    NodeSet, Refusal, Roster,
    round::{KEYS_DOMAIN, RoundId},
    transcript::Transcript,
};

/// The public part of a node's keys of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoundKeys {
    pub channel: [u8; 32],
    pub mask: [u8; 32],
    /// A hash of the self-mask's seed.
    pub commitment: Digest,
}

/// A node's public keys of one round, signed with its identity key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advertisement {
    pub keys: RoundKeys,
    pub signature: Signature,
}

/// The secret part. Wiped from memory when dropped.
pub(crate) struct RoundSecrets {
    channel: StaticSecret,
    mask: StaticSecret,
    seed: Zeroizing<[u8; 32]>,
    common: Zeroizing<[u8; 32]>,
}

impl RoundSecrets {
    pub(crate) fn generate(rng: &mut (impl RngCore + CryptoRng)) -> Self {
        let channel = StaticSecret::random_from_rng(&mut *rng);
        let mask = StaticSecret::random_from_rng(&mut *rng);
        let (mut seed, mut common) = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
        rng.fill_bytes(&mut *seed);
        rng.fill_bytes(&mut *common);
        Self {
            channel,
            mask,
            seed,
            common,
        }
    }

    /// This node's part of what the nodes of the round alone know together.
    pub(crate) fn common(&self) -> &[u8; 32] {
        &self.common
    }

    pub(crate) fn channel(&self) -> &StaticSecret {
        &self.channel
    }

    pub(crate) fn mask(&self) -> &StaticSecret {
        &self.mask
    }

    pub(crate) fn seed(&self) -> &[u8; 32] {
        &self.seed
    }

    pub(crate) fn advertise(&self, round: &RoundId, identity: &Identity) -> Advertisement {
        let keys = RoundKeys {
            channel: PublicKey::from(&self.channel).to_bytes(),
            mask: PublicKey::from(&self.mask).to_bytes(),
            commitment: commitment(round, &self.seed),
        };
        Advertisement {
            keys,
            signature: identity.sign(KEYS_DOMAIN, statement(round, &keys).as_bytes()),
        }
    }
}

/// What stands for a self-mask seed until it is revealed: a hash of 32 random bytes tells nothing
/// of them.
pub(crate) fn commitment(round: &RoundId, seed: &[u8; 32]) -> Digest {
    let bytes = Zeroizing::new([round.binding().as_bytes().as_slice(), seed].concat());
    Digest::of("ligate self-mask seed v1", &bytes)
}

fn statement(round: &RoundId, keys: &RoundKeys) -> Digest {
    Transcript::new()
        .digest(round.binding())
        .bytes(&keys.channel)
        .bytes(&keys.mask)
        .digest(&keys.commitment)
        .hash("ligate round keys v1")
}

/// Checks that `place`'s node signed these keys for this round, ask and roster.
pub(crate) fn verify(
    roster: &Roster,
    round: &RoundId,
    place: usize,
    advertised: &Advertisement,
) -> Result<(), Refusal> {
    let member = roster.members().get(place).ok_or(Refusal::Nodes)?;
    let statement = statement(round, &advertised.keys);
    let verified = member
        .key
        .verify(KEYS_DOMAIN, statement.as_bytes(), &advertised.signature);
    verified.map_err(|_| Refusal::BadSignature(member.node.clone()))
}

/// The keys of all nodes of a round, by their places in the roster, checked.
#[derive(Clone, Debug)]
pub(crate) struct KeyList {
    keys: Vec<Option<RoundKeys>>,
    nodes: NodeSet,
    digest: Digest,
}

impl KeyList {
    /// `entries` ascend by place; the signatures of all but those `verified` before are checked.
    pub(crate) fn new(
        roster: &Roster,
        round: &RoundId,
        entries: &[(usize, Advertisement)],
        verified: NodeSet,
    ) -> Result<Self, Refusal> {
        if !entries.is_sorted_by(|a, b| a.0 < b.0) {
            return Err(Refusal::Nodes);
        }
        if entries.len() < roster.minimum() {
            return Err(Refusal::TooFewNodes {
                nodes: entries.len(),
                needed: roster.minimum(),
            });
        }
        let mut keys = vec![None; roster.members().len()];
        for (place, advertised) in entries {
            if !verified.contains(*place) {
                verify(roster, round, *place, advertised)?;
            }
            *keys.get_mut(*place).ok_or(Refusal::Nodes)? = Some(advertised.keys);
        }
        refuse_repeated(roster, entries)?;
        let digest = list_digest(round, entries);
        Ok(Self {
            keys,
            nodes: entries.iter().map(|(place, _)| *place).collect(),
            digest,
        })
    }

    pub(crate) fn nodes(&self) -> NodeSet {
        self.nodes
    }

    pub(crate) fn digest(&self) -> &Digest {
        &self.digest
    }

    pub(crate) fn get(&self, place: usize) -> Option<&RoundKeys> {
        self.keys.get(place)?.as_ref()
    }
}

fn refuse_repeated(roster: &Roster, entries: &[(usize, Advertisement)]) -> Result<(), Refusal> {
    let mut seen = std::collections::HashSet::new();
    for (place, advertised) in entries {
        if !seen.insert(advertised.keys.channel) || !seen.insert(advertised.keys.mask) {
            return Err(Refusal::BadKeys(roster.members()[*place].node.clone()));
        }
    }
    Ok(())
}

fn list_digest(round: &RoundId, entries: &[(usize, Advertisement)]) -> Digest {
    let start = Transcript::new().digest(round.binding());
    let all = entries
        .iter()
        .fold(start, |transcript, (place, advertised)| {
            let keys = &advertised.keys;
            transcript
                .number(*place as u64)
                .bytes(&keys.channel)
                .bytes(&keys.mask)
                .digest(&keys.commitment)
        });
    all.hash("ligate key list v1")
}

/// Derives 32 bytes by HKDF-SHA256, salted with the round's binding and bound to label, key list
/// and the identity keys of `from` and `to`.
fn derive(
    roster: &Roster,
    round: &RoundId,
    list: &KeyList,
    secret: &[u8],
    label: &str,
    [from, to]: [usize; 2],
) -> Result<Zeroizing<[u8; 32]>, Refusal> {
    let key = |place: usize| {
        roster
            .members()
            .get(place)
            .map(|member| *member.key.as_bytes())
    };
    let (Some(from), Some(to)) = (key(from), key(to)) else {
        return Err(Refusal::Nodes);
    };
    let info = Transcript::new()
        .bytes(label.as_bytes())
        .digest(list.digest())
        .bytes(&from)
        .bytes(&to);
    let mut bytes = Zeroizing::new([0; 32]);
    Hkdf::<Sha256>::new(Some(round.binding().as_bytes()), secret)
        .expand(info.as_bytes(), &mut *bytes)
        .expect("32 bytes are less than HKDF's limit of 255 hashes");
    Ok(bytes)
}

/// What a node or the coordinator derives seeds and keys of one round from.
#[derive(Clone, Copy)]
pub(crate) struct Derivation<'a> {
    pub(crate) roster: &'a Roster,
    pub(crate) round: &'a RoundId,
    pub(crate) list: &'a KeyList,
}

impl Derivation<'_> {
    /// The seed of `own`'s self-mask, from its revealed or own b.
    pub(crate) fn self_mask(&self, own: usize, seed: &[u8; 32]) -> Result<Seed, Refusal> {
        let bytes = derive(
            self.roster,
            self.round,
            self.list,
            seed,
            "self mask",
            [own, own],
        )?;
        Ok(Seed::new(*bytes))
    }

    /// The seed of the mask between `own`, whose secret mask key this is, and `peer`: the same from
    /// both sides.
    pub(crate) fn pair_mask(
        &self,
        own: usize,
        secret: &StaticSecret,
        peer: usize,
    ) -> Result<Seed, Refusal> {
        let shared = self.agree(secret, peer, |keys| keys.mask)?;
        let places = [own.min(peer), own.max(peer)];
        let bytes = derive(
            self.roster,
            self.round,
            self.list,
            &*shared,
            "pair mask",
            places,
        )?;
        Ok(Seed::new(*bytes))
    }

    /// What two nodes' channel keys agree on; [`Derivation::share_key`] makes keys of it.
    pub(crate) fn channel(
        &self,
        secret: &StaticSecret,
        peer: usize,
    ) -> Result<Zeroizing<[u8; 32]>, Refusal> {
        self.agree(secret, peer, |keys| keys.channel)
    }

    /// The key under which `from` encrypts shares for `to`; each direction has its own.
    pub(crate) fn share_key(
        &self,
        channel: &Zeroizing<[u8; 32]>,
        direction: [usize; 2],
    ) -> Result<Zeroizing<[u8; 32]>, Refusal> {
        derive(
            self.roster,
            self.round,
            self.list,
            &**channel,
            "shares",
            direction,
        )
    }

    /// What the nodes of the round know together and the coordinator does not, from every node's
    /// part in their order.
    pub(crate) fn common_secret(&self, parts: &[u8]) -> Result<Zeroizing<[u8; 32]>, Refusal> {
        let first = self.list.nodes().iter().next().ok_or(Refusal::Nodes)?;
        derive(
            self.roster,
            self.round,
            self.list,
            parts,
            "common secret",
            [first, first],
        )
    }

    fn agree(
        &self,
        secret: &StaticSecret,
        peer: usize,
        key: impl Fn(&RoundKeys) -> [u8; 32],
    ) -> Result<Zeroizing<[u8; 32]>, Refusal> {
        let public = PublicKey::from(key(self.list.get(peer).ok_or(Refusal::Nodes)?));
        let shared = secret.diffie_hellman(&public);
        if shared.was_contributory() {
            Ok(Zeroizing::new(shared.to_bytes()))
        } else {
            Err(Refusal::BadKeys(self.roster.members()[peer].node.clone()))
        }
    }
}
