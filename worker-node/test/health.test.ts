import { afterEach, describe, expect, test } from 'vitest'
import { EngineCheck, type HealthServer, serveHealth, type Unready } from '../src/health.ts'
import { HandClock } from './hand-clock.ts'
import { ScriptedEngine } from './scripted-engine.ts'

let server: HealthServer | undefined
afterEach(() => server?.close())

async function ask(path: string, init: RequestInit = {}) {
  const response = await fetch(`http://127.0.0.1:${server?.port}${path}`, init)
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
}

describe('a health port', () => {
  test('says that the process is alive, and every reason why it takes no jobs', async () => {
    let reasons: Unready[] = []
    server = await serveHealth({ host: '127.0.0.1', port: 0, unready: () => Promise.resolve(reasons) })
    expect(await ask('/healthz')).toEqual({ status: 200, body: { alive: true } })
    expect(await ask('/readyz')).toEqual({ status: 200, body: { ready: true, reasons: [] } })
    reasons = ['draining', 'link-down']
    expect(await ask('/readyz')).toEqual({ status: 503, body: { ready: false, reasons } })
    expect((await ask('/healthz')).status).toBe(200)
  })

  test('answers nothing else, and does nothing for anybody', async () => {
    server = await serveHealth({ host: '127.0.0.1', port: 0, unready: () => Promise.resolve([]) })
    expect((await ask('/')).status).toBe(404)
    expect((await ask('/healthz/../readyz?x=1')).status).toBe(200)
    expect((await ask('/healthz', { method: 'POST', body: 'x' })).status).toBe(405)
    expect(await ask('/readyz', { method: 'HEAD' })).toEqual({ status: 200, body: undefined })
  })

  test('that cannot be had is an error', async () => {
    server = await serveHealth({ host: '127.0.0.1', port: 0, unready: () => Promise.resolve([]) })
    const again = serveHealth({ host: '127.0.0.1', port: server.port, unready: () => Promise.resolve([]) })
    await expect(again).rejects.toThrow(/EADDRINUSE/)
  })
})

describe('an engine', () => {
  test('is there when it names its models, and is asked once in five seconds', async () => {
    const clock = new HandClock()
    const engine = new ScriptedEngine(() => [])
    const models = await engine.models()
    let [asked, broken] = [0, false]
    engine.models = async () => {
      asked += 1
      if (broken) throw new Error('gone')
      return models
    }
    const check = new EngineCheck(engine, () => clock.monotonic())
    expect(await Promise.all([check.answers(), check.answers()])).toEqual([true, true])
    broken = true
    clock.pass(4_999)
    expect([await check.answers(), asked]).toEqual([true, 1])
    clock.pass(1)
    expect([await check.answers(), asked]).toEqual([false, 2])
  })

  test('that hangs is not there', async () => {
    const engine = new ScriptedEngine(() => [])
    engine.models = () => new Promise(() => undefined)
    expect(await new EngineCheck(engine, () => 0).answers()).toBe(false)
  })
})
