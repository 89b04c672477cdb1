"""Asking the API server what this user may do, and who it takes the user for.

These reviews are sent as POST and change nothing; nothing else here is sent.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from tui.cluster.api import Api, segments
from tui.faults import Fault
from tui.objects import Json
from tui.recovery.ports import Access
from tui.text import clean

CONCURRENT: Final = 8
"""Reviews under way at once."""

_REVIEWS: Final = segments("apis", "authorization.k8s.io", "v1", "selfsubjectaccessreviews")
_WHO: Final = segments("apis", "authentication.k8s.io", "v1", "selfsubjectreviews")


async def allowed(api: Api, questions: Sequence[Access]) -> list[bool | None]:
    """One answer a question, in order; None where the review failed, or could not be evaluated."""
    limit = asyncio.Semaphore(CONCURRENT)

    async def ask(question: Access) -> bool | None:
        async with limit:
            return await _review(api, question)

    return list(await asyncio.gather(*map(ask, questions)))


async def _review(api: Api, question: Access) -> bool | None:
    plural, _, subresource = question.plural.partition("/")
    attributes: Json = {"verb": question.verb, "group": question.group, "resource": plural}
    if subresource:
        attributes["subresource"] = subresource
    if question.namespace:
        attributes["namespace"] = question.namespace
    if question.name:
        attributes["name"] = question.name
    body: Json = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    try:
        reply = await api.review(_REVIEWS, body)
        status = reply.data["status"]
        allowed = status["allowed"]
        if not isinstance(allowed, bool):
            return None
        # No opinion because an authorizer failed is no refusal.
        return None if not allowed and status.get("evaluationError") and status.get("denied") is not True else allowed
    except (Fault, AttributeError, KeyError, TypeError):
        return None


async def whoami(api: Api) -> str:
    """The user's name as the API server sees it, or empty where it would not say."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    try:
        reply = await api.review(_WHO, body)
        return clean(reply.data["status"]["userInfo"]["username"], 253)
    except (Fault, KeyError, TypeError):
        return ""
