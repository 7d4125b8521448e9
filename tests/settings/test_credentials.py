from __future__ import annotations

import copy
import pickle

import pytest
from pydantic import SecretStr

from fastapi_esdb.settings.credentials import Credentials

ADMIN = Credentials("admin", SecretStr("canary"))


def test_password() -> None:
    """The password is there for who asks for it by name, and equality looks at it."""
    assert ADMIN.password.get_secret_value() == "canary"
    assert Credentials("admin", SecretStr("canary")) == ADMIN
    assert Credentials("admin", SecretStr("other")) != ADMIN
    assert hash(ADMIN) == hash(Credentials("admin", SecretStr("canary")))


def test_texts() -> None:
    """No text of the credentials shows the password."""
    assert repr(ADMIN) == str(ADMIN) == f"{ADMIN}" == "Credentials(username='admin', password='***')"


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(protocol: int) -> None:
    """Pickling is refused in every protocol, also as part of something else."""
    with pytest.raises(TypeError, match="Credentials can't be pickled"):
        pickle.dumps([ADMIN], protocol)


def test_copies() -> None:
    """A copy is the same object, since nothing in it can change."""
    assert copy.copy(ADMIN) is ADMIN
    assert copy.deepcopy([ADMIN]) == [ADMIN]


@pytest.mark.parametrize("username", ["", "ad:min", "ad\nmin", "\x7f"])
def test_bad_username(username: str) -> None:
    """A user name that HTTP Basic can't carry is refused."""
    with pytest.raises(ValueError, match="user name must not be empty, nor hold ':' or control"):
        Credentials(username, SecretStr("canary"))


@pytest.mark.parametrize("password", ["", "canary\n", "canary\x00"])
def test_bad_password(password: str) -> None:
    """So is a password, without showing it."""
    with pytest.raises(ValueError, match="password must not be empty, nor hold control") as caught:
        Credentials("admin", SecretStr(password))
    assert "canary" not in str(caught.value)


def test_a_password_may_be_a_plain_text() -> None:
    """It is a secret from then on."""
    plain = Credentials("admin", "canary")
    assert plain == ADMIN
    assert isinstance(plain.password, SecretStr)
    assert "canary" not in f"{plain!r} {plain}"


def test_a_password_that_is_no_text() -> None:
    """Is refused without being shown."""
    with pytest.raises(ValueError, match="password must be a text or a SecretStr") as caught:
        Credentials("admin", b"canary")  # type: ignore[arg-type]  # it is what is tested
    assert "canary" not in str(caught.value)


def test_password_with_everything_else() -> None:
    """A password may hold colons, blanks and any letters."""
    assert Credentials("admin", SecretStr("a:b c/ü🔑")).password.get_secret_value() == "a:b c/ü🔑"
