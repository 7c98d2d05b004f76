"""What the person who sets a machine up must mend. The docstring is the sentence; `key` finds it in Japanese."""

from typing import ClassVar


class SetupError(Exception):
    """This machine is not set up as it must be."""

    key: ClassVar[str] = "setup.wrong"

    def __str__(self) -> str:
        return f"{type(self).__doc__} {super().__str__()}"


class ConfigError(SetupError):
    """A configuration file cannot be used:"""

    key = "setup.config"


class KeyFileError(SetupError):
    """A key or certificate file cannot be used:"""

    key = "setup.key_file"


class StoreError(SetupError):
    """The database cannot be used:"""

    key = "setup.store"


class StoreInUseError(StoreError):
    """Another process already works with this database; stop it first:"""

    key = "setup.store_in_use"


class StoreDamagedError(StoreError):
    """The database is damaged; move it and its -wal file away, but keep them. City hall brings back its last backup; a bus
    starts with an empty one and hears from city hall what it needs:"""

    key = "setup.store_damaged"


class StoreNewerError(StoreError):
    """The database was written by a newer release; install that release again:"""

    key = "setup.store_newer"


class StoreOfAnotherError(StoreError):
    """The database belongs to somebody else; put the right one back, or start with an empty folder:"""

    key = "setup.store_of_another"


class DiskFullError(StoreError):
    """The disk is full, so nothing was taken and nothing is lost; make room on it, and it goes on by itself:"""

    key = "setup.disk_full"


class ReadOnlyError(StoreError):
    """The disk takes no writing, so nothing was taken and nothing is lost; look whether it is worn out or mounted read-only:"""

    key = "setup.read_only"
