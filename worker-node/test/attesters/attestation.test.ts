import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bytes, createSigner, networks, type Signer } from '@cocoon/protocol'
import { type Workload, workloadRegister } from '@cocoon/protocol/appraisal'
import * as v from 'valibot'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { developmentWorkload, type SwitchName } from '../../../localnet/src/tee/index.ts'
import { type CommandMachine, simulateQuote } from '../../../localnet/src/tee/quote-command.ts'
import { openAttestation } from '../../src/attesters/attestation.ts'
import { type AttestationSettings, attestationSettings } from '../../src/attesters/settings.ts'
import { writeWorkload } from '../../src/attesters/workload-file.ts'
import { FakeTsm } from './fake-tsm.ts'
import { broken, codeOf, NOW, simulated, verdict } from './machine.ts'

let directory = ''
let signer: Signer
let workload: Workload
const fakes: FakeTsm[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'cocoon-attestation-'))
  signer = await createSigner(new Uint8Array(32).fill(1))
  workload = await developmentWorkload()
  await writeFile(join(directory, 'workload.json'), await writeWorkload(workload))
  await measured(await workloadRegister(workload))
})
afterEach(async () => {
  await rm(directory, { recursive: true })
  for (const fake of fakes.splice(0)) await fake.close()
})

/** What Linux shows of the register. */
async function measured(register: Bytes): Promise<void> {
  await mkdir(join(directory, 'measurements'), { recursive: true })
  await writeFile(join(directory, 'measurements', 'rtmr3:sha384'), register)
}

async function fakeOf(machine: CommandMachine): Promise<FakeTsm> {
  const quote = async (reportData: Bytes) => (await simulateQuote(machine, reportData)).quote
  const provider = machine.tee === 'tdx' ? 'tdx_guest' : 'sev_guest'
  const fake = await FakeTsm.create({ provider, quote })
  fakes.push(fake)
  return fake
}

/** The node on such a machine, by its settings. */
async function open(fake: FakeTsm | null, rest: Record<string, string> = {}) {
  const settings: AttestationSettings = v.parse(v.object(attestationSettings), {
    attester: 'configfs',
    'tsm-directory': fake?.directory ?? join(directory, 'tsm', 'report'),
    'measurements-directory': join(directory, 'measurements'),
    workload: join(directory, 'workload.json'),
    ...rest,
  })
  const around = { network: networks.localnet, identity: signer.publicKey, now: () => NOW * 1000 }
  return openAttestation(settings, fake ? { ...around, files: fake } : around)
}
const machineWith = (...rules: SwitchName[]) => simulated({ gpus: [], ...broken(...rules) })

test('nothing is attested unless a setting says how', async () => {
  expect(v.parse(v.object(attestationSettings), {}).attester).toBe('none')
  expect(await open(null, { attester: 'none' })).toBeNull()
})

test.each(['tdx', 'sev-snp'] as const)('a %s machine by its settings is private to a device', async (tee) => {
  const machine = await simulated({ tee, gpus: [] })
  const attestation = await open(await fakeOf(machine))
  if (!attestation) throw new Error('nothing attested')
  const { collateral } = await simulateQuote(machine, new Uint8Array(64))
  expect(await verdict(await attestation.make(), { signer, workload, collateral })).toBe('private')
})

test('a node does not start where the register says that something else runs, before any quote is asked for', async () => {
  const fake = await fakeOf(await machineWith())
  for (const register of [new Uint8Array(48), new Uint8Array(48).fill(9)]) {
    await measured(register)
    expect(await codeOf(open(fake))).toBe('register-differs')
  }
  expect(fake.written).toEqual([])
})

test('nor where the kernel does not show the register', async () => {
  await rm(join(directory, 'measurements'), { recursive: true })
  expect(await codeOf(open(await fakeOf(await machineWith())))).toBe('register-absent')
})

test('an SEV-SNP machine has no register and needs none', async () => {
  await rm(join(directory, 'measurements'), { recursive: true })
  expect(await codeOf(open(await fakeOf(await simulated({ tee: 'sev-snp', gpus: [] }))))).toBe('none: object')
})

test.each(['workload-extended-twice', 'workload-not-extended'] as const)(
  'a register that the hardware signs otherwise than the kernel showed it ends in no evidence: %s',
  async (rule) => {
    const attestation = await open(await fakeOf(await machineWith(rule)))
    expect(attestation && (await codeOf(attestation.make()))).toBe('register-differs')
  },
)

test.each([
  ['a plain machine', {}, 'tee-absent'],
  ['a workload that is not there', { workload: '/nowhere/workload.json' }, 'setting-wrong'],
  ['no quote command', { attester: 'command' }, 'setting-wrong'],
])('%s is told what to do', async (_, rest, code) => {
  expect(await codeOf(open(null, rest))).toBe(code)
})

test('a command is a list, so that no shell reads it', () => {
  const read = (text: string) =>
    v.parse(v.object(attestationSettings), { 'attester-command': text })['attester-command']
  expect(read('["tool","--data","{reportData}"]')).toEqual(['tool', '--data', '{reportData}'])
  for (const text of ['tool --data', '[]', '[1]', '{"tool":1}', '"tool"']) expect(() => read(text)).toThrow(/JSON list/)
})
