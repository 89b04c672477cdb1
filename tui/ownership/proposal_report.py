"""A proposal as its JSON document (``tui.ownership.proposal`` describes it), as Markdown, and its next step. Pure."""

from collections.abc import Iterator

from tui.contract.model import Contract
from tui.objects import Json
from tui.ownership.model import Verdict
from tui.ownership.proposal import Proposal, Proposed
from tui.ownership.proposal_live import Collision, With
from tui.text import clean


def proposal_json(proposal: Proposal, contract: Contract) -> Json:
    """The document ``refloat.proposal/1``."""
    return {
        "schema": "refloat.proposal/1",
        "documents": [_document(each, contract) for each in proposal.documents],
        "incomplete": [clean(text) for text in proposal.incomplete],
    }


def _document(each: Proposed, contract: Contract) -> Json:
    claim = each.claim
    return {
        "ref": each.ref.to_json(),
        "generateName": each.given.document.generate_name,
        "where": clean(each.given.where),
        "verdict": each.verdict.value,
        "claim": {"owner": claim.owner, "layer": claim.layer, "source": claim.source} if claim else None,
        "needs": each.need.text if each.need else None,
        "served": {"answer": each.served.answer.value, "text": clean(each.served.text)},
        "collisions": [_collision(one) for one in each.collisions],
        "guardrails": [{"id": rail.id, "reason": rail.reason} for rail in each.guardrails],
        "decisions": [
            {"resource": d.resource, "owner": d.owner, "removed": d.removed, "reason": d.reason} for d in each.decisions
        ],
        "immutable": [{"field": one.field, "live": one.live, "proposed": one.proposed} for one in each.immutable],
        "notes": [clean(note) for note in each.notes],
        "process": list(each.process),
        "next": clean(_next(each, contract)),
    }


def _collision(one: Collision) -> Json:
    owners = [
        {
            "owner": owner,
            "confirmed": any(e.confirmed for e in one.evidence if e.owner == owner),
            "evidence": [{"source": e.source.value, "text": clean(e.text)} for e in one.evidence if e.owner == owner],
        }
        for owner in one.owners
    ]
    return {
        "with": one.met.value,
        "ref": one.ref.to_json() if one.ref else None,
        "state": one.state.value if one.state else None,
        "owners": owners,
        "blocks": one.blocks,
        "text": clean(one.text),
    }


def _next(each: Proposed, contract: Contract) -> str:
    """The one thing to do next, for the worst that is known."""
    file = contract.source or "the contract"
    if each.guardrails:
        rail = each.guardrails[0]
        return f"change or drop it: guardrail {rail.id} denies it" + (f" ({rail.reason})" if rail.reason else "")
    if any(one.blocks for one in each.collisions):
        return (
            f"decide whose it is and write that down in {file}; before it leaves the other's source, keep it where"
            " that owner's next act reads it (refloat explain says where), and only then add it"
        )
    if each.immutable:
        fields = ", ".join(one.field for one in each.immutable)
        return f"keep {fields} as it is live, or have its owner recreate the object: no update can change it"
    if each.need is not None:
        return f"add a claim to {file} first"
    if each.verdict is Verdict.UNVERIFIED:
        return "ask again with the cluster readable before adding it"
    owner = contract.owners[each.claim.owner].title if each.claim else ""
    if any(one.met is With.LIVE and one.owners for one in each.collisions):
        how = f"by the steps of {owner}" if each.process else f"at {owner}"
        return f"it is there and {owner}'s already: change it {how}, and add it nowhere else"
    return f"add it by the steps of {owner}" if each.process else f"give it to {owner}: the contract lists no steps"


def proposal_markdown(document: Json) -> str:
    """``refloat.proposal/1`` as a section a document."""
    lines = ["# Proposal", ""]
    for each in document["documents"]:
        lines += [f"## {named(each)}: {each['verdict'].upper()}", ""]
        lines += [f"- {line}" for line in told(each)]
        lines += [f"  {number}. {clean(step)}" for number, step in enumerate(each["process"], start=1)]
        lines.append("")
    lines += [f"- could not be read: {text}" for text in document["incomplete"]]
    return "\n".join(lines).rstrip("\n") + "\n"


def named(each: Json) -> str:
    """``Kind namespace/name`` of one document of the JSON."""
    ref = each["ref"]
    name = ref["name"] or f"{each['generateName']}*"
    return clean(f"{ref['kind']} {ref['namespace']}/{name}" if ref["namespace"] else f"{ref['kind']} {name}")


def told(each: Json) -> Iterator[str]:
    """What is said of one document of the JSON, a line each; the process comes after the last."""
    claim = each["claim"]
    yield f"from {each['where']}"
    if claim:
        source = f", kept in {claim['source']}" if claim["source"] else ""
        yield f"the contract gives it to {claim['owner']} (layer {claim['layer']}{source})"
    else:
        yield each["needs"]
    for rail in each["guardrails"]:
        yield f"guardrail {rail['id']} denies it: {rail['reason']}"
    for one in each["collisions"]:
        yield f"{'collides' if one['blocks'] else 'meets'}: {one['text']}"
        if one["with"] == "live":
            for owner in one["owners"]:
                yield from (f"  {owner['owner']}: {evidence['text']}" for evidence in owner["evidence"][:3])
    for one in each["immutable"]:
        values = f": live {one['live']}, proposed {one['proposed']}" if one["proposed"] else ""
        yield f"cannot be changed in place: {one['field']}{values}"
    for decision in each["decisions"]:
        removed = f" (removed: {decision['removed']})" if decision["removed"] else ""
        yield f"decided: {decision['resource']} belongs to {decision['owner']}{removed}: {decision['reason']}"
    if each["served"]["answer"] != "yes":
        yield each["served"]["text"]
    yield from each["notes"]
    yield f"next: {each['next']}"
