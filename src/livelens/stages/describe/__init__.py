"""Descriptors: what is measured about one face, person or vehicle at a time."""
