"""Who owns what: evidence, states, staleness (S1-S9), use, findings, and the layered tree. Pure."""
