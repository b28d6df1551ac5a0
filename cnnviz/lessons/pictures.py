"""A picture as a network's input, for the lessons that run one."""

import torch
from PIL import Image
from torch import Tensor

from cnnviz.catalogue import Options, as_trained
from cnnviz.images import Fit, to_input
from cnnviz.networks import card, source_for


def as_input(picture: Image.Image, options: Options, device: torch.device, fit: Fit = "crop") -> Tensor:
    """(1, C, H, W), as `images.to_input` has it."""
    return torch.from_numpy(to_input(picture, card(options.network), options.size, fit)).to(device)


def as_learned(key: str, weights: str = "auto") -> Options:
    """A network with the size and the classes that its weights have learned from."""
    return as_trained(Options(key), source_for(key, weights).training)
