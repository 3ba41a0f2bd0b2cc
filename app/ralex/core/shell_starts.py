"""What a simple command may start besides itself: programs behind programs, scripts in arguments.

The tables name what is in common use. A program that is not in them hides what it starts, as a
script or an interpreter does; the rules' documentation says so.
"""

import re
from collections.abc import Iterator, Sequence

from ralex.core.patterns import lazy_pattern
from ralex.core.shell_words import ANY, SimpleCommand, Word, joined

_SHELLS = frozenset(
    """
    bash sh zsh dash ksh mksh oksh yash ash rbash fish csh tcsh elvish nu pwsh xonsh su runuser
    """.split()  # noqa: SIM905 - one name to a line would fill a screen
)
_PREFIXES = frozenset(
    """
    sudo doas pkexec gosu su-exec runuser setpriv env nohup time nice ionice chrt taskset numactl
    prlimit command exec builtin xargs timeout stdbuf unbuffer setsid busybox toybox watch chroot
    unshare nsenter strace ltrace perf valgrind gdb flock parallel caffeinate coproc fakeroot proot
    firejail bwrap systemd-run systemd-inhibit dbus-run-session xvfb-run entr script ssh npx
    tini dumb-init rlwrap chpst softlimit catchsegv
    """.split()  # noqa: SIM905
)
"""Programs that start the one named in their arguments."""

_RUN_PAIRS = frozenset(
    [
        *((name, "run") for name in ("uv", "poetry", "pipenv", "pdm", "hatch", "rye", "conda")),
        *((name, "exec") for name in ("bundle", "direnv", "mise", "asdf", "npm", "pnpm", "yarn")),
        ("git", "bisect"),
    ]
)
"""The same, where it takes a second word to say so."""

_SCRIPT_TAKERS = frozenset(
    "watch parallel flock script ssh tmux screen entr systemd-run nix-shell env at".split()  # noqa: SIM905
)
"""Programs that hand an argument with blanks to a shell."""

_FEEDS = frozenset({"xargs", "parallel"})
"""Programs that add arguments which come from elsewhere."""

_RUNNERS = frozenset({"-exec", "-execdir", "-ok", "-okdir", "-x", "-X", "--exec", "--exec-batch"})
_FINDERS = frozenset({"find", "fd", "fdfind", "gfind", "bfs", "rebase"})
_REST = Word(text=ANY, may_split=True)
_SHELL_VALUES = frozenset({"--rcfile", "--init-file"})
_INPUTS = lazy_pattern(r"-|/dev/stdin|/dev/fd/.*|/proc/.*/fd/.*")
_EXPANDERS = frozenset(
    """
    let declare typeset local export readonly unset read mapfile readarray test [ [[ wait set
    """.split()  # noqa: SIM905
)
"""Builtins that read arithmetic, in which ``$(…)`` runs even when it came in single quotes."""

_GIT_SCRIPTS = frozenset({"foreach", "--exec", "-x"})
_MOST_WORDS = 200
_MOST_OPTIONS = 12
_MOST_PLACES = 30
"""A program is looked for among so many words behind one that starts others."""


def possible_texts(command: SimpleCommand) -> Iterator[str]:
    """Give the texts under which a forbidden command may hide in this one.

    Paths of programs, options in front of a sub-command, and programs that start others are looked
    through: ``sudo /usr/bin/git -C x push`` is ``git push`` as well.
    """
    yield joined((*command.assignments, *command.words))
    words = _short(command.words)
    has_more = bool(words) and any(word.base in _FEEDS for word in words)
    for start in _places(words):
        word, tail = words[start], words[start:]
        bare = Word(text=word.base, may_split=word.may_split)
        if has_more and start:
            yield joined((bare, *map(_filled, _until(tail[1:], ":::")), _REST))
        yield joined(tail)
        yield joined((bare, *tail[1:]))
        yield from _without_options(bare, tail)
        if word.base.startswith("git-"):  # git's own programs: git-push
            yield joined((Word(text="git"), Word(text=word.base[4:]), *tail[1:]))


def runs_unseen(command: SimpleCommand) -> bool:
    """Tell whether a command runs what cannot be read here: its input, or a name made anew."""
    words = command.words
    if len(words) > _MOST_PLACES and words[0].base in _PREFIXES:
        return True
    for start in _places(words):
        word, rest = words[start], words[start + 1 :]
        texts = [one.text for one in rest]
        if word.base in _SHELLS and _reads_input(texts):
            return True
        if word.text in (".", "source") and rest and _is_input(texts[0]):
            return True
        if word.text == "alias" and any("=" in text for text in texts):
            return True
        if word.text == "hash" and any(text.startswith("-") and "p" in text for text in texts):
            return True
        if word.base == "git" and any(text.startswith("alias.") for text in texts):
            return True
        if word.base in _FINDERS and any(one.may_split for one in rest):
            return True  # one of them may be -exec
    return False


def scripts_in(command: SimpleCommand) -> Iterator[str]:
    """Give the scripts that a command hands to a shell as an argument."""
    words = command.words
    if not words:
        return
    texts = [word.text for word in words]
    starts_others = words[0].base in _PREFIXES
    has_finder = has_git = False
    for place, word in enumerate(words):
        base = word.base
        if base in _SHELLS:
            yield from _given_to_shell(texts[place + 1 :])
        if word.text in ("eval", "trap") and (place == 0 or starts_others):
            yield " ".join(texts[place + 1 :])
        if word.text == "trap" and place == 0:
            yield from texts[1:]
        if word.text in _RUNNERS and has_finder:
            yield from _quoted_again(texts, place + 1)
        if base == "git" and not has_git:
            yield from _given_to_git(texts[place + 1 :])
            has_git = True
        if base in _SCRIPT_TAKERS and (place == 0 or starts_others):
            yield from filter(_has_blank, map(_without_flag, texts[place + 1 :]))
        has_finder = has_finder or base in _FINDERS


def expanded_texts(command: SimpleCommand) -> Iterator[str]:
    """Give the texts that the shell expands once more although they came in quotes."""
    for word in command.assignments:
        yield word.text.partition("=")[2]  # PS4, and ${x@P} of a variable
    words = command.words
    for place, word in enumerate(words):
        if word.text in _EXPANDERS or (word.text == "printf" and place + 1 < len(words)):
            is_printf = word.text == "printf"
            yield from (
                one.text
                for one in words[place + 1 :]
                if not is_printf or words[place + 1].text == "-v"
            )
            return
        if word.base not in _PREFIXES:
            return


def _places(words: Sequence[Word]) -> Iterator[int]:
    """Find where a program may be named: at the beginning, and after one that starts others."""
    if not words:
        return
    yield 0
    first, rest = words[0].base, [one.text for one in words[1:]]
    if first in _PREFIXES:
        yield from range(1, min(len(words), _MOST_PLACES))
    elif first in _SHELLS:  # sh ./deploy.sh
        yield from (place for place in (_script_place(rest) + 1,) if place < len(words))
    elif words[0].text in (".", "source"):
        yield from range(1, min(2, len(words)))
    else:
        pairs = (n for n, text in enumerate(rest, 1) if (first, text) in _RUN_PAIRS)
        yield from range(next(pairs, len(words)) + 1, len(words))


def _filled(word: Word) -> Word:
    """Take the place-holder of xargs for the text that it stands for."""
    return Word(text=word.text.replace("{}", ANY), may_split=word.may_split)


def _short(words: tuple[Word, ...]) -> tuple[Word, ...]:
    """Leave out what stands so far behind that it says little; the rest may then be anything."""
    return words if len(words) <= _MOST_WORDS else (*words[:_MOST_WORDS], _REST)


def _until(words: tuple[Word, ...], mark: str) -> tuple[Word, ...]:
    place = next((n for n, one in enumerate(words) if one.text.startswith(mark)), len(words))
    return words[:place]


def _without_options(program: Word, words: tuple[Word, ...]) -> Iterator[str]:
    """Leave out options in front of a sub-command, with their values and without."""
    for place in range(2, min(len(words), _MOST_OPTIONS) + 1):
        if not words[1].text.startswith(("-", ANY)):
            return
        if place == len(words):
            break
        yield joined((program, *words[place:]))


def _given_to_shell(rest: Sequence[str]) -> Iterator[str]:
    """Give the script after ``-c``; options may stand between, and words in front for ``su``."""
    for place, flag in enumerate(rest):
        if flag.startswith("-") and not flag.startswith("--") and "c" in flag:
            after = rest[place + 1 :]
            yield from after[:1]
            script = _script_place(after)
            yield from after[script : script + 1] if script else ()
            return
        if flag.startswith("--command"):
            yield flag.partition("=")[2]
            yield from rest[place + 1 : place + 2]


def _script_place(rest: Sequence[str]) -> int:
    """Find the first word that is neither an option of a shell nor an option's value."""
    place = 0
    while place < len(rest):
        word = rest[place]
        if word == "--":
            return place + 1
        if not word.startswith(("-", "+")) or word == "-":
            return place
        takes_value = word in _SHELL_VALUES or (not word.startswith("--") and word[-1:] in "oO")
        place += 2 if takes_value else 1
    return place


def _reads_input(rest: Sequence[str]) -> bool:
    """Tell whether a shell with these arguments takes its program from its input."""
    if {"--version", "--help"} & set(rest):
        return False
    place = _script_place(rest)
    flags = [one for one in rest[:place] if one.startswith("-") and not one.startswith("--")]
    if any("c" in flag for flag in flags) or any("c" in one for one in rest if _is_flag(one)):
        return False
    return place >= len(rest) or any("s" in flag for flag in flags) or _is_input(rest[place])


def _is_flag(word: str) -> bool:
    return word.startswith("-") and not word.startswith("--")


def _is_input(name: str) -> bool:
    return ANY in name or _INPUTS.fullmatch(name) is not None


def _given_to_git(rest: Sequence[str]) -> Iterator[str]:
    """Give what git itself hands to a shell: aliases given on the spot, hooks of sub-commands."""
    for place, word in enumerate(rest):
        key, sign, value = word.partition("=")
        if sign and key.startswith("alias."):
            yield value.removeprefix("!") if value.startswith("!") else f"git {value}"
        if word in _GIT_SCRIPTS:
            yield " ".join(one for one in rest[place + 1 :] if not one.startswith("-"))
        if word.startswith(("--exec=", "-x")) and len(word) > 2:
            yield word.partition("=")[2] or word[2:]


def _without_flag(text: str) -> str:
    """Take off the name of an option that is written together with its value: ``-S'git push'``."""
    found = re.match(r"--[\w-]+=|-[A-Za-z]+(?=\S+\s)", text)
    if found is None:
        return text
    return text[2:] if not found[0].startswith("--") else text[found.end() :]


def _has_blank(text: str) -> bool:
    return " " in text or "\n" in text


def _quoted_again(words: Sequence[str], start: int) -> Iterator[str]:
    """Write the words after ``-exec`` as a script of their own; ``{}`` is the name of any file."""
    kept: list[str] = []
    for word in words[start : start + _MOST_WORDS]:
        if word in (";", "+"):
            break
        known = word.replace("{}", ANY)
        kept.append(ANY if ANY in known else "'" + known.replace("'", "'\\''") + "'")
    if kept:
        yield " ".join(kept)
        yield words[start]
