import { existsSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { type Bytes, fromHex, hex } from '../../src/index.ts'
import { inSteps } from '../../src/appraisal/failure.ts'
import { pins } from '../../src/appraisal/pins/production.ts'
import { readSnpReport } from '../../src/appraisal/snp/report.ts'
import { type SnpCollateral, type SnpInput, snpChecks, verifySnp } from '../../src/appraisal/snp/verify.ts'

/** Reports of real processors that others recorded. They lie beside the repository and may be absent. */
const folder = new URL('../../../../shared/vectors/sev/', import.meta.url)
const present = existsSync(folder)
if (!present) console.log('foreign SEV-SNP vectors: not present, not run')

const raw = (name: string): Bytes => new Uint8Array(readFileSync(new URL(name, folder)))
const text = (name: string): string => readFileSync(new URL(name, folder), 'utf8')
const block = (body: string): Bytes => Uint8Array.from(atob(body.replaceAll(/\s/g, '')), (char) => char.charCodeAt(0))
const blocks = (of: string, from: string): Bytes[] =>
  [...from.matchAll(new RegExp(`-----BEGIN ${of}-----([^-]+)-----END ${of}-----`, 'g'))].map(([, body = '']) =>
    block(body),
  )
const pem = (...certificates: readonly Bytes[]): string =>
  certificates
    .map((der) => `-----BEGIN CERTIFICATE-----\n${btoa(String.fromCharCode(...der))}\n-----END CERTIFICATE-----\n`)
    .join('')

const none = { fmc: 0, bootloader: 0, tee: 0, snp: 0, microcode: 0 }
const least = ['Milan', 'Genoa', 'Turin'].map((product) => ({ product, least: none }))
const at = (date: string): number => Date.parse(date) / 1000

function appraise(report: Bytes, collateral: SnpCollateral, date: string, change: Partial<SnpInput> = {}) {
  const input = { report, collateral, roots: pins.amdRoots, now: at(date), least, ...change }
  return inSteps(snpChecks, (steps) => verifySnp(steps, input))
}

describe.skipIf(!present)('recorded SEV-SNP reports, under the production roots', () => {
  const archive = present ? text('openpcc/sev_certificates.txt') : ''
  const [genoaList, milanList] = blocks('X509 CRL', archive)
  const [arkMilan, askMilan, askGenoa, arkGenoa, vcekGenoa] = blocks('CERTIFICATE', archive)
  const made = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error('the archive is not what it was')
    return value
  }
  const genoa = (): SnpCollateral => ({
    vcek: made(vcekGenoa),
    chain: pem(made(askGenoa), made(arkGenoa)),
    crl: made(genoaList),
  })
  /** Azure puts a header of 32 bytes in front of the processor's report. */
  const azure = (): Bytes => made(blocks('REPORT', text('openpcc/azure_sevsnp_report.txt'))[0]).slice(32, 32 + 1184)
  const DAY = '2025-09-01T00:00:00Z'

  it('a Genoa report of version 3 holds, and its verdict ends with the revocation list', async () => {
    const outcome = await appraise(azure(), genoa(), DAY)
    expect(outcome.failure).toBeNull()
    expect(outcome.value).toMatchObject({ product: 'Genoa', tcb: { bootloader: 10, tee: 0, snp: 23, microcode: 84 } })
    expect(outcome.value?.expires).toBe(at('2025-11-03T01:00:00Z'))
  })

  it('no bit of what the chip signed can be changed', async () => {
    // The first byte of every field but the version, algorithm and key information, which are read before.
    for (const offset of [4, 8, 0x10, 0x50, 0x90, 0xc0, 0x140, 0x1e0, 0x29f]) {
      const report = azure()
      report[offset] = (report[offset] ?? 0) ^ 1
      const { failure } = await appraise(report, genoa(), DAY)
      expect([offset, failure?.code]).toEqual([offset, 'snp-signature'])
    }
  })

  it('the list and the certificates have their time', async () => {
    expect((await appraise(azure(), genoa(), '2025-11-03T01:00:01Z')).failure?.code).toBe('crl-expired')
    expect((await appraise(azure(), genoa(), '2025-06-01T00:00:00Z')).failure?.code).toBe('chain-not-yet-valid')
  })

  it('a report is refused under a certificate of another chip, and the certificate is to blame', async () => {
    const vcek = raw('go-sev-guest/vcek.testcer')
    const milan = { vcek, chain: pem(made(askMilan), made(arkMilan)), crl: made(milanList) }
    const { failure } = await appraise(azure(), milan, '2025-09-01T00:00:00Z')
    expect(failure).toMatchObject({ code: 'snp-chip', blame: 'endorsement' })
    const mixed = { ...genoa(), chain: milan.chain }
    expect((await appraise(azure(), mixed, DAY)).failure).toMatchObject({ code: 'chain-name', blame: 'endorsement' })
  })

  it('the report that a Milan signed with debugging allowed is genuine, and refused for it', async () => {
    const vcek = raw('go-sev-guest/vcek.testcer')
    const collateral = { vcek, chain: text('go-sev-guest/milan.testcer'), crl: made(milanList) }
    const outcome = await appraise(raw('go-sev-guest/attestation.bin'), collateral, DAY)
    expect(outcome.failure).toMatchObject({ code: 'snp-debug', step: 'snp.policy' })
    const signature = outcome.steps.find(({ name }) => name === 'snp.signature')
    expect(signature?.status).toBe('passed')
  })

  it("the chain of the cloud operator's key is no chain of a chip", async () => {
    const vcek = raw('go-sev-guest/vcek.testcer')
    const collateral = { vcek, chain: text('go-sev-guest/milanvlek.testcer'), crl: made(milanList) }
    const { failure } = await appraise(raw('go-sev-guest/attestation.bin'), collateral, DAY)
    expect(failure?.code).toBe('chain-name')
  })

  it('firmware below what the registry lists is refused, and so is a product it does not list', async () => {
    const newer = [{ product: 'Genoa', least: { ...none, microcode: 85 } }]
    const equal = [{ product: 'Genoa', least: { ...none, bootloader: 10, snp: 23, microcode: 84 } }]
    const code = async (list: SnpInput['least']) =>
      (await appraise(azure(), genoa(), DAY, { least: list })).failure?.code
    expect(await code(newer)).toBe('snp-tcb-old')
    expect(await code([])).toBe('snp-tcb-old')
    expect(await code(equal)).toBeUndefined()
  })

  it('reports of versions 2, 3 and 4 are read', () => {
    const gce = made(blocks('REPORT', text('openpcc/gce_sevsnp_report.txt'))[0])
    const attestation = JSON.parse(text('dstack/sev-snp-attestation.json')) as { attestation: string }
    const dstack = fromHex(attestation.attestation).slice(4, 4 + 1184)
    const versions = [raw('go-sev-guest/attestation.bin'), dstack, gce].map((report) => readSnpReport(report).version)
    expect(versions).toEqual([2, 3, 4])
    expect(hex(readSnpReport(dstack).measurement).slice(0, 8)).toBe('7f51e17f')
  })
})
