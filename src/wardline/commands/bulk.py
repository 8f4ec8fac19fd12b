"""Many messages at once: examined in worker processes, judged or learned in order by the one writer.

    with Bulk(Settings.of(config.mail), workers=2) as bulk:
        for source, raw, examined in bulk.examine(sources): …

Reading and taking a message apart is most of the work and needs no state, so it goes to every core; what needs the states stays in one
place and in order. Between processes travel bytes of MessagePack. Make it first of all, before the program is opened: the workers are then
copies of a small process that has loaded what they need, and work while the program is still loading.
"""

import gc
import os
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context, set_forkserver_preload
from multiprocessing.context import BaseContext
from types import TracebackType
from typing import Self

import msgspec

from wardline.commands.context import Failure, say_failure
from wardline.commands.reading import Source
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.examine import Examined, Settings, decode_hook, encode_hook, examine, make_detectors

CHUNK = 16
# What the workers may be ahead by: enough to keep them busy while the program opens, little enough to hold in memory.
AHEAD_CHUNKS = 64
AHEAD_BYTES = 32 << 20
# Asks for every table that examining reads on first use, so that the workers inherit them.
_WARMING = "From: Bank é <a@example.com>\nSubject: Привет\n\nSee http://www.example.org/ and verify é".encode()

_encoder = msgspec.msgpack.Encoder(enc_hook=encode_hook)
_decoder = msgspec.msgpack.Decoder(list[Examined], dec_hook=decode_hook)


def examine_all(messages: list[bytes], settings: Settings) -> bytes:
    """In a worker: examine messages; the results as bytes."""
    detectors = make_detectors()
    return _encoder.encode([examine(raw, Envelope(), settings, detectors) for raw in messages])


class Bulk:
    """A pool of workers. workers 0: in this process."""

    def __init__(self, settings: Settings, workers: int | None = None) -> None:
        self.settings = settings
        self.workers = (os.cpu_count() or 1) if workers is None else workers
        self.failed = 0  # messages that could not be read; the reason was said
        self._pool = _started(self.workers, settings) if self.workers else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def examine(self, found: Iterable[Source]) -> Iterator[tuple[Source, bytes, Examined]]:
        """Source, bytes and facts, in the order of the sources; bounded look-ahead."""
        if self._pool is None:
            detectors = make_detectors()
            for source in found:
                if (raw := self._read(source)) is not None:
                    yield source, raw, examine(raw, Envelope(), self.settings, detectors)
            return
        waiting: deque[tuple[list[Source], list[bytes], Future[bytes]]] = deque()
        ahead_bytes = 0
        for chunk in _chunks(found):
            read = [(source, raw) for source in chunk if (raw := self._read(source)) is not None]
            raws = [raw for _source, raw in read]
            waiting.append(([source for source, _raw in read], raws, self._pool.submit(examine_all, raws, self.settings)))
            ahead_bytes += sum(map(len, raws))
            while len(waiting) > AHEAD_CHUNKS or (ahead_bytes > AHEAD_BYTES and len(waiting) > self.workers):
                ahead_bytes -= sum(map(len, waiting[0][1]))
                yield from _done(*waiting.popleft())
        while waiting:
            yield from _done(*waiting.popleft())

    def _read(self, source: Source) -> bytes | None:
        try:
            return source.read()
        except Failure as failure:
            self.failed += 1
            say_failure(str(failure))
            return None


def _started(workers: int, settings: Settings) -> ProcessPoolExecutor:
    """A pool whose workers run already. Forked from this process where that is safe (Linux, no other thread), else from a server of its own."""
    context: BaseContext
    if sys.platform == "linux" and threading.active_count() == 1:
        examine(_WARMING, Envelope(), settings, make_detectors())
        context = get_context("fork")
        gc.collect()
        gc.freeze()  # else the workers' first collection writes to every page that they share
    else:
        set_forkserver_preload([__name__])
        context = get_context("forkserver")
    pool = ProcessPoolExecutor(workers, mp_context=context)
    pool.submit(examine_all, [], settings)
    gc.unfreeze()
    return pool


def _chunks(found: Iterable[Source]) -> Iterator[list[Source]]:
    chunk: list[Source] = []
    for source in found:
        chunk.append(source)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _done(chunk: list[Source], raws: list[bytes], future: "Future[bytes]") -> Iterator[tuple[Source, bytes, Examined]]:
    yield from zip(chunk, raws, _decoder.decode(future.result()), strict=True)
