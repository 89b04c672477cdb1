"""What is said before a session begins, and what a drill tells. Pure."""

from collections.abc import Sequence

from screens.link import Drill, DrillCheck
from tui.contract.model import Contract
from tui.ownership.atomic import FLAG
from tui.ownership.model import Wish
from tui.recovery.ports import Identity
from tui.widgets.spans import Line, accent, bad, good, line, muted, plural, strong, warn


def stake_lines(identity: Identity, contract: Contract) -> tuple[Line, ...]:
    """Where a session would act, as whom, and under which contract."""
    lines = [
        line("In a session, changes can be made, each confirmed for itself and written to a journal first."),
        (),
        line(muted("context   "), strong(identity.context)),
        line(muted("server    "), identity.server),
        line(muted("cluster   "), identity.cluster_uid or "its uid could not be read"),
        line(muted("user      "), identity.user or "the server would not say"),
        line(muted("contract  "), strong(contract.name), f"  {contract.source}"),
        line(muted("          "), muted(f"sha256 {contract.sha256[:16]}")),
    ]
    if contract.cluster_uid is None:
        lines.append(line(warn("! "), "the contract is not pinned to a cluster: many contexts share a name"))
    return tuple(lines)


def wish_lines(wish: Wish) -> tuple[Line, ...]:
    """What stating a release means, and what is stated now."""
    return (
        line(
            "A refused install leaves no trace in the cluster: only the owner's error knows what it was refused over."
        ),
        (),
        line(
            muted("NAME           "),
            "a release whose name its owner keeps (Pulumi: pinned by `name:`): what bears others is adopted to it",
        ),
        line(muted("NAME@REVISION  "), "of two releases in force, the one that is meant"),
        line(muted("@FILE          "), "a file with the owner's error, or with the manifest of the expected release"),
        line(muted("the error      "), "itself, pasted here"),
        line(muted(f"{FLAG}   "), "its next install is not atomic: where it fails, it takes nothing back"),
        line(muted("nothing        "), "takes it back"),
        (),
        *(
            line(muted(f"{'stated now' if not number else '':15}"), strong(one))
            for number, one in enumerate(_now(wish))
        ),
    )


def _now(wish: Wish) -> list[str]:
    """What is stated, one thing a line."""
    said = [wish.expected] if wish.expected else []
    said += ["@".join(map(str, wish.settled))] if wish.settled else []
    if not wish.error.says_nothing:
        said.append(f"the owner's error: {plural(len(wish.error.conflicts), 'conflict')}")
    if wish.forecast is not None:
        said.append(f"{wish.forecast.source}: {plural(len(wish.forecast.documents), 'document')}")
    said += ["its next install is not atomic"] if wish.not_atomic else []
    return said or ["nothing"]


def retire_lines(names: Sequence[str]) -> tuple[Line, ...]:
    """What retiring a release means, and which may be retired."""
    return (
        line("Its records leave, each confirmed for itself and saved first. Nothing that it made is touched,"),
        line("and no uninstall and no upgrade of its name can take down what the other release owns any more."),
        (),
        *(line(muted("it may be  "), strong(name)) for name in names),
    )


def briefing_lines(drill: Drill, hints: int) -> tuple[Line, ...]:
    """The story and the goal of a drill, with as many hints as were asked for."""
    lines: list[Line] = [line(strong(drill.title)), ()]
    for paragraph in drill.story.strip().split("\n\n"):
        lines += [line(" ".join(paragraph.split())), ()]
    lines.append(line(strong("Goal  "), " ".join(drill.goal.split())))
    for number, hint in enumerate(drill.hints[:hints], 1):
        lines += [(), line(accent(f"Hint {number}  "), " ".join(hint.split()))]
    left = len(drill.hints) - hints
    told = f"{left} more hints" if hints else f"{left} hints"
    reveal = (accent("h"), muted(f" reveals the next of {told}   ")) if left else (muted("no more hints   "),)
    return (*lines, (), line(*reveal, accent("esc"), muted(" begins")))


def drill_lines(drill: Drill | None, check: DrillCheck | None) -> tuple[Line, ...]:
    """How a drill stands, on top of the report; nothing on a real cluster."""
    if drill is None:
        return ()
    lines: list[Line] = [line(strong(f"Drill {drill.name}  "), muted(" ".join(drill.goal.split())))]
    if check is None:
        return (*lines, line(muted("looking at the practice cluster...")), ())
    lines.append(line(good("✓ the goal is reached") if check.reached else bad("✗ the goal is not reached yet")))
    lines += [line(good("  ✓ "), text) for text in check.well]
    lines += [line(warn("  ! "), text) for text in check.risky]
    return (*lines, ())
