"""A link -> a QR code that a phone reads from a projection."""

import segno


def qr_code(text: str) -> str:
    """An SVG of a text as a QR code, black on white, with the four modules of white around it that readers need.

    It has no size of its own, but fills its place. Nothing will stain a projection, so that the lowest level of error
    correction does: it has the largest modules, which is what the last row needs.
    """
    code = segno.make_qr(text, error="l")  # at least; more where it costs no more modules
    return str(code.svg_inline(border=4, dark="#000", light="#fff", omitsize=True))
