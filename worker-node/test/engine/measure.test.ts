import { expect, test } from 'vitest'
import type { ChatRequest } from '../../src/engine/chat-request.ts'
import { type Engine, EngineError, type EngineEvent, noUsage } from '../../src/engine/engine.ts'
import { measure } from '../../src/engine/measure.ts'

/** Speaks ten tokens in two seconds of a clock of its own, however many listen. */
class TimedEngine implements Engine {
  readonly kind = 'openai'
  readonly slots = 3
  now = 0
  asked: ChatRequest[] = []
  #pending = 0
  #step: PromiseWithResolvers<void> | undefined
  models = () => Promise.resolve([])
  close = () => Promise.resolve()
  async *chat(request: ChatRequest): AsyncGenerator<EngineEvent, void> {
    this.asked.push(request)
    this.#pending += 1
    this.#step ??= Promise.withResolvers<void>()
    const mine = this.#step
    // Everybody who began together hears the same word at the same time.
    setImmediate(() => {
      if (this.#step !== mine) return
      this.#step = undefined
      this.now += 500
      mine.resolve()
    })
    await mine.promise
    yield { type: 'delta', index: 0, delta: { content: 'one' } }
    if (--this.#pending === 0) this.now += 1500
    await new Promise((resolve) => setImmediate(resolve))
    yield { type: 'end', finishReason: 'length', usage: { ...noUsage, completion: 8, reasoning: 2 } }
  }
}

test('speed is that of one answer, and that of all slots together', async () => {
  const engine = new TimedEngine()
  expect(await measure(engine, 'm', () => engine.now)).toEqual({ firstTokenMs: 500, single: 5, together: 15 })
  // Once to warm up, once alone, then in every slot.
  expect(engine.asked).toHaveLength(5)
  expect(new Set(engine.asked.map(({ max_tokens }) => max_tokens))).toEqual(new Set([64]))
})

test('an engine that cannot answer says so', async () => {
  const engine: Engine = {
    kind: 'openai',
    slots: 1,
    models: () => Promise.resolve([]),
    close: () => Promise.resolve(),
    // oxlint-disable-next-line require-yield
    async *chat() {
      throw new EngineError('timeout', 'silent')
    },
  }
  await expect(measure(engine, 'm', () => 0)).rejects.toMatchObject({ code: 'timeout' })
})
