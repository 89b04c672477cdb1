"""Kubeconfigs by kubectl's rules; whatever is wrong is one sentence with the place and the next step."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from tui.cluster.kubeconfig import Chosen, choose
from tui.faults import UsageFault


def config(name: str, server: str = "https://10.0.0.1:6443", **user: Any) -> dict[str, Any]:
    return {
        "current-context": name,
        "clusters": [{"name": f"{name}-cluster", "cluster": {"server": server}}],
        "users": [{"name": f"{name}-user", "user": user}],
        "contexts": [
            {"name": name, "context": {"cluster": f"{name}-cluster", "user": f"{name}-user", "namespace": "ns"}}
        ],
    }


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
    value = config("blue", tokenFile="token", exec={"command": "./bin/login"})
    value["clusters"][0]["cluster"]["certificate-authority"] = "ca.pem"
    found = chosen(tmp_path, str(write(tmp_path / "deep/config", value)))
    assert found.cluster["certificate-authority"] == str(tmp_path / "deep/ca.pem")
    assert found.user["tokenFile"] == str(tmp_path / "deep/token")
    assert found.user["exec"]["command"] == str(tmp_path / "deep/bin/login")


def test_a_plugin_on_the_path_is_left_to_the_path(tmp_path: Path) -> None:
    named = write(tmp_path / "c", config("blue", exec={"command": "login"}))
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
        ("a: [1,\n b: {", r"not valid YAML at line 2, column"),
        ("[" * 5000, "not valid YAML"),
        ("- a", "its top is no mapping"),
        ("\x00", "not valid YAML"),
        ("clusters: 7", "clusters is not a list"),
        ("contexts: [{context: {}}]", "entry 1 of contexts has no name"),
        ("users: [{name: a, user: 3}]", "entry 1 of users has no name or is damaged"),
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
