"""The linter: gaps, shadows and quarrels, and silence where there is nothing to say."""

from datetime import date

import pytest

from tui.contract.lint import Remark, lint
from tui.contract.load import load_contract, parse_contract, shipped

TODAY = date(2026, 6, 1)
HEAD = """\
version: 1
name: t
cluster: {uid: u-1}
layers: [{name: l}]
owners:
  a: {}
  b: {}
"""


def remarks(text: str) -> list[Remark]:
    return list(lint(parse_contract((HEAD + text).encode(), "x.yaml"), TODAY))


def claims(*pairs: tuple[str, str]) -> str:
    return "claims:\n" + "".join(f"  - {{owner: {owner}, layer: l, select: [{select}]}}\n" for owner, select in pairs)


def allowed(code: str, resource: str) -> str:
    return f"allow: [{{code: {code}, resource: {resource}, reason: r, expires: 2027-01-01}}]\n"


def test_the_shipped_contract_has_one_gap_and_no_pin() -> None:
    found = lint(load_contract(shipped()), TODAY)
    assert [(remark.code, remark.info) for remark in found] == [
        ("namespace-unclaimed", False),
        ("cluster-unpinned", True),
    ]
    assert "triton" in found[0].text
    lines = shipped().read_text("utf-8").splitlines()
    assert lines[found[0].line - 1].strip() == "- owner: flux"


def test_nothing_to_say() -> None:
    assert (
        remarks(claims(("a", "{kinds: [Namespace], names: [n]}, {kinds: [Pod], namespaces: [n, kube-system]}"))) == []
    )


@pytest.mark.parametrize(
    ("text", "code", "line", "words"),
    [
        (claims(("a", "{kinds: [Pod], namespaces: [n]}")), "namespace-unclaimed", 9, "namespace n is used here"),
        (
            "releases: [{family: f, names: [x], namespace: n, owner: a}]\n",
            "namespace-unclaimed",
            8,
            "namespace n is used here",
        ),
        (
            "guardrails: [{id: g, deny: {kinds: [Pod], namespaces_not: [n]}}]\n",
            "namespace-unclaimed",
            8,
            "namespace n is used here",
        ),
        (
            claims(("a", "{kinds: [Pod]}"), ("a", "{kinds: [Pod], names: [x]}")),
            "claim-shadowed",
            10,
            "selector 1 of this claim for a (Pod x) can never match: the claim of line 9 (a) takes all of it first",
        ),
        (
            claims(("a", "{kinds: [Pod, Job]}"), ("b", "{kinds: [Pod, Job], names: [x]}")),
            "claim-shadowed",
            10,
            "can never match: the claim of line 9 (a) takes all of it first",
        ),
        (claims(("a", "{kinds: [Pod]}, {kinds: [Pod]}")), "claim-shadowed", 9, "selector 2 of this claim"),
        (
            claims(("a", "{names: ['web-*']}"), ("b", "{kinds: [Pod], names: [web-1, db]}")),
            "claim-swallowed",
            10,
            "selector 1 of this claim for b loses Pod web-1 to the claim of line 9 for a, which comes first",
        ),
        (
            claims(("a", "{kinds: [Pod], labels: {x: '*'}}"), ("b", "{kinds: [Pod], names: ['w*']}")),
            "claims-overlap",
            10,
            "overlaps the claim of line 9 for a at Pod w*",
        ),
        (claims(("a", "{kinds: [Namespace], namespaces: ['*']}")), "claim-impossible", 9, "Namespace lives in no"),
        (claims(("a", "{kinds: [Pod], namespaces: [Apps]}")), "claim-impossible", 9, "no namespace can be called Apps"),
        (
            claims(("a", "{kinds: [Ingress], names: [x]}")) + "guardrails: [{id: g, deny: {kinds: [Ingress]}}]\n",
            "claim-denied",
            9,
            "guardrail g denies what a should own: Ingress x",
        ),
        (
            claims(("a", "{kinds: [Namespace], names: [n]}")) + "health: [{deployments: [d], namespace: n}]\n",
            "check-unclaimed",
            10,
            "health rests on Deployment d in n, which nobody claims",
        ),
        (
            claims(("a", "{kinds: [Namespace], names: [n]}"))
            + "health: [{ready: GitRepository, name: g, namespace: n}]\n",
            "check-unclaimed",
            10,
            "health rests on GitRepository g in n, which nobody claims",
        ),
        (
            "allow: [{code: contested, resource: A/b, reason: r, expires: 2026-05-31}]\n",
            "allow-expired",
            8,
            "contested of A/b was allowed until 2026-05-31",
        ),
        (
            allowed("guardrail", "Service/n/x") + "guardrails: [{id: g, deny: {kinds: [Ingress]}}]\n",
            "allow-idle",
            8,
            "guardrail of Service/n/x is allowed, and no guardrail denies such a thing",
        ),
        (
            claims(("a", "{kinds: [Job], names: [x]}")) + allowed("misowned", "Pod/n/x"),
            "allow-idle",
            10,
            "no claim is about such a thing",
        ),
        (
            allowed("decision", "Pod/n/x") + "decisions: [{resource: Job/x, owner: a, reason: r}]\n",
            "allow-idle",
            8,
            "no decision is about such a thing",
        ),
        (
            claims(("a", "{kinds: [ClusterRole], names: [x]}"))
            + "decisions: [{resource: ClusterRole/x, owner: b, reason: r}]\n",
            "decision-contradicted",
            10,
            "ClusterRole/x is decided for b, and the claim of line 9 gives it to a",
        ),
        (
            claims(("a", "{kinds: [ClusterRole], names: [x]}"))
            + "decisions: [{resource: ClusterRole/y, owner: a, reason: r}]\n",
            "decision-unclaimed",
            10,
            "ClusterRole/y is decided for a, and no claim is about it",
        ),
        (
            claims(("a", "{kinds: [Namespace], names: [kube]}"))
            + "releases:\n  - {family: f, generated: x, namespace: kube, owner: a}\n"
            "  - {family: g, match: 'x-1*', namespace: kube, owner: a}\n",
            "families-overlap",
            12,
            "a release could belong to family f and to g",
        ),
        (
            claims(("a", "{kinds: [Namespace], names: [kube]}"))
            + "releases: [{family: f, match: '*', namespace: kube, owner: a}]\n",
            "family-too-wide",
            10,
            "takes every release of kube",
        ),
    ],
)
def test_each_remark(text: str, code: str, line: int, words: str) -> None:
    found = [remark for remark in remarks(text) if remark.code == code]
    assert [remark.line for remark in found] == [line], remarks(text)
    assert words in found[0].text
    assert not found[0].info


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("manager: [helm]", "manager: ['h*']", "manager helm and h*"),
        ("label: {k: '*'}", "label: {k: x}", "label k=*"),
        ("annotation: {'k/*': '*'}", "annotation: {k/a: x}", "annotation k/*=*"),
        ("family: f", "family: f", "family f"),
        ("inventory: [HelmRelease]", "inventory: [Kustomization, HelmRelease]", "the inventory of HelmRelease"),
        ("owner_kind: [A.x.io]", "owner_kind: ['*.x.io']", "owner kind A.x.io and *.x.io"),
        ("owner_kind: [A.x.io]", "owner_kind: [B, A.x.io]", "owner kind A.x.io"),
    ],
)
def test_marks_of_two_owners(one: str, other: str, words: str) -> None:
    text = HEAD.replace("a: {}", f"a: {{marks: [{{{one}}}]}}").replace("b: {}", f"b: {{marks: [{{{other}}}]}}")
    text += claims(("a", "{kinds: [Namespace], names: [n]}"))
    text += "releases: [{family: f, names: [x], namespace: n, owner: a}]\n"
    (found,) = lint(parse_contract(text.encode(), "x.yaml"), TODAY)
    assert (found.code, found.line) == ("mark-shared", 7)
    assert f"a and b share a mark, {words}: " in found.text


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("manager: [helm]", "manager: ['pulumi*']"),
        ("label: {k: a}", "label: {k: b}"),
        ("label: {k: a}", "annotation: {k: a}"),
        ("inventory: [HelmRelease]", "inventory: [Kustomization]"),
    ],
)
def test_marks_that_differ_are_no_remark(one: str, other: str) -> None:
    text = HEAD.replace("a: {}", f"a: {{marks: [{{{one}}}]}}").replace("b: {}", f"b: {{marks: [{{{other}}}]}}")
    assert lint(parse_contract(text.encode(), "x.yaml"), TODAY) == ()


@pytest.mark.parametrize(
    "text",
    [
        # The particular above the general is how contracts are meant to be written.
        claims(("a", "{kinds: [Pod], names: [x]}"), ("b", "{kinds: [Pod]}")),
        claims(("a", "{kinds: [Pod], labels: {k: '*'}}"), ("b", "{kinds: [Pod]}")),
        # One owner may repeat itself in part.
        claims(("a", "{names: ['web-*']}"), ("a", "{kinds: [Pod], names: [web-1, db]}")),
        claims(("a", "{kinds: [Pod]}"), ("b", "{kinds: [Job]}")),
        # Allowed until today is allowed today.
        "allow: [{code: contested, resource: A/b, reason: r, expires: 2026-06-01}]\n",
        "guardrails: [{id: g, deny: {kinds: [Ingress]}}]\n",
        # A decision that a claim carries out; an allowed finding that a guardrail, a claim or anything may raise.
        claims(("a", "{kinds: [ClusterRole], names: ['x-*']}"), ("b", "{kinds: [ClusterRole]}"))
        + "decisions: [{resource: ClusterRole/x-*, owner: a, reason: r}]\n",
        claims(("a", "{kinds: [Pod], names: [x]}"))
        + "guardrails: [{id: g, deny: {kinds: [Ingress]}}]\nallow:\n"
        + "".join(
            f"  - {{code: {code}, resource: {what}, reason: r, expires: 2027-01-01}}\n"
            for code, what in (("guardrail", "Ingress/n/x"), ("misowned", "Pod/n/x"), ("undocumented", "Job/n/x"))
        ),
    ],
)
def test_silence(text: str) -> None:
    assert remarks(text) == []


def test_an_unpinned_contract_is_told_last_and_asks_for_nothing() -> None:
    text = HEAD.replace("cluster: {uid: u-1}\n", "") + claims(("a", "{kinds: [Pod], namespaces: [n]}"))
    found = lint(parse_contract(text.encode(), "x.yaml"), TODAY)
    assert [remark.code for remark in found] == ["namespace-unclaimed", "cluster-unpinned"]
    assert found[-1].info
