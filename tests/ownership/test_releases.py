"""Reading Helm's records out of an inventory: grouped by storage namespace and name, ordered by revision."""

import base64

import pytest

from tests.clusters import document, inventory, obj, record
from tests.ownership.living import living
from tui.objects import Json, Live
from tui.ownership.releases import Releases, listed_by, read_releases


def read(*objects: Json) -> Releases:
    return read_releases(inventory(objects))


def test_releases_are_grouped_and_their_revisions_newest_first() -> None:
    found = read(record("b", 2), record("a", 10), record("b", 10, "failed"), record("a", 9, "superseded"))
    assert [(r.name, [each.revision for each in r.records]) for r in found.all] == [("a", [10, 9]), ("b", [10, 2])]
    second = found.find("b", "flux-system")
    assert second is not None
    assert (second.newest.revision, second.in_force and second.in_force.revision) == (10, 2)
    assert found.find("b", "apps") is None


def test_the_same_name_in_two_namespaces_is_two_releases() -> None:
    found = read(record("a", namespace="one"), record("a", namespace="two"))
    assert [(r.namespace, r.name) for r in found.all] == [("one", "a"), ("two", "a")]


def test_the_highest_deployed_revision_is_in_force() -> None:
    (release,) = read(record("a", 1), record("a", 3), record("a", 2), record("a", 4, "pending-upgrade")).all
    assert release.in_force is not None
    assert release.in_force.revision == 3
    (none,) = read(record("a", 1, "failed")).all
    assert none.in_force is None


def test_a_config_map_holds_a_record_too() -> None:
    secret = record("a")
    text = base64.b64decode(secret["data"]["release"]).decode()
    config = secret | {"kind": "ConfigMap", "type": None, "data": {"release": text}}
    (release,) = read(config).all
    assert release.newest.storage.kind == "ConfigMap"


def test_other_secrets_are_no_records() -> None:
    assert read(
        obj("Secret", "token"), obj("ConfigMap", "sh.helm.x"), obj("Secret", "x", labels={"owner": "helm"})
    ) == (Releases((), ()))


@pytest.mark.parametrize("namespaces", [(None, "a"), ("a", None)])
def test_records_without_a_namespace_are_sorted_and_not_compared(namespaces: tuple[str | None, ...]) -> None:
    torn = []
    for number, namespace in enumerate(namespaces):
        body = record(f"r{number}") | {"data": None}
        body["metadata"]["namespace"] = namespace
        torn.append(body)
    assert len(read(*torn).undecodable) == 2


def test_a_hidden_or_unread_record_is_undecodable_not_absent() -> None:
    hidden = record("a")
    hidden["metadata"]["labels"] = {}
    found = inventory([hidden])
    bare = Live.of(record("b"), keep_body=False)
    found.objects[bare.key] = bare
    unread = Live.of(hidden)
    found.objects[unread.key] = unread
    bad = read_releases(found).undecodable
    assert [(each.name, each.reason) for each in bad] == [
        ("a", "it lacks the label owner: helm"),
        ("b", "its content was not read"),
    ]


def test_a_manifest_is_resolved_against_what_is_served() -> None:
    things = [obj("ConfigMap", "c"), obj("ClusterRole", "r"), obj("ConfigMap", "d", "apps")]
    (release,) = read(record("a", documents=[*map(document, things)])).all
    listed = listed_by(release.newest, inventory([]).namespaced)
    assert {(key.kind, key.namespace, key.name) for key in listed.documents} == {
        ("ConfigMap", "flux-system", "c"),
        ("ClusterRole", None, "r"),
        ("ConfigMap", "apps", "d"),
    }
    assert (listed.unresolved, listed.fault) == ((), "")
    nothing_served = listed_by(release.newest, lambda group, kind: None)
    assert (len(nothing_served.documents), len(nothing_served.unresolved)) == (0, 3)
    config, role, far = (Live.of(thing).key for thing in things)
    assert all(map(nothing_served.lists, (config, role, far)))
    # Of unknown scope and without a namespace a document may be anywhere; with one it is there.
    assert nothing_served.lists(config._replace(namespace="apps"))
    assert not nothing_served.lists(far._replace(namespace="flux-system"))
    assert not nothing_served.lists(role._replace(name="other"))


def test_an_unreadable_manifest_lists_everything() -> None:
    (release,) = read(record("a", manifest="{{")).all
    listed = listed_by(release.newest, inventory([]).namespaced)
    assert listed.fault
    assert listed.lists(Live.of(obj("ClusterRole", "any")).key)


def test_a_generated_name_may_be_any_that_begins_so() -> None:
    written = document(obj("Job", "x", spec={})) | {"metadata": {"generateName": "job-"}}
    (release,) = read(record("a", documents=[written])).all
    listed = listed_by(release.newest, inventory([]).namespaced)
    assert listed.lists(Live.of(obj("Job", "job-1", spec={})).key)
    assert not listed.lists(Live.of(obj("Job", "other", spec={})).key)


def test_the_real_records_are_read() -> None:
    found = read_releases(living())
    assert [
        (r.namespace, r.name, [(e.revision, e.status.value, e.apply_method) for e in r.records]) for r in found.all
    ] == [
        ("dock3", "harbour-3", [(2, "deployed", "csa"), (1, "superseded", "csa")]),
        ("dock4", "harbour-4", [(2, "deployed", "ssa"), (1, "superseded", "ssa")]),
    ]
    assert found.undecodable == ()
