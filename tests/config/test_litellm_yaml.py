import io
import subprocess
import sys
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ralex.config.litellm_yaml import MAX_DEPTH, YamlNode, parse_yaml, read_yaml
from ralex.config.text_file import MAX_BYTES
from ralex.errors import ConfigError

PATH = Path("config.yaml")


def plain(node: YamlNode) -> object:
    value = node.value
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value


def test_values_know_their_lines() -> None:
    root = parse_yaml("# a comment\na:\n  b: 1\n  c:\n    - x\n    - y: 2\n", path=PATH)
    assert isinstance(root.value, dict)
    a = root.value["a"]
    assert isinstance(a.value, dict)
    assert (a.line, a.value["b"].line, a.value["c"].line) == (2, 3, 4)
    entries = a.value["c"].value
    assert isinstance(entries, list)
    assert [one.line for one in entries] == [5, 6]


def test_prices_are_exact_decimals() -> None:
    root = parse_yaml("a: 0.00000015\nb: 1.5e-07\nc: 1e-6\nd: 0x10\ne: 017\nf: 1:30\n", path=PATH)
    assert plain(root) == {
        "a": Decimal("0.00000015"),
        "b": Decimal("1.5e-07"),
        "c": "1e-6",
        "d": 16,
        "e": 15,
        "f": "1:30",
    }


def test_merge_keys_and_aliases_are_followed() -> None:
    text = "x: &x {a: 1, b: 2}\ny: &y {c: 3}\nz:\n  <<: [*x, *y]\n  b: 9\n"
    assert plain(parse_yaml(text, path=PATH)) == {
        "x": {"a": 1, "b": 2},
        "y": {"c": 3},
        "z": {"a": 1, "b": 9, "c": 3},
    }


def test_an_empty_file_is_an_empty_mapping() -> None:
    assert plain(parse_yaml("# nothing\n", path=PATH)) == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [1\nb: 2\n", "config.yaml line 2"),
        ("a: 1\n---\nb: 2\n", "line 2"),
        ("a: *nowhere\n", "line 1, column 4: found undefined alias"),
        ("a: 1\nb: 2\na: 3\n", "line 3: the key 'a' stands here twice"),
        ("a: !!python/object:os.system x\n", "line 1: the tag .* is not read"),
        ("a: !!python/object/apply:os.system [x]\n", "line 1: the tag .* is not read"),
        ("a: .nan\n", "line 1: '.nan' is not a finite number"),
        ("? [a, b]\n: 1\n", "line 1: a key is a list"),
        ("<<: 3\n", "line 1: << merges something"),
        ("a: b\x00c\n", "config.yaml"),
    ],
)
def test_what_is_not_plain_yaml_names_its_line(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_yaml(text, path=PATH)


def test_nested_aliases_are_refused_before_they_fill_the_memory() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    for level in range(1, 20):
        row = ", ".join([f"*a{level - 1}"] * 10)
        lines.append(f"a{level}: &a{level} [{row}]")
    with pytest.raises(ConfigError, match="aliases expand to more than 100,000 values"):
        parse_yaml("\n".join(lines), path=PATH)


def test_merges_count_towards_the_expansion() -> None:
    lines = ["a0: &a0 {" + ", ".join(f"k{one}: 1" for one in range(100)) + "}"]
    lines += [f"b{one}:\n  <<: *a0" for one in range(2000)]
    with pytest.raises(ConfigError, match="aliases expand"):
        parse_yaml("\n".join(lines), path=PATH)


@pytest.mark.parametrize("text", ["[" * 50_000, "a: &a [*a]\n", "- " * 2000, "{a: " * 5000])
def test_depth_is_bounded(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_yaml(text, path=PATH)


def test_the_depth_that_is_allowed_is_read() -> None:
    text = "[" * MAX_DEPTH + "]" * MAX_DEPTH
    assert parse_yaml(text, path=PATH).line == 1


def test_size_and_encoding_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "big.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="1,000,001 bytes"):
        read_yaml(path)
    path.write_bytes(b"a: 1\nb: \xff\n")
    with pytest.raises(ConfigError, match="line 2: this is not UTF-8"):
        read_yaml(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_yaml(tmp_path / "nowhere.yaml")


def test_json_with_tabs_is_yaml_enough() -> None:
    assert plain(parse_yaml('{\n\t"a": {\n\t\t"b": "c"\n\t}\n}\n', path=PATH)) == {"a": {"b": "c"}}


leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.text("abc :#-{}[]\"'\n*&", max_size=8),
)
trees = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text("abcde", min_size=1), inner, max_size=3),
    ),
    max_leaves=12,
)


@given(tree=st.dictionaries(st.text("abcde", min_size=1), trees, max_size=4))
def test_what_pyyaml_writes_reads_back_the_same(tree: dict[str, object]) -> None:
    stream = io.StringIO()
    yaml.safe_dump(tree, stream)
    assert plain(parse_yaml(stream.getvalue(), path=PATH)) == tree


@given(text=st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ConfigError):
        assert isinstance(parse_yaml(text, path=PATH), YamlNode)


def test_yaml_is_loaded_only_for_a_yaml_file() -> None:
    code = (
        "import sys, ralex.cli, ralex.config.load, ralex.wiring\n"
        "ralex.config.load.load_config(cwd=__import__('pathlib').Path(), environ={'RALEX_HOME': "
        "'/nowhere', 'OPENAI_API_KEY': 'k'})\n"
        "print('yaml' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
