"""Fixtures that more than one folder's tests may ask for."""

from tests.typed import alone, clusters, run

__all__ = ["alone", "clusters", "run"]
