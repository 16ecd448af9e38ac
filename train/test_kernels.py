"""The kernels for a CPU against torch's own arithmetic in f32; skipped without torch or a compiler."""

import unittest
from unittest.mock import patch

try:
    import numpy as np
    import torch
    import torch.nn.functional as F

    import kernels
    import model
    import teachers
except ModuleNotFoundError:
    torch = None


@unittest.skipIf(torch is None or kernels.library() is None, "needs torch and g++")
class Kernels(unittest.TestCase):
    def setUp(self):
        torch.manual_seed(7)

    def close(self, ours, theirs, tolerance=0.02):
        error = (ours.float() - theirs.float()).norm() / theirs.float().norm()
        self.assertLess(error.item(), tolerance)

    def test_gelu(self):
        x = (torch.randn(37, 53) * 3).bfloat16()
        a, b = x.clone().requires_grad_(), x.float().requires_grad_()
        d = torch.randn(37, 53).bfloat16()
        ours, theirs = kernels.Gelu.apply(a), F.gelu(b, approximate="tanh")
        ours.backward(d)
        theirs.backward(d.float())
        self.close(ours, theirs, 0.005)
        self.close(a.grad, b.grad, 0.005)

    def test_gelu_far_out(self):
        x = torch.tensor([-1e4, -30.0, 0.0, 30.0, 1e4]).bfloat16()
        self.assertLess((kernels.Gelu.apply(x) - F.relu(x)).abs().max().item(), 1e-20)

    def test_attention(self):
        for length in (1, 5, 64, 257):
            x = torch.randn(3, 6, length, 64).bfloat16()
            a, b = x.clone().requires_grad_(), x.float().requires_grad_()
            d = torch.randn(6, length, 64).bfloat16()
            ours = kernels.CausalAttention.apply(a)
            theirs = F.scaled_dot_product_attention(*b, is_causal=True)
            ours.backward(d)
            theirs.backward(d.float())
            self.close(ours, theirs)
            if length > 1:
                self.close(a.grad, b.grad)
            self.close(a.grad[2], b.grad[2])

    def test_cross_entropy(self):
        n, rows = 9, 301
        logits = (torch.randn(n, rows) * 4).bfloat16()
        counts = torch.zeros(rows)
        counts[-2:] = torch.tensor([5.0, 3.0])
        targets = torch.tensor([0, 5, 299, 300, 7, 8, 9, 299, 11])
        shares = torch.tensor([0.5, 0.0] * 4 + [0.25])
        weight, before = torch.rand(n), torch.arange(n)
        bigrams = torch.rand(n, rows).bfloat16()
        firsts, entry_rows = torch.arange(0, 3 * n + 1, 3), torch.randint(rows, (3 * n,))
        entry_rows[1] = entry_rows[0]
        entries = torch.rand(3 * n)

        p = torch.softmax(logits.float() + counts, -1)
        expected = counts[targets] - p[torch.arange(n), targets].log()
        hard = F.one_hot(targets, rows).float()
        teacher = weight[:, None] * bigrams.float()
        teacher.view(-1).index_add_(0, torch.arange(n).repeat_interleave(3) * rows + entry_rows, entries)
        for soft in (None, (shares, weight, before, bigrams, firsts, entry_rows, entries)):
            target = hard if soft is None else shares[:, None] * teacher + (1 - shares[:, None]) * hard
            gradient = logits.clone()
            losses = kernels.cross_entropy(gradient, counts, targets, 0.1, soft)
            self.close(losses, expected, 1e-5)
            self.close(gradient, (p - target) * 0.1, 0.005)

    def test_loss_with_an_ngram(self):
        """A few positions at a time, with the kernels and without."""
        n, rows, width = 9, 40, 64
        teacher = teachers.NgramTeacher.__new__(teachers.NgramTeacher)
        teacher.device = "cpu"
        teacher.shares, teacher.weight = torch.tensor([0.5, 0.0, 0.25] * 3), torch.rand(n) / 2
        teacher.before, teacher.bigrams = torch.randint(rows, (n,)), torch.rand(rows, rows).softmax(-1).bfloat16()
        counts = [2, 0, 3, 1, 0, 0, 4, 1, 2]
        teacher.firsts = np.cumsum([0, *counts])
        teacher.entry_rows, teacher.values = torch.randint(rows, (sum(counts),)), torch.rand(sum(counts)) / 8
        log_counts = torch.zeros(rows)
        log_counts[-2:] = torch.tensor([2.0, 1.0])
        hidden, table, targets = torch.randn(n, width), torch.randn(rows, width) / 4, torch.randint(rows, (n,))
        p = torch.softmax(hidden @ table.T + log_counts, -1)
        soft = teacher.weight[:, None] * teacher.bigrams[teacher.before].float()
        where = torch.repeat_interleave(torch.arange(n), torch.tensor(counts))
        soft.index_put_((where, teacher.entry_rows), teacher.values, accumulate=True)
        hard = F.one_hot(targets, rows)
        d = (p - teacher.shares[:, None] * soft - (1 - teacher.shares[:, None]) * hard) / n
        surprise = log_counts[targets] - p[torch.arange(n), targets].log()
        expected = (surprise.mean(), d @ table, d.T @ hidden)
        for usable in (kernels.usable, lambda _: False):
            h, t = hidden.clone().requires_grad_(), table.clone().requires_grad_()
            with torch.autocast("cpu", torch.bfloat16), patch.object(kernels, "usable", usable):
                loss = model.TiedLoss.apply(h, t, log_counts, targets, teacher, 4)
            loss.backward()
            for ours, theirs in zip((loss.detach(), h.grad, t.grad), expected):
                self.close(ours, theirs)
