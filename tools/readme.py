"""Writes README.md from nbs/index.ipynb with Pandoc: `python tools/readme.py [FOLDER]`

Its pictures go to nbs/static/ beside it; the commands, last on the page, come behind the first of
them. FOLDER (default: the repository) is where both are written.
"""

import re
import sys
from pathlib import Path

import nbformat
import pypandoc

ROOT = Path(__file__).parent.parent


def option(cell, name):
    "The value of a `#| name: value` line of a cell"
    found = re.search(rf"^#\|\s*{name}:\s*(.*)$", cell.source, re.M)
    return found[1].strip('"') if found else None


def code_cell(cell, folder):
    "A code cell as Markdown: its code unless it is hidden, printed text, its picture as a file"
    if re.search(r"^#\|\s*hide\s*$", cell.source, re.M):
        return []
    parts = (
        []
        if "false" in (option(cell, "echo"), option(cell, "include"))
        else [f"```python\n{cell.source}\n```"]
    )
    for out in cell.outputs:
        if out.output_type == "stream":
            parts.append(f"```\n{out.text.rstrip()}\n```")
        elif "image/svg+xml" in out.get("data", {}):
            picture = Path("nbs/static") / f"{option(cell, 'label').removeprefix('fig-')}.svg"
            (folder / picture).parent.mkdir(parents=True, exist_ok=True)
            (folder / picture).write_text(out.data["image/svg+xml"], encoding="utf-8")
            parts.append(
                f"![{option(cell, 'fig-alt')}]({picture})\n\n*{option(cell, 'fig-cap')}*"
            )
    return parts


def main(folder=ROOT):
    "Write the README, from the stored outputs"
    parts = ["<!-- Made from nbs/index.ipynb by `make readme`; edit that. -->"]
    for cell in nbformat.read(ROOT / "nbs" / "index.ipynb", 4).cells:
        parts += code_cell(cell, Path(folder)) if cell.cell_type == "code" else [cell.source]
    commands = parts.pop(next(i for i, part in enumerate(parts) if part.startswith("## Run it")))
    parts.insert(1 + next(i for i, part in enumerate(parts) if part.startswith("![")), commands)
    text = re.sub(r"\]\((\w+\.ipynb)\)", r"](nbs/\1)", "\n\n".join(parts))
    text = re.sub(r" \[@\w+\]|\{\.button\}", "", text)
    text = pypandoc.convert_text(
        text, "gfm", "markdown-citations-smart-implicit_figures", extra_args=["--wrap=none"]
    )
    (Path(folder) / "README.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
