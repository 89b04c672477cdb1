"""Which guardrail denies a stored document, as it would be sent. Pure."""

from tui.contract.model import Contract, Guardrail
from tui.contract.select import matches_document
from tui.helm.manifest import stamped
from tui.helm.model import Document
from tui.objects import Ref


def denying(
    contract: Contract, ref: Ref, document: Document, family: str, release: str, *, chart: bool = False
) -> Guardrail | None:
    """The first guardrail that denies the document; None where none does.

    It is held against what the cluster would get: with the stamps of ``release``, of this ``family`` of the contract,
    but for a CRD of the ``chart``'s own folder, which Helm sends as it is.
    """
    known = contract.family(family)
    body = document.body
    if not chart and known is not None:
        body = stamped(body, release, known.namespace)
    return next((rail for rail in contract.guardrails if matches_document(rail.deny, ref, {}, {}, body)), None)
