"""How good a model is, as numbers that need no torch: boundaries, regions, calibration, sweeps, slices, comparisons."""
