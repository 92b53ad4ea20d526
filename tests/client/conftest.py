"""The servers of the api's tests."""

from tests.api.conftest import filled_sqlite as filled_sqlite
from tests.api.conftest import filled_url as filled_url
from tests.api.conftest import own_server as own_server
