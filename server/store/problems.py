"""Why a start, a backup or a restore is refused: one clear line each, meant for the operator's screen."""

from __future__ import annotations

from server.ports import StoreUnavailable


class StoreProblem(Exception):
    """Something an operator must put right first. `str()` is the one line to show; the process should then stop."""


class KeyProblem(StoreProblem):
    """The installation's key is missing, unsafe, or not the one that this database was sealed with."""


class DatabaseBusy(StoreProblem):
    """Another process serves this database file."""


class SchemaProblem(StoreProblem):
    """This program and the tables in the file do not fit together."""


class BackupProblem(StoreProblem):
    """A backup could not be made, or what was offered as one cannot be used. The live database is as it was."""


class Tampered(StoreUnavailable):
    """A sealed row does not open where it stands: it was moved, changed, or sealed with another key. Asking again will
    not help; an operator has to bring back a backup."""
