"""Shortcuts: what a residual network's ways around its blocks do, and what they don't."""

from app.boundary import sentences
from app.panels import copying, opening, shortcuts

PARTS = {
    "Training": shortcuts.training,
    "Gradients": shortcuts.gradients,
    "Options A, B, C": shortcuts.options,
    "Cut": shortcuts.cut,
    "Identity": copying.identity,
}

point = opening.view("Shortcuts", list(PARTS), "point")
with sentences():
    PARTS[point]()
