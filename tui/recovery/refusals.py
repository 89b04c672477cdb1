"""What a refused dry run of an expected release's document says of its install: a refusal, or nothing sure. Pure.

The sentences are those of the API server (apimachinery api/errors, apiserver admission), tried on v1.36.
"""

import re
from typing import Final

from tui.faults import ApiFault
from tui.objects import Ref
from tui.ownership.model import Forecast
from tui.recovery.masking import hushed

_NEEDS: Final = (
    ("Namespace", re.compile(r'namespaces "([^"]+)" not found')),
    ("Role", re.compile(r'(?<!cluster)roles\.rbac\.authorization\.k8s\.io "([^"]+)" not found')),
    ("ClusterRole", re.compile(r'clusterroles\.rbac\.authorization\.k8s\.io "([^"]+)" not found')),
    ("ServiceAccount", re.compile(r'serviceaccounts? "([^"]+)" not found')),
    ("PriorityClass", re.compile(r"no PriorityClass with name (\S+) was found")),
    ("Service", re.compile(r'\bservice "([^"]+)" not found')),
    ("Service", re.compile(r'no endpoints available for service "([^"]+)"')),
)
"""What an object may want to be there already, as the server names it."""

_NO_RIGHT: Final = re.compile(r"cannot \w+ resource|attempting to grant RBAC permissions")
_UNTRIABLE: Final = "does not support dry run"
_UNKNOWN_FIELD: Final = re.compile(r"strict decoding error|field not declared in schema")
_HOOKED: Final = "failed calling webhook"


def judge_refusal(fault: ApiFault, ref: Ref, forecast: Forecast, space: str) -> tuple[str, bool]:
    """What a refused dry run says of the install, and whether it would be refused for certain.

    ``space`` is the namespace of the release: its own install may make it.
    """
    said, message = hushed(fault, ref), fault.message
    if first := _first(message, forecast):
        return f"it could not be tried: {first.label}, which the same manifest makes, has to be there first", False
    if f'namespaces "{space}" not found' in message:
        return f"it could not be tried: Namespace {space} is not there, and its owner may make it", False
    if fault.code == 409 and fault.reason == "AlreadyExists":
        return "it could not be tried: it is there, though it was not seen; see whose it is", False
    if _UNKNOWN_FIELD.search(message):
        return f"it could not be told: Helm 4 is refused over it, Helm 3 leaves the field out: {said}", False
    if fault.code == 401 or (fault.code == 403 and _NO_RIGHT.search(message)):
        return f"it could not be tried: this user may not: {said}", False
    if _UNTRIABLE in message or fault.code == 429 or (fault.code >= 500 and _HOOKED not in message):
        return f"it could not be tried: {said}", False
    return f"the server would refuse it: {said}", True


def _first(message: str, forecast: Forecast) -> Ref | None:
    """What the server misses, where the same manifest makes it."""
    for kind, pattern in _NEEDS:
        found = pattern.search(message)
        made = found and next((d.ref for d in forecast.whole if (d.ref.kind, d.ref.name) == (kind, found[1])), None)
        if made:
            return made
    return None
