"""One small seeded GPT-2 as GGUF in F32, F16 and Q8_0, and what `transformers` computes with exactly the stored weights.

The files are written by llama.cpp's own Python package, with the names, the order of dimensions and the metadata of its
converter. Writes gguf/NAME.gguf and gguf/golden.json next to this script; the README beside this file describes them.

    python gguf_files.py
"""

import json
from pathlib import Path

import gguf
import numpy as np
import torch
from transformers import GPT2Config, GPT2LMHeadModel

HERE = Path(__file__).resolve().parent / "gguf"
V, T, C, NH, L, F = 300, 24, 64, 2, 2, 96
IDS = [72, 101, 108, 256, 299, 7, 260, 280, 0, 255]
# `output`: an output matrix of its own, as older converters wrote it.
FILES = {
    "f32": dict(dtype=gguf.GGMLQuantizationType.F32, alignment=None, output=False),
    "f16": dict(dtype=gguf.GGMLQuantizationType.F16, alignment=64, output=True),
    "q8_0": dict(dtype=gguf.GGMLQuantizationType.Q8_0, alignment=None, output=False),
}


def tokenizer():
    """The 256 bytes as GPT-2 spells them, merges of neighbours, end of text."""
    visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
    hidden = [b for b in range(256) if b not in visible]
    spelled = {b: chr(b) for b in visible} | {b: chr(256 + i) for i, b in enumerate(hidden)}
    tokens = [spelled[b] for b in range(256)]
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    merges = [(a, b) for a, b in zip(letters, letters[1:])][: V - 257]
    return tokens + [a + b for a, b in merges] + ["<|endoftext|>"], [f"{a} {b}" for a, b in merges]


def write(name, model, options):
    """Writes the file; puts the stored, rounded weights into the model."""
    writer = gguf.GGUFWriter(HERE / f"{name}.gguf", "gpt2")
    if options["alignment"]:
        writer.add_custom_alignment(options["alignment"])
    writer.add_type("model")
    writer.add_name(f"Golden {name}")
    writer.add_block_count(L)
    writer.add_context_length(T)
    writer.add_embedding_length(C)
    writer.add_feed_forward_length(F)
    writer.add_head_count(NH)
    writer.add_layer_norm_eps(1e-5)
    tokens, merges = tokenizer()
    assert len(tokens) == V
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * (V - 1) + [gguf.TokenType.CONTROL])
    writer.add_token_merges(merges)
    writer.add_bos_token_id(V - 1)
    writer.add_eos_token_id(V - 1)

    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.GPT2, L)
    for hub, parameter in model.named_parameters():
        values = parameter.detach().numpy()
        turned = hub.endswith(("c_attn.weight", "c_proj.weight", "c_fc.weight"))
        if turned:
            values = values.T
        target = names.get_name(hub, try_suffixes=(".weight", ".bias"))
        small = values.ndim == 1 or target == "position_embd.weight"
        dtype = gguf.GGMLQuantizationType.F32 if small else options["dtype"]
        data = gguf.quantize(np.ascontiguousarray(values), dtype)
        writer.add_tensor(target, data, raw_dtype=dtype)
        if target == "token_embd.weight" and options["output"]:
            writer.add_tensor("output.weight", data, raw_dtype=dtype)
        stored = gguf.dequantize(data, dtype).reshape(values.shape)
        parameter.data = torch.from_numpy(np.ascontiguousarray(stored.T if turned else stored)).float()
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@torch.inference_mode()
def main():
    HERE.mkdir(exist_ok=True)
    config = GPT2Config(vocab_size=V, n_positions=T, n_embd=C, n_head=NH, n_layer=L, n_inner=F, bos_token_id=V - 1,
                        eos_token_id=V - 1)
    golden = {"ids": IDS}
    for name, options in FILES.items():
        generator = torch.Generator().manual_seed(500)
        model = GPT2LMHeadModel(config).eval()
        for parameter_name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            norm = parameter.dim() == 1 and parameter_name.endswith("weight")
            parameter.data = 1 + 0.1 * noise if norm else noise * (0.2 if parameter.dim() == 2 else 0.1)
        write(name, model, options)
        golden[name] = [round(x, 5) for x in model(torch.tensor([IDS])).logits[0, -1].tolist()]
    (HERE / "golden.json").write_text(json.dumps(golden) + "\n")


main()
