"""moved_camera: the events of a camera that is moved before a still image, in whole numbers.

The camera takes three straight saccades of 0.1 s along a triangle, as it did before a screen for N-MNIST (Orchard et
al. 2015, "Converting Static Image Datasets to Spiking Neuromorphic Datasets Using Saccades", Table 1): in units of
`reach`, from (-1/2, 1/2) to (0, -1/2), to (1/2, 1/2), and back; here at constant speed. A pixel sends an event whenever
the logarithm of its brightness has moved by a threshold from where it was at its last event (Rebecq et al. 2018,
"ESIM: an Open Event Camera Simulator", Section 3): between two instants it moves linearly, and what falls into the
refractory time after an event moves the memory and is not sent. As in v2e (Hu et al. 2021, "v2e: From Video Frames to
Realistic DVS Events", Section 3), the logarithm is linear below 20 of 255, thresholds differ from pixel to pixel, and
noise is added at a constant rate. The camera is looked at every quarter of a pixel; brightness between pixels is
bilinear.
"""

from dataclasses import dataclass
from itertools import pairwise

import numba
import numpy as np

from snn_deploy.train.data.events import Events

SACCADES = 3
DURATION = SACCADES * 100_000  # microseconds (Orchard et al., Table 1)
_CORNERS = np.array([(-0.5, 0.5), (0.0, -0.5), (0.5, 0.5), (-0.5, 0.5)])  # (x, y)
_LINEAR_BELOW = 20.0  # of 255 (v2e, Section 3)
_BITS = 8  # of a position behind the point
_POSITION = 1 << _BITS  # parts of a pixel
_LOGARITHM = 1 << 12  # parts of one
_INSTANTS_A_PIXEL = 4
_LEAST_THRESHOLD = 0.01  # a pixel whose threshold were 0 would never stop (v2e clips there, too)


@dataclass(frozen=True)
class Camera:
    """A camera and the way it is moved.

    thresholds: (2, height, width), parts of a logarithm: of events darker, then brighter. path: (instants, 2), where
    the image's corner is seen, (y, x) in parts of a pixel. refractory: microseconds. noise: events a pixel and second.
    """

    thresholds: np.ndarray
    path: np.ndarray
    refractory: int
    noise: float

    @property
    def sensor(self) -> tuple[int, int]:
        """(height, width)."""
        return self.thresholds.shape[1], self.thresholds.shape[2]

    def events(self, image: np.ndarray, rng: np.random.Generator) -> Events:
        """Return what the camera sends before `image`, uint8 (height, width), in the order of the times.

        rng: of the noise. Times are in microseconds, 0 to DURATION.
        """
        room = 1 << 14
        while True:
            found = np.empty((room, 4), np.int32)
            count = _send(image, _LOGARITHMS, self.path, self.thresholds, self.refractory, found)
            if count <= room:
                break
            room = count
        extra = rng.poisson(self.noise * self.thresholds[0].size * DURATION / 1e6)
        limits = (DURATION, *self.sensor, 2)
        noise = np.stack([rng.integers(0, limit, extra) for limit in limits], axis=1)
        t, y, x, polarity = np.concatenate([found[:count], noise]).T
        order = np.lexsort((polarity, x, y, t))
        return Events(x[order], y[order], t[order], polarity[order])


def camera(
    size: tuple[int, int],
    *,
    reach: int,
    threshold: float,
    mismatch: float,
    refractory: int,
    noise: float,
    rng: np.random.Generator,
) -> Camera:
    """Return a camera that sees images of `size`, (height, width), wherever it moves.

    reach: pixels from one side of its way to the other. threshold: of the natural logarithm of the brightness;
    mismatch: the standard deviation of a pixel's thresholds, drawn from `rng`. refractory, noise: see Camera.
    """
    height, width = (side + reach for side in size)
    drawn = np.maximum(threshold + mismatch * rng.standard_normal((2, height, width)), _LEAST_THRESHOLD)
    instants = np.arange(_INSTANTS_A_PIXEL * reach + 1)[:, None] / (_INSTANTS_A_PIXEL * reach)
    ways = [a + (b - a) * instants[i > 0 :] for i, (a, b) in enumerate(pairwise(_CORNERS))]
    seen = np.concatenate(ways)[:, ::-1] * reach - reach / 2
    return Camera(
        np.rint(drawn * _LOGARITHM).astype(np.int32),
        np.rint(seen * _POSITION).astype(np.int32),
        refractory,
        noise,
    )


def _logarithms() -> np.ndarray:
    """Return the lin-log of brightness 0 to 255 in parts of a 256th, in parts of a logarithm."""
    values = np.arange(255 * _POSITION + 1) / _POSITION
    bent = np.where(
        values < _LINEAR_BELOW,
        values * np.log(_LINEAR_BELOW) / _LINEAR_BELOW,
        np.log(np.maximum(values, _LINEAR_BELOW)),
    )
    return np.rint(bent * _LOGARITHM).astype(np.int32)


_LOGARITHMS = _logarithms()


@numba.njit(cache=True, nogil=True)
def _send(image, logarithms, path, thresholds, refractory, found):  # type: ignore[no-untyped-def]
    """Fill `found` with rows (t, y, x, polarity), as many as have room, and return how many there are."""
    bottom, right = image.shape[0] - 1, image.shape[1] - 1
    _, height, width = thresholds.shape
    duration = DURATION / (len(path) - 1)
    count = 0
    for y in range(height):
        for x in range(width):
            known, before = 0, 0
            last = -refractory - 1
            for instant in range(len(path)):
                down, across = y * _POSITION + path[instant, 0], x * _POSITION + path[instant, 1]
                row, column = down >> _BITS, across >> _BITS
                part_y, part_x = down & (_POSITION - 1), across & (_POSITION - 1)
                top, low = min(max(row, 0), bottom), min(max(row + 1, 0), bottom)
                left, far = min(max(column, 0), right), min(max(column + 1, 0), right)
                upper = image[top, left] * (_POSITION - part_x) + image[top, far] * part_x
                lower = image[low, left] * (_POSITION - part_x) + image[low, far] * part_x
                now = logarithms[(upper * (_POSITION - part_y) + lower * part_y) >> _BITS]
                if instant == 0:
                    known = now
                while True:
                    if now - known >= thresholds[1, y, x]:
                        polarity = 1
                        known += thresholds[1, y, x]
                    elif known - now >= thresholds[0, y, x]:
                        polarity = 0
                        known -= thresholds[0, y, x]
                    else:
                        break
                    t = min(int(duration * (instant - 1 + (known - before) / (now - before))), DURATION - 1)
                    if t - last > refractory:
                        last = t
                        if count < len(found):
                            found[count, 0], found[count, 1], found[count, 2], found[count, 3] = t, y, x, polarity
                        count += 1
                before = now
    return count
