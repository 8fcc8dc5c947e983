# `make course` builds everything, `make test` tests everything; all else is for working on the course.
PY := .venv/bin/python

.PHONY: course test notebooks export readme site lite lab edit dist serve engines bench constraints clean

course: .venv/ready
	.venv/bin/nbdev_export
	rm -rf _run && $(PY) tools/run.py --out _run
	$(PY) tools/pages.py _run
	@$(PY) -c "import nbformat; print(*(o.text for c in nbformat.read('_run/index.ipynb', 4).cells if 'label: result-table' in c.source for o in c.outputs))"
	@echo "The course is built: open _docs/index.html, or run \`make serve\` (with search and widgets) or \`make lab\`."

test: .venv/ready
	$(PY) -m pytest -ra tests

notebooks: .venv/ready export
	$(PY) tools/run.py
	$(PY) tools/readme.py

export: .venv/ready
	.venv/bin/nbdev_export

readme: .venv/ready
	$(PY) tools/readme.py

site: .venv/ready
	$(PY) tools/pages.py

# "Run in the browser" (JupyterLite) for a site that is built; needs npm. All of it lies in _docs/lite/ but seven compiled
# packages that are on no registry: numpy, scipy, scikit-learn, matplotlib, contourpy, kiwisolver and Pillow come from
# cdn.jsdelivr.net once a reader runs a lesson's first cell. So the tests start the kernel and run Python, but no numpy.
lite: .venv/ready
	test -f _docs/index.html || $(PY) tools/pages.py
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[lite]'
	$(PY) tools/lite.py

# the lessons to work in, in a folder of your own: what you have changed there is never overwritten
lab: .venv/ready
	$(PY) tools/learn.py my_course
	.venv/bin/jupyter lab my_course

edit: .venv/ready
	.venv/bin/jupyter lab nbs

# the packages, checked as the package index checks them
dist: .venv/ready
	rm -rf dist && $(PY) -m build
	$(PY) -m pip install --quiet --disable-pip-version-check twine
	$(PY) -m twine check --strict dist/*

serve: .venv/ready
	test -f _docs/index.html || $(PY) tools/pages.py
	@echo "http://localhost:8000 (stop with Ctrl-C)"
	$(PY) -m http.server --directory _docs --bind 127.0.0.1 8000

# the lessons that use PyTorch or Keras and the page of the bridge, run anew in place (or into the folder OUT), and their tests
engines: .venv-engines/ready
	.venv-engines/bin/python tools/run.py --force --out $(or $(OUT),nbs) nbs/20_pytorch.ipynb nbs/21_keras.ipynb nbs/22_scale.ipynb nbs/57_bridge.ipynb
	ENGINES=1 .venv-engines/bin/python -m pytest -ra tests/test_engines.py tests/test_engines_scale.py tests/test_keras.py tests/test_bridge.py

# the page "Benchmarks", against the engines and scikit-learn; two minutes or so
bench: .venv-engines/ready
	.venv-engines/bin/python tools/run.py --force nbs/52_benchmarks.ipynb

# PyTorch, JAX and the others, at the versions of settings.ini: they are too heavy for the environment of the course
.venv-engines/ready: settings.ini setup.py constraints.txt
	python3 -m venv .venv-engines
	.venv-engines/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[course,inspection,scale,dev,engines]'
	touch $@

# everything that the course and its tests need, at the versions of constraints.txt
.venv/ready: settings.ini setup.py constraints.txt
	python3 -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed')"
	python3 -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[course,inspection,scale,dev]'
	touch $@

# the newest versions that fit settings.ini, all of them written down
constraints:
	rm -rf .venv-new && python3 -m venv .venv-new
	.venv-new/bin/pip install --quiet '.[course,inspection,scale,dev]'
	{ echo "# Written by \`make constraints\`: every version that the course is tested with."; \
	  .venv-new/bin/pip freeze --all --exclude stacked_nn --exclude pip; } > constraints.txt
	rm -rf .venv-new build *.egg-info

clean:
	rm -rf .venv-engines _docs _proc _run build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
