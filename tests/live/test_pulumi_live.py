"""The real Pulumi engine on a real API server: how a generation begins, and that each mend lets its owner through.

What Refloat tells an owner that Pulumi runs rests on these facts; each mend is held to the owner's own ``pulumi up``,
twice in a row, and once more after a value has changed.
"""

import copy
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest

from tests.clusters import contract
from tests.live.conftest import LiveCluster
from tests.live.pulumi import Program
from tests.live.test_recovery_live import Wreck, do_all
from tui.cluster.connect import Connection
from tui.contract.model import Family
from tui.helm.errors import read_error
from tui.helm.refusal import Tool, Trouble, Wanted
from tui.objects import Json, Ref
from tui.ownership.model import Assessment, Decision, Finding, Wish
from tui.recovery.outcome import Status
from tui.recovery.plan import PlanKind
from tui.recovery.wishes import complete

RBAC = "rbac.authorization.k8s.io/v1"
OTHER = "flux-0badcafe"


class Scene(Wreck):
    """One test's namespace, the program that deploys into it, and what Refloat says of both."""

    def __init__(self, live: Connection, program: Program) -> None:
        super().__init__(live, program.namespace)
        self.program = program
        family = Family("flux", self.space, "pulumi", generated="flux", cleanup_namespaces=(self.space,))
        by = contract(releases=(family,), claims=(), health=())
        self.contract = by
        self.settings = self.ref("v1", "ConfigMap", "settings")
        self.pilot = Ref(RBAC, "ClusterRole", None, f"{self.space}-pilot")

    async def begin(self) -> str:
        """Makes the namespace and the first generation; returns the name that was drawn for it."""
        await self.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": self.space}})
        self.program.release(values={"level": "info"})
        self.program.passes()
        return self.program.held()["flux"].rpartition("/")[2]

    async def there(self, ref: Ref) -> bool:
        return await self.reader.get(ref) is not None

    async def stamp_of(self, ref: Ref) -> str:
        body = await self.reader.get(ref)
        assert body is not None
        return str(body["metadata"]["annotations"]["meta.helm.sh/release-name"])

    async def lose_record(self, name: str) -> None:
        await self.delete(self.ref("v1", "Secret", f"sh.helm.release.v1.{name}.v1"))

    async def look(self, text: str, folder: Path, expected: str | None = None) -> Assessment:
        """What Refloat says, with the owner's text."""
        wish = complete(self.contract, Wish(expected, error=read_error(text)))
        async with self.session(folder, wish) as session:
            return await session.refresh()

    async def lasts(self, name: str, **properties: object) -> None:
        """The proof: a second run finds nothing to do, and a changed value is rolled out by the same release."""
        assert "2 unchanged" in self.program.passes()
        (resource, body), *_ = self.program.resources.items()
        values = {**properties, "level": "debug"}
        self.program.resources[resource] = {**body, "properties": {**body["properties"], "values": values}}
        assert "1 updated" in self.program.passes()
        assert self.program.held() == {resource: f"{self.space}/{name}"}
        live = await self.reader.get(self.settings)
        assert live is not None
        assert live["data"]["level"] == "debug"
        assert await self.stamp_of(self.pilot) == name


@pytest.fixture
def scene(live: Connection, live_cluster: LiveCluster, tmp_path: Path, request: pytest.FixtureRequest) -> Scene:
    return Scene(live, Program(tmp_path, live_cluster, f"pulumi-{crc32(request.node.name.encode()):08x}"))


def refused(found: Assessment) -> Finding:
    (each,) = [finding for finding in found.findings if finding.code == "refused-install"]
    return each


async def test_a_lost_record_and_a_refresh_begin_the_next_generation_and_the_pinned_name_ends_it(
    scene: Scene, tmp_path: Path
) -> None:
    """The contract's scenario 1, one name: every attempt draws another one, and nothing need be written."""
    name = await scene.begin()
    assert ("pulumi-resource-kubernetes", "Update") in await scene.managers(scene.settings)
    await scene.lose_record(name)
    assert "2 unchanged" in scene.program.passes(), "without a refresh nothing is noticed"
    assert "1 deleted" in scene.program.refresh().text
    first, second = scene.program.up(), scene.program.up("--color", "always")
    wanted = [read_error(each.text).wanted for each in (first, second)]
    assert (first.code, second.code) == (1, 1)
    assert len({each.release for (each,) in wanted} | {name}) == 3, "another name at every attempt"
    assert {each.resource for (each,) in wanted} == {"flux"}
    assert scene.program.preview().code == 0, "a preview sees nothing of it"

    found = await scene.look(second.text, tmp_path)
    each = refused(found)
    assert each.next == f"pin the release's name: `name: {name}` on the resource flux, then pulumi up"
    assert {ref.name for ref in each.resources} == {"settings", scene.pilot.name}
    assert {c.decision for c in found.candidates} == {Decision.PROTECT}

    versions = {ref: await scene.reader.get(ref) for ref in (scene.settings, scene.pilot)}
    scene.program.release(name=name, values={"level": "info"})
    assert "1 created" in scene.program.passes()
    for ref, before in versions.items():
        after = await scene.reader.get(ref)
        assert before is not None
        assert after is not None
        assert after["metadata"]["uid"] == before["metadata"]["uid"], "it was taken over, not made again"
    await scene.lasts(name)


async def test_adopting_to_the_name_in_the_error_never_helps(scene: Scene) -> None:
    name = await scene.begin()
    await scene.lose_record(name)
    scene.program.forget()
    (drawn,) = read_error(scene.program.up().text).wanted
    for ref in (scene.settings, scene.pilot):
        await scene.stamp(ref, drawn.release)
    again = scene.program.up()
    assert again.code == 1
    (other,) = read_error(again.text).wanted
    assert other.release != drawn.release


async def test_mixed_names_are_adopted_to_one_that_is_pinned(scene: Scene, tmp_path: Path) -> None:
    name = await scene.begin()
    await scene.lose_record(name)
    scene.program.forget()
    await scene.stamp(scene.settings, OTHER)
    scene.program.release(name=name, values={"level": "info"})
    done = scene.program.up()
    assert done.code == 1, "the pinned name alone is refused over what bears the other"
    wish = complete(scene.contract, Wish(name, error=read_error(done.text)))
    async with scene.session(tmp_path, wish) as session:
        await session.refresh()
        outcomes = await do_all(session, PlanKind.CLEANUP)
        assert [(o.entry.ref.name, o.status) for o in outcomes] == [("settings", Status.DONE)], [
            o.text for o in outcomes
        ]
    assert "1 created" in scene.program.passes()
    await scene.lasts(name)


@pytest.mark.parametrize("pinned", [False, True])
async def test_a_record_that_the_state_lost_is_imported(scene: Scene, tmp_path: Path, pinned: bool) -> None:
    name = await scene.begin()
    scene.program.forget()
    if pinned:
        scene.program.release(name=name, values={"level": "info"})
    done = scene.program.up()
    error = read_error(done.text)
    assert done.code == 1
    assert [each.trouble for each in error.failures] == ([Trouble.NAME_IN_USE] if pinned else [])
    each = refused(await scene.look(done.text, tmp_path))
    line = f"pulumi import kubernetes:helm.sh/v3:Release flux {scene.space}/{name}"
    assert each.next.endswith(line)
    assert scene.program.run(*line.split()[1:], "--yes").code == 0
    scene.program.passes()
    await scene.lasts(name)


async def test_a_lost_record_that_the_state_holds_fails_when_a_value_changes_and_is_taken_out_of_it(
    scene: Scene, tmp_path: Path
) -> None:
    name = await scene.begin()
    await scene.lose_record(name)
    scene.program.release(name=name, values={"level": "warn"})
    done = scene.program.up()
    assert [(f.trouble, f.release) for f in read_error(done.text).failures] == [(Trouble.NO_DEPLOYED, name)]
    each = refused(await scene.look(done.text, tmp_path))
    assert "take it out of Pulumi's state by pulumi state delete" in each.next
    scene.program.forget()
    scene.program.passes()
    await scene.lasts(name)


async def test_a_renamed_resource_is_given_back_by_an_alias(scene: Scene, tmp_path: Path) -> None:
    name = await scene.begin()
    scene.program.release("fleet", values={"level": "info"})
    done = scene.program.up()
    assert read_error(done.text).wanted[0].resource == "fleet"
    each = refused(await scene.look(done.text, tmp_path))
    assert each.next == "give the resource fleet its old name as an alias, then pulumi up"
    scene.program.release("fleet", values={"level": "info"}, options={"aliases": [scene.program.urn()]})
    assert "2 unchanged" in scene.program.passes()
    await scene.lasts(name)


@pytest.mark.parametrize("adopted", [False, True])
async def test_a_renamed_resource_that_is_pinned_or_adopted_instead_deletes_everything(
    scene: Scene, adopted: bool
) -> None:
    """Why an alias comes first: the new resource is created, then the old one uninstalled, with all that it lists."""
    name = await scene.begin()
    if adopted:
        for ref in (scene.settings, scene.pilot):
            await scene.stamp(ref, OTHER)
    else:
        await scene.lose_record(name)
    scene.program.release("fleet", name=OTHER if adopted else name, values={"level": "info"})
    looked = scene.program.preview().text
    assert "1 to delete" in looked, "a preview shows it"
    scene.program.passes()
    assert not await scene.there(scene.settings)
    assert not await scene.there(scene.pilot)


async def test_a_release_in_another_namespace_is_another_one(scene: Scene, tmp_path: Path) -> None:
    name = await scene.begin()
    scene.program.release(namespace="default", values={"level": "info"})
    done = scene.program.up()
    (wanted,) = read_error(done.text).wanted
    assert (wanted.namespace, wanted.resource) == ("default", "flux")
    each = refused(await scene.look(done.text, tmp_path))
    assert each.next == f"give the resource flux its namespace back: `namespace: {scene.space}`"
    scene.program.release(values={"level": "info"})
    assert "2 unchanged" in scene.program.passes()
    await scene.lasts(name)


async def test_what_is_missing_is_unchanged_to_up_and_refresh_until_a_value_changes(scene: Scene) -> None:
    await scene.begin()
    await scene.delete(scene.settings)
    assert "2 unchanged" in scene.program.passes()
    assert "2 unchanged" in scene.program.refresh().text
    assert not await scene.there(scene.settings)
    scene.program.release(values={"level": "debug"})
    scene.program.passes()
    assert await scene.there(scene.settings)


async def test_what_a_replay_brings_back_is_taken_along_by_every_later_up(scene: Scene, tmp_path: Path) -> None:
    """The contract's scenario 2: deployed by its record, gone from the cluster."""
    name = await scene.begin()
    for ref in (scene.settings, scene.pilot):
        await scene.delete(ref)
    async with scene.session(tmp_path) as session:
        found = await session.refresh()
        (each,) = [finding for finding in found.findings if finding.code == "resource-missing"]
        assert "pulumi up and pulumi refresh call the release unchanged" in each.next
        outcomes = await do_all(session, PlanKind.REPLAY)
        assert {o.status for o in outcomes} == {Status.DONE}, [o.text for o in outcomes]
    assert {await scene.stamp_of(ref) for ref in (scene.settings, scene.pilot)} == {name}
    await scene.lasts(name)


async def test_a_generation_that_is_retired_takes_nothing_from_the_one_in_force(scene: Scene, tmp_path: Path) -> None:
    """The contract's scenario 3: two in force, and the uninstall of the old one would take what the new one has."""
    name = await scene.begin()
    scene.program.forget()
    for ref in (scene.settings, scene.pilot):
        await scene.stamp(ref, OTHER)
    scene.program.release(name=OTHER, values={"level": "info"})
    scene.program.passes()
    async with scene.session(tmp_path) as session:
        found = await session.refresh()
        assert "delete-bomb" in {finding.code for finding in found.findings}
        plan = await session.plan(PlanKind.RETIRE, name)
        assert [entry.ref.name for entry in plan.entries] == [f"sh.helm.release.v1.{name}.v1"]
        for entry in plan.entries:
            asked = await session.look(plan, entry)
            outcome = await session.carry_out(plan, asked, asked.typed or entry.typed)
            assert outcome.status is Status.DONE, outcome.text
        found = await session.refresh()
        assert "delete-bomb" not in {finding.code for finding in found.findings}
    assert await scene.there(scene.settings)
    await scene.lasts(OTHER)


@pytest.mark.parametrize("atomic", [True, False])
async def test_an_atomic_install_that_fails_deletes_what_it_took_over(scene: Scene, atomic: bool) -> None:
    name = await scene.begin()
    await scene.lose_record(name)
    scene.program.forget()
    scene.program.release(name=name, atomic=atomic, values={"level": "info", "broken": True})
    done = scene.program.up()
    expected = Trouble.UNINSTALLED if atomic else Trouble.INCOMPLETE
    assert [(f.trouble, f.release) for f in read_error(done.text).failures] == [(expected, name)]
    assert await scene.there(scene.settings) is await scene.there(scene.pilot) is not atomic
    if not atomic:
        scene.program.release(name=name, values={"level": "info"})
        scene.program.passes()
        await scene.lasts(name)


async def test_a_destroy_looks_at_no_stamp(scene: Scene) -> None:
    await scene.begin()
    for ref in (scene.settings, scene.pilot):
        await scene.stamp(ref, OTHER)
    assert scene.program.destroy().code == 0
    assert not await scene.there(scene.settings)
    assert not await scene.there(scene.pilot)


async def test_what_is_retained_on_delete_stays_with_its_record(scene: Scene) -> None:
    name = await scene.begin()
    scene.program.release(values={"level": "info"}, options={"retainOnDelete": True})
    scene.program.passes()
    assert scene.program.destroy().code == 0
    assert await scene.there(scene.settings)
    assert await scene.there(scene.ref("v1", "Secret", f"sh.helm.release.v1.{name}.v1"))


FORMS: dict[str, Callable[[Program], str]] = {
    "plain": lambda program: program.up().text,
    "colour": lambda program: program.up("--color", "always").text,
    "raw": lambda program: program.up("--color", "raw").text,
    "diff": lambda program: program.up("--diff").text,
    "json": lambda program: program.up("--json").text,
    "quiet": lambda program: program.up("--suppress-progress").text,
}


async def test_each_form_that_pulumi_writes_is_read_alike(scene: Scene) -> None:
    name = await scene.begin()
    scene.program.forget()
    second: Json = copy.deepcopy(scene.program.resources["flux"])
    second["properties"]["namespace"] = "default"
    scene.program.resources["second"] = second
    for form, run in FORMS.items():
        found = read_error(run(scene.program))
        assert found.tool is Tool.PULUMI, form
        assert {(c.label, c.held_release) for c in found.conflicts} == {
            (scene.settings.label, name),
            (scene.pilot.label, name),
        }, form
        assert {(w.resource, w.namespace) for w in found.wanted} == {("flux", None), ("second", "default")}, form
        assert all(isinstance(w, Wanted) and w.release.startswith(f"{w.resource}-") for w in found.wanted), form
        assert found.cut == (), form
