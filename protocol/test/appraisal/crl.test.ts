import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type CertificatePlan,
  type CrlPlan,
  intelNames,
  issue,
  issueCrl,
  pckCaPlan,
  serial,
} from '../../../localnet/src/tee/index.ts'
import { integer } from '../../../localnet/src/tee/der-writer.ts'
import { concat, hex } from '../../src/index.ts'
import { checkNotRevoked, readRevocationList, verifyRevocationList } from '../../src/appraisal/crl.ts'
import { readCertificate } from '../../src/appraisal/x509.ts'
import { runs } from '../property.ts'
import { codeOf, DAY, NOW } from './simulated.ts'

const list = (change: Partial<CrlPlan> = {}): CrlPlan => ({
  issuer: intelNames.platform,
  signedBy: 'pckPlatformCa',
  thisUpdate: NOW - DAY,
  nextUpdate: NOW + DAY,
  revoked: [],
  number: 1,
  extensions: [],
  ...change,
})
async function verify(change: Partial<CrlPlan> = {}, issuer: Partial<CertificatePlan> = {}, now = NOW) {
  const by = readCertificate(await issue({ ...pckCaPlan('platform'), ...issuer }))
  return verifyRevocationList(readRevocationList(await issueCrl(list(change))), by, now)
}
const extension = (critical: boolean) => ({ id: '2.5.29.27', critical, value: integer(1) })

describe('a revocation list', () => {
  it('by its issuer and of today is good until its next update', async () => {
    expect(await verify()).toBe(NOW + DAY)
    expect(await verify({ thisUpdate: NOW, nextUpdate: NOW })).toBe(NOW)
    await expect(verify({ extensions: [extension(false)] })).resolves.toBeGreaterThan(NOW)
  })

  const refused: [name: string, code: string, change: Partial<CrlPlan>, issuer?: Partial<CertificatePlan>][] = [
    ['is signed by a stranger', 'crl-signature', { signedBy: 'strangerP256' }],
    ['is signed in another way than the issuer’s key', 'crl-algorithm', { signedBy: 'strangerP384' }],
    ['names another issuer', 'crl-issuer', { issuer: intelNames.processor }],
    ['has expired', 'crl-expired', { nextUpdate: NOW - 1 }],
    ['is from tomorrow', 'crl-not-yet-valid', { thisUpdate: NOW + 1 }],
    ['says nothing of its next update', 'malformed', { nextUpdate: null }],
    ['says less than it seems to', 'crl-critical-extension', { extensions: [extension(true)] }],
    ['has an extension twice', 'malformed', { extensions: [extension(false), extension(false)] }],
    ['is by one who may not list', 'crl-signer', {}, { usages: ['keyCertSign'] }],
    ['is by one without key usage', 'crl-signer', {}, { usages: null }],
  ]
  it.each(refused)('that %s is refused: %s', async (_, code, change, issuer) => {
    expect(await codeOf(() => verify(change, issuer))).toBe(code)
  })

  it('that is missing is refused', async () => {
    expect(await codeOf(() => readRevocationList(new Uint8Array()))).toBe('crl-missing')
  })

  it('larger than any is refused', async () => {
    expect(await codeOf(() => readRevocationList(new Uint8Array(2 ** 20 + 1)))).toBe('malformed')
  })

  it('of ten thousand is read', async () => {
    const revoked = Array.from({ length: 10_000 }, (_, i) => ({ serial: integer(i + 1).slice(2), at: NOW }))
    expect(readRevocationList(await issueCrl(list({ revoked }))).revoked.size).toBe(10_000)
  })

  it('mangled anywhere is refused with the typed error', async () => {
    const encoding = await issueCrl(list({ revoked: [{ serial: serial(9), at: NOW - DAY }] }))
    const by = readCertificate(await issue(pckCaPlan('platform')))
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
          const code = await codeOf(() => verifyRevocationList(readRevocationList(mangled), by, NOW))
          expect(code).not.toBe('accepted')
        },
      ),
      runs(200),
    )
  })
})

describe('a certificate', () => {
  const certificate = async (number: number) =>
    readCertificate(await issue({ ...pckCaPlan('platform'), issuer: intelNames.platform, serial: serial(number) }))
  const revoking = async (...numbers: number[]) =>
    readRevocationList(
      await issueCrl(list({ revoked: numbers.map((number) => ({ serial: serial(number), at: NOW - DAY })) })),
    )

  it('on the list of its issuer is refused, whatever else is on it', async () => {
    const revoked = await certificate(7)
    expect(await codeOf(async () => checkNotRevoked(revoked, await revoking(7)))).toBe('crl-revoked')
    expect(await codeOf(async () => checkNotRevoked(revoked, await revoking(1, 2, 7, 9)))).toBe('crl-revoked')
  })
  it('not on the list passes', async () => {
    expect(await codeOf(async () => checkNotRevoked(await certificate(7), await revoking(1, 8)))).toBe('accepted')
    expect(await codeOf(async () => checkNotRevoked(await certificate(7), await revoking()))).toBe('accepted')
  })
  it('is not looked up in the list of another issuer', async () => {
    const other = readRevocationList(await issueCrl(list({ issuer: intelNames.root })))
    expect(await codeOf(async () => checkNotRevoked(await certificate(7), other))).toBe('crl-issuer')
  })
})
