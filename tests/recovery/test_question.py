"""The question about one resource: everything is in it, nothing of it can hurt a terminal or a shell."""

import shlex
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.clusters import contract, document, inventory, obj, record
from tui.objects import Json, Live, Ref
from tui.ownership.assess import assess
from tui.recovery.gate import Look, Refusal, fingerprint, pins_of
from tui.recovery.plan import Action, Entry
from tui.recovery.question import Trial, asked, by_hand, refused

ACTIVE, STALE = "gitops-flux-0000aaaa", "gitops-flux-ffff0000"
STOLEN = obj("ConfigMap", "settings", release=STALE, data={"a": "1"})


def look(body: Json | None, *objects: Json) -> Look:
    seen = inventory([record(ACTIVE), *objects, *([body] if body else [])])
    if body is not None:
        seen = seen.with_object(Live.of(body).key, Live.of(body))
    assessment = assess(contract(), seen, today=date(2026, 2, 1))
    return Look(assessment, body, pins_of(contract(), assessment))


def entry(action: Action, body: Json) -> Entry:
    return Entry(action, Ref.of(body), "gitops-flux", ACTIVE, "because", "somebody", "it changes")


def test_a_refused_one_shows_everything_and_takes_no_yes() -> None:
    question = refused(entry(Action.DELETE, STOLEN), look(STOLEN), Refusal("S4: Flux labels it"))
    assert not question.allowed
    assert question.refusal == "S4: Flux labels it"
    assert question.dry_run == "not tried: the gate refuses it"
    assert "name: settings" in question.live_yaml
    assert question.seen == fingerprint(STOLEN)


def test_an_admitted_one_says_what_the_server_said() -> None:
    after = {**STOLEN, "data": {"a": "2"}}
    question = asked(entry(Action.ADOPT, STOLEN), look(STOLEN), Trial(ok=True, text="fine", result=after))
    assert question.allowed
    assert question.dry_run == "fine"
    assert "-  a: '1'" in question.diff
    assert "+  a: '2'" in question.diff
    assert any(STALE in line for line in question.evidence)


def test_a_deletion_shows_all_that_goes() -> None:
    question = asked(entry(Action.DELETE, STOLEN), look(STOLEN), Trial(ok=True, text="fine"))
    assert "-  a: '1'" in question.diff
    assert not [line for line in question.diff if line.startswith("+ ")]


def test_a_failed_dry_run_refuses_in_the_servers_words() -> None:
    question = asked(entry(Action.ADOPT, STOLEN), look(STOLEN), Trial(ok=False, text="the server would refuse it: no"))
    assert not question.allowed
    assert question.refusal == "the server would refuse it: no"


def test_what_is_missing_is_shown_as_its_release_stored_it() -> None:
    lost = obj("Service", "lost", spec={"ports": []})
    seen = look(None, record(ACTIVE, documents=[document(lost)]))
    made = seen.assessment.missing[0]
    what = Entry(Action.CREATE, made.ref, "gitops-flux", ACTIVE, "", "", "", document=made.document)
    question = asked(what, seen, Trial(ok=True, text="fine", result=lost))
    assert "name: lost" in question.live_yaml
    assert question.seen is None
    assert question.kubectl.startswith("kubectl create -f FILE")


@pytest.mark.parametrize("bad", ["\x1b[2J", "\u202egpj", "\x9b31m", "a\nb\x07"])
def test_nothing_hidden_gets_into_a_question(bad: str) -> None:
    body = obj(
        "ConfigMap", "settings", release=STALE, labels={"kustomize.toolkit.fluxcd.io/name": bad}, data={bad: bad}
    )
    body["metadata"]["managedFields"].append({"manager": f"kustomize-controller{bad}", "operation": "Apply"})
    question = refused(entry(Action.DELETE, body), look(body), Refusal(f"made by {bad}"))
    lines = [question.refusal, question.dry_run, question.kubectl, *question.evidence]
    assert all(line.isprintable() for line in lines)
    allowed = {"\n", "\t"}
    assert all(char.isprintable() or char in allowed for char in question.live_yaml)
    trial = Trial(ok=True, text=bad, result={**body, "data": {bad: "other"}})
    shown = asked(entry(Action.ADOPT, body), look(body), trial)
    assert all(char.isprintable() or char in allowed for line in (*shown.diff, shown.dry_run) for char in line)


NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)


@given(NAMES | st.sampled_from(["a; rm -rf ~", "$(reboot)", "`id`", "a'b", 'a"b', "a b", "-n", "#x"]))
def test_a_line_to_copy_names_one_object_whatever_its_name_is(name: str) -> None:
    ref = Ref("rbac.authorization.k8s.io/v1", "ClusterRole", None, name, "uid-1")
    what = Entry(Action.ADOPT, ref, "f", ACTIVE, "", "", "")
    words = shlex.split(by_hand(what, {"metadata": {"resourceVersion": "7"}}))
    assert words == [
        "kubectl",
        "annotate",
        "clusterrole.rbac.authorization.k8s.io",
        name,
        "--overwrite",
        "--resource-version=7",
        f"meta.helm.sh/release-name={ACTIVE}",
    ]


def test_a_deletion_by_hand_is_preceded_by_its_preconditions() -> None:
    text = by_hand(entry(Action.DELETE, STOLEN), STOLEN)
    uid = STOLEN["metadata"]["uid"]
    assert f"must print {uid} 1" in text
    assert text.endswith("kubectl delete configmap settings -n flux-system")
