//! Masked multi-head self-attention: `softmax(q . k / sqrt(HS)) v`, where no token looks at a later one
//! (Vaswani et al. 2017, "Attention Is All You Need"), from and over the caches.

use std::ops::Range;
use std::slice::from_mut;

use bytemuck::Zeroable;

use super::cache::{Cache, Kind, PAGE, Pages, pages_of};
use crate::config::Gpt2Config;
use crate::kernels::{self, Activations, AttentionWeights, BLOCK, GROUP, MAX_POSITIONS};
use crate::parallel::{self, Parts};

/// Destination tokens that are taken together: keys and values are then read once for all of them.
const TOGETHER: usize = 8;
const _: () = assert!(TOGETHER <= MAX_POSITIONS);

/// Memory for one head's attention.
#[derive(Debug, Default)]
struct HeadScratch {
    /// How many keys the queries could look at, at most.
    keys: usize,
    /// (TOGETHER, whole pages of tokens)
    scores: Vec<f32>,
    /// (groups of keys of a page, TOGETHER, GROUP). This and `page_weights` would be filled with zeros as a whole for each page if they
    /// were arrays on the stack.
    page_scores: Vec<[f32; GROUP]>,
    /// (TOGETHER)
    page_weights: Vec<AttentionWeights>,
    /// (TOGETHER, HS)
    queries: Activations,
    /// (HS), for f32
    sums: Vec<f32>,
    /// (CG, TOGETHER, GROUP)
    gathered: Vec<[[f32; GROUP]; TOGETHER]>,
}

impl HeadScratch {
    fn make_room_for_scores(&mut self, keys: usize) {
        self.scores.resize(TOGETHER * keys.next_multiple_of(PAGE), 0.0);
        self.page_scores.resize(TOGETHER * PAGE / GROUP, [0.0; GROUP]);
    }
}

/// Memory for attention.
#[derive(Debug, Default)]
pub(super) struct AttentionScratch(Vec<HeadScratch>);

impl AttentionScratch {
    /// Makes room for all heads and for any row of scores.
    pub(super) fn resize(&mut self, config: &Gpt2Config) {
        self.0.resize_with(config.n_head, HeadScratch::default);
        for head in &mut self.0 {
            head.make_room_for_scores(config.n_positions);
            head.page_weights.resize(TOGETHER, AttentionWeights::zeroed());
            head.sums.resize(config.head_size(), 0.0);
            head.gathered.resize(config.head_size().div_ceil(GROUP), [[0.0; GROUP]; TOGETHER]);
        }
    }
}

/// Who may look at whom.
pub(crate) trait Mask: Sync {
    /// How many tokens of `tokens` those at `rows` could look at, at most.
    fn reach(&self, place: (usize, usize), rows: Range<usize>, tokens: usize) -> usize;

    /// Turns a row's scores, at least as many as it could look at, into weights that sum to 1, those of masked ones 0.
    /// `place` is layer and head.
    fn weigh(&self, place: (usize, usize), row: usize, scores: &mut [f32]);

    /// Whether nothing that a head gathers is used.
    fn silences(&self, _layer: usize, _head: usize) -> bool {
        false
    }
}

/// No token looks at a later one.
pub(crate) struct Causal;

impl Mask for Causal {
    fn reach(&self, _: (usize, usize), rows: Range<usize>, _: usize) -> usize {
        rows.end
    }

    fn weigh(&self, _: (usize, usize), row: usize, scores: &mut [f32]) {
        let (visible, masked) = scores.split_at_mut(row + 1);
        kernels::softmax(visible);
        masked.fill(0.0);
    }
}

impl Cache {
    /// Calls `visit(head, scratch, keys)` share by share of the heads, and there for the keys of one page after the other, as far as
    /// each head reaches. The keys of a share lie together in an int8 page, and so do the values, so that processors read on by
    /// themselves: head by head, a token after 900 took 1.2 times as long with one thread on an AMD EPYC 9005.
    fn page_by_page(
        &self,
        heads: Range<usize>,
        scratch: &mut [HeadScratch],
        mut visit: impl FnMut(usize, &mut HeadScratch, Range<usize>),
    ) {
        let most = scratch.iter().map(|scratch| scratch.keys).max().unwrap_or(0);
        for share in self.shares(heads.clone()) {
            let scratch = &mut scratch[share.start - heads.start..share.end - heads.start];
            for start in (0..most).step_by(PAGE) {
                for (head, scratch) in share.clone().zip(&mut *scratch) {
                    let keys = start..scratch.keys.min(start + PAGE);
                    if !keys.is_empty() {
                        visit(head, scratch, keys);
                    }
                }
            }
        }
    }

    /// `out` (T, C) = what every head gathers for the tokens from `first` on, which are stored, as those after them must be
    /// if the mask lets them be looked at.
    pub(super) fn attend(
        &self,
        out: &mut [f32],
        scratch: &mut AttentionScratch,
        layer: usize,
        first: usize,
        mask: &impl Mask,
    ) {
        let (size, channels) = (self.head_size(), self.heads() * self.head_size());
        let count = out.len() / channels;
        let (out, scratch) = (Parts::new(out), Parts::new(&mut scratch.0));
        parallel::for_parts(self.heads(), |heads| {
            // SAFETY: each head has its own memory, and is in one range.
            let scratch = unsafe { scratch.part(heads.clone()) };
            for start in (0..count).step_by(TOGETHER) {
                let positions = first + start..first + count.min(start + TOGETHER);
                for (head, scratch) in heads.clone().zip(&mut *scratch) {
                    scratch.keys = mask.reach((layer, head), positions.clone(), self.len());
                    self.load_queries(scratch, layer, head, positions.clone());
                }
                self.page_by_page(heads.clone(), scratch, |head, scratch, keys| {
                    self.score(scratch, layer, head, positions.clone(), keys);
                });

                // scores become weights
                for (head, scratch) in heads.clone().zip(&mut *scratch) {
                    let keys = scratch.keys;
                    let row_length = scratch.scores.len() / TOGETHER;
                    for (position, scores) in positions.clone().zip(scratch.scores.chunks_exact_mut(row_length)) {
                        mask.weigh((layer, head), position, &mut scores[..keys]);
                        scores[keys..keys.next_multiple_of(PAGE)].fill(0.0);
                    }
                    for gathered in &mut scratch.gathered {
                        gathered[..positions.len()].fill([0.0; GROUP]);
                    }
                }
                self.page_by_page(heads.clone(), scratch, |head, scratch, keys| {
                    self.gather(scratch, layer, head, positions.len(), keys);
                });

                // what is gathered goes beside that of other heads
                for (head, scratch) in heads.clone().zip(&*scratch) {
                    for (t, position) in positions.clone().enumerate() {
                        let from = (position - first) * channels + head * size;
                        // SAFETY: each head has channels of its own.
                        let out = unsafe { out.part(from..from + size) };
                        for (out, gathered) in out.chunks_mut(GROUP).zip(&scratch.gathered) {
                            kernels::copy_row(out, &gathered[t]);
                        }
                    }
                }
            }
        });
    }

    /// Brings the queries at `positions`, at most `TOGETHER`, into the form in which int8 keys take them.
    fn load_queries(&self, scratch: &mut HeadScratch, layer: usize, head: usize, positions: Range<usize>) {
        if let Pages::Int8(shares) = &self.layers[layer] {
            let (pages, head) = pages_of(shares, head, self.heads());
            let blocks = self.head_size().div_ceil(BLOCK);
            let query =
                |block: usize, position: usize| pages[position / PAGE].query(head, position % PAGE, (block, blocks));
            scratch
                .queries
                .restore((0..blocks).flat_map(|b| positions.clone().map(move |position| query(b, position))));
        }
    }

    /// q . k / sqrt(HS) of the queries at `positions`, which have been loaded, and the first keys of a page, into the rows of the
    /// scores.
    fn score(&self, scratch: &mut HeadScratch, layer: usize, head: usize, positions: Range<usize>, keys: Range<usize>) {
        let HeadScratch { scores, page_scores, queries, .. } = scratch;
        let size = self.head_size();
        let row_length = scores.len() / TOGETHER;
        let factor = 1.0 / (size as f32).sqrt();
        let page = keys.start / PAGE;
        match &self.layers[layer] {
            Pages::F32(pages) => {
                for (scores, position) in scores.chunks_exact_mut(row_length).zip(positions) {
                    let query = pages[position / PAGE].vectors(Kind::Query, head, position % PAGE + 1, size);
                    let query = &query[position % PAGE * size..];
                    let of_page = pages[page].vectors(Kind::Key, head, keys.len(), size);
                    kernels::attention_scores(&mut scores[keys.clone()], query, of_page, factor);
                }
            }
            Pages::Int8(shares) => {
                let (pages, head) = pages_of(shares, head, self.heads());
                let blocks = size.div_ceil(BLOCK);
                let count = positions.len();
                // All groups at once: one by one, a token after 900 took 1.05 times as long.
                let groups = keys.len().div_ceil(GROUP);
                let page_scores = &mut page_scores[..groups * count];
                kernels::attention_scores_i8(page_scores, queries, pages[page].keys(head, blocks), blocks, factor);
                for (group, of_group) in page_scores.chunks_exact(count).enumerate() {
                    let start = keys.start + group * GROUP;
                    for (scores, of_group) in scores.chunks_exact_mut(row_length).zip(of_group) {
                        scores[start..start + GROUP].copy_from_slice(of_group);
                    }
                }
            }
        }
    }

    /// Adds up the first values of a page by the attention weights that stand in the first `count` rows of the scores, 0 for
    /// masked ones and to the end of the page.
    fn gather(&self, scratch: &mut HeadScratch, layer: usize, head: usize, count: usize, keys: Range<usize>) {
        let HeadScratch { scores, page_weights, sums, gathered, .. } = scratch;
        let size = self.head_size();
        let row_length = scores.len() / TOGETHER;
        let rows = || scores.chunks_exact(row_length).take(count);
        let page = keys.start / PAGE;
        match &self.layers[layer] {
            Pages::F32(pages) => {
                for (t, weights) in rows().enumerate() {
                    for (gathered, sums) in gathered.iter().zip(sums.chunks_mut(GROUP)) {
                        sums.copy_from_slice(&gathered[t][..sums.len()]);
                    }
                    let values = pages[page].vectors(Kind::Value, head, keys.len(), size);
                    kernels::accumulate_weighted(sums, &weights[keys.clone()], values);
                    for (gathered, sums) in gathered.iter_mut().zip(sums.chunks(GROUP)) {
                        gathered[t][..sums.len()].copy_from_slice(sums);
                    }
                }
            }
            Pages::Int8(shares) => {
                let (pages, head) = pages_of(shares, head, self.heads());
                let page_weights = &mut page_weights[..count];
                let mut steps = [0.0; TOGETHER];
                let (channel_groups, value_scales) = pages[page].values(head, gathered.len());
                for (weights, (quantised, step)) in rows().zip(page_weights.iter_mut().zip(&mut steps)) {
                    (*quantised, *step) = kernels::attention_weights(&weights.as_chunks().0[page], value_scales);
                }
                for (gathered, channels) in gathered.iter_mut().zip(channel_groups) {
                    kernels::gather_i8(&mut gathered[..count], page_weights, &steps[..count], channels);
                }
            }
        }
    }

    /// Rows of scores of one head, q . k / sqrt(HS), one after the other: `row(position, scores)` gets those of all `T` keys,
    /// later ones included.
    pub(crate) fn score_rows(
        &self,
        layer: usize,
        head: usize,
        rows: Range<usize>,
        mut row: impl FnMut(usize, &mut [f32]),
    ) {
        let mut scratch = HeadScratch { keys: self.len(), ..HeadScratch::default() };
        let row_length = self.len().next_multiple_of(PAGE);
        scratch.make_room_for_scores(self.len());
        for start in rows.clone().step_by(TOGETHER) {
            let positions = start..rows.end.min(start + TOGETHER);
            self.load_queries(&mut scratch, layer, head, positions.clone());
            self.page_by_page(head..head + 1, from_mut(&mut scratch), |head, scratch, keys| {
                self.score(scratch, layer, head, positions.clone(), keys);
            });
            for (position, scores) in positions.zip(scratch.scores.chunks_exact_mut(row_length)) {
                row(position, &mut scores[..self.len()]);
            }
        }
    }
}
