import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChatRequest } from '../../src/engine/chat-request.ts'
import type { Engine, EngineEvent, ToolCallDelta } from '../../src/engine/engine.ts'

/** What is known to be otherwise at one engine, so that it is said here and not found out by a user. */
export interface Differences {
  /** It answers for whatever model it is asked, with the one it has. */
  readonly anyModel?: true
}

interface Answer {
  readonly text: string
  readonly calls: readonly ToolCallDelta[]
  readonly end: Extract<EngineEvent, { type: 'end' }>
}

/**
 * What a node promises of every engine in front of it, in the words of OpenAI's chat completions: one suite, whichever engine
 * is behind the interface. It asks for nothing that takes a clever model.
 */
export function conformance(
  name: string,
  start: () => Promise<{ engine: Engine; model: string }>,
  differences: Differences = {},
): void {
  describe(`conformance of ${name}`, () => {
    let engine: Engine
    let model: string
    let plain: Answer
    beforeAll(async () => {
      ;({ engine, model } = await start())
      plain = await ask({ max_tokens: 40 })
    }, 60_000)
    afterAll(() => engine.close())

    async function ask(more: Partial<ChatRequest> = {}, signal = new AbortController().signal): Promise<Answer> {
      const request = {
        model,
        messages: [{ role: 'user' as const, content: 'What is Cocoon?' }],
        temperature: 0,
        ...more,
      }
      let text = ''
      const calls: ToolCallDelta[] = []
      let end: Answer['end'] | undefined
      for await (const event of engine.chat(request, { signal })) {
        expect(end).toBeUndefined()
        if (event.type === 'end') end = event
        else {
          expect(event.index).toBe(0)
          expect(Object.keys(event.delta).length).toBeGreaterThan(0)
          text += event.delta.content ?? ''
          calls.push(...(event.delta.toolCalls ?? []))
        }
      }
      if (!end) throw new Error('no end')
      return { text, calls, end }
    }
    const written = ({ calls }: Answer): string => calls.map((call) => call.function?.arguments ?? '').join('')
    const schema = {
      type: 'object',
      properties: { ok: { type: 'boolean' }, colour: { enum: ['red', 'green'] } },
      required: ['ok', 'colour'],
      additionalProperties: false,
    }
    const tools: NonNullable<ChatRequest['tools']> = [
      { type: 'function', function: { name: 'paint', description: 'Paints a wall', parameters: schema } },
    ]
    const obeys = (text: string): void => {
      const value = JSON.parse(text) as { ok: unknown; colour: unknown }
      expect(Object.keys(value).toSorted()).toEqual(['colour', 'ok'])
      expect(typeof value.ok).toBe('boolean')
      expect(['red', 'green']).toContain(value.colour)
    }

    test('lists its model, with the context', async () => {
      const found = (await engine.models()).find(({ id }) => id === model)
      expect(found?.context).toBeGreaterThan(0)
      expect(found?.maxOutput).toBeLessThanOrEqual(found?.context ?? 0)
    })

    test('answers, and counts both sides', () => {
      expect(plain.text.trim()).not.toBe('')
      expect(['stop', 'length']).toContain(plain.end.finishReason)
      const { prompt, cached, completion, reasoning } = plain.end.usage
      expect(prompt + cached).toBeGreaterThan(3)
      expect(completion + reasoning).toBeGreaterThan(3)
      expect(completion + reasoning).toBeLessThanOrEqual(40)
    })

    test('stops at max_tokens, and says so', async () => {
      const { end } = await ask({ max_tokens: 3 })
      expect(end.finishReason).toBe('length')
      expect(end.usage.completion + end.usage.reasoning).toBe(3)
    })

    test('says the same again at temperature 0, and with the same seed above it', async () => {
      expect((await ask({ max_tokens: 40 })).text).toBe(plain.text)
      const seeded = { temperature: 1.5, seed: 7, max_tokens: 20 }
      expect((await ask(seeded)).text).toBe((await ask(seeded)).text)
    })

    test('ends before a stop string', async () => {
      const stop = plain.text.slice(6, 10)
      const { text, end } = await ask({ max_tokens: 40, stop: [stop] })
      expect(text).toBe(plain.text.slice(0, plain.text.indexOf(stop)))
      expect(end.finishReason).toBe('stop')
    })

    test('holds an answer to a JSON schema', async () => {
      const { text, end } = await ask({
        response_format: { type: 'json_schema', json_schema: { name: 'wall', schema } },
      })
      obeys(text)
      expect(end.finishReason).toBe('stop')
    })

    test('begins an object where JSON is asked for', async () => {
      const { text } = await ask({ response_format: { type: 'json_object' }, max_tokens: 60 })
      expect(text.trimStart().startsWith('{')).toBe(true)
    })

    test('calls a tool that it must, with arguments that obey', async () => {
      const answer = await ask({ tools, tool_choice: 'required', max_tokens: 200 })
      expect(answer.end.finishReason).toBe('tool_calls')
      expect(answer.calls[0]).toMatchObject({ index: 0, type: 'function', function: { name: 'paint' } })
      expect(answer.calls[0]?.id).toMatch(/./)
      obeys(written(answer))
    })

    test('calls none where it may not', async () => {
      const { calls, end } = await ask({ tools, tool_choice: 'none', max_tokens: 20 })
      expect(calls).toEqual([])
      expect(end.finishReason).not.toBe('tool_calls')
    })

    test('takes what a tool gave, roles and parts', async () => {
      const call = {
        id: 'call_1',
        type: 'function' as const,
        function: { name: 'paint', arguments: '{"ok":true,"colour":"red"}' },
      }
      const messages: ChatRequest['messages'] = [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Paint ' },
            { type: 'text', text: 'the wall.' },
          ],
        },
        { role: 'assistant', content: null, tool_calls: [call] },
        { role: 'tool', tool_call_id: 'call_1', content: 'done' },
      ]
      const { end } = await ask({ messages, tools, tool_choice: 'none', max_tokens: 10 })
      expect(end.usage.prompt + end.usage.cached).toBeGreaterThan(plain.end.usage.prompt + plain.end.usage.cached)
    })

    test('answers several at a time as it does one', async () => {
      const all = await Promise.all([1, 2, 3].map(() => ask({ max_tokens: 40 })))
      expect(all.map(({ text }) => text)).toEqual([plain.text, plain.text, plain.text])
    })

    test('ends when told to, with what it cost, and goes on with the next', async () => {
      const stop = new AbortController()
      const messages = [{ role: 'user' as const, content: 'Tell me a long story about a silkworm' }]
      let end: Answer['end'] | undefined
      for await (const event of engine.chat({ model, messages, temperature: 0 }, { signal: stop.signal })) {
        if (event.type === 'end') end = event
        else stop.abort()
      }
      expect(end?.finishReason).toBe('cancelled')
      expect((end?.usage.completion ?? 0) + (end?.usage.reasoning ?? 0)).toBeGreaterThan(0)
      expect((await ask({ max_tokens: 40 })).text).toBe(plain.text)
    })

    test('refuses what does not fit, and by that name', async () => {
      const messages = [{ role: 'user' as const, content: 'silkworm '.repeat(20_000) }]
      await expect(ask({ messages })).rejects.toMatchObject({ code: 'context-exceeded' })
    })

    test.skipIf(differences.anyModel)('knows no model but its own', async () => {
      await expect(ask({ model: 'no-such-model' })).rejects.toMatchObject({ code: 'unknown-model' })
    })
  })
}
