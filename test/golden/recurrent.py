"""Golden cases for PowerNorm and MABN: every training step of small runs in float64, from the formulas.

Run `python3 -B test/golden/recurrent.py`; it rewrites recurrent.json beside it, byte for byte the same under
Python 3.11 and numpy 1.24.2, which made it. Independent of normsim: nothing of it is imported or read.
Written from the formulas of github.com/sIncerass/powernorm (mask_powernorm.py, without its GroupScaling) and
github.com/megvii-model/MABN (MABN.py); means are over valid tokens, in the backward pass too.

x and dy are exact in float32. Ranks hold [N_r, C, L], row-major; a group is the ranks it lists, as one batch.
"""

import json
import pathlib

import numpy as np

POWER_NORM = [
    # name, samples per rank, channels, L, groups, share of padding, steps, settings
    ("warm-up", [3, 2], 3, 2, [[0], [1]], 0, 3, dict(warmUp=10, momentum=0.1, momentumBackward=0.1)),
    ("past the warm-up", [2, 0, 3], 2, 3, [[0, 1, 2]], 0, 6, dict(warmUp=3, momentum=0.1, momentumBackward=0.1)),
    ("no warm-up", [1, 4], 5, 1, [[0, 1]], 0, 4, dict(warmUp=0, momentum=0.3, momentumBackward=0.5)),
    ("one step of warm-up", [4], 1, 2, [[0]], 0, 4, dict(warmUp=1, momentum=0.25, momentumBackward=1)),
    ("padding", [2, 3, 1], 3, 5, [[0, 2], [1]], 0.4, 5, dict(warmUp=2, momentum=0.1, momentumBackward=0.2)),
]
MABN = [
    ("first window", [3, 2], 3, 2, [[0], [1]], 0, 3, dict(window=4, warmUp=0, renormAfter=10, momentum=0.02)),
    ("past the window", [2, 0, 3], 2, 3, [[0, 1, 2]], 0, 7, dict(window=3, warmUp=2, renormAfter=100, momentum=0.02)),
    ("longer warm-up", [4, 1], 2, 2, [[0, 1]], 0, 7, dict(window=2, warmUp=5, renormAfter=0, momentum=0.2)),
    ("corrected", [1, 4], 5, 1, [[0, 1]], 0, 6, dict(window=2, warmUp=0, renormAfter=1, momentum=0.5)),
    ("window of one", [3, 3], 2, 2, [[0], [1]], 0, 4, dict(window=1, warmUp=0, renormAfter=0, momentum=0.1)),
    ("padding", [2, 3, 1], 3, 5, [[0, 2], [1]], 0.4, 5, dict(window=2, warmUp=0, renormAfter=2, momentum=0.1)),
]


class PowerNorm:
    def __init__(self, channels, epsilon, warmUp, momentum, momentumBackward):
        self.epsilon, self.warm_up = epsilon, warmUp
        self.alpha_forward, self.alpha_backward = 1 - momentum, 1 - momentumBackward
        self.running, self.nu = np.ones(channels), np.zeros(channels)
        self.iteration = 0

    def step(self, x, g):
        """x and g are [tokens, C]; returns z (before weight and bias) and dx."""
        self.iteration += 1
        t = self.iteration
        phi = (x * x).mean(axis=0)
        z = x / np.sqrt((phi if t <= self.warm_up else self.running) + self.epsilon)
        if t < self.warm_up:
            self.running = self.running * (t - 1) / t + phi / t
        self.running = self.alpha_forward * self.running + (1 - self.alpha_forward) * phi
        corrected = g - (1 - self.alpha_backward) * self.nu * z
        self.nu = self.nu + (corrected * z).mean(axis=0)
        return z, corrected / np.sqrt(phi + self.epsilon)


class MovingAverageBatchNorm:
    def __init__(self, channels, epsilon, window, warmUp, renormAfter, momentum):
        self.epsilon, self.window, self.warm_up, self.renorm_after = epsilon, window, warmUp, renormAfter
        self.keep = 1 - momentum
        self.running = np.ones(channels)
        self.squares, self.products = [], []

    def average(self, history):
        t = len(history)
        if t <= self.window or t < self.warm_up:
            return history[-1]
        return np.mean(history[-self.window :], axis=0)

    def step(self, x, g):
        self.squares.append((x * x).mean(axis=0))
        variance = self.average(self.squares)
        std = np.sqrt(variance + self.epsilon)
        z = x / std
        ratio = np.clip(std / np.sqrt(self.running + self.epsilon), 1 / 5, 5)
        if len(self.squares) <= max(self.renorm_after, self.warm_up):
            ratio = np.ones_like(ratio)
        self.running = self.keep * self.running + (1 - self.keep) * variance
        g = g * ratio
        self.products.append((g * z).mean(axis=0))
        return ratio * z, (g - z * self.average(self.products)) / std


def rounded(values):
    return values.astype(np.float32).astype(np.float64)


def tokens_of(array, mask):
    """[N, C, L] to [valid tokens, C]."""
    return array.transpose(0, 2, 1)[mask]


def scattered(tokens, mask, shape):
    result = np.zeros((shape[0], shape[2], shape[1]))
    result[mask] = tokens
    return result.transpose(0, 2, 1)


def make_case(kind, rule, seed, name, samples, channels, positions, groups, padding, steps, settings):
    random = np.random.default_rng(seed)
    epsilon = 1e-5
    weight = rounded(random.normal(1, 0.5, channels))
    bias = rounded(random.normal(0, 0.5, channels))
    scale = random.uniform(0.3, 3, channels)[:, None]
    memories = [rule(channels, epsilon, **settings) for _ in groups]
    recorded = []
    for step in range(steps):
        shapes = [(n, channels, positions) for n in samples]
        # Mean squares that wander, so that a step differs from the average of the last.
        x = [rounded(random.normal(0.4, 1, shape) * scale * 2 ** random.uniform(-1, 1)) for shape in shapes]
        dy = [rounded(random.normal(0, 1, shape)) for shape in shapes]
        mask = [random.uniform(size=(n, positions)) >= padding for n in samples]
        ranks = [None] * len(samples)
        running = []
        for group, memory in zip(groups, memories):
            own = [tokens_of(x[r], mask[r]) for r in group]
            own_dy = [tokens_of(dy[r], mask[r]) for r in group]
            z, dx = memory.step(np.concatenate(own), np.concatenate(own_dy) * weight)
            running.append(memory.running.tolist())
            start = 0
            for index, r in enumerate(group):
                part = slice(start, start + len(own[index]))
                start = part.stop
                ranks[r] = {
                    "samples": samples[r],
                    "x": x[r].ravel().tolist(),
                    "dy": dy[r].ravel().tolist(),
                    "mask": mask[r].astype(int).ravel().tolist() if padding > 0 else None,
                    "y": scattered(z[part] * weight + bias, mask[r], shapes[r]).ravel().tolist(),
                    "dx": scattered(dx[part], mask[r], shapes[r]).ravel().tolist(),
                    "dWeight": (own_dy[index] * z[part]).sum(axis=0).tolist(),
                    "dBias": own_dy[index].sum(axis=0).tolist(),
                }
        recorded.append({"ranks": ranks, "running": running})
    return {
        "spec": {"name": name, "type": kind, "group": groups, "epsilon": epsilon, **settings}
        | {"weight": weight.tolist(), "bias": bias.tolist()},
        "channels": channels,
        "positions": positions,
        "steps": recorded,
    }


cases = [
    make_case(kind, rule, seed, *row)
    for kind, rule, rows in (("power-norm", PowerNorm, POWER_NORM), ("mabn", MovingAverageBatchNorm, MABN))
    for seed, row in enumerate(rows)
]
text = "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]\n"
pathlib.Path(__file__).with_name("recurrent.json").write_text(text)
