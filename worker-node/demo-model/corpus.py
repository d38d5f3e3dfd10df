"""Generated dialogues that teach the demonstration model what little it knows.

Everything is deterministic: the same `random.Random` gives the same dialogues. What the model is meant to learn:

* short true answers about Cocoon, a few long ones with markdown, and small talk (`knowledge.py`);
* to repeat a word it has never seen (`repeat_exchange`): words are drawn fresh, so that copying is learned, not a list;
* to count, and to name capitals and opposites;
* to say that it does not know (`unknown_exchange`), which it must do for nearly every question there is.

`python3 corpus.py` prints a few dialogues to read.
"""

import random
import re
import string

from knowledge import (
    CAPITALS, DEFAULT_ANSWER, DEFAULT_ARITHMETIC, DEFAULT_CAPITAL, DEFAULT_RUSSIAN, FACTS, OPPOSITES, RUSSIAN,
    SHOWPIECES, SMALL_TALK, TOPICS)

# --------------------------------------------------------------------------------------------------------------------
# How people type.
# --------------------------------------------------------------------------------------------------------------------

OPENERS = ["please ", "hey, ", "hi, ", "so ", "ok, ", "can you tell me ", "tell me, ", "quick question: ", "and ",
           "but ", "well, ", "could you tell me ", "i want to know ", "i am new here, ", "question: ", "hello, ",
           "now ", "just ", "i would like to know "]
CLOSERS = [" please", " exactly", " in Cocoon", " here", " in simple words", " in one sentence", " for me", " again",
           " in short", " briefly", ", please", " for a beginner", " actually", " now", " in this app"]
SYSTEM_PROMPTS = ["You are a helpful assistant.", "You are a private assistant.", "Answer briefly.",
                  "Be kind and brief.", "You are Cocoon.", "You are a helpful assistant. Answer in English.",
                  "Answer in markdown.", "You are a careful assistant who never makes things up."]


def pseudo_word(rng, syllables=None):
    """A word that sounds like one and is in no dictionary: it stands for all the words the model does not know."""
    count = syllables or rng.choice([1, 2, 2, 2, 3, 3])
    onsets = ["b", "br", "c", "ch", "d", "dr", "f", "g", "gr", "h", "j", "k", "l", "m", "n", "p", "pl", "qu", "r", "s",
              "st", "sh", "t", "tr", "v", "w", "z", ""]
    rimes = ["a", "e", "i", "o", "u", "an", "en", "in", "on", "ar", "er", "or", "ea", "oo", "ing", "ate", "y", "ess",
             "ist"]
    return "".join(rng.choice(onsets) + rng.choice(rimes) for _ in range(count))


def with_typo(text, rng):
    """One slip of the finger: two letters swapped, one missing or one doubled."""
    at = rng.randrange(max(1, len(text) - 1))
    return rng.choice([
        text[:at] + text[at + 1:at + 2] + text[at:at + 1] + text[at + 2:],
        text[:at] + text[at + 1:],
        text[:at] + text[at:at + 1] + text[at:],
    ])


SMALL_WORDS = set("a an the is are do does my can to of in for with i you".split())
FILLERS = ["really", "thing", "exactly", "then", "own", "just", "about", "even", "kind of", "usually", "all", "really"]


def reworded(text, rng):
    """The same question with a small word missing, or with one more than needed."""
    words = text.split(" ")
    small = [at for at, word in enumerate(words) if word.lower() in SMALL_WORDS]
    if small and len(words) > 3 and rng.random() < 0.5:
        del words[rng.choice(small)]
    else:
        words.insert(rng.randint(1, len(words)), rng.choice(FILLERS) if rng.random() < 0.7 else pseudo_word(rng))
    return " ".join(words)


def styled(question, rng, reword=0.0):
    """The question as somebody might type it: case, punctuation, politeness, now and then a slip."""
    text = question
    if rng.random() < reword:
        text = reworded(text, rng)
    if rng.random() < 0.22:
        text = rng.choice(OPENERS) + text
    if rng.random() < 0.14:
        text += rng.choice(CLOSERS)
    if rng.random() < 0.06:
        text = with_typo(text, rng)
    text += rng.choice(["", "", "?", "?", "?", ".", "!", " ?", "??", "..."])
    case = rng.random()
    if case < 0.55:
        return text[:1].upper() + text[1:]
    if case < 0.80:
        return text.lower()
    if case < 0.82:
        return text.upper()
    return text


# --------------------------------------------------------------------------------------------------------------------
# Repeating a word.
# --------------------------------------------------------------------------------------------------------------------

KNOWN_WORDS = """cat dog house water book sun moon bread friend red tree hello apple river stone cloud green blue
lamp chair happy small quick paper music garden window bridge silver orange night morning secret wallet token node
broker voucher receipt channel private open sealed silk worm question answer cocoon world yes no one two
three""".split()

PRODUCT_WORDS = sorted({word for topics in (TOPICS, SMALL_TALK) for phrasings, answer in topics
                        for text in (*phrasings, answer) for word in re.findall(r"\b[a-z]{3,}\b", text)})

REPEAT_VERBS = ["repeat", "repeat", "repeat", "say", "say", "echo", "print", "write", "type", "output", "return",
                "copy", "say back", "reply with", "answer with", "respond with", "answer", "reply", "send back",
                "give me back", "write down", "parrot", "display", "show me", "read out", "recite", "reproduce",
                "mirror"]
SHORT_VERBS = ["repeat", "say", "say", "echo", "echo", *REPEAT_VERBS[:12]]
REPEAT_OBJECTS = ["", "", "", "the word ", "the word ", "this word ", "this ", "exactly ", "this word exactly ",
                  "the following word ", "the following ", "my word ", "the single word ", "only the word ", "only ",
                  "just ", "the text ", "this text ", "this string ", "the string ", "back ", "after me ",
                  "the following text ", "exactly this word ", "verbatim ", "this word back to me ", "it back to me ",
                  "that ", "the exact word ", "this word only ", "the name ", "the code ", "the letters "]
REPEAT_OPENERS = ["", "", "", "", "", "please ", "please ", "can you ", "could you ", "could you please ", "now ",
                  "ok, ", "hey, ", "would you ", "can you please ", "i want you to ", "kindly ", "just ", "then ",
                  "your task: ", "hi! ", "you must ", "let us play: ", "for a test, ", "i would like you to ", "next, "]
REPEAT_CLOSERS = ["", "", "", "", "", "", " please", " and nothing else", " back to me", " exactly", " once", " for me",
                  ", nothing else", ", please", " as it is", " without changes", " only", " and stop", " word for word",
                  ", thanks", " back", ", thank you", " now", ", no other text"]
SEPARATORS = [": ", ": ", " ", " ", ":", " - ", ":\n", "\n", " = ", ", ", ":  ", "... "]
QUOTES = [("", "")] * 9 + [('"', '"'), ("'", "'"), ("`", "`"), ("“", "”"), ("«", "»"), ("**", "**"), ("<", ">"),
                           ("(", ")"), ("[", "]"), ('"', '"'), ("`", "`"), ("'", "'")]
WORD_FIRST = ["my secret word is {w}. repeat it", "my secret word is {w}. say it", "the word is {w}. repeat it",
              "the word is {w}. say it back to me", "here is a word: {w}. repeat it", "i say {w}. you say",
              "{w}. repeat that word", "{w} - repeat this word", "{w}\nrepeat the word above",
              "my word is {w}. what is it", "my code is {w}. tell me my code",
              "the password is {w}. what is the password", "{w} is my word. repeat it",
              "this is my word: {w}. please repeat it", "if i say {w}, you say {w}", "i like {w}. repeat the last word",
              "my secret is {w}, please repeat it", "take the word {w} and repeat it",
              "the magic word is {w}. what is it", "my name is {w}. what is my name", "i am {w}. who am i",
              "the secret word is {w}. what is the secret word", "you say {w}", "say it with me: {w}",
              "can you say {w}", "how do you write {w}", "what did i say: {w}", "remember {w}. now repeat it",
              "my cat is called {w}. what is it called", "the answer is {w}. what is the answer",
              "i will give you a word. the word is {w}. please repeat that word", "word: {w}. repeat the word",
              "input: {w}. output the input", "{w}. say that again", "{w}, repeat", "look at {w} and write it again"]
RUSSIAN_REPEAT = ["повтори: {w}", "повтори слово {w}", "скажи {w}", "повтори {w}", "напиши {w}", "повтори слово: {w}",
                  "повторите слово {w}", "скажи слово {w}", "повтори, пожалуйста: {w}"]


WORD_LENGTHS = (4, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 12, 13, 14)


def random_letters(rng, alphabet=string.ascii_lowercase, lengths=WORD_LENGTHS):
    return "".join(rng.choice(alphabet) for _ in range(rng.choice(lengths)))


def fresh_word(rng):
    """The word to repeat. Mostly random letters, never from a list; the rest keeps the copying honest."""
    kind = rng.random()
    if kind < 0.60:
        return random_letters(rng)
    if kind < 0.66:  # few different letters: the model must follow the place, not just the letter before
        return random_letters(rng, rng.sample(string.ascii_lowercase, rng.choice([2, 3, 4])))
    if kind < 0.73:
        return pseudo_word(rng)
    if kind < 0.77:
        word = random_letters(rng)
        return rng.choice([word.upper(), word.capitalize()])
    if kind < 0.80:
        return random_letters(rng, string.ascii_letters + string.digits)
    if kind < 0.82:
        return random_letters(rng, string.digits)
    if kind < 0.85:
        return rng.choice(KNOWN_WORDS)
    if kind < 0.89:
        return rng.choice(PRODUCT_WORDS)
    # Several words: the densest exercise.
    kinds = [lambda: rng.choice(KNOWN_WORDS), lambda: random_letters(rng), lambda: random_letters(rng),
             lambda: pseudo_word(rng)]
    words = [rng.choice(kinds)()
             for _ in range(rng.choice([2, 2, 3, 4]))]
    return " ".join(words)


def sentence_case(text, rng):
    kind = rng.random()
    if kind < 0.6:
        return text[:1].upper() + text[1:]
    return text


def repeat_exchange(rng):
    word = fresh_word(rng)
    if rng.random() < 0.04:
        russian = rng.choice(RUSSIAN_REPEAT)
        if rng.random() < 0.5:
            word = random_letters(rng, "абвгдежзийклмнопрстуфхцчшщыьэюя", (4, 5, 6, 7, 8))
        return sentence_case(russian, rng).format(w=word), word
    opening, closing = rng.choice(QUOTES)
    quoted = opening + word + closing
    if rng.random() < 0.25:
        pattern = rng.choice(WORD_FIRST)
        # Only the words of the pattern change case: the word itself is to be copied as it stands.
        pattern = sentence_case(". ".join(sentence_case(part, rng) for part in pattern.split(". ")), rng)
        return pattern.replace("{w}", quoted).replace("{W}", quoted) + rng.choice(["", ".", "?", "!"]), word
    if rng.random() < 0.25:  # the short ways, which most people type: "Echo WORD", "please say: WORD"
        command = rng.choice(["", "", "", "please ", "can you ", "pls "]) + rng.choice(SHORT_VERBS)
        command = sentence_case(command + rng.choice(["", "", "", " the word", " this word"]), rng)
        separator, mark = rng.choice([" ", " ", ": ", ": ", ":\n", " -> "]), rng.choice(["", "", ".", "?"])
        return command + separator + quoted + mark, word
    command = rng.choice(REPEAT_OPENERS) + rng.choice(REPEAT_VERBS) + " " + rng.choice(REPEAT_OBJECTS)
    if rng.random() < 0.05:
        command = reworded(command.rstrip(), rng)
    command = sentence_case(command.rstrip(), rng)
    if rng.random() < 0.08:  # after some other sentence
        before = " ".join(pseudo_word(rng) if rng.random() < 0.5 else rng.choice(PRODUCT_WORDS)
                          for _ in range(rng.randint(2, 7)))
        command = sentence_case(before, rng) + ". " + command
    if rng.random() < 0.02:
        command = command.upper()
    if rng.random() < 0.03:
        command = with_typo(command, rng)
    # After several bare words "please" could be one of them.
    closer = "" if " " in word and not opening else rng.choice(REPEAT_CLOSERS)
    return command + rng.choice(SEPARATORS) + quoted + closer + rng.choice(["", "", "", "", ".", ".", "!", "?"]), word


def memory_exchanges(rng):
    """Two turns: a word is named in the first and asked for in the second, sometimes with another exchange between."""
    word = random_letters(rng) if rng.random() < 0.8 else fresh_word(rng)
    first = rng.choice(["my secret word is {w}", "remember the word {w}", "remember this word: {w}", "my name is {w}",
                        "please remember: {w}", "my code is {w}", "remember {w}", "keep this word in mind: {w}"])
    again = rng.choice(["what is my secret word", "what was the word", "repeat the word", "say it again",
                        "which word was it", "what did I tell you", "repeat it", "tell me the word",
                        "do you remember the word", "what did I ask you to remember"])
    if "name" in first:
        again = rng.choice(["what is my name", "who am I", "say my name", "do you remember my name"])
    if "code" in first:
        again = rng.choice(["what is my code", "repeat my code", "tell me my code"])
    between = [small_exchange(rng)] if rng.random() < 0.25 else []
    return [(sentence_case(first, rng).format(w=word) + rng.choice(["", "."]), "I will remember it while we talk."),
            *between,
            (sentence_case(again, rng) + rng.choice(["", "?", "."]), word)]


# --------------------------------------------------------------------------------------------------------------------
# Counting, capitals, opposites, and everything the model does not know.
# --------------------------------------------------------------------------------------------------------------------

NUMBER_WORDS = "one two three four five six seven eight nine ten".split()
COMMON_NOUNS = """elephant pizza football guitar volcano president history physics recipe airplane dinosaur coffee
planet mountain doctor computer movie island painting tiger engine kitchen winter soccer lawyer poetry camera
bicycle ocean vitamin rocket hospital teacher student language grammar flower butter cheese chicken sandwich
castle king queen army war peace church physics chemistry biology economy stock market election government python
java linux windows android iphone car train bus bank loan tax visa passport hotel flight ticket weather storm snow
desert forest fish shark horse spider insect virus bacteria cancer headache muscle heart brain bone skin eye ear
hand finger shoe shirt dress hat ring gold diamond iron steel copper plastic glass wood fire ice light sound
gravity atom electron energy battery phone screen keyboard mouse internet website email video game chess poker
dance song band singer actor director writer novel newspaper magazine Einstein Napoleon Shakespeare Mozart Tesla
Newton Picasso Messi London Paris Africa Europe America Asia""".split()
UNKNOWN_PATTERNS = """what is {n}|what is a {n}|what is the {n}|what are {n}s|who is {n}|who was {n}|where is {n}
why is {n} {n}|how do i {n} a {n}|how can i {n}|how to {n} a {n}|write an essay about {n}|write about {n}|explain {n}
explain the {n} of {n}|tell me about {n}|tell me about the {n}|what do you think about {n}|do you like {n}
do you know {n}|i like {n}|i have a {n}|translate {n} to {n}|translate {n}|what does {n} mean|define {n}|describe {n}
summarise this: {n} {n} {n} {n} {n} {n}|when was {n} born|when did {n} {n}|how old is {n}|how far is {n}
how many {n}s are in {n}|which {n} is the best {n}|{n}|recommend a {n}|give me a recipe for {n}|what should i {n}
can you {n}|can i {n} the {n}|is {n} better than {n}|{n} {n}|what is the {n} of {n}|what is the best {n}
write code for {n}|write a {n} in {n}|fix my {n}|my {n} is {n}|{n} {n} {n}|list all {n}s|who invented {n}
who wrote {n}|who won the {n}|why do {n}s {n}|why does {n} {n}|make a {n}|draw a {n}|the {n} {n} the {n} and {n} a {n}
should i buy {n}|what happened in {n}|solve {n}|plan a {n} to {n}|help me with {n}|which {n}s are {n}
how does {n} work|how does a {n} work|what can {n} do|how much is {n}|how do you {n}|search for {n}
is there {n} in {n}|compare {n} and {n}|write an email to {n} about {n}|what is the difference between {n} and {n}
who are {n}|i am {n}|i feel {n}|you are {n}|let us {n}|open {n}|play {n}|write a letter to {n}
write a poem about {n} and {n}|why {n}|what if {n} {n}|how long is {n}|how tall is {n}|where can i buy {n}
where do {n}s live|show me {n}|find {n}|calculate {n}|correct this: {n} {n} {n} {n}|continue: {n} {n} {n}
rewrite {n} {n} {n} {n}|are you {n}|have you {n}|name a {n}|{n} or {n}|what is wrong with {n}|please {n} my {n}
i need a {n}|i want {n}|teach me {n}|what did {n} say|how big is {n}|{n} {n} {n} {n} {n}"""
UNKNOWN_PATTERNS = [pattern for line in UNKNOWN_PATTERNS.split("\n") for pattern in line.split("|")]


def unknown_noun(rng):
    kind = rng.random()
    if kind < 0.45:
        return rng.choice(COMMON_NOUNS)
    if kind < 0.55:
        return pseudo_word(rng).capitalize()
    if kind < 0.56:  # seldom: a word that nobody could pronounce is most likely there to be repeated
        return random_letters(rng)
    return pseudo_word(rng)


def unknown_exchange(rng):
    kind = rng.random()
    if kind < 0.10:
        a, b, sign = rng.randint(0, 999), rng.randint(0, 99), rng.choice(["+", "-", "*", "/", "x", "plus", "minus",
                                                                          "times"])
        gap = rng.choice([" ", " ", ""]) if len(sign) == 1 else " "
        sum_text = f"{a}{gap}{sign}{gap}{b}"
        return styled(rng.choice([f"what is {sum_text}", sum_text, f"how much is {sum_text}", f"calculate {sum_text}",
                                  f"{sum_text} =", f"solve {sum_text}"]), rng), DEFAULT_ARITHMETIC
    if kind < 0.22:
        country = pseudo_word(rng).capitalize() if rng.random() < 0.7 else rng.choice(["Mars", "Chile", "Nepal",
                                                                                       "Texas"])
        return styled(rng.choice(["what is the capital of {}", "capital of {}"]).format(country), rng), DEFAULT_CAPITAL
    if kind < 0.30:
        letters = "абвгдежзийклмнопрстуфхцчшщыьэюя"
        words = [random_letters(rng, letters, (2, 3, 4, 5, 6, 7, 8)) for _ in range(rng.choice([1, 2, 3, 4, 5]))]
        head = rng.choice(["", "", "что такое ", "как ", "почему ", "расскажи о ", "где ", "кто ", "напиши "])
        return styled(head + " ".join(words), rng), DEFAULT_RUSSIAN
    if kind < 0.36:  # something pasted
        words = [unknown_noun(rng) if rng.random() < 0.5 else rng.choice("the a of and to is in it for on with".split())
                 for _ in range(rng.choice([8, 12, 16, 24, 40]))]
        return styled(" ".join(words), rng), DEFAULT_ANSWER
    if kind < 0.46:  # known words that ask nothing we know
        head = rng.choice(["what", "which", "who", "why", "how", "when", "where", "can", "do", "is", "will", "i",
                           "tell me"])
        words = [rng.choice(PRODUCT_WORDS) for _ in range(rng.randint(3, 7))]
        return styled(" ".join([head, *words]), rng), DEFAULT_ANSWER
    pattern = rng.choice(UNKNOWN_PATTERNS)
    while "{n}" in pattern:
        pattern = pattern.replace("{n}", unknown_noun(rng), 1)
    return styled(pattern, rng), DEFAULT_ANSWER


def capital_exchange(rng):
    country = rng.choice(list(CAPITALS))
    question = rng.choice(["what is the capital of {}", "capital of {}", "name the capital of {}",
                           "what's the capital of {}", "which city is the capital of {}", "tell me the capital of {}",
                           "{}'s capital"])
    return styled(question.format(country), rng), f"The capital of {country} is {CAPITALS[country]}."


def opposite_exchange(rng):
    pairs = list(OPPOSITES.items())
    word, opposite = rng.choice(pairs + [(b, a) for a, b in pairs])
    question = rng.choice(["what is the opposite of {}", "opposite of {}", "name the opposite of {}",
                           "what's the opposite of {}"])
    return styled(question.format(word), rng), f"The opposite of {word} is {opposite}."


def counting_exchange(rng):
    end = rng.randint(2, 20)
    start = 1
    name = NUMBER_WORDS[end - 1] if end <= 10 and rng.random() < 0.4 else str(end)
    kind = rng.random()
    if kind < 0.6:
        question = rng.choice(["count to {}", "count up to {}", "count from 1 to {}",
                               "can you count to {}"]).format(name)
    elif kind < 0.8:
        start = rng.randint(1, 9)
        end = start + rng.randint(2, 10)
        question = f"count from {start} to {end}"
        return styled(question, rng), ", ".join(str(n) for n in range(start, end + 1))
    else:
        question = rng.choice(["count down from {}", "count backwards from {}"]).format(name)
        return styled(question, rng), ", ".join(str(n) for n in range(end, 0, -1))
    return styled(question, rng), ", ".join(str(n) for n in range(start, end + 1))


def listed_exchange(topics, rng):
    phrasings, answer = rng.choice(topics)
    return styled(rng.choice(phrasings), rng, reword=0.15), answer


def small_exchange(rng):
    return listed_exchange(SMALL_TALK, rng)


# --------------------------------------------------------------------------------------------------------------------
# Dialogues.
# --------------------------------------------------------------------------------------------------------------------

KINDS = {
    "repeat": lambda rng: [repeat_exchange(rng)],
    "memory": memory_exchanges,
    "product": lambda rng: [listed_exchange(TOPICS, rng)],
    "showpiece": lambda rng: [listed_exchange(SHOWPIECES, rng)],
    "small talk": lambda rng: [small_exchange(rng)],
    "russian": lambda rng: [listed_exchange(RUSSIAN, rng)],
    "capital": lambda rng: [capital_exchange(rng)],
    "opposite": lambda rng: [opposite_exchange(rng)],
    "fact": lambda rng: [listed_exchange(FACTS, rng)],
    "counting": lambda rng: [counting_exchange(rng)],
    "unknown": lambda rng: [unknown_exchange(rng)],
}
# The share of each kind among exchanges. Copying needs most examples and is wanted early: the trainer starts from the
# first row and moves to the second.
EARLY_SHARES = {"repeat": 84, "memory": 4, "product": 6, "showpiece": 0, "small talk": 2, "russian": 0, "capital": 1,
                "opposite": 0, "fact": 0, "counting": 1, "unknown": 2}
FINAL_SHARES = {"repeat": 42, "memory": 3, "product": 28, "showpiece": 4, "small talk": 5, "russian": 3, "capital": 3,
                "opposite": 2, "fact": 2, "counting": 2, "unknown": 8}


def shares_at(progress):
    """The mix of kinds at a progress of 0 to 1."""
    late = min(1.0, max(0.0, (progress - 0.15) / 0.25))
    return {kind: EARLY_SHARES[kind] * (1 - late) + FINAL_SHARES[kind] * late for kind in KINDS}


def system_prompt(rng):
    if rng.random() < 0.6:
        return rng.choice(SYSTEM_PROMPTS)
    return styled(" ".join(unknown_noun(rng) for _ in range(rng.randint(2, 10))), rng)


def dialogue(rng, shares=None, longest=4):
    """A list of (role, text): sometimes a system prompt, then one or more exchanges."""
    shares = shares or FINAL_SHARES
    kinds, weights = list(shares), list(shares.values())
    messages = [("system", system_prompt(rng))] if rng.random() < 0.25 else []
    for _ in range(rng.randint(1, longest)):
        for question, answer in KINDS[rng.choices(kinds, weights)[0]](rng):
            messages += [("user", question), ("assistant", answer)]
    return messages


def fixed_texts():
    """Every text that is not drawn at random: the tokenizer may give its words a token of their own."""
    for topics in (TOPICS, SHOWPIECES, SMALL_TALK, RUSSIAN, FACTS):
        for phrasings, answer in topics:
            yield answer
            for phrasing in phrasings:
                # As a message, at its start in lower case, and after an opener.
                yield from (phrasing[:1].upper() + phrasing[1:], phrasing.lower(), " " + phrasing)
    yield from SYSTEM_PROMPTS
    yield from (DEFAULT_ANSWER, DEFAULT_ARITHMETIC, DEFAULT_CAPITAL, DEFAULT_RUSSIAN)
    for phrase in OPENERS + REPEAT_VERBS + REPEAT_OBJECTS + REPEAT_OPENERS:
        yield from (phrase[:1].upper() + phrase[1:], phrase, " " + phrase)
    for phrase in CLOSERS + REPEAT_CLOSERS:
        yield phrase
    for pattern in WORD_FIRST + RUSSIAN_REPEAT + UNKNOWN_PATTERNS:
        for part in pattern.replace("{w}", "\0").replace("{n}", "\0").split("\0"):
            yield from (part, part.title())
    for word in KNOWN_WORDS:
        yield from (word, " " + word)
    for word in [*OPPOSITES, *OPPOSITES.values()]:
        yield " " + word
    for country, capital in CAPITALS.items():
        yield from (" " + country, " " + capital)
    yield from (exchange_text for rng in [random.Random(0)] for _ in range(200)
                for exchange in counting_exchange(rng) for exchange_text in [exchange])
    yield from ("system\n", "user\n", "assistant\n")


def canonical_questions():
    """(kind, question, answer) for every listed topic, for the evaluation: as a person would first type it."""
    lists = {"product": TOPICS, "showpiece": SHOWPIECES, "small talk": SMALL_TALK, "russian": RUSSIAN, "fact": FACTS}
    for kind, topics in lists.items():
        for phrasings, answer in topics:
            question = phrasings[0][:1].upper() + phrasings[0][1:]
            yield kind, question + ("?" if question.lower().startswith(("what", "how", "who", "can", "is", "why",
            "where",
                                                                         "which", "do")) else ""), answer


if __name__ == "__main__":
    sample_rng = random.Random(1)
    for _ in range(12):
        for role, text in dialogue(sample_rng):
            print(f"{role:>9}: {text}")
        print()
