"""Which asks go on with the running task, in many languages."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ralex.config.scorers import load_followups
from ralex.core.followup import Followup

WORDS = load_followups()

CONFIRMATIONS = [
    *("yes", "ok", "continue", "go ahead", "do it", "sounds good", "LGTM", "Yes, please.", "next!"),
    *("ja", "weiter", "genau", "mach weiter", "ja bitte", "passt so"),
    *("oui", "d'accord", "continue", "vas-y", "parfait"),
    *("sí", "vale", "sigue", "adelante", "hazlo"),
    *("sim", "isso", "pode seguir", "beleza"),
    *("va bene", "procedi", "avanti", "perfetto"),
    *("ano", "pokračuj", "jasně", "udělej to"),
    *("tak", "dalej", "jasne", "zrób to"),
    *("да", "давай", "продолжай", "дальше", "хорошо"),
    *("好的", "继续", "是的", "可以"),
    *("はい", "続けて", "お願いします"),
    *("네", "계속", "evet", "ναι", "نعم", "हाँ", "kyllä", "igen"),
    *("👍", "✅", "...", "1", "b"),
]
COMPLAINTS = [
    *("still broken", "that didn't work", "same error", "doesn\u2019t work", "wrong again"),
    *("immer noch kaputt", "geht nicht", "funktioniert nicht"),
    *("ça ne marche pas", "toujours la même erreur"),
    *("no funciona", "sigue fallando", "todavía está mal"),
    *("ainda não funciona", "mesmo erro"),
    *("non funziona", "ancora non va"),
    *("furt nic", "pořád to nefunguje", "zase špatně"),
    *("nadal nie działa", "ten sam błąd"),
    *("не работает", "всё ещё та же ошибка"),
    *("还是不行", "又报错了"),
    *("まだ動かない", "同じエラーです", "안 돼요"),
]
REPEATS = [
    "do the same for the other path",
    "and now also cover the empty list",
    "no, use the second file instead",
    "Mach das Gleiche für den anderen Pfad",
    "fais pareil pour l'autre fichier",
    "haz lo mismo con el otro archivo",
    "faz o mesmo para o outro arquivo",
    "fai lo stesso per l'altro file",
    "udělej to samé pro druhou cestu",
    "zrób to samo dla drugiego pliku",
    "сделай то же самое для второго файла",
    "另一个文件也同样处理",
    "他のファイルも同じようにして",
]
NEW_TASKS = [
    "Refactor the pricing module so totals respect quantity and add tests",
    "Hello",
    "fix typo",
    "explain closures",
    "What is the capital of France?",
    "Write a Python function that merges overlapping intervals",
    "add dark mode",
    "rename foo",
    "Erkläre Mutex",
    "corrige la faute",
    "Oprav překlep",
    "исправь опечатку",
    "写一个函数",
    "関数を書いてください",
    "yes " * 200,
    "",
    "   ",
]


@pytest.mark.parametrize("ask", CONFIRMATIONS + COMPLAINTS + REPEATS)
def test_answers_complaints_and_repeats_go_on_with_the_task(ask: str) -> None:
    assert WORDS(ask)


@pytest.mark.parametrize("ask", NEW_TASKS)
def test_a_new_task_stands_by_itself(ask: str) -> None:
    assert not WORDS(ask)


@pytest.mark.parametrize(
    ("ask", "kind"),
    [
        ("yes please", Followup.REPLY),
        ("still the same error in the parser", Followup.COMPLAINT),
        ("do the same for the streaming path", Followup.OPENING),
        ("the blue one", Followup.SHORT),
        ("furt nic", Followup.COMPLAINT),
    ],
)
def test_the_kind_is_told(ask: str, kind: Followup) -> None:
    assert WORDS.kind_of(ask) is kind


@given(st.text(max_size=300))
def test_any_text_is_judged_without_fault_and_case_does_not_matter(ask: str) -> None:
    if ask.isascii():
        assert WORDS(ask) == WORDS(ask.upper())
    else:
        WORDS(ask)


def fresh(kind: str) -> list[str]:
    """Read asks that were written down apart from the words of the rules."""
    lines = Path(__file__).with_name("followup_asks.tsv").read_text("utf-8").splitlines()
    return [text for name, text in (line.split("\t") for line in lines) if name == kind]


@pytest.mark.parametrize("kind", ["reply", "complaint"])
def test_answers_and_complaints_in_35_languages_go_on_with_the_task(kind: str) -> None:
    asks = fresh(kind)
    assert len(asks) > 200
    assert [ask for ask in asks if WORDS.kind_of(ask) is None] == []


def test_nearly_every_complaint_is_known_as_one_and_no_answer_is() -> None:
    complaints = [WORDS.kind_of(ask) for ask in fresh("complaint")]
    assert complaints.count(Followup.COMPLAINT) >= 0.97 * len(complaints)
    mistaken = [ask for ask in fresh("reply") if WORDS.kind_of(ask) is Followup.COMPLAINT]
    assert mistaken == []


def test_a_new_subject_is_no_followup_however_short() -> None:
    assert [ask for ask in fresh("new") if WORDS.kind_of(ask) is not None] == []


def test_asks_that_stand_by_themselves_are_rarely_taken_for_followups() -> None:
    """Whose task goes on keeps its tier, and a complaint costs a call for advice."""
    names = ("labelled_asks.tsv", "heldout_asks.tsv", "heldout_asks_2.tsv")
    rows = [
        line.split("\t")
        for name in names
        for line in Path(__file__).with_name(name).read_text("utf-8").splitlines()
        if not line.startswith(("#", "greeting", "followup"))
    ]
    kinds = [WORDS.kind_of(ask) for _, _, ask in rows]
    assert len(kinds) > 600
    assert sum(kind is not None for kind in kinds) <= 0.03 * len(kinds)
    assert kinds.count(Followup.COMPLAINT) <= 0.01 * len(kinds)
