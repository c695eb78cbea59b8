"""How well a virtual camera frames its subject."""
