import { afterEach, describe, expect, test } from 'vitest'
import { OpenAiEngine, type OpenAiOptions } from '../../src/engine/openai.ts'
import { answerOf, ask } from './demo-model.ts'
import { type Reply, startEngineServer } from './engine-server.ts'

const open: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

async function serve(reply: Reply, options: Partial<OpenAiOptions>) {
  const server = await startEngineServer(reply)
  const engine = new OpenAiEngine({ baseUrl: server.baseUrl, idleMs: 2000, slots: 4, ...options })
  open.push(() => engine.close(), server.close)
  return { ...server, engine }
}

describe('slots', () => {
  const list = { data: [{ id: 'demo', owned_by: 'llamacpp', meta: { n_ctx: 2048, n_ctx_train: 40_960 } }] }
  test('are what llama-server says, and so is its context', async () => {
    const { engine, calls } = await serve(
      (call, response) => void response.end(JSON.stringify(call.path === '/props' ? { total_slots: 3 } : list)),
      { slots: 'auto' },
    )
    expect(await engine.models()).toEqual([{ id: 'demo', context: 2048, maxOutput: 2047 }])
    expect(engine.slots).toBe(3)
    await engine.models()
    expect(calls.filter(({ path }) => path === '/props')).toHaveLength(1)
  })

  test('are eight where an engine does not say, and fewer when it has no room', async () => {
    let now = 0
    const { engine } = await serve(
      (call, response) => {
        if (call.path === '/v1/models') response.end(JSON.stringify(list))
        else response.writeHead(call.path === '/props' ? 404 : 429).end('{}')
      },
      { slots: 'auto', monotonic: () => now },
    )
    await engine.models()
    expect(engine.slots).toBe(8)
    await Promise.allSettled([1, 2, 3].map(() => answerOf(engine, ask('Hello'))))
    expect(engine.slots).toBeLessThanOrEqual(2)
    now += 10 * 60_000
    expect(engine.slots).toBe(8)
  })
})
