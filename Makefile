# Two commands do all the set-up: `make demo` and `make test`. Both need Python 3.10 to 3.13 and make.
# Where uv is missing, it is installed into the folder .uv of this checkout, never into the system.

UV := $(shell command -v uv 2>/dev/null || echo .uv/bin/uv)

.PHONY: demo test attack lint docs session gallery audit packages image constraints clean

demo: $(UV)
	$(UV) run --quiet snn-deploy demo

# The tests start hundreds of processes; without bytecode each of them would compile torch and Lava anew. One process
# has a whole file, so that what its tests share (a trained network, the built site) is made once; conftest.py says which
# files come first.
test: $(UV)
	env -u PYTHONDONTWRITEBYTECODE $(UV) run --quiet pytest -n auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder

attack: $(UV)
	$(UV) run --quiet python tests/attack/attack.py

lint: $(UV)
	$(UV) run --quiet ruff format --check
	$(UV) run --quiet ruff check
	$(UV) run --quiet mypy

docs: $(UV)
	$(UV) run --quiet sphinx-build -q -W --keep-going -b html docs docs/_build/html
	@echo docs/_build/html/index.html

session: $(UV)
	$(UV) run --quiet python docs/record_session.py

# The reports of docs/gallery.md, by its commands; the pictures need chromium.
gallery: $(UV)
	$(UV) run --quiet python docs/gallery.py

# Licences and known vulnerabilities of the locked set; without a network, licences alone.
audit: $(UV)
	$(UV) run --quiet python .ci/audit.py

# Wheel and source distribution in environments of their own: every Python, every extra alone, the demo; the recipe for
# conda, as far as it can be read without a channel; CITATION.cff.
packages: $(UV)
	$(UV) run --quiet python .ci/packages.py --everything

# The image of packaging/Dockerfile; BUILDAH holds more options, such as --build-arg BASE=another-image.
image:
	buildah bud --file packaging/Dockerfile --ignorefile packaging/Dockerfile.dockerignore --tag snn-deploy $(BUILDAH) .

# The newest versions that pyproject.toml allows, for every Python, extra and group; never an address.
constraints: $(UV)
	$(UV) lock --quiet --upgrade
	echo '# Made by `make constraints`: every package of every extra and group, for Python 3.10 to 3.13.' > $@.new
	$(UV) export --quiet --frozen --all-extras --all-groups --no-emit-project --no-hashes --no-annotate --no-header >> $@.new
	mv $@.new $@.txt

.uv/bin/uv:
	python3 -m venv .uv
	.uv/bin/python -m pip install --quiet uv

clean:
	rm -rf .uv .venv
