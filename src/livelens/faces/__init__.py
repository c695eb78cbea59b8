"""Faces of people who are known: the gallery, and how they get into it."""
