import { describe, expect, test } from 'vitest'
import { developmentWorkload } from '../../../localnet/src/tee/index.ts'
import { standingOf, type StandingSettings } from '../../src/attesters/standing.ts'

const standing = async (settings: Partial<StandingSettings> = {}): Promise<string> => {
  const found = standingOf({
    workload: await developmentWorkload(),
    models: ['cocoon-demo'],
    engine: 'embedded',
    ...settings,
  })
  return found.standing === 'private' ? 'private' : `open: ${found.why}`
}
/** The development workload starts its engine with `--socket /run/engine.sock`. */
const openai = (engineUrl?: string) => standing({ engine: 'openai', engineUrl })

describe('a node is private', () => {
  test('with the engine in its own process', async () => {
    expect(await standing()).toBe('private')
  })

  test('with an engine at the local socket that the workload starts it at', async () => {
    expect(await openai('unix:/run/engine.sock')).toBe('private')
    const workload = await developmentWorkload()
    for (const argument of ['--socket=/run/engine.sock', '--host=unix:/run/engine.sock', 'unix:/run/engine.sock']) {
      const other = { ...workload, engine: { ...workload.engine, arguments: [argument] } }
      expect(await standing({ workload: other, engine: 'openai', engineUrl: 'unix:/run/engine.sock' })).toBe('private')
    }
  })
})

describe('a node is open, and says why', () => {
  test.each([
    'http://127.0.0.1:8000',
    'http://localhost:8000/v1',
    'https://engine.example',
    'http://10.0.0.7:8000',
    'http://[::1]:8000',
    'unix:run/engine.sock',
    'unix:/run/engine.sock?to=elsewhere',
    'http+unix:/run/engine.sock',
    undefined,
  ])('with an engine at %s', async (url) => {
    expect(await openai(url)).toMatch(/^open: its engine is at an address/)
  })

  test.each(['/run/engine.sock2', '/run/engine', '/tmp/engine.sock', '/run/../run/engine.sock', '--socket'])(
    'with an engine at a socket that the workload does not name: %s',
    async (path) => {
      expect(await openai(`unix:${path}`)).toMatch(/^open: /)
    },
  )

  test('without evidence', async () => {
    expect(await standing({ workload: null })).toMatch(/^open: it shows no evidence/)
  })

  test('with a model that is not in the workload', async () => {
    expect(await standing({ models: ['cocoon-demo', 'qwen3-8b'] })).toBe('open: the workload has no model qwen3-8b')
  })
})
