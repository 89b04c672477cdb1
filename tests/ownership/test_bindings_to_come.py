"""Bindings that an expected release wants with another role: made again by its manifest, else left, never adopted."""

from typing import Any

import pytest

from tests.clusters import document, obj, record
from tests.ownership.judging import OLD, OLDER, decided, findings, judge, stale
from tui.helm.errors import read_error
from tui.helm.model import Document
from tui.objects import Json, Ref
from tui.ownership.model import Assessment, Forecast, Wish

EXPECTED = "gitops-flux-12345678"
RBAC = "rbac.authorization.k8s.io"


def role(name: str) -> Json:
    return {"apiGroup": RBAC, "kind": "ClusterRole", "name": name}


def binding(name: str = "b", kind: str = "ClusterRoleBinding", **parts: Any) -> Json:
    return stale(kind, name, **{"roleRef": role("was"), "subjects": [], **parts})


def wants(body: Json, name: str) -> Json:
    return {**document(body), "roleRef": role(name)}


def expecting(*documents: Json, whole: bool = True) -> Wish:
    made = tuple(Document(Ref.of(each), each, sha256="f" * 64 if whole else "") for each in documents)
    return Wish(EXPECTED, forecast=Forecast("m.yaml", "0" * 64, made, made if whole else ()))


def why_of(found: Assessment) -> str:
    return found.candidates[0].why


SAID = {"status": "failed", "last_deployed": "2026-01-02T00:00:00Z"}
REFUSED = f'ClusterRoleBinding.{RBAC} "b" is invalid: roleRef: Invalid value: x: cannot change roleRef'


SAID["description"] = f"failed: {REFUSED}"


def test_with_its_manifest_it_is_made_again_for_the_expected_release() -> None:
    live = binding()
    found = judge([live], wish=expecting(wants(live, "shall-be")))
    assert decided(found, live) == ("recreate", ("S3",))
    (each,) = found.candidates
    assert each.target == EXPECTED
    assert "it grants ClusterRole was, and the manifest of" in each.why
    (told,) = findings(found, "roleref-differs")
    assert told.next.endswith("cleanup deletes and creates it as one confirmed step")
    assert decided(judge([live], wish=expecting(wants(live, "was"))), live) == ("adopt", ("S3",))


def test_a_group_that_the_server_defaults_is_no_difference() -> None:
    live = binding()
    same = {**document(live), "roleRef": {"kind": "ClusterRole", "name": "was"}}
    assert decided(judge([live], wish=expecting(same)), live) == ("adopt", ("S3",))


@pytest.mark.parametrize(
    ("parts", "rule"),
    [
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "sync"}}, "S4"),
        ({"annotations": {"helm.sh/resource-policy": "keep"}}, "S8"),
        ({"finalizers": ["example.test/hold"]}, "S8"),
        ({"deleting": True}, "S8"),
        ({"release_namespace": "apps", "release": OLD}, "S1"),
        ({"release": None}, "S1"),
    ],
)
def test_what_speaks_against_it_protects_it(parts: dict[str, Any], rule: str) -> None:
    live = binding(**parts)
    found = judge([live, stale("ConfigMap", "other")], wish=expecting(wants(live, "shall-be")))
    assert decided(found, live)[0] == "protect"
    assert rule in decided(found, live)[1]


def test_a_namespace_that_cleanup_may_not_touch_protects_it() -> None:
    live = binding(kind="RoleBinding", namespace="apps")
    found = judge([live], wish=expecting(wants(live, "shall-be")))
    assert decided(found, live) == ("protect", ("S3", "S5"))


def test_without_the_file_itself_it_is_left_alone_and_told_what_is_lacking() -> None:
    live = binding()
    found = judge([live], wish=expecting(wants(live, "shall-be"), whole=False))
    assert decided(found, live) == ("protect", ("S3",))
    assert "would only turn a clean refusal into a failed release" in why_of(found)
    assert "--manifest FILE" in why_of(found)


def test_one_that_bears_the_expected_stamp_already_is_made_again_too() -> None:
    mine = binding(release=EXPECTED)
    failed = record(EXPECTED, 1, "failed", [wants(mine, "shall-be")])
    assert decided(judge([failed, mine], wish=expecting(wants(mine, "shall-be"))), mine) == ("recreate", ("S3",))
    assert decided(judge([failed, mine], wish=expecting(wants(mine, "was"))), mine) == ("protect", ("S3",))


def test_without_a_manifest_one_of_which_nothing_is_known_is_adopted_with_a_word_of_doubt() -> None:
    found = judge([binding()], wish=Wish(EXPECTED))
    assert found.candidates[0].decision.value == "adopt"
    assert "only that release's manifest can tell (--manifest FILE)" in why_of(found)


@pytest.mark.parametrize(
    "world",
    [
        [record(EXPECTED, 1, "failed", [wants(binding(), "shall-be")])],
        [record(OLDER, 1, "failed", [wants(binding(), "shall-be")])],
        [record(OLDER, 1, "failed", info=SAID)],
    ],
    ids=["its own failed revision", "another's failed revision", "a failed revision's words"],
)
def test_without_a_manifest_one_that_is_known_to_differ_is_left_alone(world: list[Json]) -> None:
    live = binding()
    found = judge([*world, live], wish=Wish(EXPECTED))
    assert decided(found, live) == ("protect", ("S3",))
    assert "--manifest FILE" in why_of(found)


def test_the_owner_s_text_that_names_it_leaves_it_alone_and_a_manifest_outdates_the_text() -> None:
    live, other = binding(), binding("other")
    found = judge([live, other], wish=Wish(EXPECTED, error=read_error(REFUSED)))
    assert decided(found, live) == ("protect", ("S3",))
    assert decided(found, other) == ("adopt", ("S3",))
    assert "the owner's text says" in next(c.why for c in found.candidates if c.ref.name == "b")
    told = [each for each in findings(found, "refused-install") if "over the roleRef" in each.summary]
    assert any("--manifest FILE" in text for text in told[0].evidence)
    wish = expecting(wants(live, "was"), wants(other, "was"))
    mended = judge([live, other], wish=Wish(EXPECTED, error=read_error(REFUSED), forecast=wish.forecast))
    assert decided(mended, live) == ("adopt", ("S3",))


def test_what_its_own_newest_attempt_wanted_outweighs_what_another_release_wanted() -> None:
    live = binding()
    mine = record(EXPECTED, 1, "failed", [wants(live, "was")])
    other = record(OLDER, 1, "failed", [wants(live, "shall-be")])
    assert decided(judge([mine, other, live], wish=Wish(EXPECTED)), live) == ("adopt", ("S3",))


def test_another_kind_with_a_field_of_that_name_is_no_binding() -> None:
    live = obj("ConfigMap", "c", release=OLD, roleRef=role("was"))
    assert decided(judge([live], wish=expecting(wants(live, "shall-be"))), live) == ("adopt", ("S3",))
