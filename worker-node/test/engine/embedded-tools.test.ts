import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChatRequest } from '../../src/engine/chat-request.ts'
import type { EmbeddedEngine } from '../../src/engine/embedded.ts'
import type { Delta, Engine } from '../../src/engine/engine.ts'
import { answerOf, ask, type End, startDemo } from './demo-model.ts'

const secret = 'xylophone-4711'
let engine: EmbeddedEngine
beforeAll(async () => {
  engine = await startDemo({ contextSize: 1024 })
})
afterAll(() => engine.close())

type Tools = NonNullable<ChatRequest['tools']>
const weather: Tools[number] = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'The weather of a city',
    parameters: {
      type: 'object',
      properties: {
        city: { enum: ['Lisbon', 'Oslo'] },
        days: { type: 'array', items: { type: 'boolean' }, maxItems: 2 },
      },
      required: ['city', 'days'],
      additionalProperties: false,
    },
  },
}
const clock: Tools[number] = { type: 'function', function: { name: 'clock' } }

async function called(from: Engine, request: ChatRequest, signal = new AbortController().signal) {
  const deltas: Delta[] = []
  let end: End | undefined
  for await (const event of from.chat(request, { signal })) {
    if (event.type === 'end') end = event
    else deltas.push(event.delta)
  }
  const pieces = deltas.flatMap(({ toolCalls }) => toolCalls ?? [])
  return {
    end,
    pieces,
    text: deltas.map(({ content }) => content ?? '').join(''),
    names: pieces.flatMap(({ function: one }) => one?.name ?? []),
    written: pieces.map(({ function: one }) => one?.arguments ?? '').join(''),
  }
}

describe('a call that is asked for', () => {
  test('is one of the tools, obeys its schema, and is all of the answer', async () => {
    const answer = await called(engine, ask('Weather in Oslo?', { tools: [weather, clock], tool_choice: 'required' }))
    expect(answer.end?.finishReason).toBe('tool_calls')
    expect(answer.text).toBe('')
    expect(['weather', 'clock']).toContain(answer.names.join())
    expect(answer.pieces[0]?.id).toMatch(/^call_/)
    expect(answer.end?.usage.completion).toBeGreaterThan(5)
  })

  test('by name calls that tool; its arguments stream', async () => {
    const choice = { type: 'function' as const, function: { name: 'weather' } }
    for (const seed of [1, 2, 3]) {
      const request = ask('Weather?', { tools: [clock, weather], tool_choice: choice, temperature: 1.5, seed })
      const answer = await called(engine, request)
      const given = JSON.parse(answer.written) as { city: string; days: unknown[] }
      expect(answer.names).toEqual(['weather'])
      expect(Object.keys(given)).toEqual(['city', 'days'])
      expect(['Lisbon', 'Oslo']).toContain(given.city)
      expect(given.days.every((day) => typeof day === 'boolean')).toBe(true)
      expect(answer.pieces.length).toBeGreaterThan(3)
    }
    const none = await called(engine, ask('Time?', { tools: [clock], tool_choice: 'required' }))
    expect(JSON.parse(none.written)).toEqual({})
  })

  test('cut by max_tokens says so, and is no text', async () => {
    const answer = await called(engine, ask('Weather?', { tools: [weather], tool_choice: 'required', max_tokens: 12 }))
    expect(answer.end?.finishReason).toBe('length')
    expect(answer.text).toBe('')
  })

  test('side by side with other jobs stays its own', async () => {
    const alone = await called(engine, ask('Weather?', { tools: [weather], tool_choice: 'required' }))
    const [first, other, second] = await Promise.all([
      called(engine, ask('Weather?', { tools: [weather], tool_choice: 'required' })),
      answerOf(engine, ask('What is a node?')),
      called(engine, ask('Weather?', { tools: [weather], tool_choice: 'required' })),
    ])
    expect([first.written, second.written]).toEqual([alone.written, alone.written])
    expect(other.text).toBe((await answerOf(engine, ask('What is a node?'))).text)
  })
})

test('left to the model, which was never taught to call: an answer in words', async () => {
  const answer = await called(engine, ask('Hello', { tools: [clock] }))
  expect(answer.names).toEqual([])
  expect(answer.end?.finishReason).not.toBe('tool_calls')
  expect(answer.text).not.toBe('')
})

test('the results of calls are part of the conversation', async () => {
  const call = { id: 'c', type: 'function' as const, function: { name: 'clock', arguments: '{}' } }
  const messages: ChatRequest['messages'] = [
    { role: 'user', content: 'What is Cocoon?' },
    { role: 'assistant', content: null, tool_calls: [call] },
    { role: 'tool', tool_call_id: 'c', content: 'noon' },
  ]
  const plain = await answerOf(engine, { model: 'demo', messages: messages.slice(0, 1), temperature: 0 })
  const long = await answerOf(engine, { model: 'demo', messages, temperature: 0 })
  expect(long.usage.prompt).toBeGreaterThan(plain.usage.prompt + 20)
})

describe('refuses, without quoting', () => {
  const strict = (parameters: Record<string, unknown>): Tools => [
    { type: 'function', function: { name: 'f', strict: true, parameters } },
  ]
  test.each<[string, Partial<ChatRequest>, RegExp]>([
    ['no such tool', { tools: [clock], tool_choice: { type: 'function', function: { name: secret } } }, /tool_choice/],
    ['a choice without tools', { tool_choice: 'required' }, /tool_choice/],
    [
      'strict beyond a grammar',
      { tools: strict({ type: 'object', properties: { a: { type: 'string', pattern: secret } } }) },
      /tools\[0\]\.function\.parameters/,
    ],
    ['strict arguments that are no object', { tools: strict({ type: 'string' }) }, /tools\[0\]\.function\.parameters/],
    ['a schema beside a free choice', { tools: [clock], response_format: { type: 'json_object' } }, /response_format/],
  ])('%s', async (_what, more, where) => {
    const refusal = await answerOf(engine, ask('Hello', more)).catch((error: unknown) => error)
    expect(refusal).toMatchObject({ code: 'bad-request', message: expect.stringMatching(where) })
    expect(String(refusal)).not.toContain(secret)
  })

  test('what is not strict and beyond a grammar takes any object', async () => {
    const parameters = { type: 'object', properties: { a: { type: 'string', pattern: '^x' } } }
    const tools: Tools = [{ type: 'function', function: { name: 'f', parameters } }]
    const answer = await called(engine, ask('Hello', { tools, tool_choice: 'required', max_tokens: 60 }))
    expect(answer.written.startsWith('{')).toBe(true)
  })

  test('tools that do not fit the context', async () => {
    const tools: Tools = [{ type: 'function', function: { name: 'f', description: 'very '.repeat(2000) } }]
    await expect(answerOf(engine, ask('Hello', { tools }))).rejects.toMatchObject({ code: 'context-exceeded' })
  })
})
