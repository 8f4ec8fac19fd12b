"""A link without a server: the error is ours, names the database, and reading fails at once. With real servers: tests/contract."""

import pytest

from wardline.base.storage import StorageBusy, StorageError
from wardline.engine.servers.address import read_address
from wardline.engine.servers.link import Link


@pytest.mark.parametrize("scheme", ["postgresql", "mariadb"])
def test_nobody_listens(scheme: str) -> None:
    link = Link(read_address(f"{scheme}://wardline:secret@127.0.0.1:1/wardline", environment={}))
    with pytest.raises(StorageError, match=r"does not serve.*Start the server") as told:
        link.open()
    assert "secret" not in str(told.value)
    for _ in range(2):
        with pytest.raises(StorageBusy, match="goes on by itself"):
            link.tend()
    link.close()
