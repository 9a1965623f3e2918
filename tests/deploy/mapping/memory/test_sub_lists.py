"""Lists whose edges are parts of the inner list: by hand."""

from dataclasses import replace

import numpy as np

from snn_deploy.deploy.mapping.checking.check_placement import check_placement
from snn_deploy.deploy.mapping.checking.count_sub_lists import not_worse
from snn_deploy.deploy.mapping.cores.placement import STORAGES
from snn_deploy.deploy.mapping.cutting.partition import partition
from snn_deploy.deploy.mapping.memory.margins import with_margins, with_margins_across, without_margins
from snn_deploy.deploy.mapping.memory.sub_lists import Numbering, dense_lists, groups_of_channels, joined
from snn_deploy.deploy.mapping.memory.word_formulas import word_formulas
from snn_deploy.deploy.mapping.placing.place_on_mesh import place_on_mesh
from snn_deploy.hardware_profiles.profile import load_profile
from snn_deploy.network.integer_network import IntegerConnection, IntegerInput, IntegerNetwork, IntegerPopulation

LOIHI = load_profile("loihi1")
# What ten rows of a source meet in eight rows of targets with a kernel of three, and the first of these targets.
ROWS = (((0,), 0), ((0, 1), 0), *(((0, 1, 2), row) for row in range(6)), ((1, 2), 6), ((2,), 7))
ONE_COLUMN = (((0,), 0),)


def test_what_an_edge_meets_is_a_part_of_the_inner_list():
    # The row before the first meets kernel row 0 only, the last row of the list: it points two lines behind its start,
    # so that its base is two lines before the block.
    assert joined(ROWS, 1, 1) == tuple(((0, 1, 2), first) for first in range(-2, 8))


def test_rows_that_meet_no_common_target_are_lists_of_their_own():
    # Stride 2: even rows of the source meet kernel rows 0 and 2, odd ones row 1.
    rows = (((0,), 0), ((0, 2), 0), ((0, 2), 1), ((1,), 0), ((1,), 1), ((2,), 1))
    assert joined(rows, 2, 1) == (((0, 2), -1), ((0, 2), 0), ((0, 2), 1), ((1,), 0), ((1,), 1))


def test_each_kernel_row_is_stored_once():
    formulas, numbering = word_formulas(LOIHI), Numbering(4, (4,), 1, 8, 32)
    whole = dense_lists(ROWS, ONE_COLUMN, numbering, formulas, 8, apart=False, in_runs=True)
    shared = joined(ROWS, 1, 1)
    in_front = without_margins(shared, (8, 1), 4, 4)
    parts = dense_lists(shared, ONE_COLUMN, in_front, formulas, 8, apart=True, in_runs=True)
    # By hand: a row of four channels has 16 + 4 * 8 = 48 bits, a word; two rows 96, two words; three 144, three words.
    assert whole == (1 + 2 + 3 + 2 + 1, 0)
    # Three rows of a word each; the first base needs two rows of four compartments before the block.
    assert parts == (3, 2 * 4)


def test_margins_store_the_kernel_once():
    formulas, whole = word_formulas(LOIHI), joined(ROWS, 1, 1)
    both = with_margins(whole, whole, (8, 8), (1, 1), (1, 1), 2, 2)
    # By hand: two rows and columns more on every side make 12 x 12 positions; three runs of six 8-bit weights among 288
    # neurons are 3 * (10 + 9) + 18 * 8 = 201 bits, four words. The last base is 2 * (9 * 12 + 9) = 234: no copies.
    words, free = dense_lists(whole, whole, both, formulas, 8, apart=False, in_runs=True)
    assert (words, free) == (4, 2 * (12 * 12 - 8 * 8))
    across = with_margins_across(whole, whole, (8, 8), (1, 1), (1, 1), 2, 2)
    # Three lines of 19 + 48 bits, two words each; 8 x 12 positions, and two lines in front.
    assert dense_lists(whole, whole, across, formulas, 8, apart=True, in_runs=True) == (6, 2 * (8 * 12 + 2 * 12 - 64))


def test_groups_of_channels_need_no_copies_for_far_bases():
    formulas = word_formulas(LOIHI)
    rows = tuple(((0,), row) for row in range(8))  # 1 x 1 kernel, 8 x 8 positions, 16 channels: 1024 neurons
    last = dense_lists(rows, rows, Numbering(16, (16,), 8, 64, 1024), formulas, 8, apart=False, in_runs=True)
    grouped = dense_lists(rows, rows, Numbering(4, (4,) * 4, 8, 64, 1024), formulas, 8, apart=False, in_runs=True)
    # By hand: 16 channels in a run are 20 + 128 bits, three words, in four copies; in four runs 80 + 128 bits, four.
    assert (last, grouped) == ((4 * 3, 0), (4, 0))
    assert groups_of_channels(16, 64, 256) == [16, 8, 6, 4]


def test_a_last_group_of_fewer_channels_leaves_compartments_free():
    numbering = Numbering(3, (3, 3, 1), 2, 4, 28)
    free = dense_lists(ONE_COLUMN, ONE_COLUMN, numbering, word_formulas(LOIHI), 8, apart=False, in_runs=True)[1]
    assert free == 4 * 2  # of each position, two channels


def wide_layer():
    """Return a layer of 192 to 64 channels on 8 x 8 neurons, whose kernels fill the cores."""
    zeros = np.zeros(64, int)
    weights = np.random.default_rng(0).integers(1, 128, (64, 192, 3, 3))
    out = IntegerPopulation("out", (64, 8, 8), zeros + 9, zeros, zeros, zeros)
    connection = IntegerConnection("w", "in", "out", weights, padding=(1, 1))
    return IntegerNetwork(IntegerInput("in", (192, 8, 8)), (out,), (connection,), 1)


def test_kernels_stored_in_parts_take_fewer_cores():
    network = wide_layer()
    cores = [len(partition(network, LOIHI, storage).cores) for storage in STORAGES]
    assert cores == [8, 7, 5]


def test_the_checker_judges_by_the_storage_of_the_placement():
    weights = np.random.default_rng(0).integers(1, 128, (8, 4, 3, 3))
    zeros = np.zeros(8, int)
    out = IntegerPopulation("out", (8, 6, 6), zeros + 9, zeros, zeros, zeros)
    network = IntegerNetwork(
        IntegerInput("in", (4, 6, 6)), (out,), (IntegerConnection("w", "in", "out", weights, padding=(1, 1)),), 1
    )
    placement = place_on_mesh(network, partition(network, LOIHI, "sub-lists"), LOIHI)
    assert placement.storage == "sub-lists"

    def chip(words):
        memory = replace(LOIHI.quantity("core.synapse_memory_words"), value=words)
        return replace(LOIHI, quantities={**LOIHI.quantities, "core.synapse_memory_words": memory})

    assert check_placement(network, placement, chip(200)) == []
    assert any("words" in w for w in check_placement(network, replace(placement, storage="nengo-loihi"), chip(200)))
    assert any("left free" in w for w in check_placement(network, placement, chip(20)))


def test_a_way_that_is_worse_in_both_respects_is_dropped():
    assert not_worse({(9, 0), (5, 4), (6, 4), (5, 6), (9, 1)}) == [(5, 4), (9, 0)]
