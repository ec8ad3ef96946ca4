"""Are the detector's promises kept where production is unkind? Run `python -m benchmarks.calibration`.

painter     a generator of images in embedding space: what the lens has to understand
traffic     who asks for what, and when
tuning      worlds that the detector was tuned on
held_out    worlds written before any tuning and run once, at the end
simulate    a lens, and the days it then watches minute by minute
far_tail    the p-values that alarms are made of, far beyond what any simulated month shows
report      what all of it says, as tables and JSON
"""
