"""used: the numbers of a profile that the program reads. All others are there for reference, to read and to cite.

A test runs everything that the program does with a chip and compares what it asked for with this list.
"""

from collections.abc import Mapping

_SECTIONS: Mapping[str, Mapping[str, str]] = {
    "neurocore": {
        "axon": "cx_base_max out_slots_cross_chip_extra out_slots_population",
        "core": "bytes_per_in_axon bytes_per_neuron_state bytes_per_out_axon bytes_per_threshold_rise bytes_program "
        "max_blocks max_compartment_profiles max_in_axons max_neurons max_out_axons max_synapse_formats "
        "max_threshold_profiles synapse_memory synapse_memory_limit_is_strict "
        "synapse_memory_word_bits synapse_memory_words total_memory usable_fraction",
        "energy": "host_step hop_east_west hop_north_south neuron_update_active neuron_update_inactive "
        "spike_within_tile synaptic_op synaptic_op_low",
        "energy.fitted": "axon_out_message hop_east_west hop_north_south neuron_access neuron_update spike_out "
        "synaptic_op_conv synaptic_op_dense",
        "latency": "barrier_max barrier_min barrier_multichip host_step hop_east_west hop_north_south "
        "neuron_update_active neuron_update_inactive synaptic_op",
        "latency.fitted.barrier_by_tiles": "1 2 4 29",
        "latency.second_hand": "barrier neuron_update synaptic_op",
        "model.cutting": "map_widths_are_powers_of_two",
        "model.memory": "core_bytes dense_synapse_bits header_bits synapses_per_entry",
        "neuron": "accumulator_bits bias_exponent_max bias_mantissa_max bias_mantissa_min current_decay_bits "
        "current_decay_offset delay_compartment_rule delay_max delay_max_default programmable "
        "soft_reset_compartments threshold_mantissa_max u_bits v_bits voltage_decay_bits "
        "voltage_decay_offset",
        "power": "idle_chip static_chip",
        "silicon": "cores dynamic_energy step_time step_time_second_hand total_energy",
        "spike": "payload_bits",
        "system": "cores_per_tile cores_usable_per_chip max_chips mesh_tiles",
        "weight": "sign_modes stored_bits_allowed stored_bits_max",
    },
    "op_energy": {
        "energy.conventional": "addition_fp32 addition_int8 multiply_accumulate_fp32 multiply_accumulate_int8",
        "energy.memory": "sram_1MB_64b sram_32KB_64b sram_8KB_64b",
        "energy.op": "int32_add int32_multiply",
        "model.memory": "access min_bits state_capacity weight_capacity word_bits",
    },
}
USED: Mapping[str, frozenset[str]] = {
    kind: frozenset(f"{section}.{name}" for section, names in sections.items() for name in names.split())
    for kind, sections in _SECTIONS.items()
}


def is_used(kind: str, name: str) -> bool:
    """Whether the program reads the quantity `name`, with its section, of a profile of this kind."""
    return name in USED[kind]
