import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { type Scene, type ScenePlan, stage } from '../../../localnet/src/tee/index.ts'
import { type Bytes, concat, copy, hex, utf8 } from '../../src/index.ts'
import { AppraisalError, inSteps } from '../../src/appraisal/failure.ts'
import { pins } from '../../src/appraisal/pins/development.ts'
import { readSnpReport } from '../../src/appraisal/snp/report.ts'
import { findOlder, readTcb } from '../../src/appraisal/snp/vcek.ts'
import { snpChecks, verifySnp } from '../../src/appraisal/snp/verify.ts'
import { runs } from '../property.ts'
import { sceneOf } from './judge.ts'
import { outcomeOf } from './scenes.ts'
import { NOW } from './simulated.ts'

type Snp = ScenePlan['machine']['snp']
const outcomeWith = (change: (snp: Snp) => unknown): Promise<string> =>
  outcomeOf({ base: 'snp', change: ({ machine }) => change(machine.snp) })

describe('an SEV-SNP report', () => {
  it.each<[name: string, expected: string, change: (snp: Snp) => unknown]>([
    ['of an unknown version', 'snp-version at snp.report: stop', ({ report }) => (report.version = 6)],
    ['of the first version', 'snp-version at snp.report: stop', ({ report }) => (report.version = 1)],
    ['with another algorithm', 'snp-algorithm at snp.report: stop', ({ report }) => (report.signatureAlgorithm = 2)],
    ['with bytes behind it', 'snp-format at snp.report: stop', (snp) => (snp.trailing = new Uint8Array(1))],
    [
      'with bytes beside its signature',
      'snp-format at snp.report: stop',
      ({ afterSignature }) => (afterSignature[0] = 1),
    ],
    ["by the operator's key", 'snp-signing-key at snp.report: stop', ({ report }) => (report.flags = 0b100)],
    ['by no key', 'snp-signing-key at snp.report: stop', ({ report }) => (report.flags = 0b11100)],
    ['of a chip that hides its id', 'snp-signing-key at snp.report: stop', ({ report }) => (report.flags = 0b10)],
    ['by a stranger', 'snp-signature at snp.signature: stop', (snp) => (snp.signedBy = 'strangerP384')],
    ['that allows debugging', 'snp-debug at snp.policy: stop', ({ report }) => (report.policy |= 1n << 19n)],
    ['that allows migration', 'snp-migratable at snp.policy: stop', ({ report }) => (report.policy |= 1n << 18n)],
    ['with a migration agent', 'snp-migratable at snp.policy: stop', ({ report }) => report.reportIdMa.fill(0)],
    [
      'with a policy bit nobody knows',
      'snp-reserved at snp.policy: stop',
      ({ report }) => (report.policy |= 1n << 26n),
    ],
    [
      'without the bit that must be one',
      'snp-reserved at snp.policy: stop',
      ({ report }) => (report.policy &= ~(1n << 17n)),
    ],
    ['of a lower privilege level', 'snp-privilege at snp.privilege: stop', ({ report }) => (report.vmpl = 1)],
  ])('%s is refused: %s', async (_, expected, change) => {
    expect(await outcomeWith(change)).toBe(expected)
  })

  it.each<[name: string, change: (snp: Snp) => unknown]>([
    ['of version 2', ({ report }) => (report.version = 2)],
    ['of version 5', ({ report }) => (report.version = 5)],
    ['with the author key enabled', ({ report }) => (report.flags = 1)],
    ['of a single socket, with hidden ciphertexts', ({ report }) => (report.policy |= (1n << 20n) | (1n << 24n))],
  ])('%s is accepted', async (_, change) => {
    expect(await outcomeWith(change)).toBe('private')
  })
})

describe('the certificate of its key', () => {
  const fetchAgain: [name: string, expected: string, change: (snp: Snp) => unknown][] = [
    [
      'is of another chip',
      'snp-chip at snp.certificate',
      ({ report }) => (report.chipId[0] = (report.chipId[0] ?? 0) ^ 1),
    ],
    ['is for another firmware', 'snp-tcb at snp.certificate', ({ report }) => (report.reportedTcb.microcode += 1)],
    [
      'is revoked with its issuer',
      'crl-revoked at snp.revocation',
      ({ crl }) => crl?.revoked.push({ serial: Uint8Array.of(1, 0, 1), at: NOW }),
    ],
    ['has no revocation list', 'crl-missing at snp.revocation', (snp) => (snp.crl = null)],
    [
      'has an expired revocation list',
      'crl-expired at snp.revocation',
      ({ crl }) => Object.assign(crl ?? {}, { nextUpdate: NOW - 1 }),
    ],
    [
      'has a forged revocation list',
      'crl-signature at snp.revocation',
      ({ crl }) => Object.assign(crl ?? {}, { signedBy: 'amdSev' }),
    ],
    ['has expired', 'chain-expired at snp.chain', ({ vcek }) => (vcek.notAfter = NOW - 1)],
    [
      'is no certificate of a chip',
      'chain-common-name at snp.chain',
      ({ vcek }) => (vcek.subject = [['CN', 'SEV-VLEK']]),
    ],
    [
      'does not end in the pinned root',
      'chain-untrusted at snp.chain',
      ({ chain }) => chain.splice(1, 1, ...chain.slice(0, 1)),
    ],
    ['ends before the root', 'chain-length at snp.chain', ({ chain }) => chain.pop()],
    [
      'names no product',
      'snp-extension at snp.certificate',
      ({ vcek }) => (vcek.extensions = without(vcek, '1.3.6.1.4.1.3704.1.2')),
    ],
    [
      'names no chip',
      'snp-extension at snp.certificate',
      ({ vcek }) => (vcek.extensions = without(vcek, '1.3.6.1.4.1.3704.1.4')),
    ],
    [
      'states no microcode',
      'snp-extension at snp.certificate',
      ({ vcek }) => (vcek.extensions = without(vcek, '1.3.6.1.4.1.3704.1.3.8')),
    ],
  ]
  const without = ({ extensions }: Snp['vcek'], id: string) => extensions.filter((one) => one.id !== id)
  it.each(fetchAgain)('%s: %s, and collateral is fetched again', async (_, expected, change) => {
    expect(await outcomeWith(change)).toBe(`${expected}: fetch-again`)
  })

  it('of another product is refused', async () => {
    const milan = concat(Uint8Array.of(0x16, 8), utf8('Milan-B0'))
    const renamed = ({ vcek }: Snp): void => {
      for (const one of vcek.extensions) if (one.id.endsWith('3704.1.2')) Object.assign(one, { value: milan })
    }
    expect(await outcomeWith(renamed)).toBe('snp-product at snp.certificate: fetch-again')
  })

  it('may carry the chip id inside an OCTET STRING, as the specification has it', async () => {
    const wrapped = ({ vcek }: Snp): void => {
      for (const one of vcek.extensions) {
        if (one.id.endsWith('3704.1.4')) Object.assign(one, { value: Uint8Array.from([4, 64, ...one.value]) })
      }
    }
    expect(await outcomeWith(wrapped)).toBe('private')
  })
})

describe('TCB versions', () => {
  const tcb = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8)
  it('are laid out by product line', () => {
    expect(readTcb(tcb, 'Genoa')).toEqual({ fmc: 0, bootloader: 1, tee: 2, snp: 7, microcode: 8 })
    expect(readTcb(tcb, 'Turin')).toEqual({ fmc: 1, bootloader: 2, tee: 3, snp: 4, microcode: 8 })
  })

  it('are compared level by level: a newer one makes up for no older one', () => {
    const least = { fmc: 1, bootloader: 1, tee: 1, snp: 1, microcode: 1 }
    expect(findOlder(least, least)).toBeNull()
    for (const level of ['fmc', 'bootloader', 'tee', 'snp', 'microcode'] as const) {
      const older = { fmc: 9, bootloader: 9, tee: 9, snp: 9, microcode: 9, [level]: 0 }
      expect(findOlder(older, least)).toContain(level)
    }
  })
})

describe('mangled', () => {
  let scene: Scene
  beforeAll(async () => {
    scene = await stage(await sceneOf('snp'))
  })
  const appraise = (report: Bytes) => {
    const { collateral } = scene.evidence
    if (collateral.tee !== 'sev-snp') throw new Error('another kind')
    const least = [{ product: 'Genoa', least: { fmc: 0, bootloader: 0, tee: 0, snp: 0, microcode: 0 } }]
    const input = { report, collateral: collateral.snp, roots: pins.amdRoots, now: NOW, least }
    return inSteps(snpChecks, (steps) => verifySnp(steps, input))
  }

  it('reports are refused with a code of their own', async () => {
    const { quote } = scene.evidence.evidence
    expect((await appraise(quote)).failure).toBeNull()
    await fc.assert(
      fc.asyncProperty(fc.nat(quote.length - 1), fc.integer({ min: 1, max: 255 }), async (at, mask) => {
        const report = copy(quote)
        report[at] = (report[at] ?? 0) ^ mask
        const { failure } = await appraise(report)
        expect(failure?.code).toMatch(/^snp-/)
        expect(failure?.code).not.toBe('malformed')
      }),
      runs(100),
    )
  })

  it('reports of any length are refused with the typed error', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), (bytes) => {
        try {
          readSnpReport(new Uint8Array(bytes))
        } catch (error) {
          if (!(error instanceof AppraisalError)) throw error
          expect(['snp-format', 'snp-version', 'snp-algorithm']).toContain(error.code)
        }
      }),
      runs(100),
    )
    expect(hex(scene.evidence.digest)).toHaveLength(64)
  })
})
