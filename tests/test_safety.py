"""docs/safety.md, line by line: what a stranger's recipe cannot do, each line refused or contained."""

import json
import re
import sys
import time
from pathlib import Path

import pytest

from resep import cli, plugins
from resep.document import parse
from resep.document.writer import dump_yaml
from resep.errors import Problem, RecipeError, ResepError, StageError
from resep.models import foreign
from resep.paths import data_folder
from resep.plugins.trust import agree, trust
from resep.printable import on_one_line, printable
from resep.problems import format_problem
from resep.process import run_child
from resep.recipe import Recipe, axolotl_options, load, pass_through
from resep.stages import prepare
from resep.stages.chat_template import chat_template
from resep.stages.train.work import with_real_paths
from resep.templates.budget import ALLOWANCE
from resep.templates.rendering import Marks, compile_template, render
from resep.terminal import reporting
from tests.conftest import Golden
from tests.recipe_texts import SMALLEST, write_recipe

Captured = pytest.CaptureFixture[str]
ROW = json.dumps({"prompt": "how", "response": ["open"]}) + "\n"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of this person's, outside the recipe's folder."""
    (tmp_path / "private").mkdir()
    path = tmp_path / "private" / "secret.jsonl"
    path.write_text(ROW)
    return path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a stranger's recipe, which is also the current one."""
    path = tmp_path / "stranger"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


def _refusal(folder: Path, text: str) -> str:
    with pytest.raises(RecipeError) as error:
        load(write_recipe(folder, text))
    return str(error.value)


# YAML


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:os.system [id]",
        "!!python/name:os.system",
        "!include /etc/passwd",
        "!!binary aGk=",
        "!x y",
    ],
)
def test_yaml_tags_are_refused(folder: Path, value: str) -> None:
    assert "refused: a recipe is data" in _refusal(folder, SMALLEST + f"description: {value}\n")


def test_anchors_that_unfold_into_millions_are_refused_at_once(folder: Path) -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    started = time.process_time()
    assert "without anchors" in _refusal(folder, SMALLEST + bomb)
    assert time.process_time() - started < 5


def test_a_dotted_name_imports_nothing(folder: Path) -> None:
    text = SMALLEST.replace("exact_match: {}", "os.system: {}")
    assert "there is no evaluator 'os.system'" in _refusal(folder, text)
    text = SMALLEST + "training: {trainer: my.module.Trainer}\n"
    assert "training.trainer" in _refusal(folder, text)


@pytest.mark.parametrize("name", ["../../evil", "..", ".store", "a/b", "x\\n", "con:1", "", "a" * 101, "~"])
def test_a_name_is_no_path(folder: Path, name: str) -> None:
    assert "name" in _refusal(folder, SMALLEST.replace("name: smallest", f'name: "{name}"'))


@pytest.mark.parametrize("name", ["../exact_match", "/tmp/x", "a.b", "exact_match.py", "x y", "__init__"])
def test_a_plug_in_is_named_and_not_pointed_at(folder: Path, name: str) -> None:
    assert "there is no evaluator" in _refusal(folder, SMALLEST.replace("exact_match: {}", f"'{name}': {{}}"))


def test_the_environment_is_not_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARMLESS", "rows")
    assert "HARMLESS" in _refusal(folder, SMALLEST.replace("rows.jsonl", "${env:HARMLESS}.jsonl"))
    assert load(write_recipe(folder, SMALLEST + "description: ${env:HOME} $HOME\n"))["description"].startswith("${env")


# Files


@pytest.mark.parametrize(
    "path", ["../private/secret.jsonl", "/etc/passwd", "~/x.jsonl", "a/../../x.jsonl", "C:/x.jsonl"]
)
def test_data_and_templates_stay_below_the_recipe(folder: Path, path: str) -> None:
    assert "data.sources[0].path" in _refusal(folder, SMALLEST.replace("rows.jsonl", path))
    assert "chat_template" in _refusal(folder, SMALLEST + f"prompt: {{chat_template: {path}.jinja}}\n")


def _linked(folder: Path, secret: Path) -> Recipe:
    (folder / "sub").symlink_to(secret.parent)
    (folder / "rows.jsonl").symlink_to(secret)
    (secret.parent / "mine.jinja").write_text("x")
    return load(write_recipe(folder, SMALLEST + "prompt: {chat_template: sub/mine.jinja}\n"))


def test_a_link_that_leads_out_of_the_folder_is_not_followed(folder: Path, secret: Path) -> None:
    recipe = _linked(folder, secret)
    with pytest.raises(ResepError, match="through a link"):
        prepare.stage(recipe)
    with pytest.raises(ResepError, match="through a link"):
        chat_template(recipe)


def test_a_model_that_is_a_link_out_of_the_folder_is_not_followed(folder: Path, secret: Path) -> None:
    (folder / "model").symlink_to(secret.parent)
    recipe = load(write_recipe(folder, SMALLEST.replace("smollm2-135m-instruct", "./model")))
    with pytest.raises(ResepError, match="through a link"):
        recipe.locate("model.base")


def test_a_path_typed_by_the_person_may_be_anywhere(folder: Path, secret: Path) -> None:
    recipe = load(write_recipe(folder), [f"data.sources[0].path={secret}"])
    assert recipe.locate("data.sources[0].path") == secret


# Templates

GROWING = [
    "'x'|center(10**9)",
    "'x'.center(10**9)",
    "'x'.ljust(999999999)",
    "'%999999999d' % 1",
    "'%*d' % (999999999, 1)",
    "'{:>999999999}'.format(1)",
    "'{:{w}}'.format(1, w='999999999')",
    "'{:>999999999}'.format_map({})",
    "[[1]]|tojson(indent=999999999)",
    "[1]|tojson(separators=('x' * 9999, ''))",
    "big.replace('x', big)",
    "big|replace('', big)",
    "big.join(big)",
    "big|join(big)",
    "big.translate({120: big})",
    "('\t' * 9999).expandtabs(9999)",
    "('\n' * 9999)|indent(9999)",
    "[big] * 9999",
    "[[1] * 9999] * 9999",
    "([[1] * 9999] * 99)|sum(start=[])",
    "big.encode().center(9999)",
    "dict.fromkeys(range(9999), big)",
    "messages|batch(999999999, 'x')|list",
    "range(10**9)",
    "10**99",
]
DOUBLING = [
    "ns.x ~ ns.x",
    "ns.x + ns.x",
    "ns.x * 2",
    "[ns.x, ns.x]|join",
    "ns.x|replace('x', 'xx')",
    "ns.x.replace('x', 'xx')",
    "ns.x.join([ns.x, ns.x, ns.x])",
    "[ns.x, ns.x]",
    "(ns.x, ns.x)",
    "{'a': ns.x, 'b': ns.x}",
    "dict(a=ns.x, b=ns.x)",
    "ns.n * ns.n",
]
RUNNING = {
    "its loops ran": "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
    "its calls ran": "{% macro f(n) %}{% if n %}{{ f(n-1) }}{{ f(n-1) }}{% endif %}{% endmacro %}{{ f(60) }}",
    "it handled": "{% set x %}{% for i in range(9999) %}" + "y" * 100_000 + "{% endfor %}{% endset %}",
    "it rendered": "{% for i in range(9999) %}" + "y" * 1_000 + "{% endfor %}",
    "a value of more": "{% set ns = namespace(x='xx') %}{% for i in range(60) %}{% set ns.x %}{{ ns.x }}{{ ns.x }}"
    "{% endset %}{% endfor %}",
}
REACHING = [
    "''.__class__.__mro__[1].__subclasses__()",
    "cycler.__init__.__globals__.os.popen('id').read()",
    "self.__init__.__globals__",
    "messages.append(1)",
    "messages[0].update(role='system')",
    "'{0.__class__}'.format(1)",
    "raise_exception.__globals__.os",
    "([messages]|map(attribute='append')|first)(1)",
    "lipsum.__globals__",
    "dict.mro()",
]


def _render(source: str) -> str:
    template = compile_template("stranger.jinja", source)
    return render(template, [{"role": "user", "content": "hello"}], {}, Marks("{", "}"), generation_prompt=True)


@pytest.mark.parametrize("expression", [*GROWING, *REACHING])
def test_an_expression_that_would_fill_the_memory_or_reach_python_is_refused(expression: str) -> None:
    with pytest.raises(ResepError, match=r"stranger\.jinja"):
        _render("{% set big = 'x' * 9999 %}{{ " + expression + " }}")


@pytest.mark.parametrize("expression", DOUBLING)
def test_a_value_that_doubles_is_stopped(expression: str) -> None:
    target = "n" if "ns.n" in expression else "x"
    start = "{% set ns = namespace(x='xx', n=9) %}{% for i in range(99) %}"
    with pytest.raises(ResepError, match="refused"):
        _render(f"{start}{{% set ns.{target} = {expression} %}}{{% endfor %}}")


@pytest.mark.parametrize(("message", "source"), RUNNING.items())
def test_a_template_that_goes_on_is_stopped(message: str, source: str) -> None:
    with pytest.raises(ResepError, match=message):
        _render(source)


def test_a_template_stops_after_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resep.templates.budget.MAX_SECONDS", 0.05)
    with pytest.raises(ResepError, match=r"it took more than 0\.05 seconds"):
        _render("{% set big = 'x' * 99999 %}{% for i in range(9999) %}{{ '' if big.count('xxxxxxy') }}{% endfor %}")


@pytest.mark.parametrize("variable", ["_passes", "_marks", "_budget", "messages", "namespace", "loop", "range"])
def test_no_variable_of_a_template_switches_its_limits_off(variable: str) -> None:
    source = f"{{% set {variable} = namespace(spend=joiner(), pay=joiner()) %}}" + RUNNING["its loops ran"]
    if variable == "range":
        source = source.replace("range(9999)", "'x' * 9999")
    with pytest.raises(ResepError, match="its loops ran"):
        _render(source)


@pytest.mark.parametrize(
    "source",
    [
        "{% include '/etc/passwd' %}",
        "{% import 'os' as os %}",
        "{% extends '/etc/passwd' %}",
        "{% do messages.append(1) %}",
        "{% break %}",
        "{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}",
        "{% for i in [1] %}" * 40 + "{% endfor %}" * 40,
        "x" * 300_000,
    ],
)
def test_a_template_that_cannot_be_compiled_is_the_templates_fault(source: str) -> None:
    with pytest.raises(ResepError, match=r"stranger\.jinja"):
        _render(source)


def test_an_honest_template_renders_a_conversation_as_long_as_a_book() -> None:
    template = compile_template("honest", "{% for m in messages %}{{ m.content | trim ~ '\n' }}{% endfor %}")
    messages = [{"role": "user", "content": f"{n} " * 5_000} for n in range(20)]
    rendered = render(template, messages, {}, Marks("{", "}"), generation_prompt=False)
    assert len(rendered) > 2 * ALLOWANCE


# Options of Axolotl that are passed through


def test_every_option_of_axolotl_was_judged_and_stands_in_one_class() -> None:
    schema = json.loads((data_folder("schemas") / pass_through.SCHEMA).read_text(encoding="utf-8"))["properties"]
    classes = [*axolotl_options.OWNED.values(), *axolotl_options.REFUSED.values(), axolotl_options.HARMLESS]
    judged = [option for options in classes for option in options.split()]
    assert len(schema) == 390
    assert sorted(judged) == sorted(schema)
    assert set(axolotl_options.HARMLESS.split()) >= axolotl_options.PATTERNS


@pytest.mark.parametrize(
    "option", [option for options in axolotl_options.REFUSED.values() for option in options.split()]
)
def test_a_dangerous_option_is_refused_with_its_reason(option: str) -> None:
    ((_, message),) = pass_through.check({option: True})
    assert "a recipe cannot set it: it " in message


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("flex_attn_compile_kwargs", {"options": {"cpp.cxx": ["./evil"]}}),  # the compiler that torch starts
        ("attn_implementation", "stranger/kernel"),
        ("attn_implementation", "stranger_kernel"),
        ("optim_args", "path=/etc/passwd"),
        ("lr_scheduler_kwargs", {"x": ["http://host/x"]}),
        ("max_memory", {"~/x": 1}),
        ("lisa_layers_attribute", "__class__.__init__.__globals__"),
        ("lora_rank_pattern", {"(a+)+$": 1}),
        ("unfrozen_parameters", ["(x|xx)*y"]),
        ("peft_init_lora_weights", "x" * 300),
    ],
)
def test_a_harmless_option_with_a_harmful_text_is_refused(option: str, value: object) -> None:
    ((key, message),) = pass_through.check({option: value})
    assert key == option
    assert message


def test_an_option_that_nobody_has_judged_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pass_through, "HARMLESS", "")
    ((_, message),) = pass_through.check({"neftune_noise_alpha": 5})
    assert "nobody has looked at what it can do" in message


@pytest.mark.parametrize(
    "options",
    [
        {"unfrozen_parameters": [r"model\.layers\.(2[0-9]|3[01])\..*mlp.*"]},
        {"lora_rank_pattern": {"q_proj": 8}},
        {"attn_implementation": "sdpa"},
        {"peft_init_lora_weights": "pissa"},
    ],
)
def test_ordinary_options_pass(options: dict[str, object]) -> None:
    assert pass_through.check(options) == []


# Code beside a recipe

CODE = '''"""Leaves a mark when it is executed."""

from pathlib import Path

Path("{mark}").touch()


def transform_text(text: str) -> str:
    return text
'''


@pytest.fixture
def coded(folder: Path, tmp_path: Path) -> tuple[Path, Path]:
    """A recipe with a plug-in beside it, and the file that appears when the plug-in is executed."""
    mark = tmp_path / "executed"
    (folder / "preprocessing").mkdir()
    (folder / "preprocessing" / "mine.py").write_text(CODE.format(mark=mark))
    (folder / "rows.jsonl").write_text("".join(ROW.replace("how", f"how {n}") for n in range(40)))
    write_recipe(folder, SMALLEST + "preprocessing: [mine]\n")
    return folder / "preprocessing" / "mine.py", mark


@pytest.mark.parametrize("command", ["check", "plan", "explain", "list", "schema"])
def test_reading_a_recipe_executes_nothing_of_it(coded: tuple[Path, Path], command: str, capsys: Captured) -> None:
    arguments = [command] if command in ("list", "schema") else [command, "recipe.yaml"]
    assert cli.main(arguments) == 0, capsys.readouterr().err
    assert not coded[1].exists()


def test_a_run_asks_first_and_asks_again_when_the_text_has_changed(coded: tuple[Path, Path], capsys: Captured) -> None:
    plugin, mark = coded
    run = ["run", "recipe.yaml", "--until", "prepare"]
    assert cli.main(run) == 2
    assert not mark.exists()
    assert cli.main([*run, "--trust", str(plugin)]) == 0
    assert mark.exists()
    mark.unlink()
    plugin.write_text(plugin.read_text() + "# changed\n")
    assert cli.main(run) == 2
    assert not mark.exists()
    assert "brings code of its own" in capsys.readouterr().err


def test_code_is_never_opened_without_an_agreement_whoever_asks(coded: tuple[Path, Path]) -> None:
    plugin, mark = coded
    with pytest.raises(ResepError, match="runs only if you say so"):
        plugins.open_plugin(plugin)
    assert not mark.exists()


def test_what_is_executed_is_what_was_hashed(coded: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """The file changes after it was judged and before it is run: by a clever program, or in an unlucky moment."""
    plugin, mark = coded
    trust(plugin)
    agreed = plugins.content_hash(plugin)
    read = Path.read_bytes

    def changed_after(path: Path) -> bytes:
        raw = read(path)
        if path == plugin:
            plugin.write_bytes(raw.replace(b"return text", b"return 'evil'"))
        return raw

    monkeypatch.setattr(Path, "read_bytes", changed_after)
    module = plugins.open_plugin(plugin)
    assert module.transform_text("good") == "good"
    assert mark.exists()
    assert agreed[:12] in module.__name__


def test_a_process_opens_only_the_text_that_it_was_told_of(coded: tuple[Path, Path]) -> None:
    plugin, mark = coded
    before = plugins.content_hash(plugin)
    plugin.write_text(plugin.read_text() + "# agreed to as well, but not what this run began with\n")
    trust(plugin)
    plugins.pin({plugin: before})
    with pytest.raises(ResepError, match="has changed since this run began"):
        plugins.open_plugin(plugin)
    assert not mark.exists()


def test_outputs_are_not_scored_with_code_that_nobody_agreed_to(folder: Path, tmp_path: Path, capsys: Captured) -> None:
    mark = tmp_path / "executed"
    (folder / "evaluators").mkdir()
    evaluator = folder / "evaluators" / "mine.py"
    evaluator.write_text(
        f'"""Mine."""\nfrom pathlib import Path\nfrom resep import Metric, Score\nPath("{mark}").touch()\n'
        'METRICS = (Metric("mine", direction="higher"),)\n\n'
        "def evaluate(samples, context):\n    return (Score(s.id, s.arm, {'mine': 1.0}) for s in samples)\n"
    )
    (folder / "s.jsonl").write_text('{"id": "1", "output": "a", "target": "a"}\n')
    assert cli.main(["score", "s.jsonl", "--with", "mine"]) == 2
    assert "runs only if you say so" in capsys.readouterr().err
    assert not mark.exists()
    assert cli.main(["score", "s.jsonl", "--with", "mine", "--trust", str(evaluator)]) == 0
    assert mark.exists()


# Models


@pytest.fixture
def model(folder: Path) -> Path:
    """A model's folder that brings code of its own."""
    path = folder / "model"
    path.mkdir()
    (path / "model.safetensors").touch()
    (path / "modeling_odd.py").write_text("class Odd: ...\n")
    config = {"model_type": "odd", "auto_map": {"AutoModelForCausalLM": "modeling_odd.Odd"}}
    (path / "config.json").write_text(json.dumps(config))
    return path


def test_code_of_a_model_runs_only_where_the_person_agreed_to_exactly_this_text(model: Path) -> None:
    assert not foreign.may_run_code(model)
    assert [file.name for file in foreign.agree_to_code(model)] == ["modeling_odd.py"]
    assert foreign.may_run_code(model)
    (model / "modeling_odd.py").write_text("class Odd: ... # changed\n")
    assert not foreign.may_run_code(model)
    (model / "modeling_odd.py").write_text("class Odd: ...\n")
    assert foreign.may_run_code(model)
    (model / "more.py").touch()
    assert not foreign.may_run_code(model)


def test_code_of_another_repository_is_never_run(model: Path) -> None:
    (model / "tokenizer_config.json").write_text('{"auto_map": {"AutoTokenizer": ["other/repo--tok.Tok", null]}}')
    foreign.agree_to_code(model)
    with pytest.raises(ResepError, match="code of another repository"):
        foreign.may_run_code(model)


def test_axolotl_is_told_of_the_agreement_and_of_nothing_else(model: Path, tmp_path: Path) -> None:
    assert "trust_remote_code" not in with_real_paths({}, model, tmp_path, tmp_path)
    foreign.agree_to_code(model)
    assert with_real_paths({}, model, tmp_path, tmp_path)["trust_remote_code"] is True


@pytest.mark.parametrize("weights", ["pytorch_model.bin", "model.pt", "other.safetensors", "consolidated.00.pth"])
def test_pickled_weights_are_not_read(model: Path, weights: str) -> None:
    (model / "model.safetensors").rename(model / weights)
    with pytest.raises(ResepError, match="are pickles, which can run code and are not read"):
        foreign.require_safetensors(model)


@pytest.mark.slow
def test_a_model_of_an_unknown_kind_is_refused_with_the_reason_and_its_code_not_run(
    model: Path, tmp_path: Path
) -> None:
    """Through the child that loads weights: transformers knows no such model, and would run what came with it."""
    mark = tmp_path / "executed"
    (model / "modeling_odd.py").write_text(f"open({str(mark)!r}, 'w')\nclass Odd: ...\n")
    (model / "configuration_odd.py").write_text(f"open({str(mark)!r}, 'w')\nclass OddConfig: ...\n")
    config = {"model_type": "odd", "auto_map": {"AutoConfig": "configuration_odd.OddConfig"}}
    (model / "config.json").write_text(json.dumps(config))
    code = (
        "from pathlib import Path; from resep.generation.loading import load_model; "
        f"load_model(Path({str(model)!r}), {{'dtype': 'float32', 'four_bit': False, 'dequantise': False}}, 'cpu')"
    )
    command = [sys.executable, "-c", code]
    with pytest.raises(StageError, match="--trust-remote-code"):
        run_child(command, name="generate", folder=tmp_path / "work", emit=print)
    assert not mark.exists()
    foreign.agree_to_code(model)
    with pytest.raises(StageError):  # the code is run now, and is no model
        run_child(command, name="generate", folder=tmp_path / "work", emit=print)
    assert mark.exists()


# What is printed and written

EVIL = "\x1b[2J\x1b]0;owned\x07 \u202e reversed [bold]loud[/bold] </script><b>"


def test_no_text_of_a_stranger_moves_the_cursor_or_reorders_words() -> None:
    shown = printable(EVIL + "\u2028\x85\ud800")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\ud800]", shown)
    assert on_one_line("a\nprepare  done") == "a prepare  done"
    assert printable("बुडी 👩‍💻 é") == "बुडी 👩‍💻 é"


def test_problems_errors_and_events_are_printed_plainly(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    assert "\x1b" not in format_problem(Problem(EVIL, 1, 1, EVIL, EVIL, source=EVIL))

    def fail(_: list[str]) -> int:
        raise ResepError(EVIL)

    monkeypatch.setattr(cli, "_dispatch", fail)
    assert cli.main([]) == 2
    with reporting() as emit:
        emit({"event": "stage", "name": EVIL, "reuse": False, "reason": f"{EVIL}\nprepare  done"})
        emit({"event": "progress", "done": 1, "total": 2, "message": EVIL})
        emit({"event": "warning", "message": EVIL})
        emit({"event": "finished", "name": EVIL})
    shown = capsys.readouterr().err
    assert folder.is_dir()
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[bold]loud[/bold]" in shown
    assert not any(line.startswith("prepare") for line in shown.splitlines())


def test_a_row_in_an_error_does_not_write_on_the_terminal(folder: Path, capsys: Captured) -> None:
    (folder / "rows.jsonl").write_text('{"prompt": "a", "response": "b"}\n{"prompt": "\x1b[2J, "response": 1}\n')
    write_recipe(folder)
    assert cli.main(["run", "recipe.yaml", "--until", "prepare"]) == 1
    assert "\x1b" not in capsys.readouterr().err


@pytest.mark.parametrize("text", [EVIL, "- x: y", "#", "null", "'", '"\n---\n', "a: b\n", "!!python/x", "*a", "1e5"])
def test_no_text_escapes_the_yaml_that_it_is_written_into(text: str) -> None:
    document = parse(dump_yaml({"name": text, "list": [text]}), "x.yaml")
    assert document.data == {"name": text, "list": [text]}


# The plan


LOCAL = "prompt: {chat_template: mine.jinja}\ngeneration: {arms: [base, tuned]}\n"


def test_the_plan_says_all_that_a_recipe_reads_writes_downloads_and_executes(
    coded: tuple[Path, Path], model: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    folder = model.parent
    monkeypatch.setenv("RESEP_CACHE", str(folder / "empty"))
    (folder / "mine.jinja").write_text("{{ messages[0].content }}")
    (folder / "base.yaml").write_text("seed: 7\n")
    text = SMALLEST.replace("smollm2-135m-instruct", "./model").replace(
        "    exact_match: {}\n", "    exact_match: {}\n    bertscore: {encoder: all-minilm-l6-v2}\n"
    )
    write_recipe(folder, text + "extends: base.yaml\npreprocessing: [mine]\n" + LOCAL)
    assert cli.main(["plan", "recipe.yaml"]) == 0, capsys.readouterr().err
    asked = _capabilities(capsys)
    trust(coded[0])
    foreign.agree_to_code(model)
    assert cli.main(["plan", "recipe.yaml"]) == 0
    golden("plan_capabilities.txt", f"{asked}\n{_capabilities(capsys)}".replace(str(folder), "FOLDER"))
    assert not coded[1].exists()


def _capabilities(capsys: Captured) -> str:
    shown = capsys.readouterr().out.splitlines(keepends=True)
    return "".join(line for line in shown if line.startswith(("reads", "writes", "executes")))


def test_an_agreement_is_kept_for_one_content_and_no_other(tmp_path: Path) -> None:
    agree("0" * 64, tmp_path)
    assert not foreign.may_run_code(tmp_path)
