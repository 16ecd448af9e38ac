"""bf16 kernels for training on a CPU, compiled on first use; where there is no compiler, torch's own are used instead."""

import ctypes
import functools
import hashlib
import os
import platform
import subprocess
import tempfile
from pathlib import Path

import torch
from torch.autograd.function import once_differentiable

SOURCE = Path(__file__).with_name("kernels.cpp")
COMPILE = ["g++", "-c", "-O3", "-march=native", "-ffast-math", "-fopenmp", "-fPIC", "-std=c++17"]
# Linked without -ffast-math, with which older compilers make the whole process round tiny numbers to 0.
LINK = ["g++", "-shared", "-fopenmp"]


def processor():
    """What -march=native depends on."""
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    return next((line for line in lines if line.startswith(("flags", "Features"))), platform.platform())


@functools.cache
def library():
    """The compiled kernels, or None. They are kept in the user's cache, by source, flags and processor."""
    identity = "\n".join([SOURCE.read_text(), *COMPILE, *LINK, processor()])
    name = hashlib.sha256(identity.encode()).hexdigest()[:16]
    path = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "headlight", f"kernels-{name}.so")
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=path.parent) as folder:
                compiled, linked = Path(folder, "kernels.o"), Path(folder, "kernels.so")
                subprocess.run([*COMPILE, SOURCE, "-o", compiled], check=True, capture_output=True, text=True)
                subprocess.run([*LINK, compiled, "-o", linked, "-lm"], check=True, capture_output=True, text=True)
                os.replace(linked, path)
        return ctypes.CDLL(str(path))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"without kernels of our own, training takes longer: {getattr(error, 'stderr', None) or error}")
        return None


def usable(tensor):
    is_plain = tensor.device.type == "cpu" and tensor.dtype == torch.bfloat16 and not torch.compiler.is_compiling()
    return is_plain and library() is not None


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
    @once_differentiable
    def backward(ctx, d_y):
        (x,) = ctx.saved_tensors
        d_x = torch.empty_like(x)
        call("gelu_backward", x, d_y.contiguous(), d_x, x.numel())
        return d_x


class CausalAttention(torch.autograd.Function):
    """`qkv` (3, n, T, HEAD_SIZE) of n windows x heads to the mixed values (n, T, HEAD_SIZE).

    The shares of attention, (n, T, T), are kept for the way back.
    """

    @staticmethod
    def forward(ctx, qkv):
        q, k, v = qkv.contiguous()
        shares = torch.bmm(q, k.mT)
        ctx.scale = q.shape[-1] ** -0.5
        call("causal_softmax", shares, len(shares), shares.shape[1], ctx.scale)
        ctx.save_for_backward(q, k, v, shares)
        return torch.bmm(shares, v)

    @staticmethod
    @once_differentiable
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


def cross_entropy(logits, log_counts, targets, scale, soft=None):
    """`logits` (n, rows) become their gradient times `scale`; returns the losses (n), in nats.

    `soft`: what NgramTeacher.for_kernel returns.
    """
    types = (torch.float32, torch.float32, torch.int64, torch.bfloat16, torch.int64, torch.int64, torch.float32)
    assert (logits.dtype, targets.dtype, log_counts.dtype) == (torch.bfloat16, torch.int64, torch.float32)
    assert soft is None or tuple(part.dtype for part in soft) == types
    losses = torch.empty(len(logits))
    call("cross_entropy", logits, len(logits), logits.shape[1], log_counts[-2:].contiguous(), targets, float(scale), losses,
         *(soft if soft is not None else [None] * len(types)))  # fmt: skip
    return losses
