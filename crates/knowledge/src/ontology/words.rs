//! Many short texts in one string: names and synonyms, without an allocation for each.

use serde::{Deserialize, Serialize};

/// Texts by index.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Words {
    text: String,
    /// Where each ends, in bytes.
    ends: Vec<u32>,
}

/// [`Words`] in a file: one string and the length of each text.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredWords {
    text: String,
    lengths: Vec<u32>,
}

impl Words {
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text at this index; empty beyond the last.
    pub(crate) fn get(&self, index: usize) -> &str {
        let end = self.ends.get(index).copied().unwrap_or_default() as usize;
        let start = index
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .copied()
            .unwrap_or_default();
        self.text.get(start as usize..end).unwrap_or_default()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.get(index))
    }

    pub(crate) fn stored(&self) -> StoredWords {
        let lengths = self.iter().map(|word| word.len() as u32).collect();
        StoredWords {
            text: self.text.clone(),
            lengths,
        }
    }
}

impl<S: AsRef<str>> FromIterator<S> for Words {
    fn from_iter<I: IntoIterator<Item = S>>(texts: I) -> Self {
        let mut words = Self::default();
        for text in texts {
            words.text.push_str(text.as_ref());
            words.ends.push(words.text.len() as u32);
        }
        words
    }
}

impl StoredWords {
    /// `None` where the lengths do not fit the text.
    pub(crate) fn restore(self) -> Option<Words> {
        let mut end = 0_u32;
        let mut ends = Vec::with_capacity(self.lengths.len());
        for length in self.lengths {
            end = end.checked_add(length)?;
            if !self.text.is_char_boundary(end as usize) {
                return None;
            }
            ends.push(end);
        }
        (end as usize == self.text.len()).then_some(Words {
            text: self.text,
            ends,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        let texts = ["Seizure", "", "Köhler disease"];
        let words: Words = texts.iter().collect();
        assert_eq!(words.iter().collect::<Vec<_>>(), texts);
        assert_eq!(words.get(3), "");
        assert_eq!(words.stored().restore(), Some(words));
    }

    #[test]
    fn lengths_that_do_not_fit_are_refused() {
        for lengths in [vec![2], vec![4], vec![1, 1], vec![3, u32::MAX], vec![]] {
            assert_eq!(
                StoredWords {
                    text: "Kö".to_owned(),
                    lengths
                }
                .restore(),
                None
            );
        }
    }
}
