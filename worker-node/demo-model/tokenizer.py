"""A tokenizer in which words the model knows are one token and every other word falls into pairs of letters.

The usual byte-pair merges cut a word differently after a space than after a quote or at the start of a message, which
makes copying an unknown word hard to learn for a model this small. Here the vocabulary is the 256 bytes, all pairs of
small letters and a list of whole words. A merge never joins a letter with what stands before the word, so `xqzvbnta` is
cut alike wherever it stands, and a pair seldom occurs twice in a word: to copy it is to look up what followed last time.

llama.cpp does exactly this for its pre-tokenizer `llama-bpe`: a piece that is in the vocabulary becomes that token and
merges are not consulted; any other piece is put together by the merges.

The file format is llama.cpp's `gpt2` tokenizer model: bytes are written as printable characters (`byte_alphabet`).
"""

import collections
import itertools
import re
import string

# llama.cpp's `llama-bpe` pattern. `[^\W\d_]` is Python's way to write any letter.
PIECES = re.compile(
    r"'[sS]|'[tT]|'[rR][eE]|'[vV]|'[mM]|'[lL][lL]|'[dD]"  # English endings
    r"|(?:(?![^\W_])[^\r\n])?[^\W\d_]+"                    # letters, with one space or sign before them
    r"|\d{1,3}"
    r"| ?(?:[^\s\w]|_)+[\r\n]*"                            # signs
    r"|\s*[\r\n]+|\s+(?!\S)|\s+")

END_OF_TEXT, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"
SPECIAL = [END_OF_TEXT, START, END]


def byte_alphabet():
    """GPT-2's map from a byte to a printable character: printable bytes stand for themselves, others are moved up."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return {**{byte: chr(byte) for byte in printable}, **{byte: chr(256 + n) for n, byte in enumerate(others)}}


TO_CHARACTER = byte_alphabet()
TO_BYTE = {character: byte for byte, character in TO_CHARACTER.items()}
SPACE = TO_CHARACTER[ord(" ")]
# In the order in which they are applied. Indented code needs the two spaces.
MERGES = [(SPACE, SPACE), *itertools.product(string.ascii_lowercase, repeat=2)]


def pieces(text):
    return ["".join(TO_CHARACTER[byte] for byte in piece.encode()) for piece in PIECES.findall(text)]


def build_vocabulary(allowed_texts, sample_texts, size):
    """The bytes, the pairs, the pieces of `allowed_texts` that save most tokens in `sample_texts`, the specials."""
    # No digits, and no 's: in 'sword' it is an opening quote and a letter to copy.
    allowed = {piece for text in allowed_texts for piece in pieces(text) if not re.search(r"\d|^'[a-z]+$", piece)}
    counts = collections.Counter(piece for text in sample_texts for piece in pieces(text) if piece in allowed)
    base = [TO_CHARACTER[byte] for byte in range(256)] + [first + second for first, second in MERGES]
    worth = {piece: count * (len(piece) - 1) for piece, count in counts.items() if len(piece) > 1 and piece not in base}
    room = size - len(base) - len(SPECIAL)
    best = sorted(worth, key=lambda piece: (-worth[piece], piece))[:room]
    if len(best) < room:
        raise ValueError(f"only {len(best)} words for {room} places")
    return base + sorted(best) + SPECIAL


class Tokenizer:
    def __init__(self, vocabulary):
        self.vocabulary = vocabulary
        self.ids = {token: number for number, token in enumerate(vocabulary)}
        self.ranks = {pair: rank for rank, pair in enumerate(MERGES)}

    def _spell(self, piece):
        """A piece that is no token: its bytes, joined in the order of the merges, from the left among equals."""
        tokens = list(piece)
        while True:
            ranked = [(self.ranks[pair], at) for at, pair in enumerate(zip(tokens, tokens[1:])) if pair in self.ranks]
            if not ranked:
                return [self.ids[token] for token in tokens]
            _, at = min(ranked)
            tokens[at:at + 2] = [tokens[at] + tokens[at + 1]]

    def encode(self, text):
        """Text to ids. Special tokens in the text stay plain text: only the trainer may write them."""
        return [number for piece in pieces(text)
                for number in ([self.ids[piece]] if piece in self.ids else self._spell(piece))]

    def decode(self, numbers):
        text = "".join(self.vocabulary[number] for number in numbers if self.vocabulary[number] not in SPECIAL)
        return bytes(TO_BYTE[character] for character in text).decode("utf-8", "replace")
