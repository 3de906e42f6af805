"""Settings that every test shares: hypothesis draws the same examples each time, and measures no time; long files begin first."""

import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None, derandomize=True)
settings.load_profile("house")

# Half a minute and more each; the check runs files side by side, and would wait for the last of these.
LONG = ("spec/test_model.py", "interop/test_scripts.py", "cli/test_by_hand.py", "cli/test_way_end_to_end.py")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of long files first, all others in their order."""
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONG))
