import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { AnsweringNode, DONE } from './answering-node.ts'
import { failure, matchOf, TestBroker } from './test-broker.ts'

const cli = fileURLToPath(new URL('../src/cli.ts', import.meta.url))

let broker: TestBroker
beforeEach(async () => {
  broker = await TestBroker.start([await AnsweringNode.start()], async (line) => {
    await line.say('Hello', ' there.')
    await line.finish()
  })
})
afterEach(() => broker.stop())

function run(args: readonly string[], environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [cli, ...args], { env: { PATH: process.env['PATH'] ?? '', ...environment } })
  let [out, err] = ['', '']
  child.stdout.on('data', (data: Buffer) => (out += data.toString()))
  child.stderr.on('data', (data: Buffer) => (err += data.toString()))
  const ended = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, out, err }))
  })
  return { child, ended, heard: () => out }
}
const ask = (...args: string[]) => run(['--broker', broker.origin, '--network', 'localnet', ...args]).ended

describe('asking from a terminal', () => {
  test('prints the answer, and beside it where it went and what it cost', async () => {
    const { code, out, err } = await ask('What', 'is', 'Cocoon?')
    expect([code, out]).toEqual([0, 'Hello there.\n'])
    expect(err).toMatch(/^sealed to node [0-9a-f]{16} \(not-attested\), model cocoon-test\n/)
    expect(err).toMatch(/done: 73 tokens read, 132 written, 0 nanograms\n$/)
    expect(JSON.parse(broker.jobs[0]?.opened.content ?? '')).toMatchObject({
      messages: [{ role: 'user', content: 'What is Cocoon?' }],
    })
  })

  test('streams: words are there before the answer ends', async () => {
    const gate = Promise.withResolvers<void>()
    broker.answers[0] = async (line) => {
      await line.say('Hello')
      await gate.promise
      await line.say(' there.')
      await line.finish()
    }
    const asking = run(['--broker', broker.origin, '--network', 'localnet', 'hello'])
    const printed = new Promise<void>((resolve) => {
      asking.child.stdout.once('data', () => resolve())
    })
    await printed
    expect(asking.heard()).toBe('Hello')
    gate.resolve()
    expect(await asking.ended).toMatchObject({ code: 0, out: 'Hello there.\n' })
  })

  test('takes the broker and the network from the environment, and options', async () => {
    const environment = { COCOON_BROKER: `${broker.origin}/`, COCOON_NETWORK: 'localnet' }
    const { code } = await run(['--model', 'cocoon-test', '--max-tokens', '9', 'hello'], environment).ended
    expect(code).toBe(0)
    expect(broker.paths()).not.toContain('/api/models')
    expect(JSON.parse(broker.jobs[0]?.opened.content ?? '')).toMatchObject({ max_tokens: 9 })
  })

  test('lets nothing that a machine says steer the terminal', async () => {
    broker.answers[0] = async (line) => {
      await line.say('a\u001b[2Jb\u0007c\rd\u009be\tf\ng')
      await line.finish()
    }
    expect((await ask('hello')).out).toBe('a[2Jbcde\tf\ng\n')
  })

  test('is cancelled by ctrl-c, at the node too', async () => {
    broker.answers[0] = async (line) => {
      await line.say('so far')
      await line.heard('cancel')
      await line.finish({ ...DONE, status: 'cancelled', finishReason: null })
    }
    const { child, ended } = run(['--broker', broker.origin, '--network', 'localnet', 'hello'])
    child.stdout.once('data', () => child.kill('SIGINT'))
    const { code, out, err } = await ended
    expect([code, out]).toEqual([130, 'so far\n'])
    expect(err).toMatch(/cancelled: 73 tokens read/)
    expect(broker.jobs[0]?.messages.at(-1)).toMatchObject({ kind: 'ack' })
  })

  test('is cancelled by ctrl-c before anything was sent, with the same status', async () => {
    broker.instead = ({ path }) =>
      path === '/api/match' ? failure(429, 'all-busy', { retryAfterMs: 60_000 }) : undefined
    const { child, ended } = run([
      '--broker',
      broker.origin,
      '--network',
      'localnet',
      '--model',
      'cocoon-test',
      'hello',
    ])
    child.stderr.once('data', () => child.kill('SIGINT'))
    const { code, err } = await ended
    expect([code, broker.connections]).toEqual([130, 0])
    expect(err).toMatch(/^all machines are busy, you are in line; asking again in \d+ s\n\ncancelled while waiting/)
  })

  test('notes that the question moved to another machine', async () => {
    const other = await AnsweringNode.start()
    broker.nodes.push(other)
    broker.answers.unshift((line) => line.move('node-gone', matchOf(other)))
    const { code, out, err } = await ask('hello')
    expect([code, out]).toEqual([0, 'Hello there.\n'])
    expect(err).toContain(`moved to node ${other.nodeId.slice(0, 16)} (node-gone)\n`)
  })
})

describe('what goes wrong', () => {
  const misuse: [string, string[], RegExp][] = [
    ['no question', ['--broker', 'http://127.0.0.1:9'], /^usage: npm run ask/],
    ['no broker', ['hello'], /^No broker to ask: run `npm start`/],
    ['a flag that is none', ['--colour', 'hello'], /--colour[^]*usage: npm run ask/],
    [
      'another network',
      ['--broker', 'http://127.0.0.1:9', '--network', 'toString', 'x'],
      /^--network is one of mainnet/,
    ],
    ['no number', ['--broker', 'http://127.0.0.1:9', '--max-tokens', 'many', 'x'], /^--max-tokens is a whole number/],
  ]
  test.each(misuse)('%s ends with 2 and says what to type', async (_what, args, message) => {
    const { code, out, err } = await run(args).ended
    expect(err).toMatch(message)
    expect([code, out]).toEqual([2, ''])
  })

  test('help is no mistake', async () => {
    const { code, out, err } = await run(['--help']).ended
    expect(out).toMatch(/^usage: npm run ask/)
    expect([code, err]).toEqual([0, ''])
  })

  test('a broker that is not there ends with 1 and advice', async () => {
    const { code, err } = await run(['--broker', 'http://127.0.0.1:9', '--network', 'localnet', 'hello']).ended
    expect(err).toMatch(/^unreachable: .*\. Try again in a moment\.\n$/)
    expect(code).toBe(1)
  })

  test('no node ends with 1', async () => {
    broker.nodes.length = 0
    const { code, err } = await ask('hello')
    expect(err).toMatch(/^No node serves any model now/)
    expect(code).toBe(1)
  })

  test('a code of the broker ends with 1 and advice, and never with its words', async () => {
    broker.instead = ({ path }) =>
      path === '/api/match' ? failure(429, 'rate-limited', { retryAfterMs: 1500 }) : undefined
    const { code, err } = await ask('hello')
    expect(err).toMatch(/^a little too fast; asking again in [23] s\nrate-limited: .*\. Try again in 2 s\.\n$/)
    expect(err).not.toContain('words of the broker')
    expect(code).toBe(1)
  })

  test('a broken answer ends with 1 after what was said, and does not pass for one', async () => {
    broker.answers[0] = async (line) => {
      await line.say('half')
      line.stop('node-lost')
    }
    const { code, out, err } = await ask('hello')
    expect([code, out]).toEqual([1, 'half'])
    expect(err).toMatch(/node-lost: /)
  })

  test('a network where nothing is attested gets nothing', async () => {
    const { code, err } = await run(['--broker', broker.origin, '--model', 'cocoon-test', 'hello']).ended
    expect(err).toMatch(/^bad-statement: .*security failure/)
    expect([code, broker.connections]).toEqual([1, 0])
  })
})

describe('tools and shapes', () => {
  test('are read from files; calls are printed, one a line', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'cocoon-cli-'))
    const tools = [{ type: 'function', function: { name: 'look' } }]
    await writeFile(join(directory, 'tools.json'), JSON.stringify(tools))
    await writeFile(join(directory, 'schema.json'), '{"type":"null"}')
    await writeFile(join(directory, 'wrong.json'), '{')
    const called = { index: 0, id: 'c', function: { name: 'look', arguments: '{"at":1}' } }
    broker.answers[0] = async (line) => {
      line.push(await line.opened.words('', { tool_calls: [called] }))
      await line.finish({ ...DONE, finishReason: 'tool_calls' })
    }
    const files = ['--tools', join(directory, 'tools.json'), '--schema', join(directory, 'schema.json')]
    const { code, out } = await ask(...files, 'hello')
    expect([code, out]).toEqual([0, '\n{"name":"look","arguments":"{\\"at\\":1}"}\n'])
    expect(JSON.parse(broker.jobs[0]?.opened.content ?? '')).toMatchObject({
      tools,
      response_format: { type: 'json_schema', json_schema: { schema: { type: 'null' } } },
    })
    const wrong = await ask('--schema', join(directory, 'wrong.json'), 'hello')
    expect(wrong).toMatchObject({ code: 2, err: expect.stringMatching(/^--schema: .*wrong\.json: /) })
    await rm(directory, { recursive: true })
  })
})
