"""A model to and from the Hugging Face layout of GPT-2."""

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

# In a block: the hub's name, ours. The hub keeps weights as [in, out].
NAMES = {"ln_1": "ln_1", "attn.c_attn": "c_attn", "attn.c_proj": "c_proj", "ln_2": "ln_2", "mlp.c_fc": "c_fc", "mlp.c_proj": "mlp_proj"}


def block_names(n_layer):
    """(hub's name, ours, whether to transpose)"""
    for layer in range(n_layer):
        for theirs, ours in NAMES.items():
            for kind in ("weight", "bias"):
                yield f"h.{layer}.{theirs}.{kind}", f"blocks.{layer}.{ours}.{kind}", kind == "weight" and "ln" not in ours


def to_hub(state, vocabulary, n_layer):
    """The hub's tensors, with a row for each of the tokenizer's tokens: those that shared one get a copy each."""
    tensors = {"wte.weight": state["wte.weight"][vocabulary.row_of], "wpe.weight": state["wpe.weight"]}
    tensors |= {f"ln_f.{kind}": state[f"ln_f.{kind}"] for kind in ("weight", "bias")}
    for theirs, ours, transposed in block_names(n_layer):
        tensors[theirs] = state[ours].T if transposed else state[ours]
    return {name: tensor.detach().to(torch.float16).contiguous() for name, tensor in tensors.items()}


def hub_config(model, vocab_size, end_of_text):
    return {
        "activation_function": "gelu_new", "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2",
        "bos_token_id": end_of_text, "eos_token_id": end_of_text, "vocab_size": vocab_size,
        "n_layer": model["n_layer"], "n_embd": model["n_embd"], "n_head": model["n_embd"] // 64, "n_inner": None,
        "n_positions": model["n_positions"], "n_ctx": model["n_positions"], "layer_norm_epsilon": 1e-5,
        "attn_pdrop": 0.0, "embd_pdrop": 0.0, "resid_pdrop": 0.0, "initializer_range": 0.02,
    }  # fmt: skip


def save_hub(folder, state, vocabulary, model, end_of_text):
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    save_file(to_hub(state, vocabulary, model["n_layer"]), folder / "model.safetensors", {"format": "pt"})
    config = hub_config(model, len(vocabulary.row_of), end_of_text)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")


@torch.no_grad()
def load_rows(model, folder, vocabulary, known_positions):
    """Sets `model` to the hub model in `folder`, as far as both have the same layers, positions and tokens.

    The shared rows start as the mean of the tokens that share them. Only the first `known_positions` are taken over; the
    others repeat the later half of those.
    """
    tensors = {name.removeprefix("transformer."): t.float() for name, t in load_file(Path(folder, "model.safetensors")).items()}
    ours = dict(model.named_parameters())
    table = tensors["wte.weight"]
    sums = torch.zeros_like(model.wte.weight, device="cpu").index_add_(0, vocabulary.row_of, table)
    counts = torch.bincount(vocabulary.row_of, minlength=vocabulary.rows).clamp(min=1)
    ours["wte.weight"].copy_(sums / counts[:, None])
    positions = tensors["wpe.weight"][:known_positions]
    repeated = positions[len(positions) // 2 :]
    while len(positions) < len(ours["wpe.weight"]):
        positions = torch.cat([positions, repeated])
    ours["wpe.weight"].copy_(positions[: len(ours["wpe.weight"])])
    for kind in ("weight", "bias"):
        ours[f"ln_f.{kind}"].copy_(tensors[f"ln_f.{kind}"])
    for theirs, name, transposed in block_names(len(model.blocks)):
        ours[name].copy_(tensors[theirs].T if transposed else tensors[theirs])
