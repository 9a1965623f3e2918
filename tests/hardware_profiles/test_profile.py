import pytest

from snn_deploy.hardware_profiles.profile import load_profile, profile_names
from snn_deploy.hardware_profiles.quantity import CONFIDENCES, Quantity
from snn_deploy.hardware_profiles.schema import KINDS, rules
from snn_deploy.hardware_profiles.units import UNITS
from snn_deploy.support.user_error import UserError

HEAD = """schema_version = 1
name = "chip"
title = "A chip"
kind = "neurocore"
"""
EMPTY, MAYBE, PICOJOULE = '""', '"maybe"', '"pJ"'
NEURONS = '{ value = 1024, unit = "count", source = "datasheet, table 3", confidence = "sure" }'


@pytest.fixture
def load(tmp_path):
    """Text of a profile -> the profile, read from a file chip.toml."""

    def loaded(text: str):
        path = tmp_path / "chip.toml"
        path.write_text(text, encoding="utf-8")
        return load_profile(path)

    return loaded


def entry(**changes: str) -> str:
    """An entry of a number of neurons; `changes` replace its TOML values, None leaves a key out."""
    parts = {"value": "1024", "unit": '"count"', "source": '"datasheet"', "confidence": '"sure"'} | changes
    return "{ " + ", ".join(f"{k} = {v}" for k, v in parts.items() if v is not None) + " }"


def test_the_profiles_that_come_with_the_program_are_listed():
    assert profile_names() == ("cmos45", "loihi1", "loihi2")


@pytest.mark.parametrize("name", profile_names())
def test_every_quantity_has_a_unit_a_source_and_a_confidence(name):
    profile = load_profile(name)
    assert profile.name == name
    for key, quantity in profile.quantities.items():
        assert quantity.source.strip(), key
        assert quantity.confidence in CONFIDENCES, key
        assert quantity.unit in {base for base, _ in UNITS.values()}, key


@pytest.mark.parametrize("name", ["loihi1", "loihi2"])
def test_a_neurocore_profile_gives_what_the_exporter_asks(name):
    profile = load_profile(name)
    assert profile.whole("weight.stored_bits_max") == 8
    assert (profile.whole("weight.mantissa_min"), profile.whole("weight.mixed_sign_step_at_8bit")) == (-256, 2)
    assert profile.whole("weight.mantissa_max") == {"loihi1": 255, "loihi2": 254}[name]
    assert profile.whole("neuron.threshold_mantissa_max") == 2**17 - 1
    assert profile.whole("neuron.threshold_shift") == 6
    assert (profile.whole("neuron.u_bits"), profile.whole("neuron.v_bits")) == (24, 24)
    assert (profile.whole("neuron.current_decay_bits"), profile.whole("neuron.voltage_decay_bits")) == (12, 12)
    assert profile.quantity("neuron.spike_condition").value == "v > vth"


def test_loihi_2_publishes_no_number_of_thresholds():
    most = load_profile("loihi1").find("core.max_threshold_profiles")
    assert most is not None
    assert (most.value, most.confidence) == (7, "likely")
    assert load_profile("loihi2").find("core.max_threshold_profiles") is None


def test_numbers_are_in_base_units():
    loihi, cmos = load_profile("loihi1"), load_profile("cmos45")
    assert loihi.number("energy.synaptic_op") == 23.6e-12
    assert loihi.number("latency.barrier_max") == 465e-9
    assert loihi.number("power.static_chip") == 104.4e-3
    assert loihi.whole("core.sram") == 256 * 1024
    assert cmos.number("energy.conventional.multiply_accumulate_fp32") == 4.6e-12
    assert cmos.quantity("energy.op.fp32_add") == Quantity(0.9e-12, "J", "H14, H15", "sure")


def test_unpublished_energies_of_loihi_2_are_printed_as_assumptions():
    profile = load_profile("loihi2")
    assert profile.quantity("energy.is_proxy").value is True
    assert profile.quantity("energy.synaptic_op").confidence == "assumption"
    assert "carried over" in profile.quantity("energy.synaptic_op").source


def test_abbreviations_of_sources_are_spelled_out():
    profile = load_profile("cmos45")
    (first, second) = profile.references(profile.quantity("energy.op.fp32_add"))
    assert first.startswith("Horowitz")
    assert second.startswith("Han et al.")


def test_a_section_gives_its_quantities_by_name():
    assert load_profile("loihi1").section("latency.fitted.barrier_by_tiles")["4"].value == 1400e-9
    assert "neuron_update" not in load_profile("loihi1").section("energy")


def test_an_unknown_name_lists_the_profiles_that_exist():
    with pytest.raises(UserError, match=r"no hardware profile named 'loihi3'. Did you mean 'loihi[12]'\? Choose one of "
                                        r"cmos45, loihi1, loihi2, or give the path"):  # fmt: skip
        load_profile("loihi3")


def test_a_missing_file_is_said_with_its_path(tmp_path):
    with pytest.raises(UserError, match=r"nowhere\.toml: cannot be read \(No such file"):
        load_profile(tmp_path / "nowhere.toml")


def test_a_quantity_that_the_profile_does_not_give_is_named(load):
    profile = load(f"{HEAD}[core]\nmax_neurons = {NEURONS}\n")
    assert profile.whole("core.max_neurons") == 1024
    assert profile.find("core.max_in_axons") is None
    with pytest.raises(UserError, match=r"'chip' does not give 'core.max_neuron'. Did you mean 'core.max_neurons'"):
        profile.quantity("core.max_neuron")


def test_a_list_is_a_list_of_values(load):
    bits = entry(value="[1, 2, 8]", unit='"bit"')
    assert load(f"{HEAD}[weight]\nstored_bits_allowed = {bits}\n").quantity("weight.stored_bits_allowed").value == (
        1,
        2,
        8,
    )


@pytest.mark.parametrize(
    ("core", "message"),
    [
        (f"max_neuron = {NEURONS}", r"chip\.toml: unknown key 'core\.max_neuron'. Did you mean 'max_neurons'\?"),
        ("max_neurons = 1024", r"core\.max_neurons: write { value, unit, source, confidence }, got 1024"),
        (f"max_neurons = {entry(value=None)}", r"core\.max_neurons: without value"),
        (f"max_neurons = {entry(unit=None)}", r"core\.max_neurons: without unit"),
        (f"max_neurons = {entry(source=None)}", r"core\.max_neurons: without source"),
        (f"max_neurons = {entry(confidence=None, source=None)}", r"without source and confidence"),
        (f"max_neurons = {entry(sourc='1')}", r"unknown key 'sourc'. Did you mean 'source'\?"),
        (f"max_neurons = {entry(source=EMPTY)}", r"source is ''; write a text that is not empty"),
        (
            f"max_neurons = {entry(confidence=MAYBE)}",
            r"'maybe'; allowed are sure, likely, assumption",
        ),
        (f"max_neurons = {entry(unit=PICOJOULE)}", r"core\.max_neurons: unit 'pJ'; allowed are count"),
        (f"max_neurons = {entry(value='-1')}", r"value is -1; allowed is a whole number from 0"),
        (f"max_neurons = {entry(value='1.5')}", r"value is 1\.5; allowed is a whole number of count"),
        (f"max_neurons = {entry(value='nan')}", r"value is NaN; allowed is a finite number"),
        (f"max_neurons = {entry(value='inf')}", r"value is Infinity; allowed is a finite number"),
        (f"max_neurons = {entry(value='true')}", r"value is True; allowed is no true or false"),
        (f"max_neurons = {entry(value=chr(34) + '9' + chr(34))}", r"value is '9'; allowed is a number of count"),
        (f"max_neurons = {entry(value='[1, 2]')}", r"value is \[1, 2\]; write one value"),
        (f"max_neurons = {entry(value='1979-05-27')}", r"allowed is a number"),
    ],
)
def test_an_impossible_entry_is_refused_and_named(load, core, message):
    with pytest.raises(UserError, match=message):
        load(f"{HEAD}[core]\n{core}\n")


def test_a_negative_energy_is_refused(load):
    with pytest.raises(UserError, match=r"energy\.synaptic_op: value is -1\.5; allowed is a number from 0"):
        load(f"{HEAD}[energy]\nsynaptic_op = {entry(value='-1.5', unit=PICOJOULE)}\n")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("this is no toml", r"chip\.toml: no TOML \("),
        ("", r"schema_version None; this program reads version 1"),
        (HEAD.replace("= 1", "= 2"), r"schema_version 2; this program reads version 1"),
        (HEAD.replace("neurocore", "gpu"), r"kind 'gpu'; allowed are neurocore, op_energy"),
        (HEAD.replace('title = "A chip"\n', ""), r"title is None; write a text"),
        (HEAD, r"no quantities"),
        (f"{HEAD}[cor]\nmax_neurons = {NEURONS}\n", r"unknown key 'cor'. Did you mean 'core'\?"),
        (f"{HEAD}core = 3\n", r"core: got 3; it is a section"),
        (f"{HEAD}[sources]\nA = 3\n[core]\nmax_neurons = {NEURONS}\n", r"sources: write one text"),
    ],
)
def test_a_file_that_is_no_profile_is_refused_with_one_clear_line(load, text, message):
    with pytest.raises(UserError, match=message) as caught:
        load(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_the_schema_names_each_quantity_once_in_a_base_unit(kind):
    for section, units in KINDS[kind].items():
        names = " ".join(units.values()).split()
        assert len(set(names)) == len(names), section
        assert set(units) <= {base for base, _ in UNITS.values()}
        assert len(rules(kind)[section]) == len(names)


def test_abbreviations_in_sources_are_spelled_out_once():
    chip = load_profile("loihi2")
    sources = ["NB: its log", "unpublished; a core", "NB and IB"]
    assert [line.partition(": ")[0] for line in chip.abbreviations(sources)] == ["IB", "NB"]
    assert f"NB: {chip.sources['NB']}" in chip.abbreviations(sources)
