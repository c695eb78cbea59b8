"""Counts what moves: over lines, in zones, on a grid."""
