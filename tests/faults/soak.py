"""Many faults at random moments, from a printed seed: `make soak`, or

    .venv/bin/python -m tests.faults.soak [--faults 200] [--minutes 20] [--seed N]

Each round uploads a batch, does a handful of faults while it is stored and segmented, waits until all has ended, and
compares rows, sums, masks, files and pages. It stops at the first difference and prints the seed that brought it about.
"""

from __future__ import annotations

import argparse
import random
import secrets
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from tests.faults.checks import Checks
from tests.faults.faults import FAULTS
from tests.faults.photos import photos
from tests.faults.rig import Rig

IMAGES = 16
FAULTS_A_ROUND = 8
LONGEST_ROUND_SECONDS = 300
LONGEST_PAUSE_SECONDS = 0.8


def soak(rig: Rig, *, fault_count: int, seconds: float, seed: int, in_a_round: int = FAULTS_A_ROUND) -> Counter[str]:
    """Do up to `fault_count` faults within `seconds`; AssertionError at the first thing that is not right."""
    rng = random.Random(seed)
    done: Counter[str] = Counter()
    checks = Checks(rig)
    begun = time.monotonic()
    with ThreadPoolExecutor(1) as client_of_its_own:
        try:
            rig.start()
            _say(f"started after {time.monotonic() - begun:.0f} s")
            number = 0
            while done.total() < fault_count and time.monotonic() < begun + seconds:
                number += 1
                round_begun = time.monotonic()
                uploading = _begin_round(rig, number, rng, done, client_of_its_own)
                _do_faults(rig, rng, done, min(in_a_round, fault_count - done.total()))
                uploading.result()
                faults_ended = time.monotonic()
                rig.settle(seconds=LONGEST_ROUND_SECONDS)
                settled = time.monotonic()
                ended = checks.all_is_well()
                _say(
                    f"round {number}: {done.total()} faults after {time.monotonic() - begun:.0f} s, {dict(ended)}; "
                    f"faults {faults_ended - round_begun:.1f} s, mending {settled - faults_ended:.1f} s, "
                    f"checking {time.monotonic() - settled:.1f} s"
                )
            return done
        finally:
            rig.stop()


def _begin_round(
    rig: Rig, number: int, rng: random.Random, done: Counter[str], client: ThreadPoolExecutor
) -> Future[None]:
    """A batch begins to be uploaded; one in three has a photo that kills its worker."""
    batch = photos(number, IMAGES)
    rig.photos |= {photo.sha256: photo for photo in batch}
    if number % 3 == 1:
        rig.poison(rng.choice(batch).sha256)
        done["poison_a_photo"] += 1
    return client.submit(rig.upload, batch)


def _do_faults(rig: Rig, rng: random.Random, done: Counter[str], count: int) -> None:
    for _ in range(count):
        time.sleep(rng.uniform(0.05, LONGEST_PAUSE_SECONDS))
        fault = rng.choice(FAULTS)
        fault(rig, rng)
        done[fault.__name__] += 1


def _say(sentence: str) -> None:
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    parser.add_argument("--keep", type=Path, help="a folder that does not exist yet, kept for looking into it")
    asked = parser.parse_args()
    _say(f"seed {asked.seed}")
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="soak-") as scratch:
        folder = asked.keep or Path(scratch)
        rig = Rig(folder / "data", folder / "faults")
        done = soak(rig, fault_count=asked.faults, seconds=asked.minutes * 60, seed=asked.seed)
    minutes = (time.monotonic() - begun) / 60
    _say(f"{done.total()} faults in {minutes:.1f} minutes, nothing lost, nothing counted twice: {dict(done)}")
    if done.total() < asked.faults:
        sys.exit(f"{asked.faults} faults were asked for")


if __name__ == "__main__":
    main()
