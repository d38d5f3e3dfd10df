import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import {
  arkPlan,
  askPlan,
  type CertificatePlan,
  gpuChain,
  issue,
  issueChain,
  pem,
  pinned,
  vcekPlan,
} from '../../../localnet/src/tee/index.ts'
import { integer, namedBits, sequence } from '../../../localnet/src/tee/der-writer.ts'
import { type Bytes, concat, hex } from '../../src/index.ts'
import { type ChainRules, readCertificate, readPemChain, verifyChain } from '../../src/appraisal/x509.ts'
import { runs } from '../property.ts'
import { codeOf, DAY, NOW } from './simulated.ts'

const DEVICE = '0123456789abcdef'
const firmware = new Uint8Array(48)

/** NVIDIA's five tiers, the longest chain that there is. `change` gets the plans, leaf first, without the root. */
async function nvidia(change: (plans: CertificatePlan[]) => void = () => {}, rules: Partial<ChainRules> = {}) {
  const { attestation, device, provisioner, identity } = gpuChain('hopper', 0, DEVICE, firmware)
  const plans = [attestation, device, provisioner, identity]
  change(plans)
  const chain = (await issueChain([...plans, pinned.nvidiaRoot])).map(readCertificate)
  return verifyChain(chain, { root: pinned.nvidiaRoot, now: NOW, length: 5, ...rules })
}
const at = (plans: CertificatePlan[], i: number): CertificatePlan => {
  const plan = plans[i]
  if (!plan) throw new RangeError('no such tier')
  return plan
}
const extension = (id: string, critical = false) => ({ id, critical, value: integer(1) })

describe('a certificate chain', () => {
  it('of five tiers on P-384 is verified, and expires with the first that does', async () => {
    const soon = NOW + 5 * DAY
    expect(await nvidia((plans) => (at(plans, 1).notAfter = soon))).toBe(soon)
  })

  it('of RSA-4096 with PSS is verified, with a leaf that has no key usage', async () => {
    const tcb = { bootLoader: 1, tee: 2, snp: 3, microcode: 4 }
    const chain = await issueChain([vcekPlan(tcb, new Uint8Array(64)), askPlan(), pinned.amdRoot])
    const rules = { root: pinned.amdRoot, now: NOW, length: 3 }
    const certificates = chain.map(readCertificate)
    await verifyChain(certificates, { ...rules, leafWithoutKeyUsage: true })
    expect(certificates.map((certificate) => certificate.key.kind)).toEqual(['P-384', 'RSA-4096', 'RSA-4096'])
    expect(await codeOf(() => verifyChain(certificates, rules))).toBe('chain-key-usage')

    const forged = [...certificates]
    forged[1] = readCertificate(await issue({ ...askPlan(), signedBy: 'amdSev' }))
    expect(await codeOf(() => verifyChain(forged, { ...rules, leafWithoutKeyUsage: true }))).toBe('chain-signature')
  })

  const refused: [
    name: string,
    code: string,
    change: (plans: CertificatePlan[]) => void,
    rules?: Partial<ChainRules>,
  ][] = [
    ['is one longer than the vendor’s', 'chain-length', () => {}, { length: 4 }],
    ['is one shorter than the vendor’s', 'chain-length', () => {}, { length: 6 }],
    ['ends in another root', 'chain-untrusted', () => {}, { root: pinned.intelRoot }],
    ['has an issuer of another name', 'chain-name', (p) => (at(p, 1).issuer = [['CN', 'another']])],
    ['has a leaf signed by a stranger', 'chain-signature', (p) => (at(p, 0).signedBy = 'strangerP384')],
    ['has an authority signed by a stranger', 'chain-signature', (p) => (at(p, 2).signedBy = 'strangerP384')],
    ['is signed in another way than the issuer’s key', 'chain-algorithm', (p) => (at(p, 0).signedBy = 'strangerP256')],
    ['has a leaf for an issuer', 'chain-not-ca', (p) => (at(p, 1).authority = false)],
    ['has an issuer without basic constraints', 'chain-not-ca', (p) => (at(p, 2).authority = null)],
    ['has an issuer that may not sign certificates', 'chain-key-usage', (p) => (at(p, 1).usages = ['crlSign'])],
    ['has an issuer without key usage', 'chain-key-usage', (p) => (at(p, 1).usages = null)],
    ['has a leaf that may not sign', 'chain-key-usage', (p) => (at(p, 0).usages = ['keyCertSign'])],
    ['has a leaf without key usage', 'chain-key-usage', (p) => (at(p, 0).usages = null)],
    ['has a leaf that is an authority', 'chain-leaf-is-ca', (p) => (at(p, 0).authority = {})],
    ['is deeper than an authority allows', 'chain-path-length', (p) => (at(p, 3).authority = { pathLength: 1 })],
    ['has an expired leaf', 'chain-expired', (p) => (at(p, 0).notAfter = NOW - 1)],
    ['has an expired authority', 'chain-expired', (p) => (at(p, 2).notAfter = NOW - 1)],
    ['has an expired root', 'chain-expired', () => {}, { now: Date.UTC(2050, 0, 1) / 1000 }],
    ['has a leaf of tomorrow', 'chain-not-yet-valid', (p) => (at(p, 0).notBefore = NOW + 1)],
    ['has an authority of tomorrow', 'chain-not-yet-valid', (p) => (at(p, 1).notBefore = NOW + 1)],
    ['is asked for no time at all', 'chain-not-yet-valid', () => {}, { now: Number.NaN }],
    [
      'has a critical extension nobody reads',
      'chain-critical-extension',
      (p) => at(p, 0).extensions.push(extension('1.2.3', true)),
    ],
    [
      'has an authority with name constraints',
      'chain-critical-extension',
      (p) => at(p, 2).extensions.push(extension('2.5.29.30', true)),
    ],
    ['has an extension twice', 'malformed', (p) => at(p, 0).extensions.push(extension('1.2.3'), extension('1.2.3'))],
    ['has key usage twice', 'malformed', (p) => at(p, 1).extensions.push({ id: '2.5.29.15', value: namedBits([5]) })],
    [
      'has 33 extensions',
      'malformed',
      (p) => at(p, 0).extensions.push(...Array.from({ length: 33 }, (_, i) => extension(`1.2.${i}`))),
    ],
    ['has a certificate of version 1', 'malformed', (p) => (at(p, 0).version = 0)],
    ['has a certificate of version 4', 'malformed', (p) => (at(p, 0).version = 3)],
    ['has a serial number of 22 bytes', 'malformed', (p) => (at(p, 0).serial = new Uint8Array(22).fill(1))],
    [
      'has a leaf with two common names',
      'malformed',
      (p) =>
        (at(p, 0).subject = [
          ['CN', 'a'],
          ['CN', 'b'],
        ]),
    ],
    [
      'has a path length without authority',
      'malformed',
      (p) => {
        at(p, 1).authority = null
        at(p, 1).extensions.push({ id: '2.5.29.19', value: sequence(integer(1)) })
      },
    ],
  ]
  it.each(refused)('that %s is refused: %s', async (_, code, change, rules) => {
    expect(await codeOf(() => nvidia(change, rules))).toBe(code)
  })

  it('may carry a critical extension that its caller reads', async () => {
    const change = (plans: CertificatePlan[]) => at(plans, 0).extensions.push(extension('1.2.3', true))
    await expect(nvidia(change, { understood: ['1.2.3'] })).resolves.toBeGreaterThan(NOW)
  })

  it('is valid in its first and its last second', async () => {
    const change = (plans: CertificatePlan[]) => {
      at(plans, 0).notBefore = NOW
      at(plans, 0).notAfter = NOW
    }
    expect(await nvidia(change)).toBe(NOW)
  })
})

describe('a certificate', () => {
  let encoding: Bytes
  beforeAll(async () => {
    encoding = await issue(gpuChain('hopper', 0, DEVICE, firmware).attestation)
  })

  it('is read to its last field', async () => {
    const certificate = readCertificate(encoding)
    expect(certificate).toMatchObject({
      commonName: 'GH100 A01 GSP FMC LF',
      ca: false,
      pathLength: null,
      keyUsage: 0x8000,
    })
    expect(certificate.signedWith).toBe('P-384')
    expect([...certificate.extensions.keys()]).toContain('2.23.133.5.4.1')
    const root = readCertificate(await issue(arkPlan()))
    expect(root).toMatchObject({ commonName: 'ARK-Genoa', ca: true, pathLength: null, signedWith: 'RSA-4096' })
  })

  it('with a byte too many or too few is refused', async () => {
    expect(await codeOf(() => readCertificate(concat(encoding, Uint8Array.of(0))))).toBe('malformed')
    for (let length = 0; length < encoding.length; length += 7) {
      expect(await codeOf(() => readCertificate(encoding.subarray(0, length)))).toBe('malformed')
    }
  })

  it('larger than any is refused', async () => {
    const plan = gpuChain('hopper', 0, DEVICE, firmware).attestation
    plan.extensions.push({ id: '1.2.3', value: new Uint8Array(20_000) })
    const large = await issue(plan)
    expect(await codeOf(() => readCertificate(large))).toBe('malformed')
  })

  it('mangled anywhere is refused with the typed error, or no longer verifies', async () => {
    const plans = gpuChain('hopper', 0, DEVICE, firmware)
    const rest = await issueChain([plans.device, plans.provisioner, plans.identity, pinned.nvidiaRoot])
    const above = rest.map(readCertificate)
    await fc.assert(
      fc.asyncProperty(
        fc.nat(encoding.length - 1),
        fc.integer({ min: 1, max: 255 }),
        fc.constantFrom('flip', 'cut', 'insert'),
        async (where, byte, how) => {
          const tail = encoding.subarray(how === 'insert' ? where : where + 1)
          const middle = how === 'flip' ? [(encoding[where] ?? 0) ^ byte] : how === 'insert' ? [byte] : []
          const mangled = concat(encoding.subarray(0, where), Uint8Array.from(middle), tail)
          fc.pre(hex(mangled) !== hex(encoding))
          const rules = { root: pinned.nvidiaRoot, now: NOW, length: 5 }
          const code = await codeOf(() => verifyChain([readCertificate(mangled), ...above], rules))
          expect(code).not.toBe('accepted')
        },
      ),
      runs(200),
    )
  })
})

describe('PEM', () => {
  let chain: string
  beforeAll(async () => {
    chain = pem(...(await issueChain([askPlan(), pinned.amdRoot])))
  })

  it('is read leaf first', () => {
    expect(readPemChain(chain).map(({ commonName }) => commonName)).toEqual(['SEV-Genoa', 'ARK-Genoa'])
    expect(readPemChain(`\r\n${chain.replaceAll('\n', '\r\n')}\n\n`)).toHaveLength(2)
  })

  it.each([
    ['nothing', () => '', 'chain-length'],
    ['text in front', (text: string) => `x${text}`, 'malformed'],
    ['text between', (text: string) => text.replace('-----\n-----', '-----\nx\n-----'), 'malformed'],
    ['text behind', (text: string) => `${text}x`, 'malformed'],
    ['an end missing', (text: string) => text.replace('-----END CERTIFICATE-----', ''), 'malformed'],
    ['an end twice', (text: string) => `${text}-----END CERTIFICATE-----`, 'malformed'],
    ['no base64', (text: string) => text.replace('M', '*'), 'malformed'],
    ['base64 cut within a byte', (text: string) => text.replace('M', ''), 'malformed'],
    ['padding within', (text: string) => text.replace('M', '='), 'malformed'],
    ['an empty certificate', () => '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n', 'malformed'],
    ['nine certificates', (text: string) => text.repeat(5), 'chain-length'],
    ['a megabyte', (text: string) => `${text}${' '.repeat(1_000_000)}`, 'malformed'],
  ])('with %s is refused', async (_, change, code) => {
    expect(await codeOf(() => readPemChain(change(chain)))).toBe(code)
  })
})
