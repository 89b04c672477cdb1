"""What each owner's acts would do to an object as it stands now, and where what keeps it is read. Pure.

Each act of each owner is told by itself, because each reads something else: an upgrade of a Helm release the live
object, its uninstall the stored manifest, a Kustomization the live object again, Pulumi its own state.

- ``model``: the acts, what they may do, one consequence, and the subject that a tool's function reads.
- ``opt_outs``: what an object is told to be spared by, and whether that lasts until the act.
- ``helm``, ``flux``, ``argo``, ``tools``, ``references``: one function a tool, from a subject to its consequences.
- ``table``: the functions in their order; ask :class:`~tui.ownership.acts.table.Acts` about an object.
- ``advice``: what must be in place before an object leaves an owner's source, in words.

Reads ``tui.objects``, ``tui.helm`` and the values of ``tui.ownership``; knows no finding, no screen and no plan.
"""
