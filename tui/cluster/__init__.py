"""The only door to an API server: connecting, reading, watching, the one writer. Only here is kubernetes.aio known."""
