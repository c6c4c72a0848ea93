"""Golden cases for transformer training: loss, logits and the gradient of every parameter, by PyTorch's autograd in float64.

Run `python3 -B test/golden/transformer.py`; it rewrites transformer.json beside it, byte for byte the same under
Python 3.11, torch 1.13.0a0 (Debian 12, one thread) and numpy 1.24.2, which made it.
Independent of normsim: blocks are torch.nn.TransformerEncoderLayer, where needed with its norms replaced.

Token and position tables, blocks, with norms before sublayers a last norm, mean over valid tokens, linear head,
mean cross-entropy. Parameters are exact in float32. Names and layouts are PyTorch's: weights [out, in].
"""

import json
import pathlib

import numpy as np
import torch
from torch import nn

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

EPSILON = 1e-5
VOCABULARY, WIDTH, HEADS, FEED_FORWARD, CLASSES = 5, 4, 2, 6, 3
# Placement, normaliser, blocks, lengths of the sequences, positions.
CASES = [
    ("pre", "layer-norm", 1, [4, 2, 3], 4),
    ("post", "layer-norm", 1, [4, 2, 3], 4),
    ("post", "layer-norm", 2, [1, 5], 5),
    ("pre", "rms-norm", 2, [3, 3, 1, 2], 3),
    ("pre", "batch-norm", 1, [4, 1, 3], 4),
    ("post", "batch-norm", 2, [2, 3, 3], 3),
]


class OwnNorm(nn.Module):
    """What torch 1.13 lacks: RMSNorm with a bias, and BatchNorm over valid tokens."""

    def __init__(self, kind):
        super().__init__()
        self.kind = kind
        self.eps = EPSILON
        self.weight = nn.Parameter(torch.ones(WIDTH))
        self.bias = nn.Parameter(torch.zeros(WIDTH))
        self.valid = None

    def forward(self, x):
        if self.kind == "rms-norm":
            x_hat = x / torch.sqrt((x * x).mean(-1, keepdim=True) + EPSILON)
        else:
            tokens = x[self.valid]
            variance, mean = torch.var_mean(tokens, 0, unbiased=False)
            x_hat = (x - mean) / torch.sqrt(variance + EPSILON)
        return x_hat * self.weight + self.bias


def norm(kind):
    return nn.LayerNorm(WIDTH, EPSILON) if kind == "layer-norm" else OwnNorm(kind)


class Network(nn.Module):
    def __init__(self, placement, kind, blocks, positions):
        super().__init__()
        self.tokens = nn.Parameter(torch.empty(VOCABULARY, WIDTH))
        self.positions = nn.Parameter(torch.empty(positions, WIDTH))
        self.blocks = nn.ModuleList()
        for _ in range(blocks):
            block = nn.TransformerEncoderLayer(
                WIDTH, HEADS, FEED_FORWARD, 0, layer_norm_eps=EPSILON, batch_first=True, norm_first=placement == "pre"
            )
            block.norm1, block.norm2 = norm(kind), norm(kind)
            self.blocks.append(block)
        self.last = norm(kind) if placement == "pre" else None
        self.head = nn.Linear(WIDTH, CLASSES)

    def forward(self, tokens, valid):
        for module in self.modules():
            if isinstance(module, OwnNorm):
                module.valid = valid
        x = self.tokens[tokens] + self.positions
        for block in self.blocks:
            x = block(x, src_key_padding_mask=~valid)
        if self.last is not None:
            x = self.last(x)
        weights = valid / valid.sum(1, keepdim=True)
        return self.head((x * weights.unsqueeze(2)).sum(1))


def float32(values):
    return torch.from_numpy(np.asarray(values, dtype=np.float32).astype(np.float64))


def initialize(network, rng):
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            scale = 0.3 if parameter.dim() == 1 else 0.6
            centre = 1 if name.endswith("weight") and parameter.dim() == 1 else 0
            parameter.copy_(float32(centre + scale * rng.standard_normal(tuple(parameter.shape))))


def case(seed, placement, kind, blocks, lengths, positions):
    rng = np.random.default_rng(seed)
    network = Network(placement, kind, blocks, positions)
    initialize(network, rng)
    tokens = rng.integers(0, VOCABULARY, (len(lengths), positions))
    labels = rng.integers(0, CLASSES, len(lengths))
    valid = np.arange(positions) < np.asarray(lengths)[:, None]
    logits = network(torch.from_numpy(tokens), torch.from_numpy(valid))
    loss = nn.functional.cross_entropy(logits, torch.from_numpy(labels))
    loss.backward()
    return {
        "name": f"{placement}-norm, {kind}, blocks {blocks}, lengths {lengths}",
        "placement": placement,
        "type": kind,
        "epsilon": EPSILON,
        "blocks": blocks,
        "samples": len(lengths),
        "positions": positions,
        "vocabulary": VOCABULARY,
        "width": WIDTH,
        "heads": HEADS,
        "feedForward": FEED_FORWARD,
        "classes": CLASSES,
        "tokens": tokens.reshape(-1).tolist(),
        "mask": valid.reshape(-1).astype(int).tolist(),
        "labels": labels.tolist(),
        "parameters": {name: flat(parameter) for name, parameter in network.named_parameters()},
        "expected": {
            "loss": loss.item(),
            "logits": flat(logits),
            "gradients": {name: flat(parameter.grad) for name, parameter in network.named_parameters()},
        },
    }


def flat(tensor):
    return tensor.detach().reshape(-1).tolist()


def lines(value, indent=""):
    """JSON with one line per list of numbers."""
    inner = indent + " "
    if isinstance(value, dict):
        body = ",\n".join(f"{inner}{json.dumps(key)}: {lines(entry, inner)}" for key, entry in value.items())
        return "{\n" + body + "\n" + indent + "}"
    if isinstance(value, list) and any(isinstance(entry, (dict, list)) for entry in value):
        return "[\n" + ",\n".join(inner + lines(entry, inner) for entry in value) + "\n" + indent + "]"
    return json.dumps(value, allow_nan=False)


if __name__ == "__main__":
    cases = [case(8000 + index, *spec) for index, spec in enumerate(CASES)]
    pathlib.Path(__file__).with_name("transformer.json").write_text(lines(cases) + "\n", encoding="utf-8")
    print(f"transformer: {len(cases)} cases")
