import { networks } from '@cocoon/protocol'
import { expect, test } from 'vitest'
import { AttestationError } from '../src/attesters/attester.ts'
import { readSettings } from '../src/config.ts'
import { examine, type Finding, findingText, type Probes } from '../src/doctor.ts'
import { EngineError } from '../src/engine/engine.ts'

const now = 1_800_000_000_000
const healthy: Probes = {
  runtime: '22.23.3',
  now: () => now,
  broker: async () => ({ network: networks.mainnet, models: ['cocoon-demo'], now }),
  link: async () => networks.mainnet,
  answer: async () => new Map([['cocoon-demo', 12.4]]),
  evidence: async () => 'tdx',
  freeBytes: async () => 1e12,
  running: async () => false,
  portFree: async () => true,
}
const complete = ['--attester', 'configfs', '--payee', `0:${'ab'.repeat(32)}`, '--state', '/s', '--health-port', '90']
const base = ['--broker', 'https://cocoon.example', ...complete]

async function find(probes: Partial<Probes>, args: readonly string[] = base): Promise<Finding[]> {
  const found: Finding[] = []
  for await (const finding of examine(
    readSettings(args, {}, () => undefined),
    { ...healthy, ...probes },
  ))
    found.push(finding)
  return found
}
const notOk = (found: readonly Finding[]) => found.filter(({ level }) => level !== 'ok')

test('a node that is well: everything was looked at, nothing is to do', async () => {
  const found = await find({})
  expect(notOk(found)).toEqual([])
  const looked = ['runtime', 'disk', 'state', 'health', 'broker', 'clock', 'link', 'engine', 'evidence', 'wallet']
  expect(found.map(({ check }) => check)).toEqual(looked)
  expect(found.map(({ todo }) => todo)).toEqual(looked.map(() => undefined))
})

const fails = (wrong: Error) => (): Promise<never> => Promise.reject(wrong)
const broker = (more: object) => async () => ({ network: networks.mainnet, models: ['cocoon-demo'], now, ...more })
const atEngine = [...base, '--engine', 'openai', '--engine-url', 'http://127.0.0.1:8000/v1/', '--model', 'cocoon-demo']
test.each<[string, Partial<Probes>, string, Finding['level'], RegExp, RegExp, string[]?]>([
  ['an old runtime', { runtime: '20.20.2' }, 'runtime', 'wrong', /20\.20\.2 is too old/, /Node 22/],
  ['a full disk', { freeBytes: async () => 5e6 }, 'disk', 'wrong', /4 MiB free/, /make room/],
  [
    'a folder of others',
    { freeBytes: fails(new Error('EACCES')) },
    'disk',
    'wrong',
    /\/s: EACCES/,
    /give it to the user/,
  ],
  [
    'a port that is taken',
    { portFree: async () => false },
    'health',
    'wrong',
    /port 90 is taken/,
    /another --health-port/,
  ],
  [
    'a broker that is away',
    { broker: fails(new Error('ECONNREFUSED')) },
    'broker',
    'wrong',
    /does not answer: ECONNREFUSED/,
    /curl https/,
  ],
  [
    'another network',
    { broker: broker({ network: networks.testnet }) },
    'broker',
    'wrong',
    /on testnet, this node on mainnet/,
    /--network testnet/,
  ],
  [
    'an unknown network',
    { broker: broker({ network: 77 }) },
    'broker',
    'wrong',
    /on network 77/,
    /a broker on mainnet/,
  ],
  [
    'a model nobody can ask for',
    { broker: broker({ models: ['a', 'b'] }) },
    'broker',
    'wrong',
    /does not list cocoon-demo/,
    /one of: a, b/,
  ],
  ['a clock that is ahead', { broker: broker({ now: now - 40_000 }) }, 'clock', 'wrong', /39 s ahead of/, /set-ntp/],
  ['a clock that is behind', { broker: broker({ now: now + 90_000 }) }, 'clock', 'wrong', /89 s behind/, /set-ntp/],
  ['a clock that is a little off', { broker: broker({ now: now - 6_000 }) }, 'clock', 'note', /5 s ahead/, /set-ntp/],
  ['no WebSocket', { link: fails(new Error('closed with code 1006')) }, 'link', 'wrong', /1006/, /proxy or firewall/],
  [
    'an engine that is down',
    { answer: fails(new EngineError('engine-unreachable', 'no connection to the engine')) },
    'engine',
    'wrong',
    /no connection/,
    /start the engine.*curl http:\/\/127\.0\.0\.1:8000\/v1\/models$/,
    atEngine,
  ],
  [
    'a model that is missing',
    { answer: fails(new EngineError('unknown-model', 'the engine has no model x; it has: y')) },
    'engine',
    'wrong',
    /it has: y/,
    /load the model/,
    atEngine,
  ],
  [
    'an engine that is slow',
    { answer: fails(new EngineError('timeout', 'silent')) },
    'engine',
    'wrong',
    /silent/,
    /still loading/,
    atEngine,
  ],
  [
    'weights that are none',
    { answer: fails(new EngineError('engine-failed', 'no GGUF')) },
    'engine',
    'wrong',
    /no GGUF/,
    /--model-path/,
  ],
  [
    'evidence that cannot be made',
    { evidence: fails(new AttestationError('tee-absent', 'no confidential VM')) },
    'evidence',
    'wrong',
    /\(tee-absent\): no confidential VM/,
    /--attester none/,
  ],
])('%s', async (_what, probes, check, level, what, todo, args) => {
  const found = notOk(await find(probes, args))
  expect(found).toEqual([{ check, level, what: expect.stringMatching(what), todo: expect.stringMatching(todo) }])
})

test('what may be meant so is a note', async () => {
  const found = notOk(await find({}, ['--broker', 'https://cocoon.example']))
  expect(found.map(({ check, level }) => [check, level])).toEqual([
    ['state', 'note'],
    ['evidence', 'note'],
    ['wallet', 'note'],
  ])
  const running = await find({ running: async () => true, portFree: async () => false })
  expect(notOk(running)).toMatchObject([{ check: 'state', level: 'note', what: expect.stringMatching(/runs with/) }])
})

test('a test wallet on mainnet is wrong, and one of mainnet elsewhere a note', async () => {
  // Flags 0x91: bounceable, for tests alone; and 0x11.
  const test91 = friendly(0x91)
  const plain = friendly(0x11)
  const wallet = async (payee: string, ...more: string[]) =>
    (await find({}, ['--broker', 'https://cocoon.example', '--payee', payee, ...more])).find(
      ({ check }) => check === 'wallet',
    )
  expect(await wallet(test91)).toMatchObject({ level: 'wrong', what: expect.stringMatching(/may be lost/) })
  expect(await wallet(plain)).toMatchObject({ level: 'ok' })
  expect(await wallet(test91, '--network', 'testnet')).toMatchObject({ level: 'ok' })
  expect(await wallet(plain, '--network', 'testnet')).toMatchObject({ level: 'note' })
})

/** TEP-2: flags, workchain 0, account, CRC-16/XMODEM. */
function friendly(flags: number): string {
  const bytes = Buffer.concat([Buffer.from([flags, 0]), Buffer.alloc(32, 7), Buffer.alloc(2)])
  let crc = 0
  for (const byte of bytes.subarray(0, 34)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = ((crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021) & 0xffff
  }
  bytes.writeUInt16BE(crc, 34)
  return bytes.toString('base64url')
}

test('a finding reads well', () => {
  expect(findingText({ check: 'disk', level: 'wrong', what: 'full', todo: 'make room' })).toBe(
    'WRONG  disk      full\n                 → make room',
  )
})
