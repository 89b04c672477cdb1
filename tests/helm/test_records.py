"""Release records: those that the real Helm 3 and 4 wrote, and every way in which one can be damaged."""

import base64
import copy
import gzip
import json
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.helm.manifest import parse_manifest, stored_crds
from tui.helm.model import Hook, Record, Status, Undecodable
from tui.helm.records import MAX_ENCODED, MAX_EXPANDED, MAX_MEMBERS, MAX_VALUES, decode_record, is_record

Json = dict[str, Any]

LIVING = Path(__file__).parent.parent / "data" / "living-cluster.jsonl"
OBJECTS: list[Json] = [json.loads(line) for line in LIVING.read_text("utf-8").splitlines()]

PAYLOAD: Json = {
    "name": "gitops-flux-1a2b3c4d",
    "namespace": "flux-system",
    "version": 3,
    "info": {
        "first_deployed": "2026-01-01T10:00:00+02:00",
        "last_deployed": "2026-01-02T10:00:00.123456789+02:00",
        "deleted": "",
        "description": "Upgrade complete",
        "status": "deployed",
    },
    "chart": {"metadata": {"name": "flux2", "version": "2.18.3", "appVersion": "2.9.4"}},
    "manifest": "---\n# Source: flux2/templates/a.yaml\nkind: A\n",
}


def packed(payload: object) -> bytes:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return base64.b64encode(gzip.compress(raw))


def stored(payload: object = PAYLOAD, *, kind: str = "Secret", release: str | None = None, **labels: str) -> Json:
    if release is None:
        inner = packed(payload)
        release = (base64.b64encode(inner) if kind == "Secret" else inner).decode()
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {
            "name": "sh.helm.release.v1.gitops-flux-1a2b3c4d.v3",
            "namespace": "flux-system",
            "uid": "u-1",
            "resourceVersion": "77",
            "creationTimestamp": "2026-01-02T08:00:01Z",
            "labels": {
                "owner": "helm",
                "name": "gitops-flux-1a2b3c4d",
                "version": "3",
                "status": "deployed",
                **labels,
            },
        },
        "data": {"release": release},
    }


def changed(**parts: object) -> Json:
    payload = copy.deepcopy(PAYLOAD)
    for path, value in parts.items():
        *above, last = path.split("__")
        parent = payload
        for step in above:
            parent = parent[step]
        parent[last] = value
    return payload


def decoded(storage_object: Json) -> Record:
    record = decode_record(storage_object)
    assert isinstance(record, Record), record
    return record


def refused(storage_object: Json) -> str:
    answer = decode_record(storage_object)
    assert isinstance(answer, Undecodable), answer
    return answer.reason


REAL = [decode_record(o) for o in OBJECTS if is_record(o)]


class TestRecordsOfTheRealHelm:
    def test_all_four_are_found_and_decoded_without_a_disagreement(self) -> None:
        seen = [
            (r.storage.namespace, r.name, r.revision, r.status, r.apply_method, r.disagreements)
            for r in REAL
            if isinstance(r, Record)
        ]
        assert seen == [
            ("dock3", "harbour-3", 1, Status.SUPERSEDED, "csa", ()),
            ("dock3", "harbour-3", 2, Status.DEPLOYED, "csa", ()),
            ("dock4", "harbour-4", 1, Status.SUPERSEDED, "ssa", ()),
            ("dock4", "harbour-4", 2, Status.DEPLOYED, "ssa", ()),
        ]

    def test_nothing_else_in_the_cluster_is_taken_for_a_record(self) -> None:
        assert sum(map(is_record, OBJECTS)) == 4

    @pytest.mark.parametrize("index", range(4))
    def test_each_carries_chart_hook_times_and_crds(self, index: int) -> None:
        record = REAL[index]
        assert isinstance(record, Record)
        release = record.name
        assert (record.chart, record.chart_version, record.app_version) == ("harbour", "0.3.1", "1.4")
        events, policies = ("pre-install", "pre-upgrade"), ("before-hook-creation",)
        assert record.hooks == (Hook("ConfigMap", f"{release}-survey", events, policies, "Succeeded"),)
        assert [d.ref.label for d in parse_manifest(record.hooks[0].manifest)] == [f"ConfigMap {release}-survey"]
        assert record.updated.startswith("2026-11-23T05:21:5")
        assert record.created.startswith("2026-11-23T05:21:5")
        assert [d.ref.label for d in stored_crds(record)] == ["CustomResourceDefinition berths.harbour.example.test"]
        assert stored_crds(record)[0].source == "crds/berths.yaml"

    @pytest.mark.parametrize("index", range(4))
    def test_each_manifest_lists_its_documents_and_skips_the_empty_one(self, index: int) -> None:
        record = REAL[index]
        assert isinstance(record, Record)
        documents = parse_manifest(record.manifest)
        assert [d.ref.label for d in documents] == [
            f"{kind} {record.name}{suffix}"
            for kind, suffix in [
                ("ServiceAccount", ""),
                ("ConfigMap", "-tide"),
                ("ClusterRole", "-pilot"),
                ("ClusterRoleBinding", "-pilot"),
                ("Deployment", ""),
            ]
        ]
        assert {d.source for d in documents} == {"harbour/templates/all.yaml"}
        assert documents[1].annotations == {"helm.sh/resource-policy": "keep"}


def test_both_drivers_hold_the_same_record() -> None:
    secret, config_map = decoded(stored()), decoded(stored(kind="ConfigMap"))
    assert secret.storage.kind == "Secret"
    assert config_map.storage.kind == "ConfigMap"
    assert (secret.name, secret.namespace, secret.revision) == ("gitops-flux-1a2b3c4d", "flux-system", 3)
    assert secret.manifest == config_map.manifest == PAYLOAD["manifest"]
    assert secret.updated == "2026-01-02T10:00:00.123456789+02:00"
    assert (secret.created, secret.resource_version, secret.storage.uid) == ("2026-01-02T08:00:01Z", "77", "u-1")


def test_a_record_from_before_compression_is_read() -> None:
    plain = base64.b64encode(base64.b64encode(json.dumps(PAYLOAD).encode())).decode()
    assert decoded(stored(release=plain)).revision == 3


def test_line_breaks_in_base64_are_skipped_as_go_does() -> None:
    inner = packed(PAYLOAD)
    wrapped = b"\r\n".join(inner[i : i + 76] for i in range(0, len(inner), 76))
    assert decoded(stored(release=base64.b64encode(wrapped).decode())).revision == 3


def test_gzip_members_one_after_another_are_joined_as_go_does() -> None:
    raw = json.dumps(PAYLOAD).encode()
    joined = gzip.compress(raw[:100]) + gzip.compress(b"") + gzip.compress(raw[100:])
    assert decoded(stored(release=base64.b64encode(base64.b64encode(joined)).decode())).revision == 3


@pytest.mark.parametrize("status", [s.value for s in Status])
def test_every_status_of_helm_is_known(status: str) -> None:
    record = decoded(stored(changed(info__status=status), status=status))
    assert record.status.value == status
    assert record.disagreements == ()


def test_a_release_may_be_called_like_a_revision() -> None:
    storage_object = stored(changed(name="a.v2"), name="a.v2")
    storage_object["metadata"]["name"] = "sh.helm.release.v1.a.v2.v3"
    assert decoded(storage_object).disagreements == ()
    storage_object["data"] = {}
    answer = decode_record(storage_object)
    assert isinstance(answer, Undecodable)
    assert answer.name == "a.v2"


def test_an_undecodable_record_is_named_by_its_label_where_its_name_is_none() -> None:
    storage_object = stored()
    storage_object["data"] = {}
    storage_object["metadata"]["name"] = "sh.helm.release.v1.odd"
    answer = decode_record(storage_object)
    assert isinstance(answer, Undecodable)
    assert answer.name == "gitops-flux-1a2b3c4d"


@pytest.mark.parametrize("absent", ["", None])
def test_a_time_that_never_was_is_accepted(absent: str | None) -> None:
    assert decoded(stored(changed(info__deleted=absent, info__first_deployed=absent))).revision == 3
    payload = copy.deepcopy(PAYLOAD)
    del payload["info"]["deleted"]
    assert decoded(stored(payload)).revision == 3


def test_parts_that_helm_omits_when_empty_may_be_missing() -> None:
    payload = copy.deepcopy(PAYLOAD)
    del payload["manifest"], payload["info"]["description"], payload["chart"]["metadata"]["appVersion"]
    record = decoded(stored(payload))
    assert (record.manifest, record.description, record.app_version, record.hooks) == ("", "", "", ())


@pytest.mark.parametrize(("given_method", "expected"), [("ssa", "ssa"), ("csa", "csa"), ("", "csa"), (None, "csa")])
def test_apply_method(given_method: str | None, expected: str) -> None:
    assert decoded(stored(changed(apply_method=given_method))).apply_method == expected


def test_text_for_screens_is_cleaned_and_the_manifest_is_not() -> None:
    nasty = "\x1b]0;owned\x07\u202e"
    record = decoded(
        stored(changed(info__description=nasty, manifest=nasty, hooks=[{"name": nasty, "kind": "Job", "events": None}]))
    )
    assert "\x1b" not in record.description
    assert "\x1b" not in record.hooks[0].name
    assert record.manifest == nasty
    assert nasty not in repr(record)


@pytest.mark.parametrize(
    ("labels", "name", "words"),
    [
        ({"status": "superseded"}, None, "label status says 'superseded', the payload deployed"),
        ({"name": "other"}, None, "label name says 'other', the payload gitops-flux-1a2b3c4d"),
        ({"version": "03"}, None, "label version says '03', the payload 3"),
        ({}, "sh.helm.release.v1.gitops-flux-1a2b3c4d.v4", "the object is called"),
        ({}, "sh.helm.release.v1.gitops-flux-1a2b3c4d.v03", "the object is called"),
    ],
)
def test_a_contradicting_storage_object_is_told_in_words(labels: dict[str, str], name: str | None, words: str) -> None:
    storage_object = stored(**labels)
    if name:
        storage_object["metadata"]["name"] = name
    (told,) = decoded(storage_object).disagreements
    assert words in told


def test_missing_labels_are_disagreements_too() -> None:
    storage_object = stored()
    storage_object["metadata"]["labels"] = {"owner": "helm"}
    assert [told.split()[2] for told in decoded(storage_object).disagreements] == ["name", "version", "status"]


def bomb(size: int) -> str:
    packer = zlib.compressobj(9, wbits=31)
    parts = [packer.compress(b"\0" * 1_000_000) for _ in range(size // 1_000_000)]
    return base64.b64encode(base64.b64encode(b"".join(parts) + packer.flush())).decode()


def twice(raw: bytes) -> str:
    return base64.b64encode(base64.b64encode(raw)).decode()


@pytest.mark.parametrize(
    ("release", "reason"),
    [
        pytest.param(lambda: "A" * (MAX_ENCODED + 4), f"more than the {MAX_ENCODED}", id="too long"),
        pytest.param(lambda: bomb(MAX_EXPANDED + 2_000_000), "expands to more than", id="gzip bomb"),
        pytest.param(
            lambda: twice(gzip.compress(b"1" * MAX_EXPANDED) + gzip.compress(b"1")),
            "expands to more than",
            id="bomb of two members",
        ),
        pytest.param(lambda: twice(gzip.compress(b"") * (MAX_MEMBERS + 1)), "members", id="too many members"),
        pytest.param(lambda: twice(gzip.compress(b"{}")[:-9]), "cut short", id="truncated gzip"),
        pytest.param(lambda: twice(gzip.compress(b"{}") + b"junk"), "damaged", id="junk after gzip"),
        pytest.param(lambda: twice(gzip.compress(b"{}")[:-4] + b"\0\0\0\0"), "damaged", id="wrong checksum"),
        pytest.param(lambda: twice(b"\x1f\x8b\x08"), "not UTF-8", id="only a magic"),
        pytest.param(lambda: "%%%", "data.release is not base64", id="wrong outer base64"),
        pytest.param(lambda: "naïve", "data.release is not base64", id="outer not ASCII"),
        pytest.param(lambda: base64.b64encode(b"a b*").decode(), "not base64", id="wrong inner base64"),
        pytest.param(lambda: base64.b64encode(b"\xff\xfe").decode(), "not base64", id="inner not ASCII"),
        pytest.param(lambda: "", "not JSON", id="empty"),
        pytest.param(lambda: twice(gzip.compress(b"[" * 100_000)), "nested too deep", id="deep JSON"),
        pytest.param(lambda: twice(gzip.compress(b"[" + b"{}," * MAX_VALUES)), "values", id="wide JSON"),
        pytest.param(lambda: twice(gzip.compress(b'{"version": ' + b"9" * 5000 + b"}")), "not JSON", id="huge integer"),
        pytest.param(lambda: twice(gzip.compress(b'{"version": NaN}')), "not JSON", id="NaN"),
        pytest.param(lambda: twice(gzip.compress(b"\xff\xfe")), "not UTF-8", id="not UTF-8"),
        pytest.param(lambda: twice(gzip.compress(b"[]")), "not a JSON object", id="a list"),
        pytest.param(lambda: twice(gzip.compress(b"{")), "not JSON", id="half an object"),
    ],
)
def test_hostile_data_is_undecodable(release: Callable[[], str], reason: str) -> None:
    assert reason in refused(stored(release=release()))


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (changed(name=None), "name is missing"),
        (changed(name=7), "name is not text"),
        (changed(name="UPPER"), "not one that Kubernetes allows"),
        (changed(name="a\x1b[2J"), "not one that Kubernetes allows"),
        (changed(namespace=""), "namespace is missing"),
        (changed(version=True), "not a revision number"),
        (changed(version="3"), "not a revision number"),
        (changed(version=0), "not a revision number"),
        (changed(version=2**63), "not a revision number"),
        (changed(version=3.0), "not a revision number"),
        (changed(info=[]), "info is not an object"),
        (changed(info=None), "info is missing"),
        (changed(info__status=None), "info.status is missing"),
        (changed(info__status="paused"), "'paused' is none that Helm knows"),
        (changed(info__description=[]), "info.description is not text"),
        (changed(info__last_deployed=None), "info.last_deployed is missing"),
        (changed(info__last_deployed="yesterday"), "not an RFC 3339 time"),
        (changed(info__last_deployed="2026-13-01T00:00:00Z"), "not an RFC 3339 time"),
        (changed(info__last_deployed="2026-01-01T00:00:00"), "not an RFC 3339 time"),
        (changed(info__last_deployed="2026-01-01 00:00:00Z"), "not an RFC 3339 time"),
        (changed(info__deleted=12), "info.deleted is not text"),
        (changed(info__first_deployed="x"), "not an RFC 3339 time"),
        (changed(apply_method="magic"), "apply_method 'magic'"),
        (changed(apply_method=1), "apply_method is not text"),
        (changed(manifest={}), "manifest is not text"),
        (changed(manifest="a: \ud800"), "lone surrogate"),
        (changed(chart=None), "chart is missing"),
        (changed(chart__metadata=[]), "chart.metadata is not an object"),
        (changed(chart__metadata__name=None), "chart.metadata.name is missing"),
        (changed(chart__metadata__version=2), "chart.metadata.version is not text"),
        (changed(chart__files={}), "chart.files is not a list"),
        (changed(chart__files=["x"]), "chart.files[0] is not an object"),
        (changed(chart__files=[{"name": 1}]), "chart.files[0].name is not text"),
        (changed(chart__files=[{"name": "crds/a.yaml", "data": "*"}]), "chart.files[0].data is not base64"),
        (changed(chart__files=[{"name": "crds/a.yaml", "data": "//79"}]), "chart.files[0].data is not UTF-8"),
        (changed(hooks={}), "hooks is not a list"),
        (changed(hooks=[1]), "hooks[0] is not an object"),
        (changed(hooks=[{"kind": "Job"}]), "hooks[0].name is missing"),
        (changed(hooks=[{"kind": "Job", "name": "a", "events": "x"}]), "hooks[0].events is not a list"),
        (changed(hooks=[{"kind": "Job", "name": "a", "events": [1]}]), "hooks[0].events holds something"),
        (
            changed(hooks=[{"kind": "Job", "name": "a", "delete_policies": {}}]),
            "hooks[0].delete_policies is not a list",
        ),
        (changed(hooks=[{"kind": "Job", "name": "a", "manifest": 7}]), "hooks[0].manifest is not text"),
        (changed(hooks=[{"kind": "Job", "name": "a", "manifest": "\ud800"}]), "hooks[0].manifest holds half a char"),
    ],
)
def test_an_odd_field_is_undecodable_with_its_name(payload: Json, reason: str) -> None:
    assert reason in refused(stored(payload))


def test_files_that_are_no_crds_are_not_even_looked_at() -> None:
    files = [{"name": "README.md", "data": "***"}, {"name": "crds/notes.txt", "data": "***"}]
    assert decoded(stored(changed(chart__files=files))).crds == ()


def test_reasons_never_quote_the_payload() -> None:
    assert "hunter2" not in refused(stored(b'{"config": {"password": "hunter2"'))
    assert "hunter2" not in refused(stored(changed(manifest=["hunter2"])))


@pytest.mark.parametrize("part", ["metadata", "data", "kind", "apiVersion"])
@pytest.mark.parametrize("value", [None, 1, "x", [], {}, ["a"], {"labels": 1, "name": 2, "release": 3}])
def test_a_strange_storage_object_never_raises(part: str, value: object) -> None:
    storage_object = stored()
    storage_object[part] = value
    is_record(storage_object)
    assert isinstance(decode_record(storage_object), Record | Undecodable)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


def paths(value: object, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [here, *(path for key, item in inner for path in paths(item, (*here, key)))]


FULL = changed(
    hooks=[{"name": "h", "kind": "Job", "events": ["pre-install"]}],
    chart__files=[{"name": "crds/a.yaml", "data": "YQ=="}],
    apply_method="ssa",
)


@given(path=st.sampled_from([p for p in paths(FULL) if p]), value=json_values)
def test_any_value_in_any_place_is_a_record_or_undecodable(path: tuple[Any, ...], value: object) -> None:
    payload: Any = copy.deepcopy(FULL)
    parent = payload
    for step in path[:-1]:
        parent = parent[step]
    parent[path[-1]] = value
    assert isinstance(decode_record(stored(payload)), Record | Undecodable)


@given(st.binary(max_size=400))
def test_any_bytes_are_undecodable(raw: bytes) -> None:
    for release in (raw.decode("latin-1"), base64.b64encode(raw).decode(), twice(raw), twice(gzip.compress(raw))):
        assert isinstance(decode_record(stored(release=release)), Undecodable)


@settings(max_examples=60)
@given(
    name=st.from_regex(r"\A[a-z0-9]([a-z0-9.]{0,20}[a-z0-9])?\Z").filter(lambda n: ".." not in n),
    revision=st.integers(1, 2**40),
    status=st.sampled_from(Status),
    manifest=st.text(st.characters(exclude_categories=["Cs"])),
    kind=st.sampled_from(["Secret", "ConfigMap"]),
)
def test_what_is_stored_comes_back(name: str, revision: int, status: Status, manifest: str, kind: str) -> None:
    payload = changed(name=name, version=revision, info__status=status.value, manifest=manifest)
    storage_object = stored(payload, kind=kind, name=name, version=str(revision), status=status.value)
    storage_object["metadata"]["name"] = f"sh.helm.release.v1.{name}.v{revision}"
    record = decoded(storage_object)
    assert (record.name, record.revision, record.status, record.manifest) == (name, revision, status, manifest)
    assert record.disagreements == ()
