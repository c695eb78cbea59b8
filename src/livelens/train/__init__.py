"""Training of the small networks that ship with Livelens. The only place that imports torch."""
