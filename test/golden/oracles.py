"""What PyTorch and NumPy make of a batch, in float64: the expectations that generate.py writes down.

A batch is a list of arrays [N_r, C, ...positions], one per rank; its concatenation is normalised as one.
Every function returns arrays by name: per rank, and (BatchNorm) of the whole group.
"""

import numpy as np
import torch

MODULES = {0: torch.nn.BatchNorm1d, 1: torch.nn.BatchNorm1d, 2: torch.nn.BatchNorm2d, 3: torch.nn.BatchNorm3d}


def batch_norm(steps, dy, weight, bias, epsilon, momentum):
    """PyTorch on the concatenation of a group's ranks: expectations per rank, and of the group."""
    channels, counts = len(weight), [len(part) for part in dy]
    module = MODULES[dy[0].ndim - 2](channels, eps=epsilon, momentum=momentum).double().train()
    module.weight.data = torch.from_numpy(weight)
    module.bias.data = torch.from_numpy(bias)
    for parts in steps:
        x = torch.from_numpy(np.concatenate(parts)).requires_grad_()
        y = module(x)
    gradient = torch.from_numpy(np.concatenate(dy))
    y.backward(gradient)
    # One weight and bias per rank: what a rank's own gradients are, before data parallelism adds them up.
    x_hat = torch.nn.functional.batch_norm(x.detach(), None, None, None, None, True, 0.0, epsilon)
    ranks = []
    for part, part_y, part_dy, part_dx in zip(*(a.split(counts) for a in (x_hat, y.detach(), gradient, x.grad))):
        own_weight = module.weight.detach().clone().requires_grad_()
        own_bias = module.bias.detach().clone().requires_grad_()
        shape = [1, channels] + [1] * (part.ndim - 2)
        (part * own_weight.view(shape) + own_bias.view(shape)).backward(part_dy)
        ranks.append({"y": part_y, "dx": part_dx, "dWeight": own_weight.grad, "dBias": own_bias.grad})
    reduced = [axis for axis in range(x.ndim) if axis != 1]
    group = {
        "count": x.numel() // channels,
        "mean": x.detach().mean(reduced),
        "variance": x.detach().var(reduced, unbiased=False),
        "dWeight": module.weight.grad,
        "dBias": module.bias.grad,
        "runningMean": module.running_mean,
        "runningVariance": module.running_var,
    }
    summed = sum(rank["dWeight"] for rank in ranks)
    assert torch.allclose(summed, group["dWeight"], rtol=0, atol=1e-9), (summed, group["dWeight"])
    return ranks, group


def batch_norm_masked(steps, dy, masks, weight, bias, epsilon, momentum):
    """NumPy: statistics over valid tokens only; y and dx are 0 at padding."""
    channels = len(weight)
    running_mean, running_variance = np.zeros(channels), np.ones(channels)
    valid = np.concatenate([np.broadcast_to(m[:, None], d.shape) for m, d in zip(masks, dy)])
    for index, parts in enumerate(steps):
        x = np.concatenate(parts)
        axes = tuple(axis for axis in range(x.ndim) if axis != 1)
        column = [1, channels] + [1] * (x.ndim - 2)
        count = int(valid[:, 0].sum())
        mean = x.mean(axis=axes, where=valid)
        variance = ((x - mean.reshape(column)) ** 2).mean(axis=axes, where=valid)
        new = 1 / (index + 1) if momentum is None else momentum
        running_mean = (1 - new) * running_mean + new * mean
        running_variance = (1 - new) * running_variance + new * variance * count / (count - 1)
    inverse = (1 / np.sqrt(variance + epsilon)).reshape(column)
    x_hat = (x - mean.reshape(column)) * inverse
    gradient = np.concatenate(dy)
    y = np.where(valid, x_hat * weight.reshape(column) + bias.reshape(column), 0)
    g = gradient * weight.reshape(column)
    mean_g = g.mean(axis=axes, where=valid).reshape(column)
    mean_g_x_hat = (g * x_hat).mean(axis=axes, where=valid).reshape(column)
    dx = np.where(valid, inverse * (g - mean_g - x_hat * mean_g_x_hat), 0)
    cuts = np.cumsum([len(part) for part in dy])[:-1]
    ranks = [
        {
            "y": part_y,
            "dx": part_dx,
            "dWeight": (part_dy * part_x_hat).sum(axis=axes, where=part_valid),
            "dBias": part_dy.sum(axis=axes, where=part_valid),
        }
        for part_y, part_dx, part_dy, part_x_hat, part_valid in zip(
            *(np.split(a, cuts) for a in (y, dx, gradient, x_hat, valid))
        )
    ]
    group = {
        "count": count,
        "mean": mean,
        "variance": variance,
        "dWeight": sum(rank["dWeight"] for rank in ranks),
        "dBias": sum(rank["dBias"] for rank in ranks),
        "runningMean": running_mean,
        "runningVariance": running_variance,
    }
    return ranks, group


def layer_norm(x, dy, weight, bias, epsilon):
    """PyTorch over the channels of every sample and position of one rank."""
    inputs = torch.from_numpy(x).requires_grad_()
    own_weight = torch.from_numpy(weight).requires_grad_()
    own_bias = torch.from_numpy(bias).requires_grad_()
    tokens = inputs.movedim(1, -1)
    y = torch.nn.functional.layer_norm(tokens, [len(weight)], own_weight, own_bias, epsilon).movedim(-1, 1)
    y.backward(torch.from_numpy(dy))
    return {"y": y.detach(), "dx": inputs.grad, "dWeight": own_weight.grad, "dBias": own_bias.grad}


def rms_norm(x, dy, weight, bias, epsilon):
    """PyTorch's autograd on x / sqrt(mean x^2 + epsilon), over the channels of every sample and position of one rank."""
    inputs = torch.from_numpy(x).requires_grad_()
    own_weight = torch.from_numpy(weight).requires_grad_()
    own_bias = torch.from_numpy(bias).requires_grad_()
    tokens = inputs.movedim(1, -1)
    x_hat = tokens / torch.sqrt((tokens * tokens).mean(-1, keepdim=True) + epsilon)
    y = (x_hat * own_weight + own_bias).movedim(-1, 1)
    y.backward(torch.from_numpy(dy))
    return {"y": y.detach(), "dx": inputs.grad, "dWeight": own_weight.grad, "dBias": own_bias.grad}


def group_norm(x, dy, weight, bias, epsilon, groups):
    """PyTorch over blocks of channels and the positions of every sample of one rank."""
    return per_sample(x, dy, weight, bias, lambda a, w, b: torch.nn.functional.group_norm(a, groups, w, b, epsilon))


def instance_norm(x, dy, weight, bias, epsilon):
    """PyTorch over the positions of every sample and channel of one rank."""
    return per_sample(
        x, dy, weight, bias, lambda a, w, b: torch.nn.functional.instance_norm(a, weight=w, bias=b, eps=epsilon)
    )


def per_sample(x, dy, weight, bias, function):
    if len(x) == 0:
        zeros = np.zeros(len(weight))
        return {"y": x, "dx": x, "dWeight": zeros, "dBias": zeros}
    inputs = torch.from_numpy(x).requires_grad_()
    own_weight = torch.from_numpy(weight).requires_grad_()
    own_bias = torch.from_numpy(bias).requires_grad_()
    y = function(inputs, own_weight, own_bias)
    y.backward(torch.from_numpy(dy))
    return {"y": y.detach(), "dx": inputs.grad, "dWeight": own_weight.grad, "dBias": own_bias.grad}


def check_against_torch(steps, dy, whole, weight, bias, epsilon, momentum):
    """The NumPy formulas, with nothing masked, are PyTorch's."""
    by_numpy = batch_norm_masked(steps, dy, whole, weight, bias, epsilon, momentum)
    by_torch = batch_norm(steps, dy, weight, bias, epsilon, momentum)
    for ours, theirs in zip([*by_numpy[0], by_numpy[1]], [*by_torch[0], by_torch[1]]):
        for key in theirs:
            assert np.allclose(ours[key], theirs[key], rtol=1e-9, atol=1e-9), (key, ours[key], theirs[key])
