"""The n-gram to beat: interpolated modified Kneser-Ney model over the same tokens of the same training text.

Chen and Goodman's form (1999), three discounts for each order. The n-grams of each length are numbered in sorted order, and
the key of a longer one is the number of its beginning and its last token; so counting is sorting, and looking up is binary
search.
"""

import numpy as np

ORDER = 5
BITS = 16  # ids of GPT-2's tokenizer are below 2^16


class Order:
    """The n-grams of one length, in the order of their keys, and the contexts that they begin with."""

    def __init__(self, keys, counts):
        ones = [np.count_nonzero(counts == k) for k in (1, 2, 3, 4)]
        y = ones[0] / max(1, ones[0] + 2 * ones[1])
        discounts = [max(0.0, k + 1 - (k + 2) * y * ones[k + 1] / max(1, ones[k])) for k in range(3)]
        # What is taken from a count of 0, 1, 2, and of 3 or more.
        self.discounts = np.array([0.0, *discounts])
        self.keys, self.counts = keys, counts.astype(np.int32)
        self.context_keys, self.starts = np.unique(keys >> BITS, return_index=True)
        of_context = np.repeat(np.arange(len(self.starts)), np.diff(np.append(self.starts, len(keys))))
        discount = self.discount(counts)
        self.totals = np.bincount(of_context, weights=counts)
        self.freed = np.bincount(of_context, weights=discount)
        # Probability without the lower orders' part, and the weight of those.
        self.direct = ((counts - discount) / self.totals[of_context]).astype(np.float32)
        self.back_off = self.freed / self.totals
        self.starts = np.append(self.starts, len(keys))

    def discount(self, counts):
        return self.discounts[np.minimum(counts, 3)]


def find(table, wanted):
    """Index into `table` and whether it is there."""
    index = np.minimum(np.searchsorted(table, wanted), len(table) - 1)
    return index, table[index] == wanted


class KneserNey:
    """`streams` are arrays of token ids; documents in them end with `end`, and no n-gram spans two documents."""

    def __init__(self, streams, vocab_size, end, order=ORDER):
        self.order, self.vocab_size = order, vocab_size
        ids = np.concatenate(streams).astype(np.int64)
        # At each position the number of the n-gram that ends there among those of its length; -1 if it spans documents.
        document = np.cumsum(np.concatenate([[0], (ids[:-1] == end).astype(np.int64)]))
        context = ids.copy()
        self.levels, keys_at = [], [ids]
        for n in range(2, order + 1):
            key = np.full(len(ids), -1)
            key[n - 1 :] = np.where(
                (document[n - 1 :] == document[: len(ids) - n + 1]) & (context[n - 2 : -1] >= 0),
                context[n - 2 : -1] << BITS | ids[n - 1 :],
                -1,
            )
            table, context = _rank(key)
            self.levels.append(table)
            keys_at.append(context)
        self.orders = self._estimate(ids, keys_at)

    def _estimate(self, ids, keys_at):
        orders = []
        for n in range(1, self.order + 1):
            ranks = keys_at[n - 1]
            size = self.vocab_size if n == 1 else len(self.levels[n - 2])
            if n == self.order:
                counts = np.bincount(ranks[ranks >= 0], minlength=size)
            else:
                # How many different tokens come before it: one for each kind of the longer n-gram that ends in it.
                # An n-gram at a document's start has none; it counts once, so that no seen n-gram gets nothing.
                longer = keys_at[n]
                there = longer >= 0
                first = np.full(len(self.levels[n - 1]), 0)
                first[longer[there]] = ranks[there]
                counts = np.bincount(first, minlength=size)
                if n > 1:
                    counts = np.maximum(counts, 1)
            if n == 1:
                orders.append(self._unigrams(counts))
                continue
            orders.append(Order(self.levels[n - 2], counts))
        return orders

    def _unigrams(self, counts):
        """Interpolated with the uniform distribution, so that every token has some probability."""
        discount = 0.75
        kept = np.maximum(counts - discount, 0)
        freed = counts.sum() - kept.sum()
        return (kept + freed / self.vocab_size) / counts.sum()

    def probabilities(self, ids):
        """Of each token but the first, given up to four before it."""
        ids = np.asarray(ids, dtype=np.int64)
        p = self.orders[0][ids]
        context = ids.copy()
        for n in range(2, self.order + 1):
            order = self.orders[n - 1]
            before = np.concatenate([[-1], context[:-1]])
            at, known = find(order.context_keys, before)
            key = np.where(before >= 0, before << BITS | ids, -1)
            found, seen = find(order.keys, key)
            interpolated = np.where(seen, order.direct[found], 0.0) + order.back_off[at] * p
            p = np.where(known, interpolated, p)
            context = np.where(seen, found, -1)
        return p[1:]

    def distribution(self, context):
        """Over all tokens, after the ids in `context`."""
        p = self.orders[0].copy()
        rank = -1
        # The n-gram that ends the context, for n = 1 .. order - 1, as its rank.
        for n in range(2, self.order + 1):
            tail = context[len(context) - (n - 1) :]
            if len(tail) < n - 1:
                break
            rank = self._rank_of(tail)
            order = self.orders[n - 1]
            at, known = find(order.context_keys, np.int64(rank))
            if rank < 0 or not known:
                break
            p = p * order.back_off[at]
            low, high = order.starts[at : at + 2]
            p[order.keys[low:high] & (2**BITS - 1)] += order.direct[low:high]
        return p

    def _rank_of(self, ids):
        rank = int(ids[0])
        for level, token in zip(self.levels, ids[1:]):
            at, known = find(level, np.int64(rank << BITS | int(token)))
            if not known:
                return -1
            rank = int(at)
        return rank


def _rank(keys):
    """The sorted different keys, and each key's place among them; keys of -1 have none."""
    there = keys >= 0
    table, inverse = np.unique(keys[there], return_inverse=True)
    ranks = np.full(len(keys), -1)
    ranks[there] = inverse
    return table, ranks
