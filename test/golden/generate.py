"""Golden cases for the normalisers: what PyTorch and NumPy compute in float64 for the whole batch.

Run `python3 -B test/golden/generate.py`; it rewrites its own JSON files beside it, byte for byte the same
under Python 3.11, torch 1.13.0a0 (Debian 12, one thread) and numpy 1.24.2, which made them.
Independent of normsim: nothing of it is imported or read.

x, dy, weight and bias are exact in float32, so that one golden serves float32 and float64 storage.
Ranks hold [N_r, C, ...positions], row-major; their concatenation in rank order is the batch of their group.
"""

import json
import math
import pathlib

import numpy as np
import torch

from oracles import (
    batch_norm,
    batch_norm_masked,
    check_against_torch,
    group_norm,
    instance_norm,
    layer_norm,
    rms_norm,
)

torch.set_num_threads(1)

# Samples per rank, channels, position extents, |mean|/std, epsilon, momentum, training steps.
# Steps: 1; "=k" is k steps that see the same x; k > 1 is k steps that each draw their own.
BATCH_NORM = [
    ([4, 4], 3, [], 0, 1e-5, 0.1, 1),
    ([5, 0, 7], 3, [], 0, 1e-5, 0.1, 1),
    ([1, 1, 1], 3, [], 0, 1e-5, 0.1, 1),
    ([1, 1, 1, 1, 1, 1, 1, 1], 1, [], 10, 1e-3, 0.3, 1),
    ([9], 3, [], 10, 1e-5, 0.1, 1),
    ([2, 0, 0, 3], 65, [], 10, 1e-5, 0.1, 1),
    ([1, 2], 65, [], 0, 1e-3, 0.3, "=2"),
    ([6, 1, 0, 11], 3, [], 1e3, 1e-5, 0.1, 1),
    ([3, 5, 2], 1, [], 1e4, 1e-5, 0.1, 1),
    ([16, 3, 0, 17], 1, [], 0, 1e-5, None, 3),
    ([0, 4], 3, [], 1e4, 1e-3, None, "=3"),
    ([3, 2], 3, [4], 0, 1e-5, 0.1, 1),
    ([1, 0, 2], 3, [5], 0, 1e-3, 0.3, 2),
    ([1, 1], 1, [7], 10, 1e-5, 0.1, 1),
    ([1, 1], 65, [2], 0, 1e-5, 0.1, 1),
    ([2, 1, 3], 3, [3], 10, 1e-5, None, 2),
    ([4, 2], 3, [3], 1e3, 1e-5, 0.1, "=3"),
    ([2, 3, 0], 3, [4], 1e4, 1e-5, 0.1, 1),
    ([1], 3, [9], 0, 1e-5, 0.1, 1),
    ([2, 2, 2, 2], 3, [2, 2], 0, 1e-5, 0.1, 1),
    ([3, 1, 0, 2], 3, [3, 2], 10, 1e-3, 0.3, 1),
    ([1, 0, 1], 65, [1, 2], 10, 1e-5, 0.1, 1),
    ([0, 0, 2], 1, [4, 4], 0, 1e-5, 0.1, 1),
    ([2, 4], 3, [2, 3], 1e3, 1e-3, None, 3),
    ([5, 1, 1], 1, [3, 3], 1e4, 1e-5, 0.1, 1),
    ([1, 1, 1, 1], 3, [1, 1], 0, 1e-5, 0.3, 2),
    ([2, 1], 3, [2, 2, 2], 0, 1e-5, 0.1, 1),
    ([1, 0, 3], 3, [2, 1, 3], 10, 1e-3, 0.1, 1),
    ([1, 1], 65, [1, 1, 2], 0, 1e-5, 0.1, 1),
    ([2, 0, 1, 1], 1, [2, 2, 3], 1e3, 1e-5, 0.3, "=2"),
    ([3, 2], 3, [1, 2, 2], 1e4, 1e-5, None, 2),
    ([1, 2, 1], 3, [2, 2, 1], 10, 1e-5, 0.1, 3),
]

# The same with the ranks of a group before them: consecutive ranks, the last group may be smaller.
BATCH_NORM_GROUPED = [
    (2, ([2, 3, 4, 1], 3, [], 0, 1e-5, 0.1, 1)),
    (2, ([1, 1, 0, 5, 2], 3, [], 10, 1e-5, 0.3, 2)),
    (4, ([1, 0, 2, 1, 3, 1, 1, 1], 3, [3], 1e3, 1e-5, 0.1, 1)),
    (3, ([1, 2, 1, 0, 1, 1, 2], 1, [2, 2], 1e4, 1e-3, None, "=2")),
    (1, ([2, 3, 5], 3, [2], 10, 1e-5, 0.1, 1)),
]

BATCH_NORM_MASKED = [
    ([2, 3], 3, [6], 0, 1e-5, 0.1, 1),
    ([2, 0, 2], 3, [5], 10, 1e-3, 0.3, 2),
    ([3, 1, 2], 1, [8], 1e3, 1e-5, 0.1, 1),
    ([2, 2, 1], 3, [4], 1e4, 1e-5, None, "=2"),
    ([1, 1], 65, [3], 0, 1e-5, 0.1, 1),
    ([2, 2], 3, [2, 3], 10, 1e-5, 0.1, 1),
]

# Samples per rank, channels, position extents, |mean|/std, epsilon.
LAYER_NORM = [
    ([4, 4], 3, [], 0, 1e-5),
    ([5, 0, 2], 8, [], 0, 1e-5),
    ([1, 1, 1], 65, [], 10, 1e-5),
    ([3], 1, [], 0, 1e-5),
    ([3, 2], 16, [], 1e3, 1e-3),
    ([2, 2], 16, [], 1e4, 1e-5),
    ([2, 3], 3, [4], 0, 1e-5),
    ([1, 0, 2], 8, [5], 10, 1e-3),
    ([1, 1], 65, [3], 0, 1e-5),
    ([2, 1], 7, [3], 1e4, 1e-5),
    ([2, 1], 5, [2, 3], 0, 1e-5),
    ([1, 2], 8, [2, 2], 1e3, 1e-5),
    ([0, 1, 1], 6, [2, 2, 2], 10, 1e-5),
    ([2], 1, [2, 1, 2], 10, 1e-3),
]

# As LAYER_NORM; ratio 1e3 leaves RMSNorm almost without spread, which is its point.
RMS_NORM = [
    ([4, 4], 3, [], 0, 2**-23),
    ([5, 0, 2], 8, [], 0, 1e-5),
    ([3], 1, [], 10, 1e-3),
    ([3, 2], 16, [], 1e3, 1e-5),
    ([2, 3], 3, [4], 0, 2**-23),
    ([1, 1], 65, [3], 10, 1e-6),
    ([2, 1], 5, [2, 3], 0, 1e-5),
    ([0, 1, 1], 6, [2, 2, 2], 10, 1e-3),
]

# Samples per rank, channels, position extents, |mean|/std, epsilon, groups.
GROUP_NORM = [
    ([3, 2], 4, [], 0, 1e-5, 2),
    ([2, 0, 1], 6, [4], 0, 1e-5, 3),
    ([2, 1], 6, [3], 10, 1e-3, 1),
    ([1, 2], 3, [5], 0, 1e-5, 3),
    ([1, 1], 64, [2], 0, 1e-5, 32),
    ([2, 2], 8, [2, 3], 1e3, 1e-5, 2),
    ([1, 1, 1], 9, [3, 3], 1e4, 1e-5, 3),
    ([2, 1], 4, [2, 2, 2], 10, 1e-5, 2),
]

# Samples per rank, channels, position extents, |mean|/std, epsilon.
INSTANCE_NORM = [
    ([2, 2], 3, [4], 0, 1e-5),
    ([1, 0, 3], 5, [2], 10, 1e-3),
    ([1, 1], 65, [3], 0, 1e-5),
    ([2, 1], 3, [3, 3], 1e3, 1e-5),
    ([1, 2], 1, [4, 2], 1e4, 1e-5),
    ([2, 1], 4, [2, 1, 3], 0, 1e-5),
]


def float32(values):
    return np.asarray(values, dtype=np.float32).astype(np.float64)


def draw_x(rng, samples, channels, extents, ratio, offsets):
    """One array per rank. Ranks differ in their mean, so that groups matter; `offsets` is how many
    means and scales there are: one per channel, or 1, a common one, which is what is hard for LayerNorm."""
    shape = [1, offsets] + [1] * len(extents)
    std = rng.uniform(0.5, 2, shape)
    mean = ratio * rng.choice([-1, 1], shape)
    return [
        float32(std * (mean + 0.5 * rng.standard_normal(shape) + rng.standard_normal([count, channels, *extents])))
        for count in samples
    ]


def draw_case(rng, samples, channels, extents, ratio, offsets):
    x = draw_x(rng, samples, channels, extents, ratio, offsets)
    dy = [float32(rng.standard_normal(part.shape)) for part in x]
    weight = float32(rng.normal(1, 0.5, channels))
    bias = float32(rng.normal(0, 0.5, channels))
    return x, dy, weight, bias


def draw_steps(rng, spec, last):
    """x of every step, the last one given; what `earlier` records."""
    samples, channels, extents, ratio, steps = *spec[:4], spec[6]
    if isinstance(steps, str):
        return [last] * int(steps[1:]), []
    earlier = [draw_x(rng, samples, channels, extents, ratio, channels) for _ in range(steps - 1)]
    return [*earlier, last], earlier


def draw_masks(rng, samples, extents):
    """Padding at the end of every sample's positions; rank 1 of three or more is all padding."""
    positions = math.prod(extents)
    masks = []
    for rank, count in enumerate(samples):
        lengths = rng.integers(1, positions + 1, count)
        if rank == 1 and len(samples) > 2:
            lengths = np.zeros(count)
        masks.append((np.arange(positions) < lengths[:, None]).reshape(count, *extents))
    return masks


def flat(values):
    return np.asarray(values).reshape(-1).tolist()


def flattened(record):
    return {key: value if isinstance(value, int) else flat(value) for key, value in record.items()}


def record_case(kind, title, drawn, masks, settings, expected):
    x, dy, weight, bias = drawn
    return {
        "name": title,
        "type": kind,
        "channels": len(weight),
        "positions": list(x[0].shape[2:]),
        "weight": flat(weight),
        "bias": flat(bias),
        **settings,
        "ranks": [
            {"samples": len(a), "x": flat(a), "dy": flat(b), "mask": None if m is None else flat(m.astype(int))}
            for a, b, m in zip(x, dy, masks)
        ],
        "expected": expected,
    }


def title(samples, channels, extents, ratio, *rest):
    shape = ", ".join(map(str, ["N", channels, *extents]))
    return f"[{shape}], samples {samples}, mean/std {ratio:g}, " + ", ".join(rest)


def batch_norm_case(seed, group, spec, is_masked):
    samples, channels, extents, ratio, epsilon, momentum, steps = spec
    rng = np.random.default_rng(seed)
    drawn = draw_case(rng, samples, channels, extents, ratio, channels)
    x, dy, weight, bias = drawn
    all_steps, earlier = draw_steps(rng, spec, x)
    masks = draw_masks(rng, samples, extents) if is_masked else [None] * len(samples)
    ranks, groups = [], []
    per_group = len(samples) if group == "world" else group
    for first in range(0, len(samples), per_group):
        members = slice(first, first + per_group)
        inputs = [parts[members] for parts in all_steps]
        if is_masked:
            whole = [np.ones_like(m) for m in masks]
            check_against_torch(inputs, dy, whole, weight, bias, epsilon, momentum)
            result = batch_norm_masked(inputs, dy, masks, weight, bias, epsilon, momentum)
        else:
            result = batch_norm(inputs, dy[members], weight, bias, epsilon, momentum)
        ranks += map(flattened, result[0])
        groups.append(flattened(result[1]))
    settings = {
        "epsilon": epsilon,
        "group": group,
        "momentum": momentum,
        "trainingSteps": len(all_steps),
        "earlier": [[flat(part) for part in parts] for parts in earlier],
    }
    rest = [f"epsilon {epsilon:g}", f"momentum {momentum}, {len(all_steps)} steps", f"group {group}"]
    name = title(samples, channels, extents, ratio, *rest)
    return record_case("batch-norm", name, drawn, masks, settings, {"ranks": ranks, "groups": groups})


def resident_case(seed, kind, function, spec):
    """A normaliser whose statistics span no samples; `spec` may end with its groups."""
    samples, channels, extents, ratio, epsilon, *groups = spec
    drawn = draw_case(np.random.default_rng(seed), samples, channels, extents, ratio, 1)
    x, dy, weight, bias = drawn
    ranks = [flattened(function(a, b, weight, bias, epsilon, *groups)) for a, b in zip(x, dy)]
    rest = [f"epsilon {epsilon:g}", *(f"{count} groups" for count in groups)]
    name = title(samples, channels, extents, ratio, *rest)
    settings = {"epsilon": epsilon, **({"groups": groups[0]} if groups else {})}
    return record_case(kind, name, drawn, [None] * len(x), settings, {"ranks": ranks})


def lines(value, indent=""):
    """JSON with one line per list of numbers."""
    inner = indent + " "
    if isinstance(value, dict):
        body = ",\n".join(f"{inner}{json.dumps(key)}: {lines(entry, inner)}" for key, entry in value.items())
        return "{\n" + body + "\n" + indent + "}"
    if isinstance(value, list) and any(isinstance(entry, (dict, list)) for entry in value):
        return "[\n" + ",\n".join(inner + lines(entry, inner) for entry in value) + "\n" + indent + "]"
    return json.dumps(value, allow_nan=False)


def write(family, cases):
    pathlib.Path(__file__).with_name(f"{family}.json").write_text(lines(cases) + "\n", encoding="utf-8")
    print(f"{family}: {len(cases)} cases")


if __name__ == "__main__":
    write("batch-norm", [batch_norm_case(1000 + i, "world", s, False) for i, s in enumerate(BATCH_NORM)])
    write("batch-norm-grouped", [batch_norm_case(2000 + i, g, s, False) for i, (g, s) in enumerate(BATCH_NORM_GROUPED)])
    write("batch-norm-masked", [batch_norm_case(3000 + i, "world", s, True) for i, s in enumerate(BATCH_NORM_MASKED)])
    for first, kind, function, specs in [
        (4000, "layer-norm", layer_norm, LAYER_NORM),
        (5000, "rms-norm", rms_norm, RMS_NORM),
        (6000, "group-norm", group_norm, GROUP_NORM),
        (7000, "instance-norm", instance_norm, INSTANCE_NORM),
    ]:
        write(kind, [resident_case(first + i, kind, function, spec) for i, spec in enumerate(specs)])
