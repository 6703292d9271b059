"""Every view of the page: accessible, usable by keyboard, under the page's own rules."""

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.browser.conftest import OpenPage

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_view_has_no_fault_of_accessibility(open_page: "OpenPage", scheme: str) -> None:
    page = open_page(signed_in=False, color_scheme=scheme)

    page.page.get_by_role("heading").first.wait_for()
    assert page.accessibility_faults() == []
