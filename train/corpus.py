"""Text files as documents: reading, deduplicating, splitting off the held-out ones, and roughening for a phone keyboard."""

import gzip
import hashlib
import random
import re
from pathlib import Path

SEPARATOR = "<|endoftext|>"


def read_documents(path):
    """The documents of a .txt or .txt.gz file: what stands between lines that hold only <|endoftext|>."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as file:
        text = file.read()
    parts = re.split(rf"(?m)^{re.escape(SEPARATOR)}$", text)
    return [part.strip("\n") for part in parts if part.strip()]


def cut(document, length):
    """The document in pieces that end with the first line that ends after so many characters."""
    pieces, piece, size = [], [], 0
    for line in document.split("\n"):
        piece.append(line)
        size += len(line) + 1
        if size > length:
            pieces.append("\n".join(piece))
            piece, size = [], 0
    return [piece for piece in [*pieces, "\n".join(piece)] if piece.strip()]


def source_name(path):
    """`tatoeba` for `tatoeba.txt.gz`."""
    return path.name.removesuffix(".gz").removesuffix(".txt")


def find_sources(folder, wanted):
    """Paths by name; without wanted names, every text file of the folder."""
    paths = sorted(path for path in Path(folder).iterdir() if path.name.endswith((".txt", ".txt.gz")))
    found = {source_name(path): path for path in paths}
    missing = sorted(set(wanted) - set(found))
    if missing:
        raise SystemExit(f"no text file for: {', '.join(missing)}")
    return {name: found[name] for name in (wanted or found)}


def fingerprint(document):
    """Equal for documents that differ only in case, punctuation and spacing."""
    letters = re.sub(r"[^0-9a-z]+", "", document.casefold())
    return hashlib.sha256((letters or document).encode()).digest()


def split_held_out(documents, share, seen):
    """Drops documents whose fingerprint is in `seen`, and parts the rest into (training, held out).

    The fingerprint decides, so a document stays on its side when others come or go.
    """
    training, held_out = [], []
    for document in documents:
        key = fingerprint(document)
        if key in seen:
            continue
        seen.add(key)
        is_held_out = int.from_bytes(key[:4], "big") < share * 2**32
        (held_out if is_held_out else training).append(document)
    return training, held_out


def roughen(document, seed):
    """The document as people type on a phone, as a list of shorter documents; the same for the same seed.

    Drawn independently: all lower case; no full stop at a line's end; no apostrophes in contractions; each line a message
    of its own; messages that begin or break off in mid-sentence.
    """
    draw = random.Random(hashlib.sha256(f"{seed}\n{document}".encode()).digest())
    lower, no_stops, no_apostrophes, messages, halves = (draw.random() < p for p in (0.7, 0.6, 0.25, 0.5, 0.3))
    if not (lower or no_stops or messages):
        lower = True
    if lower:
        document = document.lower()
    if no_stops:
        document = re.sub(r"(?m)(?<=\w)\.$", "", document)
    if no_apostrophes:
        document = re.sub(r"(?<=[A-Za-z])'(?=(?:t|s|m|re|ve|ll|d)\b)", "", document)
    pieces = [line for line in document.split("\n") if line.strip()] if messages else [document]
    if halves:
        pieces = [_half(piece, draw) for piece in pieces]
    return [piece for piece in pieces if piece]


def _half(piece, draw):
    """Cuts some words off the start or the end of one piece in two."""
    words = piece.split(" ")
    if len(words) < 6 or draw.random() < 0.5:
        return piece
    cut = draw.randrange(1, len(words) // 2)
    return " ".join(words[cut:] if draw.random() < 0.5 else words[:-cut])
