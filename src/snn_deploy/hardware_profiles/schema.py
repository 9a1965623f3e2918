"""Which quantities a hardware profile may hold, and what each is measured in.

A table of sections; in each, base unit -> names. "[]" after a name is a list of such values; "*" stands for any name.
A chip need not give every quantity: who needs one asks for it, and the profile says when it is not there.
"""

from collections.abc import Mapping

Section = Mapping[str, str]

_PROCESS: Section = {"m": "feature_size", "V": "voltage", "name": "node", "m2": "die_area"}

KINDS: Mapping[str, Mapping[str, Section]] = {
    "neurocore": {
        "process": _PROCESS,
        "system": {
            "count": "cores_per_chip cores_usable_per_chip embedded_cpus tiles_per_chip cores_per_tile mesh_tiles[] "
            "max_chips physical_fabrics neurons_per_chip synapses_per_chip_max",
        },
        "system.boards": {"count": "*"},  # chips on each board
        "core": {
            "count": "max_neurons max_neurons_published max_blocks max_in_axons max_out_axons synapse_memory_words "
            "synapse_words_per_axon_max max_compartment_profiles max_threshold_profiles max_synapse_formats "
            "max_destination_groups max_fan_in_per_neuron",
            "bit": "synapse_memory_word_bits",
            "B": "sram total_memory synapse_memory bytes_per_neuron_state bytes_per_threshold_rise "
            "bytes_per_in_axon bytes_per_out_axon "
            "bytes_program",
            "ratio": "usable_fraction",
            "flag": "synapse_memory_limit_is_strict",
            "name": "per_core_shared[]",
        },
        "weight": {
            "bit": "stored_bits_max stored_bits_allowed[] index_bits_allowed[] skip_bits_allowed[] exponent_base_shift",
            "1": "mantissa_min mantissa_max exponent_min exponent_max",
            "count": "mixed_sign_step_at_8bit",
            "name": "sign_modes[]",
        },
        "neuron": {
            "bit": "u_bits v_bits accumulator_bits input_bits current_decay_bits voltage_decay_bits threshold_shift "
            "delay_bits_allowed[]",
            "1": "current_decay_offset voltage_decay_offset bias_mantissa_min bias_mantissa_max bias_align_exponent "
            "bias_exponent_min bias_exponent_max",
            "count": "threshold_mantissa_min threshold_mantissa_max soft_reset_compartments "
            "soft_reset_threshold_mantissa_exact_max",
            "step": "refractory_min refractory_max delay_max_default delay_max",
            "flag": "programmable",
            "name": "u_overflow v_overflow decay_rounding reset_modes_native[]",
            "formula": "spike_condition potential_minimum potential_maximum delay_compartment_rule",
        },
        "timing": {"step": "layer_delay_steps"},
        "spike": {"bit": "payload_bits payload_bits_max payload_bits_practical message_bits"},
        "axon": {  # entries of the axon table on the source's core, per source neuron and target core
            "count": "out_slots_discrete out_slots_population out_slots_cross_chip_extra in_slots_learning "
            "pop16_max_atoms cx_base_max",
            "bit": "pop16_axon_id_bits pop32_axon_id_bits",
        },
        "energy": {
            "J": "synaptic_op synaptic_op_low stdp_update neuron_update_active neuron_update_inactive "
            "spike_within_tile hop_east_west hop_north_south barrier host_step",
            "flag": "is_proxy",
        },
        "energy.fitted": {
            "J": "synaptic_op_dense synaptic_op_sparse synaptic_op_conv neuron_access neuron_update spike_out "
            "axon_out_message axon_in_message hop_east_west hop_north_south",
        },
        "power": {"W": "static_chip idle_chip static_board static_neurocores"},
        "latency": {
            "s": "synaptic_op synaptic_op_peak stdp_update neuron_update_active neuron_update_inactive "
            "neuron_update_peak spike_within_tile hop_east_west hop_north_south barrier_min barrier_max "
            "barrier_multichip realtime_step host_step",
            "1/s": "spike_bandwidth_tile",
            "ratio": "spike_generation_factor chip_link_speedup",
        },
        "latency.fitted": {
            "s": "synaptic_op_dense synaptic_op_sparse synaptic_op_conv neuron_access neuron_update spike_out "
            "axon_in_message axon_out_message",
        },
        "latency.fitted.barrier_by_tiles": {"s": "*"},  # number of tiles -> time of a barrier
        "latency.second_hand": {"s": "synaptic_op neuron_update barrier"},
        "silicon": {  # [least, most] of estimate / measurement, on networks that were measured on the chip
            "ratio": "cores[] step_time[] step_time_second_hand[] dynamic_energy[] total_energy[]",
        },
        "model.memory": {
            "bit": "header_bits dense_synapse_bits",
            "count": "synapses_per_entry",
            "formula": "words_per_axon bits_sparse bits_dense bits_runlength dense_layer_core conv_in_axons "
            "conv_out_axons conv_words conv_words_stride1_entries conv_base_copies core_bytes core_syn_limit "
            "syn_bytes_dense syn_bytes_conv in_axons_conv out_axons",
        },
        "model.cutting": {"flag": "map_widths_are_powers_of_two"},
        "model.estimate": {"formula": "n_alloc step_energy step_time"},
    },
    "op_energy": {
        "process": _PROCESS,
        "energy.op": {
            "J": "int8_add int16_add int32_add int8_multiply int32_multiply fp16_add fp16_multiply fp32_add "
            "fp32_multiply",
        },
        "energy.conventional": {
            "J": "addition_fp32 multiply_accumulate_fp32 multiply_accumulate_int8 addition_int8",
        },
        "energy.memory": {
            "J": "sram_8KB_64b sram_32KB_64b sram_1MB_64b dram_64b_min dram_64b_max register_file_32b "
            "sram_32KB_32b dram_32b",
        },
        "model.memory": {
            "bit": "word_bits min_bits",
            "B": "weight_capacity state_capacity",
            "flag": "sequential_reuse",
            "formula": "access",
        },
        "model.estimate": {
            "formula": "snn_per_synop snn_per_neuron_step snn_per_spike snn_total first_layer ann_per_mac",
            "name": "estimates_to_print[]",
        },
        "critique": {"name": "*"},
    },
}


def rules(kind: str) -> dict[str, dict[str, tuple[str, bool]]]:
    """Return section -> name -> (base unit, whether it is a list) of a kind of profile."""
    return {
        section: {
            name.removesuffix("[]"): (unit, name.endswith("[]"))
            for unit, names in units.items()
            for name in names.split()
        }
        for section, units in KINDS[kind].items()
    }
