"""Builds the website of the course into `_docs/`: `python tools/site.py [NBS_DIR]`

With Quarto where it is installed, otherwise offline: nbdev processes the notebooks, this script turns each into
Markdown, Pandoc (with `site/filter.lua`) into HTML, Jinja2 (with `site/page.html`) into a page, and Pagefind adds
the search. The notebooks come from NBS_DIR (default `nbs`), all else from `nbs`.
"""
import ast
import html
import os
import re
import shutil
import subprocess
import sys
import time
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from pathlib import Path
from types import SimpleNamespace

import jinja2
import nbformat
import pypandoc
import yaml
from nbdev.config import get_config
from nbdev.quarto import refresh_quarto_yml
from nbdev.serve import proc_nbs

HERE = Path(__file__).with_suffix("")
JOBS = 2
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


# ---- a notebook as Markdown ----

def fence(kind, text):
    "`text` as a code block, or with `kind` '{=html}' as raw HTML; long tildes, since code may hold backticks"
    return f"~~~~~~~~~~ {kind}\n{text}\n~~~~~~~~~~"


def div(attributes, *blocks):
    "A fenced div around Markdown blocks"
    return "\n\n".join([f"::::: {{{attributes}}}", *blocks, ":::::"])


def split_cell(source):
    "The `#|` options of a cell, and its code below them"
    lines = source.splitlines()
    n = next((i for i, line in enumerate(lines) if not line.startswith("#|")), len(lines))
    options = [line.removeprefix("#|").removeprefix(" ") for line in lines[:n]]
    return yaml.safe_load("\n".join(o for o in options if ":" in o or o[:1] == " ")) or {}, "\n".join(lines[n:]).strip()


def image_size(data, is_svg):
    "Width and height of an SVG text or of PNG bytes, in CSS pixels"
    if not is_svg: return int.from_bytes(data[16:20]), int.from_bytes(data[20:24])
    sizes = re.findall(r'\b(?:width|height)="([\d.]+)(pt|px|)"', data.partition(">")[0] + re.search("<svg[^>]*>", data)[0])
    return [round(float(n) * (4 / 3 if unit == "pt" else 1)) for n, unit in sizes[:2]]


def image(bundle, metadata, name, folder, alt):
    "Write the picture of a mime bundle to `folder` and return its `<img>`"
    is_svg = "image/svg+xml" in bundle
    data = bundle["image/svg+xml"] if is_svg else b64decode(bundle["image/png"])
    size = metadata.get("image/png") or dict(zip(("width", "height"), image_size(data, is_svg), strict=True))
    path = folder / f"{name}.{'svg' if is_svg else 'png'}"
    path.write_bytes(data.encode() if is_svg else data)
    alt = f' alt="{html.escape(alt)}"' if alt else ""
    sizes = 'width="{width}" height="{height}" style="--width: {width}px"'.format(**size)
    return f'<div class="scroll"><img src="figures/{folder.name}/{path.name}"{alt} {sizes} loading="lazy"></div>'


def output_markdown(out, name, folder, alt):
    "One output of a cell: the richest form that a page can show"
    if out.output_type == "stream":
        text = re.sub(r"[^\n]*\r(?!\n)", "", ANSI.sub("", out.text)).rstrip()
        return fence("{.output ." + out.name + "}", text) if text else ""
    if out.output_type == "error": return fence("{.output .stderr}", ANSI.sub("", "\n".join(out.traceback)))
    data = out.data
    if "text/html" in data:   # an empty heading is none
        return fence("{=html}", f'<div class="scroll">{data["text/html"].replace("<th></th>", "<td></td>")}</div>')
    if data.keys() & {"image/svg+xml", "image/png"}: return fence("{=html}", image(data, out.metadata, name, folder, alt))
    if "text/markdown" in data: return data["text/markdown"]
    if any("widget-view" in kind for kind in data): return ""
    return fence("{.output}", data["text/plain"]) if "text/plain" in data else ""


def literal(text):
    "Plain text for Markdown: only `code` and nbdev's links of it keep their meaning, quotes and dots stay as they are"
    return re.sub(r"\[`[^`]*`\]\([^)]*\)|`[^`]*`|[^\w\s`]", lambda m: m[0] if len(m[0]) > 1 else "\\" + m[0], text)


def api_card(text):
    "What `show_doc` wrote as a card: name, one-line signature, docstring, table of parameters"
    link, name, code, rest = re.search(r"(?:(\[source\]\([^)]*\)).*?)?### (.+?)\n+```python\n(.*?)```(.*)", text, re.S).groups()
    parts = [f"### {name} {{#{name.lower()} .api}}", f"{link}{{.api-source}}" if link else "", rest.strip()]
    try: function = ast.parse(code.rstrip() + "\n    pass").body[0]
    except SyntaxError: return div(".api", *parts, fence("{.python}", code.rstrip()))
    lines = ["", *code.splitlines()]
    args, returns = function.args, ast.unparse(function.returns) if function.returns else ""
    names = [*args.posonlyargs, *args.args, *filter(None, [args.vararg]), *args.kwonlyargs, *filter(None, [args.kwarg])]
    for a, default in zip(reversed([*args.posonlyargs, *args.args]), reversed(args.defaults)):
        if a.annotation and ast.unparse(a.annotation) == type(getattr(default, "value", default)).__name__: a.annotation = None
    comment = {a.arg: (re.search(r"# (.*)", lines[a.lineno]) or ["", ""])[1] for a in names}
    comment["returns"] = (re.search(r"\).*?: # (.*)", lines[-1]) or ["", ""])[1]
    rows = [(f"`{ast.unparse(a)}`", comment[a.arg]) for a in names if comment[a.arg]]
    if returns or comment["returns"]: rows.append((f"returns `{returns}`" if returns else "returns", comment["returns"]))
    signature = f"`{name}({ast.unparse(args)}){' -> ' * bool(returns)}{returns}`{{.python .signature}}"
    table = ["| parameter | meaning |", "|---|---|", *(f"| {a} | {literal(b)} |" for a, b in rows)]
    return div(".api", *parts[:2], signature, parts[2], "\n".join(table) if rows else "")


def code_markdown(cell, name, folder):
    "A code cell with what its options leave of it: code, perhaps folded, and outputs, perhaps as a figure"
    options, code = split_cell(cell.source)
    if options.get("include") is False: return ""
    if code.startswith("show_doc("):
        return "\n\n".join(api_card(o.data["text/markdown"]) for o in cell.outputs if "text/markdown" in o.get("data", ()))
    kept = [o for o in cell.outputs if not (o.get("name") == "stderr" and options.get("warning") is False)]
    label = str(options.get("label", ""))
    alt = options.get("fig-alt")
    outputs = [output_markdown(o, label if i == 0 and label else f"{name}-{i}", folder, alt) for i, o in enumerate(kept)]
    outputs = list(filter(None, outputs)) if options.get("output") is not False else []
    caption = options.get("fig-cap") or options.get("tbl-cap")
    if caption and outputs: outputs = [div(f"#{label} .cell-figure" if label else ".cell-figure", *outputs, caption)]
    blocks = [fence("{.python .cell-code}", code)] if code and options.get("echo") is not False else []
    fold, summary = options.get("code-fold"), options.get("code-summary", "Code")
    if blocks and fold:
        is_solution = str(summary).startswith("Solution")
        inside = blocks + outputs if is_solution else blocks
        blocks = [div(f'.code-fold summary="{html.escape(str(summary))}" {"open=1" if fold == "show" else ""}', *inside)]
        outputs = [] if is_solution else outputs
    return div(".cell", *blocks, *outputs) if blocks or outputs else ""


def docs_before_source(cells):
    "Of a cell that exports several names nbdev shows the last before the source, the others behind it, last to first"
    for i, cell in enumerate(cells):
        if "Exported source" not in cell.source: continue
        behind = list(takewhile(lambda c: "\nshow_doc(" in c.source, cells[i + 1:]))
        cells[i - 1:i + 1 + len(behind)] = [*reversed(behind), cells[i - 1], cell]


def markdown(path, folder):
    "A processed notebook, or a Markdown page, as one Markdown text; its pictures go into `folder`"
    if path.suffix != ".ipynb": return path.read_text(encoding="utf-8")
    parts, cells = [], nbformat.read(path, 4).cells
    docs_before_source(cells)
    for i, cell in enumerate(cells):
        is_code = cell.cell_type == "code"
        parts.append(code_markdown(cell, f"cell-{i}", folder) if is_code else cell.source)
    return "\n\n".join(filter(None, parts))


# ---- Markdown as a page ----

def page_name(path):
    "The page of a notebook, named as nbdev and Quarto do: `01_digits.ipynb` -> `digits.html`"
    return re.sub(r"^\d+[a-z0-9]*_", "", Path(path).stem.lower()) + ".html"


def front_matter(text):
    "The YAML block at the top of a page"
    match = re.match(r"\s*---\n(.*?)\n---\s*\n", text, re.S)
    return yaml.safe_load(match[1]) if match else {}


def last_change(path):
    "The day of the last commit of a notebook, so that the same commit gives the same page; without one, today"
    run = subprocess.run(["git", "log", "-1", "--format=%cs", "--", path], capture_output=True, text=True)
    return run.stdout.strip() or time.strftime("%Y-%m-%d", time.gmtime(int(os.environ.get("SOURCE_DATE_EPOCH", time.time()))))


def reading_minutes(body):
    "180 words or 20 lines of code a minute; what is folded does not count"
    body = re.sub(r'<math.*?</math>|<details class="[^"]*">.*?</details>', " ", body, flags=re.S)
    lines = sum(code.count("\n") + 1 for code in re.findall("<pre.*?</pre>", body, re.S))
    words = len(re.sub("<pre.*?</pre>|<[^>]+>", " ", body, flags=re.S).split())
    return max(1, round(words / 180 + lines / 20))


def convert(path, out, cfg):
    "Everything the template needs to know about the page of one processed notebook"
    figures = out / "figures" / page_name(path).removesuffix(".html")
    figures.mkdir(parents=True)
    text = markdown(path, figures)
    path.with_suffix(".md").write_text(text, encoding="utf-8")   # the lines that Pandoc's messages name
    meta = front_matter(text)
    arguments = ["--standalone", f"--template={HERE / 'parts.html'}", "--toc", "--toc-depth=3", "--mathml", "--wrap=none",
                 f"--lua-filter={HERE / 'filter.lua'}", "--citeproc", f"--bibliography={path.parent / 'references.bib'}",
                 f"--metadata=site-url:{cfg.doc_host}{cfg.doc_baseurl}", "--metadata=link-citations:true",
                 "--fail-if-warnings"]
    try: page = pypandoc.convert_text(text, "html5", "markdown", extra_args=arguments)
    except RuntimeError as error: raise SystemExit(f"{path.with_suffix('.md')}: {error}") from None
    page = re.sub(r' id="cb\d+-\d+"><a href="#cb[^>]*></a>', ">", page)   # nobody links to a line of code
    toc, body = page.split("<!-- body -->")
    source = f"{cfg.nbs_path.name}/{path.name}"
    return SimpleNamespace(
        name=page_name(path), source=source, title=str(meta.get("title", path.stem)),
        subtitle=meta.get("subtitle") or meta.get("description") or "", toc=toc.strip(), body=body.strip(),
        minutes=reading_minutes(body), quizzes=len(re.findall('class="quiz"', body)), changed=last_change(source))


def link_to_class(pages):
    "Point links to a method that has no card of its own at the card of its class"
    ids = {f"{p.name}#{i}" for p in pages for i in re.findall(r'\bid="([^"]+)"', p.body)}
    for p in pages:
        def fix(m, here=p.name):
            page, anchor = m[1] or here, m[2]
            return m[0] if f"{page}#{anchor}" in ids else f'href="{m[1]}#{anchor.split(".")[0]}"'
        p.body = re.sub(r'href="([\w.-]*)#([\w]+\.[\w.]+)"', fix, p.body)


def sidebar(contents, pages):
    "The entries of `sidebar.yml` as dicts of title and page, or title and contents; names of missing pages go to stderr"
    entries = []
    for item in contents:
        if isinstance(item, dict) and "section" in item:
            entries.append({"title": item["section"], "contents": sidebar(item["contents"], pages)})
            continue
        path = item.get("href") if isinstance(item, dict) else item
        page = pages.get(page_name(path))
        if page: entries.append({"title": isinstance(item, dict) and item.get("text") or page.title, "page": page})
        else: print(f"sidebar.yml names {path}, which is not there", file=sys.stderr)
    return entries


def in_order(entries):
    "The pages of the sidebar, first to last"
    for e in entries: yield from in_order(e["contents"]) if "contents" in e else [e["page"]]


# ---- the site ----

def process(nbs_dir, cfg):
    "nbdev's processed notebooks in `_proc/`, with everything else that stands in `nbs` and the widgets of the library"
    proc = proc_nbs(path=os.path.relpath(nbs_dir), force=True, n_workers=JOBS)
    skip = shutil.ignore_patterns("*.ipynb", ".*", "_proc", "_docs")
    shutil.copytree(cfg.nbs_path, proc, ignore=skip, dirs_exist_ok=True)
    if (cfg.lib_path / "static").exists(): shutil.copytree(cfg.lib_path / "static", proc / "static", dirs_exist_ok=True)
    return proc


def build_offline(nbs_dir, proc, cfg):
    "Write the whole site without Quarto; returns its folder"
    out = proc / cfg.doc_path.name
    shutil.copytree(proc, out, ignore=shutil.ignore_patterns("*.ipynb", "*.qmd", "*.yml", "*.bib"))
    shutil.copy2(HERE / "site.js", out)
    sources = sorted([*proc.glob("*.ipynb"), *proc.glob("*.qmd")])
    with ThreadPoolExecutor(JOBS) as pool: pages = list(pool.map(lambda path: convert(path, out, cfg), sources))
    link_to_class(pages)
    contents = yaml.safe_load((proc / "sidebar.yml").read_text())["website"]["sidebar"]["contents"]
    menu = sidebar(contents, {p.name: p for p in pages})
    order = list(in_order(menu))
    env = jinja2.Environment(loader=jinja2.FileSystemLoader(HERE), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    template = env.get_template("page.html")
    (out / "notebooks").mkdir()
    for p in pages:
        i = order.index(p) if p in order else None
        before = order[i - 1] if i else None
        after = order[i + 1] if i is not None and i + 1 < len(order) else None
        if p.source.endswith(".ipynb"): shutil.copy2(Path(nbs_dir, Path(p.source).name), out / "notebooks")
        text = template.render(page=p, menu=menu, before=before, after=after, cfg=cfg.d, site=cfg.doc_host + cfg.doc_baseurl)
        (out / p.name).write_text(text, encoding="utf-8")
    public = [p for p in pages if p.name != "404.html"]
    (out / "sitemap.xml").write_text(env.get_template("sitemap.xml").render(pages=public, site=cfg.doc_host + cfg.doc_baseurl))
    subprocess.run([sys.executable, "-m", "pagefind", "--silent", "--site", out], check=True)
    for unused in (out / "pagefind").glob("pagefind-*ui*"): unused.unlink()
    return out


def build_quarto(nbs_dir, proc, cfg):
    "Render the same sources with Quarto, as `nbdev_docs` does; returns the folder"
    subprocess.run(["quarto", "render", "--no-cache"], cwd=proc, check=True)
    return proc / cfg.doc_path.name


def main(nbs_dir=None):
    "Build inside `_proc/` and put the result in the place of `_docs/` only when it is complete"
    start, cfg = time.time(), get_config()
    nbs_dir = Path(nbs_dir or cfg.nbs_path).resolve()
    os.chdir(cfg.config_path)
    has_quarto = shutil.which("quarto")
    if has_quarto: refresh_quarto_yml()
    proc = process(nbs_dir, cfg)
    new = (build_quarto if has_quarto else build_offline)(nbs_dir, proc, cfg)
    if cfg.doc_path.exists(): cfg.doc_path.rename(proc / "old")
    new.rename(cfg.doc_path)
    n = len(list(cfg.doc_path.glob("*.html")))
    print(f"{n} pages in {cfg.doc_path.name}/ after {time.time() - start:.0f} s; open {cfg.doc_path.name}/index.html, or `make serve`")


if __name__ == "__main__": main(*sys.argv[1:])
