"""The classic convolutional networks: their layer graphs, their exact numbers, what every layer sees.

    import cnnviz
    module = cnnviz.build("resnet18", weights="random", device="cpu")
    graph = cnnviz.trace(module, (3, 224, 224))
    maps = cnnviz.capture(module, x, ["layer1.0.conv1"])
    picture = cnnviz.load_image(data)

Whatever a caller can do wrong raises a `cnnviz.CnnvizError` whose text is one sentence.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from cnnviz.errors import CnnvizError

if TYPE_CHECKING:
    from cnnviz.activations.capture import capture
    from cnnviz.images import load_image
    from cnnviz.networks import build
    from cnnviz.trace import trace

__all__ = ["CnnvizError", "build", "capture", "load_image", "trace"]

# Loaded at first use: `cnnviz replicate`, a layout worker and the first paint of a page need no torch.
_HOMES = {
    "build": "cnnviz.networks",
    "capture": "cnnviz.activations.capture",
    "load_image": "cnnviz.images",
    "trace": "cnnviz.trace",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'cnnviz' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


class _Package(ModuleType):
    def __setattr__(self, name: str, value: object) -> None:
        # importing the submodule cnnviz.trace would put it where the function of that name belongs
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
