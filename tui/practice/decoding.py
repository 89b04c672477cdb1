"""Values of the wrong type, found before they do harm, and told in the words of the server's decoder."""

from dataclasses import dataclass
from typing import Any

from tui.practice.schema import CUSTOM, Shape, Type, field

Json = dict[str, Any]

_GO = {"s": "string", "i": "int32", "n": "float64", "b": "bool"}
_EXPECTED = {"s": "string", "i": "numeric (int or float)", "n": "numeric (int or float)", "b": "boolean"}
_FITS: dict[str, tuple[type, ...]] = {"s": (str,), "i": (int, float), "n": (int, float), "b": (bool,)}


@dataclass(frozen=True, slots=True)
class Mistake:
    """One value of a wrong type: where it is, in which struct, what it is and what it should be."""

    path: str
    struct: str
    value: Any
    wanted: Type

    @property
    def unmarshal(self) -> str:
        """How Go's JSON decoder complains."""
        return (
            f"json: cannot unmarshal {_json_name(self.value)} into Go struct field {self.struct}.{self.path} "
            f"of type {_go_type(self.wanted)}"
        )

    @property
    def typed(self) -> str:
        """How the typed form of an apply patch complains."""
        if self.wanted.shape is Shape.LEAF:
            expected = _EXPECTED[self.wanted.scalar]
            got = "string" if isinstance(self.value, str) else f"&value.valueUnstructured{{Value:{go(self.value)}}}"
        else:
            expected = "list" if self.wanted.item is not None and self.wanted.shape is not Shape.MAP else "map"
            got = f"&{{{go(self.value)}}}"
        return f".{self.path}: expected {expected}, got {got}"


def mistake(of: Type, value: Json, struct: str) -> Mistake | None:
    """The first value in an object that its schema does not allow; None where all fit. ``struct`` names the kind."""
    return _search(of, value, struct, "")


def _search(of: Type, value: Any, struct: str, path: str) -> Mistake | None:
    if not _fits(of, value):
        return Mistake(path, struct, value, of)
    if isinstance(value, dict) and of.shape in (Shape.STRUCT, Shape.MAP):
        inside = of.struct.rpartition(".")[2] if of.shape is Shape.STRUCT and of is not CUSTOM and path else struct
        for name, inner in value.items():
            inner_type = field(of, name)
            below = path if of.shape is Shape.MAP else f"{path}.{name}".lstrip(".")
            found = _search(inner_type, inner, inside, below) if inner_type else None
            if found:
                return found
    elif isinstance(value, list) and of.item:
        for inner in value:
            found = _search(of.item, inner, struct, path)
            if found:
                return found
    return None


def _fits(of: Type, value: Any) -> bool:
    if value is None or of.shape is Shape.ANY:
        return True
    if of.shape is Shape.LEAF:
        return isinstance(value, _FITS[of.scalar]) and (of.scalar == "b" or not isinstance(value, bool))
    return isinstance(value, dict if of.shape in (Shape.STRUCT, Shape.MAP) else list)


def _json_name(value: Any) -> str:
    for kinds, name in (((bool,), "bool"), ((str,), "string"), ((int, float), "number"), ((list,), "array")):
        if isinstance(value, kinds):
            return name
    return "object"


def _go_type(of: Type) -> str:
    if of.shape is Shape.LEAF:
        return _GO[of.scalar]
    if of.shape is Shape.STRUCT:
        return f"v1.{of.struct.rpartition('.')[2]}"
    inner = _go_type(of.item) if of.item else "interface {}"
    return f"map[string]{inner}" if of.shape is Shape.MAP else f"[]{inner}"


def go(value: Any) -> str:
    """A value as Go prints it: ``map[a:1]``, ``[x y]``."""
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{go(inner)}" for key, inner in sorted(value.items())) + "]"
    if isinstance(value, list):
        return "[" + " ".join(go(inner) for inner in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return "<nil>" if value is None else str(value)
