"""AlexNet: its ideas one by one, on the picture, and what they are worth."""

from app.boundary import sentences
from app.panels import alexnet, opening

idea = opening.view("AlexNet's ideas", list(alexnet.IDEAS), "idea")
with sentences():
    alexnet.IDEAS[idea]()
