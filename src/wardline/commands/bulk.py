"""Many messages at once: examined in worker processes, judged or learned in order by the one writer.

    with Bulk(program.settings, workers=2) as bulk:
        for source, examined in bulk.examine(sources): …

Reading and taking a message apart is most of the work and needs no state, so it goes to every core; what needs the states stays in one
place and in order. Between processes travel bytes of MessagePack.
"""

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import get_context
from types import TracebackType
from typing import Self

import msgspec

from wardline.commands.context import Failure, say_failure
from wardline.commands.reading import Source
from wardline.domains.mail.events import Envelope
from wardline.domains.mail.examine import Examined, Settings, decode_hook, encode_hook, examine, make_detectors

CHUNK = 16

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
        self._pool = ProcessPoolExecutor(self.workers, mp_context=get_context("forkserver")) if self.workers else None

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
        for chunk in _chunks(found):
            read = [(source, raw) for source in chunk if (raw := self._read(source)) is not None]
            raws = [raw for _source, raw in read]
            waiting.append(([source for source, _raw in read], raws, self._pool.submit(examine_all, raws, self.settings)))
            if len(waiting) > self.workers * 4:
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
