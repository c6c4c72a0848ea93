"""Float64 numbers rounded to the half formats: makes number-formats.json.

Independent of normsim's code: float16 by NumPy 1.x (which rounds float64 once), bfloat16 by PyTorch 1.13 from
float32 numbers. Bits are the formats' 16 bits as integers. Run:

    python3 test/golden/number-formats.py > test/golden/number-formats.json
"""

import json

import numpy as np
import torch

generator = np.random.default_rng(1)
sign = generator.choice([-1.0, 1.0], 400)
# Binades from below the smallest subnormal number to beyond the largest.
half = sign * generator.uniform(1, 2, 400) * 2.0 ** generator.integers(-27, 18, 400)
single = (sign * generator.uniform(1, 2, 400) * 2.0 ** generator.integers(-137, 128, 400)).astype(np.float32)

with np.errstate(over="ignore"):
    float16 = half.astype(np.float16).view(np.uint16)
bfloat16 = torch.from_numpy(single).to(torch.bfloat16).view(torch.int16).numpy().view(np.uint16)

rows = {
    "float16": [[float(x), int(bits)] for x, bits in zip(half, float16)],
    "bfloat16": [[float(x), int(bits)] for x, bits in zip(single, bfloat16)],
}
print(json.dumps(rows))
