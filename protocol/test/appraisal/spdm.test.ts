import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { featureFlags, type GpuPlan, opaqueFields, type ScenePlan, stage } from '../../../localnet/src/tee/index.ts'
import { type Bytes, copy, hex } from '../../src/index.ts'
import { AppraisalError } from '../../src/appraisal/failure.ts'
import { checkMode, readArchitecture, readVersions } from '../../src/appraisal/gpu/device.ts'
import { readSpdmReport, type SpdmReport } from '../../src/appraisal/gpu/spdm.ts'
import type { Certificate } from '../../src/appraisal/x509.ts'
import { runs } from '../property.ts'
import { sceneOf } from './judge.ts'
import { type Change, flip, outcomeOf } from './scenes.ts'
import { codeOf, first } from './simulated.ts'

const gpu =
  (change: (plan: GpuPlan) => unknown): Change =>
  ({ machine }) =>
    change(first(machine.gpus))
const two = (machine: ScenePlan['machine']): [GpuPlan, GpuPlan] => {
  const [a, b] = machine.gpus
  if (!a || !b) throw new Error('two GPUs')
  return [a, b]
}
const setField = (plan: GpuPlan, id: number, value: Bytes): void => {
  plan.opaque = [...plan.opaque.filter((one) => one.id !== id), { id, value }]
}

describe('the GPUs that are claimed are those that are shown', () => {
  it.each<[name: string, expected: string, change: Change]>([
    ['one is missing', 'gpu-missing at gpu.list: stop', ({ machine }) => (machine.present = (shown) => shown.slice(1))],
    ['all are missing', 'gpu-missing at gpu.list: stop', ({ machine }) => (machine.present = () => [])],
    [
      'they change places',
      'gpu-order at gpu.list: stop',
      ({ machine }) => (machine.present = (shown) => shown.toReversed()),
    ],
    [
      'one is shown twice',
      'gpu-duplicate at gpu.list: stop',
      ({ machine }) => (machine.present = ([a]) => (a ? [a, a] : [])),
    ],
    [
      'one is claimed twice',
      'gpu-duplicate at gpu.list: stop',
      ({ machine }) => (machine.claim = ([a]) => (a ? [a, a] : [])),
    ],
    [
      'one was never claimed',
      'gpu-unclaimed at gpu.list: stop',
      ({ machine }) => (machine.claim = (all) => all.slice(1)),
    ],
    ['the machine has more than it claims', 'gpu-count at gpu.list: other-node', ({ machine }) => machine.gpus.pop()],
    [
      'one GPU answers for two',
      'gpu-duplicate at gpu.devices: stop',
      ({ machine }) => {
        const [a, b] = two(machine)
        Object.assign(b, { chain: a.chain, signedBy: a.signedBy })
      },
    ],
    [
      'they answer with nonces exchanged',
      'gpu-nonce at gpu.nonces: stop',
      ({ machine }) => {
        const [a, b] = two(machine)
        ;[a.nonce, b.nonce] = [b.nonce, a.nonce]
      },
    ],
    [
      'one answered another node',
      'gpu-nonce at gpu.nonces: stop',
      ({ machine }) => (two(machine)[1].nonce = new Uint8Array(32)),
    ],
    [
      'one is not confidential like the other',
      'gpu-mode at gpu.mode: other-node',
      ({ machine }) =>
        setField(two(machine)[1], opaqueFields.featureFlag, Uint8Array.of(featureFlags.multiPassthrough)),
    ],
  ])('%s: %s', async (_, expected, change) => {
    expect(await outcomeOf({ base: 'two-gpus', change })).toBe(expected)
    expect(await outcomeOf({ base: 'two-gpus' })).toBe('private')
  })
})

describe('a report is signed by the GPU that it is of', () => {
  it.each<[name: string, expected: string, change: Change]>([
    ['by a stranger', 'gpu-signature at gpu.signatures: stop', gpu((plan) => (plan.signedBy = 'strangerP384'))],
    [
      'by other firmware',
      'gpu-firmware at gpu.firmware: stop',
      gpu((plan) => setField(plan, opaqueFields.firmwareId, new Uint8Array(48))),
    ],
    [
      'under another root',
      'chain-untrusted at gpu.chains: stop',
      gpu(({ chain }) => chain.splice(4, 1, ...chain.slice(3, 4))),
    ],
    ['with a certificate missing', 'chain-length at gpu.chains: stop', gpu(({ chain }) => chain.splice(3, 1))],
    ['cut short', 'gpu-format at gpu.reports: stop', gpu((plan) => (plan.keep = 100))],
  ])('%s it is refused: %s', async (_, expected, change) => {
    expect(await outcomeOf({ change })).toBe(expected)
  })
})

describe('confidential mode', () => {
  const opaque = (...fields: [id: number, value: number[]][]): SpdmReport => ({
    nonce: new Uint8Array(32),
    measurements: new Map(),
    opaque: new Map(fields.map(([id, value]) => [id, Uint8Array.from(value)])),
    signed: new Uint8Array(0),
    signature: new Uint8Array(96),
  })
  const region: [number, number[]] = [opaqueFields.cprInfo, [0, 0xc0, 1, 0]]
  const accepted: [name: string, report: SpdmReport][] = [
    ['a report of the first drivers', opaque(region)],
    ['protected PCIe said to be off', opaque(region, [opaqueFields.protectedPcie, [0x55]])],
    ['one GPU', opaque(region, [opaqueFields.featureFlag, [0, 0]])],
    ['several GPUs', opaque(region, [opaqueFields.featureFlag, [1, 0]])],
  ]
  it.each(accepted)('%s is accepted', (name, report) => {
    expect(checkMode(report)).toBe(name === 'several GPUs' ? 'several GPUs' : 'one GPU')
  })

  const refused: [name: string, report: SpdmReport][] = [
    ['no protected memory stated', opaque()],
    ['no protected memory', opaque([opaqueFields.cprInfo, [0, 0, 0, 0]])],
    ['protected memory of no length', opaque([opaqueFields.cprInfo, []])],
    ['protected PCIe', opaque(region, [opaqueFields.protectedPcie, [0xaa]])],
    ['protected PCIe stated in an unknown way', opaque(region, [opaqueFields.protectedPcie, [0x55, 0]])],
    ['the flag of protected PCIe', opaque(region, [opaqueFields.featureFlag, [2, 0]])],
    ['a flag nobody knows', opaque(region, [opaqueFields.featureFlag, [0, 1]])],
    ['an empty flag', opaque(region, [opaqueFields.featureFlag, []])],
  ]
  it.each(refused)('%s is refused', async (_, report) => {
    expect(await codeOf(() => checkMode(report))).toBe('gpu-mode')
  })
})

describe('the names in a chain say what the device is', () => {
  const names = (...list: string[]): Certificate[] => list.map((commonName) => ({ commonName }) as Certificate)
  const hopper = [
    'GH100 A01 GSP FMC LF',
    'GH100 A01 GSP BROM',
    'NVIDIA GH100 Provisioner ICA 1',
    'NVIDIA GH100 Identity',
  ]
  const blackwell = hopper.map((name) => name.replace('GH100', 'GB202'))

  it('a GPU of a known generation is one', () => {
    expect(readArchitecture(names(...hopper))).toEqual({ architecture: 'hopper', chip: 'GH100' })
    expect(readArchitecture(names(...blackwell))).toEqual({ architecture: 'blackwell', chip: 'GB202' })
  })

  it.each([
    [
      'a switch',
      ['LS_10 A01 FSP FMC LF', 'LS_10 A01 FSP BROM', 'NVIDIA LS_10 Provisioner ICA 1', 'NVIDIA GH100 Identity'],
    ],
    ['a switch under an authority of its own', hopper.map((name) => name.replace('GH100', 'LS10'))],
    ['an older GPU', hopper.map((name) => name.replace('GH100', 'GA100'))],
    ['a leaf of another chip', ['GB100 A01 GSP FMC LF', ...hopper.slice(1)]],
    ['a device of another chip', [hopper[0] ?? '', 'GB100 A01 GSP BROM', ...hopper.slice(2)]],
    ['a provisioner of another chip', [...hopper.slice(0, 2), 'NVIDIA GB100 Provisioner ICA 1', ...hopper.slice(3)]],
    ['a device key that stands as the leaf', [hopper[1] ?? '', ...hopper.slice(1)]],
    ['an attestation key that stands as the device', [hopper[0] ?? '', hopper[0] ?? '', ...hopper.slice(2)]],
    ['no names', ['', '', '', '']],
    ['no chain', []],
  ])('%s is refused', async (_, list) => {
    expect(await codeOf(() => readArchitecture(names(...list)))).toBe('gpu-architecture')
  })
})

describe('a report', () => {
  const reports = async (): Promise<Bytes> => {
    const { evidence } = await stage(await sceneOf('blackwell'))
    return first(evidence.evidence.gpu).report
  }

  it('is read whole', async () => {
    const report = readSpdmReport(await reports())
    expect([...report.measurements.keys()]).toEqual(Array.from({ length: 64 }, (_, i) => i + 1))
    expect(report.signature).toHaveLength(96)
    expect(readVersions(report)).toEqual({ driver: '550.90.07', vbios: '96.00.9F.00.01' })
  })

  it('states one length for each measurement', async () => {
    const report = await reports()
    // MeasurementSize of the first block, behind the request and the response's head.
    flip(report, 37 + 8 + 2)
    expect(await codeOf(() => readSpdmReport(report))).toBe('gpu-format')
  })

  it('says what versions it has only in plain characters', async () => {
    const report = readSpdmReport(await reports())
    const opaque = new Map([[opaqueFields.driverVersion, Uint8Array.from('<img>\0', (char) => char.charCodeAt(0))]])
    expect(readVersions({ ...report, opaque })).toEqual({ driver: '', vbios: '' })
  })

  it('mangled anywhere is refused with the typed error, or is read as something else', async () => {
    const valid = await reports()
    const change = fc.record({ at: fc.nat(), remove: fc.nat({ max: 3 }), insert: fc.uint8Array({ maxLength: 4 }) })
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), (changes) => {
        const input = [...valid]
        for (const { at, remove, insert } of changes) input.splice(at % (input.length + 1), remove, ...insert)
        try {
          const mangled = Uint8Array.from(input)
          const { signed, signature } = readSpdmReport(mangled)
          expect(hex(copy(Uint8Array.from([...signed, ...signature])))).toBe(hex(mangled))
        } catch (error) {
          if (!(error instanceof AppraisalError)) throw error
          expect(['gpu-format', 'gpu-version']).toContain(error.code)
        }
      }),
      runs(300),
    )
  })
})
