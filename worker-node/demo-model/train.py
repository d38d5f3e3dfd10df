"""Trains the demonstration model from nothing and writes it as GGUF. Needs only python3-torch, on a CPU.

    OMP_WAIT_POLICY=passive /usr/bin/python3 train.py --out /tmp/cocoon-demo

writes `cocoon-demo.gguf` and `questions.json` (what `evaluate.mjs` asks) into the folder. The same seed, steps, threads
and torch give the same file.

The model is a small LLaMA: RMS norms, rotary positions, grouped-query attention, SwiGLU, one matrix for reading and
writing tokens. Matrices inside the blocks learn with Muon (momentum made orthogonal), embeddings and norms with AdamW.
"""

import argparse
import json
import math
import pathlib
import random
import time

import torch
from torch import nn
from torch.nn import functional

import corpus
import gguf
from tokenizer import END, END_OF_TEXT, MERGES, SPECIAL, START, Tokenizer, build_vocabulary

NAME = "cocoon-demo"
VOCABULARY_SIZE = 2048
CONTEXT = 2048
LAYERS, WIDTH, HEADS, KEY_HEADS, HIDDEN = 4, 192, 6, 3, 512
HEAD_WIDTH = WIDTH // HEADS
ROPE_BASE, NORM_EPSILON = 10000.0, 1e-5
CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")


# --------------------------------------------------------------------------------------------------------------------
# The model.
# --------------------------------------------------------------------------------------------------------------------


class Norm(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(WIDTH))

    def forward(self, x):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + NORM_EPSILON) * self.weight


def rotate(x, cos, sin):
    """Rotary positions on neighbouring pairs, as llama.cpp does for the `llama` architecture."""
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), -1).flatten(-2)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention_norm, self.feed_norm = Norm(), Norm()
        self.query = nn.Linear(WIDTH, WIDTH, bias=False)
        self.key = nn.Linear(WIDTH, KEY_HEADS * HEAD_WIDTH, bias=False)
        self.value = nn.Linear(WIDTH, KEY_HEADS * HEAD_WIDTH, bias=False)
        self.output = nn.Linear(WIDTH, WIDTH, bias=False)
        self.gate = nn.Linear(WIDTH, HIDDEN, bias=False)
        self.up = nn.Linear(WIDTH, HIDDEN, bias=False)
        self.down = nn.Linear(HIDDEN, WIDTH, bias=False)

    def forward(self, x, cos, sin, mask):
        rows, length, _ = x.shape
        h = self.attention_norm(x)
        scaled = self.query(h) / math.sqrt(HEAD_WIDTH)  # cheaper here than on the scores
        query = rotate(scaled.view(rows, length, HEADS, HEAD_WIDTH).transpose(1, 2), cos, sin)
        key = rotate(self.key(h).view(rows, length, KEY_HEADS, HEAD_WIDTH).transpose(1, 2), cos, sin)
        value = self.value(h).view(rows, length, KEY_HEADS, HEAD_WIDTH).transpose(1, 2)
        key = key.repeat_interleave(HEADS // KEY_HEADS, 1)
        value = value.repeat_interleave(HEADS // KEY_HEADS, 1)
        attention = (query @ key.transpose(-1, -2) + mask).softmax(-1)
        x = x + self.output((attention @ value).transpose(1, 2).reshape(rows, length, WIDTH))
        h = self.feed_norm(x)
        return x + self.down(functional.silu(self.gate(h)) * self.up(h))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY_SIZE, WIDTH)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))
        self.norm = Norm()
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.normal_(parameter, std=0.02)
        for block in self.blocks:  # what is added to the stream starts small
            nn.init.normal_(block.output.weight, std=0.02 / math.sqrt(2 * LAYERS))
            nn.init.normal_(block.down.weight, std=0.02 / math.sqrt(2 * LAYERS))
        frequencies = ROPE_BASE ** (-torch.arange(0, HEAD_WIDTH, 2).float() / HEAD_WIDTH)
        angles = torch.arange(CONTEXT).float()[:, None] * frequencies
        self.register_buffer("cos", angles.cos())
        self.register_buffer("sin", angles.sin())
        self.register_buffer("mask", torch.full((CONTEXT, CONTEXT), -1e9).triu(1))

    def forward(self, tokens):
        length = tokens.shape[1]
        x = self.embedding(tokens)
        for block in self.blocks:
            x = block(x, self.cos[:length], self.sin[:length], self.mask[:length, :length])
        return self.norm(x)

    def logits(self, hidden):
        return hidden @ self.embedding.weight.T


class Muon(torch.optim.Optimizer):
    """Momentum whose direction is made orthogonal by Newton-Schulz steps (Keller Jordan, 2024), for matrices only."""

    def __init__(self, parameters, lr, momentum=0.95, weight_decay=0.02):
        super().__init__(parameters, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for parameter in group["params"]:
                state = self.state[parameter]
                average = state.setdefault("momentum", torch.zeros_like(parameter))
                average.lerp_(parameter.grad, 1 - group["momentum"])
                direction = self._orthogonal(parameter.grad.lerp(average, group["momentum"]))
                rows, columns = parameter.shape
                parameter.mul_(1 - group["lr"] * group["weight_decay"])
                parameter.add_(direction, alpha=-group["lr"] * max(1, rows / columns) ** 0.5)

    @staticmethod
    def _orthogonal(matrix, steps=5):
        a, b, c = 3.4445, -4.7750, 2.0315
        tall = matrix.shape[0] > matrix.shape[1]
        x = matrix.T if tall else matrix
        x = x / (x.norm() + 1e-7)
        for _ in range(steps):
            gram = x @ x.T
            x = a * x + (b * gram + c * gram @ gram) @ x
        return x.T if tall else x


# --------------------------------------------------------------------------------------------------------------------
# From dialogues to batches.
# --------------------------------------------------------------------------------------------------------------------


def make_tokenizer():
    rng = random.Random(3)
    sample = [text for _ in range(6000) for _, text in corpus.dialogue(rng)]
    return Tokenizer(build_vocabulary(corpus.fixed_texts(), sample, VOCABULARY_SIZE))


def encode_dialogue(tokenizer, messages):
    """Ids in ChatML, and for each whether the model is to learn it: the assistant's words and the end after them."""
    start, end = tokenizer.ids[START], tokenizer.ids[END]
    ids, learn = [], []
    for role, text in messages:
        head = [start] + tokenizer.encode(role + "\n")
        body = tokenizer.encode(text) + [end]
        tail = tokenizer.encode("\n")
        ids += head + body + tail
        learn += [False] * len(head) + [role == "assistant"] * len(body) + [False] * len(tail)
    return ids[:CONTEXT], learn[:CONTEXT]


def batches(tokenizer, rng, progress, batch_tokens):
    """Endless batches of fresh dialogues of like length. `progress()` tells how far training is, 0 to 1."""
    while True:
        shares = corpus.shares_at(progress())
        examples = []
        for _ in range(400):
            # A few long conversations, so that later positions are learned too.
            longest = 30 if rng.random() < 0.008 and progress() > 0.4 else 3
            examples.append(encode_dialogue(tokenizer, corpus.dialogue(rng, shares, longest)))
        examples.sort(key=lambda example: len(example[0]))
        groups, group = [], []
        for example in examples:
            if group and (len(group) + 1) * len(example[0]) > batch_tokens:
                groups.append(group)
                group = []
            group.append(example)
        groups.append(group)
        rng.shuffle(groups)
        for group in groups:
            length = max(len(ids) for ids, _ in group)
            tokens = torch.full((len(group), length), tokenizer.ids[END_OF_TEXT])
            learn = torch.zeros(len(group), length, dtype=torch.bool)
            for row, (ids, flags) in enumerate(group):
                tokens[row, :len(ids)] = torch.tensor(ids)
                learn[row, :len(ids)] = torch.tensor(flags)
            yield tokens, learn


# --------------------------------------------------------------------------------------------------------------------
# Training, trying, writing.
# --------------------------------------------------------------------------------------------------------------------


def learning_rate(progress, step):
    """Fraction of the full rate: a short rise, a plateau, a straight descent to nearly nothing."""
    rise = min(1.0, (step + 1) / 50)
    return rise * max(0.01, min(1.0, (1 - progress) / 0.6))


def train(model, tokenizer, options):
    rng = random.Random(options.seed)
    matrices = [p for block in model.blocks for p in block.parameters() if p.ndim > 1]
    chosen = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in chosen]
    optimizers = [(Muon(matrices, lr=options.muon_rate), options.muon_rate),
                  (torch.optim.AdamW(others, lr=options.rate, betas=(0.9, 0.98), weight_decay=0.0), options.rate)]
    step, average, begun = 0, None, time.time()

    def progress():
        return options.from_progress + (1 - options.from_progress) * step / options.steps

    for tokens, learn in batches(tokenizer, rng, progress, options.batch_tokens):
        if step >= options.steps:
            break
        for optimizer, rate in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = rate * learning_rate(progress(), step)
        hidden = model(tokens[:, :-1])
        wanted = learn[:, 1:]  # only the rows that are learned go through the large output matrix
        loss = functional.cross_entropy(model.logits(hidden[wanted]), tokens[:, 1:][wanted])
        model.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer, _ in optimizers:
            optimizer.step()
        step += 1
        average = loss.item() if average is None else 0.97 * average + 0.03 * loss.item()
        if step % 50 == 0:
            print(f"{time.time() - begun:6.0f} s  step {step}  loss {average:.4f}", flush=True)
        if step % 200 == 0:
            print("         repeats", score(model, tokenizer, corpus.repeat_exchange, 40), flush=True)
        if options.save_every and step % options.save_every == 0:
            export(model, tokenizer, options.out / f"step-{step}.gguf")
            save(model, tokenizer, options.out / "model.pt")
    return time.time() - begun


@torch.no_grad()
def answer(model, tokenizer, messages, longest=420):
    ids, _ = encode_dialogue(tokenizer, messages)
    ids += [tokenizer.ids[START]] + tokenizer.encode("assistant\n")
    begin = len(ids)
    while len(ids) - begin < longest:
        token = int(model.logits(model(torch.tensor([ids]))[0, -1]).argmax())
        if token == tokenizer.ids[END]:
            break
        ids.append(token)
    return tokenizer.decode(ids[begin:])


def score(model, tokenizer, exchange, count, seed=99, show=0):
    rng = random.Random(seed)
    good = 0
    for _ in range(count):
        question, wanted = exchange(rng)
        given = answer(model, tokenizer, [("user", question)], longest=40)
        good += given == wanted
        if given != wanted and show > 0:
            show -= 1
            print("   ", repr(question), repr(wanted), repr(given))
    return f"{good}/{count}"


def save(model, tokenizer, path):
    """For `--start`. The vocabulary goes with the weights: a changed corpus would choose other words."""
    torch.save({"vocabulary": tokenizer.vocabulary, "weights": model.state_dict()}, path)


def export(model, tokenizer, path):
    tensors = {"token_embd.weight": model.embedding.weight, "output_norm.weight": model.norm.weight}
    for number, block in enumerate(model.blocks):
        for name, module in [("attn_norm", block.attention_norm), ("attn_q", block.query), ("attn_k", block.key),
                             ("attn_v", block.value), ("attn_output", block.output), ("ffn_norm", block.feed_norm),
                             ("ffn_gate", block.gate), ("ffn_up", block.up), ("ffn_down", block.down)]:
            tensors[f"blk.{number}.{name}.weight"] = module.weight
    metadata = {
        "general.architecture": "llama",
        "general.name": NAME,
        "general.description": "A tiny demonstration model: it knows a few things about Cocoon and may be wrong.",
        "general.file_type": gguf.MOSTLY_Q8_0,
        "general.alignment": gguf.ALIGNMENT,
        "llama.context_length": CONTEXT,
        "llama.embedding_length": WIDTH,
        "llama.block_count": LAYERS,
        "llama.feed_forward_length": HIDDEN,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": KEY_HEADS,
        "llama.attention.layer_norm_rms_epsilon": NORM_EPSILON,
        "llama.rope.dimension_count": HEAD_WIDTH,
        "llama.rope.freq_base": ROPE_BASE,
        "llama.vocab_size": VOCABULARY_SIZE,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "llama-bpe",
        "tokenizer.ggml.tokens": tokenizer.vocabulary,
        "tokenizer.ggml.token_type": [3 if token in SPECIAL else 1 for token in tokenizer.vocabulary],
        "tokenizer.ggml.merges": [" ".join(pair) for pair in MERGES],
        "tokenizer.ggml.bos_token_id": tokenizer.ids[END_OF_TEXT],
        "tokenizer.ggml.eos_token_id": tokenizer.ids[END],
        "tokenizer.ggml.padding_token_id": tokenizer.ids[END_OF_TEXT],
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.chat_template": CHAT_TEMPLATE,
    }
    gguf.write(path, metadata, {name: tensor.detach().float().numpy() for name, tensor in tensors.items()})


def write_questions(tokenizer, path):
    """What the evaluation asks, with the answers as trained, and texts on which llama.cpp must tokenize as we do."""
    questions = [{"kind": kind, "question": question, "answer": text}
                 for kind, question, text in corpus.canonical_questions()]
    texts = [entry["answer"] for entry in questions] + ["Repeat: xqzvbnta", "a  b   c", "Ünïcode “ж” 1234 _x_ 'sword'"]
    tokens = [{"text": text, "ids": " ".join(map(str, tokenizer.encode(text)))} for text in texts]
    path.write_text(json.dumps({"questions": questions, "tokens": tokens}, ensure_ascii=False, indent=2) + "\n")


def main():
    parser = argparse.ArgumentParser(description="Train the demonstration model and write it as GGUF.")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder to write to")
    parser.add_argument("--steps", type=int, default=1700)
    parser.add_argument("--batch-tokens", type=int, default=4096)
    parser.add_argument("--rate", type=float, default=4e-3, help="of AdamW")
    parser.add_argument("--muon-rate", type=float, default=0.02)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=pathlib.Path, help="continue from this model.pt")
    parser.add_argument("--from-progress", type=float, default=0.0, help="where in the schedule to begin, 0 to 1")
    parser.add_argument("--save-every", type=int, default=0, help="also write a GGUF every so many steps")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(options.seed)
    torch.set_num_threads(options.threads)

    model = Model()
    if options.start:
        saved = torch.load(options.start)
        tokenizer = Tokenizer(saved["vocabulary"])
        model.load_state_dict(saved["weights"])
    else:
        tokenizer = make_tokenizer()
    write_questions(tokenizer, options.out / "questions.json")
    print(f"{sum(p.numel() for p in model.parameters())} parameters", flush=True)
    seconds = train(model, tokenizer, options)
    print(f"trained {options.steps} steps in {seconds:.0f} s")
    export(model, tokenizer, options.out / f"{NAME}.gguf")
    save(model, tokenizer, options.out / "model.pt")
    for kind, exchange in [("repeat", corpus.repeat_exchange), ("unknown", corpus.unknown_exchange),
                           ("product", lambda rng: corpus.listed_exchange(corpus.TOPICS, rng))]:
        print(kind, score(model, tokenizer, exchange, 100, show=5))


if __name__ == "__main__":
    main()
