"""Reads what Helm, and Pulumi and Flux with Helm's library, say when they refuse to install or upgrade. Pure.

A refused install leaves nothing in a cluster: its text alone knows which release was wanted. What of it could not be
read, because it was cut short, is part of the answer. Texts are as tried with Helm 3.22 and 4.3
(helm pkg/action/validate.go), with Pulumi 3.274, and as the API server words them.
"""

import re
from collections.abc import Container, Iterable, Iterator
from typing import Final, NamedTuple

from tui.helm.errors_atomic import shows_atomic, taken_back
from tui.helm.errors_failures import failures_in
from tui.helm.errors_text import Scan, joined, plain, spread
from tui.helm.errors_tools import Resources, tool_of
from tui.helm.manifest import MANAGED_BY, RELEASE_NAME, RELEASE_NAMESPACE
from tui.helm.refusal import Cause, Conflict, Failure, OwnerError, Tool, Wanted
from tui.text import clean

MAX_CONFLICTS: Final = 1000
"""Conflicts of one text that are told; Helm itself stops at the first one."""


def read_error(text: str) -> OwnerError:
    """What an owner's text says; never raises. The order is that of the text, each conflict told once."""
    text = plain(text)
    resources = Resources(text)
    found = sorted([*_ownership(text), *_fields(text), *_role_refs(text)], key=lambda each: each[0])
    conflicts = _once(conflict for _, conflict in found)
    cut = [f"{each.label}: the text is cut short within it" for each in conflicts if each.cut]
    whole = {(each.kind, each.name) for each in conflicts if not each.cut}
    cut += [f"the text is cut short behind: {clean(rest, 100)}" for rest in _torn(text, whole)]
    if len(conflicts) > MAX_CONFLICTS:
        cut.append(f"{len(conflicts) - MAX_CONFLICTS} more conflicts")
    return OwnerError(
        tuple(conflicts[:MAX_CONFLICTS]),
        _wanted(text, found, resources),
        _BUSY.search(text) is not None,
        tuple(cut),
        shows_atomic(text),
        failures=_failures(text, resources),
        tool=tool_of(text),
    )


def _once(found: Iterable[Conflict]) -> list[Conflict]:
    """Each conflict once; one that was cut short only where the text has it nowhere whole."""
    conflicts = list(dict.fromkeys(found))
    whole = {_identity(each) for each in conflicts if not each.cut}
    return [each for each in conflicts if not each.cut or _identity(each) not in whole]


def _identity(conflict: Conflict) -> tuple[str, ...]:
    return conflict.cause.value, conflict.kind, conflict.namespace or "", conflict.name


_HEAD: Final = re.compile(
    r'"([^"]{1,300})"\s*'
    + spread("in namespace")
    + r'\s*"([^"]{0,100})"\s*'
    + spread("exists and cannot be imported into the current release")
)
_KIND: Final = re.compile(r"([:;]?)\s*((?:[A-Za-z0-9]|\n)+)\s*\Z")
_WINDOW: Final = 160
_KEYS: Final = {RELEASE_NAME: "release", RELEASE_NAMESPACE: "namespace", MANAGED_BY: "label"}


class _Part(NamedTuple):
    key: str
    wanted: str
    held: str


def _ownership(text: str) -> Iterator[tuple[int, Conflict]]:
    for head in _HEAD.finditer(text):
        scan = Scan(text, head.end())
        parts, cut = _parts(scan) if scan.words(": invalid ownership metadata") else ([], True)
        told = {_KEYS[part.key]: part for part in parts if part.key in _KEYS}
        wanted = {what: part.wanted for what, part in told.items()}
        held = {what: part.held for what, part in told.items()}
        yield (
            head.start(),
            Conflict(
                Cause.OWNERSHIP,
                _kind_before(text, head.start()),
                joined(head[2]),
                joined(head[1]),
                held.get("release"),
                held.get("namespace"),
                held.get("label"),
                wanted.get("release"),
                wanted.get("namespace"),
                cut=cut,
            ),
        )


def _kind_before(text: str, at: int) -> str:
    """The kind before a name: behind a colon, as Helm writes it, all that line ends part; else the last word."""
    found = _KIND.search(text[max(0, at - _WINDOW) : at])
    if found is None:
        return ""
    return joined(found[2]) if found[1] else found[2].strip().rpartition("\n")[2]


def _parts(scan: Scan) -> tuple[list[_Part], bool]:
    """What Helm says of an object's marks, and whether the text ends or breaks off within that."""
    parts: list[_Part] = []
    while True:
        behind = scan.at
        if not scan.words(";"):
            return parts, not parts or _elided(scan)
        if not scan.words("label validation error:") and not scan.words("annotation validation error:"):
            begun = scan.begun("label validation error:") or scan.begun("annotation validation error:")
            scan.at = behind
            return parts, not parts or begun
        part = _part(scan)
        if part is None:
            return parts, True
        parts.append(part)


def _elided(scan: Scan) -> bool:
    """Whether dots say that something was left out here; the end of the text alone does not."""
    return scan.cut() and not scan.text[scan.at :].isspace() and scan.at < len(scan.text)


def _part(scan: Scan) -> _Part | None:
    """``missing key "K": must be set to "V"`` or ``key "K" must equal "V": current value is "C"``; None if broken."""
    missing = scan.words("missing")
    key = scan.quoted() if scan.words("key") else None
    if key is None or not scan.words(": must be set to" if missing else "must equal"):
        return None
    wanted = scan.quoted()
    held: str | None = ""
    if wanted is not None and not missing:
        held = scan.quoted() if scan.words(": current value is") else None
    return None if wanted is None or held is None else _Part(key, wanted, held)


_UNABLE: Final = re.compile("[Uu]" + spread("nable"))
_VERB: Final = re.compile(r"\s*[a-z\n]{1,20}\s*:")
_VERB_CUT: Final = re.compile(r"\s*[a-z\n]{0,20}\s*(?:\.\.\.|…|\Z)")
_KIND_NEXT: Final = re.compile(r"\s*[A-Z][A-Za-z0-9\n]{0,80}")


def _torn(text: str, whole: Container[tuple[str, str]]) -> Iterator[str]:
    """The beginnings of conflicts that the text ends, or is cut, within; not of those that it tells whole elsewhere.

    A terminal cuts what Pulumi writes while it is at work to its own width, and the diagnostics behind tell it again.
    """
    for found in _UNABLE.finditer(text):
        if _is_torn(Scan(text, found.end())) and _object_of(Scan(text, found.end())) not in whole:
            yield " ".join(text[found.start() : found.start() + 300].split())


def _object_of(scan: Scan) -> tuple[str, str] | None:
    """Kind and name of the object that a beginning is about, where it names them whole."""
    if not scan.words("to continue with") or scan.match(_VERB) is None:
        return None
    kind, name = scan.match(_KIND_NEXT), scan.quoted()
    return (joined(kind[0]), name) if kind and name and scan.words("in namespace") else None


def _is_torn(scan: Scan) -> bool:
    if not scan.words("to continue with"):
        return scan.begun("to continue with")
    if scan.match(_VERB) is None:
        return _VERB_CUT.match(scan.text, scan.at) is not None
    if scan.match(_KIND_NEXT) is None or scan.cut():
        return scan.cut()
    for words in ("in namespace", "exists and cannot be imported into the current release"):
        if scan.quoted() is None:
            return '"' in scan.text[scan.at : scan.at + 2] or scan.cut()
        if not scan.words(words):
            return scan.begun(words)
    return False


_OBJECT: Final = re.compile(
    spread("conflict occurred while applying object")
    + r'([^,"]{1,500}),\s*'
    + spread("Kind=")
    + r"([A-Za-z0-9\s]{1,90}):"
)
_FAILED: Final = re.compile(spread("Apply failed with") + r"\s*([\d\n]{1,9})\s*" + spread("conflict"))
_WITH: Final = re.compile(spread("conflict") + r"\s*s?\s*" + spread("with") + r'\s*"([^"]{1,200})"')
_USING: Final = re.compile(spread("using") + r"\s*([a-z0-9./\n-]{1,120}?)\s*(?::|" + spread("at") + r"\s*\d)")
_VERSION: Final = re.compile(r"(?:[a-z0-9.-]*/)?v\d+(?:(?:alpha|beta)\d+)?")


def _fields(text: str) -> Iterator[tuple[int, Conflict]]:
    """Refused server-side applies. Helm names the object before the API server's own words, others do not."""
    objects = {found.end(): found for found in _OBJECT.finditer(text)}
    failures = list(_FAILED.finditer(text))
    starts = sorted({*(found.start() for found in objects.values()), *(found.start() for found in failures), len(text)})
    for failed in failures:
        named = next(
            (o for end, o in objects.items() if end <= failed.start() and text[end : failed.start()].isspace()), None
        )
        named = named or objects.get(failed.start())
        if named is not None:
            del objects[named.end()]
        rest = text[failed.end() - len("conflict") : next(at for at in starts if at > failed.start())]
        managers = tuple(dict.fromkeys(joined(each[1]) for each in _WITH.finditer(rest)))
        using = _USING.search(rest)
        kind, namespace, name = _applied(named, joined(using[1]) if using else "")
        number = int(joined(failed[1]) or 0)
        conflict = Conflict(Cause.FIELDS, kind, namespace, name, managers=managers, fields=number, cut=not managers)
        yield (named or failed).start(), conflict
    for lone in objects.values():
        kind, namespace, name = _applied(lone, "")
        yield lone.start(), Conflict(Cause.FIELDS, kind, namespace, name, cut=True)


def _applied(named: re.Match[str] | None, using: str) -> tuple[str, str | None, str]:
    """Kind, namespace and name of ``<namespace>/<name> <apiVersion>, Kind=<Kind>``, broken anywhere by line ends."""
    if named is None:
        return "", None, ""
    path = _path(named[1].strip(), using)
    namespace, slash, name = path.partition("/")
    return joined(named[2]).replace(" ", ""), namespace if slash else None, name if slash else namespace


def _path(run: str, using: str) -> str:
    """The path before a version; with no blank left between them, up to a line end before what can be the version."""
    path, blank, version = run.rpartition(" ")
    if blank and _VERSION.fullmatch(joined(version)):
        return joined(path)
    ends = [at for at, each in enumerate(run) if each == "\n"]
    fit = [(joined(run[:at]), joined(run[at:])) for at in reversed(ends) if _VERSION.fullmatch(joined(run[at:]))]
    same = [each for each in fit if each[1] == using]
    return next(iter(same or fit), (joined(run), ""))[0]


_ROLE_REF: Final = re.compile(
    rf"({spread('ClusterRoleBinding')}|{spread('RoleBinding')})\s*"
    + spread(".rbac.authorization.k8s.io")
    + r'\s*"([^"]{1,300})"\s*'
    + spread("is invalid: roleRef: Invalid value")
)
_CANNOT: Final = re.compile(spread("cannot change roleRef"))
_FAR: Final = 2000


def _role_refs(text: str) -> Iterator[tuple[int, Conflict]]:
    for found in _ROLE_REF.finditer(text):
        whole = _CANNOT.search(text, found.end(), found.end() + _FAR) is not None
        kind = joined("".join(found[1].split()))
        namespace = "" if kind == "ClusterRoleBinding" else None
        yield found.start(), Conflict(Cause.ROLE_REF, kind, namespace, joined(found[2]), cut=not whole)


_BUSY: Final = re.compile(spread("another operation (install/upgrade/rollback) is in progress"))
_PULUMI: Final = re.compile(
    spread("Helm release")
    + r'\s*"([^"/]{1,100})/([^"]{1,100})"\s*(?:'
    + spread("was not")
    + "|"
    + spread("failed")
    + ")"
)
_FLUX: Final = re.compile(
    spread("for release") + r"\s*([a-z0-9.\n-]{1,80})/([a-z0-9.\n-]{1,80}?)\s*" + spread("with chart")
)


def _wanted(text: str, conflicts: Iterable[tuple[int, Conflict]], resources: Resources) -> tuple[Wanted, ...]:
    """The releases that were wanted, each once, by the conflicts and by what Pulumi and Flux say around them."""
    told = [(at, each.wanted_release, each.wanted_namespace) for at, each in conflicts if each.wanted_release]
    told += [(m.start(), joined(m[2]), joined(m[1])) for pattern in (_PULUMI, _FLUX) for m in pattern.finditer(text)]
    found: dict[str, Wanted] = {}
    if tool_of(text) is not Tool.PULUMI:
        # What Pulumi took back had a name that it drew: the next one is another.
        told += [(max(text.find(name), 0), name, None) for name in taken_back(text)]
    for at, release, namespace in told:
        known = found.get(release, Wanted(release))
        space = known.namespace if known.namespace is not None else namespace
        found[release] = Wanted(release, space, known.resource or resources.at(at, release))
    return tuple(found.values())


def _failures(text: str, resources: Resources) -> tuple[Failure, ...]:
    """What else stopped the owner, each once, in the text's order."""
    found = sorted(failures_in(text), key=lambda each: each[0])
    return tuple(dict.fromkeys(each._replace(resource=resources.at(at, each.release)) for at, each in found))[
        :MAX_CONFLICTS
    ]
