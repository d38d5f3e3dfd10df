import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { parseChatRequest } from '../../src/engine/chat-request.ts'
import type { EngineEvent } from '../../src/engine/engine.ts'
import { OpenAiEngine, type OpenAiOptions } from '../../src/engine/openai.ts'
import { answerOf, ask } from './demo-model.ts'
import { engineErrors } from './engine-errors.ts'
import { events, playing, type Reply, startEngineServer } from './engine-server.ts'
import { serverStreams } from './server-streams.ts'

const secret = 'xylophone-4711'
const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

async function serve(reply: Reply, options: Partial<OpenAiOptions> = {}) {
  const server = await startEngineServer(reply)
  const engine = new OpenAiEngine({ baseUrl: server.baseUrl, idleMs: 2000, slots: 4, ...options })
  open.push(() => engine.close(), server.close)
  return { ...server, engine }
}

async function collect(engine: OpenAiEngine) {
  const all: EngineEvent[] = []
  for await (const event of engine.chat(ask('Hello'), { signal: new AbortController().signal })) all.push(event)
  const deltas = all.flatMap((event) => (event.type === 'delta' ? [event.delta] : []))
  return {
    end: all.at(-1),
    content: deltas.map(({ content }) => content ?? '').join(''),
    reasoning: deltas.map(({ reasoning }) => reasoning ?? '').join(''),
    calls: deltas.flatMap(({ toolCalls }) => toolCalls ?? []),
  }
}

const piece = (content: string) => ({ choices: [{ index: 0, delta: { content }, finish_reason: null }] })
const last = { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] }
const usage = { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2 } }
const whole = events(piece('Hi'), last, usage, '[DONE]')

test.each(serverStreams)('reads the stream of $server, wherever its bytes are cut', async (expected) => {
  let reply: Reply = playing(expected.stream)
  const { engine } = await serve((call, response) => reply(call, response))
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(100_000), { maxLength: 12 }), async (cuts) => {
      reply = playing(expected.stream, cuts)
      const { end, content, reasoning, calls } = await collect(engine)
      expect({ content, reasoning }).toEqual({ content: expected.content, reasoning: expected.reasoning })
      expect(end).toEqual({ type: 'end', finishReason: expected.finishReason, usage: expected.usage })
      if (expected.arguments === undefined) return
      expect(calls[0]).toEqual({
        index: 0,
        id: 'call_1',
        type: 'function',
        function: { name: 'look', arguments: expected.whole ? expected.arguments : '' },
      })
      expect(calls.map((call) => call.function?.arguments ?? '').join('')).toBe(expected.arguments)
    }),
    { numRuns: 20 },
  )
})

test('a forced call that an engine ends with `stop` ends as one', async () => {
  const call = { index: 0, id: 'call_1', type: 'function', function: { name: 'look', arguments: '{}' } }
  const called = { choices: [{ index: 0, delta: { tool_calls: [call] }, finish_reason: null }] }
  const { engine } = await serve(playing(events(called, last, usage, '[DONE]')))
  expect(await collect(engine)).toMatchObject({ end: { finishReason: 'tool_calls' }, calls: [call] })
})

test('reads a stream byte by byte', async () => {
  const { stream, content } = serverStreams[0] ?? { stream: '', content: '' }
  const { engine } = await serve(playing(stream, [...Buffer.from(stream).keys()]))
  expect((await collect(engine)).content).toBe(content)
})

describe('sends', () => {
  test('the listed fields and its own, nothing else', async () => {
    const { engine, calls } = await serve(playing(whole), { apiKey: 'key-1' })
    const request = parseChatRequest(
      Buffer.from(
        JSON.stringify({
          ...ask('Hello'),
          max_completion_tokens: 9,
          chat_template: secret,
          cache_salt: secret,
          priority: 9,
        }),
      ),
    )
    await answerOf(engine, request)
    expect(calls[0]?.path).toBe('/v1/chat/completions')
    expect(calls[0]?.headers.authorization).toBe('Bearer key-1')
    expect(JSON.parse(calls[0]?.body ?? '')).toEqual({
      model: 'demo',
      messages: [{ role: 'user', content: 'Hello' }],
      temperature: 0,
      max_tokens: 9,
      stream: true,
      stream_options: { include_usage: true },
    })
  })

  test('a fresh cache salt with every request, where the engine knows it', async () => {
    let next = 0
    const random = (bytes: number) => new Uint8Array(bytes).fill(++next)
    const { engine, calls } = await serve(playing(whole), { cacheSalt: true, continuousUsage: true, random })
    await answerOf(engine, ask('Hello'))
    await answerOf(engine, ask('Hello'))
    const bodies = calls.map(({ body }) => JSON.parse(body) as { cache_salt: string; stream_options: unknown })
    expect(bodies.map(({ cache_salt }) => cache_salt)).toEqual(['AQEBAQEBAQEBAQEBAQEBAQ', 'AgICAgICAgICAgICAgICAg'])
    expect(bodies[0]?.stream_options).toEqual({ include_usage: true, continuous_usage_stats: true })
  })
})

describe('fails', () => {
  const failure = async (reply: Reply, options: Partial<OpenAiOptions> = {}) => {
    const { engine } = await serve(reply, options)
    const error: unknown = await answerOf(engine, ask(secret)).then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toMatchObject({ name: 'EngineError' })
    expect(String(error)).not.toContain(secret)
    expect((error as Error).cause).toBeUndefined()
    return (error as { code: string }).code
  }
  const answering =
    (status: number, body: unknown): Reply =>
    (_call, response) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    }

  test.each([
    [500, 'engine-failed', {}],
    [502, 'engine-failed', 'bad gateway'],
    [429, 'engine-busy', {}],
    [503, 'engine-busy', { error: { code: 503, message: 'Loading model', type: 'unavailable_error' } }],
    [401, 'engine-failed', {}],
    [400, 'bad-request', { error: { message: `cannot parse ${secret}`, type: 'BadRequestError', code: 400 } }],
    [422, 'bad-request', { detail: secret }],
    [404, 'unknown-model', { error: { message: `The model ${secret} does not exist.`, code: 404 } }],
    [504, 'timeout', {}],
    [
      400,
      'context-exceeded',
      {
        error: {
          code: 400,
          message: 'the request exceeds the available context size',
          type: 'exceed_context_size_error',
        },
      },
    ],
    [
      400,
      'context-exceeded',
      { object: 'error', message: `This model's maximum context length is 4096 tokens. ${secret}`, code: 400 },
    ],
    [400, 'context-exceeded', { error: { message: 'x', code: 'context_length_exceeded' } }],
  ])('on HTTP %i with %s', async (status, code, body) => {
    expect(await failure(answering(status, body))).toBe(code)
  })

  test.each(engineErrors)('on what $engine says of $about', async ({ status, body, code }) => {
    expect(await failure(answering(status, body))).toBe(code)
  })

  test('where a chosen tool was not called, but not where the answer was cut', async () => {
    const { engine } = await serve(playing(whole))
    for (const tool_choice of ['required', { type: 'function', function: { name: 'look' } }] as const) {
      await expect(answerOf(engine, ask('Hello', { tool_choice }))).rejects.toMatchObject({ code: 'engine-failed' })
    }
    expect((await answerOf(engine, ask('Hello', { tool_choice: 'auto' }))).text).toBe('Hi')
    const full = { choices: [{ index: 0, delta: {}, finish_reason: 'length' }] }
    const cut = await serve(playing(events(piece('Hi'), full, usage, '[DONE]')))
    expect((await answerOf(cut.engine, ask('Hello', { tool_choice: 'required' }))).finishReason).toBe('length')
  })

  test('on a stream without its end', async () => {
    const cut = events(piece(secret), last, usage)
    expect(await failure(playing(cut))).toBe('truncated')
    expect(await failure(playing(whole.slice(0, -4)))).toBe('truncated')
    expect(await failure(playing(events(piece('Hi'), usage, '[DONE]')))).toBe('truncated')
  })

  test('on a connection that breaks', async () => {
    const reply: Reply = (_call, response) => {
      response.writeHead(200).write(events(piece(secret)))
      setTimeout(() => response.destroy(), 20)
    }
    expect(await failure(reply)).toBe('truncated')
  })

  test('without usage, saying what the engine lacks', async () => {
    const { engine } = await serve(playing(events(piece('Hi'), last, '[DONE]')))
    await expect(answerOf(engine, ask('Hello'))).rejects.toThrow(/include_usage/)
  })

  test.each([
    [events('not json')],
    [events({ choices: 'none' })],
    [events({ choices: [{ delta: { content: { secret } } }] })],
    [events({ error: { message: secret, code: 500 } })],
    [events(piece('Hi'), { choices: [{ delta: {}, finish_reason: 'abort' }] }, usage, '[DONE]')],
    [
      events(
        piece('Hi'),
        last,
        { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 4 } } },
        '[DONE]',
      ),
    ],
    [events(piece('Hi'), last, { choices: [], usage: { prompt_tokens: -3, completion_tokens: 2 } }, '[DONE]')],
    [`data: ${'x'.repeat(5_000_000)}`],
  ])('on nonsense %#', async (stream) => {
    expect(await failure(playing(stream))).toBe('engine-failed')
  })

  test('on silence, at any point', async () => {
    const silent: Reply = () => undefined
    const mute: Reply = (_call, response) => response.writeHead(200).flushHeaders()
    const stuck: Reply = (_call, response) => void response.writeHead(200).write(events(piece('Hi')))
    for (const reply of [silent, mute, stuck]) expect(await failure(reply, { idleMs: 60 })).toBe('timeout')
  })

  test('where nobody listens', async () => {
    const { engine, close } = await serve(() => undefined)
    await close()
    open.pop()
    await expect(answerOf(engine, ask('Hello'))).rejects.toMatchObject({ code: 'engine-unreachable' })
    await expect(engine.models()).rejects.toMatchObject({ code: 'engine-unreachable' })
  })

  test('instead of following a redirect with the prompt', async () => {
    const elsewhere = await serve(playing(whole))
    const reply: Reply = (_call, response) =>
      void response.writeHead(307, { location: `${elsewhere.baseUrl}/v1/chat/completions` }).end()
    expect(await failure(reply)).toBe('engine-unreachable')
    expect(elsewhere.calls).toHaveLength(0)
  })
})

test('slow consumers are not silence', async () => {
  const { engine } = await serve(playing(whole), { idleMs: 100 })
  const seen: string[] = []
  for await (const event of engine.chat(ask('Hello'), { signal: new AbortController().signal })) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    seen.push(event.type)
  }
  expect(seen).toEqual(['delta', 'end'])
})

describe('cancelling', () => {
  const endless: Reply = (_call, response) => {
    response.writeHead(200).flushHeaders()
    const thought = { choices: [{ index: 0, delta: { reasoning: 'Hm' } }] }
    response.write(events(thought, piece('a'), piece('b')))
  }

  test('closes the connection to the engine, and counts what came', async () => {
    const { engine, calls } = await serve(endless)
    const abort = new AbortController()
    const answer = await answerOf(engine, ask('Hello'), {
      signal: abort.signal,
      onText: (text) => {
        if (text === 'b') setTimeout(() => abort.abort(), 10)
      },
    })
    expect(answer).toMatchObject({
      finishReason: 'cancelled',
      text: 'ab',
      usage: { prompt: 0, cached: 0, completion: 2, reasoning: 1 },
    })
    await calls[0]?.hungUp
  })

  test('takes the usage that the engine reported until then', async () => {
    const counted = { ...piece('x'), usage: { prompt_tokens: 30, completion_tokens: 7 } }
    const { engine, calls } = await serve((_call, response) => void response.writeHead(200).write(events(counted)))
    const abort = new AbortController()
    const answer = await answerOf(engine, ask('Hello'), {
      signal: abort.signal,
      onText: () => setTimeout(() => abort.abort(), 10),
    })
    expect(answer).toMatchObject({ finishReason: 'cancelled', usage: { prompt: 30, completion: 7 } })
    await calls[0]?.hungUp
  })

  test('before the first byte', async () => {
    const { engine, calls } = await serve(() => undefined)
    const answer = await answerOf(engine, ask('Hello'), { signal: AbortSignal.timeout(50) })
    expect(answer).toMatchObject({ finishReason: 'cancelled', usage: { completion: 0 } })
    await calls[0]?.hungUp
  })

  test('before the request: the engine never hears of it', async () => {
    const { engine, calls } = await serve(endless)
    expect(await answerOf(engine, ask('Hello'), { signal: AbortSignal.abort() })).toMatchObject({
      finishReason: 'cancelled',
    })
    expect(calls).toHaveLength(0)
  })

  test('by a consumer that stops reading', async () => {
    const { engine, calls } = await serve(endless)
    for await (const event of engine.chat(ask('Hello'), { signal: new AbortController().signal })) {
      if (event.type === 'delta') break
    }
    expect(calls).toHaveLength(1)
    await calls[0]?.hungUp
  })

  test('by closing the engine, which is a failure to whoever waits', async () => {
    const { engine, calls } = await serve(endless)
    const answer = answerOf(engine, ask('Hello'), { onText: () => void engine.close() })
    await expect(answer).rejects.toMatchObject({ code: 'engine-failed' })
    await calls[0]?.hungUp
  })
})

describe('models', () => {
  const listing =
    (...data: object[]): Reply =>
    (_call, response) =>
      void response.end(JSON.stringify({ object: 'list', data }))

  test('with the context the engine states, or the configured one', async () => {
    const vllm = await serve(listing({ id: 'm', max_model_len: 8192 }))
    expect(await vllm.engine.models()).toEqual([{ id: 'm', context: 8192, maxOutput: 8191 }])
    expect(vllm.calls[0]?.path).toBe('/v1/models')
    const bounded = await serve(listing({ id: 'm', max_model_len: 8192 }), { contextSize: 4096 })
    expect(await bounded.engine.models()).toMatchObject([{ context: 4096 }])
    const ollama = await serve(listing({ id: 'm' }), { contextSize: 4096 })
    expect(await ollama.engine.models()).toMatchObject([{ context: 4096 }])
    const unknown = await serve(listing({ id: 'm' }))
    await expect(unknown.engine.models()).rejects.toThrow(/contextSize/)
  })

  test('never those that the engine passes on to somebody else', async () => {
    const { engine, calls } = await serve(listing({ id: 'gpt-oss:120b-cloud' }, { id: 'local' }), { contextSize: 4096 })
    expect((await engine.models()).map(({ id }) => id)).toEqual(['local'])
    await expect(answerOf(engine, { ...ask('x'), model: 'gpt-oss:120b-cloud' })).rejects.toMatchObject({
      code: 'unknown-model',
    })
    expect(calls).toHaveLength(1)
  })

  test('from an engine that is none', async () => {
    const { engine } = await serve((_call, response) => void response.end('<html>'))
    await expect(engine.models()).rejects.toMatchObject({ code: 'engine-failed' })
  })
})

describe('addresses', () => {
  const engineAt =
    (baseUrl: string, allowRemote = false) =>
    () =>
      new OpenAiEngine({ baseUrl, idleMs: 1, slots: 1, allowRemote })

  test.each(['http://127.0.0.1:8000', 'http://127.8.0.1/v1/', 'http://localhost:11434', 'http://[::1]:1'])(
    '%s is here',
    (url) => {
      expect(engineAt(url)).not.toThrow()
    },
  )

  test.each([
    'http://10.0.0.1:8000',
    'https://api.example.org',
    'http://127.0.0.1.example.org',
    'http://localhost.example.org',
    'http://[::2]',
  ])('%s is elsewhere', (url) => {
    expect(engineAt(url)).toThrow(/another machine/)
    expect(engineAt(url, true)).not.toThrow()
  })

  test.each(['', 'localhost:8000', 'file:///x', 'http://user:pass@127.0.0.1'])('%j is no address', (url) => {
    expect(engineAt(url, true)).toThrow(RangeError)
  })
})
