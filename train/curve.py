"""Draws a run's losses: python curve.py CURVE_CSV PNG"""

import csv
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def draw(table, png):
    with open(table, newline="") as file:
        rows = list(csv.DictReader(file))
    tokens = [float(row["tokens"]) / 1e6 for row in rows]
    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    names = [name for name in rows[0] if name not in ("step", "tokens", "seconds", "rate")]
    for index, name in enumerate(names):
        is_main = name in ("training", "held-out")
        # The colours repeat after ten.
        style = "-" if index < 10 else "--"
        axes.plot(tokens, [float(row[name]) for row in rows], style, label=name, lw=2 if is_main else 0.8)
    axes.set(xlabel="million tokens", ylabel="loss, nats per token")
    axes.grid(alpha=0.3)
    figure.legend(fontsize="x-small", ncols=5, loc="outside lower center")
    figure.savefig(png, dpi=110)
    plt.close(figure)


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]))
