#!/usr/bin/env python3
"""Make the .npy files of scenarios/toy-vectors.yaml and scenarios/from-npy.yaml: python3 scenarios/data/make.py

The same bytes on every run: fixed values, and a fixed seed of NumPy's PCG64.
"""

from pathlib import Path

import numpy as np

here = Path(__file__).parent


def save(folder: str, rank: int, activations: np.ndarray, gradients: np.ndarray) -> None:
    (here / folder).mkdir(exist_ok=True)
    np.save(here / folder / f"rank{rank}.npy", activations)
    np.save(here / folder / f"rank{rank}-gradient.npy", gradients)


# Two devices, one vector of three features each: [N, C] = [1, 3]. The loss is the first output of rank 0.
save("toy-vectors", 0, np.array([[2.0, 4.0, 6.0]]), np.array([[1.0, 0.0, 0.0]]))
save("toy-vectors", 1, np.array([[1.0, 3.0, 5.0]]), np.array([[0.0, 0.0, 0.0]]))

# [N, C, H, W]; the second rank sees brighter images, as if the shards had not been shuffled.
generator = np.random.default_rng(7)
for rank in range(2):
    activations = generator.standard_normal((4, 3, 2, 2)) + 0.5 * rank
    gradients = generator.standard_normal((4, 3, 2, 2))
    save("from-npy", rank, activations.astype(np.float32), gradients.astype(np.float32))
