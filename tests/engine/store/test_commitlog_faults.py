"""The commit log on a disk that forgets: at every operation the power goes, and nothing that was acknowledged may be missing.

The writers are played by the test (writers=0), in an order drawn from a fixed seed: two or three batches are under way at once and reach the
medium in any order, exactly as with threads, but the same in every run.
"""

import random
from pathlib import Path

import pytest

from tests.forgetful_disk import Crash, ForgetfulDisk
from wardline.engine.store.commitlog import Batch, CommitLog
from wardline.engine.store.recovery import Recovery, payloads, recover

FOLDER = Path("/nowhere/log")
SEGMENT_BYTES = 32_768
STEPS = 300


def payload(seq: int, life: int = 0) -> bytes:
    return f"record {seq} of life {life} ".encode() * (1 + seq * 7 % 60)


def live(disk: ForgetfulDisk, indexed: dict[int, bytes], chance: random.Random, life: int, steps: int) -> tuple[int, Recovery]:
    """Open, index what was found, append until the crash. Gives the newest acknowledged seq, and what recovery found."""
    acknowledged = [max(indexed, default=0)]
    found = recover(disk, FOLDER, max(indexed, default=0))
    for batch in payloads(disk, found):
        for record in batch:
            seq = int(record.split()[1])
            if seq > max(indexed, default=0):
                assert seq == max(indexed, default=0) + 1
                indexed[seq] = record
    acknowledged[0] = max(indexed, default=0)
    under_way: list[Batch] = []
    try:
        log = CommitLog.open(
            FOLDER, disk, next_seq=found.last_seq + 1, on_durable=lambda seq: acknowledged.append(seq), segment_bytes=SEGMENT_BYTES, segments_limit=4, writers=0
        )  # fmt: skip
        seq = found.last_seq
        for _ in range(steps):
            action = chance.random()
            if action < 0.5:
                seq += 1
                log.append(seq, payload(seq, life))
            elif action < 0.75 and len(under_way) < 3:
                item = log.begin()
                if item is not None:
                    under_way.append(item)
            elif under_way:
                item = under_way.pop(chance.randrange(len(under_way)))
                log.write(item)
                log.finish(item)
            if action > 0.9:
                # The indexer: what is acknowledged goes into a store that never forgets, then segments are used again.
                for number in range(max(indexed, default=0) + 1, acknowledged[-1] + 1):
                    indexed[number] = payload(number, life)
                log.recycle(max(indexed, default=0))
                log.prepare()
    except Crash:
        pass
    return acknowledged[-1], found


@pytest.mark.parametrize("seed", range(6))
def test_no_acknowledged_record_is_lost_at_any_crash(seed: int) -> None:
    whole = ForgetfulDisk(random.Random(seed))
    live(whole, {}, random.Random(seed), 0, STEPS)
    for crash_at in range(1, whole.operations + 1):
        disk = ForgetfulDisk(random.Random(seed * 1000 + crash_at), crash_at=crash_at)
        indexed: dict[int, bytes] = {}
        acknowledged, _ = live(disk, indexed, random.Random(seed), 0, STEPS)
        after = disk.after_power_loss()
        found = recover(after, FOLDER, max(indexed, default=0))
        assert found.lost == [], f"crash at operation {crash_at}"
        assert found.last_seq >= acknowledged, f"crash at operation {crash_at}"
        held = dict(indexed)
        for batch in payloads(after, found):
            held |= {int(record.split()[1]): record for record in batch}
        for seq in range(1, acknowledged + 1):
            assert held[seq] == payload(seq), f"record {seq}, crash at operation {crash_at}"


@pytest.mark.parametrize("seed", range(20))
def test_crash_after_crash_loses_nothing(seed: int) -> None:
    """Ten lives on one disk, each ended by a power loss at a random moment, recovery and zeroing included."""
    chance = random.Random(seed)
    disk = ForgetfulDisk(chance)
    indexed: dict[int, bytes] = {}
    promised: dict[int, bytes] = {}
    for life in range(10):
        disk.crash_at = disk.operations + chance.randrange(1, 150)
        acknowledged, found = live(disk, indexed, chance, life, 200)
        assert found.lost == []
        for seq, record in promised.items():
            assert indexed[seq] == record, f"record {seq} after life {life}"
        promised = dict(indexed)
        promised |= {seq: payload(seq, life) for seq in range(found.last_seq + 1, acknowledged + 1)}
        disk = disk.after_power_loss()
    assert len(promised) > 20


def test_negative_control_a_disk_that_lies_about_syncs_is_found_out() -> None:
    """When syncs do nothing, acknowledged records must be missing after some crash: the test above can fail."""

    class Liar(ForgetfulDisk):
        def write_durably(self, descriptor: int, data: bytes, offset: int) -> None:
            self.pwrite(descriptor, data, offset)

    missing = 0
    for crash_at in range(20, 60):
        disk: ForgetfulDisk = Liar(random.Random(crash_at), crash_at=crash_at)
        acknowledged, _ = live(disk, {}, random.Random(1), 0, STEPS)
        after = disk.after_power_loss()
        found = recover(after, FOLDER, 0)
        missing += found.last_seq < acknowledged or bool(found.lost)
    assert missing > 5


def test_damage_in_the_middle_is_reported_and_the_rest_is_kept() -> None:
    disk = ForgetfulDisk(random.Random(1))
    log = CommitLog.open(FOLDER, disk, next_seq=1, on_durable=lambda seq: None, segment_bytes=SEGMENT_BYTES, writers=0)
    for seq in range(1, 6):
        log.append(seq, payload(seq))
        item = log.begin()
        assert item is not None
        log.write(item)
        log.finish(item)
    disk.flip(FOLDER / "000001.log", 4096 + 60)
    found = recover(disk, FOLDER, 0)
    assert found.lost == [(2, 2)]
    assert [place.first_seq for place in found.places] == [1, 3, 4, 5]
    assert found.last_seq == 5


def test_torn_last_batch_is_dropped_without_a_word() -> None:
    disk = ForgetfulDisk(random.Random(1))
    log = CommitLog.open(FOLDER, disk, next_seq=1, on_durable=lambda seq: None, segment_bytes=SEGMENT_BYTES, writers=0)
    for seq in (1, 2):
        log.append(seq, payload(seq))
        item = log.begin()
        assert item is not None
        log.write(item)
        if seq == 1:
            log.finish(item)
    disk.flip(FOLDER / "000001.log", 4096 + 60)
    found = recover(disk, FOLDER, 0)
    assert (found.last_seq, found.dropped, found.lost) == (1, 1, [])
