"""pages: which page of the documentation says more about a verb; errors point to it."""

PAGES = {
    "compare": "docs/bias_free_training.md",
    "energy": "docs/energy.md",
    "export": "docs/export.md",
    "fuzz": "docs/exactness.md",
    "map": "docs/mapping.md",
    "report": "docs/first_deployment.md",
    "run": "docs/lava.md",
    "search": "docs/best_deployment.md",
    "train": "docs/config_keys.md",
    "verify": "docs/exactness.md",
}
