"""Keyboard measures: models by `headlight keyboard`, and two baselines under the same rules.

python keyboard.py HEADLIGHT DATA_FOLDER TEXT... --model NAME=FOLDER [--model NAME=FOLDER ...] [--words N] [--out FOLDER]

The baselines are the 5-gram and the most frequent words of the training text, which suggest tokens: three at the start of a
word, then three of those that begin with the letters typed. A model stands there twice: with tokens, by the same rules, and with
whole words, as the page suggests them. `headlight keyboard --help` and the head of src/bin/headlight/keyboard.rs say what counts
as a word, a hit and a keystroke.
"""

import argparse
import json
import subprocess
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

import corpus
from evaluate import count_ngrams

SHOWN = 3


def word_bounds(text):
    """Runs of letters and digits, and the endings of contractions; as the command line's."""
    bounds, start, previous = [], None, " "
    for i, c in enumerate(text):
        begins_ending = c == "'" and previous.isalpha() and text[i + 1 : i + 2].isalpha()
        if (begins_ending or not c.isalnum()) and start is not None:
            bounds.append((start, i))
            start = None
        if begins_ending or c.isalnum() and start is None:
            start = i
        previous = c
    return bounds + ([(start, len(text))] if start is not None else [])


class Candidates:
    """What the tokens of the vocabulary would add to the text, with and without a space typed before them."""

    def __init__(self, tokenizer, end):
        texts = [tokenizer.decode([i]) for i in range(tokenizer.get_vocab_size())]
        usable = [i != end and "\ufffd" not in text and text != "" for i, text in enumerate(texts)]
        self.plain = np.array([text if ok else "" for text, ok in zip(texts, usable)])
        self.spaced = np.array([text[1:] if ok and text[0] == " " else "" for text, ok in zip(texts, usable)])

    def first_shown(self, probabilities, is_spaced, word):
        """(letters typed, place) at which the word is among the three, or None."""
        inserts = self.spaced if is_spaced else self.plain
        wanted = np.flatnonzero(inserts == word)
        if not len(wanted):
            return None
        best = wanted[np.argmax(probabilities[wanted])]
        # All that come before it; a tie goes to the smaller id.
        before = (probabilities > probabilities[best]) | ((probabilities == probabilities[best]) & (np.arange(len(inserts)) < best))
        ahead = inserts[before & (inserts != "")]
        for typed in range(len(word)):
            if typed:
                ahead = ahead[np.strings.startswith(ahead, word[:typed]) & (np.strings.str_len(ahead) > typed)]
            if len(ahead) < SHOWN:
                return typed, len(ahead)
        return None


def type_documents(documents, predict, candidates, limit):
    counts = dict.fromkeys(("words", "best", "shown", "characters", "keystrokes"), 0)
    for document in documents:
        rest = 0
        for start, end in word_bounds(document):
            if limit and counts["words"] >= limit:
                return counts
            word, gap, space = document[start:end], start - rest, int(document[end : end + 1] == " ")
            before = document[:start]
            # As the session does: one space at the end is left for the next token to begin with.
            is_spaced = before.endswith(" ") and before[:-1] != "" and not before[:-1][-1].isspace()
            found = candidates.first_shown(predict(before[:-1] if is_spaced else before), is_spaced, word)
            full = len(word) + space
            counts["words"] += 1
            counts["best"] += found == (0, 0)
            counts["shown"] += found is not None and found[0] == 0
            counts["characters"] += gap + full
            counts["keystrokes"] += gap + (full if found is None else min(full, found[0] + 1))
            rest = end + space
    return counts


def by_engine(headlight, folder, path, limit, *more):
    command = [headlight, "keyboard", folder, path, "--words", str(limit), "--json", *more]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["all"]
    return {
        key: round(answer[key] * answer["words"]) if key in ("best", "shown") else answer[key]
        for key in ("words", "best", "shown", "characters", "keystrokes")
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("headlight", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("texts", type=Path, nargs="+")
    parser.add_argument("--model", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--words", type=int, default=0, help="of each file at most; 0 for all")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()

    tokenizer = Tokenizer.from_file(str(options.data / "tokenizer.json"))
    ngram, _ = count_ngrams(options.data)
    description = json.loads((options.data / "data.json").read_text())
    frequencies = np.zeros(description["vocab_size"])
    for name in description["sources"]:
        frequencies += np.bincount(np.fromfile(options.data / f"{name}.plain.bin", dtype="<u2"), minlength=len(frequencies))
    candidates = Candidates(tokenizer, description["end_of_text"])
    baselines = {
        "5-gram": lambda text: ngram.distribution(tokenizer.encode(text, add_special_tokens=False).ids[-4:]),
        "most frequent words": lambda text: frequencies,
    }
    rows = []
    for path in options.texts:
        results = {}
        for model in options.model:
            name, folder = model.split("=", 1)
            results[f"{name}, tokens"] = by_engine(options.headlight, Path(folder), path, options.words, "--tokens")
            results[f"{name}, words"] = by_engine(options.headlight, Path(folder), path, options.words)
        documents = corpus.read_documents(path)
        for name, predict in baselines.items():
            results[name] = type_documents(documents, predict, candidates, options.words)
        for name, counts in results.items():
            words = counts["words"]
            assert words == next(iter(results.values()))["words"], f"{path}: not the same words for {name}"
            row = {"text": corpus.source_name(path), "words": words, "suggestions by": name}
            row |= {"top 1": counts["best"] / words, f"top {SHOWN}": counts["shown"] / words}
            rows.append(row | {"keystrokes saved": 1 - counts["keystrokes"] / counts["characters"]})
    lines = ["| " + " | ".join(rows[0]) + " |", "|---" * len(rows[0]) + "|"]
    for row in rows:
        values = [f"{v:.1%}" if isinstance(v, float) else f"{v:,}" if isinstance(v, int) else v for v in row.values()]
        lines.append("| " + " | ".join(values) + " |")
    print("\n".join(lines))
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "keyboard.md").write_text("\n".join(lines) + "\n")
        (options.out / "keyboard.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
