//! The nodes of the search's tree: computed together, kept while they may still be asked for, and given up.

use super::Session;
use super::words::Suggesting;
use crate::error::{Error, Result};
use crate::model::weights::Precision;
use crate::suggest::letters::Letters;

/// Ways that are computed together. One more costs about half as much as one alone.
pub(super) const TOGETHER: usize = 4;
/// Bytes that states of nodes may take, and that logits of nodes may take.
const MOST_STATE_BYTES: usize = 48 << 20;
const MOST_LOGIT_BYTES: usize = 32 << 20;

impl Session {
    /// Computes nodes, each after a known one.
    pub(super) fn compute(&mut self, ways: &[Vec<u32>]) -> Result<()> {
        if !self.has_room() {
            self.forget_others();
            if !self.has_room() {
                // Then this is all that can be known.
                self.suggesting.passes = usize::MAX;
            }
            return Ok(());
        }
        let (config, weights) = (&self.model.config, &self.model.weights);
        let Some(mut tree) = self.suggesting.tree.take() else { return Ok(()) };
        let element = if weights.precision() == Precision::Int8 { 1 } else { 4 };
        // A node has a page of its own in each layer, but a few that were computed again, where a page ended, have more.
        let of_state = 3 * 64 * element * config.n_embd * config.n_layer;
        let most_states = (MOST_STATE_BYTES / of_state).max(TOGETHER);
        let Suggesting { states, letters, .. } = &mut self.suggesting;
        if states.len() >= most_states {
            // Of other letters than these there is no more need.
            states.retain(|way, _| agrees(letters, &self.vocabulary.spelled(way)));
        }
        let mut run = || -> Result<()> {
            let mut forks = Vec::new();
            for way in ways {
                let parent = &way[..way.len() - 1];
                let fork = match states.get(parent) {
                    Some(state) => state.fork(),
                    // It was not kept, so what lies between is computed again.
                    None => {
                        let kept = (0..parent.len()).rev().find(|&length| states.contains_key(&parent[..length]));
                        let length = kept.unwrap_or(0);
                        let mut fork = states[&parent[..length]].fork();
                        self.model.forward(&mut fork, &parent[length..])?;
                        fork
                    }
                };
                forks.push(fork);
            }
            let last: Vec<u32> = ways.iter().filter_map(|way| way.last().copied()).collect();
            let logits = self.model.forward_branches(&mut forks, &last)?;
            for ((way, state), logits) in ways.iter().zip(forks).zip(logits.chunks_exact(config.vocab_size)) {
                tree.insert(way, logits.to_vec(), &self.vocabulary);
                if states.len() < most_states {
                    // Without the buffers of the pass.
                    states.insert(way.clone(), state.fork());
                }
            }
            Ok(())
        };
        let result = run();
        self.suggesting.passes += ways.len();
        self.suggesting.explored = None;
        self.suggesting.tree = Some(tree);
        match result {
            Err(Error::ContextFull { .. }) => {
                self.suggesting.passes = usize::MAX;
                Ok(())
            }
            other => other,
        }
    }

    /// Whether more nodes can be known without giving up others.
    pub(super) fn has_room(&self) -> bool {
        let most = MOST_LOGIT_BYTES / (4 * self.model.config.vocab_size);
        self.suggesting.tree.as_ref().is_some_and(|tree| tree.len() + TOGETHER <= most)
    }

    /// Makes room for a search: gives up the nodes that have nothing to do with the letters, and if those that are left are too many,
    /// all but those of the suggestions.
    pub(super) fn make_room(&mut self) {
        if self.suggesting.tree.is_none() || self.has_room() {
            return;
        }
        self.forget_others();
        if !self.has_room() {
            let shown: Vec<Vec<u32>> = self.words().suggestions.into_iter().map(|word| word.tokens).collect();
            self.suggesting.forget(|way| shown.iter().any(|tokens| tokens.starts_with(way)));
        }
    }

    /// Gives up the nodes that have nothing to do with the letters.
    fn forget_others(&mut self) {
        let letters = self.suggesting.letters.clone();
        let vocabulary = &self.vocabulary;
        self.suggesting.forget(|way| agrees(&letters, &vocabulary.spelled(way)));
    }
}

impl Suggesting {
    fn forget(&mut self, is_kept: impl Fn(&[u32]) -> bool) {
        let Some(tree) = &mut self.tree else { return };
        tree.retain(is_kept);
        self.states.retain(|way, _| tree.node(way).is_some());
        self.explored = None;
    }

    /// Keeps of the nodes what is still true after another text.
    pub(super) fn keep_what_is_known(&mut self, base: &[u32]) {
        let Some(tree) = self.tree.take() else { return };
        if self.base == base {
            self.tree = Some(tree);
        } else if let Some(path) = base.strip_prefix(&self.base[..]).filter(|path| self.states.contains_key(*path)) {
            self.tree = Some(tree.into_subtree(path));
            let states = std::mem::take(&mut self.states).into_iter();
            self.states = states.filter_map(|(way, state)| Some((way.strip_prefix(path)?.to_vec(), state))).collect();
        }
    }
}

/// Whether a word that may be meant by the letters can begin with this text.
fn agrees(letters: &[Letters], text: &[u8]) -> bool {
    letters.iter().any(|letters| text.starts_with(&letters.bytes) || letters.bytes.starts_with(text))
}
