"""Builds the website of the course into `_docs/`: `python tools/pages.py [NBS_DIR]`

nbdev processes the notebooks, this script turns each into Markdown, Pandoc (with
`pages/filter.lua`) that into HTML, Jinja2 (with `pages/page.html`) that into a page, and Pagefind
adds the search. The notebooks come from NBS_DIR (default `nbs`), all else from `nbs`.
"""

import ast
import html
import inspect
import os
import re
import shutil
import subprocess
import sys
import time
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby, takewhile
from pathlib import Path
from types import SimpleNamespace

import jinja2
import nbformat
import pypandoc
import yaml
from fastcore.docscrape import NumpyDocString
from nbdev.config import get_config
from nbdev.serve import proc_nbs

import stacked_nn
from cells import fold, has_copy, page_name, split_cell
from learn import copies

HERE = Path(__file__).with_suffix("")
JOBS = 2
# read at once: threads that import scikit-learn for the first time get in each other's way
DOCSTRINGS = {name: inspect.getdoc(getattr(stacked_nn, name)) or "" for name in dir(stacked_nn)}
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


# ---- a notebook as Markdown ----


def fence(kind, text):
    "`text` as a code block, or raw where `kind` is '{=html}'; tildes, since code holds backticks"
    return f"~~~~~~~~~~ {kind}\n{text}\n~~~~~~~~~~"


def div(attributes, *blocks):
    "A fenced div around Markdown blocks"
    return "\n\n".join([f"::::: {{{attributes}}}", *blocks, ":::::"])


def image_size(data, is_svg):
    "Width and height of an SVG text or of PNG bytes, in CSS pixels"
    if not is_svg:
        return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    tag = re.search("<svg[^>]*>", data)[0]
    sizes = [re.search(rf'\b{side}="([\d.]+)(pt)?', tag) for side in ("width", "height")]
    return [round(float(m[1]) * (4 / 3 if m[2] else 1)) for m in sizes]


def image(out, name, folder, alt):
    "Writes the picture of an output to `folder`; returns the `<img>` that shows it"
    svg = out.data.get("image/svg+xml")
    data = svg.encode() if svg else b64decode(out.data["image/png"])
    path = folder / f"{name}.{'svg' if svg else 'png'}"
    path.write_bytes(data)
    wanted, size = out.metadata.get("image/png", {}), image_size(svg or data, bool(svg))
    width, height = wanted.get("width", size[0]), wanted.get("height", size[1])
    alt = f'alt="{html.escape(alt)}"' if alt else ""
    size = f'width="{width}" height="{height}" style="--width: {width}px"'
    url = f"figures/{folder.name}/{path.name}"
    return f'<div class="scroll"><img src="{url}" {alt} {size} loading="lazy"></div>'


def output(text, name=""):
    "Plain text; sentences wrap, what stands in columns does not"
    lines, columns = text.splitlines(), re.compile(r"\S {2,}\S")
    start = lambda line: re.sub(r"\d+", "0", line.strip().partition(" ")[0])
    alike = [list(rows) for _, rows in groupby(lines, start)]  # rows of a table begin alike
    is_sentence = lambda rows: max(map(len, rows)) > 46 and not any(map(columns.search, rows))
    parts = [(wraps, "\n".join(sum(rows, []))) for wraps, rows in groupby(alike, is_sentence)]
    if len(lines) < 3 or not any(map(columns.search, lines)):
        parts = [(True, text)]
    kind = f".output .{name}" if name else ".output"
    return "\n\n".join(
        fence(f"{{{kind}{' .part' * (i > 0)}{' .wraps' * wraps}}}", part)
        for i, (wraps, part) in enumerate(parts)
    )


def output_markdown(out, name, folder, alt):
    "One output of a cell: the richest form that a page can show"
    if out.output_type == "stream":
        text = re.sub(r"[^\n]*\r(?!\n)", "", ANSI.sub("", out.text)).rstrip()  # progress bars
        return output(text, out.name) if text else ""
    if out.output_type == "error":
        return fence("{.output .stderr}", ANSI.sub("", "\n".join(out.traceback)))
    kinds = out.data.keys()
    if "text/html" in kinds:
        return fence("{=html}", f'<div class="scroll">{out.data["text/html"]}</div>')
    if kinds & {"image/svg+xml", "image/png"}:
        return fence("{=html}", image(out, name, folder, alt))
    if "text/markdown" in kinds:
        return out.data["text/markdown"]
    is_live = any("widget-view" in kind for kind in kinds)
    return output(out.data["text/plain"]) if "text/plain" in kinds and not is_live else ""


def code_markdown(cell, name, folder):
    "A code cell as its options want it: code, perhaps folded, and outputs, perhaps as a figure"
    options, code = split_cell(cell.source)
    if options.get("include") is False:
        return ""
    if code.startswith("show_doc("):
        return "\n\n".join(api_card(out.data["text/markdown"]) for out in cell.outputs)
    label, caption = options.get("label"), options.get("fig-cap") or options.get("tbl-cap")
    name, alt = label or name, options.get("fig-alt")
    shown = enumerate(cell.outputs if options.get("output") is not False else [])
    outputs = [
        output_markdown(out, f"{name}-{i}" if i else name, folder, alt) for i, out in shown
    ]
    outputs = list(filter(None, outputs))
    if caption and outputs:
        outputs = [div(f"#{label} .cell-figure" if label else ".cell-figure", *outputs, caption)]
    echo = code and options.get("echo") is not False
    blocks = [fence("{.python .cell-code}", code)] if echo else []
    if blocks and (title := fold(cell.source)):
        if title.startswith(("Solution", "Check")):
            blocks, outputs = blocks + outputs, []
        blocks = [div(f'.code-fold summary="{html.escape(apostrophes(title))}"', *blocks)]
    return div(".cell", *blocks, *outputs) if blocks or outputs else ""


def docs_before_source(cells):
    "nbdev shows the last name of a cell before its source, the others behind it, last to first"
    for i, cell in enumerate(cells):
        if "Exported source" not in cell.source:
            continue
        names = re.findall(r"^(?:def|class) (\w+)", cell.source, re.M)
        is_doc = re.compile(rf"show_doc\((\w+\.)?({'|'.join(names)})\)").search
        end = i + 1 + len(list(takewhile(is_doc, (c.source for c in cells[i + 1 :]))))
        cells[i - 1 : end] = [*reversed(cells[i + 1 : end]), cells[i - 1], cell]


def markdown(path, folder):
    "A processed notebook or a Markdown page as one Markdown text; its pictures go into `folder`"
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    cells = nbformat.read(path, 4).cells
    docs_before_source(cells)
    parts = [
        code_markdown(cell, f"cell-{i}", folder) if cell.cell_type == "code" else cell.source
        for i, cell in enumerate(cells)
    ]
    return "\n\n".join(filter(None, parts))


# ---- the documentation of a name ----


def apostrophes(text):
    "It's -> it’s, in text that is not Markdown"
    return re.sub(r"(?<=\w)'(?=\w)", "’", text)


def literal(text):
    "Plain text for Markdown: only `code` and nbdev's links of it are more than text"
    return re.sub(
        r"\[`[^`]*`\]\([^)]*\)|`[^`]*`|[^\w\s`]",
        lambda m: m[0] if len(m[0]) > 1 else "\\" + m[0],
        apostrophes(text),
    )


def signature(name, code):
    "From the `def` that `show_doc` writes: the call on one line, rows of parameter and meaning"
    code = code.replace("=<factory>", "=...")  # the default of a dataclass that makes a new one
    function, lines = ast.parse(code.rstrip() + "\n    pass").body[0], code.splitlines()
    args = function.args
    for a, default in zip(args.args[::-1], args.defaults[::-1], strict=False):
        guess = type(getattr(default, "value", None)).__name__  # nbdev's, where there was no type
        if a.annotation and ast.unparse(a.annotation) == guess:
            a.annotation = None
    every = [*args.posonlyargs, *args.args, args.vararg, *args.kwonlyargs, args.kwarg]
    rows = [(f"`{ast.unparse(a)}`", lines[a.lineno - 1].partition("# ")[2]) for a in every if a]
    returned = ast.unparse(function.returns) if function.returns else ""
    what = f"returns `{returned}`" if returned else "returns"
    rows.append((what, lines[-1].partition("# ")[2]))
    arrow = f" ->\u00a0{returned}" if returned not in ("", "None") else ""
    return f"{name}({ast.unparse(args)}){arrow}", [row for row in rows if row[1]]


def numpydoc_rows(name):
    "Rows of parameters and attributes from a numpydoc docstring, which `show_doc` leaves out"
    if "\nParameters\n---" not in DOCSTRINGS.get(name, ""):
        return []
    sections = NumpyDocString(DOCSTRINGS[name])
    rows = [
        (p.name, " ".join([f"{p.type};" if p.desc else p.type, *p.desc]))
        for p in sections["Parameters"].values()
    ]
    rows += re.findall(r"^(\w[\w, ]*) : (.+)$", sections["Attributes"], re.M)
    return [(f"`{name}`", meaning) for name, meaning in rows]


def api_card(text):
    "What `show_doc` wrote as a card: name, call, docstring, table of parameters"
    parts = (
        r"(?:\[source\]\((?P<url>[^)]*)\).*?)?### (?P<name>.+?)\n+"
        r"```python\n(?P<code>.*?)```(?P<doc>.*)"
    )
    url, name, code, doc = re.search(parts, text, re.S).group("url", "name", "code", "doc")
    source = f"[source]({url}){{.api-source}}" if url else ""
    heading = f"### {name} {{#{name.lower()} .api}}"
    call, rows = signature(name, code)
    rows = numpydoc_rows(name) or rows
    table = [
        "| parameter | meaning |",
        "|---|---|",
        *(f"| {a} | {literal(b)} |" for a, b in rows),
    ]
    call = "" if "(*args, **kwargs)" in call else f"`{call}`{{.python .signature}}"
    return div(".api", heading, source, call, doc.strip(), "\n".join(table) if rows else "")


# ---- Markdown as a page ----


def front_matter(text):
    "The YAML block at the top of a page"
    match = re.match(r"\s*---\n(.*?)\n---\s*\n", text, re.S)
    return yaml.safe_load(match[1]) if match else {}


def last_change(path):
    "The day of a notebook's last commit, so that one commit makes one site; else today"
    git = [shutil.which("git") or "false", "log", "-1", "--format=%cs", "--", path]
    log = subprocess.run(git, capture_output=True, encoding="utf-8")
    return log.stdout.strip() or time.strftime("%Y-%m-%d")


def reading_minutes(body):
    "The minutes that a lesson says it takes; else what reading it takes"
    if said := re.search(r"About (\d+) minutes", body):
        return int(said[1])
    body = re.sub(r'<math.*?</math>|<details class="[^"]*">.*?</details>', " ", body, flags=re.S)
    lines = sum(code.count("\n") + 1 for code in re.findall("<pre.*?</pre>", body, re.S))
    words = len(re.sub("<pre.*?</pre>|<[^>]+>", " ", body, flags=re.S).split())
    return max(1, round(words / 180 + lines / 20))


def pandoc(path, text):
    "Table of contents and body of a page; a warning, as of an unknown citation, is an error"
    options = [
        "--standalone",
        f"--template={HERE / 'parts.html'}",
        "--toc",
        "--toc-depth=3",
        f"--lua-filter={HERE / 'filter.lua'}",
        "--mathml",
        "--wrap=none",
        "--fail-if-warnings",
        "--citeproc",
        f"--bibliography={path.parent / 'references.bib'}",
        "--metadata=link-citations:true",
    ]
    kept = path.with_suffix(".md")  # for the line numbers in Pandoc's messages
    kept.write_text(text, encoding="utf-8")
    try:
        page = pypandoc.convert_text(text, "html5", "markdown", extra_args=options)
    except RuntimeError as error:
        what = str(error).partition("stack traceback")[0].partition("conversion: ")[2]
        raise ValueError(f"{path.name}, as Markdown in {kept}: {what.strip()}") from None
    return tidied(page).split("<!-- body -->")


def tidied(page):
    """Pandoc's HTML without links to lines of code; no empty headings

    With a space in `log 10`. Words become names: `<mtext>` is no side of an `=` to a browser."""
    page = re.sub(r' id="cb\d+-\d+"><a href="#cb[^>]*></a>', ">", page)
    page = re.sub(r"<mo>&#8289;</mo></mrow>(?!<mo)", r'\g<0><mspace width="0.17em"/>', page)
    page = re.sub(r"<(/?)mtext\b", r"<\1mi", page)
    return re.sub(r"<th([^>]*)></th>", r"<td\1></td>", page)


def convert(path, out, cfg):
    "All that the template needs to know about the page of one processed notebook"
    figures = out / "figures" / page_name(path).removesuffix(".html")
    figures.mkdir(parents=True)
    text = markdown(path, figures)
    if not any(figures.iterdir()):
        figures.rmdir()
    meta, source = front_matter(text), f"{cfg.nbs_path.name}/{path.name}"
    lesson = re.match(r"([0-4]\d)_", path.name)
    toc, body = pandoc(path, text)
    body = local_links(body, f"{cfg.doc_host}{cfg.doc_baseurl}/")
    copy = path.name if path.suffix == ".ipynb" and has_copy(path) else ""
    return SimpleNamespace(
        name=page_name(path),
        source=source,
        copy=copy,
        lesson=lesson and int(lesson[1]),
        title=str(meta.get("title", path.stem)),
        subtitle=apostrophes(meta.get("subtitle") or meta.get("description") or ""),
        toc=toc.strip(),
        body=body,
        minutes=reading_minutes(body),
        quizzes=re.findall(r'class="quiz"[^>]* data-key="(\w+)"', body),
        changed=last_change(source),
    )


def local_links(body, site):
    "Links to notebooks, to Markdown pages and to our own site as links between pages"
    body = body.replace(f'href="{site}"', 'href="index.html"').replace(f'href="{site}', 'href="')
    return re.sub(r'href="([\w.-]+\.(?:ipynb|qmd))', lambda m: f'href="{page_name(m[1])}', body)


def explain_terms(pages):
    "Gives each link to the glossary the meaning of its word, for the page to show beside it"
    glossary = next((p.body for p in pages if p.name == "glossary.html"), "")
    meanings = {}
    for term, text in re.findall(r"<dt>(.*?)</dt>\s*<dd>(.*?)</dd>", glossary, re.S):
        text = re.sub(r"<annotation.*?</annotation>|<[^>]+>", "", text, flags=re.S)
        meaning = html.escape(html.unescape(" ".join(text.split())))
        meanings |= dict.fromkeys(re.findall(r'id="([^"]+)"', term), meaning)
    for p in pages:
        if p.name == "glossary.html":
            continue
        p.body = re.sub(
            r'href="glossary\.html#([^"]+)"(?! data-meaning)',
            lambda m: m[0] + (f' data-meaning="{meanings[m[1]]}"' if m[1] in meanings else ""),
            p.body,
        )


def link_to_class(pages):
    "Points links to a method that has no card of its own at the card of its class"
    ids = {f"{p.name}#{i}" for p in pages for i in re.findall(r'\bid="([^"]+)"', p.body)}
    for p in pages:

        def fix(m, here=p.name):
            known = f"{m[1] or here}#{m[2]}{m[3]}" in ids
            return m[0] if known else f'href="{m[1]}#{m[2]}"'

        p.body = re.sub(r'href="([\w.-]*)#(\w+)(\.[\w.]+)"', fix, p.body)


# ---- the site ----


def sidebar(contents, pages):
    "The entries of `sidebar.yml`: each a title with its page, or with the entries below it"
    entries = []
    for item in contents:
        item = item if isinstance(item, dict) else {"href": item}
        if "section" in item:
            entries.append(
                {"title": item["section"], "contents": sidebar(item["contents"], pages)}
            )
        elif page := pages.get(page_name(item["href"])):
            entries.append({"title": item.get("text", page.title), "page": page})
        else:
            print(f"sidebar.yml names {item['href']}, which is not there", file=sys.stderr)
    return entries


def in_order(entries):
    "The pages of the sidebar, first to last"
    for e in entries:
        yield from in_order(e["contents"]) if "contents" in e else [e["page"]]


def process(nbs_dir, cfg):
    "nbdev's processed notebooks in `_proc/`, with all else in `nbs` and the library's widgets"
    proc = proc_nbs(path=os.path.relpath(nbs_dir), force=True, n_workers=JOBS)
    lost = {p.name for p in nbs_dir.glob("*.ipynb")} - {p.name for p in proc.glob("*.ipynb")}
    if lost:
        raise SystemExit(f"nbdev did not process {', '.join(sorted(lost))}; try again")
    skip = shutil.ignore_patterns("*.ipynb", ".*")
    shutil.copytree(cfg.nbs_path, proc, ignore=skip, dirs_exist_ok=True)
    widgets = cfg.lib_path / "static"
    if widgets.exists():
        shutil.copytree(widgets, proc / "static", dirs_exist_ok=True)
    return proc


def write_pages(pages, menu, out, cfg):
    "The pages of the site in their frame, and its map"
    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shared = {"menu": menu, "cfg": cfg.d, "site": cfg.doc_host + cfg.doc_baseurl}
    order = [None, *in_order(menu), None]
    for page in pages:
        i = order.index(page) if page in order else None
        before, after = (order[i - 1], order[i + 1]) if i else (None, None)
        text = env.get_template("page.html").render(
            page=page, before=before, after=after, **shared
        )
        if page.name == "404.html":  # is shown at any address
            text = re.sub(r'(href|src)="(?=[\w.])(?!\w+:)', rf'\1="{cfg.doc_baseurl}/', text)
        (out / page.name).write_text(text, encoding="utf-8")
    public = [p for p in pages if p.name != "404.html"]
    (out / "sitemap.xml").write_text(
        env.get_template("sitemap.xml").render(pages=public, **shared), encoding="utf-8"
    )


def build(nbs_dir, proc, cfg):
    "Writes the whole site; returns its folder"
    out = proc / cfg.doc_path.name
    skip = shutil.ignore_patterns("*.ipynb", "*.qmd", "*.yml", "*.bib", out.name)
    shutil.copytree(proc, out, ignore=skip)
    shutil.copy2(HERE / "site.js", out)
    (out / "notebooks").mkdir()
    for name, text in copies():
        (out / "notebooks" / name).write_text(text, encoding="utf-8")
    sources = sorted([*proc.glob("*.ipynb"), *proc.glob("*.qmd")])
    with ThreadPoolExecutor(JOBS) as pool:
        tasks = [pool.submit(convert, path, out, cfg) for path in sources]
    errors = [str(error) for task in tasks if (error := task.exception())]
    if errors:
        raise SystemExit("\n".join(errors))
    pages = [task.result() for task in tasks]
    link_to_class(pages)
    explain_terms(pages)
    menu = yaml.safe_load((proc / "sidebar.yml").read_text(encoding="utf-8"))["website"][
        "sidebar"
    ]["contents"]
    write_pages(pages, sidebar(menu, {p.name: p for p in pages}), out, cfg)
    make_index(out)
    return out


def make_index(site):
    "Two indexes of all pages: one that knows English endings, one that cuts Japanese into words"
    run = [sys.executable, "-m", "pagefind", "--silent", "--site", site]
    subprocess.run(run, check=True)
    subprocess.run([*run, "--force-language", "ja", "--output-subdir", "pagefind-ja"], check=True)
    for unused in site.glob("pagefind*/pagefind-*ui*"):
        unused.unlink()


def main(*args):
    "Builds inside `_proc/` and puts the result in the place of `_docs/` only when it is complete"
    start, folders = time.time(), [Path(a).resolve() for a in args]
    os.chdir(HERE.parents[1])
    cfg = get_config()
    nbs_dir = folders[0] if folders else cfg.nbs_path
    proc = process(nbs_dir, cfg)
    new = build(nbs_dir, proc, cfg)
    if cfg.doc_path.exists():
        cfg.doc_path.rename(proc / "old")
    new.rename(cfg.doc_path)
    print(
        f"{len(list(cfg.doc_path.glob('*.html')))} pages in {cfg.doc_path.name}/ after "
        f"{time.time() - start:.0f} s; `make serve` shows them"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
