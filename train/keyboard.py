"""Keyboard measures: models by `headlight keyboard`, and two baselines under the same rules, in one table.

python keyboard.py HEADLIGHT DATA_FOLDER TEXT... --model NAME=FOLDER [--model NAME=FOLDER ...] [--words N] [--personal W] [--out FOLDER]

The baselines are the 5-gram and the most frequent words of the training text. They suggest tokens at the start of a word, and then
those that begin with the letters typed. A model stands there with tokens, by the same rules; with whole words, as the page suggests
them; and with whole words and the words typed before at the weight W. Keystrokes saved are told for one suggestion and for three, by a
user who looks at the start of words only, and by one who also looks while typing. The head of src/bin/headlight/keyboard.rs says
what counts as a word, a hit and a keystroke.
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

    def looks(self, probabilities, is_spaced, word):
        """The word's place among the candidates at its start and after each letter, until it is the best; none if it is no token."""
        inserts = self.spaced if is_spaced else self.plain
        wanted = np.flatnonzero(inserts == word)
        if not len(wanted):
            return []
        best = wanted[np.argmax(probabilities[wanted])]
        # All that come before it; a tie goes to the smaller id.
        before = (probabilities > probabilities[best]) | ((probabilities == probabilities[best]) & (np.arange(len(inserts)) < best))
        ahead = inserts[before & (inserts != "")]
        places = [len(ahead)]
        for typed in range(1, len(word)):
            if places[-1] == 0:
                break
            ahead = ahead[np.strings.startswith(ahead, word[:typed]) & (np.strings.str_len(ahead) > typed)]
            places.append(len(ahead))
        return places


# (suggestions shown, whether the user looks at the start of words only), in the order of `headlight keyboard --json`.
USERS = [(1, True), (SHOWN, True), (1, False), (SHOWN, False)]


def type_documents(documents, predict, candidates, limit):
    """Words, characters, and for each user words shown at their start and keystrokes."""
    words = characters = 0
    users = [[0, 0] for _ in USERS]
    for document in documents:
        rest = 0
        for start, end in word_bounds(document):
            if limit and words >= limit:
                return words, characters, users
            word, gap, space = document[start:end], start - rest, int(document[end : end + 1] == " ")
            before = document[:start]
            # As the session does: one space at the end is left for the next token to begin with.
            is_spaced = before.endswith(" ") and before[:-1] != "" and not before[:-1][-1].isspace()
            places = candidates.looks(predict(before[:-1] if is_spaced else before), is_spaced, word)
            full = len(word) + space
            for user, (shown, start_only) in zip(users, USERS):
                seen = places[:1] if start_only else places
                typed = next((typed for typed, place in enumerate(seen) if place < shown), None)
                user[0] += typed == 0
                user[1] += gap + (full if typed is None else min(full, typed + 1))
            words += 1
            characters += gap + full
            rest = end + space
    return words, characters, users


def by_engine(headlight, folder, path, limit, *more):
    """The same by the command line."""
    command = [headlight, "keyboard", folder, path, "--words", str(limit), "--shown", str(SHOWN), "--json", *more]
    answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["all"]
    assert [(user["shown"], not user["half_words"]) for user in answer["users"]] == USERS
    hits = [round(answer[key] * answer["words"]) for key in ("best", "shown")] * 2
    users = [[hit, user["keystrokes"]] for hit, user in zip(hits, answer["users"])]
    return answer["words"], answer["characters"], users


def row_of(source, name, counts):
    words, characters, users = counts
    row = {"text": source, "words": words, "suggestions by": name}
    row |= {f"top {shown}": hits / words for (hits, _), (shown, _) in zip(users[:2], USERS)}
    for (_, keystrokes), (shown, start_only) in zip(users, USERS):
        row[f"{shown}, at starts" if start_only else f"{shown}, half words"] = 1 - keystrokes / characters
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("headlight", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("texts", type=Path, nargs="+")
    parser.add_argument("--model", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--words", type=int, default=0, help="of each file at most; 0 for all")
    parser.add_argument("--personal", type=float, default=0.1, help="weight of the words typed before")
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
    rows, totals = [], {}
    for path in options.texts:
        results = {}
        for model in options.model:
            name, folder = model.split("=", 1)
            measure = lambda *more: by_engine(options.headlight, Path(folder), path, options.words, *more)
            results[f"{name}, tokens"] = measure("--tokens")
            results[f"{name}, words"] = measure()
            results[f"{name}, words, {options.personal:g} of one's own"] = measure("--personal", str(options.personal))
        documents = corpus.read_documents(path)
        for name, predict in baselines.items():
            results[name] = type_documents(documents, predict, candidates, options.words)
        for name, counts in results.items():
            assert counts[:2] == next(iter(results.values()))[:2], f"{path}: not the same words for {name}"
            rows.append(row_of(corpus.source_name(path), name, counts))
            before = totals.get(name, (0, 0, [[0, 0]] * len(USERS)))
            users = [[a + b for a, b in zip(*pair)] for pair in zip(before[2], counts[2])]
            totals[name] = (before[0] + counts[0], before[1] + counts[1], users)
    if len(options.texts) > 1:
        rows += [row_of("all", name, counts) for name, counts in totals.items()]
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
