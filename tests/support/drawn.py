"""Digits as a finger draws them on a pad: strokes of one width with round ends, light on black."""

import math

from PIL import Image, ImageDraw


def arc(x, y, across, down, start, end, points=24):
    """Part of an ellipse, clockwise on the screen; angles in degrees, 0 to the right."""
    angles = [math.radians(start + (end - start) * k / points) for k in range(points + 1)]
    return [(x + across * math.cos(a), y + down * math.sin(a)) for a in angles]


# in a box 1 high and about 0.7 wide, y downwards
STROKES = {
    0: [arc(0.35, 0.5, 0.32, 0.5, -90, 270)],
    1: [[(0.2, 0.2), (0.4, 0.0), (0.4, 1.0)]],
    2: [[*arc(0.35, 0.28, 0.3, 0.28, 190, 390), (0.05, 1.0), (0.7, 1.0)]],
    3: [[*arc(0.32, 0.26, 0.3, 0.26, 200, 450), *arc(0.32, 0.74, 0.34, 0.26, -90, 160)]],
    4: [[(0.45, 0.0), (0.0, 0.65), (0.7, 0.65)], [(0.5, 0.3), (0.5, 1.0)]],
    5: [[(0.65, 0.0), (0.12, 0.0), (0.08, 0.45), *arc(0.32, 0.68, 0.32, 0.32, -120, 140)]],
    6: [[(0.55, 0.0), *arc(0.35, 0.68, 0.32, 0.32, 210, -150)]],
    7: [[(0.0, 0.0), (0.65, 0.0), (0.25, 1.0)]],
    8: [[*arc(0.35, 0.25, 0.26, 0.25, 90, 450), *arc(0.35, 0.75, 0.32, 0.25, -90, 270)]],
    9: [[*arc(0.33, 0.3, 0.3, 0.3, 0, 360), (0.6, 0.3), (0.5, 1.0)]],
}


def drawn(digit, *, height=180, pen=16, at=(140, 140), slant=0.0, canvas=280):
    """A square picture of mode L.

    Args:
        height, pen: of the digit and its strokes, in pixels.
        at: where the middle of the digit's box lies.
        slant: how far the top leans to the right, per height.
    """
    picture = Image.new("L", (canvas, canvas))
    draw = ImageDraw.Draw(picture)
    for stroke in STROKES[digit]:
        points = [(at[0] + height * (x - 0.35 + slant * (0.5 - y)), at[1] + height * (y - 0.5)) for x, y in stroke]
        draw.line(points, fill=255, width=pen, joint="curve")
        for x, y in points:
            draw.ellipse((x - pen / 2, y - pen / 2, x + pen / 2, y + pen / 2), fill=255)
    return picture
