"""The subresources that are not just a part of their object: scale, log and eviction."""

from typing import TYPE_CHECKING, Any

from aiohttp import web

from tui.practice import patch
from tui.practice.routes import Target, options_of, parse_object, parse_patch, patch_style
from tui.practice.selectors import value_at
from tui.practice.status import failure, not_found, not_supported
from tui.practice.store import copy, to_json
from tui.practice.writes import Options

if TYPE_CHECKING:
    from tui.practice.server import Server

Json = dict[str, Any]


async def answer(server: "Server", request: web.Request, place: Target, verb: str) -> web.Response:
    """Answers a request for a scale, a log or an eviction."""
    live = server.world.get(*place.kind.resource, place.namespace, place.name)
    if live is None:
        raise not_found(place.kind.group, place.kind.plural, place.name)
    if place.subresource == "log":
        if verb != "get":
            raise not_supported()
        return _log(server, request, live)
    if place.subresource == "eviction":
        if verb != "create":
            raise not_supported()
        server.deleter.delete(place.kind, place.namespace, place.name, {})
        body = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201}
        return web.Response(status=201, body=to_json(body), content_type="application/json")
    if verb == "get":
        return web.Response(body=to_json(_scale(live)), content_type="application/json")
    return await _rescale(server, request, place, live)


def _scale(live: Json) -> Json:
    """The Scale of a workload."""
    meta = live["metadata"]
    kept = {key: meta[key] for key in ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")}
    labels = ((live["spec"].get("selector") or {}).get("matchLabels")) or {}
    status: Json = {"replicas": (live.get("status") or {}).get("replicas", 0)}
    if labels:
        status["selector"] = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
    spec = {"replicas": live["spec"]["replicas"]} if live["spec"].get("replicas") else {}
    return {"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": kept, "spec": spec, "status": status}


async def _rescale(server: "Server", request: web.Request, place: Target, live: Json) -> web.Response:
    raw = await request.read()
    current = _scale(live)
    if request.method == "PUT":
        wanted = parse_object("Scale", request.content_type, raw)
    else:
        style = patch_style(request)
        body = parse_patch(style, raw)
        wanted = patch.json_patch(current, body) if style == "json-patch" else patch.merge_patch(current, body)
    version = (wanted.get("metadata") or {}).get("resourceVersion")
    changed: Json = copy(live)
    changed["spec"]["replicas"] = (wanted.get("spec") or {}).get("replicas", 0)
    if version:
        changed["metadata"]["resourceVersion"] = version
    asked = options_of(request)
    options = Options(asked.manager, asked.dry_run, validation="Ignore", subresource="scale")
    result = server.writer.update(place.kind, place.namespace, place.name, changed, options)
    return web.Response(body=to_json(_scale(result.body)), content_type="application/json")


def _log(server: "Server", request: web.Request, pod: Json) -> web.Response:
    names = [container["name"] for container in pod["spec"].get("containers") or ()]
    wanted = request.query.get("container") or (names[0] if names else "")
    if wanted not in names:
        message = f"container {wanted} is not valid for pod {pod['metadata']['name']}"
        raise failure(400, "BadRequest", message)
    statuses = (pod.get("status") or {}).get("containerStatuses") or ()
    status: Json = next((s for s in statuses if s["name"] == wanted), {})
    waiting = value_at(status, "state.waiting.reason")
    if waiting in ("ErrImagePull", "ImagePullBackOff", "ContainerCreating"):
        message = (
            f'container "{wanted}" in pod "{pod["metadata"]["name"]}" is waiting to start: '
            "trying and failing to pull image"
        )
        raise failure(400, "BadRequest", message)
    owner = pod["metadata"]["name"].rsplit("-", 2)[0]
    text = server.world.behaviour.logs.get(f"{pod['metadata'].get('namespace')}/{owner}")
    if text is None:
        text = f'{{"level":"info","ts":"{pod["metadata"]["creationTimestamp"]}","msg":"starting {wanted}"}}\n'
    tail = request.query.get("tailLines") or ""
    if tail.isdigit():
        text = "".join(text.splitlines(keepends=True)[-int(tail) :] if int(tail) else [])
    return web.Response(text=text, content_type="text/plain")
