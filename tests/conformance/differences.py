"""Every knowing difference between the practice cluster and a real API server, with its reason."""

PRACTICE: dict[str, str] = {
    "version": "the practice cluster says that it is one: gitVersion ends in -practice, and nothing compiled it",
    "watch-initial-events": "the recorded server's etcd 3.4 reports no progress, so that server refuses watch-lists",
}
"""Cases that the practice cluster answers otherwise than the recording."""

UNRECORDED: tuple[str, ...] = (
    "protobuf and CBOR bodies (415), except for the access reviews that kubectl sends",
    "autoscaling/v1, events.k8s.io, certificates, node, resource and flow-control groups: not served (404)",
    "OpenAPI v2, and descriptions in v3: field names, types and patch keys only",
    "admission beyond webhook reachability: no quota, no limit ranges, no pod security, no policies in CEL",
    "custom resources are not pruned or validated by their schema",
    "managers, audit and priority headers: not sent",
    "watches end after an hour where the client names no timeout, not after a random time",
    "pods start at once (or after the demo's pace), are killed without grace, and pull no image",
)
"""Differences that no case shows, said in words."""
