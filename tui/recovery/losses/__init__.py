"""What a replay cannot bring back: the content that no stored document ever held.

A release's manifest stores how an object begins. What came into it later is gone with it: the data behind a claim, the
claims of a StatefulSet, the instances of a definition, everything inside a namespace, what a controller or a hook wrote
into a Secret. For each kind one function says what comes back empty, where the old content may still be, and how it is
given back before an empty replacement is made. Where that replacement would hide the loss, the object's name is asked
for, typed. What could not be read counts as such a loss.

``table`` is what the rest of the recovery asks; ``remains`` is what is left in the cluster to tell it from; ``claims``,
``content`` and ``listed`` hold the functions. Pure: nothing here reads or sends anything.
"""
