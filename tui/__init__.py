"""Refloat: who owns what in a cluster, what is stale or missing, and the walk back to a healthy one.

The rooms: ``contract`` (ownership.yaml), ``helm`` (release records and manifests), ``ownership`` (evidence, states,
staleness, findings) and ``recovery`` (preflight, plan, gate, session, report) are pure and work on plain values;
``cluster`` is the only door to an API server; ``practice`` is an API server to train on; ``widgets`` draw.
"""

__version__ = "0.1.0"
