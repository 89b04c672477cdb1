"""The contract's JSON Schema, by which editors complete and check ``ownership.yaml``.

Everything the loader accepts is valid here; what only the loader can see (references, duplicates, globs) is not.
"""

from typing import Any, Final

from tui.contract.words import CODES, DATE, GLOB_LIMIT, IDENTIFIER, INVENTORIES, PLAIN, RESOURCE, VERSION
from tui.objects import Json

_FIELD: Final = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$"


def contract_schema() -> Json:
    """A JSON Schema (draft 2020-12) of the contract, with a description of every key."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Refloat resource ownership contract",
        "description": "Who owns which Kubernetes resources: layers, owners, claims, release families and rules.",
        **_object(
            {
                "version": {"const": VERSION, "description": "The version of this format."},
                "name": _identifier("What this contract is called in reports; usually the cluster's name."),
                "cluster": _cluster(),
                "layers": _list(_ref("layer"), "The storeys of the cluster, top to bottom."),
                "owners": {
                    "type": "object",
                    "description": "The tools that manage resources, by name.",
                    "propertyNames": {"pattern": IDENTIFIER},
                    "additionalProperties": _ref("owner"),
                    "minProperties": 1,
                },
                "claims": _optional_list(_ref("claim"), "Who should own what; the first claim that matches wins."),
                "releases": _optional_list(_ref("family"), "Helm releases that are generations of one another."),
                "guardrails": _optional_list(_ref("guardrail"), "Objects that the cluster must not hold."),
                "health": _optional_list(_ref("check"), "What must run for the cluster to count as healthy."),
                "allow": _optional_list(_ref("allow"), "Findings that are known and accepted for a time."),
                "decisions": _optional_list(_ref("decision"), "Ownership decisions that were taken."),
                "in_use": _optional_list(_ref("in_use"), "What is used without being named: a cleanup leaves it."),
            },
            ("version", "name", "layers", "owners"),
        ),
        "$defs": _definitions(),
    }


def _definitions() -> Json:
    return {
        "glob": {
            "type": "string",
            "minLength": 1,
            "maxLength": GLOB_LIMIT,
            "pattern": r"^\S+$",
            "description": "A glob as in fnmatch: * any text, ? one character, [ab] one of these; case counts.",
        },
        "globs": {"type": "array", "items": _ref("glob"), "minItems": 1, "uniqueItems": True},
        "texts": {
            "type": "object",
            "propertyNames": _ref("glob"),
            "additionalProperties": {"type": "string", "pattern": r"^\S*$", "description": "A glob of the value."},
            "minProperties": 1,
        },
        "prose": {"type": "string", "pattern": r"\S"},
        "name": {"type": "string", "pattern": PLAIN, "description": "A name without a glob."},
        "resource": {
            "type": "string",
            "pattern": RESOURCE,
            "description": "Kind/name or Kind/namespace/name, each part a glob.",
        },
        "layer": _layer(),
        "owner": _owner(),
        "mark": _mark(),
        "claim": _claim(),
        "selector": _selector(),
        "family": _family(),
        "guardrail": _guardrail(),
        "check": _check(),
        "allow": _allow(),
        "decision": _decision(),
        "in_use": _in_use(),
    }


def _cluster() -> Json:
    uid = {
        "type": ["string", "null"],
        "pattern": PLAIN,
        "description": "The uid of the namespace kube-system; Refloat then refuses to act on any other cluster.",
    }
    return {**_object({"uid": uid}, ()), "type": ["object", "null"], "description": "Pins the contract to one cluster."}


def _layer() -> Json:
    return _object(
        {
            "name": _identifier("How claims name the layer."),
            "title": _prose("How screens name the layer."),
            "owner": _identifier("The owner that the layer belongs to as a whole, if one does."),
        },
        ("name",),
    )


def _owner() -> Json:
    annotate = _object({key: _ref("name") for key in ("kind", "namespace", "name")}, ("kind", "namespace", "name"))
    return _object(
        {
            "title": _prose("How screens name the owner."),
            "marks": _list(_ref("mark"), "How the owner is recognised on a live object."),
            "reconcile": {
                **_one_of(
                    {
                        "command": _prose("A command to show and copy; never run unasked."),
                        "annotate": {**annotate, "description": "The Flux object whose annotation asks for a run."},
                    }
                ),
                "description": "How to ask the owner to act now.",
            },
            "process": _list(_prose("One step."), "The steps by which a new component is given to this owner."),
        },
        (),
    )


def _mark() -> Json:
    kinds: Json = {"type": "array", "items": {"enum": list(INVENTORIES)}, "minItems": 1, "uniqueItems": True}
    own = "{group}, {kind}, {namespace} and {name} stand for the object's own: a mark that names another is a copy."
    return _one_of(
        {
            "manager": _globs("Names of field managers."),
            "label": _texts(f"Labels: glob of the name to glob of the value. {own}"),
            "annotation": _texts(f"Annotations: glob of the name to glob of the value. {own}"),
            "family": _identifier("A release family; what its releases hold is the owner's."),
            "inventory": {**kinds, "description": "Kinds whose status lists what the owner holds."},
            "owner_kind": _globs("Kind or Kind.group: a plain owner reference to one says whose the object is."),
        }
    )


def _claim() -> Json:
    return _object(
        {
            "owner": _identifier("Who should own what is selected."),
            "layer": _identifier("The layer it belongs to."),
            "source": _prose("Where its manifests are kept."),
            "select": _list(_ref("selector"), "What is claimed: whatever any one of these selects."),
        },
        ("owner", "layer", "select"),
    )


def _selector() -> Json:
    group: Json = {"type": "string", "pattern": r"^\S*$", "maxLength": GLOB_LIMIT}
    groups: Json = {"type": "array", "items": group, "minItems": 1, "uniqueItems": True}
    fields: Json = {
        "type": "object",
        "propertyNames": {"pattern": _FIELD},
        "additionalProperties": _ref("globs"),
        "minProperties": 1,
    }
    return {
        **_object(
            {
                "kinds": _globs("Kinds."),
                "groups": {**groups, "description": "API groups; the empty text is the core group."},
                "names": _globs("Names; one without a glob claims the object by name."),
                "namespaces": _globs("Namespaces; a cluster-scoped object is in none."),
                "namespaces_not": _globs("Any namespace but these; a cluster-scoped object is in none."),
                "labels": _texts("Labels the object carries: name to glob of the value."),
                "annotations": _texts("Annotations the object carries: name to glob of the value."),
                "fields": {**fields, "description": "Dotted path (spec.type) to globs of the field's value."},
            },
            (),
        ),
        "minProperties": 1,
        "not": {"required": ["namespaces", "namespaces_not"]},
        "description": "Chooses objects; all keys must match.",
    }


def _family() -> Json:
    names: Json = {"type": "array", "items": _ref("name"), "uniqueItems": True}
    cleanup = _object(
        {
            "cluster_scoped": {"type": "boolean", "description": "Whether it may touch cluster-scoped objects."},
            "namespaces": {**names, "description": "The namespaces it may touch."},
        },
        (),
    )
    return {
        **_object(
            {
                "family": _identifier("What the family is called."),
                "generated": _name("Pulumi's logical name: releases are called this, a hyphen and eight hex digits."),
                "match": {"$ref": "#/$defs/glob", "description": "A glob of release names, at its author's risk."},
                "names": {**names, "description": "Names of releases that belong too."},
                "namespace": _name("Where the releases and their records are."),
                "owner": _identifier("Who installs the releases."),
                "cleanup": {**cleanup, "description": "All that a cleanup of this family may ever touch."},
            },
            ("family", "namespace", "owner"),
        ),
        "anyOf": [{"required": [key]} for key in ("generated", "match", "names")],
    }


def _guardrail() -> Json:
    return _object(
        {
            "id": _identifier("What the guardrail is called in findings."),
            "deny": {"$ref": "#/$defs/selector", "description": "What must not be there."},
            "reason": _prose("Why, and what to do instead."),
        },
        ("id", "deny"),
    )


def _check() -> Json:
    namespace = _name("Where it is.")
    optional: Json = {"type": "boolean", "description": "Judge it only where its namespace (or kind) exists."}
    deployments = _globs("Deployments that must be available; a glob stands for all that exist.")
    return {
        "oneOf": [
            _object(
                {"deployments": deployments, "namespace": namespace, "optional": optional},
                ("deployments", "namespace"),
            ),
            _object(
                {
                    "ready": _name("The kind of the object that must be Ready."),
                    "name": _name("Its name."),
                    "namespace": namespace,
                    "optional": optional,
                },
                ("ready", "name", "namespace"),
            ),
        ]
    }


def _allow() -> Json:
    required = ("code", "resource", "reason", "expires")
    return _object(
        {
            "code": {"enum": list(CODES), "description": "The finding's code."},
            "resource": _ref("resource"),
            "reason": _prose("Why it is accepted."),
            "expires": {
                "type": "string",
                "format": "date",
                "pattern": DATE,
                "description": "The last day, as 2027-01-31.",
            },
        },
        required,
    )


def _decision() -> Json:
    return _object(
        {
            "resource": _ref("resource"),
            "owner": _identifier("Who it was decided for."),
            "reason": _prose("Why."),
            "removed": _prose("The duplicate that was removed."),
        },
        ("resource", "owner", "reason"),
    )


def _in_use() -> Json:
    return _object(
        {
            "by": _prose("Who uses them."),
            "select": _list(_ref("selector"), "What they use: any of these, by labels for instance."),
        },
        ("by", "select"),
    )


def _object(properties: Json, required: tuple[str, ...]) -> Json:
    schema: Json = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**schema, "required": list(required)} if required else schema


def _one_of(properties: Json) -> Json:
    return {**_object(properties, ()), "minProperties": 1, "maxProperties": 1}


def _list(items: Any, description: str) -> Json:
    return {"type": "array", "items": items, "minItems": 1, "description": description}


def _optional_list(items: Any, description: str) -> Json:
    return {"type": ["array", "null"], "items": items, "description": description}


def _ref(name: str) -> Json:
    return {"$ref": f"#/$defs/{name}"}


def _globs(description: str) -> Json:
    return {**_ref("globs"), "description": description}


def _texts(description: str) -> Json:
    return {**_ref("texts"), "description": description}


def _prose(description: str) -> Json:
    return {**_ref("prose"), "description": description}


def _name(description: str) -> Json:
    return {**_ref("name"), "description": description}


def _identifier(description: str) -> Json:
    return {"type": "string", "pattern": IDENTIFIER, "description": description}
