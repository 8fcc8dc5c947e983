"""Another split: its intervals and p-values against `stacked_nn.paired`, its buttons in a browser

The numbers need node, the buttons a browser; without them these tests are skipped.
"""

import json

import numpy as np
import pytest
from conftest import assert_fits_and_axe_finds_nothing
from scipy import stats

from stacked_nn.paired import corrected_interval, mcnemar
from stacked_nn.widgets import another_split


K, N_TRAIN, N_TEST = 25, 126, 54
RNG = np.random.default_rng(0)
RIGHT = {name: RNG.random((K, N_TEST)) < p for name, p in (("product", 0.93), ("Weight", 0.9))}
RIGHT["Bias"] = RIGHT["Weight"] ^ (RNG.random((K, N_TEST)) < 0.1)
PAIRS = [("product", "Weight"), ("product", "Bias")]
SCORE = {name: rows.mean(1) for name, rows in RIGHT.items()}
D = SCORE["product"] - SCORE["Weight"]
TESTS = [mcnemar(a, b) for a, b in zip(RIGHT["Weight"], RIGHT["product"])]


def test_intervals_are_those_of_python(node):
    "Textbook and corrected, from two splits on"
    js = node(f"""
        import {{ interval }} from "./static/splits.js";
        const d = {json.dumps(D.tolist())}, share = {N_TEST / N_TRAIN};
        const upTo = (share) => d.map((_, k) => interval(d.slice(0, k + 1), share)).slice(1);
        console.log(JSON.stringify({{
            textbook: upTo(0), corrected: upTo(share), level: interval([0.5, 0.5], share),
        }}));""")
    for k in range(2, K + 1):
        t = stats.ttest_1samp(D[:k], 0)
        low, high = t.confidence_interval()
        for name, expected in (
            ("corrected", corrected_interval(D[:k], N_TRAIN, N_TEST)),
            ("textbook", ((low + high) / 2, (high - low) / 2, t.pvalue)),
        ):
            got = [js[name][k - 2][key] for key in ("mean", "half", "p")]
            np.testing.assert_allclose(got, expected, rtol=1e-9, err_msg=f"{name}, {k}")
    assert js["level"] == {"mean": 0.5, "half": 0, "p": None}  # as in Python: 0 and NaN


def test_p_values_are_those_of_python(node):
    "McNemar for all small counts and some large; the tail of the t distribution, near and far"
    counts = [(f, b) for f in range(15) for b in range(15)] + [(300, 260), (0, 500)]
    far = [(t, df) for t in (1e-3, 0.5, 2, 9, 40) for df in (1, 2, 7, 59, 599)]
    js = node(f"""
        import {{ mcnemar, quantile, tail }} from "./static/splits.js";
        console.log(JSON.stringify({{
            mcnemar: {json.dumps(counts)}.map(([f, b]) => mcnemar(f, b)),
            tail: {json.dumps(far)}.map(([t, df]) => tail(t, df)),
            quantile: {json.dumps(far)}.map(([_, df]) => quantile(0.05, df)) }}));""")
    after = [np.repeat([True, False], pair) for pair in counts]
    expected = [mcnemar(~rows, rows)[2] for rows in after]
    np.testing.assert_allclose(js["mcnemar"], expected, rtol=1e-10)
    expected = [2 * stats.t.sf(t, df) for t, df in far]
    np.testing.assert_allclose(js["tail"], expected, rtol=1e-8)
    expected = [stats.t.ppf(0.975, df) for _, df in far]
    np.testing.assert_allclose(js["quantile"], expected, rtol=1e-10)


MODES = "differences", "intervals", "hunt"


@pytest.fixture
def tab(show):
    return lambda **options: show(
        *(another_split(RIGHT, PAIRS, N_TRAIN, mode) for mode in MODES),
        until=".snn.splits",
        **options,
    )


def place(t, mode):
    return t.locator(".widget").nth(MODES.index(mode))


def click(part, name, times=1):
    for _ in range(times):
        part.get_by_role("button", name=name, exact=True).click()


def text(part, kind):
    return part.locator(kind).text_content().replace("−", "-")


# words of the intervals that the line at 0 runs through
CROSSED = """texts => texts.filter(text => {
  const t = text.getBoundingClientRect();
  return [...text.parentElement.querySelectorAll('line.cursor')].some(line => {
    const l = line.getBoundingClientRect();
    return l.left > t.left && l.left < t.right && l.top < t.bottom - 1 && l.bottom > t.top + 1;
  });
}).map(text => text.textContent)"""


def test_a_split_is_a_block(tab):
    "Each where its difference is, stacked on those of the same value"
    part = place(tab(), "differences")
    assert part.locator("svg").count() == 1 and "No split yet" in text(part, ".readout")
    click(part, "Another split", 3)
    fixed, broken, _ = TESTS[2]
    assert text(part, ".readout") == (
        f"Split 3: {100 * D[2]:+.2f} points ({fixed} fixed, {broken} broken)."
    )
    click(part, "Ten more", 3)
    assert part.get_by_role("button", name="Another split").is_disabled()
    boxes = part.locator("rect.split").evaluate_all(
        "rects => rects.map(r => ['x', 'y', 'width'].map(a => Number(r.getAttribute(a))))"
    )
    x, y, width = np.array(boxes).T
    assert len(x) == K
    slope, start = np.polyfit(D, x, 1)
    np.testing.assert_allclose(x, start + slope * D, atol=1e-6)
    assert len({(round(a, 3), round(b, 3)) for a, b in zip(x, y)}) == K, "two blocks in one place"
    click(part, "Start again")
    assert part.locator("rect.split").count() == 0


@pytest.mark.parametrize("pair", range(len(PAIRS)))
def test_both_intervals_are_written_and_drawn(tab, pair):
    part = place(tab(), "intervals")
    part.get_by_role("combobox").select_option(index=pair)
    click(part, "Another split")
    assert text(part, "text.corrected") == "corrected: needs two splits"
    click(part, "Ten more")
    d = (SCORE["product"] - SCORE[PAIRS[pair][1]])[:11]
    mean, half, p = corrected_interval(100 * d, N_TRAIN, N_TEST)
    words = "p < 0.001" if p < 0.001 else f"p = {p:.{3 if p < 0.1 else 2}f}"
    assert text(part, "text.corrected") == f"corrected: {mean:+.2f} ± {half:.2f}, {words}"
    low, high = stats.ttest_1samp(100 * d, 0).confidence_interval()
    textbook = f"textbook: {mean:+.2f} ± {(high - low) / 2:.2f}"
    assert text(part, "text.textbook").startswith(textbook)
    x = part.locator("line.reach.textbook").first.evaluate(
        "l => ['x1', 'x2'].map(a => Number(l.getAttribute(a)))"
    )
    dots = part.locator("circle.middle.textbook")
    middle = float(dots.get_attribute("cx"))
    zero = float(part.locator("line.cursor").first.get_attribute("x1"))
    crossed = part.locator("text.words").evaluate_all(CROSSED)
    assert not crossed, f"the line at 0 crosses {crossed}"
    points_per_pixel = mean / (middle - zero)
    np.testing.assert_allclose((np.array(x) - zero) * points_per_pixel, [low, high], atol=1e-6)


def test_the_seed_one_would_print(tab):
    "The win with the smallest p-value among the seeds tried, and the mean of all beside it"
    part = place(tab(), "hunt")
    for k in (1, 2, 12, 22, K):
        click(part, "Another seed" if k < 3 else "Ten more")
        wins = [i for i in range(k) if D[i] > 0]
        best = min(wins, key=lambda i: (TESTS[i][2], -D[i])) if wins else None
        printed, seen = (
            p.inner_text().replace("−", "-") for p in part.locator(".reports p").all()
        )
        if best is None:
            assert printed == "Nothing yet."
        else:
            assert f"by {100 * D[best]:.2f} points (seed {best}, p " in printed
        assert f"{(D[:k] > 0).sum()} ahead, {(D[:k] == 0).sum()} level" in seen
        if k > 1:
            mean, half, _ = corrected_interval(100 * D[:k], N_TRAIN, N_TEST)
            assert f"{mean:+.2f} ± {half:.2f} points" in seen
    assert part.locator("circle.try").count() == K and part.locator("circle.best").count() == 1


def test_keys_and_fingers(tab):
    t = tab(width=360, has_touch=True)
    part = place(t, "intervals")
    part.get_by_role("button", name="Another split").tap()
    t.keyboard.press("Tab")
    t.keyboard.press("Enter")
    assert part.locator("rect.split").count() == 11


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_fits_and_axe_finds_nothing(tab, scheme):
    t = tab(color_scheme=scheme)
    for mode in MODES:
        click(place(t, mode), "Ten more")
    assert_fits_and_axe_finds_nothing(t)
