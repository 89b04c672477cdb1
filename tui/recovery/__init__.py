"""The recovery: preflight, plan, gate, session, health, report, on plain values; the journal is the record on disk."""
