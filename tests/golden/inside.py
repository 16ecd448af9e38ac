"""What Hugging Face `transformers` computes inside the models of `models.py`: every step of one token through the blocks,
the logit lens, the shares of a logit, and the same text with attention altered.

Writes inside.safetensors with its description inside.json into each model's folder, for the prompt `ids` of its golden file.
The README beside this file explains every tensor.

    python inside.py [NAME ...]
"""

import copy
import json
import sys

import torch
import transformers
from models import HERE, MODELS, load
from safetensors.torch import load_file, save_file
from transformers.models.gpt2 import modeling_gpt2

AT = -1  # the position whose steps are kept: the last
STEPS = ("norm1", "gathered", "projected", "attended", "norm2", "neurons", "activations", "mlp", "output")
MEANING = {
    "norm1": ("[L, C]", "after ln_1"),
    "gathered": ("[L, C]", "sums of weights times values of all heads, side by side"),
    "projected": ("[L, C]", "that, after the output projection with its bias"),
    "attended": ("[L, C]", "residual stream after attention"),
    "norm2": ("[L, C]", "after ln_2"),
    "neurons": ("[L, F]", "before the activation"),
    "activations": ("[L, F]", "after it"),
    "mlp": ("[L, C]", "what the feed-forward part adds"),
    "output": ("[L, C]", "residual stream after the block"),
    "lens": ("[2L+1, V]", "logits if the model ended after the embedding, and then after the attention and the feed-forward "
             "part of each block"),
    "why_tokens": ("[2]", "the best and the second-best token after the prompt"),
    "why_heads": ("[L, NH]", "each head's share in how far the first of these is above the second"),
    "why_biases": ("[L]", "that of the bias of each attention's projection"),
    "why_mlps": ("[L]", "that of each feed-forward part"),
    "why_embeddings": ("[2]", "those of the token embedding and the position embedding"),
    "why_final_bias": ("[1]", "that of the bias of ln_f"),
}
ALTERED_MEANING = {
    "logits": ("[V]", "after the prompt"),
    "attention": ("[NH, t, t]", "weights in the last layer"),
}


def alterations(L, NH, t):
    """By name, in the form of the engine's requests: `None` stands for all."""
    place = lambda layer, head: dict(layer=layer, head=head)
    cut = lambda layer, head, row, column: dict(layer=layer, head=head, row=row, column=column)
    parts = {
        "off": dict(unmasked=[], off=[place(0, NH - 1), place(L - 1, 0)], cuts=[]),
        # a cell of one head, a column of a layer, a row of a head in all layers
        "cut": dict(unmasked=[], off=[], cuts=[cut(0, 0, t - 4, 3), cut(L - 1, None, None, 5), cut(None, 0, t - 2, None)]),
        "unmasked": dict(unmasked=[place(1, None), place(0, 0)], off=[], cuts=[]),
    }
    together = {key: sum((part[key] for part in parts.values()), []) for key in ("unmasked", "off", "cuts")}
    return {"none": dict(unmasked=[], off=[], cuts=[])} | parts | {"together": together}


def covers(entry, **at):
    return all(entry[key] is None or entry[key] == value for key, value in at.items())


def altered_attention(alteration):
    """In place of the model's own function for attention."""

    def attend(module, query, key, value, attention_mask, scaling=None, **_):
        scores = query @ key.transpose(-1, -2) * scaling
        _, heads, t, _ = scores.shape
        allowed = torch.ones(heads, t, t, dtype=torch.bool).tril()
        off = torch.zeros(heads, dtype=torch.bool)
        for head in range(heads):
            at = dict(layer=module.layer_idx, head=head)
            if any(covers(entry, **at) for entry in alteration["unmasked"]):
                allowed[head] = True
            for entry in alteration["cuts"]:
                if covers(entry, **at):
                    rows = slice(None) if entry["row"] is None else entry["row"]
                    columns = slice(None) if entry["column"] is None else entry["column"]
                    allowed[head, rows, columns] = False
            off[head] = any(covers(entry, **at) for entry in alteration["off"])
        # A row of which nothing is left gathers nothing.
        weights = scores.masked_fill(~allowed, -torch.inf).softmax(-1).nan_to_num(0.0)
        gathered = (weights @ value).masked_fill(off[:, None, None], 0.0)
        return gathered.transpose(1, 2), weights

    return attend


def with_attention(model, ids, function):
    own = modeling_gpt2.eager_attention_forward
    modeling_gpt2.eager_attention_forward = function
    try:
        return model(ids, output_attentions=True)
    finally:
        modeling_gpt2.eager_attention_forward = own


def observe(model, m, ids):
    """Every float tensor of the file."""
    ids = ids[None].long()
    seen = {name: [] for name in STEPS}
    hooks = []

    def keep(module, name, of_input=False):
        def hook(_module, inputs, output):
            value = inputs[0] if of_input else output
            seen[name].append((value[0] if isinstance(value, tuple) else value)[0, AT])
        hooks.append(module.register_forward_hook(hook))

    for block in model.transformer.h:
        keep(block.ln_1, "norm1")
        keep(block.attn.c_proj, "gathered", of_input=True)
        keep(block.attn.c_proj, "projected")
        keep(block.ln_2, "attended", of_input=True)
        keep(block.ln_2, "norm2")
        keep(block.mlp.c_fc, "neurons")
        keep(block.mlp.act, "activations")
        keep(block.mlp.c_proj, "mlp")
        keep(block, "output")
    out = model(ids)
    for hook in hooks:
        hook.remove()
    found = {name: torch.stack(values) for name, values in seen.items()}

    transformer = model.transformer
    token, position = transformer.wte.weight[ids[0, AT]], transformer.wpe.weight[ids.shape[1] - 1]
    streams = torch.stack([token + position] + [s for pair in zip(found["attended"], found["output"]) for s in pair])
    found["lens"] = model.lm_head(transformer.ln_f(streams))
    torch.testing.assert_close(found["lens"][-1], out.logits[0, AT])

    # The last LayerNorm of what is added to the stream, with the deviation that the whole has.
    best = out.logits[0, AT].topk(2).indices
    direction = model.lm_head.weight[best[0]] - model.lm_head.weight[best[1]]
    deviation = (streams[-1].var(unbiased=False) + transformer.ln_f.eps).sqrt()
    share = lambda added: ((added - added.mean(-1, keepdim=True)) / deviation * transformer.ln_f.weight) @ direction
    size = m["C"] // m["NH"]
    heads = [[share(gathered[h * size:(h + 1) * size] @ block.attn.c_proj.weight[h * size:(h + 1) * size])
              for h in range(m["NH"])] for gathered, block in zip(found["gathered"], transformer.h)]
    found |= dict(
        why_heads=torch.tensor(heads),
        why_biases=torch.stack([share(block.attn.c_proj.bias) for block in transformer.h]),
        why_mlps=share(found["mlp"]),
        why_embeddings=share(torch.stack([token, position])),
        why_final_bias=(transformer.ln_f.bias @ direction)[None],
    )
    total = sum(value.sum() for name, value in found.items() if name.startswith("why_"))
    torch.testing.assert_close(total.float(), (out.logits[0, AT, best[0]] - out.logits[0, AT, best[1]]).float(),
                               atol=1e-4, rtol=1e-4)

    for name, alteration in alterations(m["L"], m["NH"], ids.shape[1]).items():
        altered = with_attention(model, ids, altered_attention(alteration))
        if name == "none":
            torch.testing.assert_close(altered.logits, out.logits)
            continue
        assert (altered.logits[0, AT] - out.logits[0, AT]).abs().max() > 0.1, name
        found |= {f"{name}_logits": altered.logits[0, AT], f"{name}_attention": altered.attentions[-1][0]}
    return found, best.to(torch.int32)


def make(name, m):
    folder = HERE / name
    model, ids = load(folder), load_file(folder / "golden.safetensors")["ids"]
    found, tokens = observe(model, m, ids)
    exact, _ = observe(copy.deepcopy(model).double(), m, ids)
    altered = {name: alteration for name, alteration in alterations(m["L"], m["NH"], len(ids)).items() if name != "none"}
    meaning = MEANING | {f"{name}_{kind}": axes for name in altered for kind, axes in ALTERED_MEANING.items()}
    tensors = {}
    for tensor, (axes, text) in meaning.items():
        value = tokens if tensor == "why_tokens" else found[tensor]
        entry = dict(axes=axes, shape=list(value.shape), meaning=text)
        if tensor != "why_tokens":
            largest, distance = value.abs().max().item(), (value.double() - exact[tensor]).abs().max().item()
            tolerance = (5e-5 if tensor.endswith("attention") else 3e-5) * max(largest, 1.0)
            assert distance < tolerance / 3, (name, tensor, distance, tolerance)
            entry |= dict(largest=float(f"{largest:.4g}"), tolerance=float(f"{tolerance:.2g}"),
                          distance_to_f64=float(f"{distance:.2g}"))
        tensors[tensor] = entry
    save_file({k: (tokens if k == "why_tokens" else found[k]).contiguous() for k in meaning}, folder / "inside.safetensors")
    (folder / "inside.safetensors").chmod(0o644)
    description = dict(position=len(ids) - 1, torch=torch.__version__.split("+")[0], transformers=transformers.__version__,
                       alterations=altered, tensors=tensors)
    (folder / "inside.json").write_text(json.dumps(description, indent=1) + "\n")
    print(f"{name}: {(folder / 'inside.safetensors').stat().st_size} bytes")


if __name__ == "__main__":
    torch.set_num_threads(1)  # as in models.py
    with torch.inference_mode():
        for name in sys.argv[1:] or MODELS:
            make(name, MODELS[name])
