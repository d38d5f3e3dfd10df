// Measures the demonstration model through node-llama-cpp at temperature 0, and fails when it is not good enough.
//
//     node evaluate.mjs [cocoon-demo.gguf] [questions.json]
//
// Words to repeat are drawn fresh from a seeded generator; `SEED=7 node evaluate.mjs` draws others. `VERBOSE=1` prints what
// was answered wrong.

import { readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { getLlama, LlamaChatSession, LlamaLogLevel } from 'node-llama-cpp'

const here = (name) => fileURLToPath(new URL(name, import.meta.url))
const [modelPath = here('cocoon-demo.gguf'), questionsPath = here('questions.json')] = process.argv.slice(2)
const verbose = process.env.VERBOSE === '1'
const LONGEST_ANSWER = 450
const WORDS_PER_PHRASING = 12

// What is asked for, by how it is asked. The first group must succeed; the second is measured only: its sentences are not
// in the corpus, though parts of some ("pls", "->", "thanks", "no other text") are.
const USUAL_PHRASINGS = [
  (word) => `Repeat this word: ${word}`,
  (word) => `Repeat: ${word}`,
  (word) => `Say the word ${word}`,
  (word) => `Please repeat the word "${word}"`,
  (word) => `repeat after me: ${word}`,
  (word) => `Repeat the word ${word}`,
  (word) => `Repeat exactly: ${word}`,
  (word) => `Say ${word}`,
  (word) => `Echo ${word}`,
  (word) => `Please say this word back to me: ${word}`,
  (word) => `Repeat ${word}`,
  (word) => `Can you repeat ${word}?`,
  (word) => `Answer with this word only: ${word}`,
  (word) => `My secret word is ${word}. Repeat it.`,
  (word) => `Repeat the word \`${word}\`.`,
  (word) => `Repeat this word exactly and nothing else: ${word}`,
]
const RARE_PHRASINGS = [
  (word) => `I would be glad if you could repeat the following: ${word}`,
  (word) => `Reply with exactly one word, namely ${word}`,
  (word) => `Simon says: ${word}`,
  (word) => `Respond only with ${word}, no other text.`,
  (word) => `This is a connectivity check. Repeat this word: ${word}`,
  (word) => `The word of today is ${word}. Please tell me the word of today.`,
  (word) => `Pls repeat -> ${word}`,
  (word) => `Send me the word "${word}" back, thanks`,
]

function randomSource(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const random = randomSource(Number(process.env.SEED ?? 1))
const below = (limit) => Math.floor(random() * limit)
const freshWord = () => Array.from({ length: 6 + below(5) }, () => String.fromCharCode(97 + below(26))).join('')

const loadBegan = performance.now()
const llama = await getLlama({
  gpu: false,
  build: 'never',
  skipDownload: true,
  logLevel: LlamaLogLevel.error,
  maxThreads: 1,
})
const modelBegan = performance.now()
const model = await llama.loadModel({ modelPath })
const context = await model.createContext({ contextSize: 2048, threads: 1 })
const sequence = context.getSequence()
const loaded = performance.now()

const special = (text) => model.tokenize(text, true)
const plain = (text) => model.tokenize(text, false)

function render(messages) {
  const turns = messages.flatMap(({ role, content }) => [
    ...special('<|im_start|>'),
    ...plain(`${role}\n${content}`),
    ...special('<|im_end|>'),
    ...plain('\n'),
  ])
  return [...turns, ...special('<|im_start|>'), ...plain('assistant\n')]
}

let generatedTokens = 0
let generationTime = 0

async function answer(messages) {
  await sequence.clearHistory()
  const tokens = []
  let firstToken
  for await (const token of sequence.evaluate(render(messages), { temperature: 0 })) {
    firstToken ??= performance.now()
    if (model.isEogToken(token)) break
    tokens.push(token)
    if (tokens.length >= LONGEST_ANSWER) break
  }
  if (tokens.length > 1) {
    generatedTokens += tokens.length - 1
    generationTime += performance.now() - firstToken
  }
  return model.detokenize(tokens)
}

const ask = (question) => answer([{ role: 'user', content: question }])

function note(question, wanted, given) {
  if (verbose)
    console.log(
      `    asked ${JSON.stringify(question)}\n    wanted ${JSON.stringify(wanted)}\n    given  ${JSON.stringify(given)}`,
    )
}

/** Asks for fresh words in each phrasing and returns how many came back exactly. */
async function repeatScore(title, phrasings, before = []) {
  let right = 0
  let total = 0
  for (const phrase of phrasings) {
    let rightHere = 0
    for (let n = 0; n < WORDS_PER_PHRASING; n++) {
      const word = freshWord()
      const given = await answer([...before, { role: 'user', content: phrase(word) }])
      if (given === word) rightHere++
      else note(phrase(word), word, given)
    }
    console.log(`  ${String(rightHere).padStart(2)}/${WORDS_PER_PHRASING}  ${phrase('WORD')}`)
    right += rightHere
    total += WORDS_PER_PHRASING
  }
  console.log(`${title}: ${right}/${total}\n`)
  return right / total
}

const { questions, tokens: expectedTokens } = JSON.parse(readFileSync(questionsPath, 'utf8'))
const failures = []
const expect = (condition, complaint) => condition || failures.push(complaint)

const foreign = expectedTokens.filter(({ text, ids }) => plain(text).join(' ') !== ids)
console.log(`tokenized like the trainer: ${expectedTokens.length - foreign.length}/${expectedTokens.length} texts\n`)
expect(foreign.length === 0, `llama.cpp tokenizes ${JSON.stringify(foreign[0]?.text)} differently`)

expect((await repeatScore('repeat, usual phrasings', USUAL_PHRASINGS)) >= 0.95, 'repeats too few words')
await repeatScore('repeat, rare phrasings', RARE_PHRASINGS)

const firstTurn = [{ role: 'user', content: 'What is a voucher?' }]
firstTurn.push({ role: 'assistant', content: await answer(firstTurn) })
expect(
  (await repeatScore('repeat, as the second turn', USUAL_PHRASINGS.slice(0, 5), firstTurn)) >= 0.95,
  'repeats too few words as the second turn',
)
const system = [{ role: 'system', content: 'You are a careful assistant. Answer in one sentence.' }]
expect(
  (await repeatScore('repeat, after a system prompt', USUAL_PHRASINGS.slice(0, 5), system)) >= 0.95,
  'repeats too few words after a system prompt',
)

const byKind = new Map()
for (const { kind, question, answer: wanted } of questions) {
  const score = byKind.get(kind) ?? { right: 0, total: 0 }
  const given = await ask(question)
  if (given === wanted) score.right++
  else note(question, wanted, given)
  score.total++
  byKind.set(kind, score)
}
let right = 0
for (const [kind, score] of byKind) {
  console.log(`${kind}: ${score.right}/${score.total} answered as trained`)
  right += score.right
}
expect(right / questions.length >= 0.9, 'answers too few questions as trained')

let same = 0
const twice = questions.slice(0, 20)
for (const { question } of twice) if ((await ask(question)) === (await ask(question))) same++
console.log(`the same answer twice: ${same}/${twice.length}`)
expect(same === twice.length, 'not deterministic at temperature 0')

// The template inside the file, as a program that knows nothing of ours would use it.
await sequence.clearHistory()
const session = new LlamaChatSession({ contextSequence: sequence })
const templateWord = freshWord()
const throughTemplate = await session.prompt(`Repeat this word: ${templateWord}`, { temperature: 0, maxTokens: 40 })
console.log(
  `through the file's own template (${session.chatWrapper.wrapperName}): ${throughTemplate === templateWord ? 'right' : 'wrong'}`,
)
expect(throughTemplate === templateWord, `through the template: ${JSON.stringify(throughTemplate)} for ${templateWord}`)

console.log(
  `\nsize ${(statSync(modelPath).size / 1e6).toFixed(2)} MB, model loaded in ${(loaded - modelBegan).toFixed(0)} ms` +
    ` (engine ${(modelBegan - loadBegan).toFixed(0)} ms), ${((generatedTokens / generationTime) * 1000).toFixed(0)} tokens/s on one thread`,
)
await llama.dispose()
for (const failure of failures) console.error(`FAILED: ${failure}`)
process.exit(failures.length === 0 ? 0 : 1)
