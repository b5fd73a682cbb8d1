import json
import re
import shutil
from collections.abc import Callable, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from resep.records import Metric, Sample, Score
from resep.rounding import MINUS
from resep.stages.report import _config, render, stage, write_report
from resep.stages.report.charts import histogram, loss_curve, ticks
from resep.stages.report.described import describe
from resep.stages.report.examples import align, choose
from resep.stages.report.metrics import Scored
from resep.stages.report.overfit import reading
from resep.stages.report.text import cell, fenced, shown
from resep.statistics import holm
from tests.fake_run import CONFIG, fake_run

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&{{ 7*7 }}\x1b[31m\x00\u202eevil ```` ~~~\n# head | <b>"


def report(folder: Path, config: Mapping[str, Any] = CONFIG, **options: Any) -> Path:
    inputs = fake_run(folder / "stages", **options)
    out = folder / "report"
    out.mkdir()
    write_report(inputs, config, "abc123def456", out)
    return out


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return report(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def results(made: Path) -> dict[str, Any]:
    return dict(json.loads((made / "results.json").read_text(encoding="utf-8")))


class Page(HTMLParser):
    """The tags and attributes of a page, the text of its style, and of all the rest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_markdown_is_the_golden_one(made: Path, golden: Callable[[str, str], None]) -> None:
    golden("report.md", (made / "report.md").read_text(encoding="utf-8"))


def test_the_results_have_the_promised_shape(results: dict[str, Any]) -> None:
    assert {"recipe", "run_id", "verdict", "arms", "metrics", "data", "training", "environment"} <= set(results)
    assert {"metric", "baseline", "candidate", "outcome", "text"} <= set(results["verdict"])
    assert results["verdict"]["baseline"] == "base@native-template"
    metric = results["metrics"]["order_accuracy"]
    assert metric["primary"]
    assert {"mean", "n", "unscored"} <= set(metric["arms"]["tuned"])
    assert [c["baseline"] for c in metric["comparisons"]] == ["base", "base@native-template"]
    wanted = {"delta", "ci_low", "ci_high", "p", "p_adjusted", "n", "wins", "losses", "ties", "mde"}
    assert all(wanted <= set(c) for m in results["metrics"].values() for c in m["comparisons"])


def test_every_difference_is_tuned_minus_base_over_their_common_rows(results: dict[str, Any]) -> None:
    compared = [(m, c) for m in results["metrics"].values() for c in m["comparisons"]]
    assert len(compared) == 2 * 7
    for metric, c in compared:
        assert c["delta"] == pytest.approx(c["candidate_mean"] - c["baseline_mean"], abs=1e-12)
        if not c["unpaired"]:
            arms = metric["arms"]
            assert c["delta"] == pytest.approx(arms["tuned"]["mean"] - arms[c["baseline"]]["mean"], abs=1e-12)


def test_every_difference_on_the_page_is_that_of_the_means_beside_it(made: Path) -> None:
    html = (made / "report.html").read_text(encoding="utf-8")
    rows = re.findall(r'<th scope="row"><code>(\w+)</code>.*?</tr>', html, re.DOTALL)
    bodies = re.findall(r'<th scope="row"><code>\w+</code>(.*?)</tr>', html, re.DOTALL)
    checked = 0
    for name, body in zip(rows, bodies, strict=True):
        cells = [
            re.sub(r"<.*", "", c).replace(MINUS, "-").replace(",", "") for c in re.findall(r"<td[^>]*>([^<]*)", body)
        ]
        _, native, tuned, delta = cells[:4]
        digits = len(delta.partition(".")[2])
        assert float(delta) == pytest.approx(float(tuned) - float(native), abs=1.01 * 10**-digits), name
        checked += 1
    assert checked == 7


def test_where_rows_are_unscored_the_means_are_those_of_the_common_rows(made: Path, tmp_path: Path) -> None:
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    found = json.loads((made / "results.json").read_text(encoding="utf-8"))
    found["metrics"]["order_given_matched"]["arms"]["tuned"]["mean"] = 0.6  # its seven other rows were worse
    (tmp_path / "results.json").write_text(json.dumps(found), encoding="utf-8")
    render(tmp_path)
    html, text = ((tmp_path / f"report.{kind}").read_text(encoding="utf-8") for kind in ("html", "md"))
    [row] = re.findall(r'<th scope="row"><code>order_given_matched</code>.*?</tr>', html, re.DOTALL)
    assert '<td class="n">0.97<small>0.60 over its 45 rows</small>' in row
    assert "<small>38 rows</small>" in row
    [line] = re.findall(r"^\| `order_given_matched` \S+ \|.*unscored.*$", text, re.MULTILINE)
    assert "| 0.97, 0.60 over its 45 rows" in line
    assert "| +0.22 (38 rows) |" in line


def test_rendering_again_gives_the_same_bytes(made: Path) -> None:
    before = {name: (made / name).read_bytes() for name in ("report.html", "report.md")}
    render(made)
    assert {name: (made / name).read_bytes() for name in before} == before


def test_a_second_run_gives_the_same_bytes(made: Path, tmp_path: Path) -> None:
    again = report(tmp_path)
    assert (again / "report.html").read_bytes() == (made / "report.html").read_bytes()
    assert (again / "results.json").read_bytes() == (made / "results.json").read_bytes()


def test_the_page_is_one_file_that_fetches_and_runs_nothing(made: Path) -> None:
    html = (made / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    assert not {"script", "link", "img", "iframe", "object", "embed", "base", "form"} & set(page.tags)
    assert not {"src", "href", "srcset", "action"} & {name for name, _ in page.attributes}
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert not re.search(r"https?://|//\w+\.|url\(|@import", html)
    assert "default-src 'none'" in html


def test_every_chart_says_in_words_what_it_shows(made: Path) -> None:
    html = (made / "report.html").read_text(encoding="utf-8")
    charts = re.findall(r"<svg[^>]*>", html)
    assert len(charts) > 20
    assert all('aria-label="' in chart or 'aria-hidden="true"' in chart for chart in charts)


def test_outputs_that_attack_the_page_stay_text(tmp_path: Path) -> None:
    out = report(tmp_path, outputs={f"row-{n:03d}": EVIL for n in range(45)})
    html = (out / "report.html").read_text(encoding="utf-8")
    page = Page(html)
    assert not {"script", "img"} & set(page.tags)
    assert "alert(1)" in page.text
    assert "{{ 7*7 }}" in page.text
    assert not re.search(r"<script|<img|onerror=alert\(1\)>\"", html)
    assert "\x1b" not in html + (out / "report.md").read_text(encoding="utf-8")
    assert "\u202e" not in html + (out / "report.md").read_text(encoding="utf-8")
    assert "\x00" not in html


def test_an_attack_cannot_leave_its_code_block_in_markdown(tmp_path: Path) -> None:
    out = report(tmp_path, outputs={f"row-{n:03d}": EVIL for n in range(45)})
    text = (out / "report.md").read_text(encoding="utf-8")
    inside, fence = False, ""
    loose = []
    for line in text.splitlines():
        if not inside and (found := re.match(r"`{3,}", line)):
            inside, fence = True, found.group()
        elif inside and line == fence:
            inside = False
        elif not inside:
            loose.append(line)
    assert not inside
    assert not [line for line in loose if "<script" in line or line == "# head | <b>"]
    assert sum("<script>" in line for line in text.splitlines()) > 0


def test_recipe_and_row_texts_are_escaped_everywhere(tmp_path: Path) -> None:
    config = {**CONFIG, "name": "<script>a</script>", "description": EVIL, "training.learning_rate": EVIL}
    out = report(tmp_path, config)
    html = (out / "report.html").read_text(encoding="utf-8")
    assert not {"script", "img"} & set(Page(html).tags)
    assert "\x1b" not in html
    assert "<script" not in (out / "report.md").read_text(encoding="utf-8").partition("```")[0]


def test_an_enormous_output_is_cut_with_a_note(tmp_path: Path) -> None:
    out = report(tmp_path, outputs={f"row-{n:03d}": "word " * 20_000 for n in range(45)})
    assert (out / "report.html").stat().st_size < 500_000
    assert "more characters]" in (out / "report.html").read_text(encoding="utf-8")
    assert (out / "samples.jsonl").stat().st_size > 45 * 100_000  # nothing is lost


def test_losses_are_always_shown(made: Path, results: dict[str, Any]) -> None:
    html = (made / "report.html").read_text(encoding="utf-8")
    assert "Largest losses" in html
    comparison = results["metrics"]["order_accuracy"]["comparisons"][1]
    assert comparison["losses"] == 2
    assert html.count('<article class="example tone-worse">') >= comparison["losses"]


def test_the_same_model_twice_shows_no_difference(tmp_path: Path) -> None:
    inputs = fake_run(tmp_path / "stages")
    for name in CONFIG["evaluators"]:
        for file in ("scores.jsonl", "raw_scores.jsonl"):
            _copy_arm(inputs[f"evaluate:{name}"] / file, "base@native-template", "tuned")
            _copy_arm(inputs[f"evaluate:{name}"] / file, "base@native-template", "base")
    write_report(inputs, CONFIG, "same", tmp_path)
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert found["verdict"]["outcome"] == "no_difference"
    assert "No difference was shown" in (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not found["expectations"][0]["holds"]


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_hardly_any_rows_still_make_a_report(tmp_path: Path, rows: int) -> None:
    out = report(tmp_path, rows=rows)
    found = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert found["verdict"]["outcome"] == "cannot_tell"


def test_one_arm_alone_is_reported_without_a_comparison(tmp_path: Path) -> None:
    config = {**CONFIG, "arms": ["tuned"]}
    out = report(tmp_path, config)
    assert "There are not two arms to compare." in (out / "report.html").read_text(encoding="utf-8")


def test_a_primary_metric_that_nobody_gives_cannot_be_judged(tmp_path: Path) -> None:
    out = report(tmp_path, {**CONFIG, "evaluation.primary": "no_such_metric"})
    assert json.loads((out / "results.json").read_text(encoding="utf-8"))["verdict"]["outcome"] == "cannot_tell"


def test_a_named_baseline_is_the_opponent(tmp_path: Path) -> None:
    out = report(tmp_path, {**CONFIG, "evaluation.baseline": "base"})
    assert json.loads((out / "results.json").read_text(encoding="utf-8"))["verdict"]["baseline"] == "base"


def test_a_row_that_no_evaluator_scored_is_counted_not_zero(tmp_path: Path) -> None:
    inputs = fake_run(tmp_path / "stages")
    file = inputs["evaluate:bertscore"] / "scores.jsonl"
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    lines[0]["values"]["bertscore_f1"], lines[0]["error"] = None, "ValueError: no"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    write_report(inputs, CONFIG, "x", tmp_path)
    arm = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["metrics"]["bertscore_f1"]["arms"]["base"]
    assert (arm["n"], arm["unscored"]) == (44, 1)


def test_not_a_number_in_the_training_log_reaches_no_json(tmp_path: Path) -> None:
    inputs = fake_run(tmp_path / "stages")
    with (inputs["train"] / "training.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 57, "epoch": 2.0, "loss": NaN}\n')
    write_report(inputs, CONFIG, "x", tmp_path)
    text = (tmp_path / "results.json").read_text(encoding="utf-8")
    assert not re.search(r"\bNaN\b|Infinity", text)
    assert "not a finite number" in json.loads(text)["training"]["reading"]


def test_prompts_that_were_trained_on_are_told(tmp_path: Path) -> None:
    inputs = fake_run(tmp_path / "stages")
    train, test = inputs["prepare"] / "train.jsonl", inputs["prepare"] / "test.jsonl"
    train.write_text(train.read_text(encoding="utf-8") + test.read_text(encoding="utf-8"), encoding="utf-8")
    write_report(inputs, CONFIG, "x", tmp_path)
    warnings = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["warnings"]
    assert "45 of 45 test prompts were also trained on: the gain may be memory" in warnings


def test_slices_cover_every_row_and_their_differences_add_up(results: dict[str, Any]) -> None:
    assert len(results["slices"]) == 4
    for name in ("order_accuracy", "exact_match"):
        parts = [
            each["comparison"] if name == "order_accuracy" else each["metrics"][name] for each in results["slices"]
        ]
        [whole] = [c for c in results["metrics"][name]["comparisons"] if c["baseline"] == parts[0]["baseline"]]
        assert sum(c["n"] for c in parts) == whole["n"]
        assert sum(c["n"] * c["delta"] for c in parts) == pytest.approx(whole["n"] * whole["delta"])


def test_slices_are_adjusted_for_being_many(results: dict[str, Any]) -> None:
    parts = [each["comparison"] for each in results["slices"]]
    assert [c["p_adjusted"] for c in parts] == holm([c["p"] for c in parts])
    others = [each["metrics"]["sequence_f1"] for each in results["slices"]]
    assert all(c["p_adjusted"] >= c["p"] for c in others)


def test_a_field_of_very_many_values_is_cut_and_told(tmp_path: Path) -> None:
    inputs = fake_run(tmp_path / "stages")
    file = inputs["prepare"] / "test.jsonl"
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        line["metadata"]["user"] = line["id"]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    write_report(inputs, {**CONFIG, "evaluation.slices": ["category", "user"]}, "x", tmp_path)
    found = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))
    assert [each["field"] for each in found["slices"]] == ["category"] * 4 + ["user"] * 30
    assert all(each["few"] for each in found["slices"][4:])
    assert any("user has 45 different values; the 30 with the most rows" in w for w in found["warnings"])
    assert "Every metric by user" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_results_of_an_older_version_still_render(made: Path, tmp_path: Path) -> None:
    for name in ("samples.jsonl", "scores.jsonl"):
        (tmp_path / name).write_bytes((made / name).read_bytes())
    old = json.loads((made / "results.json").read_text(encoding="utf-8"))
    del old["files"]
    for part in old["slices"]:
        del part["metrics"]
    new = {"units", "relative", "relative_low", "relative_high", "effect"}
    for metric in old["metrics"].values():
        metric["comparisons"] = [{k: v for k, v in c.items() if k not in new} for c in metric["comparisons"]]
    (tmp_path / "results.json").write_text(json.dumps(old), encoding="utf-8")
    render(tmp_path)
    assert "Tuning helped." in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_slice_of_few_rows_has_no_interval_and_is_marked(tmp_path: Path) -> None:
    found = report(tmp_path, rows=38)  # 10, 10, 9 and 9 rows of the four apps
    parts = json.loads((found / "results.json").read_text(encoding="utf-8"))["slices"]
    assert [part["few"] for part in parts] == [False, False, True, True]
    for part in parts:
        for c in (part["comparison"], *part["metrics"].values()):
            assert c["delta"] is not None or not c["n"]
            if c["n"] < 10:
                assert {c[key] for key in ("ci_low", "ci_high", "p", "p_adjusted", "mde", "relative")} == {None}
            else:
                assert c["p"] is not None
    page = (found / "report.html").read_text(encoding="utf-8")
    assert all(app in page for app in ("Brindle Bank", "Mapleway"))
    assert page.count("9 rows, few") == 2
    text = (found / "report.md").read_text(encoding="utf-8")
    assert "| Larkmail | 9, few |" in text
    assert "adjusted for being one of 4 slices" in text


def test_no_difference_of_a_slice_is_larger_than_the_metric_can_be(tmp_path: Path) -> None:
    found = json.loads((report(tmp_path, rows=40) / "results.json").read_text(encoding="utf-8"))
    ends = [
        abs(c[end])
        for part in found["slices"]
        for name, c in {**part["metrics"], "order_accuracy": part["comparison"]}.items()
        for end in ("ci_low", "ci_high")
        if c[end] is not None and found["metrics"][name]["high"] == 1 and found["metrics"][name]["low"] == 0
    ]
    assert len(ends) > 20
    assert max(ends) <= 1


def test_rows_that_were_too_long_are_counted_as_dropped(tmp_path: Path) -> None:
    inputs = fake_run(tmp_path / "stages")
    before = _data_of(inputs, tmp_path / "before")
    statistics = json.loads((inputs["tokenise"] / "statistics.json").read_text())
    statistics["overflow"] = [{"id": "x", "split": "train", "tokens": 400, "kept": 0, "lost": "the whole row"}]
    (inputs["tokenise"] / "statistics.json").write_text(json.dumps(statistics))
    after = _data_of(inputs, tmp_path / "after")
    assert after["dropped"]["longer than training.sequence_len"] == 1
    assert after["rows_kept"] == before["rows_kept"] - 1
    assert after["splits"]["train"] == before["splits"]["train"] - 1
    assert after["rows_in"] == after["rows_kept"] + sum(after["dropped"].values())


def _data_of(inputs: Mapping[str, Path], out: Path) -> dict[str, Any]:
    out.mkdir()
    write_report(inputs, CONFIG, "abc123def456", out)
    return dict(json.loads((out / "results.json").read_text(encoding="utf-8"))["data"])


def test_the_config_of_the_stage_holds_no_path() -> None:
    data = {
        "name": "n",
        "data": {"sources": [{"path": "/home/me/rows.jsonl", "format": "messages"}]},
        "preprocessing": ["lowercase", {"strip_punctuation": {"fields": ["prompt"]}}],
        "training": {"lora": {"r": 16}, "method": "qlora"},
        "expect": {"order_accuracy.delta": "> 0"},
    }
    config = _config(data)
    assert "/home" not in json.dumps(config)
    assert config["training.lora.r"] == 16
    assert config["expect.order_accuracy.delta"] == "> 0"
    elsewhere = {**data, "data": {"sources": [{"path": "/other/rows.jsonl", "format": "messages"}]}}
    assert _config(elsewhere) == config


def test_steps_are_matched_crossing_extra_or_missing() -> None:
    detail = {
        "output_steps": ["b", "a", "x", "d"],
        "reference_steps": ["a", "b", "c", "d"],
        "pairs": [[0, 1, 0.9], [1, 0, 0.8], [3, 3, 1.0]],
    }
    found = align(detail)
    assert found is not None
    fates = {step.text: (step.fate, step.target) for step in found.steps}
    assert fates["x"] == ("extra", None)
    assert fates["d"] == ("matched", 4)
    assert sorted(fates[s][0] for s in "ab") == ["crossing", "matched"]
    assert found.missing == ((3, "c"),)
    assert align({}) is None


@given(st.lists(st.floats(0, 1), min_size=1, max_size=40))
def test_no_row_is_an_example_twice(values: list[float]) -> None:
    samples = [Sample(f"r{i:02d}", arm, "t", "o") for i in range(len(values)) for arm in ("base", "tuned")]
    scores = [Score(f"r{i:02d}", "tuned", {"m": value}) for i, value in enumerate(values)]
    scores += [Score(f"r{i:02d}", "base", {"m": 0.5}) for i in range(len(values))]
    groups = choose(samples, scores, "m", ["base", "tuned"])
    ids = [example.id for group in groups for example in group.examples]
    assert len(ids) == len(set(ids))
    gains = [example.difference or 0.0 for example in groups[0].examples]
    assert gains == sorted(gains, reverse=True)


def test_where_lower_is_better_a_fall_is_a_gain() -> None:
    samples = [Sample("r", arm, "t", "o") for arm in ("base", "tuned")]
    scores = [Score("r", "base", {"m": 0.9}), Score("r", "tuned", {"m": 0.1})]
    groups = choose(samples, scores, "m", ["base", "tuned"], lower_is_better=True)
    assert [len(group.examples) for group in groups[:2]] == [1, 0]


@given(st.text())
def test_text_is_made_harmless_but_never_lost(text: str) -> None:
    clean = shown(text, limit=10_000)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069\ud800-\udfff]", clean)
    assert clean.encode("utf-8").decode("utf-8") == clean
    assert "\n" not in cell(text)
    assert "<" not in cell(text)


@given(st.text(alphabet="`~a\n ", max_size=40))
def test_no_text_closes_its_own_fence(text: str) -> None:
    first, *body, last = fenced(text).split("\n")
    assert first == last + "text"
    assert last not in body


def test_ticks_are_round_and_within() -> None:
    assert ticks(0.0, 1.0) == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    assert all(-0.13 <= mark <= 0.82 for mark in ticks(-0.13, 0.82))


def test_charts_of_nothing_do_not_fail() -> None:
    assert loss_curve([]) is None
    assert "0 rows" in histogram([])
    assert loss_curve([{"step": 1, "loss": 2.0}]) is not None


def losses(*checks: float, final: float = 1.0, epochs: float = 2) -> list[dict[str, float]]:
    curve: list[dict[str, float]] = [{"step": 10 * i, "eval_loss": loss} for i, loss in enumerate(checks, 1)]
    return [*curve, {"step": 10 * len(checks), "epoch": epochs, "loss": final}]


def test_the_curves_are_read_in_one_sentence() -> None:
    assert reading(losses(2.0, 1.5, 1.8)).startswith("Overfitting: validation loss was lowest at step 20")
    assert "still falling" in reading(losses(2.0, 1.7, 1.5))
    assert reading(losses(2.0, 1.500, 1.499)).startswith("No overfitting")
    assert "did not move" in reading(losses(2.0, 2.001, 2.002))
    assert "memorising" in reading(losses(2.0, 1.5, 1.5, final=0.02, epochs=5))
    assert "cannot be diagnosed" in reading(losses(2.0))
    assert "cannot be diagnosed" in reading([])


def _copy_arm(file: Path, source: str, target: str) -> None:
    scores = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    kept = [score for score in scores if score["arm"] != target]
    kept += [{**score, "arm": target} for score in scores if score["arm"] == source]
    file.write_text("".join(json.dumps(score) + "\n" for score in kept), encoding="utf-8")


def test_rows_of_one_cluster_are_drawn_together(made: Path, tmp_path: Path) -> None:
    plain = json.loads((made / "results.json").read_text(encoding="utf-8"))
    out = report(tmp_path, {**CONFIG, "evaluation.cluster_by": "category"})
    clustered = json.loads((out / "results.json").read_text(encoding="utf-8"))
    methods = [r["metrics"]["order_accuracy"]["comparisons"][0]["method"] for r in (plain, clustered)]
    assert "by cluster" not in methods[0]
    assert "by cluster" in methods[1]
    assert plain["verdict"]["outcome"] == "better"
    assert clustered["verdict"]["outcome"] == "cannot_tell"  # four clusters: no sign pattern can reach p < 0.05


def test_the_stage_of_a_real_recipe_needs_every_arm_and_every_evaluator() -> None:
    from resep.paths import data_folder
    from resep.recipe import load

    planned = stage(load(data_folder("recipes") / "quickstart.yaml"))
    assert planned.needs["generate:base@native-template"] == ("samples.jsonl", "arm.json")
    assert planned.needs["evaluate:order_accuracy"] == ("scores.jsonl", "raw_scores.jsonl", "metrics.json")
    assert planned.config["evaluation.primary"] == "order_accuracy"


def test_the_interval_of_a_mean_stays_where_the_metric_can_be() -> None:
    metric = Metric("accuracy", "higher", low=0, high=1)
    values = {"accuracy": {"tuned": {"a": 0.0, "b": 0.0, "c": 0.2}}}
    scored = Scored("order", "order|1", (metric,), values, values, {}, ())
    found = describe([scored], {"tuned": {"rows": 3}}, {"accuracy": []}, "accuracy")["accuracy"]["arms"]["tuned"]
    assert found["ci_low"] == 0.0
    assert 0.2 < found["ci_high"] < 1.0
