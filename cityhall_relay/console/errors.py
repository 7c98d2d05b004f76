"""Why the console did not let somebody in, or did not do what its page asked. The docstring is the sentence."""

from cityhall_relay.errors import NotAllowedError, RelayError


class SignInError(RelayError):
    """The id, the password or the code is not right; type all three again."""

    key = "console.error.sign_in"
    status = 403


class CodeError(RelayError):
    """The id or the first-time code is not right, or the code is too old; ask an administrator for a new one."""

    key = "console.error.code"
    status = 403


class WaitError(RelayError):
    """There were too many wrong tries; wait {detail} seconds, then try again."""

    key = "console.error.wait"
    status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self.detail = str(seconds)

    @property
    def sentence(self) -> str:
        return super().sentence.replace("{detail}", self.detail)


class CrowdedError(RelayError):
    """Very many people are signing in at this moment; try again in a moment."""

    key = "console.error.crowded"
    status = 503


class SignedOutError(RelayError):
    """You are not signed in any more; sign in again, then repeat what you did."""

    key = "console.error.signed_out"
    status = 401


class ForeignError(NotAllowedError):
    """This did not come from a page of the console, so nothing was done; open the console itself and try again there."""

    key = "console.error.foreign"


class OldFormError(NotAllowedError):
    """This page was open for too long or in another sign-in, so nothing was done; load it again and repeat what you did."""

    key = "console.error.old_form"


class FormError(RelayError):
    """The form was not filled in as it must be, so nothing was done; look at its fields again."""

    key = "console.error.form"
    status = 400


class NoPageError(RelayError):
    """There is no such page; look at the address, or go back to the first page."""

    key = "console.error.no_page"
    status = 404


class HostError(RelayError):
    """The console has another address; ask city IT for it."""

    key = "console.error.host"
    status = 421


class StreamsError(RelayError):
    """The console is open in too many windows; close some of them and load this one again."""

    key = "console.error.streams"
    status = 429


class WeakPasswordError(RelayError):
    """The password has fewer than 12 characters, or is one that anybody would try first; choose a longer one of several words."""

    key = "console.error.weak_password"
    status = 400


class PasswordsDifferError(RelayError):
    """The two passwords differ; type both again."""

    key = "console.error.passwords_differ"
    status = 400


class WrongCodeError(RelayError):
    """This is not the code that the app shows now; look at the app and at the phone's clock, and type the next code."""

    key = "console.error.wrong_code"
    status = 400


class WrongPasswordError(RelayError):
    """Your present password is not right; nothing was changed."""

    key = "console.error.wrong_password"
    status = 403


class NoAccountError(RelayError):
    """There is no account of this id; look at the list of people."""

    key = "console.error.no_account"
    status = 404


class AccountTakenError(RelayError):
    """This id is taken by an account or by a clerk of relay.toml; choose another."""

    key = "console.error.account_taken"
    status = 409


class AccountIdError(RelayError):
    """An id has small letters, digits and hyphens, at most 63, and is no name of a person; choose another."""

    key = "console.error.account_id"
    status = 400


class NoRoleError(RelayError):
    """An account needs at least one role; choose what this person does."""

    key = "console.error.no_role"
    status = 400


class LastAdministratorError(RelayError):
    """This is the last administrator who can sign in; make another one first."""

    key = "console.error.last_administrator"
    status = 409


class OidcDownError(RelayError):
    """The city's sign-in service does not answer as it should; try again later, or sign in with your password."""

    key = "console.error.oidc_down"
    status = 502


class OidcError(RelayError):
    """The sign-in at the city's service was not completed or is too old; begin again from the console's sign-in page."""

    key = "console.error.oidc"
    status = 403


class StrangerError(RelayError):
    """The city's sign-in service knows you, but the console has no account for you; ask an administrator."""

    key = "console.error.stranger"
    status = 403
