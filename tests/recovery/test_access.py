"""Rights: asked once each, by kind and then by name; what is lacking is told with its rule and left out by name."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from tests.clusters import contract, document, inventory, obj, record
from tui.faults import Unreachable
from tui.objects import Json
from tui.ownership.assess import assess
from tui.recovery import access
from tui.recovery.plan import Action, Plan, PlanKind
from tui.recovery.planner import plan
from tui.recovery.ports import Access

ACTIVE, STALE = "gitops-flux-0000aaaa", "gitops-flux-ffff0000"
LOST = obj("Service", "lost", spec={"selector": {"app": "x"}})
KEPT = obj("ServiceAccount", "kept", release=STALE)
ROLE = obj("ClusterRole", "reads", release=STALE, rules=[])
BINDING = obj(
    "ClusterRoleBinding",
    "reader",
    release=STALE,
    roleRef={"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "reads"},
    subjects=[],
)
BODIES = [LOST, KEPT, ROLE, BINDING]
FOUND = assess(
    contract(),
    inventory([record(ACTIVE, documents=[document(LOST), document(KEPT)]), KEPT, ROLE, BINDING]),
    today=date(2026, 2, 1),
)
PLANS = [plan(kind, contract(), FOUND) for kind in (PlanKind.CLEANUP, PlanKind.REPLAY)]


class Server:
    """Answers reviews by a rule, and keeps what was asked."""

    def __init__(self, rule: Any) -> None:
        self.rule = rule
        self.asked: list[Access] = []

    async def allowed(self, questions: Sequence[Access]) -> Sequence[bool | None]:
        self.asked += questions
        return [self.rule(question) for question in questions]


async def ask(rule: Any) -> access.Rights:
    return await access.ask(Server(rule), contract(), PLANS, FOUND.inventory)


def test_every_action_says_which_verbs_it_needs() -> None:
    assert set(access.VERBS) == set(Action)
    assert all("get" in verbs for verbs in access.VERBS.values())


async def test_each_right_is_asked_once_and_leases_and_events_beside() -> None:
    server = Server(lambda _: True)
    rights = await access.ask(server, contract(), PLANS, FOUND.inventory)
    assert len(server.asked) == len(set(server.asked))
    assert {(a.verb, a.plural) for a in server.asked} >= {
        ("create", "services"),
        ("patch", "serviceaccounts"),
        ("delete", "clusterroles"),
        ("create", "leases"),
        ("create", "events"),
    }
    assert rights.told == ()
    assert rights.rule == ""
    assert [rights.within(one, FOUND.inventory) for one in PLANS] == PLANS


async def test_what_is_lacking_is_left_out_by_name_and_what_rested_on_it_too() -> None:
    rights = await ask(lambda a: not (a.verb == "delete" and a.plural == "clusterrolebindings"))
    rest = rights.within(PLANS[0], FOUND.inventory)
    assert {entry.ref.name for entry in rest.entries} == {"kept"}
    why = {ref.name: text for ref, text in rest.left_out}
    assert why["reader"] == "you lack the right to delete clusterrolebindings"
    assert "rests on" in why["reads"]
    assert rights.within(PLANS[1], FOUND.inventory) == PLANS[1], "the rest goes on"


async def test_the_rule_to_ask_for_grants_exactly_what_is_lacking() -> None:
    rights = await ask(lambda a: a.verb not in ("delete", "patch"))
    roles = list(yaml.safe_load_all(rights.rule))
    granted = {
        (role["metadata"].get("namespace"), group, plural, verb)
        for role in roles
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for plural in rule["resources"]
        for verb in rule["verbs"]
    }
    assert {verb for *_, verb in granted} == {"delete", "patch"}
    again = await ask(
        lambda a: a.verb not in ("delete", "patch") or (a.namespace, a.group, a.plural, a.verb) in granted
    )
    assert again.lacking == ()


async def test_a_right_that_is_granted_by_name_alone_is_enough() -> None:
    rights = await ask(lambda a: a.plural != "clusterroles" or a.name == "reads")
    assert rights.lacking == ()
    assert rights.within(PLANS[0], FOUND.inventory) == PLANS[0]


async def test_a_review_that_failed_is_said_and_leaves_nothing_out() -> None:
    rights = await ask(lambda a: None if a.plural == "clusterroles" else True)
    assert any("could not be verified" in line for line in rights.lacking)
    assert rights.within(PLANS[0], FOUND.inventory) == PLANS[0]


async def test_a_server_that_does_not_answer_is_no_refusal() -> None:
    class Silent:
        async def allowed(self, questions: Sequence[Access]) -> Sequence[bool | None]:
            raise Unreachable("no answer")

    rights = await access.ask(Silent(), contract(), PLANS, FOUND.inventory)
    assert all("could not be verified" in line for line in rights.lacking)
    assert rights.lacking


async def test_nothing_is_asked_for_an_empty_plan() -> None:
    server = Server(lambda _: False)
    empty: Plan = replace(PLANS[0], entries=(), offered=())
    rights = await access.ask(server, contract(), [empty], FOUND.inventory)
    assert (server.asked, rights.told) == ([], ())


QUESTIONS = access.needed(PLANS, FOUND.inventory)


@given(st.sets(st.sampled_from(QUESTIONS)))
async def test_an_entry_stays_exactly_while_all_that_it_needs_is_granted(denied: set[Access]) -> None:
    rights = await ask(lambda a: replace(a, name=None) not in denied)
    for one in PLANS:
        rest = rights.within(one, FOUND.inventory)
        kept = {entry.ref.key for entry in rest.entries}
        for entry in one.entries:
            mine = {replace(each, name=None) for each in access._of(entry, FOUND.inventory)}
            rested = all(key in kept for key in entry.rests_on)
            assert (entry.ref.key in kept) is (not mine & denied and rested)
    body: Json = {"rules": rights.rule}
    assert bool(body["rules"]) is bool(denied)
