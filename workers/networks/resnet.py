"""ResNet-18 for small images: a 3 x 3 stem without pooling, four stages of two basic blocks, average pooling, a linear
head. He, Zhang, Ren, Sun: Deep Residual Learning for Image Recognition (arXiv 1512.03385), in the form that is common
for CIFAR-10: 64 channels in the first stage and 10 outputs make 11,173,962 parameters.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from phaselab.workers.base.streams import Stream, generator, normal

STAGES = ((1, 1), (2, 2), (4, 2), (8, 2))
"""Of each stage: its channels over those of the first one, and its stride."""


class BasicBlock(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, which is a 1 x 1 convolution where the shape changes."""

    def __init__(self, entering: int, leaving: int, stride: int) -> None:
        super().__init__()
        self.first = _convolution(entering, leaving, 3, stride)
        self.second = _convolution(leaving, leaving, 3, 1)
        changes = stride != 1 or entering != leaving
        self.shortcut: nn.Module = _convolution(entering, leaving, 1, stride) if changes else nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] -> [N, C', H / stride, W / stride]"""
        inner = self.second(functional.relu(self.first(images)))
        return functional.relu(inner + self.shortcut(images))


class ResNet18(nn.Module):
    """Images [N, channels, side, side] -> outputs [N, c]."""

    def __init__(self, channels: int, width: int, outputs: int) -> None:
        super().__init__()
        self.stem = _convolution(channels, width, 3, 1)
        entering, blocks = width, []
        for factor, stride in STAGES:
            blocks += [BasicBlock(entering, factor * width, stride), BasicBlock(factor * width, factor * width, 1)]
            entering = factor * width
        self.blocks = nn.Sequential(*blocks)
        self.head = nn.Linear(entering, outputs)

    def features(self, images: Tensor) -> Tensor:
        """[N, channels, side, side] -> [N, 8 * width]: what the head sees."""
        pooled: Tensor = self.blocks(functional.relu(self.stem(images))).mean(dim=(2, 3))
        return pooled

    def pooled(self, images: Tensor) -> list[Tensor]:
        """[N, channels, side, side] -> [N, C] of the stem and of every block, C being its channels: their averages over
        positions. The last is what the head sees."""
        here, found = functional.relu(self.stem(images)), []
        for block in (nn.Identity(), *self.blocks):
            here = block(here)
            found.append(here.mean(dim=(2, 3)))
        return found

    def forward(self, images: Tensor) -> Tensor:
        """[N, channels, side, side] -> [N, c]"""
        outputs: Tensor = self.head(self.features(images))
        return outputs


def draw_resnet(seed: int, channels: int, width: int, outputs: int) -> ResNet18:
    """A network with seeded weights, the same on every device: normals of variance 2 / (inputs of the ReLU) in
    convolutions (He initialisation), 1 / inputs in the head, biases 0, batch normalisation the identity.
    """
    network = ResNet18(channels, width, outputs)
    random = generator(seed, Stream.WEIGHTS)
    with torch.no_grad():
        for module in network.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                fan = module.weight[0].numel()
                gain = 2.0 if isinstance(module, nn.Conv2d) else 1.0
                drawn = normal(random, tuple(module.weight.shape), torch.float32)
                module.weight.copy_(drawn * math.sqrt(gain / fan))
        network.head.bias.zero_()
    return network


def _convolution(entering: int, leaving: int, size: int, stride: int) -> nn.Sequential:
    """A convolution without bias and its batch normalisation."""
    convolution = nn.Conv2d(entering, leaving, size, stride, size // 2, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(leaving))
