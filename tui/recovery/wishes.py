"""What an operator may state beside the cluster: a release that is expected, by name, by the owner's error or by its
manifest, or which of two in force is meant. Pure: files come as bytes.
"""

import hashlib
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from tui.contract.model import Contract
from tui.faults import UsageFault
from tui.helm.errors import read_error
from tui.helm.errors_text import MAX_ERROR
from tui.helm.manifest import RESOURCE_POLICY, ManifestFault, is_owned, parse_manifest
from tui.helm.model import Document
from tui.helm.refusal import KEEPS_NAMES, Cause, OwnerError, Tool
from tui.objects import Json
from tui.ownership.atomic import FLAG, keeps
from tui.ownership.model import Forecast, Wish
from tui.ownership.references import BINDINGS
from tui.text import clean

MAX_FILE: Final = 16 * 1024 * 1024
"""Bytes of a manifest that are read. Of an owner's text it is ``MAX_ERROR``."""

MAX_DOCUMENTS: Final = 5000
"""Documents of an expected manifest; a plan file names each of them."""

_SETTLED: Final = re.compile(r"([^@\s]+)@(\d{1,9})")
_MARKS: Final = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))
"""Byte order marks: PowerShell writes a redirected text as UTF-16."""


def settled(text: str) -> tuple[str, int]:
    """The release and revision of ``NAME@REVISION``. Raises UsageFault for anything else."""
    match = _SETTLED.fullmatch(text)
    if match is None:
        raise UsageFault(f"{clean(text, 200)}: write the release's name and revision in full, as in NAME@3")
    return match[1], int(match[2])


def error_of(data: bytes, source: str) -> OwnerError:
    """What the owner's text says; where that is nothing, its source says which text. Raises UsageFault for no text."""
    found = read_error(_text(data, source, MAX_ERROR))
    return replace(found, source=source) if found.says_nothing else found


def forecast_of(data: bytes, source: str) -> Forecast:
    """What the expected release will hold, from its manifest as ``helm template`` prints it.

    Hooks and the files of a chart's ``crds/`` folder are left out: Helm does not own them. Raises UsageFault.
    """
    try:
        documents = parse_manifest(_text(data, source, MAX_FILE), of=source)
    except ManifestFault as fault:
        place = str(fault).partition("; nothing of it")[0]
        raise UsageFault(f"{place}; give the manifest as helm template prints it") from None
    kept = tuple(_identity(each) for each in documents if is_owned(each))
    if not kept:
        raise UsageFault(f"{source} holds no document that a release would own; give its whole manifest")
    if len(kept) > MAX_DOCUMENTS:
        raise UsageFault(f"{source} has more than {MAX_DOCUMENTS} documents; that is no manifest of one release")
    return Forecast(source, hashlib.sha256(data).hexdigest(), kept, documents)


def with_manifest(wish: Wish, forecast: Forecast) -> Wish:
    """A wish that was read back, with the manifest itself, which is never written down with it. Raises UsageFault where
    it is not the very file that was stated.
    """
    if wish.forecast is None:
        raise UsageFault("the plan was made without a manifest; leave --manifest out, or plan again with it")
    if wish.forecast.sha256 != forecast.sha256:
        raise UsageFault(
            f"{forecast.source} is not the manifest that the plan was made with ({wish.forecast.source}, sha256"
            f" {wish.forecast.sha256[:16]}); give that one, or plan again"
        )
    return replace(wish, forecast=replace(wish.forecast, whole=forecast.whole))


def _identity(document: Document) -> Document:
    """The document without its content: no value of a manifest is written down beyond what decisions rest on."""
    ref = document.ref
    metadata: Json = {"name": ref.name} | ({"namespace": ref.namespace} if ref.namespace else {})
    if keeps(document.annotations.get(RESOURCE_POLICY)):
        metadata["annotations"] = {RESOURCE_POLICY: "keep"}
    body: Json = {"apiVersion": ref.api_version, "kind": ref.kind, "metadata": metadata}
    role = document.body.get("roleRef")
    if ref.kind_key in BINDINGS and isinstance(role, dict):
        body["roleRef"] = {name: clean(role[name], 300) for name in ("apiGroup", "kind", "name") if role.get(name)}
    return Document(ref, body)


def _text(data: bytes, source: str, limit: int) -> str:
    """The text of a file's bytes. Raises UsageFault with what is wrong with them."""
    if len(data) > limit:
        raise UsageFault(f"{source} has more than {limit // 1024} KiB; give only the part that tells of the refusal")
    coding = next((name for mark, name in _MARKS if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(coding)
    except UnicodeDecodeError as error:
        raise UsageFault(f"{source} is no text: byte {error.start} is not {coding.upper()}") from None
    if "\0" in text:
        raise UsageFault(f"{source} is no text: it holds binary data")
    if not text.strip():
        raise UsageFault(f"{source} is empty")
    return text


def complete(contract: Contract, wish: Wish) -> Wish:
    """The wish with the expected release's name from the owner's text, where that alone names it.

    A name that Pulumi drew is never the next one (facts: tried), so that none follows from its text; a name that is
    stated beside such a text is one that the program pins. Raises UsageFault where a name belongs to no family of the
    contract, or where text, name and contract disagree.
    """
    expected = wish.expected
    wanted = [each.release for each in wish.error.wanted]
    drawn = is_drawn(contract, wish.error)
    if expected is None:
        expected = None if drawn else _named(contract, wish.error)
    elif wanted and expected not in wanted and not drawn:
        names = clean(" and ".join(wanted[:4]), 300)
        raise UsageFault(f"the owner's text wants {names}, {clean(expected, 200)} is expected; state the right one")
    if wish.forecast is not None and expected is None:
        why = ", the one that the program pins: Pulumi draws another name at every attempt" if drawn else ""
        raise UsageFault(f"whose manifest it is must be stated: name the expected release (--expect NAME){why}")
    if wish.not_atomic and expected is None:
        raise UsageFault(f"whose install is not atomic must be stated too ({FLAG} --expect NAME)")
    for name in (expected, wish.settled[0] if wish.settled else None):
        if name is not None and contract.family_of(name) is None:
            raise UsageFault(_stranger(contract, [name]))
    _check_namespace(contract, expected, wish.error)
    return replace(wish, expected=expected)


def is_drawn(contract: Contract, error: OwnerError) -> bool:
    """Whether the owner that wrote a text will ask for another name than the text's at its next attempt.

    Pulumi's words say so; where nobody's are known, the form of the name that it wants does, or of one that is held.
    """
    if error.tool is Tool.PULUMI or error.tool in KEEPS_NAMES:
        return error.tool is Tool.PULUMI
    names = [each.release for each in error.wanted] or [each.held_release or "" for each in error.conflicts]
    return any(family.draws(name) for family in contract.releases for name in names)


def _named(contract: Contract, error: OwnerError) -> str | None:
    """The release that the text alone names; None where it tells of something else than a refused install."""
    names = [each.release for each in error.wanted]
    mine = [name for name in names if contract.family_of(name) is not None]
    if len(mine) == 1:
        return mine[0]
    if mine:
        raise UsageFault(
            f"the owner's text wants several releases ({clean(', '.join(mine), 300)}); say which (--expect NAME)"
        )
    if names:
        raise UsageFault(f"the owner's text does not help here: {_stranger(contract, names)}")
    refused = any(each.cause is Cause.OWNERSHIP for each in error.conflicts)
    if refused or error.atomic or (error.cut and not error.conflicts):
        where = f" ({error.cut[0]})" if error.cut else ""
        raise UsageFault(f"the owner's text does not name the release that was wanted{where}; name it (--expect NAME)")
    return None


def _stranger(contract: Contract, names: Sequence[str]) -> str:
    families = ", ".join(family.name for family in contract.releases) or "none"
    verb = "belongs" if len(names) == 1 else "belong"
    return f"{clean(', '.join(names), 300)} {verb} to no release family of the contract (it has: {families})"


def _check_namespace(contract: Contract, expected: str | None, error: OwnerError) -> None:
    """Refuses a release that is wanted in another namespace than that of its family: it is another release."""
    family = contract.family_of(expected or "")
    for each in error.wanted:
        if family is not None and each.release == expected and each.namespace not in (None, family.namespace):
            raise UsageFault(
                f"the owner's text wants {clean(expected, 200)} in namespace {clean(each.namespace, 200)}, and the"
                f" contract's family {family.name} lives in {family.namespace}; one of them must be mended"
            )


def read_wish(contract: Contract, line: str, read: Callable[[str], bytes] | None = None) -> Wish:
    """What a typed line states: ``NAME``, ``NAME@REVISION``, ``@FILE``, ``--not-atomic``, several of them, or nothing.

    A file holds the owner's error, or the manifest of the expected release; ``read`` gives its bytes. The error itself
    may stand in the line too, behind ``--not-atomic`` where both are stated. Raises UsageFault.
    """
    line = line.strip()
    pasted = read_error(line.removeprefix(FLAG))
    if not pasted.says_nothing:
        return complete(contract, Wish(error=pasted, not_atomic=line.startswith(FLAG)))
    wish = Wish()
    for word in _words(line):
        wish = _stated(wish, word, read)
    return complete(contract, wish)


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        raise UsageFault("a quote is not closed; write NAME, NAME@REVISION or @FILE") from None


def _stated(wish: Wish, word: str, read: Callable[[str], bytes] | None) -> Wish:
    """The wish with one more word of a typed line."""
    if word.startswith("@") and len(word) > 1 and read is not None:
        data, source = read(word[1:]), clean(word[1:], 300)
        try:
            error = error_of(data, source)
        except UsageFault as no_text:
            return replace(wish, forecast=_forecast_or(data, source, no_text))
        if not error.says_nothing:
            return replace(wish, error=error)
        return replace(wish, forecast=_forecast_or(data, source, UsageFault(error.blank)))
    if word == FLAG:
        return replace(wish, not_atomic=True)
    if "@" in word:
        return replace(wish, settled=settled(word))
    if wish.expected is not None:
        raise UsageFault(f"two releases are named, {clean(wish.expected, 200)} and {clean(word, 200)}; name one")
    return replace(wish, expected=word)


def _forecast_or(data: bytes, source: str, otherwise: UsageFault) -> Forecast:
    try:
        return forecast_of(data, source)
    except UsageFault:
        raise otherwise from None
