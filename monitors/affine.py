"""Affine maps of a few rows at a time: what folding a generation spends its time on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_FEW = 128


class Affine:
    """x -> x @ matrix + offset, of rows [n, inputs] and a matrix [inputs, outputs].

    The matrix is kept turned: of its product with few rows, BLAS then packs the few and not the many.
    """

    def __init__(self, matrix: NDArray[np.float32], offset: NDArray[np.float32]) -> None:
        self._turned = np.ascontiguousarray(matrix.T)
        self._offset = offset

    def of(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """[n, outputs]."""
        product: NDArray[np.float32] = (self._turned @ rows.T).T if len(rows) <= _FEW else rows @ self._turned.T
        return product + self._offset
