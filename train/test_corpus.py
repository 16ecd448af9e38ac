"""python3 -m unittest discover -s train -p 'test_*.py' (needs nothing but Python)"""

import gzip
import tempfile
import unittest
from pathlib import Path

import corpus


class Documents(unittest.TestCase):
    def test_separators_stand_alone_on_a_line(self):
        text = "one\ntwo\n<|endoftext|>\n\n<|endoftext|>\nthree <|endoftext|>\n"
        with tempfile.TemporaryDirectory() as folder:
            plain, packed = Path(folder, "a.txt"), Path(folder, "b.txt.gz")
            plain.write_text(text)
            packed.write_bytes(gzip.compress(text.encode()))
            for path in (plain, packed):
                self.assertEqual(corpus.read_documents(path), ["one\ntwo", "three <|endoftext|>"])
            self.assertEqual(corpus.find_sources(folder, []), {"a": plain, "b": packed})
            self.assertEqual(corpus.find_sources(folder, ["b"]), {"b": packed})
            with self.assertRaisesRegex(SystemExit, "c"):
                corpus.find_sources(folder, ["a", "c"])

    def test_cutting_loses_nothing(self):
        lines = [f"line {i}" for i in range(100)]
        pieces = corpus.cut("\n".join(lines), 60)
        self.assertGreater(len(pieces), 5)
        self.assertEqual("\n".join(pieces).split("\n"), lines)
        self.assertEqual(corpus.cut("short", 60), ["short"])


class HeldOut(unittest.TestCase):
    documents = [f"This is document {i}." for i in range(2000)]

    def test_a_document_stays_on_its_side(self):
        training, held_out = corpus.split_held_out(self.documents, 0.1, set())
        self.assertEqual(len(training) + len(held_out), 2000)
        self.assertTrue(140 < len(held_out) < 260)
        fewer, fewer_held_out = corpus.split_held_out(self.documents[::2], 0.1, set())
        self.assertTrue(set(fewer) <= set(training) and set(fewer_held_out) <= set(held_out))

    def test_copies_never_stand_on_both_sides(self):
        seen = set()
        corpus.split_held_out(self.documents, 0.1, seen)
        shouted = [document.upper().replace(".", " !") for document in self.documents]
        self.assertEqual(corpus.split_held_out(shouted, 0.5, seen), ([], []))


class Roughening(unittest.TestCase):
    document = "I don't know.\nWhere have you been all this time?\nThe weather is really very nice today."

    def test_it_is_drawn_from_the_seed_and_the_document(self):
        self.assertEqual(corpus.roughen(self.document, 1), corpus.roughen(self.document, 1))
        self.assertGreater(len({tuple(corpus.roughen(self.document, seed)) for seed in range(50)}), 10)

    def test_it_always_changes_something_and_invents_nothing(self):
        known = self.document.lower().replace("'", "")
        for seed in range(200):
            pieces = corpus.roughen(self.document, seed)
            self.assertNotEqual(pieces, [self.document])
            for line in "\n".join(pieces).split("\n"):
                self.assertIn(line.lower().replace("'", ""), known)


if __name__ == "__main__":
    unittest.main()
