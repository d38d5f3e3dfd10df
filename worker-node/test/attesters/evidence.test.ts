import { createSigner, equal, hex, networks, type Signer } from '@cocoon/protocol'
import { gpuEvidenceDigest, gpuNonce, reportData } from '@cocoon/protocol/appraisal'
import { beforeAll, describe, expect, test } from 'vitest'
import type { SwitchName } from '../../../localnet/src/tee/index.ts'
import { type CommandMachine, simulateQuote } from '../../../localnet/src/tee/quote-command.ts'
import { readSpdmReport } from '../../../protocol/src/appraisal/gpu/spdm.ts'
import { ConfigfsTsm } from '../../src/attesters/configfs-tsm.ts'
import { EvidenceMaker, type EvidenceMakerOptions } from '../../src/attesters/evidence-maker.ts'
import { readQuoteForm } from '../../src/attesters/quote-form.ts'
import { HandClock } from '../hand-clock.ts'
import { FakeTsm } from './fake-tsm.ts'
import { attesterOf, broken, codeOf, counted, gullible, NOW, simulated, verdict } from './machine.ts'

let signer: Signer
beforeAll(async () => {
  signer = await createSigner(new Uint8Array(32).fill(1))
})

function makerOf(machine: CommandMachine, options: Partial<EvidenceMakerOptions> = {}): EvidenceMaker {
  const clock = new HandClock()
  return new EvidenceMaker({
    attester: attesterOf(machine),
    gpus: gullible(machine),
    network: networks.localnet,
    identity: signer.publicKey,
    workload: machine.workload,
    now: () => clock.now(),
    random: counted(),
    ...options,
  })
}
const judged = async (machine: CommandMachine, options: Partial<EvidenceMakerOptions> = {}): Promise<string> =>
  verdict(await makerOf(machine, options).make(), { signer, workload: machine.workload })

describe('evidence that a node makes', () => {
  test.each([
    ['a TDX machine with a GPU', {}],
    ['a TDX machine with two GPUs', { gpus: ['hopper', 'hopper'] as const }],
    ['a TDX machine without a GPU', { gpus: [] }],
    ['an SEV-SNP machine with a GPU', { tee: 'sev-snp' as const }],
  ])('%s is private to a device of a development build', async (_, options) => {
    expect(await judged(await simulated(options))).toBe('private')
  })

  test('the same through the directory that the kernel answers in', async () => {
    const machine = await simulated()
    const quote = async (data: Uint8Array<ArrayBuffer>) => (await simulateQuote(machine, data)).quote
    const fake = await FakeTsm.create({ provider: 'tdx_guest', quote })
    try {
      const attester = await ConfigfsTsm.open({ directory: fake.directory, files: fake })
      const made = await makerOf(machine, { attester }).make()
      const { collateral } = await simulateQuote(machine, new Uint8Array(64))
      expect(made.collateral).toBeNull()
      expect(await verdict(made, { signer, workload: machine.workload, collateral })).toBe('private')
    } finally {
      await fake.close()
    }
  })

  test('follows the order in which nothing is circular', async () => {
    const machine = await simulated({ gpus: ['hopper', 'hopper'] })
    const { claims, evidence } = await makerOf(machine).make()
    const nonces = evidence.gpu.map(({ report }) => readSpdmReport(report).nonce)
    const expected = [0, 1].map((i) => gpuNonce(networks.localnet, signer.publicKey, claims.bootNonce, i))
    expect(nonces).toEqual(await Promise.all(expected))
    expect(claims.gpu).toEqual(await Promise.all(evidence.gpu.map(gpuEvidenceDigest)))
    const quoted = readQuoteForm('tdx', evidence.quote).reportData
    expect(hex(quoted)).toBe(hex(await reportData(evidence.claims)))
  })

  test('is for a day from a little before now, and another time under the same boot nonce', async () => {
    const clock = new HandClock()
    const maker = makerOf(await simulated(), { now: () => clock.now() })
    const first = await maker.make()
    clock.pass(20 * 3_600_000)
    const second = await maker.make()
    expect(first.claims.notBefore).toBeLessThan(NOW)
    expect(first.claims.notAfter - first.claims.notBefore).toBe(86_400)
    expect(second.claims.notAfter - first.claims.notAfter).toBe(20 * 3600)
    expect(second.claims.bootNonce).toEqual(first.claims.bootNonce)
    expect(equal(second.digest, first.digest)).toBe(false)
  })

  test('two runs of a node draw two boot nonces', async () => {
    const random = counted()
    const machine = await simulated()
    const [a, b] = [await makerOf(machine, { random }).make(), await makerOf(machine, { random }).make()]
    expect(a.claims.bootNonce).not.toEqual(b.claims.bootNonce)
  })

  test('claims that devices could not read are not offered', async () => {
    const machine = await simulated()
    const workload = { ...machine.workload, models: [] }
    expect(await codeOf(makerOf(machine, { workload }).make())).toBe('setting-wrong')
  })
})

describe('a machine that is not what it should be is refused, each for its own code', () => {
  const cases: readonly [rule: SwitchName, code: string, options?: Partial<CommandMachine>][] = [
    ['td-debug', 'td-debug'],
    ['gpu-foreign-nonce', 'gpu-nonce'],
    ['workload-extended-twice', 'workload-register'],
    ['workload-not-extended', 'workload-register'],
    ['snp-debug', 'snp-debug', { tee: 'sev-snp' }],
  ]
  test.each(cases)('%s: %s', async (rule, code, options = {}) => {
    expect(await judged(await simulated({ ...options, ...broken(rule) }))).toBe(code)
    expect(await judged(await simulated(options))).toBe('private')
  })

  test('another workload than was measured: workload-register', async () => {
    const machine = await simulated()
    const remote = {
      ...machine.workload,
      engine: { ...machine.workload.engine, arguments: ['--url', 'https://elsewhere'] },
    }
    const made = await makerOf(machine, { workload: remote }).make()
    expect(await verdict(made, { signer, workload: remote })).toBe('workload-register')
  })

  test('a GPU that the shape has and the node does not show: gpu-count', async () => {
    const machine = await simulated()
    expect(await judged(machine, { gpus: { evidence: async () => [] } })).toBe('gpu-count')
  })

  test("another node's evidence under a statement of ours: statement-identity", async () => {
    const machine = await simulated()
    const stranger = await createSigner(new Uint8Array(32).fill(2))
    const made = await makerOf(machine, { identity: stranger.publicKey }).make()
    expect(await verdict(made, { signer, workload: machine.workload })).toBe('statement-identity')
  })

  test('a statement that outlives the claims: statement-dates', async () => {
    const machine = await simulated()
    const made = await makerOf(machine).make()
    const { notAfter } = made.claims
    const now = notAfter - 300
    const at = (useBy: number) =>
      verdict(made, { signer, workload: machine.workload, now, dates: { notBefore: now, useBy } })
    expect(await at(notAfter)).toBe('private')
    expect(await at(notAfter + 1)).toBe('statement-dates')
  })
})
