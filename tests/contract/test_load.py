"""Loading: what a contract may say, and one clear sentence with its place for everything else."""

import os
import re
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.contract.load import (
    MAX_BYTES,
    ContractFault,
    find_contract,
    load_contract,
    parse_contract,
    shipped,
)
from tui.contract.model import Allow, Claim, Contract, Decision, Family, Guardrail, Health, Mark, Reconcile, Selector
from tui.faults import Exit

FULL = """\
version: 1
name: tethys
cluster: {uid: 6a1f-22}
layers:
  - {name: infra, title: Infrastructure, owner: pulumi}
  - {name: apps}
owners:
  pulumi:
    title: Pulumi
    marks:
      - {manager: [pulumi, "pulumi-[0-9a-f]*"]}
      - {label: {managed-by: pulumi}}
      - {annotation: {pulumi.com/*: "*"}}
      - {family: flux}
      - {inventory: [Kustomization]}
    reconcile: {command: pulumi refresh}
  flux:
    reconcile: {annotate: {kind: GitRepository, namespace: fs, name: fs}}
claims:
  - owner: pulumi
    layer: infra
    source: cluster/
    select:
      - kinds: [Namespace]
        groups: [""]
        names: [fs]
      - {namespaces: [a], labels: {x: "1"}, annotations: {y: "*"}, fields: {spec.type: [NodePort]}}
      - {namespaces_not: [a]}
releases:
  - family: flux
    generated: gitops-flux
    match: old-*
    names: [pinned]
    namespace: fs
    owner: pulumi
    cleanup: {cluster_scoped: true, namespaces: [fs]}
guardrails:
  - {id: no-ingress, deny: {kinds: [Ingress]}, reason: tunnels}
health:
  - {deployments: [source-controller], namespace: fs}
  - {ready: Kustomization, name: fs, namespace: fs, optional: true}
allow:
  - {code: guardrail, resource: Ingress/apps/old, reason: going, expires: 2027-01-31}
decisions:
  - resource: ClusterRole/x*
    owner: pulumi
    removed: b.yaml
    reason: >
      two
      lines
"""
MINIMAL = "version: 1\nname: t\nlayers: [{name: l}]\nowners: {o: {}}\n"


def loaded(text: str) -> Contract:
    return parse_contract(text.encode(), "x.yaml")


def test_a_mark_may_have_to_name_the_object_itself_or_its_owners_kind() -> None:
    marks = """[{annotation: {a/id: "*:{group}/{kind}:{namespace}/{name}"}}, {owner_kind: ["Csv.x.io", "B*"]}]"""
    owner = loaded(MINIMAL.replace("{o: {}}", f"{{o: {{marks: {marks}}}}}")).owners["o"]
    assert owner.marks == (
        Mark(annotation={"a/id": "*:{group}/{kind}:{namespace}/{name}"}),
        Mark(owner_kind=("Csv.x.io", "B*")),
    )
    odd = loaded(MINIMAL.replace("{o: {}}", """{o: {marks: [{annotation: {a: '{"json":[1]}'}}]}}"""))
    assert odd.owners["o"].marks == (Mark(annotation={"a": '{"json":[1]}'}),)


def test_everything_a_contract_can_say() -> None:
    contract = loaded(FULL)
    assert (contract.name, contract.cluster_uid, contract.source) == ("tethys", "6a1f-22", "x.yaml")
    assert [(layer.name, layer.title, layer.owner) for layer in contract.layers] == [
        ("infra", "Infrastructure", "pulumi"),
        ("apps", "apps", None),
    ]
    assert contract.owners["pulumi"].marks == (
        Mark(manager=("pulumi", "pulumi-[0-9a-f]*")),
        Mark(label={"managed-by": "pulumi"}),
        Mark(annotation={"pulumi.com/*": "*"}),
        Mark(family="flux"),
        Mark(inventory=("Kustomization",)),
    )
    assert contract.owners["pulumi"].reconcile == Reconcile("pulumi refresh")
    assert contract.owners["flux"].reconcile == Reconcile(None, "GitRepository", "fs", "fs")
    assert contract.owners["flux"].title == "flux"
    selectors = (
        Selector(kinds=("Namespace",), groups=("",), names=("fs",)),
        Selector(namespaces=("a",), labels={"x": "1"}, annotations={"y": "*"}, fields={"spec.type": ("NodePort",)}),
        Selector(namespaces_not=("a",)),
    )
    assert contract.claims == (Claim("pulumi", "infra", "cluster/", selectors, line=20),)
    assert contract.releases == (Family("flux", "fs", "pulumi", "gitops-flux", "old-*", ("pinned",), True, ("fs",)),)
    assert contract.guardrails == (Guardrail("no-ingress", Selector(kinds=("Ingress",)), "tunnels"),)
    assert contract.health == (
        Health("fs", ("source-controller",)),
        Health("fs", (), "Kustomization", "fs", True),
    )
    assert contract.allow == (Allow("guardrail", "Ingress/apps/old", "going", date(2027, 1, 31)),)
    assert contract.decisions == (Decision("ClusterRole/x*", "pulumi", "two lines", "b.yaml"),)
    assert [contract.releases[0].line, contract.allow[0].line, contract.decisions[0].line] == [30, 43, 45]


def test_what_may_be_left_out() -> None:
    contract = loaded(MINIMAL)
    assert (contract.claims, contract.releases, contract.cluster_uid) == ((), (), None)
    empty = loaded(MINIMAL + "cluster: {uid: null}\nclaims: []\nallow:\n")
    assert (empty.claims, empty.allow, empty.cluster_uid) == ((), (), None)
    assert loaded(MINIMAL + "cluster:\n").cluster_uid is None


def test_the_hash_is_of_the_files_bytes() -> None:
    # printf 'version: 1\nname: t\nlayers: [{name: l}]\nowners: {o: {}}\n' | sha256sum
    assert loaded(MINIMAL).sha256 == "ea06a7732b831b2824ba2b47f3b9e263f3a8febade280b5ccba89a83f19e99da"
    assert loaded(MINIMAL + "\n").sha256 != loaded(MINIMAL).sha256


def test_anchors_and_a_byte_order_mark_are_fine() -> None:
    text = FULL.replace("names: [fs]", "names: &fs [fs]").replace("namespaces: [fs]", "namespaces: *fs")
    assert loaded("\ufeff" + text).releases == loaded(FULL).releases


def replaced(old: str, new: str) -> str:
    assert FULL.count(old) == 1, old
    return FULL.replace(old, new)


BAD: list[tuple[str, str | int, str]] = [
    # The text, where the fault points to, and what it says.
    # An unknown key, with the nearest known one.
    (replaced("claims:\n", "claim:\n"), "claim", "a contract has no key 'claim'; did you mean 'claims'?"),
    (
        replaced("kinds: [Namespace]", "kind: [Namespace]"),
        "kind: [",
        "a selector has no key 'kind'; did you mean 'kinds'?",
    ),
    (replaced("source: cluster/", "sauce: cluster/"), "sauce", "a claim has no key 'sauce'; did you mean 'source'?"),
    (
        replaced("title: Pulumi\n", "zzz: Pulumi\n"),
        "zzz",
        "an owner has no key 'zzz'; known are marks, process, reconcile, title",
    ),
    (replaced("{manager: [pulumi,", "{managers: [pulumi,"), "managers", "a mark has no key 'managers'"),
    (replaced("{uid: 6a1f-22}", "{id: x}"), "id: x", "cluster has no key 'id'; did you mean 'uid'?"),
    # A missing key.
    ("name: t\nlayers: [{name: l}]\nowners: {o: {}}\n", "name: t", "a contract needs the key 'version'"),
    (replaced("- {name: apps}", "- {title: x}"), "{title", "a layer needs the key 'name'"),
    (replaced("    layer: infra\n", ""), "owner: pulumi\n    source", "a claim needs the key 'layer'"),
    (replaced("deny: {kinds: [Ingress]}, ", ""), "{id", "a guardrail needs the key 'deny'"),
    (replaced("name: fs, namespace: fs, optional", "namespace: fs, optional"), "{ready", "ready needs the key 'name'"),
    (replaced(", expires: 2027-01-31", ""), "{code", "an allowed finding needs the key 'expires'"),
    # A wrong type.
    (replaced("version: 1", 'version: "1"'), '"1"\n', "version 1, written without quotes"),
    (replaced("name: tethys", "name: 5"), "5", "text is expected here, not a number; put it in quotes"),
    (replaced("name: tethys", "name: yes"), "yes", "text is expected here, not a boolean; put it in quotes"),
    (replaced("name: tethys", "name: 22:22"), "22:", "text is expected here, not a number"),
    (replaced("name: tethys", "name: [a]"), "[a]\n", "text is expected here, not a list"),
    (replaced("name: tethys", "name:"), "name:\n", "a contract needs a value for the key 'name'"),
    (replaced("names: [fs]", "names: fs"), "fs\n     ", "a list of names is expected here, not text"),
    (replaced("names: [fs]", "names: []"), "[]", "at least one of these is expected here: names"),
    (replaced("names: [fs]", "names: [{a: b}]"), "{a:", "text is expected here, not a mapping"),
    (replaced('labels: {x: "1"}', "labels: {x: 1}"), "1},", "text is expected here, not a number"),
    (replaced('labels: {x: "1"}', "labels: {}"), "{}", "a mapping of labels is expected here, and it is empty"),
    (replaced('labels: {x: "1"}', "labels: [x]"), "[x", "a mapping of labels is expected here, not a list"),
    (replaced("cluster_scoped: true", "cluster_scoped: yes"), "yes", "true or false is expected here"),
    (replaced("optional: true", 'optional: "true"'), '"true', "true or false is expected here"),
    # Half read, each of these would restrict nothing.
    (replaced("{uid: 6a1f-22}", '{uid: ""}'), '""}', "a plain name (no glob) is expected here"),
    (replaced("{uid: 6a1f-22}", "{uid: 6122}"), "6122", "text is expected here, not a number"),
    (replaced("{uid: 6a1f-22}", "{uid: [6a1f-22]}"), "[6a1f", "text is expected here, not a list"),
    (replaced("{uid: 6a1f-22}", "6a1f-22"), "6a1f", "cluster is expected here, not text"),
    (replaced("cluster_scoped: true", 'cluster_scoped: "false"'), '"false', "true or false is expected here"),
    (replaced("cluster_scoped: true", "cluster_scoped: 1"), "1, n", "true or false is expected here"),
    (
        replaced("cluster_scoped: true, namespaces: [fs]", "namespaces: fs"),
        "fs}\nguard",
        "a list of namespaces is expected",
    ),
    (replaced("{namespaces_not: [a]}", "{namespaces_not: []}"), "[]}", "at least one of these is expected here"),
    (replaced("deny: {kinds: [Ingress]}", 'deny: {kinds: ""}'), '""}', "a list of kinds is expected here, not text"),
    (replaced("deny: {kinds: [Ingress]}", "deny: {fields: {}}"), "{}", "a mapping of dotted paths is expected here"),
    (replaced("deny: {kinds: [Ingress]}", "deny: []"), "[], r", "a selector is expected here, not a list"),
    (replaced("expires: 2027-01-31", "expires: 20270131"), "20270131", "a date such as 2027-01-31 is expected here"),
    (replaced("expires: 2027-01-31", "expires: [2027-01-31]"), "[2027", "a date such as 2027-01-31 is expected here"),
    ("- version: 1\n", "-", "a contract is expected here, not a list"),
    ("just words\n", "just", "a contract is expected here, not text"),
    (replaced("- {namespaces_not: [a]}", "- {}"), "{}", "a selector without any key would choose everything"),
    (replaced("{namespaces_not: [a]}", "{namespaces_not: [a], namespaces: [b]}"), "[a], namespaces", "not both"),
    (replaced("{family: flux}", "{family: flux, inventory: [HelmRelease]}"), "{family", "a mark has exactly one of"),
    (replaced("{command: pulumi refresh}", "{}"), "{}", "a reconcile has exactly one of command, annotate"),
    (replaced("{deployments: [source-controller], ", "{"), "{namespace:", "either deployments, or ready with a name"),
    (
        replaced("    generated: gitops-flux\n    match: old-*\n    names: [pinned]\n", ""),
        "family: flux\n",
        "generated, names or match",
    ),
    # A bad glob, name, field or resource.
    (replaced("names: [fs]", 'names: ["f[s"]'), '"f', "the glob opens a [ that it does not close"),
    (replaced("names: [fs]", 'names: ["f[]"]'), '"f', "the glob has an empty [ ]"),
    (replaced("names: [fs]", 'names: ["f[z-a]"]'), '"f', "the glob has a range that runs backwards"),
    (replaced("names: [fs]", 'names: [""]'), '""]\n      -', "a glob cannot be empty"),
    (replaced("names: [fs]", 'names: ["a b"]'), '"a', "a glob holds no spaces"),
    (replaced("names: [fs]", f"names: [{'a' * 301}]"), 627, "a glob has at most 300 characters"),
    (replaced("names: [fs]", 'names: ["a\\e[2J"]'), '"a', "the text holds a control character"),
    (replaced("namespaces: [fs]", "namespaces: [f*]"), "f*", "a plain name (no glob) is expected here, not 'f*'"),
    (replaced("generated: gitops-flux", "generated: gitops-*"), "gitops", "a plain name (no glob)"),
    (replaced("fields: {spec.type:", "fields: {spec..type:"), "spec", "a dotted path such as spec.type"),
    (replaced("Ingress/apps/old", "Ingress"), "Ingress,", "Kind/name or Kind/namespace/name is expected here"),
    (replaced("Ingress/apps/old", '"Ingress/apps/o[ld"'), '"Ingress', "the glob opens a ["),
    (replaced("name: tethys", "name: -tethys-"), "-tethys", "a name of letters, digits, dots"),
    # A duplicate.
    (FULL + "name: again\n", "name: again", "the key 'name' is there twice; the first is on line 2"),
    (replaced("- {name: apps}", "- {name: infra}"), "{name: infra}", "'infra' is listed twice"),
    (replaced("names: [fs]", "names: [fs, fs]"), "fs]\n", "'fs' is listed twice"),
    (
        replaced("  flux:\n", "  pulumi:\n"),
        "pulumi:\n    reconcile",
        "the key 'pulumi' is there twice; the first is on line 8",
    ),
    (
        replaced("- {id: no-ingress,", "- {id: no-ingress, deny: {kinds: [A]}}\n  - {id: no-ingress,"),
        "{id: no-ingress, deny: {kinds: [Ingress",
        "'no-ingress' is listed twice",
    ),
    # Something that is not there.
    (
        replaced("name: infra, title: Infrastructure, owner: pulumi", "name: infra, owner: pulum"),
        "pulum}",
        "did you mean 'pulumi'?",
    ),
    (
        replaced("  - owner: pulumi\n    layer: infra", "  - owner: nobody\n    layer: infra"),
        "nobody",
        "'nobody' is not an owner",
    ),
    (
        replaced("    layer: infra\n", "    layer: infrared\n"),
        "infrared",
        "'infrared' is not a layer that is known here; did you mean 'infra'?",
    ),
    (
        replaced("{family: flux}", "{family: flax}"),
        "flax",
        "'flax' is not a release family that is known here; did you mean 'flux'?",
    ),
    (
        replaced("inventory: [Kustomization]", "inventory: [Kustomisation]"),
        "Kustomisation",
        "did you mean 'Kustomization'?",
    ),
    (
        replaced('{pulumi.com/*: "*"}', '{pulumi.com/*: "*:{nmae}"}'),
        '"*:{nmae}"',
        "{nmae} stands for nothing here; did you mean 'name'?",
    ),
    (replaced("{label: {managed-by: pulumi}}", '{label: {x: "{x}"}}'), '"{x}"', "{x} stands for nothing here"),
    (replaced("{family: flux}", "{owner_kind: []}"), "[]", "kinds"),
    (
        replaced("code: guardrail", "code: guardrails"),
        "guardrails,",
        "'guardrails' is not a finding code that is known here; did you mean 'guardrail'?",
    ),
    # A bad date, a bad version.
    (replaced("2027-01-31", "2027-02-30"), "2027", "a date such as 2027-01-31 is expected here"),
    (replaced("2027-01-31", "soon"), "soon", "a date such as 2027-01-31 is expected here"),
    (replaced("2027-01-31", "2027-01-31T00:00:00Z"), "2027", "a date such as 2027-01-31 is expected here"),
    (replaced("version: 1", "version: 2"), "2\n", "this Refloat reads contracts of version 1"),
    (replaced("version: 1", "version: 1.0"), "1.", "this Refloat reads contracts of version 1"),
    # Not YAML, or not the kind that a contract is.
    ("", "", "the file is empty"),
    ("# nothing\n", "#", "the file is empty"),
    ("version: 1\n  name: x\n", ": x", "this is not YAML: mapping values are not allowed"),
    ("version: [1\n", 12, "this is not YAML"),
    ("a: \x07\n", "\x07", "this is not YAML"),
    (MINIMAL + "---\n" + MINIMAL, "--", "a second document"),
    ("a: !!python/object/apply:os.system [x]\n", "!!", "a contract has no use for the tag"),
    (replaced("name: tethys", "name: !secret x"), "!", "text is expected here, not an unknown kind of value"),
    ("1: a\n", "1", "a key is text, not a number; put it in quotes"),
    ("<<: {a: b}\n", "<<", "a key is text, not a merge key"),
    ("? [a]\n: b\n", "[", "a key is text, not a list"),
    ("a: *nowhere\n", "*", "the alias *nowhere names nothing above it"),
    ("a: &a [*a]\n", "*", "the alias *a stands inside what it names"),
    ("a: " + "[" * 100_000, 22, "values are nested more than 20 deep"),
    ("a: " + "{b: " * 100_000, 76, "values are nested more than 20 deep"),
    (
        "a: &a [" + "x, " * 400 + "]\nb: &b [" + "*a, " * 400 + "]\n",
        2204,
        "more than 100000 values once its aliases are written out",
    ),
]


def placed(text: str, at: str | int) -> str:
    """``line:column`` of the one place where ``at`` stands; a number is an offset where no text is unlike the rest."""
    offset = text.index(at) if isinstance(at, str) else at
    assert isinstance(at, int) or text.count(at) <= 1 or not at
    before = text[:offset].split("\n")
    return f"{len(before)}:{len(before[-1]) + 1}"


@pytest.mark.parametrize(
    ("text", "at", "words"), BAD, ids=[f"{number}-{words[:40]}" for number, (*_, words) in enumerate(BAD)]
)
def test_each_bad_input_is_one_sentence_with_its_place(text: str, at: str | int, words: str) -> None:
    with pytest.raises(ContractFault) as caught:
        loaded(text)
    message = str(caught.value)
    assert message.startswith(f"x.yaml:{placed(text, at)}: ")
    assert words in message
    assert "\n" not in message
    assert caught.value.exit_code is Exit.USAGE


def test_bytes_that_are_not_utf_8_are_placed() -> None:
    with pytest.raises(ContractFault, match=r"^x\.yaml:2:8: this is not UTF-8 text"):
        parse_contract(b"version: 1\nname: \xc3\xa9\xe9\n", "x.yaml")


def test_the_file_name_is_cleaned_in_messages() -> None:
    with pytest.raises(ContractFault) as caught:
        parse_contract(b"", "a\x1b[2J.yaml")
    assert "\x1b" not in str(caught.value)


class TestFiles:
    def test_a_file_is_loaded_with_its_path_as_source(self, tmp_path: Path) -> None:
        path = tmp_path / "c.yaml"
        path.write_text(MINIMAL)
        assert load_contract(path) == parse_contract(MINIMAL.encode(), str(path))

    def test_a_missing_file(self, tmp_path: Path) -> None:
        with pytest.raises(ContractFault, match=re.escape(f"{tmp_path / 'no.yaml'}:1:1: there is no such file")):
            load_contract(tmp_path / "no.yaml")

    def test_a_directory(self, tmp_path: Path) -> None:
        with pytest.raises(ContractFault, match=r":1:1: this is a directory"):
            load_contract(tmp_path)

    def test_a_name_that_no_file_has(self) -> None:
        with pytest.raises(ContractFault, match="cannot be read"):
            load_contract(Path("a\0b"))

    def test_an_unreadable_file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        path = tmp_path / "c.yaml"
        path.write_text(MINIMAL)
        # The tests may run as root, whom no mode keeps out.
        monkeypatch.setattr(Path, "open", _refuse)
        with pytest.raises(ContractFault, match=r":1:1: the file cannot be read: Permission denied"):
            load_contract(path)

    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(ContractFault, match="not a regular file"):
            load_contract(tmp_path / "pipe")

    def test_a_huge_file_is_refused_after_its_first_megabyte(self, tmp_path: Path) -> None:
        path = tmp_path / "huge.yaml"
        with path.open("wb") as file:
            file.truncate(1024**3)
        with pytest.raises(ContractFault, match=f":1:1: the file has more than {MAX_BYTES} bytes"):
            load_contract(path)


def _refuse(*_: object, **__: object) -> None:
    raise PermissionError(13, "Permission denied")


class TestFinding:
    def test_the_option_comes_first_there_or_not(self, tmp_path: Path) -> None:
        (tmp_path / "ownership.yaml").write_text(MINIMAL)
        environ = {"REFLOAT_CONTRACT": "env.yaml"}
        assert find_contract("opt.yaml", environ, tmp_path, tmp_path) == tmp_path / "opt.yaml"
        assert find_contract("/abs/opt.yaml", environ, tmp_path, tmp_path) == Path("/abs/opt.yaml")
        assert find_contract(None, environ, tmp_path, tmp_path) == tmp_path / "env.yaml"

    def test_then_the_working_directory_then_the_config_directory_then_the_shipped_one(self, tmp_path: Path) -> None:
        here, config = tmp_path / "here", tmp_path / "config"
        here.mkdir()
        config.mkdir()
        assert find_contract(None, {"REFLOAT_CONTRACT": ""}, here, config) == shipped()
        (config / "ownership.yaml").write_text(MINIMAL)
        assert find_contract(None, {}, here, config) == config / "ownership.yaml"
        (here / "ownership.yaml").mkdir()
        assert find_contract(None, {}, here, config) == here / "ownership.yaml"


@given(st.binary(max_size=300))
def test_any_bytes_are_a_contract_fault(data: bytes) -> None:
    with pytest.raises(ContractFault):
        parse_contract(data, "x.yaml")


@settings(max_examples=300, deadline=None)
@given(
    start=st.integers(0, len(FULL)),
    length=st.integers(0, 12),
    patch=st.text(alphabet="abfluxpi: -[]{},\"'&*!|>#\n\t0123.~", max_size=12),
)
def test_any_change_of_a_contract_is_a_contract_or_a_fault(start: int, length: int, patch: str) -> None:
    text = FULL[:start] + patch + FULL[start + length :]
    try:
        message = f"x.yaml:1:1: {loaded(text).name}"
    except ContractFault as fault:
        message = str(fault)
    assert re.match(r"x\.yaml:[0-9]+:[0-9]+: \S", message)
    assert "\n" not in message


def test_every_line_can_go_or_come_twice_without_a_crash() -> None:
    lines = FULL.splitlines(keepends=True)
    refused = 0
    for number in range(len(lines)):
        for changed in (lines[:number] + lines[number + 1 :], lines[: number + 1] + lines[number:]):
            try:
                loaded("".join(changed))
            except ContractFault:
                refused += 1
    assert refused > len(lines)
