"""The parts of a screen: each fetches, calls, draws."""
