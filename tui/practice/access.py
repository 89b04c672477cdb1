"""Who may do what: the built-in users of a practice cluster, and the reviews that tell them."""

from dataclasses import dataclass
from typing import Any

from tui.practice.kinds import BUILTIN
from tui.practice.status import ApiError, failure, resource

Json = dict[str, Any]

READ = frozenset({"get", "list", "watch"})

_SELF = [
    {
        "verbs": ["create"],
        "apiGroups": ["authorization.k8s.io"],
        "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"],
    },
    {"verbs": ["create"], "apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"]},
]
_DISCOVERY = ["/api", "/api/*", "/apis", "/apis/*", "/healthz", "/livez", "/openapi", "/openapi/*", "/readyz"]
_PATHS = [
    {"verbs": ["get"], "nonResourceURLs": ["/.well-known", "/.well-known/*"]},
    {"verbs": ["get"], "nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version", "/version/"]},
    {"verbs": ["get"], "nonResourceURLs": [*_DISCOVERY, "/version", "/version/"]},
]


@dataclass(frozen=True, slots=True)
class User:
    """One user: ``verbs`` is None for all verbs; ``secrets`` says whether Secrets are among what they may touch."""

    name: str
    groups: tuple[str, ...]
    verbs: frozenset[str] | None
    secrets: bool

    @property
    def token(self) -> str:
        """The bearer token of the user: no secret, the cluster lives on loopback and holds stories."""
        return f"practice-{self.name}"

    def may(self, verb: str, group: str, plural: str) -> bool:
        """Whether the verb is allowed on the resource (any namespace, any name); ``*`` asks for all of them."""
        if group in ("authorization.k8s.io", "authentication.k8s.io") and plural.startswith("selfsubject"):
            return verb == "create"
        if self.verbs is not None and verb not in self.verbs:
            return False
        return self.secrets or not (group in ("", "*") and plural.partition("/")[0] in ("secrets", "*"))

    def rules(self) -> Json:
        """The status of a SelfSubjectRulesReview; what CRDs add cannot be told apart there and is left out."""
        mine: list[Json] = []
        if self.verbs is None and self.secrets:
            mine = [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]
        else:
            verbs = ["*"] if self.verbs is None else sorted(self.verbs)
            core = sorted({kind.plural for kind in BUILTIN if not kind.group} - {"secrets"})
            others = sorted({kind.group for kind in BUILTIN if kind.group})
            mine = [
                {"verbs": verbs, "apiGroups": [""], "resources": core},
                {"verbs": verbs, "apiGroups": others, "resources": ["*"]},
            ]
        paths = _PATHS + ([{"verbs": ["*"], "nonResourceURLs": ["*"]}] if self.verbs is None else [])
        return {"resourceRules": [*_SELF, *mine], "nonResourceRules": paths, "incomplete": not self.secrets}


USERS: tuple[User, ...] = (
    User("admin", ("system:masters", "system:authenticated"), None, secrets=True),
    User("viewer", ("viewers", "system:authenticated"), READ, secrets=False),
    User("no-secrets", ("operators", "system:authenticated"), None, secrets=False),
)


def user_of(token: str) -> User | None:
    """The user that a bearer token belongs to."""
    return next((user for user in USERS if user.token == token), None)


def refusal(user: User, verb: str, group: str, plural: str, namespace: str | None, name: str) -> ApiError:
    """The 403 for a verb the user does not have."""
    base, _, sub = plural.partition("/")
    what = f'{resource(group, base)} "{name}"' if name else resource(group, base)
    where = f'in the namespace "{namespace}"' if namespace else "at the cluster scope"
    message = (
        f'{what} is forbidden: User "{user.name}" cannot {verb} resource "{plural}" in API group "{group}" {where}'
    )
    _ = sub
    details = {key: value for key, value in (("name", name), ("group", group), ("kind", base)) if value}
    return failure(403, "Forbidden", message, details)


def review(user: User, plural: str, body: Json) -> Json:
    """Answers one of the self-subject reviews: its ``spec`` as asked, ``status`` filled in."""
    spec = body.get("spec") or {}
    if plural == "selfsubjectreviews":
        info = {"username": user.name, "uid": f"{user.name}-uid", "groups": list(user.groups)}
        return {"status": {"userInfo": info}}
    if plural == "selfsubjectrulesreviews":
        return {"spec": {}, "status": user.rules()}
    asked = spec.get("resourceAttributes")
    if asked:
        named = asked.get("resource", "") + (f"/{asked['subresource']}" if asked.get("subresource") else "")
        allowed = user.may(asked.get("verb", ""), asked.get("group", ""), named)
    else:
        allowed = user.verbs is None or (spec.get("nonResourceAttributes") or {}).get("verb") == "get"
    return {"spec": spec, "status": {"allowed": allowed}}
