"""Translates a few Spanish and Hindi requests to English, and the English replies back."""

import re
from collections.abc import Callable

TAGS = {"es": "es-ES", "hi": "hi-IN"}
_DEVANAGARI = re.compile(r"[\u0900-\u097f]")
_SPANISH = re.compile(
    r"[¿¡ñ]|\b(?:hola|adiós|gracias|quiero|quisiera|cita|horario|abren|abierto|cierran|reservar"
    r"|lunes|martes|miércoles|jueves|viernes|sábado|domingo|mañana|por favor)\b",
    re.IGNORECASE,
)

# Longer phrases come before the phrases that they contain.
_DAYS = {
    "es": ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
    "hi": ("सोमवार", "मंगलवार", "बुधवार", "गुरुवार", "शुक्रवार", "शनिवार", "रविवार"),
}
_ENGLISH_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = {
    "es": (
        "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"
    ),
    "hi": "जनवरी फ़रवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर अक्टूबर नवंबर दिसंबर",
}
_ENGLISH_MONTHS = (
    "January February March April May June July August September October November December"
)
_HEARD = {
    "es": {
        r"(?:reservar|quiero|quisiera) (?:una )?cita": "book an appointment",
        r"reservar": "book",
        r"(?:el )?horario(?: de apertura)?|(?:a qué hora |cuándo )?abren|abierto": "opening hours",
        r"hola": "hello",
        r"adiós": "goodbye",
        r"gracias": "thank you",
        r"para (?:el )?|el ": "on ",
        r"\ba las? (\d{1,2})(?::(\d\d))? de la mañana": r"at \1 a.m.",
        r"\ba las? (\d{1,2}) de la tarde": r"at \1 p.m.",
    },
    "hi": {
        r"(?:अपॉइंटमेंट|मुलाक़ात|मुलाकात) (?:बुक|तय) (?:करना|करें|कर दीजिए|कीजिए)?": "book an appointment",
        r"खुलने का समय|कब खुल\S*|कितने बजे खुल\S*|खुला": "opening hours",
        r"नमस्ते": "hello",
        r"अलविदा": "goodbye",
        r"धन्यवाद": "thank you",
        r"सुबह (\d{1,2}) बजे": r"at \1 a.m.",
        r"(?:दोपहर|शाम) (\d{1,2}) बजे": r"at \1 p.m.",
    },
}
_SAID = {
    "es": (
        (r"Hello, how can I help you\?", "Hola, ¿en qué puedo ayudarle?"),
        (r"Hello (\w+), how can I help you\?", r"Hola \1, ¿en qué puedo ayudarle?"),
        (r"One moment, please\.", "Un momento, por favor."),
        (r"I am still looking\.", "Sigo buscando."),
        (r"All right\.", "De acuerdo."),
        (r"You are welcome\.", "De nada."),
        (r"Goodbye\.?", "Adiós."),
        (r"Sorry, I did not catch that\.", "Perdone, no le he oído bien."),
        (r"I am sorry, I did not understand that\.", "Perdone, no le he entendido."),
        (r"We are open on (DAY) from (TIME) to (TIME)\.?", r"El \1 abrimos de \2 a \3."),
        (r"We are closed on (DAY)\.", r"El \1 está cerrado."),
        (r"Your appointment is booked for (DAY) at (TIME)\.?", r"Su cita es el \1 a las \2."),
        (r"Which day would you like to come\?", "¿Qué día le gustaría venir?"),
    ),
    "hi": (
        (r"Hello, how can I help you\?", "नमस्ते, मैं आपकी क्या मदद कर सकती हूँ?"),
        (r"Hello (\w+), how can I help you\?", r"नमस्ते \1, मैं आपकी क्या मदद कर सकती हूँ?"),
        (r"One moment, please\.", "एक क्षण, कृपया।"),
        (r"I am still looking\.", "मैं अब भी देख रही हूँ।"),
        (r"All right\.", "ठीक है।"),
        (r"You are welcome\.", "आपका स्वागत है।"),
        (r"Goodbye\.?", "अलविदा।"),
        (r"Sorry, I did not catch that\.", "माफ़ कीजिए, मैंने सुना नहीं।"),
        (r"I am sorry, I did not understand that\.", "माफ़ कीजिए, मैं समझी नहीं।"),
        (r"We are open on (DAY) from (TIME) to (TIME)\.?", r"हम \1 को \2 से \3 तक खुले हैं।"),
        (r"We are closed on (DAY)\.", r"हम \1 को बंद हैं।"),
        (r"Your appointment is booked for (DAY) at (TIME)\.?", r"आपकी मुलाक़ात \1 को \2 तय है।"),
        (r"Which day would you like to come\?", "आप किस दिन आना चाहेंगे?"),
    ),
}
_DAY = r"(?:[A-Z][a-z]+day the \d+\w\w of [A-Z][a-z]+)"
_TIME = r"(?:\d+(?::\d\d)? [ap]\.m\.)"


def language_of(text: str) -> str | None:
    """Return ``es`` or ``hi`` for a text in that language, None for English."""
    if _DEVANAGARI.search(text):
        return "hi"
    return "es" if _SPANISH.search(text) else None


def requested_language(instruction: str) -> str | None:
    """Return the language that an instruction requests, None for English."""
    found = re.search(r"\b(?:Speak|BCP 47 tag is|Say in) (?:\w+ \()?([a-z]{2})\b", instruction)
    return found[1] if found and found[1] in TAGS else None


def in_english(text: str) -> str:
    """Translate the known phrases of a text to English."""
    language = language_of(text)
    if language is None:
        return text
    words = text.lower()
    for pattern, english in _HEARD[language].items():
        words = re.sub(pattern, english, words)
    for day, english in zip(_DAYS[language], _ENGLISH_DAYS, strict=True):
        words = words.replace(day, f"on {english}" if language == "hi" else english)
    return re.sub(r"[¿¡]", "", words)


def in_language(text: str, language: str | None) -> str:
    """Translate a reply; a reply without a translation stays as it is."""
    if language is None:
        return text
    for pattern, wording in _SAID[language]:
        whole = pattern.replace("(DAY)", f"({_DAY})").replace("(TIME)", f"({_TIME})")
        if found := re.fullmatch(whole, text):
            parts = [_spoken(part, language) for part in found.groups()]
            return re.sub(r"\\(\d)", _filled(parts), wording)
    return text


def _filled(parts: list[str]) -> Callable[[re.Match[str]], str]:
    return lambda place: parts[int(place[1]) - 1]


def _spoken(part: str, language: str) -> str:
    if found := re.fullmatch(r"(\w+day) the (\d+)\w\w of (\w+)", part):
        day = _DAYS[language][_ENGLISH_DAYS.index(found[1])]
        month = _MONTHS[language].split()[_ENGLISH_MONTHS.split().index(found[3])]
        return f"{day} {found[2]} de {month}" if language == "es" else f"{day} {found[2]} {month}"
    if found := re.fullmatch(r"(\d+(?::\d\d)?) ([ap])\.m\.", part):
        half = found[2] == "p"
        if language == "es":
            return f"{found[1]} de la {'tarde' if half else 'mañana'}"
        return f"{'दोपहर' if half else 'सुबह'} {found[1]} बजे"
    return part
