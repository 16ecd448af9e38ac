"""A checkpoint to a folder in the Hugging Face layout: python export.py RUN_FOLDER/best.pt DATA_FOLDER OUT_FOLDER"""

import argparse
import json
import shutil
from pathlib import Path

import torch

from hub import save_hub
from model import Vocabulary


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("data", type=Path, help="folder that prepare.py wrote")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    content = torch.load(options.checkpoint, map_location="cpu", weights_only=False)
    description = json.loads((options.data / "data.json").read_text())
    vocabulary = Vocabulary(*(description[key] for key in ("vocab_size", "own", "unseen")))
    save_hub(options.out, content["model"], vocabulary, content["config"]["model"], description["end_of_text"])
    for name in ("tokenizer.json", "vocab.json", "merges.txt"):
        if (options.data / name).exists():
            shutil.copyfile(options.data / name, options.out / name)
    print(f"step {content['step']}, {content['tokens']:,} tokens, held-out loss {content['best']:.4f}: {options.out}")


if __name__ == "__main__":
    main()
