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
