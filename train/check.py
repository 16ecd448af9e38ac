"""Checks an exported model: python check.py MODEL_FOLDER DATA_FOLDER TEXT...

That `transformers` reads it as it is; that tokens which the training text never held stay out of the best thousand at every
position of the texts; and that perplexity doesn't rise towards the end of the context. Prints what it found, and fails if
an unseen token was among the best thousand.
"""

import argparse
import json
import math
from pathlib import Path

import torch
from transformers import AutoTokenizer, GPT2LMHeadModel

import corpus

BANDS = [(0, 32), (32, 128), (128, 256), (256, 512), (512, 768), (768, 1024)]


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path, help="folder that prepare.py wrote")
    parser.add_argument("texts", type=Path, nargs="+")
    parser.add_argument("--tokens", type=int, default=8192, help="of each text at most")
    options = parser.parse_args()
    model, loading = GPT2LMHeadModel.from_pretrained(options.model, dtype=torch.float32, output_loading_info=True)
    assert not any(loading[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")), loading
    model.eval()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    description = json.loads((options.data / "data.json").read_text())
    own, unseen = torch.tensor(description["own"]), torch.tensor(description["unseen"])
    rare = torch.ones(description["vocab_size"], dtype=torch.bool)
    rare[own], rare[unseen] = False, False
    rare = torch.nonzero(rare)[:, 0]
    worst = {"unseen": math.inf, "rare": math.inf}
    rare_positions = positions = 0
    by_band = [[0.0, 0] for _ in BANDS]
    for path in options.texts:
        # One after the other, without regard to documents, so that there is text for the whole context.
        ids = [i for text in corpus.read_documents(path) for i in [*tokenizer(text)["input_ids"], tokenizer.eos_token_id]]
        ids = torch.tensor(ids[: options.tokens])
        for window in ids.split(model.config.n_positions):
            logits = model(window[None]).logits[0]
            for name, members in (("unseen", unseen), ("rare", rare)):
                if not len(members):
                    continue
                # The members share a row, so the first of them is as good as any.
                ranks = (logits > logits[:, members[0], None]).sum(1) + 1
                worst[name] = min(worst[name], ranks.min().item())
                if name == "rare":
                    rare_positions += (ranks <= 1000).sum().item()
            positions += len(window)
            losses = torch.nn.functional.cross_entropy(logits[:-1], window[1:], reduction="none")
            for band, (first, last) in zip(by_band, BANDS):
                band[0] += losses[first:last].sum().item()
                band[1] += len(losses[first:last])
    print(f"{positions:,} positions; best rank of an unseen token: {worst['unseen']:,}; of a rare one: {worst['rare']:,}, "
          f"among the best thousand at {rare_positions / positions:.2%} of the positions")  # fmt: skip
    for (total, count), (first, last) in zip(by_band, BANDS):
        if count:
            print(f"positions {first:>4} to {last - 1:>4}: perplexity {math.exp(total / count):8.2f} over {count:,} tokens")
    if worst["unseen"] <= 1000:
        raise SystemExit("an unseen token is among the best thousand")


if __name__ == "__main__":
    main()
