"""Soft targets: what else could have come, from a larger model or from the 5-gram of the whole text."""

import json
from pathlib import Path

import numpy as np
import torch

from kneser_ney import BITS, KneserNey, find
from model import Gpt2, row_probabilities


class ModelTeacher:
    """A checkpoint with the same rows. Its share of the target is the same everywhere."""

    for_kernel = None

    def __init__(self, checkpoint, log_counts, share, device):
        content = torch.load(checkpoint, map_location=device, weights_only=False)
        shape = content["config"]["model"]
        self.model = Gpt2(content["model"]["wte.weight"].shape[0], **shape).to(device).eval().requires_grad_(False)
        self.model.load_state_dict(content["model"])
        self.log_counts, self.share = log_counts, share

    @torch.no_grad()
    def look(self, batch, rows, positions):
        self.hidden = self.model(rows, positions).flatten(0, 1)
        return self

    def take_from(self, p, part):
        hidden, table = self.hidden[part].bfloat16(), self.model.wte.weight.bfloat16()
        p.sub_(row_probabilities(hidden, table, self.log_counts), alpha=self.share)
        return p.new_full((len(p),), 1 - self.share)


class NgramTeacher:
    """The 5-gram of the training text, at each position as if that position's token had not been counted.

    Counted with it, the 5-gram would know most of the text by heart and say no more than the token itself. Up to bigrams the
    distribution is a row of a dense table; longer n-grams are added to it.
    """

    def __init__(self, folder, vocabulary, share, device):
        description = json.loads((Path(folder) / "data.json").read_text())
        streams = [np.fromfile(Path(folder, f"{name}.plain.bin"), dtype="<u2") for name in description["sources"]]
        self.end, self.share, self.device = description["end_of_text"], share, device
        self.ngram = KneserNey(streams, description["vocab_size"], self.end)
        self.row_of = vocabulary.row_of.numpy().astype(np.int32)
        self.rows = [self.row_of[order.keys & (2**BITS - 1)] for order in self.ngram.orders[1:]]
        self.bigrams = self._bigrams(vocabulary.rows).to(device)

    def _bigrams(self, size):
        """(rows, rows): the distribution after each token; after tokens that share a row, that of unigrams."""
        order = self.ngram.orders[1]
        unigrams = torch.from_numpy(np.bincount(self.row_of, weights=self.ngram.orders[0], minlength=size)).float()
        table = unigrams.bfloat16().expand(size, size).clone()
        for i, context in enumerate(order.context_keys):
            row = self.row_of[context]
            if row < size - 2:
                part = slice(order.starts[i], order.starts[i + 1])
                direct = np.bincount(self.rows[0][part], weights=order.direct[part], minlength=size)
                table[row] = (torch.from_numpy(direct).float() + order.back_off[i] * unigrams).bfloat16()
        return table

    def look(self, batch, rows, positions):
        """`batch` has the ids of inputs and targets, (B, T + 1), and which of its windows are of the counted text."""
        ids = batch.ids.astype(np.int64)
        count, length = ids.shape[0], ids.shape[1] - 1
        targets = ids[:, 1:]
        context = ids.copy()
        seen_at, known_at = [], []
        for n in range(2, self.ngram.order + 1):
            order = self.ngram.orders[n - 1]
            before = np.concatenate([np.full((count, 1), -1), context[:, :-1]], axis=1)
            at, known = find(order.context_keys, before)
            found, seen = find(order.keys, np.where(before >= 0, before << BITS | ids, -1))
            known_at.append((at[:, 1:], known[:, 1:]))
            seen_at.append((found[:, 1:], seen[:, 1:]))
            context = np.where(seen, found, -1)

        weight = np.ones((count, length))
        removed = np.ones((count, length), dtype=bool)
        positions_of, rows_of, values = [], [], []
        flat = np.arange(count * length).reshape(count, length)
        for n in range(self.ngram.order, 2, -1):
            order, (at, known), (found, seen) = self.ngram.orders[n - 1], known_at[n - 2], seen_at[n - 2]
            take = removed & seen
            counted = np.where(seen, order.counts[found], 0)
            less = counted - take
            total = order.totals[at] - take
            usable = known & (total > 0)
            divisor = np.maximum(total, 1)
            back_off = (order.freed[at] - np.where(seen, order.discount(counted) - order.discount(less), 0)) / divisor
            # All continuations as counted, then the correction of the one that came.
            scale = np.where(usable, weight * order.totals[at] / divisor, 0)
            where = np.flatnonzero(usable)
            starts = order.starts[at.flat[where]]
            lengths = order.starts[at.flat[where] + 1] - starts
            entries = np.repeat(starts - np.cumsum(lengths) + lengths, lengths) + np.arange(lengths.sum())
            positions_of.append(np.repeat(where, lengths))
            rows_of.append(self.rows[n - 2][entries])
            values.append(order.direct[entries] * np.repeat(scale.flat[where].astype(np.float32), lengths))
            changed = usable & take
            difference = weight * ((less - order.discount(less)) / divisor - (counted - order.discount(counted)) / divisor)
            positions_of.append(flat[changed])
            rows_of.append(self.row_of[targets[changed]])
            values.append(difference[changed].astype(np.float32))
            weight = np.where(usable, weight * np.maximum(back_off, 0), weight)
            removed &= np.where(seen, counted == 1, True)
        # Bigrams: only the token that came is corrected, and the rest scaled so that all add up to 1.
        order, (at, known), (found, seen) = self.ngram.orders[1], known_at[0], seen_at[0]
        counted = np.where(seen, order.counts[found], 0)
        less = counted - (removed & seen)
        excess = ((counted - order.discount(counted)) - (less - order.discount(less))) / order.totals[at]
        own = self.row_of[ids[:, :-1]] < len(self.bigrams) - 2
        excess = np.where(known & seen & own, np.minimum(excess, 0.9), 0)
        weight = weight / (1 - excess)
        positions_of.append(flat.ravel())
        rows_of.append(self.row_of[targets.ravel()])
        values.append((-weight * excess).ravel().astype(np.float32))

        where, rows_of, values = (np.concatenate(parts) for parts in (positions_of, rows_of, values))
        by_position = np.argsort(where, kind="stable")
        self.firsts = np.searchsorted(where[by_position], np.arange(count * length + 1))
        self.entry_rows = torch.from_numpy(rows_of[by_position].astype(np.int64)).to(self.device)
        self.values = torch.from_numpy(values[by_position]).to(self.device)
        self.weight = torch.from_numpy(weight.ravel().astype(np.float32)).to(self.device)
        # It knows nothing of how documents begin, nor of roughened text.
        shares = self.share * ((ids[:, :-1] != self.end) & batch.is_counted[:, None])
        self.shares = torch.from_numpy(shares.ravel().astype(np.float32)).to(self.device)
        self.before = torch.from_numpy(self.row_of[ids[:, :-1].ravel()].astype(np.int64)).to(self.device)
        return self

    def for_kernel(self, part):
        """What kernels.cross_entropy needs of the positions of `part`."""
        firsts = self.firsts[part.start : min(part.stop, len(self.weight)) + 1]
        some = slice(firsts[0], firsts[-1])
        firsts = torch.from_numpy(firsts - firsts[0]).to(self.device)
        return (self.shares[part], self.weight[part], self.before[part], self.bigrams, firsts, self.entry_rows[some], self.values[some])

    def take_from(self, p, part):
        shares, weight, before, bigrams, firsts, entry_rows, entries = self.for_kernel(part)
        p.addcmul_(bigrams[before], (shares * weight)[:, None], value=-1)
        where = torch.repeat_interleave(torch.arange(len(shares), device=firsts.device), firsts.diff())
        p.view(-1).index_add_(0, where * p.shape[1] + entry_rows, -shares[where] * entries)
        return 1 - shares
