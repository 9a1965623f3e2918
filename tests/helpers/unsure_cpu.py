"""unsure_cpu: a CPU simulator whose outputs are wrong in its early steps, so that samples stop later on it."""

from snn_deploy.deploy.backends import cpu


def make_cpu_unsure(monkeypatch, steps):
    """Make the backend cpu return outputs of 0 wherever it runs fewer than `steps` steps."""
    right = cpu.run

    def unsure(network, inputs, **options):
        simulation = right(network, inputs, **options)
        if network.steps < steps:
            simulation.outputs[:] = 0
        return simulation

    monkeypatch.setattr(cpu, "run", unsure)
