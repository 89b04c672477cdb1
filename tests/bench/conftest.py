"""Benchmarks run when they are asked for (``make bench``), never among the tests."""

from pathlib import Path

import pytest


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    return True if collection_path.suffix == ".py" and not config.getoption("benchmark_only") else None
