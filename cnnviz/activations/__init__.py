"""Module and input -> what every layer sees."""
