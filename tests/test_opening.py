"""Opening a context: on the contract's cluster, or not at all."""

import gc
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from tests.clusters import contract
from tui.faults import UsageFault
from tui.opening import open_context
from tui.options import Options
from tui.practice.cluster import PracticeCluster


async def test_another_cluster_than_the_contract_s_is_refused_and_no_connection_stays_open(tmp_path: Path) -> None:
    async with PracticeCluster() as cluster:
        kubeconfig = tmp_path / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(cluster.kubeconfig()))
        options = Options(kubeconfig=str(kubeconfig))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            with pytest.raises(UsageFault, match="not the contract's cluster"):
                await open_context(replace(contract(), cluster_uid="another"), options)
            gc.collect()
        assert [str(each.message) for each in told if each.category is ResourceWarning] == []
        link = await open_context(contract(), options)
        pinned = replace(contract(), cluster_uid=link.identity.cluster_uid)
        await link.close()
        again = await open_context(pinned, options)
        assert again.identity.cluster_uid == pinned.cluster_uid
        await again.close()
