"""Muon for the blocks' matrices, AdamW for everything else.

Muon (Keller Jordan, 2024) replaces the momentum of a matrix by the nearest orthogonal one, found by a few
Newton-Schulz steps, so that all directions of a layer learn at the same speed.
"""

import torch

# The quintic of the original: it doesn't converge to 1, but brings all singular values near it in five steps.
QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonalise(matrices, steps=5):
    """(n, a, b), each replaced by about U V^T of its singular value decomposition."""
    x = matrices.bfloat16()
    is_tall = x.size(1) > x.size(2)
    if is_tall:
        x = x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    a, b, c = QUINTIC
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if is_tall else x).to(matrices.dtype)


class Muon(torch.optim.Optimizer):
    """Queries, keys and values are one parameter here, but three matrices for Muon."""

    def __init__(self, parameters, lr, weight_decay, momentum=0.95):
        super().__init__(parameters, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            shapes = {}
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                state = self.state[parameter]
                if not state:
                    state["momentum"] = torch.zeros_like(parameter)
                momentum = state["momentum"].lerp_(parameter.grad, 1 - group["momentum"])
                update = parameter.grad.lerp(momentum, group["momentum"])
                rows, columns = parameter.shape
                parts = 3 if rows == 3 * columns else 1
                for target, part in zip(parameter.chunk(parts), update.chunk(parts)):
                    shapes.setdefault(target.shape, []).append((target, part))
            for (rows, columns), pairs in shapes.items():
                updates = orthogonalise(torch.stack([part for _, part in pairs]))
                scale = max(1.0, rows / columns) ** 0.5
                for (target, _), update in zip(pairs, updates):
                    target.mul_(1 - group["lr"] * group["weight_decay"])
                    target.add_(update, alpha=-group["lr"] * scale)


def make_optimizers(model, config):
    """Optimisers whose groups remember their full rate as `peak`."""
    rest = dict(model.named_parameters())
    optimizers = []
    if config["optimizer"] == "muon":
        matrices = [rest.pop(name) for name in list(rest) if "blocks" in name and rest[name].dim() == 2]
        optimizers.append(Muon(matrices, config["matrix_rate"], config["weight_decay"]))
    decayed = [p for name, p in rest.items() if p.dim() == 2 and "wpe" not in name]
    others = [p for name, p in rest.items() if p.dim() != 2 or "wpe" in name]
    groups = [{"params": decayed, "weight_decay": config["weight_decay"]}, {"params": others, "weight_decay": 0.0}]
    is_cuda = next(model.parameters()).is_cuda
    optimizers.append(torch.optim.AdamW(groups, lr=config["rate"], betas=(0.9, 0.95), fused=is_cuda or None))
    for optimizer in optimizers:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return optimizers
