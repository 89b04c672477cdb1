"""The API server's failure Status bodies, word for word."""

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


class ApiError(Exception):
    """A request that fails: the HTTP code and the Status object to answer with."""

    def __init__(self, body: Json) -> None:
        super().__init__(body.get("message", ""))
        self.body = body
        self.code: int = body["code"]


class PlainNotFound(Exception):
    """A path that no API group serves: the real server answers in plain text, not with a Status."""


def failure(code: int, reason: str, message: str, details: Json | None = None) -> ApiError:
    """A Status with these parts; an empty reason and absent details are left out, as the server does."""
    body: Json = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
    if reason:
        body["reason"] = reason
    if details is not None:
        body["details"] = details
    body["code"] = code
    return ApiError(body)


def cause(reason: str, message: str, field: str) -> Json:
    """One entry of ``details.causes``."""
    return {"reason": reason, "message": message, "field": field}


def resource(group: str, plural: str) -> str:
    """How messages name a resource: ``deployments.apps``, ``configmaps``."""
    return f"{plural}.{group}" if group else plural


def _details(group: str, kind: str, name: str) -> Json:
    return {key: value for key, value in (("name", name), ("group", group), ("kind", kind)) if value}


def not_found(group: str, plural: str, name: str) -> ApiError:
    """404: no object of this name."""
    return failure(404, "NotFound", f'{resource(group, plural)} "{name}" not found', _details(group, plural, name))


def no_resource() -> ApiError:
    """404: the group is served, the resource is not."""
    return failure(404, "NotFound", "the server could not find the requested resource", {})


def exists(group: str, plural: str, name: str) -> ApiError:
    """409: the name is taken."""
    return failure(
        409, "AlreadyExists", f'{resource(group, plural)} "{name}" already exists', _details(group, plural, name)
    )


def conflict(group: str, plural: str, name: str, why: str) -> ApiError:
    """409: the object is not the one the client meant; ``why`` follows the standard opening."""
    message = f'Operation cannot be fulfilled on {resource(group, plural)} "{name}": {why}'
    return failure(409, "Conflict", message, _details(group, plural, name))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def invalid(group: str, kind: str, name: str, causes: Sequence[Json]) -> ApiError:
    """422: validation failed, for each of the causes."""
    shown = list(dict.fromkeys(f"{c['field']}: {c['message']}" for c in causes))
    text = shown[0] if len(shown) == 1 else "[" + ", ".join(shown) + "]"
    message = f'{resource(group, kind)} "{name}" is invalid: {text}'
    return failure(422, "Invalid", message, _details(group, kind, name) | {"causes": list(causes)})


def bad_request(message: str) -> ApiError:
    """400 with this message."""
    return failure(400, "BadRequest", message)


def unauthorized() -> ApiError:
    """401: no token, or one that nobody holds."""
    return failure(401, "Unauthorized", "Unauthorized")


def forbidden(group: str, plural: str, name: str, why: str, causes: Sequence[Json] = ()) -> ApiError:
    """403: ``why`` follows ``is forbidden:``."""
    what = f'{resource(group, plural)} "{name}"' if name else resource(group, plural)
    details = _details(group, plural, name) | ({"causes": list(causes)} if causes else {})
    return failure(403, "Forbidden", f"{what} is forbidden: {why}", details)


def expired(message: str, token: str = "") -> ApiError:
    """410: the resource version or continue token is too old; ``token`` may go on inconsistently."""
    error = failure(410, "Expired", message)
    if token:
        error.body["metadata"] = {"continue": token}
    return error


def not_supported(method: str = "") -> ApiError:
    """405: the resource does not take this verb."""
    _ = method
    return failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {})


def media_type(message: str, *, details: bool = False) -> ApiError:
    """415 with this message."""
    return failure(415, "UnsupportedMediaType", message, {} if details else None)


def field_conflicts(found: Sequence[tuple[str, str]]) -> ApiError:
    """409 of a server-side apply: (manager's words, printed path) pairs, grouped as the server does."""
    causes = [cause("FieldManagerConflict", f"conflict with {who}", path) for who, path in found]
    count = f"{len(found)} conflict" + ("s" if len(found) > 1 else "")
    groups: dict[str, list[str]] = {}
    for who, path in found:
        groups.setdefault(who, []).append(path)
    if len(found) == 1:
        text = f"conflict with {found[0][0]}: {found[0][1]}"
    else:
        text = "\n".join(
            f"conflicts with {who}:\n" + "\n".join(f"- {path}" for path in paths) for who, paths in groups.items()
        )
    return failure(409, "Conflict", f"Apply failed with {count}: {text}", {"causes": causes})
