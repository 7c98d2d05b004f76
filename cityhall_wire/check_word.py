"""Check word (照合番号): two digits and a word that both sides read to each other, for example 「47・さくら」.

It catches a mix-up of jobs, sessions or buses by people; it authenticates nothing. The words are common nouns of three or
four morae in kana; any two of them differ in at least two morae, so that a bad line or an old ear does not confuse them.
"""

from typing import Final, NamedTuple

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class CheckWord(NamedTuple):
    """What both screens show."""

    number: int  # 10 to 99: no leading zero to be read in two ways
    word: str  # kana
    reading: str  # Hepburn romanisation, for the English screen

    def __str__(self) -> str:
        return f"{self.number}・{self.word}"


WORDS: Final[tuple[tuple[str, str], ...]] = (
    ("さくら", "sakura"),
    ("つばめ", "tsubame"),
    ("もみじ", "momiji"),
    ("ひまわり", "himawari"),
    ("うさぎ", "usagi"),
    ("りんご", "ringo"),
    ("みかん", "mikan"),
    ("たぬき", "tanuki"),
    ("すいか", "suika"),
    ("いちご", "ichigo"),
    ("かえる", "kaeru"),
    ("ほたる", "hotaru"),
    ("あさがお", "asagao"),
    ("なすび", "nasubi"),
    ("きつね", "kitsune"),
    ("くじら", "kujira"),
    ("めがね", "megane"),
    ("とけい", "tokei"),
    ("どんぐり", "donguri"),
    ("ざぶとん", "zabuton"),
    ("はさみ", "hasami"),
    ("たいこ", "taiko"),
    ("ふうせん", "fūsen"),
    ("おにぎり", "onigiri"),
    ("にわとり", "niwatori"),
    ("ひつじ", "hitsuji"),
    ("らくだ", "rakuda"),
    ("ことり", "kotori"),
    ("てがみ", "tegami"),
    ("たまご", "tamago"),
    ("とうふ", "tōfu"),
    ("わかめ", "wakame"),
    ("こんぶ", "konbu"),
    ("せんべい", "senbei"),
    ("だいこん", "daikon"),
    ("にんじん", "ninjin"),
    ("きゅうり", "kyūri"),
    ("ごぼう", "gobō"),
    ("つくし", "tsukushi"),
    ("すみれ", "sumire"),
    ("たんぽぽ", "tanpopo"),
    ("あじさい", "ajisai"),
    ("ふぶき", "fubuki"),
    ("はなび", "hanabi"),
    ("つりばし", "tsuribashi"),
    ("うちわ", "uchiwa"),
    ("わらじ", "waraji"),
    ("ちょうちん", "chōchin"),
    ("まつり", "matsuri"),
    ("みずうみ", "mizuumi"),
    ("かわら", "kawara"),
    ("ゆうやけ", "yūyake"),
    ("いなずま", "inazuma"),
    ("くるま", "kuruma"),
    ("えんぴつ", "enpitsu"),
    ("のこぎり", "nokogiri"),
    ("こたつ", "kotatsu"),
    ("ひょうたん", "hyōtan"),
    ("もぐら", "mogura"),
    ("ろうそく", "rōsoku"),
    ("じしゃく", "jishaku"),
    ("やまびこ", "yamabiko"),
    ("えほん", "ehon"),
    ("ぶらんこ", "buranko"),
)
"""64 words with their readings. The order is part of protocol version 1."""


def check_word(seal_digest: bytes, session: str, bus: str) -> CheckWord:
    """The check word of one sealed job in one session on one bus (HKDF-SHA256, RFC 5869, over all three)."""
    # The digest has 32 bytes and neither id can hold a NUL, so no two triples give the same input.
    material = b"\0".join((seal_digest, session.encode(), bus.encode()))
    raw = HKDF(SHA256(), 8, None, b"cityhall/1 check-word").derive(material)
    number, index = divmod(int.from_bytes(raw, "big") % (90 * len(WORDS)), len(WORDS))
    return CheckWord(number + 10, *WORDS[index])
