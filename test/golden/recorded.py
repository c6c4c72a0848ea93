"""Writes test/golden/recorded/: what docs/record_batch_norm.py records of a small network, and what PyTorch makes of it.

Made with PyTorch 1.13.0 on Python 3.11: python3 test/golden/recorded.py

rank<r>.safetensors (the last step) and rank<r>.jsonl (moments of every step) are written by the recorder itself, on two ranks of 2 and 3 samples, after two steps;
expected.json holds batch norm over the ranks' concatenated x of the last step, for layer "1", in float64:
y, dx, and the mean and biased variance of each channel. types.safetensors has one tensor of each type that is read.
"""

import json
import pathlib
import sys

import torch

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent.parent / "docs"))
from record_batch_norm import Recorder, save_safetensors  # noqa: E402

folder = here / "recorded"
torch.manual_seed(5)
recorders = []
for rank, samples in enumerate([2, 3]):
    model = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1), torch.nn.BatchNorm2d(4), torch.nn.ReLU(), torch.nn.Conv2d(4, 2, 1)
    )
    recorder = Recorder(model, rank)
    moments = folder / f"rank{rank}.jsonl"
    moments.unlink(missing_ok=True)
    for step in range(2):
        (model(torch.randn(samples, 3, 3, 2) + rank).square().sum() / 10).backward()
        recorder.append_moments(moments, step)
    recorder.write_tensors(folder / f"rank{rank}.safetensors")
    recorders.append(recorder)

x = torch.cat([recorder.tensors["1.x"] for recorder in recorders]).double().requires_grad_()
dy = torch.cat([recorder.tensors["1.dy"] for recorder in recorders]).double()
y = torch.nn.functional.batch_norm(x, None, None, training=True)
y.backward(dy)
expected = {"y": y.flatten().tolist(), "dx": x.grad.flatten().tolist()}
expected["mean"] = x.mean((0, 2, 3)).tolist()
expected["variance"] = x.var((0, 2, 3), unbiased=False).tolist()
(folder / "expected.json").write_text(json.dumps(expected) + "\n")

values = torch.tensor([[0.0, -0.0, 1.5, -3.1415927], [1e-3, 65504.0, 6e-8, 255.0]], dtype=torch.float64)
typed = {name: values.to(getattr(torch, name)) for name in ["float64", "float32", "float16", "bfloat16"]}
save_safetensors({**typed, "bool": values > 0}, folder / "types.safetensors")
widened = {name: tensor.double().flatten().tolist() for name, tensor in typed.items()}
(folder / "types.json").write_text(json.dumps(widened) + "\n")
