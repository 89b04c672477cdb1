"""Manifests from disk and standard input: what is read, in which order, and one sentence for what is no manifest."""

import io
import json
import os
import re
import threading
from pathlib import Path

import pytest

from tui.faults import UsageFault
from tui.helm.manifest import MAX_MANIFEST
from tui.manifests import MAX_DEPTH, read_manifests

POD = "apiVersion: v1\nkind: Pod\nmetadata: {name: %s}\n"


def names(*paths: object) -> list[str]:
    return [each.document.ref.name for each in read_manifests(map(str, paths)).given]


def refused(*paths: object) -> str:
    with pytest.raises(UsageFault) as fault:
        read_manifests(map(str, paths))
    assert "\n" not in str(fault.value)
    return str(fault.value)


def put(folder: Path, **files: str) -> Path:
    """Files by name; two underscores stand for a slash, the last one for the dot of the ending."""
    for name, text in files.items():
        place, _, ending = name.replace("__", "/").rpartition("_")
        path = folder / f"{place}.{ending}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_a_directory_is_read_with_all_below_it_by_name(tmp_path: Path) -> None:
    put(tmp_path, b_yaml=POD % "b", a__z_yml=POD % "z", a__y_json=json.dumps({**BODY}), c_txt="{", README_md="# no")
    put(tmp_path, **{".git__config_yaml": "{", ".hidden_yaml": "{"})
    assert names(tmp_path) == ["y", "z", "b"]
    assert read_manifests([str(tmp_path)]).given[0].where == f"{tmp_path}/a/y.json:1"


BODY = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "y"}}


@pytest.mark.parametrize(
    ("text", "found", "lines"),
    [
        (POD % "a" + "---\n" + POD % "b" + "---\n# nothing\n", ["a", "b"], [1, 5]),
        (json.dumps(BODY, indent="\t"), ["y"], [1]),
        (json.dumps(BODY) + "\n\n" + json.dumps(BODY, indent=2) + json.dumps(BODY), ["y", "y", "y"], [1, 3, 9]),
        (json.dumps({"apiVersion": "v1", "kind": "List", "items": [BODY, BODY]}), ["y", "y"], [1, 1]),
        ("apiVersion: v1\nkind: PodList\nitems:\n- metadata: {name: p}\n", ["p"], [1]),
        ("{apiVersion: v1, kind: Pod, metadata: {name: flow}}", ["flow"], [1]),
        (POD % "a" + "---\n" + json.dumps(BODY), ["a", "y"], [1, 5]),
        (POD % "x" + "# {{ not a template }}\n", ["x"], [1]),
        (POD % "x" + 'spec: {rule: "{{ $labels.instance }} is down"}\n', ["x"], [1]),
        ("\ufeff" + POD % "bom", ["bom"], [1]),
        (POD.replace("\n", "\r\n") % "crlf", ["crlf"], [1]),
    ],
)
def test_yaml_and_json_in_every_form(tmp_path: Path, text: str, found: list[str], lines: list[int]) -> None:
    path = tmp_path / "any.thing"
    path.write_text(text)
    given = read_manifests([str(path)]).given
    assert ([each.document.ref.name for each in given], [each.document.line for each in given]) == (found, lines)


def test_standard_input_and_pipes_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO((POD % "piped").encode())))
    assert [each.where for each in read_manifests(["-"]).given] == ["standard input:1"]
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(POD % "fifo",))
    writer.start()
    assert names(pipe) == ["fifo"]
    writer.join(10)
    # In a directory a pipe is nobody's manifest: to open one would wait for a writer.
    os.mkfifo(tmp_path / "waits.yaml")
    put(tmp_path, a_yaml=POD % "a")
    assert names(tmp_path) == ["a"]


def test_the_same_file_is_read_once_however_it_is_named(tmp_path: Path) -> None:
    put(tmp_path, a_yaml=POD % "a")
    (tmp_path / "link.yaml").symlink_to("a.yaml")
    os.link(tmp_path / "a.yaml", tmp_path / "hard.yaml")
    assert names(tmp_path / "a.yaml", tmp_path, tmp_path / ".", tmp_path / "link.yaml") == ["a"]


def test_loops_of_links_end(tmp_path: Path) -> None:
    put(tmp_path, a__b__x_yaml=POD % "x")
    (tmp_path / "a" / "b" / "up").symlink_to(tmp_path)
    (tmp_path / "a" / "self").symlink_to(".")
    (tmp_path / "again").symlink_to("a", target_is_directory=True)
    assert names(tmp_path) == ["x"]


def test_a_link_to_nothing_or_itself_is_told(tmp_path: Path) -> None:
    put(tmp_path, a_yaml=POD % "a")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    (tmp_path / "gone").symlink_to("nowhere")
    found = read_manifests([str(tmp_path)])
    assert len(found.given) == 1
    assert [re.sub(r".*/", "", each) for each in found.unread] == [
        "gone.yaml: No such file or directory",
        "loop.yaml: Too many levels of symbolic links",
    ]


def test_what_may_not_be_read_below_a_directory_is_told_and_never_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, open_yaml=POD % "a", shut__x_yaml=POD % "x", locked_yaml=POD % "y")
    real_list, real_open = Path.iterdir, Path.open

    # Tests may run as root, whom no mode keeps out.
    def listed(self: Path) -> object:
        if self.name == "shut":
            raise PermissionError(13, "Permission denied")
        return real_list(self)

    def opened(self: Path, *more: object) -> object:
        if self.name == "locked.yaml":
            raise PermissionError(13, "Permission denied")
        return real_open(self, *more)  # type: ignore[call-overload] # as it was called

    monkeypatch.setattr(Path, "iterdir", listed)
    monkeypatch.setattr(Path, "open", opened)
    found = read_manifests([str(tmp_path)])
    assert [each.document.ref.name for each in found.given] == ["a"]
    assert found.unread == [f"{tmp_path}/locked.yaml: Permission denied", f"{tmp_path}/shut: Permission denied"]
    assert "it cannot be read: Permission denied" in refused(tmp_path / "shut")
    assert "it cannot be read: Permission denied" in refused(tmp_path / "locked.yaml")


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: &a [x]\n" + "".join(f"{c}: &{c} [{', '.join(['*' + p] * 9)}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)), 0, "aliases"),  # noqa: E501 - one bomb
        ("[" * 5000 + "]" * 5000, 1, "nested more than"),
        ("{" * 5000, 1, "nested more than"),
        ('{"a":' * 5000 + "1" + "}" * 5000, 1, "nested more than"),
        (POD % "x" + "---\nkind: Pod\n", 5, "an object without metadata"),
        ("just text", 1, "not an object"),
        ("- a\n", 1, "not an object"),
        ("a: 1\nreplicas: 2\n", 1, "an object without metadata"),
        ("\n\na: [\n", 4, ""),
        ("apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nkind: Job\n", 4, "twice in one mapping"),
        ('{"kind": "Pod", "kind": "Job"}', 1, "twice in one mapping"),
        ("a: \x00\n", 1, ""),
        ("a: !!python/object:os.system x\n", 1, "tag"),
        ("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Component\nmetadata: {name: x}\n", 1, "kubectl kustomize"),
    ],
    ids=range(14),
)  # fmt: skip
def test_what_is_no_manifest_says_where_and_why(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = put(tmp_path, x_yaml=text) / "x.yaml"
    said = refused(tmp_path)
    assert said.startswith(f"{path}:{line}:") if line else said.startswith(f"{path}:"), said
    assert words in said


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_a_kustomization_is_refused_with_the_command_that_renders_it(tmp_path: Path, name: str) -> None:
    put(tmp_path, **{"an app__a_yaml": POD % "a"})
    (tmp_path / "an app" / name).write_text("resources: [a.yaml]\n")
    path = tmp_path / "an app"
    assert refused(tmp_path) == (
        f"{path}/{name}:1: this is a kustomization, which builds manifests out of others; give what it renders: "
        f"kubectl kustomize '{path}' | refloat explain -f -"
    )


def test_fluxs_own_kustomization_is_a_manifest(tmp_path: Path) -> None:
    text = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: apps}\n"
    (tmp_path / "kustomization.yaml").write_text(text)
    assert names(tmp_path) == ["apps"]


TEMPLATE = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: {{ .Release.Name }}\n"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (TEMPLATE, 4),
        ("{{- if .Values.on }}\n" + POD % "x" + "{{- end }}\n", 1),
        (POD % '"{{ .Release.Name }}-x"', 3),
        (POD % "a" + "---\n" + POD % '"{{ .Release.Name }}-x"', 7),
        (POD % "x" + "  labels:\n    {{- include x . | nindent 4 }}\n", 5),
    ],
)
def test_a_template_is_refused_with_the_command_that_renders_it(tmp_path: Path, text: str, line: int) -> None:
    path = put(tmp_path, x_yaml=text) / "x.yaml"
    assert refused(path) == (
        f"{path}:{line}: this is a template with {{{{ }}}}, not a manifest; give what it renders: "
        "helm template RELEASE CHART | refloat explain -f -"
    )


def test_a_chart_is_refused_as_a_whole(tmp_path: Path) -> None:
    put(tmp_path, chart__Chart_yaml="apiVersion: v2\nname: x\n", chart__templates__deep__x_yaml=POD % "'{{ 1 }}'")
    chart, template = tmp_path / "chart", tmp_path / "chart" / "templates" / "deep" / "x.yaml"
    command = f"helm template RELEASE {chart} | refloat explain -f -"
    assert refused(tmp_path) == f"{chart}/Chart.yaml:1: this is a Helm chart; give what it renders: {command}"
    said = refused(template)
    assert said == f"{template}:3: this is a Helm chart's template; give what it renders: {command}"


def test_sizes_are_bounded_before_anything_is_read(tmp_path: Path) -> None:
    sparse = tmp_path / "big.yaml"
    with sparse.open("wb") as file:
        file.truncate(2**30)
    assert "more than 16 MiB" in refused(sparse)
    assert "more than 16 MiB" in refused(tmp_path)
    assert "neither a file nor a directory" in refused("/dev/zero")


def test_standard_input_without_an_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            assert 0 < size <= MAX_MANIFEST + 1
            return b"#" * size

    monkeypatch.setattr("sys.stdin", type("Stream", (), {"buffer": Endless()})())
    assert refused("-") == "standard input: more than 16 MiB; that is no manifest"


def test_a_deep_tree_is_bounded(tmp_path: Path) -> None:
    deep = tmp_path.joinpath(*["d"] * (MAX_DEPTH + 2))
    deep.mkdir(parents=True)
    assert "directories lie more than" in refused(tmp_path)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"a: 1\nb: \xe9\n", bytes(range(256))])
def test_what_is_not_utf_8_is_told_with_its_line(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.yaml").write_bytes(data)
    said = refused(tmp_path)
    assert re.match(rf"{tmp_path}/x\.yaml:\d+: this is not UTF-8 text", said)


def test_nothing_to_read_is_told(tmp_path: Path) -> None:
    assert "there is no manifest in it; *.yaml, *.yml, *.json are read" in refused(tmp_path)
    put(tmp_path, x_yaml="# only a remark\n")
    assert "there is no manifest in it" in refused(tmp_path / "x.yaml")
    assert "No such file" in refused(tmp_path / "nowhere")
    assert "its name is not one" in refused("a\0b")


def test_names_are_shown_harmless(tmp_path: Path) -> None:
    path = tmp_path / "x\x1b[31m\u202e.yaml"
    path.write_text("[")
    assert "\x1b" not in refused(path)
    assert "\u202e" not in refused(tmp_path)
