"""The browser and its devices, which the tests of the page have, too."""

from tests.web.conftest import browser_path, happy_devices  # noqa: F401  fixtures
