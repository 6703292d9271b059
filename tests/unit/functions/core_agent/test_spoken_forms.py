import re
import sys
from datetime import date, time, timedelta

import pytest
from babel import Locale
from babel.dates import get_month_names
from hypothesis import given
from hypothesis import strategies as st

from core_agent.spoken_forms import spoken_forms
from repartee.domain.front_desk.bookings import Slot
from repartee.domain.front_desk.rules import OpeningHours
from repartee.domain.live.model_profiles import FALLBACK_PROFILE
from repartee.domain.text.characters import checked_line

pytestmark = pytest.mark.unit

TODAY = date(2026, 11, 20)
FRIDAY = date(2026, 11, 27)
OTHER_TAGS = [
    tag for name, tags in FALLBACK_PROFILE.languages.items() if name != "en" for tag in tags
]
WEEKDAYS = {"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
MONTHS = set(get_month_names("wide", locale="en").values())


def test_english_is_said_in_full():
    forms = spoken_forms("en-GB")

    assert forms.day(FRIDAY, TODAY) == "Friday the 27th of November"
    assert forms.slot(Slot(FRIDAY, time(15)), TODAY) == "Friday the 27th of November at 3 p.m."
    assert forms.hours(OpeningHours(time(9), time(0)), FRIDAY) == "from 9 a.m. to midnight"
    late = "from 10 p.m. to 2 a.m. the next day"
    assert forms.hours(OpeningHours(time(22), time(2)), FRIDAY) == late
    assert forms.all_of(["one", "two"]) == "one and two"


@pytest.mark.parametrize("language", ["en-US", *OTHER_TAGS])
@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_ends_of_the_calendar_can_be_said(language, day):
    forms = spoken_forms(language)

    assert forms.hours(OpeningHours(time(22), time(6)), day)
    assert forms.slot(Slot(day, time(23, 30)), TODAY)


@pytest.mark.parametrize(
    ("language", "dated", "slot"),
    [
        ("es-ES", "miércoles, 1 de diciembre de 2027", "viernes, 27 de noviembre, 15:00"),
        ("de-DE", "Mittwoch, 1. Dezember 2027", "Freitag, 27. November, 15:00"),
        ("hi-IN", "बुधवार, 1 दिसंबर 2027", "शुक्रवार, 27 नवंबर, दोपहर 3:00"),
        ("ja-JP", "2027年12月1日水曜日", "11月27日金曜日 15:00"),
    ],
)
def test_another_language_has_its_own_forms(language, dated, slot):
    forms = spoken_forms(language)

    assert forms.day(date(2027, 12, 1), TODAY) == dated
    assert forms.slot(Slot(FRIDAY, time(15)), TODAY) == slot


@pytest.mark.parametrize(
    ("opens", "closes", "spoken"),
    [
        (time(13), time(23, 30), "13:00 \u2013 23:30"),
        (time(18), time(0), "18:00 \u2013 0:00"),
        (time(22), time(2), "viernes, 22:00 \u2013 sábado, 2:00"),
    ],
)
def test_hours_that_end_on_the_next_day_are_said_with_both_days(opens, closes, spoken):
    assert spoken_forms("es-ES").hours(OpeningHours(opens, closes), FRIDAY) == spoken


@pytest.mark.parametrize("language", ["pt_PT", "ar-XA", "es-419", "zh-Hans-CN", "DE-de"])
def test_a_region_that_babel_does_not_know_gets_the_forms_of_its_language(language):
    assert "Friday" not in spoken_forms(language).day(FRIDAY, TODAY)


@pytest.mark.parametrize("language", ["", "*", "xx-YY", "not a tag"])
def test_an_unknown_language_gets_english(language):
    assert spoken_forms(language).day(FRIDAY, TODAY) == "Friday the 27th of November"


@given(
    language=st.sampled_from(OTHER_TAGS),
    day=st.dates(TODAY - timedelta(days=400), TODAY + timedelta(days=800)),
    opens=st.times(),
    closes=st.times(),
)
def test_every_language_of_the_live_model_is_said_without_english(language, day, opens, closes):
    forms = spoken_forms(language)
    hours = OpeningHours(opens.replace(second=0), closes.replace(second=0))
    said = [
        forms.day(day, TODAY),
        forms.time(opens),
        forms.slot(Slot(day, opens), TODAY),
        forms.hours(hours, day),
        forms.all_of([forms.time(opens), forms.time(closes)]),
    ]
    spoken_forms.cache_clear()

    assert said[0] == spoken_forms(language).day(day, TODAY)
    # German and others write some months as English does.
    own = {name.casefold() for name in _months(language)}
    english = WEEKDAYS | {name.casefold() for name in MONTHS} - own
    for text in said:
        assert checked_line(text)
        assert not english & set(re.findall(r"\w+", text.casefold()))


def _months(language: str) -> set[str]:
    locale = Locale.parse(language.partition("-")[0])
    return set(get_month_names("wide", locale=locale).values())


def test_two_days_or_times_are_never_said_alike():
    for language in OTHER_TAGS:
        forms = spoken_forms(language)
        days = [TODAY + timedelta(days=ahead) for ahead in range(365)]
        times = [time(hour, minute) for hour in range(24) for minute in (0, 30)]

        assert len({forms.day(day, TODAY) for day in days}) == len(days), language
        assert len({forms.time(at) for at in times}) == len(times), language


def test_english_does_not_import_babel(monkeypatch):
    monkeypatch.setitem(sys.modules, "babel", None)
    spoken_forms.cache_clear()

    assert spoken_forms("en-US").time(time(9)) == "9 a.m."
    with pytest.raises(ImportError):
        spoken_forms("es-ES")
