"""The kept policies: found under their digest, repaired when damaged, and nothing but a digest names one."""

from pathlib import Path

import pytest

from wardline.base.storage import Folder
from wardline.engine.walk.policyfolder import PolicyFolder


def test_what_is_kept_is_found_under_its_digest(tmp_path: Path) -> None:
    folder = Folder.open(tmp_path)
    try:
        policies = PolicyFolder(folder)
        digest = policies.keep(b"point: a")
        assert policies.keep(b"point: a") == digest != policies.keep(b"point: b")
        policies.keep_document("5f0c", b"{}")
        assert (policies.text(digest), policies.document("5f0c")) == (b"point: a", b"{}")
        assert policies.text("5f0c") is None and policies.document(digest) is None
        (tmp_path / "policies" / f"{digest}.yaml").write_bytes(b"damaged")
        assert policies.keep(b"point: a") == digest and policies.text(digest) == b"point: a"
    finally:
        folder.close()


@pytest.mark.parametrize("digest", ["", "../keys/folder", "a/b", ".", "a.b"])
def test_only_a_digest_names_a_policy(tmp_path: Path, digest: str) -> None:
    folder = Folder.open(tmp_path)
    try:
        assert PolicyFolder(folder).text(digest) is None and PolicyFolder(folder).document(digest) is None
    finally:
        folder.close()
