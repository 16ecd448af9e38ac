"""Small seeded GPT-2 models and what Hugging Face `transformers` computes with them, for the Rust tests.

Writes, next to this script, one folder a model: config.json and model.safetensors as on the hub, and
golden.safetensors with its description golden.json. The README beside this file explains every tensor.

    python models.py [NAME ...]
"""

import json
import sys
from pathlib import Path

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import GPT2Config, GPT2LMHeadModel

transformers.logging.set_verbosity_error()  # it reports the mask tensors it skips
transformers.logging.disable_progress_bar()
HERE = Path(__file__).resolve().parent
GREEDY_TOKENS = 64
PROMPT_TOKENS = 24
MIN_GAP = 0.01  # smallest allowed distance between the best and second-best logit of a greedy step
MIN_DISTINCT = 20  # a continuation that repeats itself would test little

# V, T, C, NH, L are the letters of src/config.rs. `std` is that of all matrices and embeddings.
# `seed` is the first one tried. `prefix`, `mask`, `lm_head`: how the file names its tensors and which redundant
# ones it carries.
MODELS = {
    "f32-plain": dict(V=211, T=96, C=32, NH=2, L=2, std=0.28, seed=100, greedy_prompt=7, old_config=True,
                      dtype=torch.float32, prefix="", mask=torch.float32, lm_head=False),
    "f16-prefixed": dict(V=300, T=128, C=128, NH=2, L=3, std=0.16, seed=200, greedy_prompt=7, n_inner=256,
                         dtype=torch.float16, prefix="transformer.", mask=None, lm_head=True),
    "bf16-odd": dict(V=157, T=100, C=80, NH=5, L=3, std=0.2, seed=300, greedy_prompt=7, n_inner=200, eps=1e-6,
                     dtype=torch.bfloat16, prefix="", mask=None, lm_head=False),
    # Prompt and continuation together fill the context to its last position.
    "distil": dict(V=233, T=80, C=64, NH=1, L=6, std=0.22, seed=400, greedy_prompt=16,
                   dtype=torch.float16, prefix="transformer.", mask=torch.bool, lm_head=False),
}

# Tensor -> (shape, meaning, tolerance for f32 arithmetic as a fraction of the tensor's largest magnitude): at
# least ten times the difference between transformers in f32 and in f64, yet a wrong LayerNorm epsilon (5e-5 or more)
# or the erf GELU (1e-4 or more) shows.
MEANING = {
    "ids": ("[t]", "the prompt; every tensor down to `scores` belongs to it", None),
    "logits": ("[t, V]", "output of the tied output matrix at every position", 3e-5),
    "hidden": ("[L+1, t, C]", "residual stream before block 0, 1, .. L-1; the LAST entry is after ln_f, and the "
               "stream between the last block and ln_f is not here", 3e-5),
    "attention": ("[L, NH, t, t]", "softmax weights; rows are destination tokens, columns source tokens; zero where "
                  "masked", 5e-5),
    "query": ("[L, NH, t, hs]", "queries, unscaled, bias included", 3e-5),
    "key": ("[L, NH, t, hs]", "keys, bias included", 3e-5),
    "value": ("[L, NH, t, hs]", "values, bias included", 3e-5),
    "scores": ("[L, NH, t, t]", "query . key / sqrt(hs) before the mask, so also above the diagonal", 3e-5),
    "long_ids": ("[long]", "a prompt of 90 % of the positions", None),
    "long_logits_last": ("[V]", "logits at the last position of long_ids", 3e-5),
    "greedy_prompt": ("[p]", "the prompt that `greedy` continues", None),
    "greedy": ("[64]", "argmax continuation; end-of-text does not stop it", None),
    "greedy_gaps": ("[64]", "best minus second-best logit of each step of `greedy`", None),
}


def config_of(m):
    return GPT2Config(vocab_size=m["V"], n_positions=m["T"], n_embd=m["C"], n_head=m["NH"], n_layer=m["L"],
                      n_inner=m.get("n_inner"), layer_norm_epsilon=m.get("eps", 1e-5), bos_token_id=m["V"] - 1,
                      eos_token_id=m["V"] - 1, architectures=["GPT2LMHeadModel"])


def write_config(m, folder):
    config = json.loads(config_of(m).to_json_string(use_diff=False))
    if m.get("old_config"):  # the keys of openai-community/gpt2: n_ctx present, n_inner absent
        keys = ("activation_function architectures attn_pdrop bos_token_id embd_pdrop eos_token_id initializer_range "
                "layer_norm_epsilon model_type n_embd n_head n_layer n_positions resid_pdrop summary_activation "
                "summary_first_dropout summary_proj_to_labels summary_type summary_use_proj vocab_size").split()
        config = {k: config[k] for k in keys} | {"n_ctx": m["T"]}
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def write_weights(m, seed, folder):
    """Random weights, rounded to the stored type, under the names that hub files use."""
    g = torch.Generator().manual_seed(seed)
    tensors = {}
    for name, p in GPT2LMHeadModel(config_of(m)).named_parameters():
        noise = torch.randn(p.shape, generator=g)
        if p.dim() == 2:
            w = noise * m["std"]
        elif name.endswith("weight"):  # LayerNorm
            w = 1 + noise * 0.1
        else:
            w = noise * 0.1
        tensors[m["prefix"] + name.removeprefix("transformer.")] = w.to(m["dtype"])
    if m["mask"]:
        for layer in range(m["L"]):
            attn = f"{m['prefix']}h.{layer}.attn."
            tensors[attn + "bias"] = torch.ones(1, 1, m["T"], m["T"]).tril().to(m["mask"])
            tensors[attn + "masked_bias"] = torch.tensor(-1e4).to(m["dtype"])
    if m["lm_head"]:
        tensors["lm_head.weight"] = tensors[m["prefix"] + "wte.weight"].clone()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


def load(folder):
    """The model as `transformers` itself reads the folder, computing in f32."""
    model, info = GPT2LMHeadModel.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager",
                                                  output_loading_info=True)
    assert not info["missing_keys"], info
    stored = {k.removeprefix("transformer."): v for k, v in load_file(folder / "model.safetensors").items()}
    for name, p in model.named_parameters():
        assert torch.equal(p, stored[name.removeprefix("transformer.")].float()), name
    return model.eval()


def greedy(model, prompt):
    ids, gaps = prompt.tolist(), []
    for _ in range(GREEDY_TOKENS):
        best = model(torch.tensor([ids])).logits[0, -1].topk(2)
        ids.append(best.indices[0].item())
        gaps.append((best.values[0] - best.values[1]).item())
    return torch.tensor(ids[len(prompt):], dtype=torch.int32), torch.tensor(gaps)


def observe(model, m, ids, long_ids):
    """Everything float that the golden file holds for `ids` and `long_ids`."""
    qkv = []
    hooks = [block.attn.c_attn.register_forward_hook(lambda _m, _i, out: qkv.append(out[0]))
             for block in model.transformer.h]
    out = model(ids[None].long(), output_attentions=True, output_hidden_states=True)
    for hook in hooks:
        hook.remove()
    hs = m["C"] // m["NH"]
    # (L, t, 3C) -> 3 x (L, NH, t, hs)
    q, k, v = torch.stack(qkv).unflatten(-1, (3, m["NH"], hs)).permute(2, 0, 3, 1, 4)
    scores = q @ k.transpose(-1, -2) / hs**0.5
    attention = torch.cat(out.attentions)
    future = torch.ones(scores.shape[-2:], dtype=torch.bool).triu(1)
    torch.testing.assert_close(scores.masked_fill(future, -torch.inf).softmax(-1), attention)
    return dict(logits=out.logits[0], hidden=torch.cat(out.hidden_states), attention=attention, query=q, key=k,
                value=v, scores=scores, long_logits_last=model(long_ids[None].long()).logits[0, -1])


def describe(m, seed, golden, exact):
    tensors = {}
    for name, (axes, meaning, tolerance) in MEANING.items():
        t = golden[name]
        entry = dict(dtype="I32" if t.dtype == torch.int32 else "F32", axes=axes, shape=list(t.shape), meaning=meaning)
        if tolerance:
            largest = t.abs().max().item()
            entry |= dict(largest=float(f"{largest:.4g}"), tolerance=float(f"{tolerance * largest:.2g}"),
                          distance_to_f64=float(f"{(t.double() - exact[name]).abs().max().item():.2g}"))
        tensors[name] = entry
    return dict(
        model=dict(V=m["V"], T=m["T"], C=m["C"], NH=m["NH"], hs=m["C"] // m["NH"], L=m["L"],
                   n_inner=m.get("n_inner") or 4 * m["C"], layer_norm_epsilon=m.get("eps", 1e-5),
                   stored_as=str(m["dtype"]).removeprefix("torch."), name_prefix=m["prefix"],
                   mask_tensors=m["mask"] and str(m["mask"]).removeprefix("torch."), lm_head_in_file=m["lm_head"]),
        seed=seed, std=m["std"], torch=torch.__version__.split("+")[0], transformers=transformers.__version__,
        tolerance="largest absolute difference allowed to an f32 implementation; int8 needs its own",
        distance_to_f64="largest absolute difference between this file and the same model run in f64",
        smallest_greedy_gap=float(f"{golden['greedy_gaps'].min().item():.4g}"),
        tensors=tensors)


def make(name, m):
    folder = HERE / name
    folder.mkdir(exist_ok=True)
    write_config(m, folder)
    for seed in range(m["seed"], m["seed"] + 100):  # the first seed whose continuation is unambiguous and varied
        write_weights(m, seed, folder)
        model = load(folder)
        g = torch.Generator().manual_seed(seed)
        ids, long_ids, prompt = (torch.randint(m["V"], (n,), generator=g, dtype=torch.int32)
                                 for n in (PROMPT_TOKENS, m["T"] * 9 // 10, m["greedy_prompt"]))
        tokens, gaps = greedy(model, prompt)
        if gaps.min() > MIN_GAP and len(set(tokens.tolist())) >= MIN_DISTINCT:
            break
    else:
        sys.exit(f"{name}: no seed gives a clear continuation")
    golden = dict(ids=ids, long_ids=long_ids, greedy_prompt=prompt, greedy=tokens, greedy_gaps=gaps,
                  **observe(model, m, ids, long_ids))
    exact = observe(model.double(), m, ids, long_ids)
    save_file({k: golden[k].contiguous() for k in MEANING}, folder / "golden.safetensors")
    for file in folder.glob("*.safetensors"):
        file.chmod(0o644)  # safetensors makes it private
    (folder / "golden.json").write_text(json.dumps(describe(m, seed, golden, exact), indent=1) + "\n")
    print(f"{name}: seed {seed}, smallest gap {gaps.min():.3f}, {len(set(tokens.tolist()))} distinct tokens")


if __name__ == "__main__":
    torch.set_num_threads(1)  # same summation order on every machine with the same vector units
    with torch.inference_mode():
        for name in sys.argv[1:] or MODELS:
            make(name, MODELS[name])
