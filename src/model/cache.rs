//! Queries, keys and values of all tokens so far. The model needs keys and values; queries are kept so that any head's
//! attention can be computed when someone looks at it.
//!
//! A model in int8 keeps them in int8 too, because the caches of a long text are nearly as much to read as the weights. Keys
//! are the rows of a matrix as the kernels take it, and values are its columns: a page of tokens is then one block of inputs
//! of the channels. How the output suffers is measured by `headlight eval`.
//!
//! Of a quantised key, one direction matters more than others: that of the queries' bias. Of the squares of a layer's queries, 0.17 to
//! 0.75 lie along it in the built-in model (24 tokens of self_dialogue), where of one in 64 directions it would be 0.016. The scale
//! of a key is therefore chosen, among some up to an eighth coarser than need be, so that its product with the bias is right. What is
//! right is told by the normalised stream before that was quantised, so that part of what quantising the stream costs is made up for,
//! too.

use std::ops::Range;
use std::sync::Arc;
use std::{iter, vec};

use crate::config::Gpt2Config;
use crate::error::{Error, Result, try_zeroed};
use crate::kernels::{
    self, BLOCK, GROUP, Packed, RUN, TILE, WeightScale, flipped, interleave_input, interleave_row, packed_length,
    scale_index, scales_length, weight_index,
};
use crate::model::weights::{BlockWeights, Precision};
use crate::parallel::{self, Parts, part_of};

/// Tokens in a page. Pages let the caches grow with the text without ever being copied, and branches of a text share them.
/// A page is one block of inputs to the product of attention weights and values.
pub(crate) const PAGE: usize = BLOCK;
/// Pages that a text in int8 takes at a time. Their keys lie side by side, and so do their values: page by page, a token after a
/// prompt of 900 took 1.07 times as long on an AMD EPYC 9005, whose reading ahead has to begin anew in each place.
const SIDE_BY_SIDE: usize = 4;
/// Shares of about as many heads each, whose pages in int8 are apart, so that those of a share lie side by side for the thread that
/// has it: with pages of all heads, a token after 900 took 1.05 times as long with two threads on that processor. With four
/// shares it took 1.03 times as long with one.
const HEAD_SHARES: usize = 2;

/// What is cached of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What a token looks for.
    Query,
    /// What a token offers to those who look.
    Key,
    /// What a token hands over.
    Value,
}

/// The caches of one text.
#[derive(Debug, Clone)]
pub struct Cache {
    /// (L)
    pub(super) layers: Vec<Pages>,
    length: usize,
    heads: usize,
    head_size: usize,
}

#[derive(Debug, Clone)]
pub(super) enum Pages {
    Int8(HeadShares),
    F32(Vec<Arc<F32Page>>),
}

/// The pages of each share of the heads.
type HeadShares = [Vec<Arc<Int8Page>>; HEAD_SHARES];

/// Queries, keys and values, each (NH, PAGE, HS), so that what one head reads lies together.
#[derive(Debug)]
pub(super) struct F32Page([Vec<f32>; 3]);

/// Queries, keys and values of a page of tokens and a share of `NH` heads, where a head has `KB` blocks of channels and `CG`
/// groups of channels.
#[derive(Debug)]
pub(super) struct Int8Page {
    /// (NH, PAGE, KB, BLOCK)
    queries: Vec<[i8; BLOCK]>,
    /// (NH, PAGE, KB)
    query_scales: Vec<f32>,
    /// (NH) matrices of PAGE rows and HS inputs, as the kernels have them
    keys: Vec<i8>,
    key_scales: Vec<WeightScale>,
    /// (NH, CG, PAGE / RUN, GROUP, RUN)
    values: Vec<[i8; TILE]>,
    /// (NH)
    value_scales: Vec<[f32; PAGE]>,
}

/// Bytes of a page of so many heads of a layer in int8.
pub(crate) fn int8_page_bytes(heads: usize, head_size: usize) -> usize {
    let (blocks, groups) = (head_size.div_ceil(BLOCK), head_size.div_ceil(GROUP));
    let queries = PAGE * blocks * (BLOCK + 4);
    let keys = packed_length(PAGE, blocks) + size_of::<WeightScale>() * scales_length(PAGE, blocks);
    heads * (queries + keys + groups * TILE + 4 * PAGE)
}

impl F32Page {
    fn zeroed(heads: usize, head_size: usize) -> Result<Self> {
        let of_kind = || try_zeroed(heads * PAGE * head_size);
        Ok(Self([of_kind()?, of_kind()?, of_kind()?]))
    }

    /// Stores the queries, keys and values, (T, 3, NH, HS), of tokens from `slot` on.
    fn store(&mut self, slot: usize, qkv: &[f32], heads: usize, head_size: usize) {
        for (slot, qkv) in (slot..).zip(qkv.chunks_exact(3 * heads * head_size)) {
            for (to, from) in self.0.iter_mut().zip(qkv.chunks_exact(heads * head_size)) {
                for (head, values) in from.chunks_exact(head_size).enumerate() {
                    to[(head * PAGE + slot) * head_size..][..head_size].copy_from_slice(values);
                }
            }
        }
    }

    /// The vectors (t, HS) of one head in the first slots.
    pub(super) fn vectors(&self, kind: Kind, head: usize, slots: usize, head_size: usize) -> &[f32] {
        &self.0[kind as usize][head * PAGE * head_size..][..slots * head_size]
    }
}

impl Int8Page {
    /// So many pages. What is read together is taken together, so that it comes to lie side by side, as far as the allocator can:
    /// keys of all pages, then values.
    fn zeroed(count: usize, heads: usize, head_size: usize) -> Result<Vec<Self>> {
        let (blocks, channel_groups) = (head_size.div_ceil(BLOCK), head_size.div_ceil(GROUP));
        let mut keys = of_each(count, heads * packed_length(PAGE, blocks))?;
        let mut key_scales = of_each(count, heads * scales_length(PAGE, blocks))?;
        let mut values = of_each(count, heads * channel_groups)?;
        let mut value_scales = of_each(count, heads)?;
        let mut queries = of_each(count, heads * PAGE * blocks)?;
        let mut query_scales = of_each(count, heads * PAGE * blocks)?;
        let next = || {
            Some(Self {
                queries: queries.next()?,
                query_scales: query_scales.next()?,
                keys: keys.next()?,
                key_scales: key_scales.next()?,
                values: values.next()?,
                value_scales: value_scales.next()?,
            })
        };
        Ok(iter::from_fn(next).collect())
    }

    /// For threads that write to different heads.
    fn parts(&mut self) -> PageParts<'_> {
        PageParts {
            queries: Parts::new(&mut self.queries),
            query_scales: Parts::new(&mut self.query_scales),
            keys: Parts::new(&mut self.keys),
            key_scales: Parts::new(&mut self.key_scales),
            values: Parts::new(&mut self.values),
            value_scales: Parts::new(&mut self.value_scales),
        }
    }

    /// A query's block of channels.
    pub(super) fn query(&self, head: usize, slot: usize, (block, blocks): (usize, usize)) -> (&[i8; BLOCK], f32) {
        let at = (head * PAGE + slot) * blocks + block;
        (&self.queries[at], self.query_scales[at])
    }

    /// The values of one head as groups of channels, and what 1 stands for in each slot.
    pub(super) fn values(&self, head: usize, channel_groups: usize) -> (&[[i8; TILE]], &[f32; PAGE]) {
        (&self.values[head * channel_groups..][..channel_groups], &self.value_scales[head])
    }

    /// The keys of one head, and those behind them.
    pub(super) fn keys(&self, head: usize, blocks: usize) -> Packed<'_> {
        Packed { weights: &self.keys, scales: &self.key_scales }.group(head * PAGE / GROUP, blocks)
    }

    /// The query, key or value (HS) of one head in one slot.
    fn vector(&self, kind: Kind, head: usize, slot: usize, head_size: usize) -> Vec<f32> {
        let blocks = head_size.div_ceil(BLOCK);
        let value = |channel: usize| match kind {
            Kind::Query => {
                let at = (head * PAGE + slot) * blocks + channel / BLOCK;
                f32::from(self.queries[at][channel % BLOCK]) * self.query_scales[at]
            }
            Kind::Key => {
                let at = head * scales_length(PAGE, blocks) + scale_index(slot, channel / BLOCK, blocks);
                let index = head * packed_length(PAGE, blocks) + weight_index(slot, channel, blocks);
                f32::from(self.keys[index] ^ flipped()) * self.key_scales[at].get()
            }
            Kind::Value => {
                let groups = self.values[head * head_size.div_ceil(GROUP)..].as_flattened();
                f32::from(groups[weight_index(channel, slot, 1)]) * self.value_scales[head][slot]
            }
        };
        (0..head_size).map(value).collect()
    }
}

/// A page whose heads are written to by several threads.
struct PageParts<'a> {
    queries: Parts<'a, [i8; BLOCK]>,
    query_scales: Parts<'a, f32>,
    keys: Parts<'a, i8>,
    key_scales: Parts<'a, WeightScale>,
    values: Parts<'a, [i8; TILE]>,
    value_scales: Parts<'a, [f32; PAGE]>,
}

impl PageParts<'_> {
    /// # Safety
    /// No two of the same head may be in use at the same time.
    unsafe fn head(&self, head: usize, head_size: usize) -> HeadPage<'_> {
        let (blocks, channel_groups) = (head_size.div_ceil(BLOCK), head_size.div_ceil(GROUP));
        let part = |length: usize| head * length..(head + 1) * length;
        // SAFETY: each head has its own parts, and the caller keeps those of one from being in use twice.
        unsafe {
            HeadPage {
                queries: self.queries.part(part(PAGE * blocks)),
                query_scales: self.query_scales.part(part(PAGE * blocks)),
                keys: self.keys.part(part(packed_length(PAGE, blocks))).as_chunks_mut().0,
                key_scales: self.key_scales.part(part(scales_length(PAGE, blocks))),
                values: self.values.part(part(channel_groups)),
                value_scales: &mut self.value_scales.part(part(1))[0],
            }
        }
    }
}

/// What a page holds of one head.
struct HeadPage<'a> {
    queries: &'a mut [[i8; BLOCK]],
    query_scales: &'a mut [f32],
    keys: &'a mut [[i8; TILE]],
    key_scales: &'a mut [WeightScale],
    values: &'a mut [[i8; TILE]],
    value_scales: &'a mut [f32; PAGE],
}

impl HeadPage<'_> {
    /// Stores the query, key and value, each (HS), of the token in `slot`. `bias_score` is the product of `query_bias` (HS), which all
    /// queries share, and the key as it would be had the normalised stream not been quantised.
    fn store(&mut self, slot: usize, [query, key, value]: [&[f32]; 3], query_bias: &[f32], bias_score: f32) {
        let blocks = query.len().div_ceil(BLOCK);
        let mut quantised = [0; BLOCK];
        for (block, x) in query.chunks(BLOCK).enumerate() {
            let at = slot * blocks + block;
            self.query_scales[at] = kernels::quantize_symmetric(&mut self.queries[at], x);
        }
        let mut error = kernels::dot(key, query_bias) - bias_score;
        for (block, (x, query_bias)) in key.chunks(BLOCK).zip(query_bias.chunks(BLOCK)).enumerate() {
            let at = scale_index(slot, block, blocks);
            (self.key_scales[at], error) = kernels::scale_along(x, query_bias, error);
            kernels::quantize_by(&mut quantised, x, self.key_scales[at].get());
            interleave_row::<RUN>(&mut self.keys[slot / GROUP * blocks + block], slot % GROUP, &quantised);
        }
        // One scale for all channels, because it goes with the attention weight; so each block comes at that of all.
        let scale = kernels::symmetric_scale(value);
        self.value_scales[slot] = scale;
        for (groups, x) in self.values.chunks_mut(BLOCK / GROUP).zip(value.chunks(BLOCK)) {
            kernels::quantize_by(&mut quantised, x, scale);
            for (group, values) in groups.iter_mut().zip(quantised.as_chunks::<GROUP>().0) {
                interleave_input(group, slot, values);
            }
        }
    }
}

/// A copy, or an error where the allocator has no more.
trait TryClone: Sized {
    fn try_clone(&self) -> Result<Self>;
}

impl<T: bytemuck::Zeroable + Copy> TryClone for Vec<T> {
    fn try_clone(&self) -> Result<Self> {
        let mut copy = try_zeroed(self.len())?;
        copy.copy_from_slice(self);
        Ok(copy)
    }
}

impl TryClone for F32Page {
    fn try_clone(&self) -> Result<Self> {
        let [queries, keys, values] = &self.0;
        Ok(Self([queries.try_clone()?, keys.try_clone()?, values.try_clone()?]))
    }
}

impl TryClone for Int8Page {
    fn try_clone(&self) -> Result<Self> {
        Ok(Self {
            queries: self.queries.try_clone()?,
            query_scales: self.query_scales.try_clone()?,
            keys: self.keys.try_clone()?,
            key_scales: self.key_scales.try_clone()?,
            values: self.values.try_clone()?,
            value_scales: self.value_scales.try_clone()?,
        })
    }
}

/// `length` zeros for each of so many pages.
fn of_each<T: bytemuck::Zeroable>(pages: usize, length: usize) -> Result<vec::IntoIter<Vec<T>>> {
    let all: Result<Vec<_>> = (0..pages).map(|_| try_zeroed(length)).collect();
    Ok(all?.into_iter())
}

/// Makes some of the pages nobody else's, as far as there are so many.
fn own_pages<P: TryClone>(pages: &mut [Arc<P>], own: Range<usize>) -> Result<()> {
    for page in pages.iter_mut().take(own.end).skip(own.start) {
        if Arc::get_mut(page).is_none() {
            *page = Arc::new(page.try_clone()?);
        }
    }
    Ok(())
}

/// The heads of each share.
fn heads_of_shares(heads: usize) -> [Range<usize>; HEAD_SHARES] {
    std::array::from_fn(|share| part_of(heads, share, HEAD_SHARES))
}

/// The share that a head is in, and which of its heads it is.
fn place_of(head: usize, heads: usize) -> (usize, usize) {
    let shares = heads_of_shares(heads);
    let share = shares.partition_point(|share| share.start <= head) - 1;
    (share, head - shares[share].start)
}

/// The pages of the share that a head is in, and which of its heads it is.
pub(super) fn pages_of(shares: &HeadShares, head: usize, heads: usize) -> (&[Arc<Int8Page>], usize) {
    let (share, head) = place_of(head, heads);
    (&shares[share], head)
}

impl Cache {
    pub(super) fn new(config: &Gpt2Config, precision: Precision) -> Self {
        let pages = || match precision {
            Precision::Int8 => Pages::Int8(Default::default()),
            Precision::F32 => Pages::F32(Vec::new()),
        };
        let layers = (0..config.n_layer).map(|_| pages()).collect();
        Self { layers, length: 0, heads: config.n_head, head_size: config.head_size() }
    }

    /// A copy that shares all pages; who writes to one gets a page of its own.
    pub(super) fn fork(&self) -> Self {
        let mut fork = self.clone();
        fork.give_back();
        fork
    }

    /// Keeps no more pages than the tokens need.
    fn give_back(&mut self) {
        let needed = self.length.div_ceil(PAGE);
        for pages in &mut self.layers {
            match pages {
                Pages::Int8(shares) => shares.iter_mut().for_each(|pages| pages.truncate(needed)),
                Pages::F32(pages) => pages.truncate(needed),
            }
        }
    }

    /// Makes room for `length` tokens. If there is no memory, gives back what is not needed, so that the rest can go on.
    pub(super) fn reserve(&mut self, length: usize) -> Result<()> {
        self.make_room(length, length)
    }

    /// As [`reserve`](Self::reserve). A text in int8 that goes beyond its pages, the first one apart, gets several, if there is
    /// memory, but not for more than `most` tokens.
    pub(super) fn reserve_ahead(&mut self, length: usize, most: usize) -> Result<()> {
        match self.layers.first() {
            Some(Pages::Int8([pages, ..])) if length > pages.len().max(1) * PAGE => {
                let room = length.next_multiple_of(SIDE_BY_SIDE * PAGE).min(most);
                self.make_room(length, room).or_else(|_| self.reserve(length))
            }
            _ => self.reserve(length),
        }
    }

    /// Makes room for `room` tokens, and the pages of those up to `length` that are not stored yet nobody else's.
    fn make_room(&mut self, length: usize, room: usize) -> Result<()> {
        let (heads, head_size) = (self.heads, self.head_size);
        let (own, count) = (self.length / PAGE..length.div_ceil(PAGE), room.div_ceil(PAGE));
        let result = self.layers.iter_mut().try_for_each(|pages| match pages {
            Pages::Int8(shares) => shares.iter_mut().zip(heads_of_shares(heads)).try_for_each(|(pages, heads)| {
                own_pages(pages, own.clone())?;
                let missing = count.saturating_sub(pages.len());
                pages.extend(Int8Page::zeroed(missing, heads.len(), head_size)?.into_iter().map(Arc::new));
                Ok(())
            }),
            Pages::F32(pages) => {
                own_pages(pages, own.clone())?;
                while pages.len() < count {
                    pages.push(Arc::new(F32Page::zeroed(heads, head_size)?));
                }
                Ok(())
            }
        });
        if result.is_err() {
            self.give_back();
        }
        result
    }

    /// Makes the pages of some stored tokens in one layer nobody else's, so that they can be written to.
    pub(super) fn own(&mut self, layer: usize, positions: Range<usize>) -> Result<()> {
        let own = positions.start / PAGE..positions.end.div_ceil(PAGE);
        match &mut self.layers[layer] {
            Pages::Int8(shares) => shares.iter_mut().try_for_each(|pages| own_pages(pages, own.clone())),
            Pages::F32(pages) => own_pages(pages, own),
        }
    }

    /// Stores `qkv` (T, 3C) of the tokens from `first` on, for which there must be room. `block` made them of `normed` (T, C).
    pub(super) fn store(&mut self, layer: usize, first: usize, qkv: &[f32], normed: &[f32], block: &BlockWeights) {
        const OWN: &str = "`reserve` or `own` made the page this cache's own";
        debug_assert_eq!(qkv.len(), 3 * normed.len());
        let (heads, head_size) = (self.heads, self.head_size);
        let per_token = 3 * heads * head_size;
        let mut rest = qkv;
        while !rest.is_empty() {
            let position = first + (qkv.len() - rest.len()) / per_token;
            let (page, slot) = (position / PAGE, position % PAGE);
            let (of_page, after) = rest.split_at(rest.len().min((PAGE - slot) * per_token));
            match &mut self.layers[layer] {
                Pages::Int8(shares) => {
                    let normed = normed.chunks_exact(heads * head_size).skip(position - first);
                    let tokens = of_page.chunks_exact(per_token).zip(normed);
                    let parts = shares.each_mut().map(|pages| Arc::get_mut(&mut pages[page]).expect(OWN).parts());
                    parallel::for_each(heads, |head| {
                        let (share, of_share) = place_of(head, heads);
                        // SAFETY: each head is stored once.
                        let mut of_head = unsafe { parts[share].head(of_share, head_size) };
                        let query_bias = &block.attn_qkv.bias[head * head_size..][..head_size];
                        for (slot, (of_token, x)) in (slot..).zip(tokens.clone()) {
                            let vector =
                                |kind: Kind| &of_token[(kind as usize * heads + head) * head_size..][..head_size];
                            let vectors = [Kind::Query, Kind::Key, Kind::Value].map(vector);
                            of_head.store(slot, vectors, query_bias, block.bias_scores.of(head, x));
                        }
                    });
                }
                Pages::F32(pages) => {
                    Arc::get_mut(&mut pages[page]).expect(OWN).store(slot, of_page, heads, head_size);
                }
            }
            rest = after;
        }
    }

    /// Says that all layers hold `length` tokens now.
    pub(super) fn commit(&mut self, length: usize) {
        self.length = length;
    }

    /// Number of tokens.
    #[expect(clippy::len_without_is_empty, reason = "an empty cache is nothing to ask for")]
    pub fn len(&self) -> usize {
        self.length
    }

    /// Channels of one head.
    pub fn head_size(&self) -> usize {
        self.head_size
    }

    /// Number of heads.
    pub fn heads(&self) -> usize {
        self.heads
    }

    /// Some heads, those of each share for themselves.
    pub(super) fn shares(&self, heads: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        heads_of_shares(self.heads)
            .into_iter()
            .map(move |share| share.start.max(heads.start)..share.end.min(heads.end))
            .filter(|share| !share.is_empty())
    }

    /// Checks that there is such a layer and head.
    ///
    /// # Errors
    /// If there is not.
    pub fn check(&self, layer: usize, head: usize) -> Result<()> {
        for (what, index, count) in [("layer", layer, self.layers.len()), ("head", head, self.heads)] {
            if index >= count {
                return Err(Error::OutOfRange { what, index, count });
            }
        }
        Ok(())
    }

    /// The vector (HS) of one head at one position, as the model uses it.
    pub fn vector(&self, kind: Kind, layer: usize, head: usize, position: usize) -> Vec<f32> {
        let (page, slot, size) = (position / PAGE, position % PAGE, self.head_size);
        match &self.layers[layer] {
            Pages::Int8(shares) => {
                let (pages, head) = pages_of(shares, head, self.heads);
                pages[page].vector(kind, head, slot, size)
            }
            Pages::F32(pages) => pages[page].vectors(kind, head, slot + 1, size)[slot * size..].to_vec(),
        }
    }
}

#[cfg(test)]
mod tests {
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    use super::*;

    fn cache(precision: Precision) -> (Cache, usize) {
        let config = Gpt2Config {
            vocab_size: 10,
            n_positions: 9 * PAGE + 1,
            n_embd: 8,
            n_layer: 2,
            n_head: 2,
            n_inner: 8,
            layer_norm_epsilon: 1e-5,
            eos_token_id: 0,
        };
        (Cache::new(&config, precision), config.n_positions)
    }

    /// The pages of both heads, each of which is a share.
    fn int8_pages(cache: &Cache) -> &HeadShares {
        match &cache.layers[1] {
            Pages::Int8(shares) => shares,
            Pages::F32(_) => panic!("not asked for"),
        }
    }

    fn taken(cache: &Cache) -> [usize; HEAD_SHARES] {
        int8_pages(cache).each_ref().map(Vec::len)
    }

    #[test]
    fn every_head_has_a_place_in_one_share() {
        for heads in [1, 2, 3, 12, 25] {
            let cache = Cache { layers: Vec::new(), length: 0, heads, head_size: 1 };
            let places: Vec<_> = (0..heads).map(|head| place_of(head, heads)).collect();
            let of_shares = (0..HEAD_SHARES)
                .flat_map(|share| (0..heads_of_shares(heads)[share].len()).map(move |head| (share, head)));
            assert_eq!(places, of_shares.collect::<Vec<_>>());
            assert_eq!(cache.shares(0..heads).flatten().collect::<Vec<_>>(), (0..heads).collect::<Vec<_>>());
        }
        let cache = Cache { layers: Vec::new(), length: 0, heads: 5, head_size: 1 };
        assert_eq!(cache.shares(1..4).collect::<Vec<_>>(), [1..2, 2..4]);
    }

    #[test]
    fn a_text_takes_several_pages_at_a_time() {
        let (mut text, most) = cache(Precision::Int8);
        let expected = [(1, 1), (PAGE, 1), (PAGE + 1, 4), (4 * PAGE, 4), (4 * PAGE + 1, 8), (8 * PAGE + 1, 10)];
        for (length, pages) in expected {
            text.reserve_ahead(length, most).unwrap();
            assert_eq!(taken(&text), [pages; HEAD_SHARES], "{length} tokens");
        }
        let (mut text, most) = cache(Precision::F32);
        text.reserve_ahead(PAGE + 1, most).unwrap();
        assert!(matches!(&text.layers[1], Pages::F32(pages) if pages.len() == 2));
    }

    #[test]
    fn none_is_taken_while_there_is_room() {
        let (mut text, most) = cache(Precision::Int8);
        text.reserve(2 * PAGE).unwrap();
        text.reserve_ahead(2 * PAGE, most).unwrap();
        assert_eq!(taken(&text), [2; HEAD_SHARES]);
        text.reserve_ahead(2 * PAGE + 1, most).unwrap();
        assert_eq!(taken(&text), [4; HEAD_SHARES]);
    }

    #[test]
    fn a_fork_shares_pages_until_it_writes_and_holds_no_empty_ones() {
        let (mut text, most) = cache(Precision::Int8);
        text.reserve_ahead(3 * PAGE, most).unwrap();
        text.commit(PAGE + 1);
        let mut fork = text.fork();
        let is_shared = |text: &Cache, fork: &Cache| {
            std::array::from_fn::<_, HEAD_SHARES, _>(|share| {
                let pairs = int8_pages(text)[share].iter().zip(&int8_pages(fork)[share]);
                pairs.map(|(a, b)| Arc::ptr_eq(a, b)).collect::<Vec<_>>()
            })
        };
        let of_each = |pages: &[bool]| [pages; HEAD_SHARES].map(<[bool]>::to_vec);
        assert_eq!((taken(&text), is_shared(&text, &fork)), ([4; HEAD_SHARES], of_each(&[true, true])));
        fork.reserve(PAGE + 2).unwrap();
        assert_eq!(is_shared(&text, &fork), of_each(&[true, false]));
        fork.own(1, 0..1).unwrap();
        assert_eq!(is_shared(&text, &fork), of_each(&[false, false]));
        let empty = |text: &Cache| int8_pages(text).each_ref().map(|pages| Arc::as_ptr(&pages[2]));
        let before = empty(&text);
        text.reserve_ahead(2 * PAGE + 1, most).unwrap();
        assert_eq!(empty(&text), before);
    }
}
