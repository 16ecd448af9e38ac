"""Perplexity of a model in f32 and int8, of an earlier model, and of a 5-gram, on the same tokens.

python evaluate.py HEADLIGHT HUB_FOLDER DATA_FOLDER TEXT... [--earlier HUB_FOLDER] [--out FOLDER]

HEADLIGHT is the project's command line, which runs both models; DATA_FOLDER is what prepare.py wrote, whose training
documents the 5-gram counts. Each document of a text file is scored by itself, in windows of 512 tokens, every token but the
first of each window, as `headlight eval --window 512` does; the 5-gram sees the same windows. Prints a Markdown table; with
--out writes it as perplexity.md, perplexity.csv and perplexity.json.
"""

import argparse
import csv
import json
import math
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

import corpus
from kneser_ney import KneserNey

WINDOW = 512
COLUMNS = ["f32", "int8", "5-gram", "earlier f32", "earlier int8"]


def documents_of(path, tokenizer):
    """(text, ids) of the documents that have a token to predict."""
    pairs = [(text, tokenizer.encode(text, add_special_tokens=False).ids) for text in corpus.read_documents(path)]
    return [(text, ids) for text, ids in pairs if len(ids) > 1]


def by_engine(headlight, model, documents):
    """What `headlight eval` says of all documents together."""
    with tempfile.TemporaryDirectory() as folder:
        paths = []
        for i, (text, _) in enumerate(documents):
            paths.append(Path(folder, f"{i:05}.txt"))
            paths[-1].write_text(text, encoding="utf-8")
        command = [headlight, "eval", model, *paths, "--window", str(WINDOW), "--json"]
        return json.loads(subprocess.run(command, check=True, capture_output=True).stdout)["all"]


def by_ngram(ngram, documents):
    """(tokens, perplexity)"""
    surprise = []
    for _, ids in documents:
        windows = (ids[i : i + WINDOW] for i in range(0, len(ids), WINDOW))
        surprise += [-np.log(ngram.probabilities(window)) for window in windows if len(window) > 1]
    surprise = np.concatenate(surprise)
    return len(surprise), math.exp(surprise.mean())


def count_ngrams(folder):
    description = json.loads((folder / "data.json").read_text())
    streams = [np.fromfile(folder / f"{name}.plain.bin", dtype="<u2") for name in description["sources"]]
    return KneserNey(streams, description["vocab_size"], description["end_of_text"]), sum(map(len, streams))


def markdown(rows, columns):
    lines = ["| text | tokens | " + " | ".join(columns) + " | int8: mean KL, nats | same most probable token |"]
    lines.append("|---" * (len(columns) + 4) + "|")
    for row in rows:
        values = " | ".join(f"{row[column]:.2f}" for column in columns)
        lines.append(f"| {row['text']} | {row['tokens']:,} | {values} | {row['mean KL']:.6f} | {row['same top 1']:.2%} |")
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("headlight", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("texts", type=Path, nargs="+")
    parser.add_argument("--earlier", type=Path)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()

    begun = time.perf_counter()
    ngram, counted = count_ngrams(options.data)
    grams = ", ".join(f"{len(level):,}" for level in ngram.levels)
    print(f"5-gram: counted {counted:,} tokens in {time.perf_counter() - begun:.0f} s; 2- to 5-grams: {grams}\n")
    tokenizer = Tokenizer.from_file(str(options.data / "tokenizer.json"))
    rows = []
    for path in options.texts:
        documents = documents_of(path, tokenizer)
        ours = by_engine(options.headlight, options.model, documents)
        tokens, perplexity = by_ngram(ngram, documents)
        assert tokens == ours["tokens"], f"{path}: the engine scored {ours['tokens']} tokens, the 5-gram {tokens}"
        row = {"text": corpus.source_name(path), "tokens": tokens, "5-gram": perplexity}
        row |= {"f32": ours["perplexity_f32"], "int8": ours["perplexity_int8"]}
        row |= {"mean KL": ours["mean_kl"], "99 % KL": ours["kl_99"], "same top 1": ours["top1_agreement"]}
        if options.earlier:
            earlier = by_engine(options.headlight, options.earlier, documents)
            row |= {"earlier f32": earlier["perplexity_f32"], "earlier int8": earlier["perplexity_int8"]}
        rows.append(row)
    columns = [column for column in COLUMNS if column in rows[0]]
    table = markdown(rows, columns)
    print(table)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "perplexity.md").write_text(table + "\n")
        (options.out / "perplexity.json").write_text(json.dumps(rows, indent=1) + "\n")
        with open(options.out / "perplexity.csv", "w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
