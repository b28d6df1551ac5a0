"""Picture files that are out to harm, and sound ones to be damaged."""

import io
import struct
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, PngImagePlugin

KINDS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
MODES = {
    "JPEG": ("L", "RGB", "CMYK"),
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "WEBP": ("RGB", "RGBA"),
    "GIF": ("L", "P"),
    "BMP": ("1", "L", "P", "RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "I;16", "I", "F"),
    "AVIF": ("RGB", "RGBA"),
}


def encode(picture: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def noise(mode: str = "RGB", size: tuple[int, int] = (37, 23)) -> Image.Image:
    """Colours by chance; every mode that Pillow has them for."""
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
    if mode == "LAB":
        return Image.merge("LAB", Image.fromarray(pixels).split())
    if mode == "I;16":
        return Image.fromarray(pixels[..., 0].astype(np.uint16) * 257)
    return Image.fromarray(pixels).convert(mode)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def sound() -> dict[str, bytes]:
    """One file of every mode in every format, of every EXIF orientation, and with what else a file may hold."""
    found = {f"{kind} {mode}": encode(noise(mode), kind) for kind in KINDS for mode in MODES[kind]}
    for orientation in range(10):
        exif = Image.Exif()
        exif[0x0112] = orientation
        found |= {f"{kind} turned {orientation}": encode(noise(), kind, exif=exif) for kind in ("JPEG", "PNG", "WEBP")}
    frames = [noise(), noise("L").convert("RGB"), Image.new("RGB", (37, 23))]
    for kind in ("GIF", "PNG", "WEBP", "TIFF", "AVIF"):
        found[f"{kind} moving"] = encode(frames[0], kind, save_all=True, append_images=frames[1:])
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "lzma", "zstd"):
        found[f"TIFF {compression}"] = encode(noise(), "TIFF", compression=compression)
    found["TIFF group4"] = encode(noise("1"), "TIFF", compression="group4")
    found["JPEG progressive"] = encode(noise(), "JPEG", progressive=True)
    found["GIF interlaced"] = encode(noise("P"), "GIF", interlace=1)
    found["WEBP lossless"] = encode(noise("RGBA"), "WEBP", lossless=True)
    return found


def hostile() -> dict[str, bytes]:
    """Bombs, lies and polyglots."""
    png, jpeg, gif, tiff = (encode(noise(), kind) for kind in ("PNG", "JPEG", "GIF", "TIFF"))
    zeros = zlib.compress(bytes(60_000_000), 9)
    texts = PngImagePlugin.PngInfo()
    for number in range(200):
        texts.add_text(f"t{number}", "a" * 1_000_000, zip=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("run.py", "raise SystemExit")
    header = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", 7_000, 7_000, 8, 2, 0, 0, 0))
    script = b"*/=1;alert(document.domain)//<script>alert(1)</script>"
    return {
        "PNG of too few data": header + chunk(b"IDAT", zlib.compress(bytes(1_000))) + chunk(b"IEND", b""),
        "PNG of too many data": png[:33] + chunk(b"IDAT", zeros) + chunk(b"IEND", b""),
        "PNG with a profile that unpacks to 60 MB": png[:33] + chunk(b"iCCP", b"x\0\0" + zeros) + png[33:],
        "PNG with a text that unpacks to 60 MB": png[:33] + chunk(b"zTXt", b"x\0\0" + zeros) + png[33:],
        "PNG with 200 MB of text": encode(noise(), "PNG", pnginfo=texts),
        "PNG with 300,000 chunks": png[:33] + 300_000 * chunk(b"tEXt", b"a\0b") + png[33:],
        "PNG with a chunk longer than the file": png[:33] + struct.pack(">I", 2**31 - 1) + b"tEXt" + png[33:],
        "PNG that says it moves": png[:33] + chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0)) + png[33:],
        "PNG and a page": png + b"<html>" + script,
        "JPEG and an archive": jpeg + packed.getvalue(),
        "JPEG with a page in its comment": jpeg[:2]
        + b"\xff\xfe"
        + struct.pack(">H", len(script) + 2)
        + script
        + jpeg[2:],
        "JPEG with 300,000 empty segments": jpeg[:2] + 300_000 * b"\xff\xfe\x00\x02" + jpeg[2:],
        "JPEG in a JPEG": jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(jpeg) + 2) + jpeg + jpeg[2:],
        "GIF and a script": gif[:6] + b"/*" + gif[8:] + script,
        "GIF with a screen of 4 gigapixels": gif[:6] + b"\xff\xff\xff\xff" + gif[10:],
        "GIF of frames without end": gif[:-1] + 300_000 * b"!\xfe\x01a\x00",
        "GIF whose frame lies outside": gif.replace(b"\x2c\x00\x00\x00\x00", b"\x2c\xff\xff\xff\xff", 1),
        "GIF with 300,000 extensions": gif[:13] + 300_000 * b"!\xfe\x01a\x00" + gif[13:],
        "TIFF whose directory leads to itself": tiff[:4] + struct.pack("<I", 4) + tiff[8:],
        "TIFF with a directory of 65,535 entries": b"II*\0\x08\0\0\0\xff\xff" + bytes(200_000),
        "TIFF with a directory behind its end": b"II*\0" + struct.pack("<I", 2**32 - 1),
        "BMP upside down": _bmp(10, -10),
        "BMP of less than nothing": _bmp(-10, 10),
        "BMP without end": _bmp(2**31 - 1, 2**31 - 1),
        "BMP with its pixels behind its end": _bmp(10, 10, offset=2**32 - 1),
        "WEBP without end": b"RIFF"
        + struct.pack("<I", 2**32 - 1)
        + b"WEBPVP8L"
        + struct.pack("<I", 2**32 - 1)
        + b"/\xff",
        "AVIF of boxes in boxes": b"\0\0\0\x1cftypavif\0\0\0\0mif1avif" + 4_000 * b"\0\0\x10\0meta\0\0\0\0",
        "PDF": b"%PDF-1.7\n1 0 obj<</Type/Catalog>>endobj",
        "SVG": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        "PostScript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n",
        "archive": packed.getvalue(),
    }


def _bmp(width: int, height: int, offset: int = 54) -> bytes:
    head = struct.pack("<2sIIIIiiHHIIiiII", b"BM", 400, 0, offset, 40, width, height, 1, 24, 0, 0, 1, 1, 0, 0)
    return head + bytes(300)


def largest() -> Iterator[tuple[str, bytes]]:
    """The largest that are taken, of those that take their decoders the most memory or time."""
    yield "TIFF F", encode(Image.new("F", (5_000, 5_000)), "TIFF", compression="packbits")
    yield "JPEG in scans", encode(Image.new("RGB", (5_770, 5_770)), "JPEG", progressive=True, subsampling=0)
    yield "WEBP RGBA", encode(Image.new("RGBA", (4_120, 4_120)), "WEBP", method=0)
    yield "AVIF RGBA", encode(Image.new("RGBA", (4_120, 4_120)), "AVIF", speed=10)
    yield "PNG RGBA", encode(Image.new("RGBA", (7_070, 7_070)), "PNG", compress_level=1)
