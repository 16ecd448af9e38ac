"""The 5-gram on a text small enough to recount by hand; skipped without numpy."""

import unittest

try:
    import numpy as np

    from kneser_ney import KneserNey
except ModuleNotFoundError:
    np = None

END = 9


@unittest.skipIf(np is None, "needs numpy")
class Ngrams(unittest.TestCase):
    def setUp(self):
        documents = [[1, 2, 3, 4, 5], [1, 2, 3, 4, 6], [2, 3, 4, 5, 7, 1, 2], [8], [1, 2, 3, 4, 5, 5, 5]]
        self.ngram = KneserNey([np.array([i for document in documents for i in [*document, END]])], 12, END)

    def test_every_distribution_adds_up_to_one(self):
        for context in ([], [1], [10], [1, 2], [2, 1], [1, 2, 3], [2, 3, 4], [1, 2, 3, 4], [9, 1, 2, 3], [5, 5, 5, 5]):
            p = self.ngram.distribution(context)
            self.assertAlmostEqual(p.sum(), 1, places=6, msg=str(context))
            self.assertTrue((p > 0).all())

    def test_a_text_gets_the_probabilities_of_its_distributions(self):
        for ids in ([1, 2, 3, 4, 5, 7], [3, 4, 6, 10, 11, 1, 2, 3], [8, 8, 8]):
            one_by_one = [self.ngram.distribution(ids[max(0, i - 4) : i])[ids[i]] for i in range(1, len(ids))]
            np.testing.assert_allclose(self.ngram.probabilities(ids), one_by_one, rtol=1e-5)

    def test_what_came_often_after_a_context_is_probable_and_documents_do_not_touch(self):
        p = self.ngram.distribution([1, 2, 3, 4])
        self.assertEqual(p.argmax(), 5)
        self.assertGreater(p[6], p[7])
        # The first document's end stands before the second's 1 in the stream, but no bigram (END, 1) was counted.
        np.testing.assert_array_equal(self.ngram.distribution([END]), self.ngram.distribution([]))

    def test_short_n_grams_are_counted_by_what_stands_before_them(self):
        # 5 came five times, but after 4 and 5 only; 2 came five times, after 1 only.
        unigrams = self.ngram.orders[0]
        self.assertGreater(unigrams[5], unigrams[2])
        self.assertEqual(unigrams[10], unigrams[11])


if __name__ == "__main__":
    unittest.main()
