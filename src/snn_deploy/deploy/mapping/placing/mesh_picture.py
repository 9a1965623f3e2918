"""mesh_picture: the cores of a placement on their chips, coloured by load and by layer, and the heat of the links."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import compress
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PatchCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from scipy.sparse import csr_matrix

from snn_deploy.deploy.mapping.cores.mesh import mesh_tiles
from snn_deploy.deploy.mapping.cores.placement import Placement
from snn_deploy.deploy.mapping.placing.link_loads import link_loads
from snn_deploy.hardware_profiles.profile import HardwareProfile
from snn_deploy.support.counted import counted

_GAP = 0.45  # between tiles, in tiles: where the links are seen
_BETWEEN = 1.0  # between chips
_FREE = "#eeeeee"
Colour = tuple[float, float, float, float]


@dataclass(frozen=True)
class _Sheet:
    """What is drawn: `chips` with `columns` of them side by side, of each the tiles from `first` to before `last`.

    Tiles beyond the used ones would be most of the picture. Spikes go along rows and columns, so that those of one chip
    stay within the smallest rectangle; those of several chips cross whole rows.
    """

    profile: HardwareProfile
    chips: int
    columns: int
    first: tuple[int, int]
    last: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """Tiles of a chip from west to east and from north to south."""
        return self.last[0] - self.first[0], self.last[1] - self.first[1]

    @property
    def rows(self) -> int:
        """Of chips."""
        return -(-self.chips // self.columns)

    def corner(self, chip: int, x: float, y: float) -> tuple[float, float]:
        """Return where the corner of a tile is drawn."""
        width, height = self.size
        row, column = divmod(chip, self.columns)
        step = 1 + _GAP
        x, y = x - self.first[0], y - self.first[1]
        return column * (width * step + _BETWEEN) + x * step, row * (height * step + _BETWEEN + 0.4) + y * step

    def core(self, chip: int, tile: tuple[int, int], core: int) -> Rectangle:
        """Return the square of a core."""
        across = math.ceil(math.sqrt(self.profile.whole("system.cores_per_tile")))
        down, right = divmod(core, across)
        x, y = self.corner(chip, *tile)
        return Rectangle((x + right / across, y + down / across), 0.92 / across, 0.92 / across)


def _sheet(placement: Placement, profile: HardwareProfile) -> _Sheet:
    chips = max(core.chip for core in placement.cores) + 1
    width, _ = mesh_tiles(profile)
    across, down = zip(*(core.tile for core in placement.cores), strict=True)
    left, right = (min(across), max(across) + 1) if chips == 1 else (0, width)
    columns = math.ceil(math.sqrt(chips / 2))
    return _Sheet(profile, chips, columns, (left, min(down)), (right, max(down) + 1))


def mesh_picture(
    placement: Placement,
    layers: Sequence[str],
    loads: Sequence[float],
    traffic: csr_matrix,
    profile: HardwareProfile,
    title: str,
) -> Figure:
    """Return the picture. layers: the populations in their order. loads: how full each core's fullest resource is.

    traffic: spikes from core to core in a sample, in the order of the placement's cores.
    """
    sheet = _sheet(placement, profile)
    columns, rows, (width, height) = sheet.columns, sheet.rows, sheet.size
    size = min(1.0, 7 / (columns * width * (1 + _GAP))) * (1 + _GAP)
    panel = (columns * width * size + 1.6, rows * (height + 1) * size + 1.0)
    is_stacked = panel[0] > panel[1]
    if is_stacked:
        figure = Figure(figsize=(max(panel[0], 7), 2 * (rows * (height + 0.5) * size + 0.4) + 2), layout="constrained")
    else:
        figure = Figure(figsize=(max(2 * panel[0], 11), max(panel[1], 4) + 1), layout="constrained")
    first, second = figure.subplots(2, 1) if is_stacked else figure.subplots(1, 2)
    if title:
        figure.suptitle(title)
    colours = _layer_colours(layers)
    largest = [
        Counter({part.population: part.neurons for part in core.slices}).most_common(1)[0][0]
        for core in placement.cores
    ]
    links = link_loads(placement, traffic, profile)
    for axes, name in ((first, "Load: the fullest resource of each core"), (second, "Layer with the most neurons")):
        axes.set_title(name, pad=16)  # above the words over the chips
        _draw_chips(axes, sheet)
        heat = _draw_links(axes, links, sheet)
    blocks = PatchCollection([sheet.core(core.chip, core.tile, core.core) for core in placement.cores])
    blocks.set(array=np.asarray(loads) * 100, cmap="viridis", clim=(0, 100), zorder=3)
    first.add_collection(blocks)
    bar: dict[str, Any] = {"shrink": 0.6, "aspect": 40, "location": "bottom", "pad": 0.02}
    figure.colorbar(blocks, ax=first, label="load (%)", **bar)
    if len(heat.get_paths()):
        figure.colorbar(heat, ax=first, label="spikes a sample on a link", **bar)
    patches = [sheet.core(core.chip, core.tile, core.core) for core in placement.cores]
    second.add_collection(PatchCollection(patches, facecolors=[colours[name] for name in largest], zorder=3))
    handles = [Patch(color=colours[name], label=name) for name in layers if name in largest]
    ncols = min(len(handles), 4 if is_stacked else 7)
    figure.legend(handles=handles, loc="outside lower center", ncols=ncols, fontsize="small")
    return figure


def _layer_colours(layers: Sequence[str]) -> Mapping[str, Colour]:
    few = matplotlib.colormaps["tab20"]
    if len(layers) <= 10 and isinstance(few, ListedColormap):
        return {name: few(2 * i) for i, name in enumerate(layers)}
    if len(layers) <= 20:
        return {name: few(i) for i, name in enumerate(layers)}
    return {name: matplotlib.colormaps["turbo"](i / (len(layers) - 1)) for i, name in enumerate(layers)}


def _draw_chips(axes: Axes, sheet: _Sheet) -> None:
    (left, top), (right, bottom) = sheet.first, sheet.last
    tiles = [
        Rectangle(sheet.corner(chip, x, y), 0.96, 0.96)
        for chip in range(sheet.chips)
        for x in range(left, right)
        for y in range(top, bottom)
    ]
    axes.add_collection(PatchCollection(tiles, facecolors=_FREE, zorder=2))
    shown, of = math.prod(sheet.size), math.prod(mesh_tiles(sheet.profile))
    cut = "" if shown == of else f": {shown} of {counted(of, 'tile')}, the others are free"
    for chip in range(sheet.chips):
        x, y = sheet.corner(chip, left, top)
        # in points: a tile may be a few of them or many
        above: dict[str, Any] = {"xytext": (0, 2), "textcoords": "offset points", "va": "bottom"}
        axes.annotate(f"chip {chip}{cut}", (x, y), fontsize="x-small", **above)
    axes.autoscale()
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.set_axis_off()


def _draw_links(axes: Axes, links: tuple[np.ndarray, np.ndarray], sheet: _Sheet) -> LineCollection:
    """Draw each link from tile to tile that spikes cross; one to the next chip is a stub on either side."""
    width, height = mesh_tiles(sheet.profile)
    (left, top), (right, bottom) = sheet.first, sheet.last
    lines, heats = [], []
    for chip in range(sheet.chips):
        for x in range(left, right):
            for y in range(top, bottom):
                a, b = sheet.corner(chip, x, y)
                column = chip * width + x
                if column < links[0].shape[1]:
                    lines.append([(a + 0.96, b + 0.48), (a + 1 + _GAP, b + 0.48)])
                    heats.append(links[0][y, column])
                if x == 0 and column > 0:
                    lines.append([(a - _GAP, b + 0.48), (a, b + 0.48)])
                    heats.append(links[0][y, column - 1])
                if y < height - 1:
                    lines.append([(a + 0.48, b + 0.96), (a + 0.48, b + 1 + _GAP)])
                    heats.append(links[1][y, column])
    used = [bool(heat) for heat in heats]
    found = LineCollection(
        list(compress(lines, used)), array=np.array(list(compress(heats, used))), cmap="YlOrRd", linewidths=3, zorder=1
    )
    found.set_norm(Normalize(0, max(heats, default=0) or 1))
    axes.add_collection(found)
    return found
