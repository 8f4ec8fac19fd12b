"""The policies that ever decided, by their digests: what a decision names must be found again when it is judged anew.

policies = PolicyFolder(journal.folder)
digest = policies.keep(text)                 # DATA/policies/5f0c….yaml; names this very text
policies.text(digest)                        # None when it is not there
policies.keep_document(digest, document)     # DATA/policies/9a1b….json: a policy and the rules beside it (engine.rules.running)
"""

import hashlib

from wardline.base.storage import Folder


class PolicyFolder:
    """See the module. What is kept is never changed: a name that exists holds what it names. Raises OSError on a full disk."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder

    def keep(self, text: bytes) -> str:
        """Keep a policy's text; gives its digest."""
        digest = hashlib.sha256(text).hexdigest()[:32]
        self._keep(f"{digest}.yaml", text)
        return digest

    def text(self, digest: str) -> bytes | None:
        """A policy's text."""
        return self._read(f"{digest}.yaml") if digest.isalnum() else None

    def keep_document(self, digest: str, document: bytes) -> None:
        """Keep a policy with its rules, under the digest that `engine.rules.running` gave them."""
        self._keep(f"{digest}.json", document)

    def document(self, digest: str) -> bytes | None:
        """A policy with its rules."""
        return self._read(f"{digest}.json") if digest.isalnum() else None

    def _keep(self, name: str, content: bytes) -> None:
        if self._read(name) != content:
            self._folder.write_atomic(f"policies/{name}", content)

    def _read(self, name: str) -> bytes | None:
        return self._folder.read(f"policies/{name}")
