"""A table of incidents that people had: what each says of the object in question, and how the table is kept."""

import random
from collections.abc import Sequence

import pytest

from tests.ownership.incidents import INCIDENTS, Incident
from tests.ownership.judging import judge
from tui.objects import Json, Key
from tui.ownership.model import Assessment


def key_of(incident: Incident, found: Assessment) -> Key:
    kind, name, namespace = incident.about
    return next(
        key for key in found.attributions if (key.kind, key.name) == (kind, name) and key.namespace in (namespace, None)
    )


def answer(incident: Incident, objects: Sequence[Json]) -> tuple[object, ...]:
    """What is said of the object in question."""
    found = judge(objects, incident.gaps, wish=incident.wish, by=incident.by)
    return answer_about(found, key_of(incident, found))


def answer_about(found: Assessment, key: Key) -> tuple[object, ...]:
    """The state, the owners, the codes that name the object, the decision and the rules that failed."""
    row = found.attributions[key]
    codes = {finding.code for finding in found.findings if key in {ref.key for ref in finding.resources}}
    chosen = next((each for each in found.candidates if each.ref.key == key), None)
    decided = (chosen.decision.value, tuple(rule.value for rule in chosen.rules)) if chosen else ("", ())
    return (row.state.value, row.owners, tuple(sorted(codes)), *decided)


def wanted(incident: Incident) -> tuple[object, ...]:
    e = incident.expected
    return (e.state, e.owners, tuple(sorted(e.codes)), e.decision, e.rules)


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.name)
def test_the_incident_is_told_as_it_was(incident: Incident) -> None:
    assert answer(incident, incident.objects) == wanted(incident)


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.name)
def test_the_order_of_objects_changes_nothing(incident: Incident) -> None:
    objects = list(incident.objects)
    random.Random(incident.name).shuffle(objects)  # noqa: S311 - an order, not a secret
    assert answer(incident, objects) == answer(incident, incident.objects[::-1])


def test_the_table_is_broad() -> None:
    assert len(INCIDENTS) >= 40
    assert len({incident.name for incident in INCIDENTS}) == len(INCIDENTS)
    assert all("#" in incident.issue and "/" in incident.issue for incident in INCIDENTS)
    states = {incident.expected.state for incident in INCIDENTS}
    assert states == {"missing", "unverifiable", "contested", "stale", "misowned", "undocumented", "owned", "unowned"}
    assert {incident.expected.decision for incident in INCIDENTS} == {"", "adopt", "delete", "protect", "recreate"}
