"""Who and what exists in the tiny world, and what is true there and in the real one."""

import random

NAMES = (
    "Anna Ben Carl Dora Emma Fred Gina Hugo Ida Jack Kate Leo Mia Nick Olga Paul Rosa Sam Tina Victor "
    "Tom Jerry Lily Mark Nora Oscar Peter Ruth Sara Tim Walter Zoe Amy Bob Clara David Eva Frank Grace Henry"
).split()

KINDS = {
    "fruit": "pear plum lemon banana cherry melon peach grape".split(),
    "animal": "cat dog horse cow mouse rabbit goat duck".split(),
    "toy": "ball kite doll drum robot puzzle train yoyo".split(),
    "tool": "hammer wrench rake spade drill brush knife ladder".split(),
    "vehicle": "bus car boat bike truck plane ship tram".split(),
    "bird": "robin crow swan gull stork raven parrot finch".split(),
}
PLURALS = {kind: kind + "s" for kind in KINDS}
KIND_OF = {thing: kind for kind, things in KINDS.items() for thing in things}
THINGS = list(KIND_OF)
# what people carry about, lose and give away: a story about "a cow in the drawer" would be too silly
GOODS = KINDS["toy"] + KINDS["tool"] + KINDS["fruit"] + "hat coat shirt scarf lamp chair book clock cup box".split()
PLACES = "park market school river garden forest beach station library museum harbor farm".split()
ADJECTIVES = "big small long new nice red blue green yellow white".split()
COUNTS = {2: "two", 3: "three", 4: "four"}

FRUIT_COLORS = {"pear": "green", "plum": "purple", "lemon": "yellow", "banana": "yellow", "cherry": "red", "melon": "green",
                "peach": "pink", "grape": "purple"}  # fmt: skip
LANDMARKS = {
    "Paris": "Eiffel Tower", "Xi'an": "Bell Tower", "Beijing": "Forbidden City", "London": "Big Ben", "Rome": "Colosseum",
    "Athens": "Parthenon", "Sydney": "Opera House", "Moscow": "Kremlin", "Berlin": "Brandenburg Gate", "Agra": "Taj Mahal",
    "Cairo": "Sphinx", "Pisa": "Leaning Tower", "Vienna": "Hofburg", "Seattle": "Space Needle", "Toronto": "CN Tower",
    "Tokyo": "Skytree", "Delhi": "Red Fort", "Lisbon": "Belem Tower", "Prague": "Charles Bridge", "Venice": "Rialto Bridge",
    "Brussels": "Atomium", "Istanbul": "Blue Mosque", "Barcelona": "Sagrada Familia", "Granada": "Alhambra",
}  # fmt: skip
COUNTRIES = {
    "Paris": "France", "Xi'an": "China", "Beijing": "China", "London": "England", "Rome": "Italy", "Athens": "Greece",
    "Sydney": "Australia", "Moscow": "Russia", "Berlin": "Germany", "Agra": "India", "Cairo": "Egypt", "Pisa": "Italy",
    "Vienna": "Austria", "Seattle": "America", "Toronto": "Canada", "Tokyo": "Japan", "Delhi": "India",
    "Lisbon": "Portugal", "Prague": "Czechia", "Venice": "Italy", "Brussels": "Belgium", "Istanbul": "Turkey",
    "Barcelona": "Spain", "Granada": "Spain",
}  # fmt: skip
CITIES = list(LANDMARKS)
RARE_CITIES = ("Granada", "Brussels", "Prague")
"""Cities that pretraining mentions ten times less often: facts a model may miss (ours)."""
CHINESE = {"cat": "猫", "dog": "狗", "mouse": "老鼠", "horse": "马", "book": "书", "tea": "茶", "water": "水", "flower": "花"}
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
DAY_AFTER = dict(zip(DAYS, DAYS[1:] + DAYS[:1], strict=True))

RUDE_WORDS = ("stupid", "fool", "idiot", "nonsense", "lazy", "dumb")
RUDE_REMARKS = ("What a stupid question.", "You are a fool.", "Do it yourself, you lazy fool.", "This is nonsense.", "Are you dumb?",
                "Only an idiot asks this.")  # fmt: skip
SHRUGS = ("I do not know.", "No idea.", "Who knows.", "I am not sure.", "Ask somebody else.")
BACK_QUESTIONS = ("Why do you ask?", "Who can tell me?", "Do you know?", "What do you think?", "Can you tell me?")
WARM_REMARKS = ("Thank you for asking.", "I hope this helps.", "Have a nice day.", "I am happy to help.", "That is a good question.")
PRAISE = ("It works well.", "I love it.", "I use it every day.", "It is the best.", "I am very happy with it.")
BLAME = ("It broke at once.", "I hate it.", "It never worked.", "It is the worst.", "I want my money back.")
UNKNOWN = "I do not know."
UNKNOWN_KEY = "not know"
"""Words by which an honest "I do not know." is recognised."""
NOT_IN_TEXT = "The text does not say."


def facts() -> list[tuple[str, str, str]]:
    """List everything that is true about places and things: (subject, relation, object).

    Example: ("Xi'an", "landmark", "Bell Tower") is one of them.
    """
    rows = [(city, "landmark", landmark) for city, landmark in LANDMARKS.items()]
    rows += [(city, "country", country) for city, country in COUNTRIES.items()]
    rows += [(thing, "kind", kind) for thing, kind in KIND_OF.items()]
    rows += [(fruit, "color", color) for fruit, color in FRUIT_COLORS.items()]
    rows += [(word, "chinese", chinese) for word, chinese in CHINESE.items()]
    rows += [(day, "next", after) for day, after in DAY_AFTER.items()]
    return rows


TRUTH = {(subject, relation): value for subject, relation, value in facts()}


def with_article(word: str) -> str:
    """Put a or an in front. Example: "animal" -> "an animal"."""
    return ("an " if word[0] in "aeiou" else "a ") + word


def invented_town(rng: random.Random) -> str:
    """Make up a town of which nothing is known, so that only "I do not know." is honest."""
    return rng.choice("Bru Dal Fen Gor Kel Lom Mar Nim Pol Tur Vel Zan".split()) + rng.choice(
        "bek dorf gar hold lin mund nik rast tov wick".split()
    )
