"""Classical methods: a random forest or support vector machines on hand-made features, fitted in seconds.

What training calls, for every architecture whose facts say `learns_by_gradient` is False and `is_trainable` True:

    from segmentation.classical.fit import ClassicalSettings, fit

    fitted_spec, module = fit(train_pairs, spec, ClassicalSettings(seed=1))

`module` (in evaluation mode, on the CPU) takes and gives what every network here does. **Save it with
`fitted_spec`, not with `spec`**: its `options` hold the sizes to rebuild the module from, the feature importance,
and how far tiles have to overlap. Pixels marked 255 are not learned from, so a few scribbles are enough.

This module imports nothing, so that the architectures can import its parts without scikit-learn.
"""
