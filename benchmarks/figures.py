"""Percentiles, as every table here means them."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least ``share`` of them (0 to 1) are not above."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]
