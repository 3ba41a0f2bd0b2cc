import argparse
import io
import json
from pathlib import Path

from ralex.commands import models


def run(tmp_path: Path, *argv: str, **environ: str) -> tuple[int, str, str]:
    parser = argparse.ArgumentParser()
    models.add_arguments(parser)
    out, err = io.StringIO(), io.StringIO()
    code = models.run(
        parser.parse_args(argv),
        cwd=tmp_path,
        environ={"RALEX_HOME": str(tmp_path), **environ},
        stdout=out,
        stderr=err,
    )
    return code, out.getvalue(), err.getvalue()


def test_the_table_shows_price_window_tiers_and_keys(tmp_path: Path) -> None:
    code, out, err = run(tmp_path, OPENAI_API_KEY="sk-x")
    assert (code, err) == (0, "")
    mini = next(line for line in out.splitlines() if line.startswith("openai/gpt-5.4-mini "))
    assert mini.split() == ["openai/gpt-5.4-mini", "400k", "0.75", "4.5", "SIMPLE", "MEDIUM", "set"]
    opus = next(line for line in out.splitlines() if line.startswith("anthropic/claude-opus-4-8"))
    assert opus.split()[-1] == "–"
    assert "sk-x" not in out


def test_it_works_without_any_key(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path)
    assert code == 0
    assert "openrouter/deepseek/deepseek-v4-flash" in out


def test_only_usable_models_can_be_asked_for(tmp_path: Path) -> None:
    _, out, _ = run(tmp_path, "--usable", MISTRAL_API_KEY="k")
    rows = out.split("\n\n")[0].splitlines()[1:]
    assert rows
    assert all(row.startswith("mistral/") for row in rows)


def test_an_unknown_price_is_unknown_not_zero(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[models."openai/mine"]\ncontext_window = 1000\n')
    _, out, _ = run(tmp_path, OPENAI_API_KEY="k")
    row = next(line for line in out.splitlines() if line.startswith("openai/mine"))
    assert row.split()[1:4] == ["1k", "unknown", "unknown"]


def test_json_gives_prices_as_decimal_strings(tmp_path: Path) -> None:
    code, out, _ = run(tmp_path, "--json", OPENAI_API_KEY="sk-x")
    assert code == 0
    entries = {entry["id"]: entry for entry in json.loads(out)}
    mini = entries["openai/gpt-5.4-mini"]
    assert mini["price"] == {
        "input": "0.75",
        "output": "4.5",
        "cache_read": "0.075",
        "cache_write": None,
    }
    assert (mini["tiers"], mini["usable"], mini["key_set"]) == (["SIMPLE", "MEDIUM"], True, True)
    assert entries["deepseek/deepseek-v4-flash"]["has_other_prices"]
    assert entries["anthropic/claude-sonnet-4-5"]["retires"] == "2026-11-30"
    assert "sk-x" not in out


def test_another_routers_tiers_can_be_shown(tmp_path: Path) -> None:
    _, out, _ = run(tmp_path, "--router", "frontier", OPENAI_API_KEY="k")
    row = next(line for line in out.splitlines() if line.startswith("openai/gpt-5.5 "))
    assert "COMPLEX (REASONING)" in row


def test_what_whole_tasks_cost_is_shown_and_who_is_beaten_is_marked(tmp_path: Path) -> None:
    _, out, _ = run(tmp_path, OPENAI_API_KEY="k")
    lines = {line.split()[0]: line.split() for line in out.splitlines() if line}
    assert "54%↓" in lines["gemini/gemini-2.5-pro"]
    assert "0.288" in lines["gemini/gemini-2.5-pro"]
    assert "74%" in lines["anthropic/claude-opus-4-5"]
    assert "%" not in "".join(lines["openai/gpt-5.5"]), "an unmeasured model shows nothing"
    assert "500 tasks of SWE-bench Verified" in out

    _, out, _ = run(tmp_path, "--json", OPENAI_API_KEY="k")
    entries = {entry["id"]: entry["measured"] for entry in json.loads(out)}
    beaten = entries["gemini/gemini-2.5-pro"]
    assert (beaten["success"], beaten["usd_per_task"]) == ("0.536", "0.288")
    assert beaten["beaten_by"] == "openrouter/deepseek/deepseek-v3.2"
    assert entries["openai/gpt-5.5"] is None
