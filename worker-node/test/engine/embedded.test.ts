import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestWeights, type EmbeddedEngine, startEmbeddedEngine } from '../../src/engine/embedded.ts'
import { answerOf, ask, demoModel, longAnswer, startDemo } from './demo-model.ts'

const questions = ['What is Cocoon?', 'What is a broker?', 'What is a node?', 'What is a provider?']
const secret = 'xylophone-4711'

let engine: EmbeddedEngine
beforeAll(async () => {
  engine = await startDemo()
})
afterAll(() => engine.close())

describe('answers', () => {
  test('a question the model knows, streamed in many pieces', async () => {
    const pieces: string[] = []
    const answer = await answerOf(engine, ask('What is Cocoon?'), { onText: (text) => pieces.push(text) })
    expect(answer.text).toContain('Cocoon')
    expect(pieces.join('')).toBe(answer.text)
    expect(answer.finishReason).toBe('stop')
    expect(pieces.length).toBeGreaterThan(10)
    expect(answer.usage.completion).toBeGreaterThan(pieces.length)
  })

  test('four jobs at a time interleave, do not mix, and answer as they do alone', async () => {
    const alone = []
    for (const question of questions) alone.push(await answerOf(engine, ask(question)))
    const order: number[] = []
    const together = await Promise.all(
      questions.map((question, index) => answerOf(engine, ask(question), { onText: () => order.push(index) })),
    )
    expect(together).toEqual(alone)
    expect(new Set(order.slice(0, 8)).size).toBe(4)
  })

  // Without sampling-order.ts about one answer in thirty holds words of another job; here that is 200 answers.
  test('fifty rounds of four jobs at a time answer as they do alone, to the letter', { timeout: 60_000 }, async () => {
    const alone = []
    for (const question of questions) alone.push((await answerOf(engine, ask(question))).text)
    for (let round = 0; round < 50; round++) {
      const together = await Promise.all(questions.map((question) => answerOf(engine, ask(question))))
      expect(together.map(({ text }) => text)).toEqual(alone)
    }
  })

  test('a repeated question gives the same answer and reuses nothing of the first', async () => {
    const [first, second] = [
      await answerOf(engine, ask('What is a node?')),
      await answerOf(engine, ask('What is a node?')),
    ]
    expect(second).toEqual(first)
    expect(second.usage.cached).toBe(0)
    expect(second.usage.prompt).toBeGreaterThan(10)
  })

  test('a seed fixes what a temperature leaves open', async () => {
    const answers = await Promise.all(
      [7, 7, 8, -1].map((seed) => answerOf(engine, ask('Tell me', { temperature: 1.8, seed, max_tokens: 40 }))),
    )
    expect(answers[1]?.text).toBe(answers[0]?.text)
    expect(new Set(answers.map(({ text }) => text)).size).toBeGreaterThan(1)
  })

  test('a positive penalty makes for variety, a negative one for repetition', async () => {
    const schema = { type: 'array', items: { enum: ['a', 'b'] }, minItems: 12, maxItems: 12 }
    const response_format = { type: 'json_schema' as const, json_schema: { name: 'x', schema } }
    const kinds = async (frequency_penalty: number) =>
      new Set(
        JSON.parse((await answerOf(engine, ask('Hello', { response_format, frequency_penalty }))).text) as string[],
      )
    expect((await kinds(2)).size).toBe(2)
    expect((await kinds(-2)).size).toBe(1)
  })

  test('a whole conversation with text parts', async () => {
    const answer = await answerOf(engine, {
      model: 'demo',
      temperature: 0,
      messages: [
        { role: 'developer', content: 'Be brief.' },
        { role: 'user', content: 'Hello' },
        { role: 'assistant', content: 'Hello! I am a tiny demonstration model.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is ' },
            { type: 'text', text: 'Cocoon?' },
          ],
        },
      ],
    })
    expect(answer.finishReason).toBe('stop')
    expect(answer.text).not.toBe('')
  })
})

describe('ends', () => {
  test('at max_tokens, counted exactly', async () => {
    const answer = await answerOf(engine, ask('What is Cocoon?', { max_tokens: 5 }))
    expect(answer).toMatchObject({ finishReason: 'length', usage: { completion: 5 } })
    expect(answer.text.length).toBeGreaterThan(0)
    const nothing = await answerOf(engine, ask('What is Cocoon?', { max_tokens: 0 }))
    expect(nothing).toMatchObject({ text: '', finishReason: 'length', usage: { completion: 0 } })
  })

  test('the end token counts, as the token that says stop', async () => {
    const whole = await answerOf(engine, ask('Hello'))
    const cut = await answerOf(engine, ask('Hello', { max_tokens: whole.usage.completion - 1 }))
    expect(cut).toMatchObject({ text: whole.text, finishReason: 'length' })
  })

  test.each([
    [0, 1],
    [8, 17],
    [11, 14],
    [30, 41],
    [-9, -2],
  ])('before a stop string that stands from %i to %i', async (from, to) => {
    const whole = await answerOf(engine, ask('What is Cocoon?'))
    const stop = whole.text.slice(from, to)
    const answer = await answerOf(engine, ask('What is Cocoon?', { stop: ['never said', stop] }))
    expect(answer.text).toBe(whole.text.slice(0, whole.text.indexOf(stop)))
    expect(answer.finishReason).toBe('stop')
    expect(answer.usage.completion).toBeLessThan(whole.usage.completion)
  })

  test('whole, when no stop string is said, even if it nearly is', async () => {
    const whole = await answerOf(engine, ask('What is Cocoon?'))
    const answer = await answerOf(
      engine,
      ask('What is Cocoon?', { stop: [`${whole.text.slice(-8)}!`, `${whole.text.slice(5, 12)}~`, 'zzz'] }),
    )
    expect(answer).toEqual(whole)
  })

  test('when the context is full', async () => {
    const small = await startDemo({ slots: 1, contextSize: 256 })
    try {
      const answer = await answerOf(small, ask('Hello', longAnswer(2000)))
      expect(answer.finishReason).toBe('length')
      expect(answer.usage.prompt + answer.usage.completion).toBe(256)
    } finally {
      await small.close()
    }
  })
})

describe('aborts', () => {
  test('mid-way: an end with the usage until then, at once, and the slot is free again', async () => {
    const one = await startDemo({ slots: 1 })
    try {
      const abort = new AbortController()
      let pieces = 0
      let abortedAt = 0
      const onText = (): void => {
        if (++pieces !== 8) return
        abortedAt = performance.now()
        abort.abort()
      }
      const answer = await answerOf(one, ask('Hello', longAnswer(1000)), { signal: abort.signal, onText })
      expect(performance.now() - abortedAt).toBeLessThan(500)
      expect(answer.finishReason).toBe('cancelled')
      expect(answer.usage.prompt).toBeGreaterThan(0)
      expect(answer.usage.completion).toBeGreaterThanOrEqual(8)
      expect(answer.usage.completion).toBeLessThan(40)
      expect((await answerOf(one, ask('Hello'))).text).toBe((await answerOf(engine, ask('Hello'))).text)
    } finally {
      await one.close()
    }
  })

  test('while it waits, without a token, and nobody waits for it', async () => {
    const one = await startDemo({ slots: 1 })
    try {
      const abort = new AbortController()
      const first = answerOf(one, ask('What is Cocoon?'))
      const gaveUp = answerOf(one, ask('What is a node?'), { signal: abort.signal })
      const third = answerOf(one, ask('What is a broker?'))
      setImmediate(() => abort.abort())
      expect(await gaveUp).toEqual({
        type: 'end',
        finishReason: 'cancelled',
        usage: { prompt: 0, cached: 0, completion: 0, reasoning: 0 },
        text: '',
      })
      expect((await first).finishReason).toBe('stop')
      expect((await third).text).toBe((await answerOf(engine, ask('What is a broker?'))).text)
    } finally {
      await one.close()
    }
  })

  test('before it began', async () => {
    const answer = await answerOf(engine, ask('Hello'), { signal: AbortSignal.abort() })
    expect(answer).toMatchObject({ finishReason: 'cancelled', usage: { prompt: 0, completion: 0 } })
  })

  test('by a consumer that stops reading, many times over', async () => {
    for (let round = 0; round < 12; round++) {
      for await (const event of engine.chat(ask('What is Cocoon?'), { signal: new AbortController().signal })) {
        if (event.type === 'delta') break
      }
    }
    expect((await answerOf(engine, ask('Hello'))).finishReason).toBe('stop')
  })

  test('by closing the engine', async () => {
    const closing = await startDemo({ slots: 2 })
    const answers = [1, 2, 3].map(() => answerOf(closing, ask('Hello', longAnswer(2000))))
    await new Promise((resolve) => setTimeout(resolve, 30))
    await closing.close()
    for (const answer of answers) expect((await answer).finishReason).toBe('cancelled')
    await expect(answerOf(closing, ask('Hello'))).rejects.toMatchObject({ code: 'engine-failed' })
  })
})

test('leaves the event loop free, and more jobs than slots take turns', async () => {
  let ticks = 0
  const clock = setInterval(() => ticks++, 5)
  const began = performance.now()
  const answers = await Promise.all(Array.from({ length: 9 }, () => answerOf(engine, ask('What is Cocoon?'))))
  clearInterval(clock)
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(ticks).toBeGreaterThan((performance.now() - began) / 5 / 4)
})

describe('shapes', () => {
  const shaped = (schema: Record<string, unknown>) =>
    ask('Hello', { response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } })

  test('characters of several tokens come whole: emoji, scripts, joiners', async () => {
    const value = '😀👩‍👩‍👧 日本 naïve Привет ∑ 🇺🇦'
    const pieces: string[] = []
    const answer = await answerOf(engine, shaped({ const: value }), { onText: (text) => pieces.push(text) })
    expect(JSON.parse(answer.text)).toBe(value)
    for (const piece of pieces) expect(piece.isWellFormed() && !piece.includes('\uFFFD')).toBe(true)
  })

  test('a character cut by max_tokens is left out', async () => {
    for (let tokens = 1; tokens < 8; tokens++) {
      const answer = await answerOf(engine, { ...shaped({ const: '😀😀' }), max_tokens: tokens })
      expect(answer.text).toMatch(/^"?(😀)*$/u)
    }
  })

  test('a JSON schema holds, and nothing follows the value', async () => {
    const answer = await answerOf(
      engine,
      shaped({
        type: 'object',
        properties: { ok: { type: 'boolean' }, tags: { type: 'array', items: { enum: ['a', 'b'] }, maxItems: 3 } },
        required: ['ok', 'tags'],
        additionalProperties: false,
      }),
    )
    const value = JSON.parse(answer.text) as { ok: unknown; tags: unknown[] }
    expect(typeof value.ok).toBe('boolean')
    expect(value.tags.every((tag) => tag === 'a' || tag === 'b')).toBe(true)
    expect(answer.finishReason).toBe('stop')
    expect(answer.text).toBe(answer.text.trim())
  })

  test('json_object', async () => {
    const answer = await answerOf(engine, ask('Hello', { response_format: { type: 'json_object' }, max_tokens: 400 }))
    expect(answer.text.startsWith('{')).toBe(true)
  })

  test.each([
    [{ $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/a' } } }],
    [{ type: 'string', pattern: secret }],
    [{ type: 'object', properties: { a: { type: 'string' } }, required: [secret] }],
    [{ type: 'object', properties: { [`${secret}\u0001`]: { type: 'string' } } }],
    [{ type: 'array', items: { type: 'string' }, minItems: 1e9 }],
    [{ type: 'string', minLength: 9, maxLength: 2 }],
    [{ enum: [] }],
    [{ oneOf: [secret] }],
    [{ type: secret }],
    [{}],
  ])('refuses what the grammar cannot promise: %j', async (schema) => {
    const refusal = await answerOf(engine, shaped(schema)).catch((error: unknown) => error)
    expect(refusal).toMatchObject({
      code: 'bad-request',
      message: expect.stringMatching(/^response_format\.json_schema/),
    })
    expect(String(refusal)).not.toContain(secret)
  })
})

describe('refuses', () => {
  test('what does not fit the context, without quoting it', async () => {
    for (const content of [`${secret} `.repeat(400), secret.repeat(200_000)]) {
      const refusal = await answerOf(engine, ask(content)).catch((error: unknown) => error)
      expect(refusal).toMatchObject({ code: 'context-exceeded' })
      expect(String(refusal)).not.toContain(secret)
    }
  })

  test('another model, images', async () => {
    await expect(answerOf(engine, { ...ask('x'), model: 'other' })).rejects.toMatchObject({ code: 'unknown-model' })
    const tools = [{ type: 'function' as const, function: { name: 'f' } }]
    expect((await answerOf(engine, ask('Hello', { tools, tool_choice: 'none' }))).finishReason).toBe('stop')
    const image = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AAAA' } }
    const messages = [{ role: 'user' as const, content: [image] }]
    await expect(answerOf(engine, { model: 'demo', messages })).rejects.toMatchObject({ code: 'bad-request' })
  })

  test('models it cannot load, with a reason', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'engine-'))
    const file = async (name: string, content: string) => {
      await writeFile(join(folder, name), content)
      return { modelPath: join(folder, name), modelId: 'x', slots: 1 }
    }
    try {
      for (const options of [
        { modelPath: join(folder, 'absent.gguf'), modelId: 'x', slots: 1 },
        await file('broken.gguf', 'GGUF but not really'),
        await file('empty.gguf', ''),
        await file('big-00001-of-00002.gguf', ''),
        { modelPath: demoModel, modelId: 'x', slots: 1, contextSize: 1_000_000 },
      ]) {
        await expect(startEmbeddedEngine(options)).rejects.toMatchObject({ name: 'EngineError', code: 'engine-failed' })
      }
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

test('states its model', async () => {
  expect(await engine.models()).toEqual([{ id: 'demo', context: 512, maxOutput: 511 }])
  expect(engine).toMatchObject({ kind: 'embedded', slots: 4 })
})

test('digests weights', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'engine-'))
  try {
    await writeFile(join(folder, 'abc'), 'abc')
    expect(await digestWeights(join(folder, 'abc'))).toBe(
      'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad',
    )
    expect(await digestWeights(demoModel)).toMatch(/^[0-9a-f]{64}$/)
    await expect(digestWeights(join(folder, 'absent'))).rejects.toMatchObject({ code: 'engine-failed' })
  } finally {
    await rm(folder, { recursive: true })
  }
})
