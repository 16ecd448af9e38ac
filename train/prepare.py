"""Text files to token ids: python prepare.py CONFIG TEXT_FOLDER OUT_FOLDER

Writes for each source its training documents in a seeded order (NAME.plain.bin), the same documents roughened
(NAME.rough.bin), the held-out ones (NAME.held-out.bin), all as little-endian uint16 ids with <|endoftext|> after each
document, and data.json: counts, and which tokens get an embedding row of their own.
"""

import argparse
import json
import random
import shutil
import tomllib
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

import corpus


def encode(tokenizer, documents, end):
    batches = tokenizer.encode_batch_fast(documents, add_special_tokens=False)
    ids = [np.array(item.ids + [end], dtype="<u2") for item in batches]
    return np.concatenate(ids) if ids else np.empty(0, dtype="<u2")


def choose_rows(counts, own_rows, min_count):
    """The most frequent tokens by weighted count, and the tokens that were never seen."""
    order = np.argsort(-counts, kind="stable")[:own_rows]
    own = np.sort(order[counts[order] >= min_count])
    return own.tolist(), np.flatnonzero(counts == 0).tolist()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("texts", type=Path, help="folder of .txt or .txt.gz files")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    config = tomllib.loads(options.config.read_text())
    data, seed = config["data"], config["seed"]
    weights = data.get("weights", {})
    sources = corpus.find_sources(options.texts, list(weights))
    tokenizer = Tokenizer.from_file(str(Path(data["tokenizer"], "tokenizer.json")))
    end = tokenizer.token_to_id(corpus.SEPARATOR)
    size = tokenizer.get_vocab_size()
    options.out.mkdir(parents=True, exist_ok=True)

    seen, counts, summary = set(), np.zeros(size), {}
    for name, path in sources.items():
        weight = weights.get(name, 1.0)
        documents = corpus.read_documents(path)
        if "cut" in data:
            documents = [piece for document in documents for piece in corpus.cut(document, data["cut"])]
        training, held_out = corpus.split_held_out(documents, data["held_out"], seen)
        random.Random(f"{seed} {name}").shuffle(training)
        rough = [piece for document in training for piece in corpus.roughen(document, seed)]
        is_rough = not {name, "*"}.isdisjoint(data.get("roughen", []))
        streams = {"plain": training, "rough": rough if is_rough else [], "held-out": held_out}
        ids = {kind: encode(tokenizer, documents, end) for kind, documents in streams.items()}
        for kind, stream in ids.items():
            stream.tofile(options.out / f"{name}.{kind}.bin")
        share = data["rough_share"] if is_rough else 0.0
        for kind, part in (("plain", 1 - share), ("rough", share)):
            counts += weight * part * np.bincount(ids[kind], minlength=size)
        summary[name] = {"weight": weight, "documents": len(training), "held_out_documents": len(held_out)}
        summary[name] |= {f"{kind} tokens": len(stream) for kind, stream in ids.items()}
        print(name, summary[name], flush=True)

    if sum(source["held-out tokens"] for source in summary.values()) < 2:
        raise SystemExit("no document fell to the held-out side: raise held_out, or cut the documents shorter")
    own, unseen = choose_rows(counts, data["own_rows"], data["min_count"])
    covered = counts[own].sum() / counts.sum()
    print(f"{len(own)} tokens have rows of their own ({covered:.2%} of the text), {len(unseen)} were never seen")
    description = {"vocab_size": size, "end_of_text": end, "sources": summary, "own": own, "unseen": unseen}
    (options.out / "data.json").write_text(json.dumps(description))
    for name in ("tokenizer.json", "vocab.json", "merges.txt"):
        path = Path(data["tokenizer"], name)
        if path.exists():
            shutil.copy(path, options.out / name)


if __name__ == "__main__":
    main()
