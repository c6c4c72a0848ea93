"""Record what the normalisers of a PyTorch model see, for normsim. Needs PyTorch alone; copy this file beside your code.

    recorder = Recorder(model, rank=torch.distributed.get_rank())
    loss(model(inputs)).backward()
    recorder.write_tensors(f"rank{recorder.rank}.safetensors")    # x and dy of the last step, for source: safetensors
    recorder.append_moments(f"rank{recorder.rank}.jsonl", step)   # a line for each layer, for source: moments

`layer1.0.bn1.x` and `layer1.0.bn1.dy` are what rank `rank` fed to model.layer1[0].bn1, [N, C, ...positions].
"""

import json
import struct

import torch

BATCH_NORMS = (torch.nn.modules.batchnorm._BatchNorm,)
DTYPES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.bool: "BOOL"}


def save_safetensors(tensors, path):
    """Write {name: tensor} as safetensors.torch.save_file does; use that one where it is installed."""
    header, parts, end = {}, [], 0
    for name, tensor in tensors.items():
        tensor = tensor.detach().cpu().contiguous()
        data = tensor.view(torch.int16) if tensor.dtype is torch.bfloat16 else tensor
        parts.append(data.numpy().tobytes())
        start, end = end, end + len(parts[-1])
        header[name] = {"dtype": DTYPES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


class Recorder:
    """Hooks every BatchNorm, SyncBatchNorm included, or the kinds of modules given; the model computes what it did."""

    def __init__(self, model, rank, kinds=BATCH_NORMS):
        self.rank = rank
        self.tensors = {}
        self.handles = []
        for name, module in model.named_modules():
            if isinstance(module, kinds):
                self.handles.append(module.register_forward_hook(self._forward(name)))

    def _forward(self, name):
        def hook(module, inputs, output):
            if not module.training:
                return
            self.tensors[f"{name}.x"] = inputs[0].detach().clone()
            self.tensors.pop(f"{name}.dy", None)
            if output.requires_grad:
                output.register_hook(lambda dy: self.tensors.__setitem__(f"{name}.dy", dy.detach().clone()))

        return hook

    def append_moments(self, path, step):
        """Count, mean and sum of squared deviations of every channel of every x of the last step; a few KB a layer."""
        with open(path, "a") as file:
            for name, x in self.tensors.items():
                if not name.endswith(".x"):
                    continue
                x = x.double().transpose(0, 1).flatten(1)
                mean = x.mean(1) if x.shape[1] > 0 else x.sum(1)
                m2 = (x - mean[:, None]).square().sum(1)
                line = {"step": step, "rank": self.rank, "layer": name[:-2], "count": x.shape[1]}
                file.write(json.dumps({**line, "mean": mean.tolist(), "m2": m2.tolist()}) + "\n")

    def write_tensors(self, path):
        """Everything of the last step."""
        save_safetensors(self.tensors, path)

    def remove(self):
        for handle in self.handles:
            handle.remove()
