"""The English names of languages, for instructions to a model."""

_NAMES = {
    "ar": "Arabic",
    "bn": "Bengali",
    "de": "German",
    "en": "English",
    "es": "Spanish",
    "fr": "French",
    "hi": "Hindi",
    "id": "Indonesian",
    "it": "Italian",
    "ja": "Japanese",
    "ko": "Korean",
    "mr": "Marathi",
    "nl": "Dutch",
    "pl": "Polish",
    "pt": "Portuguese",
    "ro": "Romanian",
    "ru": "Russian",
    "ta": "Tamil",
    "te": "Telugu",
    "th": "Thai",
    "tr": "Turkish",
    "uk": "Ukrainian",
    "vi": "Vietnamese",
}


def language_name(tag: str) -> str:
    """Return a BCP 47 tag with its language's name, such as ``Spanish (es-ES)``.

    Returns the tag alone if the name is unknown.
    """
    name = _NAMES.get(tag.partition("-")[0])
    return tag if name is None else f"{name} ({tag})"
