"""Batches from the prepared token streams. Everything that is drawn comes from one generator whose state can be saved."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model import Vocabulary


@dataclass
class Batch:
    """`ids` (B, T + 1); `inputs`, `positions`, `targets` (B, T), inputs and targets as rows; `is_counted` (B): not roughened."""

    ids: np.ndarray
    inputs: np.ndarray
    positions: np.ndarray
    targets: np.ndarray
    is_counted: np.ndarray


class Stream:
    """One source's tokens, cut into windows that come in a new order, from a new start, in each pass."""

    def __init__(self, path, end):
        self.ids = np.fromfile(path, dtype="<u2")
        self.starts = np.flatnonzero(self.ids[:-1] == end) + 1 if len(self.ids) else np.empty(0, dtype=np.int64)
        self.offset, self.order, self.next = 0, np.empty(0, dtype=np.int64), 0
        self.passes = 0

    def window(self, length, at_document, random):
        """`length` ids; with `at_document` beginning at the first document that begins in the window, if one does."""
        if self.next == len(self.order):
            self.offset = int(random.integers(max(1, min(length, len(self.ids) - length))))
            self.order = random.permutation((len(self.ids) - self.offset) // length)
            self.next = 0
            self.passes += 1
        start = self.offset + int(self.order[self.next]) * length
        self.next += 1
        if at_document:
            i = np.searchsorted(self.starts, start)
            if i < len(self.starts) and self.starts[i] < start + length:
                start = min(int(self.starts[i]), len(self.ids) - length)
        return self.ids[start : start + length]

    def anywhere(self, length, random):
        start = int(random.integers(len(self.ids) - length + 1))
        return self.ids[start : start + length]

    def state(self):
        return {"offset": self.offset, "order": self.order, "next": self.next, "passes": self.passes}

    def restore(self, state):
        self.offset, self.order, self.next, self.passes = (state[k] for k in ("offset", "order", "next", "passes"))


class Batches:
    def __init__(self, folder, config):
        folder = Path(folder)
        self.description = json.loads((folder / "data.json").read_text())
        self.vocabulary = Vocabulary(*(self.description[k] for k in ("vocab_size", "own", "unseen")))
        data, train = config["data"], config["train"]
        self.train, self.positions = train, config["model"]["n_positions"]
        self.random = np.random.default_rng(config["seed"])
        end = self.description["end_of_text"]
        self.streams, weights, self.held_out = {}, [], {}
        for name, source in self.description["sources"].items():
            rough = data.get("rough_share", 0.0) if source["rough tokens"] else 0.0
            for kind, share in (("plain", 1 - rough), ("rough", rough)):
                if share > 0 and source[f"{kind} tokens"] > train["window"] + 1:
                    self.streams[f"{name}.{kind}"] = Stream(folder / f"{name}.{kind}.bin", end)
                    weights.append(data.get("weights", {}).get(name, 1.0) * source["plain tokens"] * share)
            held_out = np.fromfile(folder / f"{name}.held-out.bin", dtype="<u2")[: train["held_out_tokens"]]
            if len(held_out) > 1:
                self.held_out[name] = held_out
        self.names, self.weights = list(self.streams), np.array(weights) / sum(weights)

    def next(self):
        train, random = self.train, self.random
        is_long = random.random() < train["long_share"]
        length = self.positions if is_long else train["window"]
        moved = not is_long and random.random() < train["offset_share"]
        windows, positions, is_counted = [], [], []
        for _ in range(max(1, train["batch_tokens"] // length)):
            name = self.names[random.choice(len(self.names), p=self.weights)]
            stream = self.streams[name]
            is_counted.append(name.endswith(".plain"))
            if is_long and len(stream.ids) > length:
                windows.append(stream.anywhere(length + 1, random))
            elif is_long:
                windows.append(np.resize(stream.ids, length + 1))
            else:
                windows.append(stream.window(length + 1, random.random() < train["document_share"], random))
            first = int(random.integers(self.positions - length + 1)) if moved else 0
            positions.append(np.arange(first, first + length))
        ids = np.stack(windows)
        rows = self.vocabulary.row_of.numpy()[ids]
        inputs = rows[:, :-1].copy()
        # So that the row of unseen tokens means something when it comes as input: any word.
        inputs[random.random(inputs.shape) < train["unseen_share"]] = self.vocabulary.unseen_row
        return Batch(ids, inputs, np.stack(positions), rows[:, 1:].copy(), np.array(is_counted))

    def state(self):
        streams = {name: stream.state() for name, stream in self.streams.items()}
        return {"random": self.random.bit_generator.state, "streams": streams}

    def restore(self, state):
        self.random.bit_generator.state = state["random"]
        for name, stream in self.streams.items():
            stream.restore(state["streams"][name])
