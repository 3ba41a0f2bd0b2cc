"""Rules for tool calls: deny wins, allow must be certain, and chaining fools neither."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.core.permission_patterns import patterns_for
from ralex.core.permissions import (
    Effect,
    Layer,
    Rule,
    RuleError,
    Subject,
    judge,
    parse_rule,
)
from ralex.core.shell import read_script

NO_PUSH = parse_rule("bash(git push *)", Effect.DENY)
STATUS = parse_rule("bash(git status *)", Effect.ALLOW)


def bash(command: str) -> Subject:
    return Subject(tool="bash", texts=(command,), root="/shop")


def said(command: str, *rules: Rule) -> str | None:
    effect = judge(bash(command), rules).effect
    return None if effect is None else effect.value


@pytest.mark.parametrize(
    "command",
    [
        "git push",
        "git push origin main",
        "ls && git push",
        "ls; git push",
        "ls\ngit push",
        "ls | git push",
        "ls & git push",
        "false || git push",
        "FOO=1 git push",
        "sudo -E git push",
        "env A=b git push",
        "/usr/bin/git push",
        "git -C elsewhere push",
        "git --no-pager -c a=b push -f",
        "echo $(git push)",
        "echo `git push`",
        'echo "now: $(git push)"',
        "echo ${x:-$(git push)}",
        "cat <(git push)",
        "bash -c 'git push'",
        'sh -ec "cd x; git push"',
        "eval git push",
        "eval 'git  push'",
        "trap 'git push' EXIT",
        "g\\it push",
        "g''it pu\"sh\"",
        "git $'push'",
        "git \\\npush",
        "echo a\\\\\ngit push",
        "(git push)",
        "{ git push; }",
        "if true; then git push; fi",
        "for x in a; do git push; done",
        "! git push",
        "time -p git push",
        "timeout 5 git push",
        "echo x | xargs git push",
        "find . -exec git push \\;",
        "nohup bash -c 'sleep 1; git push' &",
        "cat <<EOF\n$(git push)\nEOF",
        "cat <<'EOF'\ntext\nEOF\ngit push",
        "echo 1 2>&1 | git push",
        "echo a >&- ; git push",
    ],
)
def test_a_denied_command_is_found_however_it_is_started(command: str) -> None:
    assert said(command, NO_PUSH) == "deny"
    assert said(command, NO_PUSH, parse_rule("bash", Effect.ALLOW)) == "deny"


@pytest.mark.parametrize(
    "command",
    [
        "$x push",
        "git $x",
        "git {push,x}",
        "/usr/bin/g?t push",
        "curl example.com/x | sh",
        "sudo bash",
        "case x in a) git push;; esac",
        "echo $(case x in a) git push;; esac)",
        "echo $((1 << 2))\ngit push\n2",
        "((a = 1 << 2))\ngit push\n2",
        "echo 'never closed",
        "cat <<EOF\nnever closed",
        "cat <<'EOF'\ngit push\nEOF",
    ],
)
def test_what_cannot_be_read_for_certain_is_asked_about(command: str) -> None:
    assert said(command, NO_PUSH) in ("ask", "deny")
    assert said(command, parse_rule("bash", Effect.ALLOW), NO_PUSH) in ("ask", "deny")


@pytest.mark.parametrize(
    "command",
    [
        "git status",
        "git stash push",
        "git commit -m 'git push'",
        'git commit -m "$message"',
        "echo git push",
        "rm $x",
        "[ -f git ] && echo push",
        "ls *.py # git push",
    ],
)
def test_a_rule_leaves_other_commands_alone(command: str) -> None:
    assert said(command, NO_PUSH) is None


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("git status", "allow"),
        ("git status -s $x", "allow"),
        ("git status | git status -s", "allow"),
        ("git status 2>/dev/null", "allow"),
        ("git status 2>&1", "allow"),
        ("git status && rm -rf x", None),
        ("git status; rm -rf x", None),
        ("git status\nrm -rf x", None),
        ("git status & rm x", None),
        ("git status $(rm x)", None),
        ("git status `rm x`", None),
        ("git status <(rm x)", None),
        ("git status > file", None),
        ("GIT_EDITOR=rm git status", None),
        ("/tmp/git status", None),
        ("git statusx", None),
        ("$x git status", None),
        ("git status '", None),
        ("git status <<EOF\n$(rm x)\nEOF", None),
    ],
)
def test_an_allow_must_cover_all_of_a_command(command: str, expected: str | None) -> None:
    assert said(command, STATUS) == expected


def test_an_allow_does_not_reach_what_a_command_starts() -> None:
    finds = parse_rule("bash(find *)", Effect.ALLOW)
    assert said("find . -name x", finds) == "allow"
    assert said("find . -exec rm {} ;", finds) is None
    assert said("bash -c 'find . ; rm x'", parse_rule("bash(bash *)", Effect.ALLOW)) is None


def test_the_more_exact_rule_wins_and_the_stricter_of_equals() -> None:
    ask_all = parse_rule("bash", Effect.ASK)
    assert said("git status", ask_all, STATUS) == "allow"
    assert said("git status; ls", ask_all, STATUS) == "ask"
    assert said("git status", STATUS, parse_rule("bash(git status *)", Effect.ASK)) == "ask"
    assert said("git status", STATUS, parse_rule("*", Effect.DENY)) == "deny"


def test_an_answer_of_always_wins_against_the_rule_that_asked_but_not_against_a_deny() -> None:
    ask = parse_rule("bash(git push *)", Effect.ASK)
    always = parse_rule("bash(git push *)", Effect.ALLOW, layer=Layer.ANSWER)
    assert said("git push", ask, always) == "allow"
    assert said("git push", ask, always, NO_PUSH) == "deny"


def test_a_project_can_make_rules_stricter_only() -> None:
    allow = parse_rule("bash(git push origin x)", Effect.ALLOW)
    ask = parse_rule("bash(git *)", Effect.ASK, layer=Layer.PROJECT)
    assert said("git push origin x", allow, ask) == "ask"
    loose = parse_rule("bash", Effect.ALLOW, layer=Layer.PROJECT)
    assert said("git push", loose) is None


@pytest.mark.parametrize(
    ("pattern", "path", "is_denied"),
    [
        ("src/**", "/shop/src/a/b.py", True),
        ("src/*", "/shop/src/a/b.py", False),
        ("src/", "/shop/src/a.py", True),
        ("./a.py", "/shop/a.py", True),
        ("./a.py", "/shop/src/a.py", False),
        ("**/*.py", "/shop/a.py", True),
        (".env", "/shop/deep/down/.env", True),
        ("*.lock", "/elsewhere/x.lock", True),
        ("src/**", "/elsewhere/src/a.py", False),
        ("/etc/**", "/etc/passwd", True),
        ("secrets?", "/shop/secrets1", True),
        ("src/**", "/shop/src", True),
        ("src/**", "/shop/srcs", False),
        ("src/**/b.py", "/shop/src/b.py", True),
        ("**/old/**", "/shop/x/old", True),
    ],
)
def test_patterns_of_paths(pattern: str, path: str, is_denied: bool) -> None:
    rule = parse_rule(f"edit({pattern})", Effect.DENY)
    for tool in ("edit", "write"):
        verdict = judge(Subject(tool=tool, texts=("/shop/x", path), root="/shop"), [rule])
        assert (verdict.effect is Effect.DENY) is is_denied


def test_a_file_that_may_not_be_read_may_not_be_searched_either() -> None:
    rules = [parse_rule("read(secrets/**)", Effect.DENY), parse_rule("read(src/**)", Effect.ALLOW)]
    for path in ("/shop/secrets", "/shop/secrets/key"):
        searched = Subject(tool="grep", texts=(path,), root="/shop")
        assert judge(searched, rules).effect is Effect.DENY
    assert judge(Subject(tool="grep", texts=("/shop/src",), root="/shop"), rules).effect is None
    assert judge(Subject(tool="ls", texts=("/shop/secrets",), root="/shop"), rules).effect is None


def test_an_allowed_path_must_be_so_under_each_of_its_names() -> None:
    rule = parse_rule("edit(src/**)", Effect.ALLOW)
    inside = Subject(tool="edit", texts=("/shop/src/a",), root="/shop")
    linked = Subject(tool="edit", texts=("/shop/src/a", "/shop/secret"), root="/shop")
    assert judge(inside, [rule]).effect is Effect.ALLOW
    assert judge(linked, [rule]).effect is None
    assert judge(Subject(tool="edit", root="/shop"), [rule]).effect is None


@pytest.mark.parametrize(
    ("pattern", "host", "fits"),
    [
        ("example.com", "EXAMPLE.com.", True),
        ("example.com", "docs.example.com", False),
        ("*.example.com", "docs.example.com", True),
        ("*.example.com", "example.com", True),
        ("*.example.com", "badexample.com", False),
    ],
)
def test_patterns_of_hosts(pattern: str, host: str, fits: bool) -> None:
    rule = parse_rule(f"web_fetch({pattern})", Effect.DENY)
    verdict = judge(Subject(tool="web_fetch", texts=(host,)), [rule])
    assert (verdict.effect is Effect.DENY) is fits


@pytest.mark.parametrize("name", ["", "bash(", "bash()", "todo(x)", "no tool", "(x)", "mine(x)"])
def test_what_is_no_rule_is_refused(name: str) -> None:
    with pytest.raises(RuleError):
        parse_rule(name, Effect.DENY)


@pytest.mark.parametrize(
    ("command", "patterns"),
    [
        ("git commit -m 'a b'", ("bash(git commit *)",)),
        ("npm run build -- --x", ("bash(npm run build *)",)),
        ("python -m pytest -q", ("bash(python -m pytest *)",)),
        ("pytest -q tests", ("bash(pytest *)",)),
        ("cd src && make test", ("bash(cd *)", "bash(make test *)")),
        ("rm -rf build", ("bash(rm -rf build)",)),
        ("git -C x status", ("bash(git -C x status)",)),
        ("rm 'a b'", ()),
        ("ls > out", ()),
        ("ls $x", ()),
        ("curl x | sh", ()),
        ("echo 'open", ()),
    ],
)
def test_always_allows_as_little_as_makes_sense(command: str, patterns: tuple[str, ...]) -> None:
    assert patterns_for(bash(command)) == patterns
    if patterns:
        rules = [parse_rule(name, Effect.ALLOW, layer=Layer.ANSWER) for name in patterns]
        assert said(command, *rules) == "allow"


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        ("/shop/src/app/a.py", "edit(src/app/**)"),
        ("/shop/README.md", "edit(./README.md)"),
        ("/shop/.github/x.yml", "edit(.github/x.yml)"),
        ("/other/x", "edit(/other/x)"),
    ],
)
def test_always_for_a_file_is_its_folder(path: str, pattern: str) -> None:
    subject = Subject(tool="edit", texts=(path,), root="/shop")
    assert patterns_for(subject) == (pattern,)
    rule = parse_rule(pattern, Effect.ALLOW, layer=Layer.ANSWER)
    assert judge(subject, [rule]).effect is Effect.ALLOW


@given(st.text(alphabet="git push;&|()<>$`'\"\\\n{}#=a-*E", max_size=60))
def test_reading_any_text_ends(text: str) -> None:
    read_script(text)
    judge(bash(text), [NO_PUSH, STATUS])
    patterns_for(bash(text))


@given(st.text(alphabet="abc;&|()<>$`'\"\\\n{}#=*E ", max_size=30))
def test_a_denied_command_on_a_line_of_its_own_is_never_let_through(text: str) -> None:
    command = f"{text}\ngit push\n"
    verdict = said(command, NO_PUSH, parse_rule("bash", Effect.ALLOW))
    quotes = text.replace("\\\\", "").replace("\\'", "").replace('\\"', "")
    is_open = any(mark in quotes for mark in "'\"`\\") or "#" in text or "<<" in text
    assert verdict in ("deny", "ask") or is_open


def test_a_long_command_is_read_in_time() -> None:
    command = "cat <<'EOF'\n" + "x$y z\n" * 15_000 + "EOF\necho $a " + "b$c " * 2_000
    assert said(command, NO_PUSH) is None


@pytest.mark.parametrize("tool", ["bash", "edit", "web_fetch", "skill"])
def test_a_call_whose_subject_cannot_be_read_is_asked_about(tool: str) -> None:
    named = parse_rule(f"{tool}(x)", Effect.DENY)
    everything = parse_rule(tool, Effect.ALLOW)
    assert judge(Subject(tool=tool), [named, everything]).effect is Effect.ASK
    assert judge(Subject(tool=tool), [everything]).effect is Effect.ALLOW
    assert judge(Subject(tool=tool), [named, parse_rule("*", Effect.DENY)]).effect is Effect.DENY
