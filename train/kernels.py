"""bf16 kernels for training on a CPU, compiled on first use; where there is no compiler, torch's own are used instead."""

import ctypes
import functools
import hashlib
import os
import subprocess
import tempfile
from pathlib import Path

import torch

SOURCE = Path(__file__).with_name("kernels.cpp")
FLAGS = ["-O3", "-march=native", "-ffast-math", "-fopenmp", "-shared", "-fPIC", "-std=c++17"]


@functools.cache
def library():
    """The compiled kernels, or None. They are kept in the user's cache, by the source's hash and this machine's processor."""
    source = SOURCE.read_bytes()
    processor = subprocess.run(["uname", "-mn"], capture_output=True).stdout
    name = hashlib.sha256(source + processor + " ".join(FLAGS).encode()).hexdigest()[:16]
    folder = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"), "headlight")
    path = folder / f"kernels-{name}.so"
    if not path.exists():
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=folder) as temporary:
                partial = Path(temporary, "kernels.so")
                subprocess.run(["g++", *FLAGS, str(SOURCE), "-o", str(partial), "-lm"], check=True, capture_output=True)
                os.replace(partial, path)
        except (OSError, subprocess.CalledProcessError) as error:
            print(f"no kernels of our own, which makes training about half as fast: {getattr(error, 'stderr', None) or error}")
            return None
    return ctypes.CDLL(str(path))


def usable(tensor):
    return tensor.device.type == "cpu" and tensor.dtype == torch.bfloat16 and library() is not None


def call(name, *arguments):
    """Tensors are passed by address, whole numbers as int64, others as f32, None as a null pointer."""
    converted = []
    for argument in arguments:
        if isinstance(argument, torch.Tensor):
            assert argument.is_contiguous()
            converted.append(ctypes.c_void_p(argument.data_ptr()))
        elif argument is None:
            converted.append(ctypes.c_void_p(None))
        else:
            converted.append(ctypes.c_int64(argument) if isinstance(argument, int) else ctypes.c_float(argument))
    function = getattr(library(), name)
    function.restype = None
    function(*converted)


class Gelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        x = x.contiguous()
        y = torch.empty_like(x)
        call("gelu_forward", x, y, x.numel())
        ctx.save_for_backward(x)
        return y

    @staticmethod
    def backward(ctx, d_y):
        (x,) = ctx.saved_tensors
        d_x = torch.empty_like(x)
        call("gelu_backward", x, d_y.contiguous(), d_x, x.numel())
        return d_x


class CausalAttention(torch.autograd.Function):
    """`qkv` (3, n, T, C), each matrix for itself: the mixed values (n, T, C)."""

    @staticmethod
    def forward(ctx, qkv):
        q, k, v = qkv.contiguous()
        shares = torch.bmm(q, k.mT)
        ctx.scale = q.shape[-1] ** -0.5
        call("causal_softmax", shares, len(shares), shares.shape[1], ctx.scale)
        ctx.save_for_backward(q, k, v, shares)
        return torch.bmm(shares, v)

    @staticmethod
    def backward(ctx, d_mixed):
        q, k, v, shares = ctx.saved_tensors
        d_mixed = d_mixed.contiguous()
        d_scores = torch.bmm(d_mixed, v.mT)
        call("causal_softmax_backward", shares, d_scores, len(shares), shares.shape[1], ctx.scale)
        d_qkv = torch.empty((3, *q.shape), dtype=q.dtype)
        torch.bmm(d_scores, k, out=d_qkv[0])
        torch.bmm(d_scores.mT, q, out=d_qkv[1])
        torch.bmm(shares.mT, d_mixed, out=d_qkv[2])
        return d_qkv


def cross_entropy(logits, log_counts, targets, scale, soft):
    """`logits` (n, rows) become their gradient times `scale`; returns the losses (n), in nats. `soft` as of NgramTeacher.of."""
    losses = torch.empty(len(logits))
    call("cross_entropy", logits, len(logits), logits.shape[1], log_counts[-2:].contiguous(), targets, scale, losses,
         *(soft if soft is not None else [None] * 7))  # fmt: skip
    return losses
