import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type AskOptions, type Client, createClient, keySignIn } from '@cocoon/client'
import { startSystem, type System } from '@cocoon/localnet'
import { CocoonError, createSigner } from '@cocoon/protocol'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { disclosures, filesBelow } from './disclosure.ts'

// What a provider's machine keeps of what people asked: its output, its files, its metrics, and what is left in memory.
const main = fileURLToPath(new URL('../worker-node/src/main.ts', import.meta.url))
const letters = (length: number): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(length)), (byte) => 'abcdefghijklmnopqrstuvwxyz'[byte % 26]).join('')

describe('a provider’s machine', () => {
  const marker = letters(9)
  /** The model's own name: it stands where names stand, and so must be found there by the same search. */
  const control = `control-${letters(20)}`
  const folder = mkdtempSync(join(tmpdir(), 'cocoon-isolation-'))
  const heaps = join(folder, 'heaps')
  let system: System
  let engine: Server
  let node: ChildProcess
  let client: Client
  let output = ''

  const until = async <Value>(
    look: () => Promise<Value | undefined> | Value | undefined,
    what: string,
  ): Promise<Value> => {
    for (const began = Date.now(); Date.now() - began < 40_000;) {
      const found = await look()
      if (found !== undefined) return found
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`never happened: ${what}`)
  }

  beforeAll(async () => {
    const models = [control, 'faulty'].map((id) => ({ id, name: id, about: 'of this test' }))
    system = await startSystem({ build: false, nodes: 0, settings: { MODELS: JSON.stringify(models) } })
    engine = await quotingEngine()
    for (const name of ['heaps', 'tmp']) mkdirSync(join(folder, name))
    writeFileSync(
      join(folder, 'worker-node.toml'),
      `broker = "${system.origin}"
network = "localnet"
log = "json"
state = "${join(folder, 'state')}"
health-port = 0
metrics = true
benchmark = false

[[models]]
model = "${control}"

[[models]]
model = "faulty"
engine = "openai"
engine-url = "http://127.0.0.1:${(engine.address() as AddressInfo).port}"
context = 4096
`,
    )
    const env = { PATH: process.env['PATH'], HOME: folder, TMPDIR: join(folder, 'tmp') }
    const flags = ['--heapsnapshot-signal=SIGUSR2', `--diagnostic-dir=${heaps}`]
    node = spawn(process.execPath, [...flags, main, 'run'], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
    for (const stream of [node.stdout, node.stderr]) stream?.on('data', (data: Buffer) => (output += data.toString()))
    client = createClient({ origin: system.origin, network: 'localnet', signIn: keySignIn(await createSigner()) })
    await until(async () => ((await client.models())[0]?.nodes ? true : undefined), `the node joins: ${output}`)
  })
  afterAll(async () => {
    client.close()
    node.kill('SIGKILL')
    engine.close()
    await system.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** What came of a question: its text, or the code of its failure. */
  async function ask(content: string, more: Partial<AskOptions> = {}, stop?: AbortController): Promise<string> {
    let text = ''
    const messages = [{ role: 'user' as const, content }]
    const signal = stop ? { signal: stop.signal } : {}
    try {
      for await (const event of client.ask({ model: control, messages, ...signal, ...more })) {
        if (event.type === 'delta') {
          text += event.text
          stop?.abort()
        }
        if (event.type === 'done' && event.status === 'cancelled') return 'cancelled'
        if (event.type === 'done' && event.toolCalls) return event.toolCalls[0]?.function.name ?? ''
      }
    } catch (error) {
      if (error instanceof CocoonError) return error.code
      throw error
    }
    return text
  }

  it('answers, fails and is cancelled with what was asked at hand', async () => {
    expect(await ask(`Repeat this word: ${marker}`)).toContain(marker)
    const tools = [{ type: 'function' as const, function: { name: marker, description: marker } }]
    expect(await ask(marker, { tools, toolChoice: 'required' })).toBe(marker)
    const schema = { type: 'string', pattern: marker }
    expect(await ask(marker, { responseFormat: { type: 'json_schema', json_schema: { name: 'x', schema } } })).toBe(
      'bad-request',
    )
    expect(await ask(`${marker} `.repeat(3000))).toBe('context-exceeded')
    expect(await ask(`Tell me a long story about a silkworm, ${marker}`, {}, new AbortController())).toBe('cancelled')
    // An engine that quotes the question in its error, before and within its answer.
    expect(await ask(`${marker} at once`, { model: 'faulty' })).toBe('engine-failed')
    expect(await ask(`${marker} midway`, { model: 'faulty' })).toBe('engine-failed')
  })

  it('keeps nothing of it in output, files, metrics and status', async () => {
    const line = output.split('\n').find((text) => text.includes('"health.up"')) ?? ''
    const { port } = JSON.parse(line) as { port: number }
    const asked = async (path: string) => Buffer.from(await (await fetch(`http://127.0.0.1:${port}${path}`)).text())
    const status = spawn(process.execPath, [main, 'status', '--json'], { cwd: folder })
    let said = ''
    status.stdout.on('data', (data: Buffer) => (said += data.toString()))
    await new Promise((resolve) => status.on('close', resolve))
    const haystacks = new Map([
      ...filesBelow(folder),
      ['output', Buffer.from(output)],
      ['metrics', await asked('/metrics')],
      ['readiness', await asked('/readyz')],
      ['status', Buffer.from(said)],
    ])
    // The search finds what there is in each place where a name may stand, or its silence would mean nothing.
    const places = new Set(disclosures([control], haystacks).map(({ where }) => where))
    for (const place of ['output', 'metrics', 'status', join(folder, 'worker-node.toml')])
      expect(places).toContain(place)
    expect(output).toMatch(/"status":"cancelled"[^]*"code":"engine-failed"/)
    expect(disclosures([marker], haystacks)).toEqual([])
  })

  /** A heap snapshot of the node: every text that something still holds, up to its first thousand characters. */
  async function heap(): Promise<Map<string, Buffer>> {
    rmSync(heaps, { recursive: true })
    mkdirSync(heaps)
    node.kill('SIGUSR2')
    const whole = ([, bytes]: [string, Buffer]) => bytes.subarray(-8).toString().trim().endsWith('}')
    const [, bytes] = await until(() => [...filesBelow(heaps)].find(whole), 'a heap snapshot')
    return new Map([['heap', bytes]])
  }

  it('has forgotten it: after the last job no text of it is left in the heap', async () => {
    const running = `${letters(12)} held`
    const asking = ask(running, { model: 'faulty' })
    await until(() => (held.length > 0 ? true : undefined), 'a job at the engine')
    // While a job runs its question is there, and the search sees it.
    expect(disclosures([running], await heap())).toContainEqual({ where: 'heap', form: 'plain' })
    for (const release of held.splice(0)) release()
    expect(await asking).toBe('engine-failed')
    const after = await heap()
    expect(disclosures([control], after)).toContainEqual({ where: 'heap', form: 'plain' })
    expect(disclosures([marker, running], after)).toEqual([])
  }, 90_000)
})

/** Requests that wait to be released. */
const held: (() => void)[] = []

/** Says the whole request back to whoever asks, as its own error. */
async function quotingEngine(): Promise<Server> {
  const server = createServer((request, response) => {
    if (request.method === 'GET') return response.end(JSON.stringify({ data: [{ id: 'faulty' }] }))
    let body = ''
    request.on('data', (data: Buffer) => (body += data.toString()))
    request.on('end', () => {
      const error = JSON.stringify({ error: { message: body, type: body, code: 500 } })
      if (body.includes('midway')) {
        const words = JSON.stringify({ choices: [{ index: 0, delta: { content: 'So' } }] })
        response.writeHead(200, { 'content-type': 'text/event-stream' }).end(`data: ${words}\n\ndata: ${error}\n\n`)
      } else if (body.includes('held')) held.push(() => response.writeHead(500).end(error))
      else response.writeHead(500).end(error)
    })
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return server
}
