"""Inception: what a module's arms cost, what each sees in the picture, and what GoogLeNet's extra heads cost."""

from app.boundary import sentences
from app.panels import inception, opening

shown = opening.view("Inception", list(inception.PARTS), "about")
with sentences():
    inception.PARTS[shown]()
