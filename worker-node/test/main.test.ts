import { createServer } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { workerNode } from './daemon.ts'
import { openAnswer, sealJob } from './sealed-job.ts'
import { Relay } from './relay.ts'

const children: ReturnType<typeof workerNode>[] = []

afterEach(() => {
  for (const { child } of children) child.kill('SIGKILL')
})

/** The daemon, started as a provider would. */
function start(...args: string[]) {
  const node = workerNode([...args, '--benchmark', 'off'])
  children.push(node)
  return node
}

async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  await new Promise((resolve) => {
    server.close(resolve)
  })
  return typeof address === 'object' ? (address?.port ?? 0) : 0
}

const broker = ['--broker', 'http://127.0.0.1:9', '--network', 'localnet']

describe('the daemon leaves with 2 and says what to type', () => {
  const wrong: [string, string[], RegExp][] = [
    ['nothing', [], /--broker is missing: give it, or set COCOON_BROKER/],
    ['a flag that is none', [...broker, '--colour', 'red'], /'--colour'[^]*Flags: --broker/],
    [
      'a model file that is missing',
      [...broker, '--model', 'x', '--model-path', 'no-such-model.gguf'],
      /no-such-model\.gguf/,
    ],
    [
      'an engine on another machine',
      [...broker, '--model', 'x', '--engine', 'openai', '--engine-url', 'http://192.0.2.1'],
      /--engine-url/,
    ],
  ]
  test.each(wrong)('for %s', async (_what, args, message) => {
    const { code, err, out } = await start(...args).ended
    expect(err).toMatch(message)
    expect(err).toMatch(/^worker-node: /)
    expect(err).not.toMatch(/\n\s+at /)
    expect([code, out]).toEqual([2, ''])
  })

  test('for an engine that cannot be reached', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`
    const { code, err } = await start(...broker, '--engine', 'openai', '--engine-url', url, '--model', 'x').ended
    expect(err).toMatch(/^worker-node: /)
    expect(err).not.toMatch(/\n\s+at /)
    expect(code).toBe(2)
  })

  test('for a model that the engine does not have', async () => {
    const { createServer: http } = await import('node:http')
    const server = http((_request, response) => response.end(JSON.stringify({ data: [{ id: 'this-one' }] })))
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
    const args = [...broker, '--engine', 'openai', '--engine-url', url, '--model', 'that-one', '--context', '512']
    const { code, err } = await start(...args).ended
    server.close()
    expect(err).toMatch(/no model that-one; it has: this-one\. Name one with --engine-model/)
    expect(code).toBe(2)
  })
})

test('the daemon says on its health port what it can do, until it is gone', async () => {
  const relay = await Relay.start()
  const common = ['--broker', relay.url, '--network', 'localnet', '--slots', '1', '--log', 'json']
  const { child, ended, line } = start(...common, '--health-port', '0')
  const { port } = JSON.parse(await line('health.up')) as { port: number }
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`)
    return { status: response.status, body: await response.json() }
  }
  await relay.joined()
  await until(async () => (await ask('/readyz')).status === 200, 'ready')
  expect(await ask('/readyz')).toEqual({ status: 200, body: { ready: true, reasons: [] } })
  relay.onHello = () => undefined
  relay.drop()
  await until(async () => (await ask('/readyz')).status === 503, 'not ready')
  expect(await ask('/readyz')).toEqual({ status: 503, body: { ready: false, reasons: ['link-down'] } })
  expect(await ask('/healthz')).toEqual({ status: 200, body: { alive: true } })
  const taken = await start(...common, '--health-port', String(port)).ended
  expect([taken.code, taken.err]).toEqual([2, expect.stringMatching(/^worker-node: --health-port: .*EADDRINUSE/)])
  child.kill('SIGTERM')
  expect((await ended).code).toBe(0)
  await relay.stop()
})

async function until(holds: () => Promise<boolean>, what: string): Promise<void> {
  for (let tries = 0; !(await holds()); tries++) {
    if (tries > 400) throw new Error(`never happened: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

test('the daemon joins, answers with its own model, and drains on SIGTERM', async () => {
  const relay = await Relay.start()
  const { child, ended } = start('--broker', relay.url, '--network', 'localnet', '--slots', '1', '--log', 'json')
  await relay.joined()
  const job = await sealJob(relay.statement, {
    model: 'cocoon-demo',
    content: new TextEncoder().encode(
      JSON.stringify({ model: 'cocoon-demo', messages: [{ role: 'user', content: 'What is Cocoon?' }], max_tokens: 8 }),
    ),
  })
  relay.send(job.job)
  expect((await openAnswer(job, await relay.answer(job.job.jobId))).text.length).toBeGreaterThan(0)
  child.kill('SIGTERM')
  const { code, out, err } = await ended
  await relay.stop()
  expect([code, err]).toEqual([0, ''])
  const events = out.trim().split('\n')
  expect(events.map((line) => (JSON.parse(line) as { event: string }).event)).toEqual([
    'node.started',
    'link.up',
    'job.started',
    'job.ended',
    'node.draining',
  ])
  expect(out).not.toContain('Cocoon?')
  expect(relay.loads.at(-1)?.draining).toBe(true)
})
