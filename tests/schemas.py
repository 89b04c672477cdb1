"""The shapes of the command line's JSON documents, as JSON Schemas: what pipelines are promised."""

from typing import Any

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
MAYBE = {"type": ["string", "null"]}
STATES = ["owned", "contested", "misowned", "undocumented", "unowned", "missing", "stale", "unverifiable"]
CODES = [
    "release-ambiguous",
    "release-absent",
    "resource-missing",
    "stamp-absent",
    "roleref-differs",
    "refused-install",
    "webhook-dead",
    "namespace-terminating",
    "apiservice-down",
    "api-unserved",
    "crd-missing",
    "release-unverifiable",
    "record-undecodable",
    "stamp-foreign",
    "stamp-disagrees",
    "stale-leftover",
    "delete-bomb",
    "contested",
    "misowned",
    "taken-over",
    "apply-failing",
    "ghost-label",
    "guardrail",
    "claimed-absent",
    "suspended",
    "scaled-to-zero",
    "paused",
    "drifted",
    "controller-dead",
    "finalizer-stuck",
    "field-fight",
    "undocumented",
    "unowned",
    "prune-disabled",
    "contract-unpinned",
    "decision",
]
SOURCES = ["owner-reference", "inventory", "manifest", "stamp", "label", "manager"]
RFC3339 = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$"


def closed(optional: dict[str, Any] | None = None, **properties: Any) -> dict[str, Any]:
    """An object with exactly these keys, and the optional ones where they say something."""
    return {
        "type": "object",
        "properties": properties | (optional or {}),
        "required": list(properties),
        "additionalProperties": False,
    }


def every(items: Any) -> dict[str, Any]:
    return {"type": "array", "items": items}


def one_of(*values: str) -> dict[str, Any]:
    return {"enum": list(values)}


REF = closed(apiVersion=TEXT, kind=TEXT, namespace=MAYBE, name=TEXT, uid=MAYBE)
CONTRACT = closed(name=TEXT, sha256={"type": "string", "pattern": "^[0-9a-f]{64}$"})
KNOWN = closed(name=TEXT, revision={"type": "integer"}, status=TEXT, updated={"type": "string", "pattern": RFC3339})
FAMILY: dict[str, Any] = {
    "family": TEXT,
    "namespace": TEXT,
    "state": one_of("active", "ambiguous", "absent", "unverifiable"),
    "active": MAYBE,
    "known": every(KNOWN),
}
FINDING = closed(
    code={"enum": CODES},
    severity=one_of("block", "warn", "info"),
    summary=TEXT,
    resources=every(REF),
    evidence=TEXTS,
    next=TEXT,
)

PREFLIGHT = closed(
    schema=one_of("refloat.preflight/1"),
    verdict=one_of("pass", "warn", "block", "unverified"),
    context=TEXT,
    contract=CONTRACT,
    releases=every(closed(**FAMILY)),
    findings=every(FINDING),
    # How many findings the contract's allow list hides is always said.
    hidden={"type": "integer", "minimum": 0},
    # Whether the cluster itself enforces each guardrail of the contract.
    policies=every(
        closed(
            guardrail=TEXT,
            status=one_of("enforced", "audited", "not-enforced", "unknown"),
            by=TEXTS,
            why=TEXT,
        )
    ),
    candidates=every(
        closed(
            ref=REF,
            release=TEXT,
            decision=one_of("delete", "adopt", "recreate", "protect"),
            rules=every({"type": "string", "pattern": "^S[1-9]$"}),
            why=TEXT,
        )
    ),
    missing=every(closed(ref=REF, release=TEXT, replayable={"type": "boolean"}, why=TEXT)),
    incomplete=TEXTS,
    # What the verdict cannot know: that a refused install leaves no trace.
    notes=TEXTS,
)
HEALTH = closed(
    schema=one_of("refloat.health/1"),
    verdict=one_of("healthy", "unhealthy", "unverified"),
    checks=every(
        closed(
            id=TEXT, status=one_of("ok", "failed", "unknown"), summary=TEXT, resource={"anyOf": [REF, {"type": "null"}]}
        )
    ),
)
EXPLAIN = closed(
    schema=one_of("refloat.explain/1"),
    ref=REF,
    live={"type": "boolean"},
    state={"enum": STATES},
    claim={"anyOf": [closed(owner=TEXT, layer=TEXT, source=TEXT), {"type": "null"}]},
    owners=every(
        closed(
            owner=TEXT,
            confirmed={"type": "boolean"},
            evidence=every(closed(source={"enum": SOURCES}, text=TEXT)),
        )
    ),
    release=MAYBE,
    findings=every({"enum": CODES}),
    next=TEXTS,
)
OWNERS = closed(
    schema=one_of("refloat.owners/1"),
    objects=every(closed(ref=REF, state={"enum": STATES}, owner=MAYBE, layer=MAYBE, owners=TEXTS)),
    counts={"type": "object", "propertyNames": {"enum": STATES}, "additionalProperties": {"type": "integer"}},
    incomplete=TEXTS,
)
RELEASES = closed(
    schema=one_of("refloat.releases/1"),
    families=every(
        closed(
            **FAMILY,
            why=TEXT,
            revisions=every(
                closed(
                    name=TEXT,
                    revision={"type": "integer"},
                    status=TEXT,
                    updated=TEXT,
                    chart=TEXT,
                    apply_method=one_of("ssa", "csa"),
                    description=TEXT,
                )
            ),
            resources=every(closed(ref=REF, state=one_of("present", "missing", "stamped-otherwise", "unverifiable"))),
            hooks=every(closed(kind=TEXT, name=TEXT, events=TEXTS, ref=REF, state=TEXT, why=TEXT)),
        )
    ),
    incomplete=TEXTS,
)
SESSION = closed(
    schema=one_of("refloat.session/1"),
    context=TEXT,
    server=TEXT,
    cluster=MAYBE,
    user=TEXT,
    contract=CONTRACT,
    before={"enum": ["pass", "warn", "block", "unverified", None]},
    after={"enum": ["pass", "warn", "block", "unverified", None]},
    health={"enum": ["healthy", "unhealthy", "unverified", None]},
    outcomes=every(
        closed(
            action=one_of(
                *("adopt", "recreate", "delete", "create", "retire", "repair", "reconcile", "resume"),
                *("remove-finalizer", "restore"),
            ),
            ref=REF,
            status=one_of("done", "refused", "failed", "skipped", "in-doubt"),
            text=TEXT,
            optional={"losses": TEXTS},
        )
    ),
    left=every(FINDING),
    hand_back=TEXTS,
)
PROPOSAL = closed(
    schema=one_of("refloat.proposal/1"),
    documents=every(
        closed(
            ref=REF,
            generateName=MAYBE,
            where={"type": "string", "pattern": r":[0-9]+$"},
            verdict=one_of("pass", "warn", "block", "unverified"),
            claim={"anyOf": [closed(owner=TEXT, layer=TEXT, source=TEXT), {"type": "null"}]},
            needs=MAYBE,
            served=closed(answer=one_of("yes", "no", "unknown"), text=TEXT),
            collisions=every(
                closed(
                    **{"with": one_of("live", "manifest", "inventory", "input", "generate-name", "source")},
                    ref={"anyOf": [REF, {"type": "null"}]},
                    state={"enum": [*STATES, None]},
                    owners=every(
                        closed(
                            owner=TEXT,
                            confirmed={"type": "boolean"},
                            evidence=every(closed(source={"enum": SOURCES}, text=TEXT)),
                        )
                    ),
                    blocks={"type": "boolean"},
                    text=TEXT,
                )
            ),
            guardrails=every(closed(id=TEXT, reason=TEXT)),
            decisions=every(closed(resource=TEXT, owner=TEXT, removed=MAYBE, reason=TEXT)),
            immutable=every(closed(field=TEXT, live=TEXT, proposed=TEXT)),
            notes=TEXTS,
            process=TEXTS,
            next=TEXT,
        )
    ),
    incomplete=TEXTS,
)
CONTRACT_CHECK = closed(
    schema=one_of("refloat.contract-check/1"),
    contract=CONTRACT,
    remarks=every(closed(code=TEXT, line={"type": "integer", "minimum": 0}, text=TEXT)),
    incomplete=TEXTS,
)
BY_NAME = {
    "refloat.proposal/1": PROPOSAL,
    "refloat.contract-check/1": CONTRACT_CHECK,
    "refloat.preflight/1": PREFLIGHT,
    "refloat.health/1": HEALTH,
    "refloat.explain/1": EXPLAIN,
    "refloat.owners/1": OWNERS,
    "refloat.releases/1": RELEASES,
    "refloat.session/1": SESSION,
}
