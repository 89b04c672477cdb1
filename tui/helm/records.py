"""Decodes the objects in which Helm stores its releases. Whatever they hold, the answer is a value and never a crash.

Everything in a payload is secret material (rendered Secrets, values, notes), so no reason given here quotes it.
"""

import base64
import json
import re
import zlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NoReturn

from tui.helm.model import ChartFile, Hook, Record, Status, Undecodable
from tui.objects import Json, Ref
from tui.text import clean

PREFIX: Final = "sh.helm.release.v1."
"""How the name of every storage object begins; the ``v1`` is the version of the storage format."""

MAX_ENCODED: Final = 2 * 1024 * 1024
"""Characters of ``data.release`` that are looked at: the API server takes 1 MiB, which base64 makes 1.4 million."""

MAX_EXPANDED: Final = 64 * 1024 * 1024
"""Bytes of JSON that one record may expand to; the largest seen in the wild has a tenth of that."""

MAX_MEMBERS: Final = 64
"""Gzip members of one payload. Helm writes one; thousands of empty ones would cost time and say nothing."""

MAX_VALUES: Final = 2_000_000
"""Brackets and commas in the JSON, which bound its values: 64 MiB of ``[],[]`` would cost gigabytes as objects."""

_OBJECT_NAME: Final = re.compile(r"sh\.helm\.release\.v1\.(.+)\.v([0-9]+)")
_SUBDOMAIN: Final = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
_RFC3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_GZIP: Final = b"\x1f\x8b\x08"
_MANIFEST_SUFFIXES: Final = (".yaml", ".yml", ".json")


class _Damaged(Exception):
    """What is wrong with a storage object, in words that complete "cannot be decoded: "."""


def is_record(storage_object: Mapping[str, Any]) -> bool:
    """Whether this Secret or ConfigMap is one of Helm's storage objects: Helm's label and Helm's name."""
    meta = _mapping_or_empty(storage_object.get("metadata"))
    return (
        storage_object.get("kind") in ("Secret", "ConfigMap")
        and str(meta.get("name") or "").startswith(PREFIX)
        and _mapping_or_empty(meta.get("labels")).get("owner") == "helm"
    )


def decode_record(storage_object: Json) -> Record | Undecodable:
    """The release revision that a Secret or ConfigMap, exactly as the API's JSON has it, holds.

    Nothing is raised: an object that cannot be read whole becomes an Undecodable whose ``reason`` says what is wrong.
    A record whose storage object contradicts it is decoded, and says so in ``disagreements``.
    """
    storage = _storage(storage_object)
    try:
        payload = _payload(storage_object)
        return _record(storage_object, storage, payload)
    except _Damaged as damage:
        return Undecodable(storage, _seeming_name(storage_object), str(damage))


def _storage(storage_object: Mapping[str, Any]) -> Ref:
    meta = _mapping_or_empty(storage_object.get("metadata"))
    return Ref(
        clean(storage_object.get("apiVersion") or "v1"),
        clean(storage_object.get("kind") or ""),
        clean(meta.get("namespace") or "") or None,
        clean(meta.get("name") or ""),
        clean(meta.get("uid") or "") or None,
    )


def _seeming_name(storage_object: Mapping[str, Any]) -> str:
    # The object's name first: it cannot be edited, a label can.
    meta = _mapping_or_empty(storage_object.get("metadata"))
    # Greedy, because a release may itself be called "a.v2".
    named = _OBJECT_NAME.fullmatch(str(meta.get("name") or ""))
    return clean(named[1] if named else _mapping_or_empty(meta.get("labels")).get("name") or "")


def _payload(storage_object: Mapping[str, Any]) -> Json:
    kind = storage_object.get("kind")
    data = storage_object.get("data")
    text = data.get("release") if isinstance(data, dict) else None
    if not isinstance(text, str):
        raise _Damaged("it has no text under data.release")
    if len(text) > MAX_ENCODED:
        raise _Damaged(f"data.release has {len(text)} characters, more than the {MAX_ENCODED} that are read")
    if kind == "Secret":
        # The API's JSON adds its own base64 to the bytes of a Secret, over the one that Helm wrote.
        text = _unbase64(text, "data.release").decode("latin-1")
    elif kind != "ConfigMap":
        raise _Damaged(f"a {clean(kind, 60)} is neither a Secret nor a ConfigMap")
    raw = _unbase64(text, "the stored release")
    return _json(_expand(raw) if len(raw) > 3 and raw.startswith(_GZIP) else raw)


def _unbase64(text: str, what: str) -> bytes:
    # Go's decoder skips line breaks and refuses any other stray character.
    try:
        return base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
    except ValueError as wrong:
        raise _Damaged(f"{what} is not base64") from wrong


def _expand(raw: bytes) -> bytes:
    parts: list[bytes] = []
    size = 0
    for _ in range(MAX_MEMBERS):
        member = zlib.decompressobj(wbits=31)
        try:
            part = member.decompress(raw, MAX_EXPANDED + 1 - size)
        except zlib.error as wrong:
            raise _Damaged("its gzip data is damaged") from wrong
        parts.append(part)
        size += len(part)
        if size > MAX_EXPANDED:
            raise _Damaged(f"it expands to more than {MAX_EXPANDED} bytes")
        if not member.eof:
            raise _Damaged("its gzip data is cut short")
        raw = member.unused_data
        if not raw:
            return b"".join(parts)
    raise _Damaged(f"its gzip data has more than {MAX_MEMBERS} members")


def _json(raw: bytes) -> Json:
    if len(raw) > MAX_EXPANDED:
        raise _Damaged(f"it holds more than {MAX_EXPANDED} bytes")
    if sum(raw.count(mark) for mark in (b"{", b"[", b",")) > MAX_VALUES:
        raise _Damaged(f"its JSON may hold more than {MAX_VALUES} values")
    try:
        payload = json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except UnicodeDecodeError as wrong:
        raise _Damaged("its payload is not UTF-8") from wrong
    except RecursionError as wrong:
        raise _Damaged("its JSON is nested too deep") from wrong
    except ValueError as wrong:
        raise _Damaged("its payload is not JSON") from wrong
    if not isinstance(payload, dict):
        raise _Damaged("its payload is not a JSON object")
    return payload


def _no_constant(word: str) -> NoReturn:
    raise ValueError(word)


def _record(storage_object: Mapping[str, Any], storage: Ref, payload: Json) -> Record:
    info = _mapping(payload, "info")
    chart = _mapping(payload, "chart")
    about = _mapping(chart, "metadata", "chart.")
    name, namespace, revision, status = _identity(payload, info)
    for key in ("first_deployed", "deleted"):
        # Helm 3 writes an empty string for a time that never was, Helm 4 omits it.
        if info.get(key) not in (None, ""):
            _time(info, key)
    meta = _mapping_or_empty(storage_object.get("metadata"))
    return Record(
        storage=storage,
        resource_version=clean(meta.get("resourceVersion") or ""),
        created=clean(meta.get("creationTimestamp") or ""),
        name=name,
        namespace=namespace,
        revision=revision,
        status=status,
        updated=_time(info, "last_deployed"),
        description=clean(_text(info, "description", "info.", optional=True)),
        apply_method=_apply_method(payload),
        chart=clean(_text(about, "name", "chart.metadata.")),
        chart_version=clean(_text(about, "version", "chart.metadata.")),
        app_version=clean(_text(about, "appVersion", "chart.metadata.", optional=True)),
        manifest=_manifest(payload),
        hooks=_hooks(payload),
        crds=_crds(chart),
        disagreements=tuple(_disagreements(meta, name, revision, status)),
    )


def _identity(payload: Json, info: Json) -> tuple[str, str, int, Status]:
    name = _text(payload, "name")
    namespace = _text(payload, "namespace")
    for key, text in (("name", name), ("namespace", namespace)):
        if not _SUBDOMAIN.fullmatch(text):
            raise _Damaged(f"its {key} {clean(text, 60)!r} is not one that Kubernetes allows")
    revision = payload.get("version")
    if type(revision) is not int or not 0 < revision < 2**63:
        raise _Damaged("its version is not a revision number")
    word = _text(info, "status", "info.")
    try:
        return name, namespace, revision, Status(word)
    except ValueError as wrong:
        raise _Damaged(f"its status {clean(word, 60)!r} is none that Helm knows") from wrong


def _apply_method(payload: Json) -> str:
    method = _text(payload, "apply_method", optional=True) or "csa"
    if method not in ("ssa", "csa"):
        raise _Damaged(f"its apply_method {clean(method, 60)!r} is none that Helm knows")
    return method


def _manifest(payload: Json, where: str = "") -> str:
    manifest = _text(payload, "manifest", where, optional=True)
    try:
        manifest.encode("utf-8")
    except UnicodeEncodeError as wrong:
        raise _Damaged(f"{where or 'its '}manifest holds half a character (a lone surrogate)") from wrong
    return manifest


def _hooks(payload: Json) -> tuple[Hook, ...]:
    hooks = []
    for number, hook in enumerate(_list(payload, "hooks")):
        where = f"hooks[{number}]."
        if not isinstance(hook, dict):
            raise _Damaged(f"hooks[{number}] is not an object")
        kind, name = (clean(_text(hook, key, where)) for key in ("kind", "name"))
        events, policies = (_words(hook, key, where) for key in ("events", "delete_policies"))
        last = hook.get("last_run")
        phase = clean(_text(last, "phase", f"{where}last_run.", optional=True)) if isinstance(last, dict) else ""
        manifest = _manifest(hook, where)
        hooks.append(Hook(kind, name, events, policies, phase, manifest))
    return tuple(hooks)


def _words(parent: Json, key: str, where: str) -> tuple[str, ...]:
    words = _list(parent, key, where)
    if not all(isinstance(word, str) for word in words):
        raise _Damaged(f"{where}{key} holds something other than text")
    return tuple(clean(word) for word in words)


def _crds(chart: Json) -> tuple[ChartFile, ...]:
    crds = []
    for number, file in enumerate(_list(chart, "files", "chart.")):
        where = f"chart.files[{number}]"
        if not isinstance(file, dict):
            raise _Damaged(f"{where} is not an object")
        name = _text(file, "name", f"{where}.", optional=True)
        if not name.startswith("crds/") or not name.endswith(_MANIFEST_SUFFIXES):
            continue
        raw = _unbase64(_text(file, "data", f"{where}.", optional=True), f"{where}.data")
        try:
            crds.append(ChartFile(clean(name), raw.decode("utf-8")))
        except UnicodeDecodeError as wrong:
            raise _Damaged(f"{where}.data is not UTF-8") from wrong
    return tuple(crds)


def _disagreements(meta: Mapping[str, Any], name: str, revision: int, status: Status) -> list[str]:
    found = []
    if meta.get("name") != f"{PREFIX}{name}.v{revision}":
        found.append(f"the object is called {clean(meta.get('name') or '', 300)!r}, its payload is {name} v{revision}")
    labels = _mapping_or_empty(meta.get("labels"))
    for key, payload in (("name", name), ("version", str(revision)), ("status", status.value)):
        label = labels.get(key)
        if label is None:
            found.append(f"the label {key} is missing, the payload says {payload}")
        elif label != payload:
            found.append(f"the label {key} says {clean(label, 100)!r}, the payload {payload}")
    return found


def _time(info: Json, key: str) -> str:
    text = _text(info, key, "info.")
    try:
        # fromisoformat takes more forms than RFC 3339 has, and the pattern takes a month 13.
        valid = bool(_RFC3339.fullmatch(text)) and datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        valid = False
    if not valid:
        raise _Damaged(f"info.{key} is not an RFC 3339 time")
    return text


def _text(parent: Json, key: str, where: str = "", *, optional: bool = False) -> str:
    value = parent.get(key)
    if value is None and optional:
        return ""
    if not isinstance(value, str) or not (value or optional):
        raise _Damaged(f"{where}{key} is {'missing' if value in (None, '') else 'not text'}")
    return value


def _mapping(parent: Json, key: str, where: str = "") -> Json:
    value = parent.get(key)
    if not isinstance(value, dict):
        raise _Damaged(f"{where}{key} is {'missing' if value is None else 'not an object'}")
    return value


def _list(parent: Json, key: str, where: str = "") -> list[Any]:
    value = parent.get(key)
    if value is not None and not isinstance(value, list):
        raise _Damaged(f"{where}{key} is not a list")
    return value or []


def _mapping_or_empty(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
