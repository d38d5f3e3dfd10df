import { type Bytes, hex, sha256 } from '../../bytes.ts'
import { checkNotRevoked, readRevocationList, verifyRevocationList } from '../crl.ts'
import { type Check, ensure, type Steps } from '../failure.ts'
import type { AmdRoot } from '../policy.ts'
import { isSignedBy } from '../public-key.ts'
import type { SnpTcb } from '../registry.ts'
import { type Certificate, iso, readCertificate, readPemChain, verifyChain } from '../x509.ts'
import { readSnpReport, type SnpReport } from './report.ts'
import { findOlder, formatTcb, matchVcek, readTcb } from './vcek.ts'

const ABI = 'AMD SEV-SNP firmware ABI, 56860'
const KDS = 'AMD VCEK certificate and KDS interface specification, 57230'

/** What steps 1 to 10 of the checklist are for AMD. */
export const snpChecks: readonly Check[] = [
  { name: 'snp.report', source: ABI, blame: 'evidence' },
  { name: 'snp.chain', source: `RFC 5280 section 6; ${KDS}`, blame: 'endorsement' },
  { name: 'snp.revocation', source: `RFC 5280 section 5; ${KDS}`, blame: 'endorsement' },
  { name: 'snp.certificate', source: KDS, blame: 'endorsement' },
  { name: 'snp.signature', source: ABI, blame: 'evidence' },
  { name: 'snp.tcb', source: 'SPEC.md A4', blame: 'policy' },
  { name: 'snp.policy', source: `${ABI}, guest policy`, blame: 'evidence' },
  { name: 'snp.privilege', source: `${ABI}, virtual machine privilege levels`, blame: 'evidence' },
]

/** What AMD vouches for a processor, as a node or the broker carries it. */
export interface SnpCollateral {
  /** Certificate of the key that signed the report, DER. */
  readonly vcek: Bytes
  /** PEM: SEV key, root key. */
  readonly chain: string
  /** DER, by the root key; empty when missing. */
  readonly crl: Bytes
}

export interface SnpInput {
  readonly report: Bytes
  readonly collateral: SnpCollateral
  readonly roots: readonly AmdRoot[]
  /** Unix seconds. */
  readonly now: number
  /** The least firmware levels by product line; a line without any is refused. */
  readonly least: readonly { readonly product: string; readonly least: SnpTcb }[]
}

export interface SnpVerdict {
  readonly report: SnpReport
  readonly product: string
  readonly tcb: SnpTcb
  /** Unix seconds: the earliest date among everything this rests on. */
  readonly expires: number
}

const VCEK_NAME = 'SEV-VCEK'
const CHIP_MASKED = 0b10
/** Bits 2 to 4 of the key information; 0 is the VCEK, the key of this one chip. */
const SIGNING_KEY = 0b11100
const bit = (index: number): bigint => 1n << BigInt(index)
const MUST_BE_ONE = bit(17)
const MIGRATION = bit(18)
const DEBUG = bit(19)
/** Bits from here on have no meaning yet. */
const FIRST_RESERVED = 26n

/**
 * Runs `snpChecks`: that the report is genuine, and that the platform it comes from is to be trusted today.
 * @throws AppraisalError after the check that failed is recorded
 */
export async function verifySnp(steps: Steps, { collateral, roots, now, ...input }: SnpInput): Promise<SnpVerdict> {
  const report = await steps.run('snp.report', (found) => {
    const read = readSnpReport(input.report)
    found(`version ${read.version}`)
    const byChip = (read.keyInfo & (SIGNING_KEY | CHIP_MASKED)) === 0
    ensure(byChip, 'snp-signing-key', `signed by a key that is not this chip's own: ${read.keyInfo.toString(2)}`)
    return read
  })
  const { vcek, sevKey, root, product, until } = await steps.run('snp.chain', async (found) => {
    const opened = await openChain(collateral, roots, now)
    found(`${opened.product}, until ${iso(opened.until)}`)
    return opened
  })
  const listUntil = await steps.run('snp.revocation', async (found) => {
    const list = readRevocationList(collateral.crl)
    const nextUpdate = await verifyRevocationList(list, root, now)
    checkNotRevoked(sevKey, list)
    found(`${list.revoked.size} revoked, until ${iso(nextUpdate)}`)
    return nextUpdate
  })
  const tcb = await steps.run('snp.certificate', (found) => {
    const levels = matchVcek(vcek, product, report)
    found(`chip ${hex(report.chipId).slice(0, 16)}, ${formatTcb(levels)}`)
    return levels
  })
  await steps.run('snp.signature', async () => {
    const signed = await isSignedBy(vcek.key, report.signature, report.signed)
    ensure(signed, 'snp-signature', 'report is not signed by the key of its chip')
  })
  await steps.run('snp.tcb', (found) => {
    const least = input.least.find((one) => one.product === product)?.least
    ensure(least !== undefined, 'snp-tcb-old', `no least firmware is listed for ${product}`)
    // Who broke an older firmware may have been there when the machine was launched under it.
    const older = findOlder(tcb, least) ?? findOlder(readTcb(report.launchTcb, product), least)
    ensure(older === null, 'snp-tcb-old', `firmware too old: ${older}`)
    found(`at least ${formatTcb(least)}`)
  })
  await steps.run('snp.policy', (found) => {
    checkPolicy(report)
    found(`policy ${report.policy.toString(16)}`)
  })
  await steps.run('snp.privilege', () => {
    ensure(report.vmpl === 0, 'snp-privilege', `asked for at privilege level ${report.vmpl}`)
  })
  return { report, product, tcb, expires: Math.min(until, listUntil) }
}

async function openChain(collateral: SnpCollateral, roots: readonly AmdRoot[], now: number) {
  const vcek = readCertificate(collateral.vcek)
  const above = readPemChain(collateral.chain)
  const [sevKey, root] = above
  ensure(sevKey !== undefined && root !== undefined, 'chain-length', `${above.length + 1} certificates where 3 belong`)
  const digest = hex(await sha256(root.encoding))
  const product = roots.find((pinned) => pinned.digest === digest)?.product
  ensure(product !== undefined, 'chain-untrusted', 'does not end in a pinned root')
  const chain: Certificate[] = [vcek, ...above]
  const until = await verifyChain(chain, { root: root.encoding, now, length: 3, leafWithoutKeyUsage: true })
  const named = vcek.commonName === VCEK_NAME && sevKey.commonName === `SEV-${product}`
  ensure(
    named,
    'chain-common-name',
    `${JSON.stringify(sevKey.commonName.slice(0, 32))} is not the SEV key of ${product}`,
  )
  return { vcek, sevKey, root, product, until }
}

function checkPolicy({ policy, migrationAgent }: SnpReport): void {
  const has = (flag: bigint): boolean => (policy & flag) !== 0n
  const stated = `policy ${policy.toString(16)}`
  ensure(!has(DEBUG), 'snp-debug', `${stated}: the host can read this machine's memory`)
  ensure(!has(MIGRATION), 'snp-migratable', `${stated}: this machine can be moved to another`)
  const none = migrationAgent.every((byte) => byte === 0xff)
  ensure(none, 'snp-migratable', 'a migration agent is bound to this machine')
  ensure(has(MUST_BE_ONE) && policy >> FIRST_RESERVED === 0n, 'snp-reserved', `${stated}: a reserved bit is wrong`)
}
