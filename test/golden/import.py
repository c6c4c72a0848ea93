"""Writes test/golden/import/: a small network as PyTorch exports it to ONNX, and what its layers do.

Made with PyTorch 1.13.0 on Python 3.11: python3 test/golden/import.py

network.onnx has no shapes of intermediate activations, as usual. expected.json has for each module with weights, in
the order of its first call, its channels, the positions of its output and its parameters, seen by forward hooks; and
the multiply-adds of convolutions and linear layers, from the shapes of weights and outputs.
weights.safetensors is its state_dict.
"""

import json
import pathlib
import sys

import torch
from torch import nn

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here.parent.parent / "docs"))
from record_batch_norm import DTYPES, save_safetensors  # noqa: E402


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.depthwise = nn.Conv2d(4, 4, 3, padding=2, dilation=2, groups=4, bias=False)
        self.bn2 = nn.BatchNorm2d(4, affine=True)
        self.up = nn.ConvTranspose2d(4, 2, 3, stride=2, padding=1, output_padding=1)
        self.bn3 = nn.BatchNorm2d(2)
        self.gate = nn.Conv2d(2, 2, 1)
        self.join = nn.Conv2d(4, 3, (1, 3), stride=(2, 1))
        self.bn4 = nn.BatchNorm2d(3)
        self.fc = nn.Linear(3, 5)

    def forward(self, x):
        x = self.pool(torch.relu(self.bn1(self.conv1(x))))
        x = self.bn3(self.up(x + torch.relu(self.bn2(self.depthwise(x)))))
        gated = x * torch.sigmoid(self.gate(nn.functional.adaptive_avg_pool2d(x, 1)))
        x = self.bn4(self.join(torch.cat([x, gated], 1)))
        return self.fc(nn.functional.adaptive_avg_pool2d(x, 1).flatten(1))


torch.manual_seed(3)
net = Net()
layers = []


def hook(name):
    def seen(module, inputs, output):
        positions = output[0, 0].numel()
        weight = module.weight.numel()
        at = inputs[0][0, 0].numel() if isinstance(module, nn.ConvTranspose2d) else positions
        layers.append({
            "name": name, "channels": output.shape[1], "positions": positions,
            "parameters": sum(it.numel() for it in module.parameters()),
            "forwardFlops": 0 if isinstance(module, nn.BatchNorm2d) else 2 * weight * at,
            "inputElements": inputs[0][0].numel(),
        })
    return seen


handles = [module.register_forward_hook(hook(name)) for name, module in net.named_modules()
           if hasattr(module, "weight")]
image = torch.zeros(2, 3, 30, 22)
net(image)
for handle in handles:
    handle.remove()
(here / "import").mkdir(exist_ok=True)
(here / "import" / "expected.json").write_text(json.dumps(layers, indent=1) + "\n")
torch.onnx.export(net, image, str(here / "import" / "network.onnx"), training=torch.onnx.TrainingMode.TRAINING,
                  do_constant_folding=False, input_names=["image"], dynamic_axes={"image": {0: "batch"}})
DTYPES[torch.int64] = "I64"
save_safetensors(net.state_dict(), here / "import" / "weights.safetensors")
