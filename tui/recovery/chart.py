"""The CRDs that a chart keeps in its ``crds/`` folder: stored with the release, listed by no manifest. Pure.

Helm installs them once, stamps them with nothing, and never looks at them again. Those of a subchart are not stored.
"""

from typing import NamedTuple

from tui.helm.manifest import ManifestFault, stored_crds
from tui.helm.model import Document
from tui.helm.order import install_order
from tui.objects import Inventory
from tui.ownership.model import FamilyView
from tui.ownership.references import CRD


class ChartCrds(NamedTuple):
    """The stored CRDs of the release in force, in install order; ``fault`` says why they could not be read."""

    documents: tuple[Document, ...]
    fault: str = ""


def chart_crds(view: FamilyView) -> ChartCrds:
    """What the chart of a family's active release has in its ``crds/`` folder; nothing else of that folder."""
    if view.active is None:
        return ChartCrds(())
    try:
        found = stored_crds(view.active)
    except ManifestFault as fault:
        return ChartCrds((), str(fault))
    return ChartCrds(install_order(each for each in found if each.ref.kind_key == CRD and each.generate_name is None))


def lacking(view: FamilyView, inventory: Inventory) -> ChartCrds:
    """Those that the cluster lacks, and that its manifest does not list anyway."""
    stored = chart_crds(view)
    listed = view.listed[0].documents if view.listed else {}
    if not stored.documents or not inventory.readable(*CRD):
        why = inventory.gap(*CRD)
        return ChartCrds((), stored.fault or (f"could not verify which are there: {why.text}" if why else ""))
    return ChartCrds(
        tuple(each for each in stored.documents if each.key not in listed and inventory.get(each.key) is None)
    )
