"""Make the ledger's sums again from the rows they add up, when an audit finds them apart."""

import sqlite3

from ralex.core.budget import CACHED

_AGREE = (
    # Charged is settled; what says it is settled and has no charge is held, which is never too low.
    "UPDATE reservation SET state = 'settled' WHERE state <> 'settled' "
    "AND id IN (SELECT reservation FROM charge)",
    "UPDATE reservation SET state = 'sent' WHERE state = 'settled' "
    "AND id NOT IN (SELECT reservation FROM charge)",
)

_BOOK = """
CREATE TEMP TABLE book AS
SELECT r.day, r.project, r.session, coalesce(sum(c.cost), 0) AS settled,
  sum(CASE WHEN r.state IN ('reserved', 'sent') THEN r.worst ELSE 0 END) AS held,
  coalesce(sum(c.counterfactual - c.cost), 0) AS saved
FROM reservation r LEFT JOIN charge c ON c.reservation = r.id GROUP BY 1, 2, 3
"""

_SPEND = f"""
INSERT INTO spend (day, session, project, model, provider, tier, router, tag, calls, cost, saved,
  cached_calls, input_tokens, cache_read_tokens, cache_write_tokens, output_tokens,
  reasoning_tokens)
SELECT r.day, r.session, r.project, r.model, r.provider, r.tier, r.router, r.tag, count(*),
  sum(c.cost), coalesce(sum(c.counterfactual - c.cost), 0), sum(c.source = '{CACHED}'),
  coalesce(sum(c.input_tokens), 0), coalesce(sum(c.cache_read_tokens), 0),
  coalesce(sum(c.cache_write_tokens), 0), coalesce(sum(c.output_tokens), 0),
  coalesce(sum(c.reasoning_tokens), 0)
FROM reservation r JOIN charge c ON c.reservation = r.id GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""  # noqa: S608 - a constant

_SUMS = (
    "INSERT INTO day (day) SELECT DISTINCT day FROM book WHERE true ON CONFLICT DO NOTHING",
    "UPDATE day SET (settled, held, saved) = (SELECT coalesce(sum(b.settled), 0), "
    "coalesce(sum(b.held), 0), coalesce(sum(b.saved), 0) FROM book b WHERE b.day = day.day), "
    "raised = max(0, coalesce((SELECT sum(amount) FROM day_raise a WHERE a.day = day.day), 0))",
    "DELETE FROM scope",
    "INSERT INTO scope (kind, key, settled, held) "
    "SELECT 'month', substr(day, 1, 7), sum(settled), sum(held) FROM book GROUP BY 2",
    "INSERT INTO scope (kind, key, settled, held) "
    "SELECT 'project', project, sum(settled), sum(held) FROM book WHERE project <> '' GROUP BY 2",
    "INSERT INTO scope (kind, key, settled, held) "
    "SELECT 'session', session, sum(settled), sum(held) FROM book WHERE session <> '' GROUP BY 2",
    "DELETE FROM spend",
    _SPEND,
    "DROP TABLE book",
)


def rebuild(connection: sqlite3.Connection) -> None:
    """Replace every sum by what its rows add up to; reads and writes the whole ledger."""
    for statement in (*_AGREE, _BOOK, *_SUMS):
        connection.execute(statement)
