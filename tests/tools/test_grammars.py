"""The check after a change that tree-sitter makes: what is noticed, and above all what is not."""

import json
import sys
import tracemalloc
from collections import Counter
from pathlib import PurePath
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.tools.grammars import BUDGET_S, MAX_CHARACTERS, fault_in
from ralex.tools.syntax import note_on_syntax
from tests.conftest import SHARED

PLENTY_S = 60
GOOD = {
    "a.js": "const f = (x) => <b>{x}</b>;\nexport { f };\n",
    "a.jsx": "const f = (x) => <b style={{ a: 1 }}>{x}</b>;\n",
    "a.mjs": "export const f = async () => `a${await g()}`;\n",
    "a.cjs": "module.exports = { f: /[({]/ };\n",
    "a.ts": "export const f = (x: number): string => `${x}`;\n",
    "a.mts": "export type F<T> = { [K in keyof T]: T[K] };\n",
    "a.cts": "enum E { A = '{' }\n",
    "a.tsx": "export const F = (p: { a: string }) => <b>{p.a}</b>;\n",
    "a.go": "package a\n\nfunc f(x int) string {\n\treturn `{`\n}\n",
    "a.rs": "fn f<'a>(x: &'a str) -> char {\n    '{'\n}\n",
    "a.java": 'class A {\n    String f() { return "{"; }\n}\n',
    "a.c": "int f(void) {\n    return '{';\n}\n",
    "a.h": "class A {\n  int f() const { return 1; }\n};\n",
    "a.cpp": "namespace a {\nauto f = [](int x) { return x; };\n}\n",
    "a.hpp": "#pragma once\ntemplate <typename T> struct A { T x; };\n",
    "a.sh": '#!/bin/sh\nif [ -n "$1" ]; then\n  echo "${1}"\nfi\n',
    "a.bash": "case $1 in\n  a) f ;;\nesac\n",
    "a.rb": 'def f(x)\n  "#{x}"\nend\n',
    "a.php": '<p><?php function f($x) { return "{$x}"; } ?></p>\n',
    "a.cs": 'class A {\n    string F(int x) => $"{x}";\n}\n',
    "a.css": "a {\n  color: red;\n}\n",
}
BROKEN = {
    "a.js": GOOD["a.js"].replace(";\n", "}\n", 1),
    "a.jsx": GOOD["a.jsx"].replace("}}", "}"),
    "a.mjs": GOOD["a.mjs"].replace("()}`", "()`"),
    "a.cjs": GOOD["a.cjs"].replace("};", ";"),
    "a.ts": GOOD["a.ts"].replace("}`", "`"),
    "a.mts": GOOD["a.mts"].replace("};", ";"),
    "a.cts": GOOD["a.cts"].replace(" }", ""),
    "a.tsx": GOOD["a.tsx"].replace("p.a}", "p.a"),
    "a.go": GOOD["a.go"].replace("}\n", ""),
    "a.rs": GOOD["a.rs"].replace("-> char", "->"),
    "a.java": GOOD["a.java"].replace(";", ""),
    "a.c": GOOD["a.c"].replace("(void)", "(void"),
    "a.h": GOOD["a.h"].replace("1; }", "1;"),
    "a.cpp": GOOD["a.cpp"].replace("(int x)", "(int x"),
    "a.hpp": GOOD["a.hpp"].replace("};", ";"),
    "a.sh": GOOD["a.sh"].replace("fi\n", ""),
    "a.bash": GOOD["a.bash"].replace("esac", ""),
    "a.rb": GOOD["a.rb"].replace("end", ""),
    "a.php": GOOD["a.php"].replace("; }", ""),
    "a.cs": GOOD["a.cs"].replace("(int x)", "(int x"),
    "a.css": GOOD["a.css"].replace("}", ""),
}


@pytest.mark.parametrize("name", GOOD)
def test_a_change_that_breaks_a_file_is_noticed(name: str) -> None:
    assert fault_in(name, GOOD[name], BROKEN[name], PLENTY_S).startswith("it does not parse (line ")


@pytest.mark.parametrize("name", GOOD)
def test_a_file_that_is_right_is_not_spoken_of(name: str) -> None:
    assert fault_in(name, None, GOOD[name], PLENTY_S) == ""
    assert fault_in(name, "", GOOD[name], PLENTY_S) == ""
    assert fault_in(name, BROKEN[name], GOOD[name], PLENTY_S) == ""


@pytest.mark.parametrize("name", GOOD)
def test_an_old_fault_that_moves_is_no_new_one(name: str) -> None:
    moved = f"\n\n{BROKEN[name]}"
    assert fault_in(name, BROKEN[name], moved, PLENTY_S) == ""
    assert fault_in(name, moved, BROKEN[name], PLENTY_S) == ""


def test_the_note_names_the_line_and_shows_it() -> None:
    before = "package a\n\nfunc f() {\n\tx := g(1)\n}\n\nfunc h() {\n}\n"
    note = note_on_syntax("a.go", before, before.replace("g(1)", "g(1 2)"))
    assert note == "\napplied; note: it does not parse (line 4: x := g(1 2))"
    note = note_on_syntax("a.sh", GOOD["a.sh"], BROKEN["a.sh"])
    assert note == '\napplied; note: it does not parse (line 3: fi is missing: echo "${1}")'
    long = before.replace("g(1)", f"g({'1' * 300} 2)")
    assert 100 < len(note_on_syntax("a.go", before, long)) < 150


def test_a_fault_far_above_the_change_is_shown_at_the_change() -> None:
    before = "const a = 1;\nconst b = { c: 1 };\nconst d = 2;\n"
    after = before.replace("c: 1 }", "c: `1 }")
    assert "line 2: const b" in fault_in("a.js", before, after, PLENTY_S)


SPARED = {
    "a macro": ("a.c", "FOO(x) int f() { }\n", "FOO(x) int f() { }\nBAR(y) int g() { }\n"),
    "a new macro": ("a.c", "int f() { }\n", "int f() { }\nBAR(y) int g() { }\n"),
    "a new file of macros": ("a.h", None, "#define OPEN \\\n  namespace a {\nBAR(y) int g() {}\n"),
    "both arms of a condition": (
        "a.c",
        "int f() {\n#ifdef A\n  if (a) {\n#else\n  if (b) {\n#endif\n  }\n}\n",
        "int f() {\n#ifdef A\n  if (a) {\n#else\n  if (c) {\n#endif\n  }\n}\n",
    ),
    "Objective-C": ("a.h", None, "@interface A : NSObject <B>\n- (void)f:(int)x;\n@end\n"),
    "overloads that a line's end divides": (
        "a.ts",
        "interface A {\n  <T>(x: T): T\n}\n",
        "interface A {\n  <T>(x: T): T\n  <T>(y: T): T\n}\n",
    ),
    "types of a newer kind": ("a.ts", None, "interface A<in out T> { x: T }\n"),
    "an import as a type": ("a.ts", "let a: B;\n", "let a: import('x').B<string>[];\n"),
    "Flow": ("a.js", "const a = 1;\n", "import type { A } from 'a';\nconst a: ?A = 1;\n"),
    "marked Flow": ("a.js", None, "// @flow strict\nfunction f(a: ?A) {}\n"),
    "a template of the web": ("a.js", "let a = 1;\n", "let a = 1;\n{% if b %}\nb();\n{% end %}\n"),
    "a template of styles": ("a.css", "a { b: c }\n", "a { b: {{ c }}; {% d %} }\n"),
    "a form to fill in": ("a.cs", None, "namespace {{ namespace }} { class A { } }\n"),
    "another shell": ("a.sh", "#!/bin/zsh\n", "#!/bin/zsh\nfor f (*) { echo $f }\n"),
    "a shell script of odd making": ("a.sh", None, "if [[ ! $A && ! $B == *x* ]]; then f; fi\n"),
    "components of other kinds": ("a.vue", "<template>{{ a }}</template>", "<template>{{ a }"),
    "pages": ("a.html", "<div>{% if a %}</div>", "<div>{% if a %}"),
}  # fmt: skip


@pytest.mark.parametrize(("name", "before", "after"), SPARED.values(), ids=SPARED.keys())
def test_what_a_grammar_does_not_know_is_not_called_a_fault(
    name: str, before: str | None, after: str
) -> None:
    assert fault_in(name, before, after, PLENTY_S) == ""


def test_a_lost_bracket_is_noticed_between_macros_too() -> None:
    before = "BAR(y) int g() { }\nint f() {\n  if (a) {\n    b();\n  }\n}\n"
    assert "line" in fault_in("a.c", before, before.replace("b();\n  }", "b();"), PLENTY_S)
    assert "line" in fault_in("a.c", None, before.replace("b();\n  }", "b();"), PLENTY_S)


def test_a_platform_without_the_wheels_gets_no_notes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fault_in("a.go", GOOD["a.go"], BROKEN["a.go"], PLENTY_S)
    monkeypatch.setitem(sys.modules, "tree_sitter_go", None)
    assert fault_in("a.go", GOOD["a.go"], BROKEN["a.go"], PLENTY_S) == ""
    monkeypatch.setitem(sys.modules, "tree_sitter", None)
    assert fault_in("a.rs", GOOD["a.rs"], BROKEN["a.rs"], PLENTY_S) == ""


def test_a_large_file_is_not_checked_and_a_slow_one_given_up() -> None:
    large = GOOD["a.go"] + "// x\n" * (MAX_CHARACTERS // 5)
    assert fault_in("a.go", large, f"{large}}}", PLENTY_S) == ""
    assert fault_in("a.go", large[: MAX_CHARACTERS - 9], f"{large}}}", PLENTY_S) == ""
    middling = GOOD["a.go"] + "var a = b(c)\n" * 2000
    assert fault_in("a.go", middling, f"{middling}}}", PLENTY_S)
    assert fault_in("a.go", middling, f"{middling}}}", 0) == ""
    assert BUDGET_S <= 0.2


@pytest.mark.parametrize("name", GOOD)
def test_no_check_keeps_the_text(name: str) -> None:
    comment = "\n" * 50_000
    texts = GOOD[name] + comment, BROKEN[name] + comment
    fault_in(name, *texts, PLENTY_S)
    tracemalloc.start()
    try:
        for _ in range(10):
            fault_in(name, *texts, PLENTY_S)
        assert tracemalloc.get_traced_memory()[0] < 50_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("piece", ["(", "{", "[", '"', "'", "`${", "<", "<<A\n", "/*", "\\", "#{"])
def test_a_file_of_one_mark_alone_ends(name: str, piece: str) -> None:
    assert len(fault_in(name, None, piece * (50_000 // len(piece)))) < 150
    assert fault_in(name, None, f"{GOOD[name]}\0" * 2000) == ""


MARKS = st.sampled_from(
    ["(", ")", "{", "}", "[", "]", '"', "'", "`", "\n", "a", "=", ";", "<", ">"]
)


@given(name=st.sampled_from(sorted(GOOD)), before=st.lists(MARKS), after=st.lists(MARKS))
def test_any_text_is_taken(name: str, before: list[str], after: list[str]) -> None:
    note = fault_in(name, "".join(before), "".join(after))
    assert not note or note.startswith("it does not parse (line ")


EDITS = SHARED / "edits" / "dev.jsonl"
REALLY_BROKEN = {
    "dev-smart_quotes-000",
    "dev-special_replacement-004",
    "dev-special_replacement-005",
}
"""Half of a commit, and marks planted on purpose: these texts do not compile."""


def real_edits() -> list[dict[str, Any]]:
    rows = [json.loads(line) for line in EDITS.read_text(encoding="utf-8").splitlines()]
    known = {PurePath(name).suffix for name in GOOD}
    return [
        row for row in rows if row["expect"] == "after" and PurePath(row["path"]).suffix in known
    ]


@pytest.mark.skipif(not EDITS.exists(), reason="the kit is not here")
def test_real_edits_that_are_right_give_no_notes() -> None:
    noted = {
        row["id"]
        for row in real_edits()
        if fault_in(row["path"], row["before"], row["after"], PLENTY_S)
    }
    assert noted <= REALLY_BROKEN


@pytest.mark.skipif(not EDITS.exists(), reason="the kit is not here")
def test_real_edits_that_lose_their_last_bracket_give_one() -> None:
    seen: Counter[bool] = Counter()
    for row in real_edits():
        new, after = row["edits"][0]["new"], row["after"]
        at, bracket = after.find(new), max(new.rfind(mark) for mark in "(){}")
        if at < 0 or bracket < 0 or fault_in(row["path"], None, row["before"], PLENTY_S):
            continue
        broken = after[: at + bracket] + after[at + bracket + 1 :]
        seen[bool(fault_in(row["path"], row["before"], broken, PLENTY_S))] += 1
    assert seen[True] >= 0.9 * seen.total() >= 20
