"""The two narrow doors of the gate: the session's own Lease and its Events pass, and nothing dressed up as one."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.recovery.operators import Let
from tui.objects import Json, Ref
from tui.recovery import lease
from tui.recovery.events import EventHerald
from tui.recovery.gate import Admitted, Refusal, admit_event, admit_lease
from tui.recovery.lease import Claim, Me
from tui.recovery.ports import Answer, Method, Request

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
ME = Me("alice@bastion", "s", "u", "c")
REF = lease.ref_in("flux-system")
MADE = lease.first_body(ME, "flux-system", NOW)
CLAIM = Claim.of({**MADE, "metadata": {**MADE["metadata"], "uid": "u", "resourceVersion": "7"}})
CREATE = Request(Method.CREATE, REF, MADE, "refloat")
PATCHES = [lease.acquiring(ME, CLAIM, NOW), lease.renewing(CLAIM, NOW), lease.releasing(CLAIM, NOW)]
PATCH = Request(Method.MERGE_PATCH, REF, PATCHES[1], "refloat")


class Keep:
    """A writer that keeps what it was handed."""

    def __init__(self) -> None:
        self.sent: list[Request] = []

    async def send(self, admitted: Let | Admitted) -> Answer:
        self.sent.append(admitted.request)
        return Answer(201, {})


async def event() -> Request:
    keep = Keep()
    assert await EventHerald(keep, ME, lambda: NOW).tell(Ref("v1", "Service", "apps", "web", "u1"), "create", "t") == ""
    return keep.sent[0]


@pytest.mark.parametrize("patch", PATCHES)
def test_the_own_lease_passes(patch: Json) -> None:
    assert isinstance(admit_lease(CREATE), Admitted)
    assert isinstance(admit_lease(replace(PATCH, body=patch)), Admitted)


def changed(body: Any, *path: str, to: Any) -> Any:
    head, *rest = path
    return {**body, head: changed(body[head], *rest, to=to) if rest else to}


@pytest.mark.parametrize(
    "request_",
    [
        replace(CREATE, ref=Ref("v1", "Secret", "flux-system", lease.NAME)),
        replace(CREATE, ref=replace(REF, name="kustomize-controller")),
        replace(CREATE, ref=replace(REF, namespace=None)),
        replace(CREATE, ref=replace(REF, namespace="apps")),
        replace(CREATE, ref=replace(REF, api_version="coordination.k8s.io/v1beta1")),
        replace(CREATE, body=changed(MADE, "kind", to="Secret")),
        replace(CREATE, body=changed(MADE, "metadata", "name", to="other")),
        replace(CREATE, body={**MADE, "data": {}}),
        replace(CREATE, body=changed(MADE, "metadata", "finalizers", to=["x/y"])),
        replace(CREATE, body=changed(MADE, "metadata", "ownerReferences", to=[])),
        replace(CREATE, manager="helm"),
        replace(CREATE, dry_run=True),
        replace(CREATE, method=Method.APPLY),
        replace(PATCH, method=Method.DELETE),
        replace(PATCH, method=Method.JSON_PATCH, body=[]),
        replace(PATCH, ref=replace(REF, name="kustomize-controller")),
        replace(PATCH, body=changed(PATCHES[1], "metadata", "resourceVersion", to="")),
        replace(PATCH, body=changed(PATCHES[1], "metadata", "uid", to=None)),
        replace(PATCH, body=changed(PATCHES[1], "metadata", "labels", to={})),
        replace(PATCH, body={**PATCHES[1], "status": {}}),
        replace(PATCH, body={"spec": {}}),
    ],
)
def test_nothing_else_passes_as_a_lease(request_: Request) -> None:
    assert isinstance(admit_lease(request_), Refusal)


async def test_an_own_event_passes_and_nothing_else_does() -> None:
    told = await event()
    assert isinstance(admit_event(told), Admitted)
    body: Any = told.body
    unfit = [
        replace(told, method=Method.APPLY),
        replace(told, method=Method.DELETE),
        replace(told, dry_run=True),
        replace(told, manager="helm"),
        replace(told, ref=Ref("v1", "Secret", "apps", told.ref.name)),
        replace(told, ref=replace(told.ref, name="other")),
        replace(told, ref=replace(told.ref, namespace="kube-system")),
        replace(told, body=changed(body, "kind", to="Secret")),
        replace(told, body=changed(body, "reportingComponent", to="kubelet")),
        replace(told, body=changed(body, "type", to="Warning")),
        replace(told, body=[]),
    ]
    assert all(isinstance(admit_event(each), Refusal) for each in unfit)
    assert isinstance(admit_lease(told), Refusal)
    assert isinstance(admit_event(CREATE), Refusal)
