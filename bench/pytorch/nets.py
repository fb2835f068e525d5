"""Both U-Nets in PyTorch: the counterpart of nets/*.cpp, layer for layer."""

import torch
from torch import nn
from torch.nn import functional as F


class MriUnet(nn.Module):
    """Noise2Stack, Table S2: LeakyReLU(0.1) after every convolution but the last; the last skip is the input itself."""

    parameters_at_bench_size = 992_641  # 5 planes

    def __init__(self, planes):
        super().__init__()
        conv = lambda inputs, outputs: nn.Conv2d(inputs, outputs, 3, padding=1)
        self.first = conv(planes, 48)
        self.down = nn.ModuleList(conv(48, 48) for _ in range(5))
        self.middle = conv(48, 48)
        self.up = nn.ModuleList(
            nn.ModuleList([conv(inputs, hidden), conv(hidden, outputs)])
            for inputs, hidden, outputs in [(96, 96, 96), *[(144, 96, 96)] * 3, (96 + planes, 64, 32)]
        )
        self.output = conv(32, 1)

    def forward(self, x):
        act = lambda t: F.leaky_relu(t, 0.1, inplace=True)
        skips, t = [], x
        for level, down in enumerate(self.down):
            skips.append(t)
            if level == 0:
                t = act(self.first(t))
            t = F.max_pool2d(act(down(t)), 2)
        t = act(self.middle(t))
        for (a, b), skip in zip(self.up, reversed(skips)):
            t = torch.cat([F.interpolate(t, scale_factor=2, mode="nearest"), skip], 1)
            t = act(b(act(a(t))))
        return self.output(t)


class MicroscopyUnet(nn.Module):
    """Noise2Stack, Table S1: ReLU, two levels, and one input plane added to the output."""

    parameters_at_bench_size = 333_185  # 2 planes

    def __init__(self, planes):
        super().__init__()
        conv = lambda inputs, outputs: nn.Conv2d(inputs, outputs, 3, padding=1)
        pair = lambda inputs, hidden, outputs: nn.ModuleList([conv(inputs, hidden), conv(hidden, outputs)])
        self.down1, self.down2 = pair(planes, 32, 32), pair(32, 64, 64)
        self.middle = pair(64, 128, 64)
        self.up2, self.up1 = pair(128, 64, 32), pair(64, 32, 32)
        self.output = conv(32, 1)
        self.residual = (planes - 1) // 2

    def forward(self, x):
        twice = lambda block, t: F.relu(block[1](F.relu(block[0](t), inplace=True)), inplace=True)
        join = lambda low, skip: torch.cat([F.interpolate(low, scale_factor=2, mode="nearest"), skip], 1)
        d1 = twice(self.down1, x)
        d2 = twice(self.down2, F.max_pool2d(d1, 2))
        t = twice(self.middle, F.max_pool2d(d2, 2))
        t = twice(self.up1, join(twice(self.up2, join(t, d2)), d1))
        return self.output(t) + x[:, self.residual : self.residual + 1]


NETS = {"mri": MriUnet, "microscopy": MicroscopyUnet}


def build(net, planes):
    """The net with PyTorch's default initial weights, the same at every call."""
    torch.manual_seed(0)
    return NETS[net](planes)
