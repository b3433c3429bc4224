"""Run the notebooks in examples/, and store them with their outputs.

    .venv/bin/python scripts/run_notebooks.py
    .venv/bin/python scripts/run_notebooks.py examples/anchors.ipynb --output build/notebooks

Each runs in a new folder. What depends on the run is left out: times, versions, the second of two formats of
a picture.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
LONGEST_CELL_S = 900


def run(notebook: Path) -> nbformat.NotebookNode:
    """The notebook with fresh outputs.

    Raises:
        nbclient.exceptions.CellExecutionError: a cell fails.
    """
    content = nbformat.read(notebook, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        resources = {"metadata": {"path": folder}}
        NotebookClient(content, timeout=LONGEST_CELL_S, resources=resources).execute()
    tidy(content)
    return content


def tidy(content: nbformat.NotebookNode) -> None:
    """Leave out what differs from run to run, and what is there twice."""
    content.metadata = nbformat.from_dict(
        {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
    )
    for cell in content.cells:
        cell.metadata = nbformat.from_dict({})
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if "image/png" in data and "image/jpeg" in data:
                del data[max("image/png", "image/jpeg", key=lambda kind: len(data[kind]))]


def main() -> None:
    """Run the notebooks that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("notebooks", nargs="*", type=Path, help="By default all in examples/.")
    parser.add_argument("--output", type=Path, help="Write them here instead of in place.")
    options = parser.parse_args()
    for notebook in options.notebooks or sorted(EXAMPLES.glob("*.ipynb")):
        content = run(notebook)
        target = options.output / notebook.name if options.output else notebook
        nbformat.write(content, target)
        print(f"wrote {target}", file=sys.stderr)


if __name__ == "__main__":
    main()
