"""How streams, stages, viewers and the server fare: now, lately, and for Prometheus."""
