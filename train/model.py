"""GPT-2 with an output vocabulary that is smaller while it trains.

Tokens that are rare in the text share one row of the embedding, tokens that were never seen share another. Training keeps
each shared row once; its logit stands for n equal ones by adding log n. The loss is therefore that of the whole vocabulary.
"""

import math

import torch
import torch.nn.functional as F
from torch import nn

import kernels

HEAD_SIZE = 64


class Vocabulary:
    """Between the tokenizer's ids and rows: own tokens in order of their id, then the row of the rare, then of the unseen."""

    def __init__(self, size, own, unseen):
        self.row_of = torch.full((size,), len(own), dtype=torch.int64)
        self.row_of[torch.tensor(own, dtype=torch.int64)] = torch.arange(len(own))
        self.row_of[torch.tensor(unseen, dtype=torch.int64)] = len(own) + 1
        self.rows = len(own) + 2
        self.unseen_row = len(own) + 1
        shared = torch.bincount(self.row_of, minlength=self.rows)[-2:].clamp(min=1)
        self.log_counts = torch.zeros(self.rows)
        self.log_counts[-2:] = shared.log()


class Block(nn.Module):
    def __init__(self, width, dropout):
        super().__init__()
        self.ln_1 = nn.LayerNorm(width)
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)
        self.ln_2 = nn.LayerNorm(width)
        self.c_fc = nn.Linear(width, 4 * width)
        self.mlp_proj = nn.Linear(4 * width, width)
        self.dropout = dropout

    def forward(self, x):
        b, t, c = x.shape
        qkv = self.c_attn(self.ln_1(x)).view(b, t, 3, c // HEAD_SIZE, HEAD_SIZE)
        qkv = qkv.permute(2, 0, 3, 1, 4)
        p = self.dropout if self.training else 0.0
        if p == 0.0 and kernels.usable(qkv):
            mixed = kernels.CausalAttention.apply(qkv.flatten(1, 2)).view(b, -1, t, HEAD_SIZE)
        else:
            mixed = F.scaled_dot_product_attention(*qkv, dropout_p=p, is_causal=True)
        x = x + F.dropout(self.c_proj(mixed.transpose(1, 2).reshape(b, t, c)), p, self.training)
        hidden = self.c_fc(self.ln_2(x))
        hidden = kernels.Gelu.apply(hidden) if kernels.usable(hidden) else F.gelu(hidden, approximate="tanh")
        return x + F.dropout(self.mlp_proj(hidden), p, self.training)


class Gpt2(nn.Module):
    """Rows in, final hidden states out; `tied_loss` makes a loss of them."""

    def __init__(self, rows, n_layer, n_embd, n_positions, dropout=0.0):
        super().__init__()
        assert n_embd % HEAD_SIZE == 0, "the engine needs heads of 64"
        self.wte = nn.Embedding(rows, n_embd)
        self.wpe = nn.Embedding(n_positions, n_embd)
        self.blocks = nn.ModuleList(Block(n_embd, dropout) for _ in range(n_layer))
        self.ln_f = nn.LayerNorm(n_embd)
        self.dropout = dropout
        for name, parameter in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(parameter)
            elif parameter.dim() == 2:
                is_residual = name.endswith("proj.weight")
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * n_layer) if is_residual else 0.02)

    def forward(self, rows, positions):
        x = F.dropout(self.wte(rows) + self.wpe(positions), self.dropout, self.training)
        for block in self.blocks:
            x = block(x)
        return self.ln_f(x)


class TiedLoss(torch.autograd.Function):
    """Mean cross entropy of a linear output that shares the embedding, without ever holding all logits.

    Loss and gradients are computed together, a few positions at a time: (positions, rows) is by far the largest
    intermediate of a small model. With a teacher, the target is a mix of the token that came and the teacher's distribution;
    what is returned is still the surprise at the token that came.
    """

    @staticmethod
    def forward(ctx, hidden, table, log_counts, targets, teacher, chunk):
        count = targets.numel()
        dtype = torch.bfloat16 if torch.is_autocast_enabled(hidden.device.type) else hidden.dtype
        low, low_table = hidden.detach().to(dtype), table.detach().to(dtype)
        needs_gradient = ctx.needs_input_grad[0]
        d_hidden = torch.empty_like(low) if needs_gradient else None
        d_table = torch.zeros_like(table) if needs_gradient else None
        losses = torch.empty(count, device=hidden.device)
        for start in range(0, count, chunk):
            part = slice(start, start + chunk)
            if needs_gradient and kernels.usable(low) and (teacher is None or teacher.for_kernel is not None):
                d_logits = low[part] @ low_table.T
                soft = teacher.for_kernel(part) if teacher is not None else None
                losses[part] = kernels.cross_entropy(d_logits, log_counts, targets[part], 1 / count, soft)
            else:
                target = targets[part, None]
                p = row_probabilities(low[part], low_table, log_counts)
                # A tie of n tokens gives each of them an nth of its probability.
                losses[part] = log_counts[targets[part]] - p.gather(1, target).clamp(min=1e-30).log()[:, 0]
                if not needs_gradient:
                    continue
                own_share = torch.ones_like(losses[part]) if teacher is None else teacher.take_from(p, part)
                p.scatter_add_(1, target, -own_share[:, None])
                d_logits = p.mul_(1 / count).to(dtype)
            d_hidden[part] = d_logits @ low_table
            d_table += d_logits.T @ low[part]
        if needs_gradient:
            ctx.save_for_backward(d_hidden.to(hidden.dtype), d_table)
        return losses.mean()

    @staticmethod
    def backward(ctx, d_loss):
        d_hidden, d_table = ctx.saved_tensors
        return d_hidden * d_loss, d_table * d_loss, None, None, None, None


def row_probabilities(hidden, table, log_counts):
    """(N, rows); a shared row has the probability of all its tokens together."""
    logits = hidden @ table.T
    logits[:, -2:] += log_counts[-2:].to(logits.dtype)
    return torch.softmax(logits, -1, dtype=torch.float32)


def tied_loss(hidden, table, log_counts, targets, teacher=None):
    """`hidden` (N, C), `table` (rows, C), `targets` (N) as rows.

    A teacher has `take_from(p, part)`, which subtracts its share of the target from `p` (positions of `part`, rows) and
    returns the share that is left for the token that came; and `for_kernel(part)`, which returns the same for
    kernels.cross_entropy, or is None.
    """
    on_cpu = 1024 if torch.is_autocast_enabled("cpu") and kernels.library() is not None else 256
    chunk = on_cpu if hidden.device.type == "cpu" else 8192
    return TiedLoss.apply(hidden, table, log_counts, targets, teacher, chunk)
