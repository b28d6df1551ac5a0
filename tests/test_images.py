import contextlib
import io
import struct
import zlib
from functools import partial

import numpy as np
import pytest
from PIL import Image

from cnnviz import images
from cnnviz.errors import BadImage, BadOption
from cnnviz.images import (
    KEPT_SIDE,
    MAX_BYTES,
    MAX_INPUT_SIDE,
    NOTES,
    as_mnist,
    as_received,
    load_image,
    photographs,
    reception,
    to_input,
    zoomed,
)
from cnnviz.networks.card import CIFAR10, IMAGENET, Card, Normalisation, Paper

_card = partial(Card, title="", year=0, idea="", build=lambda: None, paper=Paper("", ""))
IMAGENET_CARD = _card("imagenet-like", input_shape=(3, 224, 224), normalisation=IMAGENET)
ALEXNET_CARD = _card("alexnet-like", input_shape=(3, 227, 227), normalisation=IMAGENET)
CIFAR_CARD = _card("cifar-like", input_shape=(3, 32, 32), normalisation=CIFAR10)
DIGIT_CARD = _card(
    "lenet-like", input_shape=(1, 32, 32), normalisation=Normalisation("digits", mean=(0.5,), std=(0.25,))
)

RED, GREEN = (230, 20, 30), (10, 200, 40)


def two_halves(size=(40, 30)):
    """Red on the left, green on the right."""
    picture = Image.new("RGB", size, RED)
    picture.paste(GREEN, (size[0] // 2, 0, *size))
    return picture


def encode(picture, kind="PNG", **options):
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def close(pixel, expected, tolerance=12):
    return all(abs(a - b) <= tolerance for a, b in zip(pixel, expected, strict=True))


def chunk(name, body):
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(width, height, *chunks):
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


# --- formats and modes -------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_every_format_is_read(kind):
    picture = load_image(encode(two_halves(), kind))
    assert (picture.mode, picture.size, picture.info) == ("RGB", (40, 30), {NOTES: ()})
    assert close(picture.getpixel((5, 15)), RED)
    assert close(picture.getpixel((35, 15)), GREEN)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("1", "PNG"), ("L", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("RGBA", "PNG"), ("I;16", "PNG"),
        ("CMYK", "JPEG"), ("L", "JPEG"), ("CMYK", "TIFF"), ("YCbCr", "TIFF"), ("LAB", "TIFF"),
        ("RGBX", "TIFF"), ("I", "TIFF"), ("F", "TIFF"), ("I;16", "TIFF"), ("RGBA", "WEBP"),
    ],
)  # fmt: skip
def test_every_mode_becomes_rgb(mode, kind):
    left, right = (0, 0, 0), (255, 255, 255)
    values = np.repeat(np.array([[0, 1]]), [20, 20], axis=1).repeat(30, axis=0)
    if mode == "I;16":
        source = Image.fromarray((values * 65_535).astype(np.uint16))
    elif mode == "I":
        source = Image.fromarray((values * 65_535).astype(np.int32))
    elif mode == "F":
        source = Image.fromarray(values.astype(np.float32))
    elif mode == "LAB":
        source = Image.merge(
            "LAB",
            [Image.fromarray((values * 255).astype(np.uint8))] + [Image.new("L", (40, 30), 128)] * 2,
        )
    else:
        source = Image.fromarray((values * 255).astype(np.uint8)).convert("RGB").convert(mode)
    assert source.mode == mode
    picture = load_image(encode(source, kind))
    assert picture.mode == "RGB"
    assert close(picture.getpixel((5, 15)), left)
    assert close(picture.getpixel((35, 15)), right)


def test_16_bits_are_scaled_not_cut():
    source = Image.fromarray(np.array([[0, 257 * 100, 257 * 200, 65_535]], dtype=np.uint16))
    assert [load_image(encode(source)).getpixel((x, 0))[0] for x in range(4)] == [0, 100, 200, 255]


def test_big_endian_16_bits():
    body = np.array([[0, 257 * 100, 65_535]], dtype=">u2").tobytes()
    source = Image.frombytes("I;16B", (3, 1), body)
    assert [load_image(encode(source, "TIFF")).getpixel((x, 0))[0] for x in range(3)] == [0, 100, 255]


@pytest.mark.parametrize(
    ("values", "grey", "noted"),
    [
        ([0.0, 0.5, 1.0], [0, 128, 255], False),
        ([0.0, 100.0, 255.0], [0, 100, 255], False),
        ([-10.0, 0.0, 10.0], [0, 128, 255], True),
        ([np.nan, 0.0, np.inf], [0, 0, 255], False),
        ([7.0, 7.0, 7.0], [7, 7, 7], False),
        ([-7.0, -7.0, -7.0], [0, 0, 0], False),
    ],
)
def test_floats_find_their_range(values, grey, noted):
    picture = load_image(encode(Image.fromarray(np.array([values], dtype=np.float32)), "TIFF"))
    assert [picture.getpixel((x, 0))[0] for x in range(3)] == grey
    assert bool(picture.info[NOTES]) is noted


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_laid_on_white(mode):
    source = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    source.paste((0, 0, 0, 255), (0, 0, 4, 8))
    picture = load_image(encode(source.convert(mode)))
    assert picture.getpixel((1, 1)) == (0, 0, 0)
    assert picture.getpixel((6, 6)) == (255, 255, 255)


def test_half_transparent_is_half_white():
    assert close(load_image(encode(Image.new("RGBA", (4, 4), (0, 0, 0, 128)))).getpixel((1, 1)), (127,) * 3, 1)


@pytest.mark.parametrize("mode", ["P", "RGB", "L"])
def test_a_transparent_colour_is_laid_on_white(mode):
    source = Image.new("RGB", (8, 8), "black")
    source.paste((200, 200, 200), (4, 0, 8, 8))
    source = source.quantize(4) if mode == "P" else source.convert(mode)
    transparent = source.getpixel((0, 0))
    picture = load_image(encode(source, transparency=transparent))
    assert picture.getpixel((1, 1)) == (255, 255, 255)
    assert close(picture.getpixel((6, 6)), (200, 200, 200), 2)


# --- orientation, frames, size -----------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation, kind):
    upright = two_halves((40, 24))
    upright.paste((0, 0, 255), (0, 0, 8, 8))
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Image.Transpose that leads back from upright
    stored = upright.transpose(Image.Transpose(undo[orientation])) if orientation > 1 else upright
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = load_image(encode(stored, kind, exif=exif))
    assert picture.size == (40, 24)
    difference = np.abs(np.asarray(picture, dtype=int) - np.asarray(upright))
    assert difference[10:20, 10:18].max() < 16
    assert close(picture.getpixel((3, 3)), (0, 0, 255), 30)


@pytest.mark.parametrize("extra", [{"exif": b"Exif\0\0MM\0*\0\0\0\x08\xff\xff broken"}, {"icc_profile": b"no profile"}])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_broken_metadata_does_not_lose_the_picture(kind, extra):
    assert close(load_image(encode(two_halves(), kind, **extra)).getpixel((5, 15)), RED)


@pytest.mark.parametrize(("kind", "number"), [("GIF", "several"), ("PNG", "3"), ("WEBP", "3"), ("TIFF", "several")])
def test_of_an_animation_the_first_frame_is_taken_and_noted(kind, number):
    frames = [Image.new("RGB", (20, 20), colour) for colour in (RED, GREEN, (0, 0, 255))]
    picture = load_image(encode(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert close(picture.getpixel((10, 10)), RED)
    assert picture.info[NOTES] == (f"The file holds {number} frames; the first is used.",)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_large_pictures_are_scaled_down_and_noted(kind):
    picture = load_image(encode(two_halves((4 * KEPT_SIDE + 100, 900)), kind))
    assert max(picture.size) == KEPT_SIDE
    assert abs(picture.height - 900 * KEPT_SIDE / (4 * KEPT_SIDE + 100)) <= 1
    assert close(picture.getpixel((KEPT_SIDE // 4, 100)), RED)
    assert close(picture.getpixel((KEPT_SIDE * 3 // 4, 100)), GREEN)
    assert "scaled down" in picture.info[NOTES][0]


def test_strips_join_without_a_seam():
    ramp = np.broadcast_to(np.linspace(0, 255, 6_000).astype(np.uint8)[:, None], (6_000, 1_500))
    column = np.asarray(load_image(encode(Image.fromarray(ramp), compress_level=1)))[:, 100, 0].astype(int)
    assert column.size == KEPT_SIDE
    assert set(np.diff(column)) <= {0, 1}


def test_a_line_survives():
    assert load_image(encode(Image.new("RGB", (20_000, 1), RED))).size == (KEPT_SIDE, 1)


# --- what is refused ---------------------------------------------------------


def refusal(data, name="x.png"):
    with pytest.raises(BadImage) as caught:
        load_image(data, name)
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    return message


def test_bombs_are_refused_by_their_header():
    assert "12,000 x 12,000" in refusal(png(12_000, 12_000))
    assert "20,001 x 1" in refusal(png(20_001, 1))
    assert "megapixels" in refusal(png(2**31 - 1, 2**31 - 1))
    assert "17 megapixels" in refusal(encode(Image.new("RGB", (5_000, 3_500)), "WEBP", method=0))


def test_no_warning_and_no_global_setting(recwarn):
    before = Image.MAX_IMAGE_PIXELS
    refusal(png(12_000, 12_000))
    load_image(encode(two_halves()))
    assert before == Image.MAX_IMAGE_PIXELS
    assert not recwarn.list


def test_empty_text_and_foreign_files_are_refused():
    assert "empty" in refusal(b"")
    assert "no picture" in refusal(b"Dear reader, this is not a picture.")
    assert "no picture" in refusal(b"%!PS-Adobe-3.0 EPSF-3.0\n")
    assert "no picture" in refusal(encode(two_halves(), "PPM"))
    assert "HEIC" in refusal(b"\0\0\0\x24ftypheic\0\0\0\0mif1heic" + bytes(40), "IMG_1.HEIC")
    assert "25 MB" in refusal(bytes(MAX_BYTES + 1))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP", "TIFF", "AVIF", "GIF"])
def test_truncated_anywhere_it_is_a_sentence_or_a_picture(kind):
    noise = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), kind)
    for tenth in range(1, 10):
        try:
            assert load_image(data[: len(data) * tenth // 10]).mode == "RGB"
        except BadImage as error:
            assert "damaged" in str(error) or "no picture" in str(error)  # noqa: PT017
    refusal(data[: len(data) // 3])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
def test_flipped_bytes_are_a_sentence_or_a_picture(kind):
    data, rng = bytearray(encode(two_halves(), kind)), np.random.default_rng(1)
    for _ in range(60):
        broken = bytearray(data)
        for place in rng.integers(0, len(data), 3):
            broken[place] = rng.integers(0, 256)
        with contextlib.suppress(BadImage):
            assert load_image(bytes(broken)).mode == "RGB"


def test_a_jpeg_of_endless_scans_is_refused():
    data = encode(two_halves((3_000, 3_000)), "JPEG")
    assert "too long" in refusal(data[:-2] + b"\xff\xda" * 200)


@pytest.mark.parametrize(
    ("mode", "options", "side"),
    [("RGB", {"progressive": True, "subsampling": 0}, 5_900), ("CMYK", {"progressive": True}, 5_100)],
)
def test_a_jpeg_that_is_kept_until_its_last_scan_has_come_is_refused_above_200_mb(monkeypatch, mode, options, side):
    monkeypatch.setattr(images, "_MAX_COEFFICIENT_BYTES", 2_000_000)
    data = encode(Image.new(mode, (side // 10, side // 10)), "JPEG", **options)
    assert "several scans" in refusal(data)
    one_scan = encode(Image.new(mode, (side // 10, side // 10)), "JPEG", subsampling=0)
    assert load_image(one_scan).mode == "RGB"
    apart = one_scan.replace(b"\xff\xda\x00\x0c\x03", b"\xff\xda\x00\x0c\x01")  # as if each came by itself
    assert mode == "CMYK" or "several scans" in refusal(apart)


def test_names_are_shown_without_markup():
    message = refusal(b"text", "<script>alert(1)</script>![x](http://y)\n" + "long" * 40 + ".png")
    assert not set("<>[]!:\n") & set(message.replace(": choose", ""))
    assert len(message) < 200


# --- picture -> input --------------------------------------------------------


@pytest.fixture(scope="module")
def cat():
    return load_image(photographs()["cat"].read_bytes())


def test_crop_is_the_published_protocol(cat):
    # Resize(256), CenterCrop(224) as torchvision has them, on a picture of 451 x 300
    resized = cat.resize((256 * 451 // 300, 256), Image.Resampling.BILINEAR)
    left = round((resized.width - 224) / 2)
    expected = resized.crop((left, 16, left + 224, 240))
    received = as_received(cat, IMAGENET_CARD)
    assert received.size == (224, 224)
    assert np.abs(np.asarray(received, dtype=int) - np.asarray(expected)).max() <= 1


def test_input_is_normalised_by_the_card(cat):
    x = to_input(cat, IMAGENET_CARD)
    assert (x.shape, x.dtype, x.flags.c_contiguous) == ((1, 3, 224, 224), np.float32, True)
    pixel = np.array(as_received(cat, IMAGENET_CARD).getpixel((100, 50))) / 255
    expected = (pixel - IMAGENET.mean) / IMAGENET.std
    np.testing.assert_allclose(x[0, :, 50, 100], expected, atol=1e-6)


def test_one_channel_is_luminance():
    picture = Image.new("RGB", (32, 32), (100, 150, 200))
    luminance = 0.299 * 100 + 0.587 * 150 + 0.114 * 200  # ITU-R 601
    x = to_input(picture, DIGIT_CARD)
    assert x.shape == (1, 1, 32, 32)
    np.testing.assert_allclose(x, (luminance / 255 - 0.5) / 0.25, atol=0.01)


def test_small_inputs_have_no_margin():
    framed = Image.new("RGB", (28, 28), "white")
    framed.paste("black", (1, 1, 27, 27))
    for card in (DIGIT_CARD, CIFAR_CARD):
        assert np.asarray(as_received(framed, card)).min(axis=0).min() == 0
        assert np.asarray(as_received(framed, card))[0].min() > 200  # the frame is still there
    assert np.asarray(as_received(framed, IMAGENET_CARD)).max() < 10  # the margin took it


def test_squeeze_keeps_everything_and_crop_the_proportions():
    picture = two_halves((400, 100))
    squeezed = np.asarray(as_received(picture, CIFAR_CARD, fit="squeeze"))
    assert close(squeezed[16, 0], RED)
    assert close(squeezed[16, 31], GREEN)
    disc = Image.new("L", (300, 100), 0)
    disc.paste(255, (130, 30, 170, 70))
    rows, columns = np.nonzero(np.asarray(as_received(disc.convert("RGB"), CIFAR_CARD))[..., 0] > 127)
    assert np.ptp(rows) == np.ptp(columns)


@pytest.mark.parametrize("picture_size", [(1, 1), (20_000, 1), (1, 3_000), (7, 5)])
@pytest.mark.parametrize("size", [(224, 224), (64, 96), (1, 1)])
def test_any_proportions_fit(picture_size, size):
    x = to_input(Image.new("RGB", picture_size, RED), ALEXNET_CARD, size)
    assert x.shape == (1, 3, *size)
    np.testing.assert_allclose(x[0, 0], (RED[0] / 255 - 0.485) / 0.229, atol=0.02)


def test_impossible_options_are_refused(cat):
    with pytest.raises(BadOption, match="4,096"):
        to_input(cat, IMAGENET_CARD, (0, 224))
    with pytest.raises(BadOption, match="4,096"):
        to_input(cat, IMAGENET_CARD, (224, MAX_INPUT_SIDE + 1))
    with pytest.raises(BadOption, match="'crop' or 'squeeze'"):
        to_input(cat, IMAGENET_CARD, fit="stretch")
    with pytest.raises(BadOption, match="2 channels"):
        to_input(cat, _card("odd", input_shape=(2, 8, 8), normalisation=IMAGENET))


# --- a frame, and digits as MNIST has them -----------------------------------


BORDERED_CARD = _card("framed", input_shape=(1, 32, 32), border=2, normalisation=DIGIT_CARD.normalisation)


def test_a_picture_of_the_inner_size_lies_pixel_for_pixel_within_the_border():
    pixels = np.random.default_rng(0).integers(0, 255, (28, 28), dtype=np.uint8)
    received = np.asarray(as_received(Image.fromarray(pixels).convert("RGB"), BORDERED_CARD))
    assert received.shape == (32, 32)
    assert np.array_equal(received[2:-2, 2:-2], pixels)
    assert np.array_equal(received[2:-2, :2], pixels[:, [0, 0]])
    assert np.array_equal(received[-2:, 2:-2], pixels[[-1, -1]])
    assert np.array_equal(as_received(Image.fromarray(pixels), BORDERED_CARD), received)  # mode L


@pytest.mark.parametrize("fit", ["crop", "squeeze"])
@pytest.mark.parametrize(("size", "border"), [((32, 32), 2), ((64, 96), (4, 6)), ((8, 8), 0), ((1, 1), 0)])
def test_a_border_grows_with_the_size(size, border, fit):
    picture = Image.effect_noise((200, 200), 80)
    picture.paste(255, (0, 0, 200, 1))
    received = np.asarray(as_received(picture.convert("RGB"), BORDERED_CARD, size, fit))
    down, across = np.broadcast_to(border, 2)
    assert received.shape == size
    assert (received[: down + 1] == received[0]).all()
    assert (received[:, : across + 1] == received[:, :1]).all()
    assert not (received[: down + 2] == received[0]).all() or size == (1, 1)


def test_a_border_in_colour(cat):
    card = _card("framed", input_shape=(3, 32, 32), border=2, normalisation=CIFAR10)
    assert as_received(cat, card).size == (32, 32)
    assert as_received(cat, card).mode == "RGB"


def inked(size, box):
    drawing = Image.new("L", size)
    drawing.paste(255, box)
    return drawing


@pytest.mark.parametrize("box", [(10, 20, 50, 100), (200, 5, 240, 85), (0, 0, 3, 6)])
def test_a_drawing_fills_mnists_box_and_is_centred(box):
    rows, columns = np.nonzero(np.asarray(as_mnist(inked((280, 200), box))))
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (20, 10)
    assert (rows.mean(), columns.mean()) == pytest.approx((14, 14), abs=0.51)


def test_it_is_centred_by_mass_within_the_field():
    drawing = inked((300, 300), (100, 50, 200, 80))
    drawing.paste(255, (140, 80, 160, 250))  # a T
    values = np.asarray(as_mnist(drawing), dtype=float)
    assert (values.sum(1) @ np.arange(28)) / values.sum() == pytest.approx(14, abs=0.51)
    rows, _ = np.nonzero(values)
    assert (rows.min() + rows.max()) / 2 > 16  # the box itself lies lower


def test_colours_of_pen_and_paper_make_no_difference():
    light = inked((100, 120), (30, 20, 50, 90))
    expected = np.asarray(as_mnist(light))
    for dark in (
        Image.eval(light, lambda v: 255 - v),
        Image.eval(light, lambda v: 110 - v // 3),
        light.convert("RGB"),
    ):
        assert np.array_equal(as_mnist(dark), expected)


def test_mnists_own_digits_pass_unchanged_and_survive_enlarging():
    digit = load_image(photographs()["digit-3"].read_bytes())
    own = np.asarray(digit.convert("L"), dtype=int)
    assert np.array_equal(as_mnist(digit), own)
    assert np.array_equal(as_mnist(Image.eval(digit, lambda v: 255 - v)), own)
    again = np.asarray(as_mnist(digit.resize((280, 280), Image.Resampling.BICUBIC)), dtype=int)
    assert np.abs(again - own).mean() < 8


@pytest.mark.parametrize("size", [(280, 280), (28, 28), (1, 1), (1, 500), (3, 2)])
@pytest.mark.parametrize("grey", [0, 120, 255])
def test_an_empty_drawing_is_black(size, grey):
    assert not np.asarray(as_mnist(Image.new("L", size, grey))).any()
    assert as_mnist(Image.new("L", size, grey)).size == (28, 28)


@pytest.mark.parametrize("box", [(5, 5, 6, 6), (0, 0, 100, 1), (99, 0, 100, 100)])
def test_dots_and_lines_are_drawings_too(box):
    assert np.asarray(as_mnist(inked((100, 100), box))).max() == 255


@pytest.mark.parametrize("way", ["ink on paper", "light on dark"])
def test_a_network_that_reads_digits_gets_them_as_mnist_has_them(way):
    card = _card("lenet", input_shape=(1, 32, 32), border=2, digits=True, normalisation=DIGIT_CARD.normalisation)
    drawing = inked((300, 200), (20, 30, 60, 130))
    if way == "ink on paper":
        drawing = Image.eval(drawing, lambda v: 255 - v)
    seen = np.asarray(as_received(drawing.convert("RGB"), card))
    expected = np.pad(np.asarray(as_mnist(drawing)), 2)
    assert np.array_equal(seen, expected)
    assert np.array_equal(as_received(as_mnist(drawing), card), expected), "what is made already passes"


# --- smaller and larger ------------------------------------------------------


def width_seen(card, picture, zoom, fit="crop"):
    """How many columns of the middle row are bright."""
    seen = np.asarray(as_received(zoomed(picture, card, zoom), card, fit=fit).convert("L"), dtype=int)
    return int((seen[len(seen) // 2] > 180).sum())


@pytest.mark.parametrize("zoom", [0.25, 0.5, 0.8, 1, 1.5, 2])
@pytest.mark.parametrize("size", [(32, 32), (300, 300), (640, 430), (2048, 1400)])
@pytest.mark.parametrize("card", [IMAGENET_CARD, CIFAR_CARD])
def test_an_object_is_received_as_much_smaller_or_larger(card, size, zoom):
    picture, side = Image.new("RGB", size, "black"), min(size) * 0.3
    middle = [value / 2 for value in size]
    picture.paste("white", [round(m + s * side / 2) for s in (-1, 1) for m in middle])
    once = width_seen(card, picture, 1)
    assert width_seen(card, picture, zoom) == pytest.approx(zoom * once, abs=2 + card.input_shape[1] // 100)


def test_what_comes_into_view_around_it_is_zero_to_the_network():
    white = Image.new("RGB", (100, 60), "white")
    x = to_input(zoomed(white, IMAGENET_CARD, 0.5), IMAGENET_CARD, fit="squeeze")
    assert np.abs(x[..., :50, :]).max() < 0.02
    assert x[..., 112, 112].min() > 2
    assert np.asarray(as_received(zoomed(white, DIGIT_CARD, 0.5), DIGIT_CARD)).min() == 128  # its mean is a half


def test_a_zoom_of_one_is_the_picture_itself(cat):
    assert zoomed(cat, IMAGENET_CARD, 1) is cat


@pytest.mark.parametrize("zoom", [0.25, 0.5, 1.5, 2])
def test_a_digit_is_shrunk_and_enlarged_on_black(zoom):
    card = _card("lenet", input_shape=(1, 28, 28), digits=True, normalisation=DIGIT_CARD.normalisation)
    drawing = inked((300, 200), (20, 30, 60, 110)).convert("RGB")  # 10 x 20 as MNIST has it
    seen = np.asarray(as_received(zoomed(drawing, card, zoom), card))
    rows, columns = np.nonzero(seen > 127)
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == pytest.approx((min(28, 20 * zoom), 10 * zoom), abs=1)
    assert seen.min() == 0
    assert np.count_nonzero(seen == 0) == pytest.approx(28 * 28 - min(28, 20 * zoom) * 10 * zoom, abs=56)


@pytest.mark.parametrize("size", [(1, 1), (2048, 1), (1, 300), (3, 2)])
@pytest.mark.parametrize("zoom", [0.25, 2])
def test_any_picture_can_be_zoomed_and_none_becomes_much_larger(size, zoom):
    picture = zoomed(Image.new("RGB", size, RED), IMAGENET_CARD, zoom)
    assert max(picture.size) <= max(1024, *size)
    assert as_received(picture, IMAGENET_CARD).size == (224, 224)


@pytest.mark.parametrize("zoom", [0, -1, 0.2, 2.1, float("nan"), float("inf")])
def test_other_zooms_are_refused(cat, zoom):
    with pytest.raises(BadOption, match=r"0\.25 to 2 times"):
        zoomed(cat, IMAGENET_CARD, zoom)


@pytest.mark.parametrize(
    ("card", "size", "fit", "said"),
    [
        (IMAGENET_CARD, None, "crop", "scaled to cover 256 × 256, of which the middle 224 × 224 is cut out"),
        (ALEXNET_CARD, (64, 96), "crop", "scaled to cover 73 × 110, of which the middle 64 × 96 is cut out"),
        (IMAGENET_CARD, None, "squeeze", "squeezed to 224 × 224"),
        (CIFAR_CARD, None, "crop", "its middle scaled to 32 × 32; normalised as CIFAR-10"),
        (DIGIT_CARD, None, "crop", "its middle scaled to 32 × 32, as grey values"),
    ],
)
def test_how_a_picture_is_received_is_said(card, size, fit, said):
    assert reception(card, size, fit).startswith(said)


def test_photographs_come_along():
    pictures = photographs()
    assert {"cat", "astronaut", "coffee", "rocket", "camera", "brick", "digit-3", "digit-8"} == set(pictures)
    readme = (pictures["cat"].parent.parent / "README.md").read_text(encoding="utf-8")
    for path in pictures.values():
        assert path.name in readme
        assert max(load_image(path.read_bytes(), path.name).size) <= 640
