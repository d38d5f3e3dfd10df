import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { networks } from '@cocoon/protocol'
import { expect, test } from 'vitest'
import { readSettings } from '../src/config.ts'
import type { DetectedEngine } from '../src/engine/detect.ts'
import { configText, type Given, interview, type Surroundings } from '../src/init.ts'
import { workerNode } from './daemon.ts'

const vllm: DetectedEngine = {
  url: 'http://127.0.0.1:8000',
  kind: 'vLLM',
  models: [
    { id: 'Qwen/Qwen3-8B', context: 32_768 },
    { id: 'Qwen/Qwen3-32B', context: 16_384 },
  ],
}
const payee = `0:${'ab'.repeat(32)}`

/** What the wizard writes when a person answers so; what it said, and what was asked. */
async function write(
  answers: readonly string[],
  {
    given = {},
    engines = [vllm],
    present = true,
  }: { given?: Given; engines?: DetectedEngine[]; present?: boolean } = {},
) {
  const left = [...answers]
  const asked: string[] = []
  const said: string[] = []
  const person = {
    present,
    say: (line: string) => void said.push(line),
    async ask(question: string, otherwise: string) {
      asked.push(question)
      const answer = present ? left.shift() : ''
      if (answer === undefined) throw new Error(`nobody answers ${question}`)
      return answer === '' ? otherwise : answer
    },
  }
  const around: Surroundings = {
    broker: async (origin) => {
      if (origin.includes('silent')) throw new Error('no connection')
      return { network: networks.testnet, models: ['qwen3-8b', 'cocoon-demo'], now: undefined }
    },
    engines: async () => engines,
    state: '/var/lib/cocoon-node',
  }
  const text = configText(await interview(person, around, given))
  expect(left).toEqual([])
  return { text, asked, said, settings: readSettings([], {}, () => text) }
}

test('asks what is needed, proposes what it found, and writes what the daemon reads', async () => {
  const { settings, said, asked } = await write(['https://cocoon.example/', '', payee, '1', '0.2', '1.5', ''])
  expect(settings).toMatchObject({
    broker: 'https://cocoon.example',
    network: 'testnet',
    payee,
    engine: 'openai',
    'engine-url': 'http://127.0.0.1:8000',
    'engine-model': 'Qwen/Qwen3-8B',
    model: 'qwen3-8b',
    context: 32_768,
    'price-prompt': 200_000_000n,
    'price-cached': 200_000_000n,
    'price-completion': 1_500_000_000n,
    'price-reasoning': 1_500_000_000n,
    state: '/var/lib/cocoon-node',
    'health-port': 9090,
    metrics: 'on',
  })
  expect(said).toContain('  1  Qwen/Qwen3-8B, vLLM at http://127.0.0.1:8000')
  expect(asked).toHaveLength(7)
})

test('asks again, with the reason, until an answer is right', async () => {
  const { settings, said } = await write([
    '',
    'cocoon.example',
    'https://cocoon.example',
    'mars',
    '',
    'EQabc',
    '',
    '9',
    '0',
    'free',
    '',
    '0',
    '',
  ])
  expect(settings).toMatchObject({ network: 'testnet', model: 'cocoon-demo', engine: 'embedded' })
  expect(settings).not.toHaveProperty('payee')
  expect(said).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/such as https:\/\/cocoon\.example/),
      expect.stringMatching(/is one of mainnet, testnet, localnet/),
      expect.stringMatching(/an address has 48 characters/),
      expect.stringMatching(/a number from 0 to 2/),
      expect.stringMatching(/a number of GRAM/),
    ]),
  )
})

test('a machine without an engine gets the demonstration model', async () => {
  const { settings, said } = await write(['https://silent.example', '', '', '', '', ''], { engines: [] })
  expect(settings).toMatchObject({ model: 'cocoon-demo', engine: 'embedded', network: 'mainnet' })
  expect(said.join()).toMatch(/does not answer now.*No engine listens/)
})

test('asks nothing with --yes, and nothing that a flag said', async () => {
  const given = {
    broker: 'https://cocoon.example',
    'price-completion': '7',
    'engine-url': 'http://127.0.0.1:8000/v1',
    'engine-model': 'Qwen/Qwen3-32B',
  }
  const { settings } = await write([], { given, present: false })
  expect(settings).toMatchObject({ 'price-completion': 7n, model: 'qwen3-32b', context: 16_384 })
  const file = await write([], {
    given: { broker: 'https://cocoon.example', 'model-path': '/m/Llama-3.2-1B-Q8.gguf' },
    present: false,
  })
  expect(file.settings).toMatchObject({
    engine: 'embedded',
    'model-path': '/m/Llama-3.2-1B-Q8.gguf',
    model: 'llama-3.2-1b-q8',
  })
  await expect(write([], { present: false })).rejects.toThrow(/--broker is an address/)
  await expect(write([], { given: { broker: 'x' }, present: true })).rejects.toThrow(/--broker is an address/)
})

test('the command writes a file of its owner’s, and no other over it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cocoon-init-'))
  const init = (...args: string[]) => workerNode(['init', ...args], { HOME: folder }, folder).ended
  const flags = ['--yes', '--broker', 'http://127.0.0.1:9', '--network', 'localnet', '--engine', 'embedded']
  expect(await init(...flags)).toMatchObject({ code: 0, out: expect.stringMatching(/Next: worker-node doctor, then/) })
  const path = join(folder, 'worker-node.toml')
  expect((await stat(path)).mode & 0o077).toBe(0)
  await writeFile(path, `${await readFile(path, 'utf8')}# mine\n`)
  expect(await init(...flags)).toMatchObject({ code: 2, err: expect.stringMatching(/is there already.*--force/) })
  expect(await readFile(path, 'utf8')).toMatch(/# mine/)
  expect((await init(...flags, '--force')).code).toBe(0)
  expect(await readFile(path, 'utf8')).not.toMatch(/# mine/)
  expect(await init('--broker', 'http://127.0.0.1:9', '--force')).toMatchObject({
    code: 2,
    err: expect.stringMatching(/nobody is there/),
  })
  // What was written is read; the broker is not there, and that is found.
  const doctor = await workerNode(['doctor'], { HOME: folder }, folder).ended
  expect(doctor.code).toBe(2)
  expect(doctor.out).toMatch(/WRONG {2}broker +http:\/\/127\.0\.0\.1:9 does not answer/)
  expect(doctor.out).toMatch(/ok {5}engine +cocoon-demo said a first word after \d+ ms/)
  expect(doctor.err).toMatch(/2 things keep this node from earning/)
  await rm(folder, { recursive: true })
})
