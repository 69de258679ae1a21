"""What was written down while all these tests ran; this one comes last."""

import io

from libs.common.db.embedded import EmbeddedPostgres
from tests.leaks.secrets import secrets_of, valid_ids
from tests.leaks.seed import Seeded


def test_no_log_names_anybody(
    seeded: Seeded, spare: Seeded, logs: io.StringIO, postgres: EmbeddedPostgres
) -> None:
    """Neither ours, down to DEBUG, nor PostgreSQL's."""
    text = logs.getvalue()
    assert '"event":"request"' in text
    servers = list(postgres.home.rglob("postgresql-*.log"))
    assert servers
    for said in (text, *(path.read_text("utf-8", "replace") for path in servers)):
        secret = [*secrets_of(seeded).values(), *secrets_of(spare).values()]
        assert [one for ones in secret for one in ones if one in said] == []
        assert valid_ids(said) == []
