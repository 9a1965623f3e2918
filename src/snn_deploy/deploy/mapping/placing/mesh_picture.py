"""mesh_picture: the cores of a placement on their chips, coloured by load and by layer, and the heat of the links."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
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

_GAP = 0.45  # between tiles, in tiles: where the links are seen
_BETWEEN = 1.0  # between chips
_FREE = "#eeeeee"
Colour = tuple[float, float, float, float]


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
    chips = max(core.chip for core in placement.cores) + 1
    columns = math.ceil(math.sqrt(chips / 2))
    rows = -(-chips // columns)
    width, height = mesh_tiles(profile)
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
        axes.set_title(name)
        _draw_chips(axes, chips, columns, profile)
        heat = _draw_links(axes, links, chips, columns, profile)
    blocks = PatchCollection([_core(core.chip, core.tile, core.core, columns, profile) for core in placement.cores])
    blocks.set(array=np.asarray(loads) * 100, cmap="viridis", clim=(0, 100), zorder=3)
    first.add_collection(blocks)
    bar: dict[str, Any] = {"shrink": 0.6, "aspect": 40, "location": "bottom", "pad": 0.02}
    figure.colorbar(blocks, ax=first, label="load (%)", **bar)
    if len(heat.get_paths()):
        figure.colorbar(heat, ax=first, label="spikes a sample on a link", **bar)
    patches = [_core(core.chip, core.tile, core.core, columns, profile) for core in placement.cores]
    second.add_collection(PatchCollection(patches, facecolors=[colours[name] for name in largest], zorder=3))
    handles = [Patch(color=colours[name], label=name) for name in layers]
    ncols = min(len(layers), 4 if is_stacked else 7)
    figure.legend(handles=handles, loc="outside lower center", ncols=ncols, fontsize="small")
    return figure


def _layer_colours(layers: Sequence[str]) -> Mapping[str, Colour]:
    few = matplotlib.colormaps["tab20"]
    if len(layers) <= 10 and isinstance(few, ListedColormap):
        return {name: few(2 * i) for i, name in enumerate(layers)}
    if len(layers) <= 20:
        return {name: few(i) for i, name in enumerate(layers)}
    return {name: matplotlib.colormaps["turbo"](i / (len(layers) - 1)) for i, name in enumerate(layers)}


def _corner(chip: int, x: float, y: float, columns: int, profile: HardwareProfile) -> tuple[float, float]:
    """Return where the corner of a tile is drawn."""
    width, height = mesh_tiles(profile)
    row, column = divmod(chip, columns)
    step = 1 + _GAP
    return column * (width * step + _BETWEEN) + x * step, row * (height * step + _BETWEEN + 0.4) + y * step


def _core(chip: int, tile: tuple[int, int], core: int, columns: int, profile: HardwareProfile) -> Rectangle:
    across = math.ceil(math.sqrt(profile.whole("system.cores_per_tile")))
    down, right = divmod(core, across)
    x, y = _corner(chip, *tile, columns, profile)
    return Rectangle((x + right / across, y + down / across), 0.92 / across, 0.92 / across)


def _draw_chips(axes: Axes, chips: int, columns: int, profile: HardwareProfile) -> None:
    width, height = mesh_tiles(profile)
    tiles = [
        Rectangle(_corner(chip, x, y, columns, profile), 0.96, 0.96)
        for chip in range(chips)
        for x in range(width)
        for y in range(height)
    ]
    axes.add_collection(PatchCollection(tiles, facecolors=_FREE, zorder=2))
    for chip in range(chips):
        x, y = _corner(chip, 0, 0, columns, profile)
        axes.text(x, y - 0.12, f"chip {chip}", fontsize="x-small", va="bottom")
    axes.autoscale()
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.set_axis_off()


def _draw_links(
    axes: Axes, links: tuple[np.ndarray, np.ndarray], chips: int, columns: int, profile: HardwareProfile
) -> LineCollection:
    """Draw each link from tile to tile that spikes cross; one to the next chip is a stub on either side."""
    width, height = mesh_tiles(profile)
    lines, heats = [], []
    for chip in range(chips):
        for x in range(width):
            for y in range(height):
                a, b = _corner(chip, x, y, columns, profile)
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
