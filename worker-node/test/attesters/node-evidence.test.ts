import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Bytes, createSigner, networks, secureRandom } from '@cocoon/protocol'
import { workloadRegister } from '@cocoon/protocol/appraisal'
import * as v from 'valibot'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { developmentWorkload } from '../../../localnet/src/tee/index.ts'
import { simulateQuote } from '../../../localnet/src/tee/quote-command.ts'
import { attestationSettings } from '../../src/attesters/settings.ts'
import { startNodeEvidence } from '../../src/attesters/node-evidence.ts'
import type { StandingSettings } from '../../src/attesters/standing.ts'
import { writeWorkload } from '../../src/attesters/workload-file.ts'
import { HandClock } from '../hand-clock.ts'
import { NodeAtRelay } from '../node-at-relay.ts'
import { termsOf } from '../terms.ts'
import { FakeTsm } from './fake-tsm.ts'
import { codeOf, simulated, verdict } from './machine.ts'

const MODEL = 'cocoon-demo'
let directory = ''
let fake: FakeTsm
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cocoon-node-'))
  const workload = await developmentWorkload()
  await writeFile(join(directory, 'workload.json'), await writeWorkload(workload))
  await writeFile(join(directory, 'rtmr3:sha384'), await workloadRegister(workload))
  const machine = await simulated({ gpus: [] })
  const quote = async (reportData: Bytes) => (await simulateQuote(machine, reportData)).quote
  fake = await FakeTsm.create({ provider: 'tdx_guest', quote })
})
afterEach(async () => {
  await fake.close()
  await rm(directory, { recursive: true })
})

async function start(engine: Partial<StandingSettings> = {}, attester = 'configfs') {
  const signer = await createSigner()
  const clock = new HandClock()
  const evidence = await startNodeEvidence({
    settings: v.parse(v.object(attestationSettings), {
      attester,
      'tsm-directory': fake.directory,
      'measurements-directory': directory,
      workload: join(directory, 'workload.json'),
    }),
    engine: { models: [MODEL], engine: 'embedded', ...engine },
    network: networks.localnet,
    identity: signer.publicKey,
    clock,
    random: secureRandom,
    log: () => {},
    files: fake,
  })
  return { signer, clock, evidence }
}

describe('a private node', () => {
  test('joins the relay with a statement over evidence that a device accepts', async () => {
    const { signer, clock, evidence } = await start()
    if (!evidence) throw new Error('no evidence')
    const { renewal } = evidence
    const offers = termsOf().offers.map((offer) => ({ ...offer, model: MODEL }))
    const node = await new NodeAtRelay().start([], {
      signer,
      clock,
      bind: (wanted) => renewal.bind(wanted),
      terms: termsOf({ offers, evidence: renewal.current.digest }),
      engineModels: new Map([[MODEL, 'engine-name']]),
    })
    try {
      const statement = await node.identity()
      expect(statement.evidence).toEqual(renewal.current.digest)
      expect(statement.identity).toEqual(renewal.current.claims.identity)
      const { collateral } = await simulateQuote(await simulated({ gpus: [] }), new Uint8Array(64))
      const judging = { signer, workload: await developmentWorkload(), collateral }
      expect(await verdict(renewal.current, judging)).toBe('private')
    } finally {
      evidence.close()
      await node.end()
    }
  })
})

describe('an open node', () => {
  test('shows no evidence, and asks no hardware', async () => {
    expect((await start({}, 'none')).evidence).toBeNull()
    expect(fake.done).toEqual([])
  })

  test('is not started as a private one: an engine elsewhere, or a model that was not measured', async () => {
    const elsewhere = { engine: 'openai', engineUrl: 'http://127.0.0.1:8000' } as const
    expect(await codeOf(start(elsewhere))).toBe('setting-wrong')
    await expect(start(elsewhere)).rejects.toThrow(/open node: its engine is at an address.*--attester none/)
    await expect(start({ models: ['qwen3-8b'] })).rejects.toThrow(/no model qwen3-8b/)
    expect(fake.written).toEqual([])
  })
})

describe('the daemon', () => {
  const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
  const run = (...args: string[]): Promise<{ code: number | null; err: string }> =>
    new Promise((resolve) => {
      const child = spawn(process.execPath, [main, ...args], { env: { PATH: process.env['PATH'] } })
      let err = ''
      child.stderr.on('data', (data: Buffer) => (err += data.toString()))
      child.on('close', (code) => resolve({ code, err }))
    })

  test('on a plain machine does not start as a private node, and says what to type', async () => {
    const engine = ['--engine', 'openai', '--engine-url', 'http://127.0.0.1:9', '--model', MODEL]
    const broken = await run('--broker', 'http://127.0.0.1:9', '--attester', 'tpm', ...engine)
    expect(broken).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--attester: is one of none, configfs, command/),
    })
    const { code, err } = await run(
      'evidence',
      '--attester',
      'configfs',
      '--workload',
      join(directory, 'workload.json'),
    )
    expect(code).toBe(2)
    expect(err).toMatch(/^worker-node: there is no \/sys\/kernel\/config\/tsm\/report: .*\n$/)
  })
})
