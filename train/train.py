"""Trains a model: python train.py CONFIG DATA_FOLDER RUN_FOLDER [--initial HUB_FOLDER]

Started again with the same arguments, it goes on from the last checkpoint of RUN_FOLDER. In the stable-decay schedule the
rate stays level until `steps - decay_steps`, then falls to zero; a file named `decay-now` in RUN_FOLDER starts the fall at
once. Writes best.pt (lowest held-out loss), last.pt, and curve.csv and curve.png.
"""

import argparse
import csv
import math
import os
import time
import tomllib
from pathlib import Path

import torch

from batches import Batches
from curve import draw
from hub import load_rows
from model import Gpt2, tied_loss
from optimizer import make_optimizers
from teachers import ModelTeacher, NgramTeacher


class Schedule:
    """The factor of all rates at a step."""

    def __init__(self, config):
        self.warmup, self.steps, self.kind = config["warmup_steps"], config["steps"], config["schedule"]
        self.decay_steps = config.get("decay_steps", 0)
        self.decay_start = self.steps - self.decay_steps

    def decay_now(self, step):
        if self.kind == "stable-decay" and step < self.decay_start:
            self.decay_start, self.steps = step, step + self.decay_steps

    def factor(self, step):
        if step < self.warmup:
            return (step + 1) / self.warmup
        if self.kind == "cosine":
            done = (step - self.warmup) / max(1, self.steps - self.warmup)
            return 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        return min(1.0, (self.steps - step) / max(1, self.decay_steps))


@torch.no_grad()
def held_out_losses(model, batches, device):
    """Mean loss in nats per token by source, over windows of the training length, in f32."""
    model.eval()
    length, losses = batches.train["window"], {}
    log_counts = batches.vocabulary.log_counts.to(device)
    for name, ids in batches.held_out.items():
        rows = batches.vocabulary.row_of[torch.from_numpy(ids.astype("int64"))].to(device)
        whole = (len(rows) - 1) // length
        # (windows, length + 1): each begins with the last token of the one before.
        windows = list(rows.unfold(0, length + 1, length).split(32)) if whole else []
        if len(rows) - 1 > whole * length:
            windows.append(rows[None, whole * length :])
        total = count = 0
        for window in windows:
            inputs, targets = window[:, :-1], window[:, 1:].flatten()
            positions = torch.arange(inputs.shape[1], device=device).expand_as(inputs)
            loss = tied_loss(model(inputs, positions).flatten(0, 1), model.wte.weight, log_counts, targets)
            total, count = total + loss.item() * len(targets), count + len(targets)
        losses[name] = total / count
    model.train()
    return losses


def save(path, content):
    """Whole or not at all."""
    partial = path.with_suffix(".partial")
    torch.save(content, partial)
    os.replace(partial, path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("data", type=Path, help="folder that prepare.py wrote")
    parser.add_argument("run", type=Path, help="folder for checkpoints and curve")
    parser.add_argument("--initial", type=Path, help="start from this model in the hub's layout")
    parser.add_argument("--initial-positions", type=int, help="how many of its positions were trained")
    parser.add_argument("--teacher", type=Path, help="learn also from the distribution of this checkpoint (best.pt of another run)")
    parser.add_argument("--stop-after", type=int, help="leave after this step, for trials")
    options = parser.parse_args()
    config = tomllib.loads(options.config.read_text())
    train = config["train"]
    options.run.mkdir(parents=True, exist_ok=True)

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        torch.set_num_threads(train.get("threads", os.cpu_count()))
    torch.set_float32_matmul_precision("high")
    torch.manual_seed(config["seed"])
    batches = Batches(options.data, config)
    model = Gpt2(batches.vocabulary.rows, **config["model"], dropout=train["dropout"]).to(device)
    if options.initial:
        load_rows(model, options.initial, batches.vocabulary, options.initial_positions)
    optimizers = make_optimizers(model, train)
    schedule = Schedule(train)
    log_counts = batches.vocabulary.log_counts.to(device)
    teacher = None
    if options.teacher:
        teacher = ModelTeacher(options.teacher, log_counts, train["teacher_share"], device)
    elif train.get("ngram_share", 0) > 0:
        teacher = NgramTeacher(options.data, batches.vocabulary, train["ngram_share"], device)
    step, tokens, seconds, best, recent = 0, 0, 0.0, math.inf, []
    curve = []
    last = options.run / "last.pt"
    if last.exists():
        content = torch.load(last, map_location=device, weights_only=False)
        model.load_state_dict(content["model"])
        for optimizer, state in zip(optimizers, content["optimizers"]):
            optimizer.load_state_dict(state)
        batches.restore(content["batches"])
        step, tokens, seconds, best, recent, curve = (
            content[k] for k in ("step", "tokens", "seconds", "best", "recent", "curve")
        )
        schedule.decay_start, schedule.steps = content["schedule"]
        torch.set_rng_state(content["random"].cpu())
        if device.type == "cuda":
            torch.cuda.set_rng_state(content["cuda_random"].cpu())
        print(f"going on from step {step}")
    compiled = torch.compile(model, dynamic=False) if train.get("compile", device.type == "cuda") else model
    parameters = sum(parameter.numel() for parameter in model.parameters())
    print(f"{parameters:,} parameters in training, {len(batches.names)} streams, on {device}", flush=True)

    def checkpoint():
        return {
            "config": config, "model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers],
            "batches": batches.state(), "schedule": (schedule.decay_start, schedule.steps), "step": step,
            "tokens": tokens, "seconds": seconds + time.perf_counter() - since, "recent": recent, "best": best, "curve": curve,
            "random": torch.get_rng_state(),
            "cuda_random": torch.cuda.get_rng_state() if device.type == "cuda" else None,
        }  # fmt: skip

    since, recent_tokens = time.perf_counter(), 0
    while step < schedule.steps:
        if (options.run / "decay-now").exists():
            schedule.decay_now(step)
        factor = schedule.factor(step)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["peak"] * factor
        if isinstance(teacher, NgramTeacher):
            # A model that has become better than its teacher should follow it less.
            last_share = train.get("ngram_share_last", train["ngram_share"])
            level = 1.0 if step < schedule.warmup else factor
            teacher.share = last_share + (train["ngram_share"] - last_share) * level
        batch = batches.next()
        rows, positions, targets = (torch.from_numpy(part).to(device) for part in (batch.inputs, batch.positions, batch.targets))
        with torch.autocast(device.type, torch.bfloat16):
            soft = teacher.look(batch, rows, positions) if teacher is not None else None
            hidden = compiled(rows, positions)
            loss = tied_loss(hidden.flatten(0, 1), model.wte.weight, log_counts, targets.flatten(), soft)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), train["clip"])
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        step, tokens, recent_tokens = step + 1, tokens + targets.numel(), recent_tokens + targets.numel()
        recent.append(loss.detach())

        is_last = step == schedule.steps or step == options.stop_after
        if step % train["evaluate_every"] == 0 or is_last:
            training_loss = torch.stack(recent).mean().item()
            passed = time.perf_counter() - since
            seconds += passed
            losses = held_out_losses(model, batches, device)
            selected = [losses[name] for name in train.get("select_by") or losses]
            held_out = sum(selected) / len(selected)
            row = {"step": step, "tokens": tokens, "seconds": round(seconds, 1), "rate": factor}
            row |= {"training": training_loss, "held-out": held_out, **losses}
            curve.append({k: round(v, 5) if isinstance(v, float) else v for k, v in row.items()})
            with open(options.run / "curve.csv", "w", newline="") as file:
                writer = csv.DictWriter(file, list(row))
                writer.writeheader()
                writer.writerows(curve)
            print(f"step {step}: {recent_tokens / passed:,.0f} tokens/s, rate {factor:.3f}, training {training_loss:.4f}, "
                  f"held-out {held_out:.4f} (" + ", ".join(f"{k} {math.exp(v):.1f}" for k, v in losses.items()) + ")",
                  flush=True)  # fmt: skip
            recent, recent_tokens, since = [], 0, time.perf_counter()
            if held_out < best:
                best = held_out
                save(options.run / "best.pt", {k: v for k, v in checkpoint().items() if k != "optimizers"})
        if step % train["save_every"] == 0 or is_last:
            save(last, checkpoint())
        if is_last:
            break
    draw(options.run / "curve.csv", options.run / "curve.png")


if __name__ == "__main__":
    main()
