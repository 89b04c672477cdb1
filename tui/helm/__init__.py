"""Helm as it is stored: release records, their manifests, and the order things are made in. Pure."""
