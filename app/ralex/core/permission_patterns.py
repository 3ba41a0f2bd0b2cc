"""What an answer of "always" to one call should allow from then on: as little as makes sense."""

from ralex.core.permissions import KINDS, Kind, Subject, is_unsure
from ralex.core.shell import read_script
from ralex.core.shell_words import ANY, SimpleCommand

_SUBCOMMANDS = frozenset(
    [
        "git",
        "npm",
        "pnpm",
        "yarn",
        "cargo",
        "go",
        "docker",
        "podman",
        "kubectl",
        "helm",
        "pip",
        "pipx",
        "uv",
        "poetry",
        "pdm",
        "hatch",
        "conda",
        "gh",
        "glab",
        "terraform",
        "brew",
        "systemctl",
        "dotnet",
        "mvn",
        "gradle",
        "rake",
        "bundle",
        "rustup",
        "composer",
        "mix",
        "deno",
        "bun",
        "make",
        "just",
        "task",
    ]
)
"""Programs whose second word says what they do."""

_RUN_WORDS = frozenset({"run", "exec", "-m"})
_UNLIMITED = frozenset(
    [
        "rm",
        "rmdir",
        "mv",
        "dd",
        "mkfs",
        "chmod",
        "chown",
        "kill",
        "pkill",
        "find",
        "env",
        "sudo",
        "doas",
        "su",
        "xargs",
        "eval",
        "source",
        ".",
        "trap",
        "sh",
        "bash",
        "zsh",
        "dash",
        "ksh",
        "fish",
        "python",
        "python3",
        "perl",
        "ruby",
        "node",
        "php",
        "awk",
        "sed",
        "ssh",
        "scp",
        "rsync",
        "curl",
        "wget",
        "nc",
        "timeout",
        "nohup",
        "time",
        "nice",
        "command",
        "exec",
        "builtin",
        "tee",
        "truncate",
        "ln",
        "install",
        "crontab",
        "at",
    ]
)
"""Programs that can do anything with other arguments; an answer counts for the very same call."""

_MOST_PATTERNS = 4


def patterns_for(subject: Subject) -> tuple[str, ...]:
    """Word the rules that "always" would add for a call; empty if no rule could say it safely."""
    kind = KINDS.get(subject.tool, Kind.NOTHING)
    if kind is Kind.NOTHING:
        return (subject.tool,)
    if not subject.texts:
        return ()
    if kind is Kind.COMMAND:
        return _command_patterns(subject)
    text = subject.texts[-1]
    if "*" in text:
        return ()
    if kind is Kind.PATH:
        text = _folder_pattern(text, subject.root.rstrip("/") + "/")
    return (f"{subject.tool}({text})",)


def _command_patterns(subject: Subject) -> tuple[str, ...]:
    script = read_script("\n".join(subject.texts))
    if is_unsure(script) or not script.commands:
        return ()
    found: dict[str, None] = {}
    for command in script.commands:
        has_gap = ANY in command.text or "*" in command.text
        if command.writes or command.is_quoted or has_gap or not command.words:
            return ()
        prefix = _prefix_of(command)
        if not prefix:
            return ()
        found[f"{subject.tool}({prefix})"] = None
    return tuple(found) if len(found) <= _MOST_PATTERNS else ()


def _prefix_of(command: SimpleCommand) -> str:
    """Keep as much of a command as says what it does; empty if that cannot be said."""
    words = [word.text for word in command.words]
    is_exact = bool(command.assignments) or words[0] in _UNLIMITED or "/" in words[0]
    if is_exact and words[:2] not in (["python", "-m"], ["python3", "-m"]):
        return _exact(command)
    length = 1
    if words[0] in _SUBCOMMANDS or words[1:2] == ["-m"]:
        length = 3 if words[1:2] and words[1] in _RUN_WORDS else 2
    if len(words) < length or any(word.startswith("-") and word != "-m" for word in words[:length]):
        return _exact(command)
    return " ".join(words[:length]) + " *"


def _exact(command: SimpleCommand) -> str:
    """Give the whole command, or nothing if its text could be read as another one."""
    words = (*command.assignments, *command.words)
    has_blanks = any(not word.text or word.text.split() != [word.text] for word in words)
    return "" if has_blanks else command.text


def _folder_pattern(path: str, root: str) -> str:
    """Give the folder of a file inside the project, or the file itself where that says too much."""
    if not path.startswith(root):
        return path
    inside = path[len(root) :]
    folder, slash, _ = inside.rpartition("/")
    is_hidden = any(part.startswith(".") for part in inside.split("/"))
    if not slash:
        return f"./{inside}"
    return inside if is_hidden else f"{folder}/**"
