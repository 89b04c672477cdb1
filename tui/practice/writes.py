"""Create, update and patch: what a mutating request does to the store, step by step as the API server does it."""

from dataclasses import dataclass, field
from typing import Any

from tui.practice import decoding, managed, patch, strategy, validate
from tui.practice.admission import admit
from tui.practice.defaults import apply_defaults, empty
from tui.practice.fields import Path
from tui.practice.kinds import Kind
from tui.practice.schema import CUSTOM
from tui.practice.status import (
    MODIFIED,
    bad_request,
    cause,
    conflict,
    exists,
    failure,
    forbidden,
    invalid,
    media_type,
    not_found,
)
from tui.practice.store import copy, to_json
from tui.practice.world import World

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """The query of a mutating request. ``validation`` is Ignore, Warn or Strict."""

    manager: str
    dry_run: bool = False
    force: bool = False
    validation: str = "Warn"
    subresource: str = ""


@dataclass(slots=True)
class Result:
    """The answer to a mutating request."""

    code: int
    body: Json
    warnings: list[str] = field(default_factory=list)


class Writer:
    """Performs mutating requests on a world."""

    def __init__(self, world: World) -> None:
        self.world = world

    def create(self, kind: Kind, namespace: str | None, body: Json, options: Options) -> Result:
        """POST: a new object, or 409 where the name is taken."""
        body = copy(body)
        _check_types(kind, body)
        self._check_identity(kind, namespace, body)
        self._check_namespace(kind, namespace, body)
        warnings = self._check_fields(kind, body, options)
        meta = body["metadata"]
        for name in ("uid", "resourceVersion", "creationTimestamp", "deletionTimestamp", "generation", "selfLink"):
            meta.pop(name, None)
        apply_defaults(kind, body)
        body = managed.update(self._owner(kind, options), empty(kind), body, creating=True)
        return Result(201, self._finish_create(kind, body, options), warnings)

    def claimed(self, kind: Kind, body: Json, options: Options) -> Json:
        """The metadata of an object that is answered and not stored: only who set its fields."""
        bare = {"metadata": {}, "spec": body.get("spec") or {}}
        made: Json = managed.update(self._owner(kind, options), empty(kind), bare, creating=True)["metadata"]
        return made

    def _finish_create(self, kind: Kind, body: Json, options: Options) -> Json:
        meta = body["metadata"]
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = f"{meta['generateName'][:58]}{self.world.suffix()}"
        causes = [*validate.metadata(kind, body), *validate.content(kind, body)]
        if causes:
            raise invalid(kind.group, kind.kind, meta.get("name") or "", causes)
        admit(self.world, kind, "CREATE", body)
        if self.world.get(*kind.resource, meta.get("namespace"), meta["name"]):
            raise exists(kind.group, kind.plural, meta["name"])
        meta |= {"uid": self.world.uid(), "creationTimestamp": self.world.clock.stamp()}
        if strategy.has_generation(kind):
            meta["generation"] = 1
        strategy.prepare(self.world, kind, body)
        body["metadata"] = strategy.ordered(meta)
        body = {"kind": kind.kind, "apiVersion": kind.api_version} | {
            key: value for key, value in body.items() if key not in ("kind", "apiVersion")
        }
        return body if options.dry_run else self.world.store.put(kind.resource, body)

    def update(self, kind: Kind, namespace: str | None, name: str, body: Json, options: Options) -> Result:
        """PUT: replaces an object, or its status where ``options.subresource`` says so."""
        body = copy(body)
        _check_types(kind, body)
        self._check_identity(kind, namespace, body)
        given = body["metadata"].get("name") or name
        if given != name:
            raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({name})")
        live = self.world.get(*kind.resource, namespace, name)
        if live is None:
            raise not_found(kind.group, kind.plural, name)
        warnings = self._check_fields(kind, body, options)
        apply_defaults(kind, body)
        return Result(200, self._replace(kind, live, body, options), warnings)

    def patch(self, kind: Kind, namespace: str | None, name: str, style: str, body: Any, options: Options) -> Result:
        """PATCH of one of the four styles (the last part of the media type, without ``+json``/``+yaml``)."""
        live = self.world.get(*kind.resource, namespace, name)
        if style == "apply-patch":
            return self._apply(kind, namespace, name, body, options, live)
        if live is None:
            raise not_found(kind.group, kind.plural, name)
        live = self._as_version(kind, live)
        if style == "json-patch":
            new = patch.json_patch(live, body)
        elif style == "merge-patch":
            new = patch.merge_patch(live, body)
        elif style == "strategic-merge-patch" and not kind.custom:
            new = patch.strategic(kind.type, live, body)
        else:
            raise media_type(
                "the body of the request was in an unknown format - accepted media types include: "
                "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml"
            )
        _check_patched(kind, style, body, new)
        new = copy(new)
        warnings = self._check_fields(kind, new, options)
        apply_defaults(kind, new)
        return Result(200, self._replace(kind, live, new, options), warnings)

    def _apply(
        self, kind: Kind, namespace: str | None, name: str, body: Any, options: Options, live: Json | None
    ) -> Result:
        self._check_apply(kind, namespace, name, body, options)
        config = copy(body)
        config["metadata"].setdefault("name", name)
        if namespace:
            config["metadata"].setdefault("namespace", namespace)
        version = config["metadata"].pop("resourceVersion", None)
        writer = self._owner(kind, options)
        if live is None:
            if config["metadata"].get("uid"):
                asked = config["metadata"]["uid"]
                raise conflict(
                    kind.group,
                    kind.plural,
                    name,
                    f"uid mismatch: the provided object specified uid {asked}, and no existing object was found",
                )
            if version:
                raise not_found(kind.group, kind.plural, name)
            self._check_namespace(kind, namespace, config)
            blank: Json = {"metadata": {}}
            new = copy(managed.apply(writer, blank, config, force=options.force, creating=True))
            apply_defaults(kind, new)
            return Result(201, self._finish_create(kind, new, options))
        live = self._as_version(kind, live)
        if version and version != live["metadata"]["resourceVersion"]:
            raise conflict(kind.group, kind.plural, name, MODIFIED)
        new = managed.apply(writer, live, config, force=options.force)
        if new is live:
            return Result(200, live)
        new = copy(new)
        apply_defaults(kind, new)
        return Result(200, self._replace(kind, live, new, options, owned=True))

    def _check_apply(self, kind: Kind, namespace: str | None, name: str, body: Any, options: Options) -> None:
        if not options.manager:
            text = "Required value: is required for apply patch"
            raise invalid("meta.k8s.io", "PatchOptions", "", [cause("FieldValueRequired", text, "fieldManager")])
        if not isinstance(body, dict):
            raise bad_request("error decoding YAML: the body of an apply patch must be an object")
        if not isinstance(body.setdefault("metadata", {}), dict):
            raise bad_request("error decoding YAML: metadata must be an object")
        where = f"{body['metadata'].get('namespace', '')}/{name}; {kind.api_version}, Kind={kind.kind}"
        if body["metadata"].get("managedFields") is not None:
            raise bad_request("metadata.managedFields must be nil")
        version, named = str(body.get("apiVersion") or kind.api_version), str(body.get("kind") or kind.kind)
        if self.world.kinds.of(version, named) is None:
            raise bad_request(f"invalid object type: {version}, Kind={named}")
        self._check_identity(kind, namespace, body)
        if body["metadata"].get("name") not in (None, name):
            raise bad_request(
                f"the name of the object ({body['metadata']['name']}) does not match the name on the URL ({name})"
            )
        unknown = next(iter(validate.unknown_fields(kind.type, body)), None)
        if unknown:
            raise failure(
                500, "", f"failed to create typed patch object ({where}): .{unknown}: field not declared in schema"
            )
        wrong = decoding.mistake(kind.type, body, kind.kind)
        if wrong:
            raise failure(500, "", f"failed to create typed patch object ({where}): {wrong.typed}")

    def _replace(self, kind: Kind, live: Json, new: Json, options: Options, *, owned: bool = False) -> Json:
        """Turns a wanted body into the stored one: preconditions, ownership, immutability, generation."""
        meta, name = new["metadata"], live["metadata"]["name"]
        if meta.get("uid") not in (None, "", live["metadata"]["uid"]):
            kept = live["metadata"]["uid"]
            where = "/".join(
                part for part in ("registry", kind.plural, live["metadata"].get("namespace"), name) if part
            )
            why = (
                f"StorageError: invalid object, Code: 4, Key: /{where}, ResourceVersion: 0, AdditionalErrorMsg: "
                f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {kept}"
            )
            raise conflict(kind.group, kind.plural, name, why)
        given = meta.get("resourceVersion")
        if given and given != live["metadata"]["resourceVersion"]:
            raise conflict(kind.group, kind.plural, name, MODIFIED)
        if not given and kind.custom and not owned:
            raise invalid(
                kind.group,
                kind.plural,
                name,
                [validate.wrong("metadata.resourceVersion", 0, "must be specified for an update")],
            )
        new = strategy.scoped(kind, live, new, options.subresource)
        for field_name in ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"):
            new["metadata"].pop(field_name, None)
            if field_name in live["metadata"]:
                new["metadata"][field_name] = live["metadata"][field_name]
        new["metadata"] |= {"name": name, "resourceVersion": live["metadata"]["resourceVersion"]}
        if not owned:
            new = managed.update(self._owner(kind, options), live, new)
        if options.subresource == "":
            admit(self.world, kind, "UPDATE", new)
        causes = [
            *strategy.late_finalizers(live, new),
            *validate.metadata(kind, new),
            *validate.content(kind, new),
            *validate.changed(kind, live, new),
        ]
        if causes:
            raise invalid(kind.group, kind.kind, name, causes)
        return self._store(kind, live, new, options)

    def _store(self, kind: Kind, live: Json, new: Json, options: Options) -> Json:
        stored = live if live.get("apiVersion") == kind.api_version else self._as_version(kind, live)
        if strategy.content(stored) == strategy.content(new):
            return stored
        new["metadata"] = strategy.ordered(new["metadata"])
        if (
            new["metadata"].get("deletionTimestamp")
            and not new["metadata"].get("finalizers")
            and kind.kind != "Namespace"
        ):
            if not options.dry_run:
                self.world.store.remove(kind.resource, new["metadata"].get("namespace", ""), new["metadata"]["name"])
            return new
        if strategy.has_generation(kind) and strategy.counted(kind, stored) != strategy.counted(kind, new):
            new["metadata"]["generation"] = stored["metadata"].get("generation", 0) + 1
        if options.dry_run:
            return new
        return self.world.store.put(kind.resource, new)

    def _owner(self, kind: Kind, options: Options) -> managed.Writer:
        ignored: tuple[Path, ...] = ()
        if options.subresource == "status":
            ignored = (("f:spec",), *((("f:metadata",),) if kind.custom else (("f:metadata", "f:labels"),)))
        elif "status" in kind.subresources:
            ignored = (("f:status",),)
        return managed.Writer(
            options.manager, kind.type, kind.api_version, self.world.clock.stamp(), options.subresource, ignored
        )

    def _as_version(self, kind: Kind, body: Json) -> Json:
        """The object in the version of the request: custom resources differ in their apiVersion only."""
        return body if body.get("apiVersion") == kind.api_version else body | {"apiVersion": kind.api_version}

    @staticmethod
    def _check_identity(kind: Kind, namespace: str | None, body: Json) -> None:
        if not isinstance(body.get("metadata"), dict):
            body["metadata"] = {}
        version, named = body.get("apiVersion") or kind.api_version, body.get("kind") or kind.kind
        if version != kind.api_version:
            raise bad_request(
                f"the API version in the data ({version}) does not match the expected API version ({kind.api_version})"
            )
        if named != kind.kind:
            raise bad_request(f'{named} in version "{kind.version}" cannot be handled as a {kind.kind}')
        given = body["metadata"].get("namespace")
        if given and given != namespace:
            raise bad_request("the namespace of the provided object does not match the namespace sent on the request")
        body |= {"apiVersion": version, "kind": named}
        if kind.namespaced and namespace:
            body["metadata"]["namespace"] = namespace
        else:
            body["metadata"].pop("namespace", None)

    def _check_namespace(self, kind: Kind, namespace: str | None, body: Json) -> None:
        if not kind.namespaced or not namespace:
            return
        home = self.world.get("", "namespaces", None, namespace)
        if home is None:
            raise not_found("", "namespaces", namespace)
        if home["metadata"].get("deletionTimestamp"):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            reason = cause("NamespaceTerminating", f"namespace {namespace} is being terminated", "metadata.namespace")
            raise forbidden(kind.group, kind.plural, body["metadata"].get("name") or "", why, [reason])

    @staticmethod
    def _check_fields(kind: Kind, body: Json, options: Options) -> list[str]:
        """Unknown fields: dropped, and told of as warnings or refused, as the request asks."""
        if kind.type is CUSTOM or options.validation == "Ignore":
            return []
        found = [f'unknown field "{path}"' for path in validate.unknown_fields(kind.type, body)]
        if found and options.validation == "Strict":
            raise bad_request(
                f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: strict decoding error: '
                + ", ".join(found)
            )
        return found


def _check_types(kind: Kind, body: Json) -> None:
    """400 for a value of the wrong type anywhere in the object."""
    wrong = decoding.mistake(kind.type, body, kind.kind)
    if wrong:
        raise bad_request(
            f'{kind.kind} in version "{kind.version}" cannot be handled as a {kind.kind}: {wrong.unmarshal}'
        )


def _check_patched(kind: Kind, style: str, body: Any, new: Json) -> None:
    """422 for a patch that would leave a value of the wrong type."""
    wrong = decoding.mistake(kind.type, new, kind.kind)
    if wrong is None:
        return
    if style == "strategic-merge-patch" and isinstance(wrong.value, list):
        shown, why = decoding.go(body), "cannot restore map from slice"
    else:
        shown, why = to_json(dict(sorted(new.items()))).decode(), wrong.unmarshal
    raise invalid("", "", "", [validate.wrong("patch", shown, why)])
