"""A small English-Chinese corpus whose word order differs, and which words translate which.

Sentences are filled templates. Each template is written twice, and each Chinese word names the English words that it
translates, after a slash: "there is {thing} {in} {room}" is "{room} 里/in 有/there+is {thing}". A part put into braces
brings its own links along, so that every sentence comes with its gold alignment. Chinese moves time and place before
the verb, question words back to where their answer would stand, and everything that describes a noun before the noun.
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

from torch import Tensor

from ..data import lengths_to_mask, pad_right
from .words import with_article

MIN_WORDS, MAX_WORDS = 3, 12  # a side
PAD, START, END, UNKNOWN = "<pad>", "<start>", "<end>", "<unknown>"

NAMES = {"Tom": "汤姆", "Jerry": "杰瑞", "Anna": "安娜", "Lily": "莉莉", "Jack": "杰克", "Emma": "艾玛", "Peter": "彼得",
         "Mary": "玛丽", "David": "大卫", "Lucy": "露西"}  # fmt: skip
PEOPLE = {"girl": "女孩", "boy": "男孩", "teacher": "老师", "student": "学生", "doctor": "医生", "child": "孩子"}
ANIMALS = {"cat": "猫", "dog": "狗", "mouse": "老鼠", "rabbit": "兔子", "bird": "鸟", "duck": "鸭子"}
# measure word, adjectives and verbs that go with each thing; 老 is old for the living, 旧 for things
THINGS = {
    "book": ("书", "本", "new old red", "read buy sell"), "letter": ("信", "封", "new old", "read"),
    "newspaper": ("报纸", "份", "new old", "read buy sell"), "apple": ("苹果", "个", "red big small", "eat buy wash"),
    "egg": ("鸡蛋", "个", "big small white", "eat buy sell"), "cake": ("蛋糕", "块", "big small", "eat buy sell"),
    "hat": ("帽子", "顶", "red black new", "buy wash sell"), "umbrella": ("雨伞", "把", "black red old", "buy sell"),
    "chair": ("椅子", "把", "old small new", "buy wash draw"), "bicycle": ("自行车", "辆", "new red old", "buy wash sell"),
    "flower": ("花", "朵", "red white small", "buy draw"), "car": ("汽车", "辆", "new black old", "buy wash sell draw"),
}  # fmt: skip
ADJECTIVES = {"new": "新", "old": "旧", "red": "红", "black": "黑", "white": "白", "big": "大", "small": "小"}
LIVING = {"big": "大", "small": "小", "black": "黑", "white": "白", "old": "老"}
VIRTUES = {"clever": "聪明", "kind": "善良", "brave": "勇敢", "happy": "快乐", "young": "年轻"}
VERBS = {
    "chase": ("chases", "chased", "追逐"), "help": ("helps", "helped", "帮助"), "follow": ("follows", "followed", "跟随"),
    "thank": ("thanks", "thanked", "感谢"), "hug": ("hugs", "hugged", "拥抱"), "draw": ("draws", "drew", "画"),
    "wait for": ("waits for", "waited for", "等"), "look for": ("looks for", "looked for", "找"),
    "read": ("reads", "read", "看"), "buy": ("buys", "bought", "买"), "sell": ("sells", "sold", "卖"),
    "eat": ("eats", "ate", "吃"), "wash": ("washes", "washed", "洗"), "like": ("likes", "liked", "喜欢"),
    "know": ("knows", "knew", "认识"), "trust": ("trusts", "trusted", "相信"), "miss": ("misses", "missed", "想念"),
}  # fmt: skip
ACTIONS = ("chase", "help", "follow", "thank", "hug", "draw", "wait for", "look for")
ANIMAL_ACTIONS = ("chase", "follow", "wait for", "look for")
FEELINGS = ("like", "know", "trust", "miss")
ROOMS = {"park": "公园", "garden": "花园", "library": "图书馆", "kitchen": "厨房", "market": "市场", "museum": "博物馆"}
NUMBERS = (("a", "一"), ("a", "一"), ("two", "两"), ("three", "三"))
DEGREES = {"taller": "高", "faster": "快", "busier": "忙", "younger": "年轻", "stronger": "强壮", "braver": "勇敢"}
USUALLY = {"every day": "每天", "every morning": "每天/every 早上/morning", "at night": "晚上", "on Sunday": "星期天"}
BEFORE = {"yesterday": "昨天", "last week": "上周", "this morning": "今天/this 早上/morning"}
LATER = {"tomorrow": "明天", "next week": "下周", "on Monday": "星期一", "this evening": "今天/this 晚上/evening"}

TEMPLATES = {
    "action": (
        ("{who} {does} {some}", "{who} {does} {some}"),
        ("{who} {does} {some} {place}", "{who} {place} {does} {some}"),
        ("{who} {does} {the} {place} {usually}", "{who} {usually} {place} {does} {the}"),
        ("{who} {did} {some} {place} {before}", "{who} {before} {place} {did} {some}"),
        ("{before} {who} {did} {some} {place}", "{before} {who} {place} {did} {some}"),
        ("{who} will {do} {some} {later}", "{who} {later} 会/will {do} {some}"),
        ("{who} will {do} {some} {place} {later}", "{who} {later} 会/will {place} {do} {some}"),
        ("{who} does not {do} {the} {place}", "{who} 不/not {place} {do} {the}"),
        ("{who} did not {do} {the} {before}", "{who} {before} 没有/not {do} {the}"),
        ("{name} and {friend} {do} {the} {place}", "{name} 和/and {friend} {place} {do} {the}"),
        ("does {who} {do} {the} {place}", "{who} {place} {do} {the} 吗/does"),
        ("did {who} {do} {the} {place} {before}", "{who} {before} {place} {do} {the} 了/did 吗/did"),
        ("where does {who} {do} {the} {usually}", "{who} {usually} 在/where 哪里/where {do} {the}"),
        ("why did {who} {do} {the} {before}", "{who} {before} 为什么/why {do} {the}"),
        ("when will {who} {do} {the}", "{who} 什么时候/when 会/will {do} {the}"),
        ("who {does} {the} {place}", "谁/who {place} {does} {the}"),
        ("{what} does {who} {do} {place}", "{who} {place} {do} {what}"),
        ("{what} did {who} {do} {place} {before}", "{who} {before} {place} {do} 了/did {what}"),
    ),
    "feeling": (
        ("{who} {does} {the}", "{who} {does} {the}"),
        ("{who} does not {do} {the}", "{who} 不/not {do} {the}"),
        ("does {who} {do} {the}", "{who} {do} {the} 吗/does"),
        ("who does {who} {do}", "{who} {do} 谁/who"),
    ),
    "scene": (
        ("{name} is {taller} than {friend}", "{name} 比/than {friend} {taller}"),
        ("there is {one} in the {room}", "{room} 里/in 有/there+is {one}"),
        ("{who} gave {one} to {friend} {before}", "{who} {before} 给/gave+to 了/gave {friend} {one}"),
        ("{who} goes to the {room} with {friend} {usually}", "{who} {usually} 和/with {friend} 去/goes+to {room}"),
        ("{who} will go to the {room} with {friend} {later}", "{who} {later} 会/will 和/with {friend} 去/go+to {room}"),
        ("{who} plays with {friend} {place}", "{who} {place} 和/with {friend} 玩/plays"),
    ),
}  # fmt: skip
TEMPLATE_SHARES = {"action": 0.7, "feeling": 0.12, "scene": 0.18}
NOUN_PHRASES = {
    "person": (("the {noun}", "{noun}"), ("the {kind} {noun}", "{kind} 的 {noun}"),
               ("the friend of {name}", "{name} 的/of 朋友/friend"),
               ("the {noun} who {likes} {other}", "{likes} {other} 的/who {noun}")),
    "animal": (("the {noun}", "{noun}"), ("the {old} {noun}", "{old} {noun}"), ("the {noun} of {name}", "{name} 的/of {noun}")),
    "thing": (("the {noun}", "{noun}"), ("the {noun} of {name}", "{name} 的/of {noun}"),
              ("this {noun}", "这/this {measure} {noun}"), ("that {noun}", "那/that {measure} {noun}"),
              ("the {noun} that {name} likes", "{name} 喜欢/likes 的/that {noun}")),
}  # fmt: skip


@dataclass(frozen=True)
class Phrase:
    """A piece of a sentence in both languages."""

    english: tuple[str, ...]
    """Its English words."""
    chinese: tuple[str, ...]
    """Its Chinese words."""
    links: frozenset[tuple[int, int]]
    """Pairs (i, j): Chinese word i translates English word j."""


@dataclass(frozen=True)
class SentencePair:
    """A sentence in both languages, words separated by spaces."""

    english: str
    """The source."""
    chinese: str
    """The target."""
    alignment: tuple[tuple[int, int], ...]
    """Pairs (i_target, j_source), sorted: Chinese word i translates English word j; "the" has no partner, 每天 has two."""


ARTICLE_EXAMPLE = SentencePair("Tom chase Jerry", "汤姆 追逐 杰瑞", ((0, 0), (1, 1), (2, 2)))
"""The example of the articles that the course follows, in their words; `sentence_pairs` begins with it."""


def phrase(english: str, chinese: str, parts: dict[str, Phrase] | None = None) -> Phrase:
    """Fill a pattern in both languages and keep track of which word translates which.

    Example: phrase("every day", "每天/every+day") has the links {(0, 0), (0, 1)}.
    """
    source, target, links, begins = [], [], set(), {}
    for item in english.split():
        begins[item] = len(source)
        source += parts[item[1:-1]].english if item[0] == "{" else [item]
    for item in chinese.split():
        word, _, translated = item.partition("/")
        if item[0] == "{":
            links |= {(len(target) + i, begins[item] + j) for i, j in parts[item[1:-1]].links}
            target += parts[item[1:-1]].chinese
        else:
            links |= {(len(target), begins[each]) for each in translated.split("+") if each}
            target.append(word)
    return Phrase(tuple(source), tuple(target), frozenset(links))


@cache
def _word(english: str, chinese: str) -> Phrase:
    return phrase(english, chinese if "/" in chinese else f"{chinese}/{english.replace(' ', '+')}")


def _pick(table: dict[str, str], rng: random.Random) -> Phrase:
    return _word(*rng.choice(list(table.items())))


def _person(name: Phrase, other: Phrase, rng: random.Random) -> Phrase:
    # always definite, for a Chinese sentence does not begin with 一 个
    parts = {"name": name, "other": other, "noun": _pick(PEOPLE, rng), "kind": _pick(VIRTUES, rng),
             "likes": _verb_parts(rng.choice(FEELINGS))["does"]}  # fmt: skip
    return name if rng.random() < 0.6 else phrase(*rng.choice(NOUN_PHRASES["person"]), parts)


def _animal(name: Phrase, rng: random.Random) -> Phrase:
    parts = {"name": name, "noun": _pick(ANIMALS, rng), "old": _pick(LIVING, rng)}
    return phrase(*rng.choice(NOUN_PHRASES["animal"]), parts)


def _described(thing: str, plural: str, rng: random.Random) -> Phrase:
    noun = _word(thing + plural, THINGS[thing][0])
    adjective = rng.choice(THINGS[thing][2].split())
    parts = {"adjective": _word(adjective, ADJECTIVES[adjective]), "noun": noun}
    return noun if rng.random() < 0.5 else phrase("{adjective} {noun}", "{adjective} {noun}", parts)


def _some_things(thing: str, numbers: Sequence[tuple[str, str]], rng: random.Random) -> Phrase:
    """Count things, with the measure word that Chinese asks for: "two old books" is "两 本 旧 书"."""
    number, chinese = rng.choice(numbers)
    noun = _described(thing, "" if number == "a" else "s", rng)
    number = with_article(noun.english[0]).split()[0] if number == "a" else number
    return phrase(f"{number} {{noun}}", f"{chinese}/{number} {THINGS[thing][1]}/{number} {{noun}}", {"noun": noun})


def _the_thing(thing: str, name: Phrase, rng: random.Random) -> Phrase:
    english, chinese = rng.choice(NOUN_PHRASES["thing"])
    measure = f"{THINGS[thing][1]}/{english.split()[0]}"  # 这 本 together are "this"
    return phrase(english, chinese.replace("{measure}", measure), {"noun": _described(thing, "", rng), "name": name})


def _verb_parts(verb: str) -> dict[str, Phrase]:
    does, did, chinese = VERBS[verb]
    past = phrase(did, f"{chinese}/{did.replace(' ', '+')} 了/{did.split()[0]}")
    return {"do": _word(verb, chinese), "does": _word(does, chinese), "did": past}


def _action_parts(names: Sequence[Phrase], group: str, rng: random.Random) -> dict[str, Phrase]:
    if group == "action" and rng.random() < 0.5:
        thing = rng.choice(list(THINGS))
        parts = _verb_parts(rng.choice(THINGS[thing][3].split())) | {"who": _person(names[0], names[3], rng)}
        objects = {"some": _some_things(thing, NUMBERS, rng), "the": _the_thing(thing, names[1], rng)}
        return parts | objects | {"what": _word("what", "什么")}
    verb = rng.choice(FEELINGS if group == "feeling" else ACTIONS)
    by_animal = group == "action" and verb in ANIMAL_ACTIONS and rng.random() < 0.3
    whom = _animal(names[1], rng) if rng.random() < 0.3 else _person(names[1], names[4], rng)
    who = _animal(names[0], rng) if by_animal else _person(names[0], names[3], rng)
    return _verb_parts(verb) | {"who": who, "some": whom, "the": whom, "what": _word("who", "谁")}


def _sentence(rng: random.Random) -> Phrase:
    group = rng.choices(list(TEMPLATE_SHARES), list(TEMPLATE_SHARES.values()))[0]
    names = [_word(*each) for each in rng.sample(list(NAMES.items()), 5)]
    room = _pick(ROOMS, rng)
    parts = _action_parts(names, group, rng) | {
        "name": names[0], "friend": names[2], "room": room, "one": _some_things(rng.choice(list(THINGS)), NUMBERS[:1], rng),
        "taller": _pick(DEGREES, rng), "place": phrase("in the {room}", "在/in {room}", {"room": room}),
        "usually": _pick(USUALLY, rng), "before": _pick(BEFORE, rng), "later": _pick(LATER, rng),
    }  # fmt: skip
    return phrase(*rng.choice(TEMPLATES[group]), parts)


def sentence_pairs(seed: int, count: int) -> list[SentencePair]:
    """Make `count` different pairs of 3 to 12 words a side; the first is the articles' example.

    Example: "Tom chases Jerry in the park", "汤姆 在 公园 追逐 杰瑞", ((0, 0), (1, 3), (2, 5), (3, 1), (4, 2)).
    """
    if count < 1:
        raise ValueError(f"count is {count}, expected at least 1")
    rng, pairs = random.Random(seed), {ARTICLE_EXAMPLE.english: ARTICLE_EXAMPLE}
    while len(pairs) < count:
        drawn = _sentence(rng)
        if all(MIN_WORDS <= len(words) <= MAX_WORDS for words in (drawn.english, drawn.chinese)):
            english = " ".join(drawn.english)
            pairs.setdefault(english, SentencePair(english, " ".join(drawn.chinese), tuple(sorted(drawn.links))))
    return list(pairs.values())


def split_pairs(pairs: Sequence[SentencePair], held_out: int, seed: int) -> tuple[list[SentencePair], list[SentencePair]]:
    """Split into pairs to train on and at least `held_out` pairs to test with, sharing no sentence in either language.

    "Tom chase Jerry" and "Tom chases Jerry" are the same in Chinese, so they stay on the same side.
    """
    chinese = list(dict.fromkeys(each.chinese for each in pairs))
    if not 0 < held_out < len(chinese):
        raise ValueError(f"held_out is {held_out}, expected between 1 and {len(chinese) - 1}: there are {len(chinese)} sentences")
    kept_back = set(random.Random(seed).sample(chinese, held_out))
    return [p for p in pairs if p.chinese not in kept_back], [p for p in pairs if p.chinese in kept_back]


class WordVocabulary:
    """Number the words of one language: 0 padding, 1 start, 2 end, 3 unknown, then the words, the commonest first."""

    pad_id, start_id, end_id, unknown_id = 0, 1, 2, 3

    def __init__(self, sentences: Iterable[str]):
        counts: dict[str, int] = {}
        for sentence in sentences:
            for word in sentence.split():
                counts[word] = counts.get(word, 0) + 1
        self.words = [PAD, START, END, UNKNOWN, *sorted(counts, key=lambda word: (-counts[word], word))]
        self._ids = {word: i for i, word in enumerate(self.words)}

    def __len__(self) -> int:
        """Count the words, the four special ones included."""
        return len(self.words)

    def encode(self, sentence: str) -> list[int]:
        """Turn words into ids, unseen words into 3. Example: "Tom chases Jerry" -> [8, 21, 9]."""
        return [self._ids.get(word, self.unknown_id) for word in sentence.split()]

    def decode(self, ids: Iterable[int]) -> str:
        """Turn ids into words, leaving out padding, start and end. Example: [1, 8, 21, 9, 2] -> "Tom chases Jerry"."""
        return " ".join(self.words[i] for i in ids if i > self.end_id)


@dataclass(frozen=True)
class TranslationBatch:
    """Sentence pairs, padded on the right."""

    source: Tensor
    """(B, S) long, the English words"""
    source_mask: Tensor
    """(B, S) bool, True = a word"""
    target: Tensor
    """(B, T) long: start, the Chinese words, end"""
    target_mask: Tensor
    """(B, T) bool, True = a token to learn: the words and the end, not the start"""


def translation_batch(pairs: Sequence[SentencePair], english: WordVocabulary, chinese: WordVocabulary) -> TranslationBatch:
    """Stack pairs; row t of a model's logits or alignment then speaks of Chinese word t."""
    source, lengths = pad_right([english.encode(each.english) for each in pairs], english.pad_id)
    wrapped = [[chinese.start_id, *chinese.encode(each.chinese), chinese.end_id] for each in pairs]
    target, target_lengths = pad_right(wrapped, chinese.pad_id)
    target_mask = lengths_to_mask(target_lengths, target.shape[1])
    target_mask[:, 0] = False
    return TranslationBatch(source, lengths_to_mask(lengths, source.shape[1]), target, target_mask)
