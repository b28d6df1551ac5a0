"""Which network tells most beside another."""

from cnnviz.networks import cards

ANY = "resnet18"
_PAIRS = {"alexnet": "vgg16", "vgg16": "alexnet"}  # large kernels, and stacks of small ones


def partner(key: str) -> str:
    """The key of the network that tells most beside this one.

    That is the same depth with or without shortcuts; else its variant, or what it is a variant of; else its
    neighbour among those of the same paper and input; else ResNet-18, as for a key that the catalogue hasn't.
    """
    known = cards()
    twin = f"plain{key.removeprefix('resnet')}" if key.startswith("resnet") else f"resnet{key.removeprefix('plain')}"
    variants = [other for other in known if other.startswith(f"{key}-")]
    family = [
        other
        for other, card in known.items()
        if key in known and (card.paper, card.input_shape) == (known[key].paper, known[key].input_shape)
    ]
    place = family.index(key) if family else 0
    neighbours = [*reversed(family[:place]), *family[place + 1 :]]
    wanted = [_PAIRS.get(key), twin, key.partition("-")[0], *variants, *neighbours]
    return next((other for other in wanted if other in known and other != key), ANY)
