"""The camera operator in software: who is shown, and how the viewport moves.

A frame's way: `candidates` (what could be shown) → `director` (who is) → `composition` (where in
the shot) → a `camera` (how the viewport gets there).
"""
