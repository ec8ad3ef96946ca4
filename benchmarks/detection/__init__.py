"""The detector beside its peers: power at equal false alarms, cost, and the studio's real embeddings.

`python -m benchmarks.detection` runs all three and writes benchmarks/results/detection.md.
"""

import os
from typing import Final

THREADS: Final = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "LOKY_MAX_CPU")}

# Before numpy is imported, which reads them once: oversubscribed threads would cost more than what is measured.
os.environ.update(THREADS)
