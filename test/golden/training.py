"""Golden cases for training: a few optimizer steps of a small MLP by PyTorch in float64.

Run `python3 -B test/golden/training.py`; it rewrites training.json beside it, byte for byte the same under
Python 3.11 and torch 1.13.0a0 (Debian 12, one thread), which made it. Independent of normsim: weights and data
are drawn here and are part of the golden.
"""

import json
import pathlib

import torch

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

HIDDEN = [5, 4]
SAMPLES = 8
STEPS = 4

OPTIMIZERS = {
    "sgd": {"type": "sgd", "learningRate": 0.1, "momentum": 0.9, "schedule": "cosine"},
    "adam": {"type": "adam", "learningRate": 0.01, "beta1": 0.8, "beta2": 0.99, "epsilon": 1e-6},
}
NORMALIZERS = {"batch-norm": torch.nn.BatchNorm1d, "layer-norm": torch.nn.LayerNorm}


def rounded(tensor):
    """Three decimals, so that the file stays small; exact as far as the cases go: both sides read these."""
    return torch.round(tensor * 1000) / 1000


def network(norm):
    layers, width = [], 64
    for features in HIDDEN:
        layers += [torch.nn.Linear(width, features, bias=False), norm(features), torch.nn.ReLU()]
        width = features
    return torch.nn.Sequential(*layers, torch.nn.Linear(width, 10))


def optimizer(spec, parameters):
    if spec["type"] == "sgd":
        made = torch.optim.SGD(parameters, lr=spec["learningRate"], momentum=spec["momentum"])
        return made, torch.optim.lr_scheduler.CosineAnnealingLR(made, T_max=STEPS)
    betas = (spec["beta1"], spec["beta2"])
    made = torch.optim.Adam(parameters, lr=spec["learningRate"], betas=betas, eps=spec["epsilon"])
    return made, torch.optim.lr_scheduler.ConstantLR(made, factor=1)


def case(norm_name, spec):
    model = network(NORMALIZERS[norm_name])
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(rounded(parameter + 0.1 * torch.randn(parameter.shape)))
    initial = [parameter.detach().flatten().tolist() for parameter in model.parameters()]
    update, schedule = optimizer(spec, model.parameters())
    batches, losses = [], []
    for _ in range(STEPS):
        x, targets = rounded(torch.randn(SAMPLES, 64)), torch.randint(10, (SAMPLES,))
        batches.append({"x": x.flatten().tolist(), "targets": targets.tolist()})
        update.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(x), targets)
        loss.backward()
        update.step()
        schedule.step()
        losses.append(loss.item())
    final = [parameter.detach().flatten().tolist() for parameter in model.parameters()]
    buffers = {name: buffer.tolist() for name, buffer in model.named_buffers() if "running" in name}
    return {
        "name": f"{norm_name}, {spec['type']}",
        "normalizer": norm_name,
        "optimizer": spec,
        "hidden": HIDDEN,
        "steps": STEPS,
        "initial": initial,
        "batches": batches,
        "losses": losses,
        "final": final,
        "running": list(buffers.values()),
    }


def main():
    torch.manual_seed(7)
    cases = [case(norm, spec) for norm in NORMALIZERS for spec in OPTIMIZERS.values()]
    text = json.dumps({"cases": cases}, separators=(",", ":")).replace('},{"x"', '},\n{"x"')
    pathlib.Path(__file__).with_name("training.json").write_text(text + "\n")


main()
