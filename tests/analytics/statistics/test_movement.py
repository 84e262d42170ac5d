"""Why a rate moved: exact sums, and seeded changes found."""

from __future__ import annotations

import numpy as np
import pytest

from analytics.statistics import Movement, Tally, explain_change

SIZES = {"source": 8, "batch": 20, "label": 6, "model": 2, "hour": 24}
TRIALS = 200


def test_mix_and_rate_effects_by_hand() -> None:
    """Computed, not published: Kitagawa's two terms for 2 lines, 100 images each before, 50 and 150 after."""
    lines = {"line 1": (Tally(10, 100), Tally(5, 50)), "line 2": (Tally(20, 100), Tally(45, 150))}
    movement = explain_change(Tally(30, 200), Tally(50, 200), {"source": lines})
    by_name = {driver.value: driver for driver in movement.drivers}
    assert movement.total == pytest.approx(0.10)
    assert by_name["line 1"].rate_effect == pytest.approx(0.0)
    assert by_name["line 2"].rate_effect == pytest.approx(0.625 * 0.10)
    assert by_name["line 1"].mix_effect == pytest.approx(-0.25 * (0.10 - 0.20))
    assert by_name["line 2"].mix_effect == pytest.approx(0.25 * (0.25 - 0.20))
    assert sum(driver.effect for driver in movement.drivers) == pytest.approx(movement.total)


def period(
    random: np.random.Generator, shares: dict[str, np.ndarray], where: str, bad: np.ndarray
) -> tuple[Tally, dict[str, list[Tally]]]:
    """20,000 images; the rate depends on the value of dimension `where`, the other dimensions do not matter."""
    n = random.multinomial(20_000, shares[where])
    count = random.binomial(n, bad)
    tallies = {where: [Tally(*pair) for pair in zip(count.tolist(), n.tolist(), strict=True)]}
    for name, share in shares.items():
        if name != where:
            failed, passed = random.multinomial(count.sum(), share), random.multinomial(20_000 - count.sum(), share)
            pairs = zip(failed.tolist(), (failed + passed).tolist(), strict=True)
            tallies[name] = [Tally(*pair) for pair in pairs]
    return Tally(int(count.sum()), 20_000), tallies


def trial(random: np.random.Generator, kind: str) -> tuple[Movement, tuple[str, str]]:
    """Two periods; one value of one dimension is changed in the second."""
    shares = {name: random.dirichlet(np.full(size, 8.0)) for name, size in SIZES.items()}
    where = str(random.choice(list(SIZES)))
    value = int(random.integers(SIZES[where]))
    bad = np.full(SIZES[where], 0.03)
    if kind == "mix":
        bad[value] = 0.25
    before, old = period(random, shares, where, bad)
    if kind == "rate":
        bad[value] = min(0.03 + 0.02 / shares[where][value], 0.9)
    if kind == "mix":
        changed = shares[where].copy()
        changed[value] += 0.10
        shares[where] = changed / changed.sum()
    after, new = period(random, shares, where, bad)
    tallies = {name: {f"{name} {i}": (old[name][i], new[name][i]) for i in range(size)} for name, size in SIZES.items()}
    return explain_change(before, after, tallies), (where, f"{where} {value}")


@pytest.mark.parametrize("kind", ["rate", "mix"])
def test_seeded_changes_are_found_first(kind: str) -> None:
    """In a dimension of two values one's larger share is the other's smaller: there either name is right for a mix."""
    random = np.random.default_rng(41)
    found = 0
    for _ in range(TRIALS):
        movement, (where, value) = trial(random, kind)
        first = movement.drivers[0]
        is_right = first.value == value or (kind == "mix" and SIZES[where] == 2)
        found += first.dimension == where and is_right and first.is_clear
    assert found >= 0.9 * TRIALS


def test_chance_alone_names_nobody() -> None:
    """Holm keeps the chance of one false name or more among 60 values at about 5 %."""
    random = np.random.default_rng(42)
    named = sum(trial(random, "none")[0].drivers[0].is_clear for _ in range(TRIALS))
    assert named <= 0.08 * TRIALS


def test_effects_of_each_dimension_add_up() -> None:
    random = np.random.default_rng(43)
    for _ in range(20):
        movement, _seeded = trial(random, "rate")
        for name in ("source", "label", "model"):
            drivers = [driver for driver in movement.drivers if driver.dimension == name]
            if len(drivers) == SIZES[name]:
                assert sum(driver.effect for driver in drivers) == pytest.approx(movement.total)


def test_sentences() -> None:
    lines = {"line 1": (Tally(10, 1000), Tally(12, 1000)), "line 2": (Tally(10, 1000), Tally(90, 1000))}
    movement = explain_change(Tally(20, 2000), Tally(102, 2000), {"source": lines})
    assert movement.sentence == "Source line 2 fails more often than before: 4.0 points up (p < 0.001)."
    assert movement.remainder == pytest.approx(0.001)
    lines = {"line 1": (Tally(10, 1000), Tally(5, 500)), "line 2": (Tally(100, 1000), Tally(150, 1500))}
    movement = explain_change(Tally(110, 2000), Tally(155, 2000), {"source": lines})
    assert movement.sentence == "Source line 2 has a larger share of the images: 0.8 points up (p < 0.001)."


def test_a_new_value_is_mix() -> None:
    lines = {"line 1": (Tally(10, 1000), Tally(10, 1000)), "line 2": (Tally(0, 0), Tally(100, 500))}
    movement = explain_change(Tally(10, 1000), Tally(110, 1500), {"source": lines})
    first = movement.drivers[0]
    assert (first.value, first.rate_effect, first.is_clear) == ("line 2", 0.0, True)
    assert sum(driver.effect for driver in movement.drivers) == pytest.approx(movement.total)


def test_nothing_to_explain() -> None:
    assert explain_change(Tally(0, 0), Tally(1, 10), {}).drivers == ()
    alone = explain_change(Tally(1, 10), Tally(2, 10), {"source": {"line 1": (Tally(1, 10), Tally(2, 10))}})
    assert (alone.drivers, alone.remainder) == ((), alone.total)
    assert alone.sentence == "No single cause stands out from chance."


def test_impossible_tallies_are_refused() -> None:
    with pytest.raises(ValueError, match="count=3, n=2"):
        Tally(3, 2)
