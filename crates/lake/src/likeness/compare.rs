//! Who of a load is known under another id, and what the book learns of everybody.

use std::collections::{BTreeSet, HashMap, HashSet};

use ligate_model::IndividualId;

use super::{
    Likeness, LikenessBook, People,
    book::Panel,
    index::{Index, SHARING_MAX, SHARING_OF_TWO},
    panel::{choose, likenesses},
};
use crate::{LakeError, tables::HistoryKey};

/// Most panels of a lake: files of ever other variants do not make it grow for ever.
const PANELS_MAX: usize = 16;

/// The likenesses of people by one panel of the book.
pub struct Made {
    panel: usize,
    likenesses: Vec<Likeness>,
}

/// How somebody's calls stand to those of the same id that the book has.
#[derive(Clone, Copy, Default)]
struct Standing {
    known: bool,
    like: bool,
    unlike: bool,
}

impl Standing {
    /// Whether he may be somebody else than the book has under his id, which it may not have at
    /// all.
    fn is_open(self) -> bool {
        !self.known || self.is_unlike()
    }

    fn is_unlike(self) -> bool {
        self.unlike && !self.like
    }
}

impl LikenessBook {
    /// The likenesses of people by every panel of which their files hold enough variants. Where
    /// most of them have none, the book gets a panel of their own variants, if they have enough.
    pub fn likenesses(
        &mut self,
        people: &People<'_>,
        key: &HistoryKey,
    ) -> Result<Vec<Made>, LakeError> {
        let mut made = Vec::new();
        let mut without: HashSet<usize> = (0..people.individuals.len()).collect();
        for (place, panel) in self
            .panels
            .iter()
            .enumerate()
            .filter(|(_, panel)| panel.key == key.digest())
        {
            let likenesses = likenesses(people, &panel.variants, key)?;
            if likenesses.iter().any(Likeness::is_comparable) {
                without.retain(|person| !likenesses[*person].is_comparable());
                made.push(Made {
                    panel: place,
                    likenesses,
                });
            }
        }
        if 2 * without.len() > people.individuals.len()
            && self.panels.len() < PANELS_MAX
            && let Some((variants, likenesses)) = choose(people, key)?
        {
            made.push(Made {
                panel: self.panels.len(),
                likenesses,
            });
            self.panels.push(Panel {
                key: key.digest(),
                variants,
                people: Vec::new(),
            });
        }
        Ok(made)
    }

    /// People who are in the book under other ids and not in the same load under those: the place
    /// of each, and his id in the book. Somebody whose id the book has is one of them only if his
    /// calls are not those of that id. Nobody is given twice, and no id.
    pub fn known_under_other_ids(
        &self,
        individuals: &[IndividualId],
        made: &[Made],
        is_another: impl Fn(&IndividualId) -> bool,
    ) -> Vec<(usize, IndividualId)> {
        let places = places(individuals);
        let standings = self.standings(&places, made);
        let is_open =
            |place: &usize| standings[*place].is_open() && !is_another(&individuals[*place]);
        let open: Vec<usize> = (0..individuals.len()).filter(is_open).collect();
        let mut found = Vec::new();
        for Made { panel, likenesses } in made.iter().filter(|_| !open.is_empty()) {
            let gone = |id: &IndividualId| {
                places
                    .get(id)
                    .is_none_or(|place| standings[*place].is_unlike())
            };
            let known: Vec<_> = self.panels[*panel]
                .people
                .iter()
                .filter(|(id, _)| gone(id))
                .collect();
            let index = Index::of(known.iter().map(|(_, likeness)| likeness).collect());
            for place in &open {
                let alike = index.alike(&likenesses[*place], SHARING_MAX);
                found.extend(alike.map(|(other, bands)| (bands, *place, &known[other].0)));
            }
        }
        found.sort_by(|one, other| {
            other
                .0
                .cmp(&one.0)
                .then_with(|| (one.1, one.2).cmp(&(other.1, other.2)))
        });
        let (mut people, mut ids) = (HashSet::new(), HashSet::new());
        let mut pairs = Vec::new();
        for (_, place, id) in found {
            if !people.contains(&place) && ids.insert(id) {
                people.insert(place);
                pairs.push((place, id.clone()));
            }
        }
        pairs.sort_unstable();
        pairs
    }

    /// Pairs of places of people in one load who are the same, but for two whom the book has as
    /// two.
    pub fn twice(
        &self,
        individuals: &[IndividualId],
        made: &[Made],
        is_another: impl Fn(&IndividualId) -> bool,
    ) -> Vec<[usize; 2]> {
        let standings = self.standings(&places(individuals), made);
        let mut pairs = BTreeSet::new();
        for Made { likenesses, .. } in made {
            let index = Index::of(likenesses.iter().collect());
            for (place, likeness) in likenesses.iter().enumerate() {
                let alike = index
                    .alike(likeness, SHARING_OF_TWO)
                    .map(|(other, _)| other)
                    .filter(|other| *other > place);
                pairs.extend(alike.map(|other| [place, other]));
            }
        }
        let are_two = |pair: &[usize; 2]| {
            pair.iter().any(|place| is_another(&individuals[*place]))
                || pair.iter().all(|place| standings[*place].known)
        };
        pairs.into_iter().filter(|pair| !are_two(pair)).collect()
    }

    fn standings(&self, places: &HashMap<&IndividualId, usize>, made: &[Made]) -> Vec<Standing> {
        let mut standings = vec![Standing::default(); places.len()];
        for (number, panel) in self.panels.iter().enumerate() {
            let made = made.iter().find(|made| made.panel == number);
            for (id, likeness) in &panel.people {
                let Some(place) = places.get(id) else {
                    continue;
                };
                let now = made
                    .map(|made| &made.likenesses[*place])
                    .filter(|now| now.is_comparable());
                let standing = &mut standings[*place];
                standing.known = true;
                standing.like |= now.is_some_and(|now| now.is_same(likeness));
                standing.unlike |= now.is_some_and(|now| !now.is_same(likeness));
            }
        }
        standings
    }

    /// Adds what the book does not have yet.
    pub fn learn(&mut self, individuals: &[IndividualId], made: Vec<Made>) {
        let places = places(individuals);
        for Made { panel, likenesses } in made {
            let people = &mut self.panels[panel].people;
            let is_there = |(id, known): &(IndividualId, Likeness)| {
                places
                    .get(id)
                    .copied()
                    .filter(|place| likenesses[*place].is_same(known))
            };
            let there: HashSet<usize> = people.iter().filter_map(is_there).collect();
            for (place, likeness) in likenesses.into_iter().enumerate() {
                if likeness.is_comparable() && !there.contains(&place) {
                    people.push((individuals[place].clone(), likeness));
                }
            }
        }
    }
}

fn places(individuals: &[IndividualId]) -> HashMap<&IndividualId, usize> {
    individuals.iter().zip(0..).collect()
}
