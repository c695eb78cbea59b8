"""Clips that people upload, to be played as streams."""
