"""English word forms: which spellings of a keyword count as the keyword.

Forms are made once, when a scorer is compiled, and looked up afterwards; a form too many, such as
``refactorred``, harms nobody.
"""

_VOWELS = frozenset("aeiou")


def verb_forms(verb: str) -> frozenset[str]:
    """Give a verb's forms: third person, past, -ing; with British and American endings."""
    forms: set[str] = set()
    for base in _spellings(verb):
        forms |= {base, _with_s(base)}
        if base.endswith("e"):
            forms |= {base + "d", base[:-1] + "ing"}
        elif base.endswith("y") and base[-2] not in _VOWELS:
            forms |= {base[:-1] + "ied", base + "ing"}
        else:
            stems = {base, base + base[-1]} if _may_double(base) else {base}
            forms |= {stem + ending for stem in stems for ending in ("ed", "ing")}
    return frozenset(forms)


def noun_forms(noun: str) -> frozenset[str]:
    """Give a noun's singular and plural, in British and American spelling."""
    return frozenset(
        form for base in _spellings(noun) for form in (base, _with_s(base), _plural_of_x(base))
    )


def _spellings(word: str) -> frozenset[str]:
    variants = {word}
    for american, british in (("ize", "ise"), ("yze", "yse"), ("ization", "isation")):
        if word.endswith(american):
            variants.add(word.removesuffix(american) + british)
    return frozenset(variants)


def _with_s(word: str) -> str:
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2] not in _VOWELS:
        return word[:-1] + "ies"
    return word + "s"


def _plural_of_x(word: str) -> str:
    if word.endswith(("ex", "ix")):
        return word[:-2] + "ices"
    return word


def _may_double(word: str) -> bool:
    return (
        len(word) > 2
        and word[-1] not in _VOWELS
        and word[-1] not in "wxy"
        and word[-2] in _VOWELS
        and word[-3] not in _VOWELS
    )
