"""Many messages at once: read, examined and weighed in worker processes, judged or learned in order by the one writer.

    with Bulk(Settings.of(config.mail), workers=2) as bulk:
        bulk.start(found)                       # the workers begin; open the program meanwhile
        for source, prepared in bulk.prepared(): …

Reading and taking a message apart is most of the work and needs no state, so it goes to every core, and so do the opinions of detectors that
look at the message alone and that of the starter model, which never changes; what needs the states stays in one place and in order. To the
workers travel names of files, back from them bytes of MessagePack. Make it first of all, before the program is opened: the workers are then
copies of a small process that has loaded what they need, and work while the program is still loading.
"""

import functools
import gc
import os
import sys
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process, set_forkserver_preload
from multiprocessing.connection import wait
from multiprocessing.context import BaseContext
from types import TracebackType
from typing import Any, Self

import msgspec

from wardline.commands.context import Failure, say_failure
from wardline.commands.reading import Source
from wardline.domains.mail.events import Envelope, Mail
from wardline.domains.mail.examine import Settings, decode_hook, encode_hook, make_detectors
from wardline.domains.mail.prepared import Prepared, prepare
from wardline.domains.mail.text.starter import chosen_starter
from wardline.engine.detector import Detector
from wardline.learning.frozen import Frozen

CHUNK = 16
# What the workers may be ahead by: enough to keep them busy while the program opens, little enough to hold in memory.
AHEAD_CHUNKS = 64
AHEAD_BYTES = 32 << 20
# Asks for every table that examining reads on first use, so that the workers inherit them.
_WARMING = "From: Bank é <a@example.com>\nSubject: Привет\n\nSee http://www.example.org/ and verify é".encode()


class Work(msgspec.Struct, frozen=True):
    """What is the same for every message. starter: the model's file, "" for the shipped one, None for none; with_raw: the bytes are wanted too."""

    settings: Settings
    starter: str | None = None
    with_raw: bool = False


class Done(msgspec.Struct, array_like=True):
    """One message, done: what was found, or why it could not be read; its bytes where they are wanted."""

    prepared: Prepared | None
    failure: str = ""
    raw: bytes = b""


_encoder = msgspec.msgpack.Encoder(enc_hook=encode_hook)
_decoder = msgspec.msgpack.Decoder(list[Done], dec_hook=decode_hook)


@functools.cache
def _tools(starter: str | None) -> tuple[tuple[Detector[Mail], ...], Frozen | None]:
    """What a worker needs beside the message: made once, before the workers are forked, and inherited by them."""
    return make_detectors(), None if starter is None else chosen_starter(starter)


def prepare_one(source: Source, work: Work) -> Done:
    """Read and prepare one message."""
    try:
        raw = source.read()
    except Failure as failure:
        return Done(None, str(failure))
    detectors, starter = _tools(work.starter)
    return Done(prepare(raw, Envelope(), work.settings, detectors, starter), raw=raw if work.with_raw else b"")


def prepare_all(found: Sequence[Source], work: Work) -> bytes:
    """In a worker: prepare messages; the results as bytes."""
    return _encoder.encode([prepare_one(source, work) for source in found])


class Bulk:
    """A pool of workers. workers 0: in this process."""

    def __init__(self, work: Work, workers: int | None = None) -> None:
        self.work = work
        self.workers = (os.cpu_count() or 1) if workers is None else workers
        self.failed = 0  # messages that could not be read; the reason was said
        self._pool = _started(self.workers, work) if self.workers else None
        self._chunks: deque[list[Source]] = deque()
        self._waiting: deque[tuple[list[Source], Future[bytes]]] = deque()
        self._ahead_bytes = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def start(self, found: Sequence[Source]) -> None:
        """Give the workers what they may do ahead, and return at once."""
        self._chunks = deque(list(found[at : at + CHUNK]) for at in range(0, len(found), CHUNK))
        self._refill()

    def _refill(self) -> None:
        while self._pool and self._chunks and len(self._waiting) < AHEAD_CHUNKS:
            if self._ahead_bytes > AHEAD_BYTES and len(self._waiting) >= self.workers:
                return
            chunk = self._chunks.popleft()
            try:
                self._waiting.append((chunk, self._pool.submit(prepare_all, chunk, self.work)))
            except BrokenProcessPool:
                raise _died() from None
            self._ahead_bytes += _bytes(chunk)

    def prepared(self) -> Iterator[tuple[Source, Prepared, bytes]]:
        """Source, what was found, and the bytes where they are wanted, in the order of the sources. Raises Failure when a worker died."""
        if self._pool is None:
            for chunk in self._chunks:
                yield from self._told(chunk, [prepare_one(source, self.work) for source in chunk])
        while self._waiting:
            chunk, future = self._waiting.popleft()
            try:
                done = _decoder.decode(future.result())
            except BrokenProcessPool:
                raise _died() from None
            self._ahead_bytes -= _bytes(chunk)
            self._refill()
            yield from self._told(chunk, done)

    def _told(self, chunk: list[Source], done: list[Done]) -> Iterator[tuple[Source, Prepared, bytes]]:
        for source, each in zip(chunk, done, strict=True):
            if each.prepared is None:
                self.failed += 1
                say_failure(each.failure)
            else:
                yield source, each.prepared, each.raw


def _died() -> Failure:
    return Failure("a worker process ended before its work was done; is there enough memory? What was printed is recorded.")


def _bytes(chunk: list[Source]) -> int:
    return sum(source.found_bytes for source in chunk)


def _started(workers: int, work: Work) -> ProcessPoolExecutor:
    """A pool whose workers run already. Forked from this process where that is safe (Linux, no other thread), else from a server of its own."""
    context: BaseContext
    if sys.platform == "linux" and threading.active_count() == 1:
        prepare_one(Source("warming", None, content=_WARMING), work)
        context = get_context("fork")
        gc.freeze()  # else the workers' first collection writes to every page that they share
    else:
        set_forkserver_preload([__name__])
        context = get_context("forkserver")
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_begin)
    pool.submit(prepare_all, [], work)
    gc.unfreeze()
    return pool


def _begin() -> None:
    """In a worker, at its start: look for garbage again, and end when the process that gives it work was killed; it would wait for ever."""
    gc.enable()
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent", daemon=True).start()


def work_of(config: Any, *, starter: bool) -> Work:
    """What the workers are to do under a configuration. Signatures and kept bodies need the bytes, everything else does without."""
    mail = config.mail
    with_raw = mail.resolver != "off" or bool(mail.trusted_authserv_ids) or config.store.keep_bodies
    return Work(Settings.of(mail), mail.starter if starter else None, with_raw)
