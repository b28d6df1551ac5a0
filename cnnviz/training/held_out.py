"""What a network says of the pictures that it never learned from: those it gets wrong beside those it gets right."""

import io
import math
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont
from torch import Tensor, nn

from cnnviz.networks.card import Card
from cnnviz.training.data import Split
from cnnviz.training.loop import scores_of

RIGHT, WRONG, INK = "#2b6cb0", "#c05621", "#222222"  # told apart by colour-blind readers as well
TILE, LABEL, GAP, MARGIN = 64, 26, 10, 14


@dataclass(frozen=True)
class Answer:
    """A picture of the split, by its number.

    Attributes:
        truth, answer: numbers of classes: what it shows, and what it is taken for.
        probability: of the answer.
    """

    index: int
    truth: int
    answer: int
    probability: float

    @property
    def right(self) -> bool:
        """Whether it is taken for what it shows."""
        return self.truth == self.answer


def answers(module: nn.Module, split: Split, card: Card, size: int | None = None) -> list[Answer]:
    """The answer to every picture of a split, in its order; arguments as for `loop.evaluate`."""
    best, taken_for = scores_of(module, split, card, size).softmax(1).max(1)
    found = zip(split.labels.tolist(), taken_for.tolist(), best.tolist(), strict=True)
    return [Answer(index, *values) for index, values in enumerate(found)]


def sheet_png(images: Tensor, found: list[Answer], names: tuple[str, ...], title: str = "") -> bytes:
    """All pictures on one sheet, each with its answer below, and with what it shows where that is another.

    Args:
        images: (N, channels, height, width), uint8.
        found: an answer for each.
        names: of the classes.
        title: a line above.
    """
    columns = math.ceil(math.sqrt(1.6 * len(found)))
    step, line = TILE + GAP, TILE + LABEL + GAP
    top = MARGIN + (24 if title else 0)
    size = (columns * step - GAP + 2 * MARGIN, top + math.ceil(len(found) / columns) * line - GAP + MARGIN)
    sheet = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(size=10)
    draw.text((MARGIN, MARGIN - 2), title, fill=INK, font=ImageFont.load_default(size=14))
    for place, answer in enumerate(found):
        x, y = MARGIN + place % columns * step, top + place // columns * line
        pixels = images[answer.index].permute(1, 2, 0).numpy()
        picture = Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).convert("RGB")
        sheet.paste(picture.resize((TILE, TILE), Image.Resampling.NEAREST), (x, y))
        colour = RIGHT if answer.right else WRONG
        draw.text((x, y + TILE), names[answer.answer], fill=colour, font=font)
        if not answer.right:
            draw.rectangle((x - 2, y - 2, x + TILE + 1, y + TILE + 1), outline=WRONG, width=2)
            draw.text((x, y + TILE + 11), f"is {names[answer.truth]}", fill=INK, font=font)
    out = io.BytesIO()
    sheet.save(out, "PNG", optimize=True)
    return out.getvalue()
