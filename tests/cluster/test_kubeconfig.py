"""Kubeconfigs by kubectl's rules; whatever is wrong is one sentence with the place and the next step."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.cluster.kubeconfig import Chosen, choose, pick
from tui.cluster.kubeconfig_file import parse
from tui.faults import UsageFault

WHOLE = """\
current-context: a
clusters: [{name: c, cluster: {server: "https://x", insecure-skip-tls-verify: true, proxy-url: "http://p"}}]
users:
- name: u
  user:
    as: jane
    as-groups: [a, b]
    as-user-extra: {scope: [x]}
    exec: {apiVersion: client.authentication.k8s.io/v1, command: login, env: [{name: A, value: b}],
      args: [x], interactiveMode: Never, provideClusterInfo: true}
contexts: &all
- name: a
  context: {cluster: c, user: u, namespace: n, extensions: [{name: e, extension: {a: [1, 2.5, ~]}}]}
preferences: {colors: false}
extensions: [{name: x, extension: *all}]
"""


def config(name: str, server: str = "https://10.0.0.1:6443", **user: Any) -> dict[str, Any]:
    return {
        "current-context": name,
        "clusters": [{"name": f"{name}-cluster", "cluster": {"server": server}}],
        "users": [{"name": f"{name}-user", "user": user}],
        "contexts": [
            {"name": name, "context": {"cluster": f"{name}-cluster", "user": f"{name}-user", "namespace": "ns"}}
        ],
    }


def plugin(command: str) -> dict[str, str]:
    return {"apiVersion": "client.authentication.k8s.io/v1beta1", "command": command}


def write(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else yaml.safe_dump(value))
    return path


def chosen(tmp_path: Path, kubeconfig: str | None = None, context: str | None = None, **env: str) -> Chosen:
    return choose(kubeconfig, context, env, tmp_path / "home", tmp_path / "service-account")


def test_the_default_file_and_its_current_context(tmp_path: Path) -> None:
    write(tmp_path / "home/.kube/config", config("blue", token="t"))
    found = chosen(tmp_path)
    assert (found.context, found.cluster_name, found.user_name, found.namespace) == (
        "blue",
        "blue-cluster",
        "blue-user",
        "ns",
    )
    assert found.server == "https://10.0.0.1:6443"


def test_of_several_files_the_first_that_names_a_thing_wins(tmp_path: Path) -> None:
    one = write(tmp_path / "one", config("blue", "https://first"))
    both = config("blue", "https://second")
    green = config("green", "https://green")
    two = write(
        tmp_path / "two",
        {key: both[key] + green[key] for key in ("clusters", "users", "contexts")} | {"current-context": "green"},
    )
    listed = f"{one}:{tmp_path / 'absent'}:{two}"
    assert chosen(tmp_path, KUBECONFIG=listed).server == "https://first"
    assert chosen(tmp_path, context="green", KUBECONFIG=listed).server == "https://green"


def test_a_file_given_by_name_stands_alone(tmp_path: Path) -> None:
    write(tmp_path / "home/.kube/config", config("blue"))
    named = write(tmp_path / "named", config("green"))
    assert chosen(tmp_path, str(named), KUBECONFIG="/absent").context == "green"


def test_paths_are_relative_to_their_own_file(tmp_path: Path) -> None:
    value = config("blue", tokenFile="token", exec=plugin("./bin/login"))
    value["clusters"][0]["cluster"]["certificate-authority"] = "ca.pem"
    found = chosen(tmp_path, str(write(tmp_path / "deep/config", value)))
    assert found.cluster["certificate-authority"] == str(tmp_path / "deep/ca.pem")
    assert found.user["tokenFile"] == str(tmp_path / "deep/token")
    assert found.user["exec"]["command"] == str(tmp_path / "deep/bin/login")


def test_a_plugin_on_the_path_is_left_to_the_path(tmp_path: Path) -> None:
    named = write(tmp_path / "c", config("blue", exec=plugin("login")))
    assert chosen(tmp_path, str(named)).user["exec"]["command"] == "login"


def test_an_unknown_context_names_the_known_ones(tmp_path: Path) -> None:
    named = write(tmp_path / "c", config("blue"))
    with pytest.raises(UsageFault, match=r"context `red` is not in .*/c; give --context \(known: `blue`\)"):
        chosen(tmp_path, str(named), "red")


def test_no_kubeconfig_and_no_pod_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match=r"no kubeconfig found: .* give --kubeconfig FILE, or try `refloat demo`"):
        chosen(tmp_path)


def test_a_kubeconfig_variable_that_names_nothing_is_not_passed_over(tmp_path: Path) -> None:
    write(tmp_path / "home/.kube/config", config("blue"))
    with pytest.raises(UsageFault, match="none of the files that KUBECONFIG names exists"):
        chosen(tmp_path, KUBECONFIG=str(tmp_path / "absent"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [1,\n b: {", r"/c:3:1: this is not YAML"),
        ("[" * 5000, "/c:1:101: values are nested more than 100 deep"),
        ("- a", "/c:1:1: the top must be a mapping, not a list"),
        ("\x00", "this is not YAML"),
        ("clusters: 7", "/c:1:11: clusters must be a list, not a number"),
        ("users: [{name: a, user: 3}]", r"/c:1:25: users\[0\].user must be a mapping, not a number"),
        ("users: [{name: a, user: {as-user-extra: {a\x1b: 3}}}]", "control characters|this is not YAML"),
        ("", "names no current context; give --context"),
        ("{current-context: a, contexts: [{name: a, context: {cluster: b}}]}", "names cluster `b`, which is not there"),
        (
            "{current-context: a, contexts: [{name: a, context: {cluster: b, user: u}}], clusters: [{name: b}]}",
            "names user `u`, which is not there",
        ),
    ],
)
def test_a_broken_file_is_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    named = write(tmp_path / "c", text)
    with pytest.raises(UsageFault, match=says) as caught:
        chosen(tmp_path, str(named))
    assert "\n" not in str(caught.value)
    assert str(named) in str(caught.value)


@pytest.mark.parametrize(
    ("server", "says"),
    [
        (None, "has no server"),
        ("10.0.0.1:6443", "no http or https URL"),
        ("ftp://x", "no http or https URL"),
        ("https://", "no http or https URL"),
        ("https://[::1", "no http or https URL"),
        ("https://x:99999", "no http or https URL"),
        ("https://me:pass@x", "carries credentials in its server URL"),
    ],
)
def test_a_server_that_cannot_be_is_refused(tmp_path: Path, server: Any, says: str) -> None:
    with pytest.raises(UsageFault, match=says) as caught:
        chosen(tmp_path, str(write(tmp_path / "c", config("blue", server))))
    assert "pass@" not in str(caught.value)


def test_the_file_may_be_absent_unreadable_or_huge(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match=r"absent cannot be read: No such file or directory"):
        chosen(tmp_path, str(tmp_path / "absent"))
    with pytest.raises(UsageFault, match="cannot be read: Is a directory"):
        chosen(tmp_path, str(tmp_path))
    huge = tmp_path / "huge"
    with huge.open("wb") as file:
        file.truncate(9 * 2**20)
    with pytest.raises(UsageFault, match="larger than 8 MiB"):
        chosen(tmp_path, str(huge))


def service_account(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "service-account"
    write(folder / "token", "t")
    write(folder / "namespace", "tools\n")
    return {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}


def test_inside_a_pod_its_own_account_is_used(tmp_path: Path) -> None:
    found = chosen(tmp_path, **service_account(tmp_path))
    assert (found.context, found.server, found.namespace) == ("in-cluster", "https://[fd00::1]:443", "tools")
    assert found.user == {"tokenFile": str(tmp_path / "service-account/token")}


def test_inside_a_pod_a_context_asked_for_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="context `blue` is unknown"):
        chosen(tmp_path, context="blue", **service_account(tmp_path))


def test_nothing_of_a_user_shows_in_a_repr(tmp_path: Path) -> None:
    named = write(tmp_path / "c", config("blue", token="s3cret"))
    assert "s3cret" not in repr(chosen(tmp_path, str(named)))


def test_names_from_a_file_are_cleaned(tmp_path: Path) -> None:
    named = write(tmp_path / "c", config("blue\x1b[31m"))
    assert chosen(tmp_path, str(named)).context == "blue␛[31m"


def test_a_mistake_is_placed_in_its_own_file(tmp_path: Path) -> None:
    one = write(tmp_path / "one", config("blue"))
    two = write(tmp_path / "two", "users:\n- name: me\n  user:\n    token: 5\n")
    with pytest.raises(UsageFault) as caught:
        chosen(tmp_path, KUBECONFIG=f"{one}:{two}")
    assert (
        str(caught.value) == f"kubeconfig {two}:4:12: users[0].user.token must be text, not a number; put it in quotes"
    )
    assert "5" not in str(caught.value).removeprefix(f"kubeconfig {two}")
    write(two, "users:\n- name: blue-user\n  user: {token: t, username: u}\n")
    assert chosen(tmp_path, KUBECONFIG=f"{one}:{two}").user == {}
    with pytest.raises(UsageFault, match=rf"user `blue-user` in kubeconfig {two}:2:3 has a token and a username"):
        chosen(tmp_path, KUBECONFIG=f"{two}:{one}")


def test_a_file_that_may_not_be_read_is_not_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = write(tmp_path / "one", config("blue"))
    with pytest.raises(UsageFault, match="two cannot be read: Not a directory; check it"):
        chosen(tmp_path, KUBECONFIG=f"{one}:{one}/two")
    # The tests may run as root, whom no mode keeps out.
    monkeypatch.setattr(Path, "open", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with pytest.raises(UsageFault, match="cannot be read: Permission denied"):
        chosen(tmp_path)


def test_the_home_of_nobody_is_a_name_like_any_other(tmp_path: Path) -> None:
    with pytest.raises(UsageFault, match="kubeconfig ~nosuchuser/config cannot be read: No such file"):
        chosen(tmp_path, "~nosuchuser/config")


@settings(max_examples=300, deadline=None)
@given(
    start=st.integers(0, len(WHOLE)),
    length=st.integers(0, 12),
    patch=st.text(alphabet="abtuser: -[]{},\"'&*!|>#\n\t0123.~<", max_size=12),
)
def test_any_change_of_a_file_is_a_context_or_one_sentence(start: int, length: int, patch: str) -> None:
    text = WHOLE[:start] + patch + WHOLE[start + length :]
    try:
        said = pick(parse(text.encode(), "c"), None, "c").server
    except UsageFault as fault:
        said = str(fault)
        assert len(said) > 10
    assert "\n" not in said


@given(st.binary(max_size=300))
def test_any_bytes_are_a_kubeconfig_or_one_sentence(data: bytes) -> None:
    try:
        said = f"c:{parse(data, 'c').current}"
    except UsageFault as fault:
        said = str(fault)
    assert said.startswith("c:")
