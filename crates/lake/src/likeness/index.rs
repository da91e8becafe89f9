//! Finding who is the same among many: people in the order of each band's hash, so that time and
//! memory grow with the people and not with their pairs.

use std::collections::HashMap;

use super::{BANDS, BANDS_AGREEING, Likeness, NO_BAND};

/// People who may share a band's hash. One that more share says nothing of who somebody is.
pub const SHARING_MAX: usize = 64;

/// People of one load who may share it where somebody is looked for who is in the load twice. A
/// panel of other files may have variants that hardly anybody of these carries, and most people are
/// then alike by them.
pub const SHARING_OF_TWO: usize = 4;

/// Known people by the hashes of their bands; 256 bytes for each.
pub struct Index<'a> {
    known: Vec<&'a Likeness>,
    /// For every band the people's places, in the order of its hash.
    orders: Vec<Vec<u32>>,
}

impl<'a> Index<'a> {
    pub fn of(known: Vec<&'a Likeness>) -> Self {
        let order = |band: usize| {
            let mut places: Vec<u32> = (0..known.len() as u32).collect();
            places.sort_unstable_by_key(|place| known[*place as usize].0[band]);
            places
        };
        let orders = if known.is_empty() {
            Vec::new()
        } else {
            (0..BANDS).map(order).collect()
        };
        Self { known, orders }
    }

    /// The places of the known people who are the same, each with the number of bands that agree
    /// and that at most `sharing_max` people share.
    pub fn alike(
        &self,
        likeness: &Likeness,
        sharing_max: usize,
    ) -> impl Iterator<Item = (usize, usize)> + use<> {
        let mut agreeing: HashMap<u32, usize> = HashMap::new();
        for (band, (order, hash)) in self.orders.iter().zip(&likeness.0).enumerate() {
            if *hash == NO_BAND {
                continue;
            }
            let hash_of = |place: &u32| self.known[*place as usize].0[band];
            let from = order.partition_point(|place| hash_of(place) < *hash);
            let sharing = order[from..]
                .iter()
                .take_while(|place| hash_of(place) == *hash);
            let sharing: Vec<u32> = sharing.take(sharing_max + 1).copied().collect();
            if sharing.len() <= sharing_max {
                sharing
                    .into_iter()
                    .for_each(|place| *agreeing.entry(place).or_default() += 1);
            }
        }
        let same = agreeing
            .into_iter()
            .filter(|(_, bands)| *bands >= BANDS_AGREEING);
        same.map(|(place, bands)| (place as usize, bands))
    }
}
