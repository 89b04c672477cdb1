"""The patch types: JSON merge patch, JSON patch and strategic merge patch, each on plain JSON."""

from typing import Any

from tui.practice.schema import Shape, Type, field
from tui.practice.status import ApiError, failure
from tui.practice.store import copy

Json = dict[str, Any]
MISSING = object()


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7386: null removes, objects merge, all else replaces."""
    if not isinstance(patch, dict):
        return copy(patch)
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), value)
    return result


def _rejected() -> ApiError:
    message = "the server rejected our request due to an error in our request"
    return failure(422, "Invalid", message, {})


def _steps(pointer: Any) -> list[str]:
    if not isinstance(pointer, str) or (pointer and not pointer.startswith("/")):
        raise _rejected()
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def _index(container: list[Any], step: str, *, adding: bool) -> int:
    if step == "-" and adding:
        return len(container)
    if not step.lstrip("-").isdigit():
        raise _rejected()
    index = int(step)
    if index < 0 or index > len(container) - (0 if adding else 1):
        raise _rejected()
    return index


def _look(document: Any, steps: list[str]) -> Any:
    for step in steps:
        if isinstance(document, dict):
            if step not in document:
                return MISSING
            document = document[step]
        elif isinstance(document, list):
            if not step.isdigit() or int(step) >= len(document):
                return MISSING
            document = document[int(step)]
        else:
            return MISSING
    return document


def json_patch(target: Json, operations: Any) -> Json:
    """RFC 6902 on a copy of the object. Any operation that cannot be done fails the whole patch with 422."""
    document: Any = copy(target)
    for operation in operations:
        document = _operate(document, operation)
    if not isinstance(document, dict):
        raise _rejected()
    return document


def _operate(document: Any, operation: Json) -> Any:
    kind, steps = operation.get("op"), _steps(operation.get("path"))
    if kind == "test":
        found = _look(document, steps)
        if (found is MISSING and operation.get("value") is not None) or (
            found is not MISSING and (type(found), found) != (type(operation.get("value")), operation.get("value"))
        ):
            raise _rejected()
        return document
    if kind in ("move", "copy"):
        source = _steps(operation.get("from"))
        value = _look(document, source)
        if value is MISSING:
            raise _rejected()
        if kind == "move":
            document = _write(document, source, MISSING, adding=False)
        return _write(document, steps, copy(value), adding=True)
    if kind in ("add", "replace"):
        if kind == "replace" and _look(document, steps) is MISSING:
            raise _rejected()
        return _write(document, steps, copy(operation.get("value")), adding=kind == "add")
    if kind == "remove":
        return _write(document, steps, MISSING, adding=False)
    raise _rejected()


def _write(document: Any, steps: list[str], value: Any, *, adding: bool) -> Any:
    if not steps:
        return value
    parent, last = _look(document, steps[:-1]), steps[-1]
    if isinstance(parent, dict):
        if value is MISSING and last not in parent:
            raise _rejected()
        if value is MISSING:
            del parent[last]
        else:
            parent[last] = value
    elif isinstance(parent, list):
        index = _index(parent, last, adding=adding)
        if value is MISSING:
            del parent[index]
        elif adding:
            parent.insert(index, value)
        else:
            parent[index] = value
    else:
        raise _rejected()
    return document


def strategic(of: Type, target: Any, patch: Any) -> Any:
    """A strategic merge patch: lists with a merge key merge by it; ``$patch`` and its kin are honoured."""
    if isinstance(patch, dict) and of.shape in (Shape.STRUCT, Shape.MAP, Shape.ANY):
        return _strategic_map(of, target if isinstance(target, dict) else {}, patch)
    if isinstance(patch, list) and isinstance(target, list):
        if of.merge_key and all(isinstance(item, dict) for item in patch):
            return _strategic_list(of, target, patch)
        if of.shape is Shape.SET:
            return target + [copy(value) for value in patch if value not in target]
    return copy(patch)


def _strategic_map(of: Type, target: Json, patch: Json) -> Json:
    directive = patch.get("$patch")
    if directive == "delete":
        return {}
    result = {} if directive == "replace" else dict(target)
    kept = patch.get("$retainKeys")
    if isinstance(kept, list):
        result = {key: value for key, value in result.items() if key in kept}
    for key, value in patch.items():
        if key in ("$patch", "$retainKeys") or key.startswith("$setElementOrder/"):
            continue
        if key.startswith("$deleteFromPrimitiveList/"):
            name = key.partition("/")[2]
            result[name] = [item for item in result.get(name) or () if item not in value]
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = strategic(field(of, key) or Type(Shape.ANY), result.get(key), value)
    return _reordered(of, result, patch)


def _reordered(of: Type, result: Json, patch: Json) -> Json:
    for key, order in patch.items():
        name = key.partition("/")[2]
        if not key.startswith("$setElementOrder/") or not isinstance(result.get(name), list):
            continue
        of_list = field(of, name) or Type(Shape.ANY)
        merge_key = of_list.merge_key
        wanted = [item.get(merge_key) if isinstance(item, dict) else item for item in order]

        def place(item: Any, wanted: list[Any] = wanted, merge_key: str = merge_key) -> int:
            value = item.get(merge_key) if isinstance(item, dict) else item
            return wanted.index(value) if value in wanted else len(wanted)

        result[name] = sorted(result[name], key=place)
    return result


def _strategic_list(of: Type, target: list[Any], patch: list[Any]) -> list[Any]:
    item_type, key = of.item or Type(Shape.ANY), of.merge_key
    if any(item.get("$patch") == "replace" for item in patch):
        return [copy(item) for item in patch if "$patch" not in item]
    known = {old.get(key): old for old in target}
    doomed = {item.get(key) for item in patch if item.get("$patch") == "delete"}
    named = {item.get(key) for item in patch}
    patched = [
        strategic(item_type, known.get(item.get(key), {}), item) for item in patch if item.get(key) not in doomed
    ]
    rest = [old for old in target if old.get(key) not in named]
    return _woven(patched, rest, [old.get(key) for old in target], key)


def _woven(patched: list[Any], rest: list[Any], order: list[Any], key: str) -> list[Any]:
    """The patch's items in the patch's order among the others in theirs: a new item goes before what follows it."""
    result: list[Any] = []
    while patched and rest:
        name = patched[0].get(key)
        first = name not in order or order.index(name) < order.index(rest[0].get(key))
        result.append((patched if first else rest).pop(0))
    return result + patched + rest
