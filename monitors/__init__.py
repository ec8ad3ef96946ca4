"""Pure decisions about generated images: signals, lenses, sketches and statistical verdicts.

Nothing here does input or output, reads a clock or knows where generations come from: arrays and counts go in,
verdicts come out. A detector's life is

    lens   = fit_lens(baseline, seed)               # once, when a version is accepted        (fitting, lens)
    sketch = Sketch.of(lens.features(sample))       # for each micro-batch of generations     (sketch)
    total  = sketch + another                       # buckets, workers and regions merge      (sketch)
    answer = scan(lens, buckets, ...)               # at every tick                           (scan)
"""
