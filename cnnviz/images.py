"""Pictures: untrusted bytes -> one clean RGB picture -> a network's input; drawings -> digits as MNIST has them.

A picture comes from anybody, so its header is judged before its pixels are decoded, and
whatever Pillow makes of a bad file becomes one sentence. Pillow's global settings are
left alone: they belong to the whole process.
"""

import io
import re
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from PIL.JpegImagePlugin import JpegImageFile

from cnnviz.errors import BadImage, BadOption

if TYPE_CHECKING:  # the card's module imports torch, which takes seconds and isn't needed here
    from cnnviz.networks.card import Card

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""What is read; Pillow's other plugins are rare, and some start other programs."""

MAX_BYTES = 25_000_000
MAX_PIXELS = 50_000_000
MAX_PIXELS_OF = {"WEBP": 17_000_000, "AVIF": 17_000_000}
"""Lower limits where the decoder takes up to 16 bytes a pixel, so that 300 MB suffice."""
MAX_PIXELS_WIDE = 25_000_000
"""Of 32-bit values, and in CIELAB: those take long to convert."""
MAX_SIDE = 20_000
KEPT_SIDE = 2_048
"""Longest side of what `load_image` returns: more than any network here is shown."""
MAX_INPUT_SIDE = 4_096

NOTES = "cnnviz_notes"
"""Key of `picture.info` under which `load_image` leaves its remarks, a tuple of sentences."""

Fit = Literal["crop", "squeeze"]
SMALLEST, LARGEST = 0.25, 2.0
"""How far `zoomed` goes."""

_FIELD, _DIGIT = 28, 20  # sides, in pixels, of MNIST's pictures, and of the box that their digits fill
_FAINTEST_INK = 8.0  # of 255
_ROOM = 1_024  # longest side, in pixels, that is given to a picture with ground around it, unless it is larger itself
_PHOTOGRAPHS = Path(__file__).resolve().parent.parent / "assets" / "photographs"
_DECODING = threading.BoundedSemaphore(4)  # at once: each may take 300 MB
_READABLE = "JPEG, PNG, WEBP, GIF, BMP, TIFF or AVIF"
_STRIP_PIXELS = 1 << 20
_MAX_COEFFICIENT_BYTES = 200_000_000  # that a JPEG of several scans is kept in until the last has come
_MAX_SCAN_PIXELS = 1_000_000_000  # scans x pixels of a JPEG: 20 scans of the largest picture, 1 to 2 s
_MAX_RLE_BYTES = 2_000_000  # Pillow unpacks run-length BMPs in Python: about 1 s
_MAX_READS = 250_000  # Pillow goes from segment to segment in Python: about 1 s
_ORIENTATION_TAG = 0x0112
_TOO_LONG = "that takes too long to unpack: save it again as PNG or JPEG."
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


# --- bytes -> picture --------------------------------------------------------


def load_image(data: bytes, name: str = "") -> Image.Image:
    """One RGB picture from the bytes of a file that nobody vouches for.

    Transparency is laid on white, the EXIF orientation applied, 16-bit and float values are
    scaled to 8 bits, and of several frames the first is taken. Colour profiles are ignored,
    as in the published evaluation. The longer side is scaled down to 2,048 pixels.

    Args:
        data: the whole file, at most 25 MB.
        name: the file's name, for messages only; what could be markup in it is replaced.

    Returns:
        A picture of mode RGB, without metadata. `picture.info["cnnviz_notes"]` is a tuple of
        sentences about what was left out or changed, often empty.

    Raises:
        BadImage: no picture in a format we take, damaged, or too large (by its header: above
            50 megapixels, 17 in a WEBP or AVIF file, 25 of 32-bit values, or 20,000 pixels on a side).
    """
    subject = _subject(name)
    if not data:
        raise BadImage(f"{subject} is empty: choose a {_READABLE} picture.")
    if len(data) > MAX_BYTES:
        raise BadImage(
            f"{subject} has {len(data) / 1e6:.1f} MB, more than the {MAX_BYTES / 1e6:.0f} MB that are taken: "
            f"save it smaller, or as JPEG."
        )
    kind = _kind(data)
    if kind is None:
        hint = "export it as JPEG" if _is_heic(data) else f"choose a {_READABLE} picture"
        what = "a HEIC picture, which can't be read here" if _is_heic(data) else "no picture that we can read"
        raise BadImage(f"{subject} is {what}: {hint}.")
    try:
        with _DECODING:
            return _decode(data, kind, subject)
    except BadImage:
        raise
    except MemoryError as error:
        raise BadImage(f"{subject} needs more memory than is free here: try again, or choose a smaller one.") from error
    except Exception as error:
        # Deliberately everything: Pillow's decoders answer hostile bytes with a dozen types of
        # exception (OSError, SyntaxError, struct.error, zlib.error, …).
        raise BadImage(
            f"{subject} is a damaged or incomplete {kind} file: save it again, or choose another picture."
        ) from error


def _decode(data: bytes, kind: str, subject: str) -> Image.Image:
    # The plugin is called directly: Image.open would first warn, process-wide, of sizes that we
    # refuse anyway, and leave the size out of what it raises.
    factory, _ = Image.OPEN[kind]
    with factory(_Bounded(data, f"{subject} is a {kind} file {_TOO_LONG}"), "") as source:
        _check_size(source, kind, subject)
        _check_effort(source, data, kind, subject)
        full_size, notes = source.size, _frame_notes(source, kind)
        if kind == "JPEG":  # decodes at a half to an eighth of the size, without the full pixels
            source.draft(source.mode, (KEPT_SIDE, KEPT_SIDE))
        source.load()
        levels = _levels(source)
        picture = _to_rgb(source, levels)
        turn = _TURNS.get(_orientation(source))

    if turn is not None:
        picture = picture.transpose(turn)
    if max(picture.size) > KEPT_SIDE:
        picture.thumbnail((KEPT_SIDE, KEPT_SIDE), Image.Resampling.BICUBIC)
    if max(picture.size) < max(full_size):
        width, height = picture.size
        notes += (f"It was scaled down to {width:,} x {height:,} pixels, as its longer side had {max(full_size):,}.",)
    if levels is not None and levels not in _NATURAL_LEVELS:
        notes += (f"Its values from {levels[0]:g} to {levels[1]:g} were spread from black to white.",)
    picture.info = {NOTES: notes}
    return picture


class _Bounded(io.BytesIO):
    """A file that can be read from as often as a picture needs, and not for minutes, a few bytes at a time."""

    def __init__(self, data: bytes, refusal: str) -> None:
        super().__init__(data)
        self._left, self._refusal = _MAX_READS, refusal

    def read(self, size: int | None = -1, /) -> bytes:
        self._left -= 1
        if self._left < 0:
            raise BadImage(self._refusal)
        return super().read(size)


def _kind(data: bytes) -> str | None:
    Image.init()  # registers the plugins, once
    for kind in FORMATS:
        # `is True`: where a codec is missing, accept answers with a sentence
        if kind in Image.OPEN and (accept := Image.OPEN[kind][1]) and accept(data[:16]) is True:
            return None if _is_heic(data) else kind
    return None


def _is_heic(data: bytes) -> bool:
    """An iPhone's own format, whose container AVIF shares."""
    return data[4:8] == b"ftyp" and b"avi" not in data[8:48] and re.search(rb"he[iv]", data[8:48]) is not None


def _check_size(source: Image.Image, kind: str, subject: str) -> None:
    width, height = size = source.size
    if min(size) < 1:
        raise BadImage(f"{subject} has {width} x {height} pixels: choose a picture that shows something.")
    most = MAX_PIXELS_WIDE if source.mode in ("I", "F", "LAB") else MAX_PIXELS_OF.get(kind, MAX_PIXELS)
    if max(size) > MAX_SIDE or width * height > most:
        raise BadImage(
            f"{subject} has {width:,} x {height:,} pixels, more than the {most // 1_000_000} megapixels or "
            f"{MAX_SIDE:,} on a side that are taken of a {kind} file: scale it down first."
        )


def _check_effort(source: Image.Image, data: bytes, kind: str, subject: str) -> None:
    """Refuse small files that would keep a decoder busy for minutes."""
    # A start-of-scan marker can't occur within compressed data. Photographs have about ten.
    scans = data.count(b"\xff\xda") if kind == "JPEG" else 0
    runs = kind == "BMP" and source.info.get("compression") in (1, 2) and len(data) > _MAX_RLE_BYTES
    if scans * source.width * source.height > _MAX_SCAN_PIXELS or runs:
        raise BadImage(f"{subject} is a {kind} file {_TOO_LONG}")
    if isinstance(source, JpegImageFile) and _coefficient_bytes(source, data) > _MAX_COEFFICIENT_BYTES:
        raise BadImage(f"{subject} is a JPEG file of several scans, which takes too much memory: scale it down first.")


def _coefficient_bytes(source: JpegImageFile, data: bytes) -> float:
    """What libjpeg keeps of a JPEG until its last scan has come; of one that comes in a single scan, nothing."""
    assert source.fp is not None
    end = source.fp.tell()  # of the first scan's header
    start = data.rfind(b"\xff\xda", 0, end)
    components = data[start + 4] if start + 2 + int.from_bytes(data[start + 2 : start + 4]) == end else 0
    if "progressive" not in source.info and components >= len(source.layer):
        return 0.0
    samples = [horizontal * vertical for _, horizontal, vertical, _ in source.layer]
    return 2 * sum(samples) / max(1, *samples, 1) * source.width * source.height


def _frame_notes(source: Image.Image, kind: str) -> tuple[str, ...]:
    # A JPEG's further pictures are a phone's depth or gain maps, no animation.
    if kind == "JPEG" or not getattr(source, "is_animated", False):
        return ()
    if kind in ("GIF", "TIFF"):  # counting would walk through the whole file
        return ("The file holds several frames; the first is used.",)
    return (f"The file holds {getattr(source, 'n_frames', 2)} frames; the first is used.",)


def _orientation(source: Image.Image) -> int:
    try:
        return int(source.getexif().get(_ORIENTATION_TAG, 1))
    except Exception:  # broken metadata must not lose the picture
        return 1


_NATURAL_LEVELS = ((0.0, 1.0), (0.0, 255.0), (0.0, 65_535.0))


def _levels(source: Image.Image) -> tuple[float, float] | None:
    """The values that stand for black and white, None for modes of 8 bits.

    A 16-bit picture has its full range. Wider numbers have none: the first of 0..1 (floats
    only), 0..255, 0..65,535 that holds them all, else their own extremes.
    """
    if source.mode.startswith("I;16"):
        return _NATURAL_LEVELS[-1]
    if source.mode not in ("I", "F"):
        return None
    low, high = np.inf, -np.inf
    for box in _strips(source.size, 1):
        values = np.asarray(source.crop(box))
        values = values[np.isfinite(values)]
        if values.size:
            low, high = min(low, float(values.min())), max(high, float(values.max()))
    for natural in _NATURAL_LEVELS[source.mode == "I" :]:
        if natural[0] <= low and high <= natural[1]:
            return natural
    return (low, high) if low < high else _NATURAL_LEVELS[1]


def _to_rgb(source: Image.Image, levels: tuple[float, float] | None) -> Image.Image:
    """The picture in RGB, shrunk by a whole factor where it is much too large.

    It goes strip by strip: the largest picture that we take fills 200 MB, and every
    conversion of the whole would take as much again.
    """
    width, height = source.size
    factor = max(1, max(source.size) // KEPT_SIDE)
    picture = Image.new("RGB", (-(-width // factor), -(-height // factor)))
    for box in _strips(source.size, factor):
        strip = _strip_to_rgb(source.crop(box), levels)
        picture.paste(strip.reduce(factor) if factor > 1 else strip, (0, box[1] // factor))
    return picture


def _strips(size: tuple[int, int], factor: int) -> list[tuple[int, int, int, int]]:
    """Boxes of about a million pixels, their heights multiples of `factor`."""
    width, height = size
    rows = factor * max(1, _STRIP_PIXELS // (width * factor))
    return [(0, top, width, min(height, top + rows)) for top in range(0, height, rows)]


def _strip_to_rgb(strip: Image.Image, levels: tuple[float, float] | None) -> Image.Image:
    if levels is not None:
        low, high = levels
        values = np.nan_to_num(np.asarray(strip).astype(np.float64), nan=low, posinf=high, neginf=low)
        scaled = np.rint((values - low) * (255 / (high - low))).clip(0, 255)
        return Image.fromarray(scaled.astype(np.uint8)).convert("RGB")
    if strip.mode == "LAB":  # the one mode that Pillow converts by colour profiles only
        lab, srgb = ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(strip, lab, srgb, outputMode="RGB")
        assert converted is not None  # None is for in-place conversion
        return converted
    if strip.mode in ("La", "RGBa"):
        strip = strip.convert(strip.mode.upper())
    if strip.has_transparency_data:
        strip = strip.convert("RGBA")
        paper = Image.new("RGB", strip.size, "white")
        paper.paste(strip, mask=strip)
        return paper
    return strip.convert("RGB")


def _subject(name: str) -> str:
    """The file as the subject of a sentence that is safe on a page, in Markdown and on a terminal."""
    harmless = re.sub(r"[^\w .()+-]", "_", name)
    return f"'{harmless[-60:]}'" if harmless.strip() else "The file"


# --- picture -> input --------------------------------------------------------


def to_input(
    picture: Image.Image, card: "Card", size: tuple[int, int] | None = None, fit: Fit = "crop"
) -> NDArray[np.float32]:
    """The picture as a network's input: resized, in 0..1, normalised as the network's card says.

    Args:
        picture: as in `as_received`.
        card: gives channels, size and normalisation.
        size: (height, width) in pixels, by default the card's.
        fit: as in `as_received`.

    Returns:
        (1, channels, height, width).

    Raises:
        BadOption: as `as_received`.
    """
    received = np.asarray(as_received(picture, card, size, fit), dtype=np.float32) / np.float32(255)
    planes = received[None] if received.ndim == 2 else received.transpose(2, 0, 1)
    mean, std = (
        np.array(values, np.float32)[:, None, None] for values in (card.normalisation.mean, card.normalisation.std)
    )
    return np.ascontiguousarray((planes - mean) / std, dtype=np.float32)[None]


def as_received(
    picture: Image.Image, card: "Card", size: tuple[int, int] | None = None, fit: Fit = "crop"
) -> Image.Image:
    """The picture as the network sees it, before normalisation.

    For ImageNet's networks `crop` is the protocol of the published checkpoints: the shorter
    side to 256/224 of the input's, antialiased bilinear, then the central crop. The margin
    that this cuts off suits photographs, whose subject fills the middle. On small inputs
    (CIFAR-10), whose subject reaches the border, `crop` only cuts to the shape. A network that reads
    digits gets the one in the picture, as `as_mnist` finds it. A card's `border` is left around the
    picture, its share of the size, and filled with the outermost pixels.

    Args:
        picture: of mode RGB, as `load_image` returns it, or L, which is what `as_mnist` has made already.
        card: gives channels, size and border, and whether it reads digits.
        size: (height, width) in pixels, by default the card's.
        fit: `crop` keeps the proportions and the middle, `squeeze` keeps everything.

    Returns:
        Mode RGB, or L (ITU-R 601 luminance) for a network of one channel.

    Raises:
        BadOption: a side below 1 or above 4,096, an unknown `fit`, or a network that takes
            neither 1 nor 3 channels.
    """
    channels = card.input_shape[0]
    height, width = size or card.input_shape[1:]
    if not (1 <= height <= MAX_INPUT_SIDE and 1 <= width <= MAX_INPUT_SIDE):
        raise BadOption(f"An input of {height} x {width} was asked for: a side has 1 to {MAX_INPUT_SIDE:,}.")
    if channels not in (1, 3):
        raise BadOption(f"{card.key} takes {channels} channels, but a picture has 3 (or 1, as luminance).")
    if card.digits and picture.mode != "L":
        picture = as_mnist(picture)
    across, down = (
        2 * (side * card.border // own) for side, own in zip((width, height), card.input_shape[:0:-1], strict=True)
    )
    if fit == "squeeze":
        box = (0.0, 0.0, float(picture.width), float(picture.height))
    elif fit == "crop":
        box = _central_box(picture.size, (width - across, height - down), margin(card))
    else:
        raise BadOption(f"fit is '{fit}', but a picture can be fitted by 'crop' or 'squeeze' only.")
    # Resizing only the box gives what resizing all and cropping then would, at no risk: a picture
    # of 20,000 x 1 pixels would become 5 million x 256 in between.
    received = picture.resize((width - across, height - down), Image.Resampling.BILINEAR, box=box)
    if channels == 1:
        received = received.convert("L")
    if not (across or down):
        return received
    frame = [(down // 2,) * 2, (across // 2,) * 2, (0, 0)]
    return Image.fromarray(np.pad(np.asarray(received), frame[: 2 + (channels > 1)], mode="edge"))


def zoomed(picture: Image.Image, card: "Card", zoom: float) -> Image.Image:
    """The picture shrunk or enlarged about its middle, for `as_received`: what it shows is `zoom` times as large.

    Where it is smaller, what comes into view around it is the mean that the card normalises with, 0 to the network.
    A digit, whose own scale `as_mnist` takes away, is shrunk or enlarged after that, on black.

    Args:
        picture: of mode RGB, as `load_image` returns it.
        card: says what lies around it.
        zoom: from 0.25 to 2; at 1 the picture is handed back as it is.

    Returns:
        Mode RGB, or L of 28 x 28 for a network that reads digits.

    Raises:
        BadOption: another zoom.
    """
    if not SMALLEST <= zoom <= LARGEST:
        raise BadOption(
            f"A zoom of {zoom:g} was given, but a picture can be shown {SMALLEST:g} to {LARGEST:g} times as large."
        )
    if zoom == 1:
        return picture
    if card.digits:
        picture = as_mnist(picture)
    width, height = picture.size
    if zoom > 1:
        left, top = (side * (1 - 1 / zoom) / 2 for side in (width, height))
        return picture.resize((width, height), Image.Resampling.BILINEAR, box=(left, top, width - left, height - top))
    # more room instead of fewer pixels, as far as that is needed and bearable
    scale = 1.0 if card.digits else min(1 / zoom, max(1.0, _ROOM / max(width, height)))
    room = round(width * scale), round(height * scale)
    shrunk = picture.resize([max(1, round(side * zoom)) for side in room], Image.Resampling.BILINEAR)
    ground = 0 if card.digits else tuple(round(255 * mean) for mean in (card.normalisation.mean * 3)[:3])
    field = Image.new(picture.mode, room, ground)
    field.paste(shrunk, ((room[0] - shrunk.width) // 2, (room[1] - shrunk.height) // 2))
    return field


def reception(card: "Card", size: tuple[int, int] | None = None, fit: Fit = "crop") -> str:
    """What `to_input` does with a picture, in a sentence."""
    height, width = size or card.input_shape[1:]
    shape = f"{height} × {width}"
    if card.digits:
        how = (
            f"its digit light on black, scaled to fit {_DIGIT} × {_DIGIT} and centred by mass in {_FIELD} × {_FIELD}"
            f"{', with a border' if card.border else ''}, {shape} in all"
        )
    elif fit == "squeeze":
        how = f"squeezed to {shape}"
    elif (more := margin(card)) > 1:
        how = f"scaled to cover {round(height * more)} × {round(width * more)}, of which the middle {shape} is cut out"
    else:
        how = f"its middle scaled to {shape}"
    grey = ", as grey values" if card.input_shape[0] == 1 and not card.digits else ""
    return f"{how}{grey}; normalised as {card.normalisation.name}"


def margin(card: "Card") -> float:
    """How much larger than the input a picture is made before its middle is cut out."""
    return 256 / 224 if max(card.input_shape[1:]) > 64 else 1.0


def as_mnist(drawing: Image.Image) -> Image.Image:
    """A drawn or written digit as MNIST has its own: light on black, 28 x 28, centred by mass.

    What differs most from the picture's edge is taken for ink, so that dark pens on light paper will
    do as well. The ink is scaled to fit into 20 x 20, and its centre of mass put on pixel (14, 14):
    LeCun et al. 1998, section III.A; so lie the digits of the test split, to half a pixel. A picture
    that has 28 x 28 pixels already is neither scaled nor moved: MNIST's own pass unchanged.

    Args:
        drawing: of mode RGB, as `load_image` returns it, or L; of any size. It shows one digit and nothing else.

    Returns:
        Mode L; black where nothing is drawn.
    """
    grey = np.asarray(drawing.convert("L"), dtype=np.float32)
    paper = np.median(np.concatenate([grey[0], grey[-1], grey[:, 0], grey[:, -1]]))
    ink: NDArray[np.float32] = max(grey - paper, paper - grey, key=np.max).clip(0)
    if drawing.size == (_FIELD, _FIELD):
        return Image.fromarray(np.rint(ink).astype(np.uint8))
    field = np.zeros((_FIELD, _FIELD), np.float32)
    if ink.max() < _FAINTEST_INK:
        return Image.fromarray(field.astype(np.uint8))
    # the grain of paper and what a pen left faint
    ink = ((ink / ink.max() - 0.2) / 0.6).clip(0, 1)
    rows, columns = (np.flatnonzero(ink.any(axis=axis)) for axis in (1, 0))
    ink = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = (max(1, round(_DIGIT * side / max(ink.shape))) for side in ink.shape)
    digit = np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR))
    # a thin line that was scaled down is grey, and MNIST's lines are light in their middle
    digit = _as_by_a_pen((digit / np.quantile(digit[digit > digit.max() / 4], 0.75)).clip(0, 1))
    top, left = (
        int(np.clip(round(_FIELD / 2 - np.average(np.arange(side), weights=mass)), 0, _FIELD - side))
        for side, mass in zip(digit.shape, (digit.sum(1), digit.sum(0)), strict=True)
    )
    field[top : top + digit.shape[0], left : left + digit.shape[1]] = digit
    return Image.fromarray(np.rint(field * 255).astype(np.uint8))


def _as_by_a_pen(digit: NDArray[np.float32]) -> NDArray[np.float32]:
    """Lines that MNIST's pens are never as thin as, a pixel thicker.

    Of the ink of a thin line, little lies in squares of 2 x 2 that are all ink: in MNIST's test split the
    hundredth with the thinnest lines has less than 0.22.
    """
    padded = np.pad(digit, 1)
    squares = np.stack([padded[:-1, :-1], padded[:-1, 1:], padded[1:, :-1], padded[1:, 1:]])
    return squares.max(0) if squares.min(0).sum() < 0.22 * digit.sum() else digit


def _central_box(picture: tuple[int, int], wanted: tuple[int, int], margin: float) -> tuple[float, float, float, float]:
    """Where, in the picture, the central crop lies; sizes are (width, height).

    Roundings are those of torchvision's Resize and CenterCrop.
    """
    covered = tuple(round(side * margin) for side in wanted)
    target, side = max(zip(covered, picture, strict=True), key=lambda pair: pair[0] / pair[1])
    resized = tuple(max(cover, target * have // side) for cover, have in zip(covered, picture, strict=True))
    left, top = (round((have - want) / 2) for have, want in zip(resized, wanted, strict=True))
    x, y = (side / now for side, now in zip(picture, resized, strict=True))
    return left * x, top * y, min(picture[0], (left + wanted[0]) * x), min(picture[1], (top + wanted[1]) * y)


def photographs() -> dict[str, Path]:
    """The pictures that come along, name -> file: photographs, and two digits for LeNet.

    Sources and licences stand in `assets/README.md`.
    """
    files = [path for path in _PHOTOGRAPHS.glob("*") if path.suffix in (".jpg", ".png")]
    return {path.stem: path for path in sorted(files)}
