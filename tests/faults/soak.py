"""Many faults at random moments, from a printed seed: `make soak`, or

    .venv/bin/python -m tests.faults.soak [--faults 200] [--minutes 20] [--seed N]

Each round uploads a batch, does a handful of faults while it is stored and segmented, waits until all has ended, and
compares rows, sums, masks and files. It stops at the first difference and prints the seed that brought it about.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import secrets
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faults.faults import FAULTS
from tests.faults.rig import Rig
from tests.flows.test_story import LABELS
from tests.images import picture, png

IMAGES = 16
FAULTS_A_ROUND = 8
LONGEST_ROUND_SECONDS = 240
ROUNDS_A_RECOUNT = 5


def photos(round_number: int) -> dict[str, bytes]:
    """Small drawn parts, a quarter of them rusty, no two alike."""
    return {
        f"{round_number}-{place}.png": png(
            picture(red=0.25 if place % 4 == 0 else 0, width=320, height=240, mark=round_number * IMAGES + place)
        )
        for place in range(IMAGES)
    }


def soak(rig: Rig, *, fault_count: int, seconds: float, seed: int) -> Counter[str]:
    """Do up to `fault_count` faults within `seconds`; AssertionError at the first thing that is not right."""
    rng = random.Random(seed)
    client_of_its_own = ThreadPoolExecutor(1)
    rig.stack.start()
    try:
        with rig.stack.signed_in() as client:
            slug = client.post("projects", json={"name": "Soak", "labels": LABELS}).json()["slug"]
        rig.stack.manage("train", "--project", slug, "--architecture", "nearest-color")
        done: Counter[str] = Counter()
        expected: set[str] = set()
        deadline = time.monotonic() + seconds
        number = 0
        while sum(done.values()) < fault_count and time.monotonic() < deadline:
            number += 1
            batch = photos(number)
            expected |= {hashlib.sha256(content).hexdigest() for content in batch.values()}
            if number % 3 == 1:
                rig.poison(hashlib.sha256(rng.choice(list(batch.values()))).hexdigest())
                done["poison_a_photo"] += 1
            uploading = client_of_its_own.submit(rig.upload, slug, batch)
            for _ in range(min(FAULTS_A_ROUND, fault_count - sum(done.values()))):
                time.sleep(rng.uniform(0.1, 1))
                fault = rng.choice(FAULTS)
                fault(rig, rng)
                done[fault.__name__] += 1
            uploading.result()
            rig.settled(seconds=LONGEST_ROUND_SECONDS)
            ended = rig.check(expected)
            if number % ROUNDS_A_RECOUNT == 0:
                rig.check_sums()
            print(f"round {number}: {sum(done.values())} faults so far, {dict(ended)}", flush=True)  # noqa: T201
        rig.check_sums()
        return done
    finally:
        rig.stack.stop()
        client_of_its_own.shutdown(cancel_futures=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--faults", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1 << 31))
    asked = parser.parse_args()
    print(f"seed {asked.seed}", flush=True)  # noqa: T201
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        rig = Rig(Path(folder) / "data", Path(folder) / "faults")
        done = soak(rig, fault_count=asked.faults, seconds=asked.minutes * 60, seed=asked.seed)
    print(f"{sum(done.values())} faults, nothing lost, nothing counted twice: {dict(done)}")  # noqa: T201


if __name__ == "__main__":
    main()
