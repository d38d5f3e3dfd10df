import { type Check, ensure, type Steps } from '../failure.ts'
import type { TdReport } from './quote.ts'

const source = 'TDX module 1.5 ABI reference, ATTRIBUTES and XFAM'

/** Step 10 of the checklist: how the trust domain was configured. */
export const tdChecks: readonly Check[] = [
  { name: 'td.attributes', source, blame: 'evidence' },
  { name: 'td.features', source, blame: 'evidence' },
  { name: 'td.service', source: 'TDX module 1.5 base specification, service TDs', blame: 'evidence' },
]

const bit = (index: number): bigint => 1n << BigInt(index)
const DEBUG = bit(0)
/** Without it the host can remove a page and watch the fault. */
const SEPT_VE_DISABLE = bit(28)
const MIGRATABLE = bit(29)
/** Instructions that the domain may use for itself: LASS, protection keys, Key Locker, performance counters. */
const HARMLESS = bit(27) | bit(30) | bit(31) | bit(63)

/** x87 and SSE, which every domain has. */
const XFAM_ALWAYS = bit(0) | bit(1)
/** Every feature that a module today can give to a domain. */
const XFAM_KNOWN = [2, 5, 6, 7, 8, 9, 11, 12, 14, 15, 17, 18].map(bit).reduce((all, one) => all | one, XFAM_ALWAYS)

const littleEndian = (bytes: Uint8Array): bigint => bytes.reduceRight((sum, byte) => sum * 256n + BigInt(byte), 0n)

/**
 * Runs `tdChecks`.
 * @throws AppraisalError with a code that starts with `td-`
 */
export async function verifyTd(steps: Steps, report: TdReport): Promise<void> {
  await steps.run('td.attributes', (found) => {
    const attributes = littleEndian(report.tdAttributes)
    const has = (flag: bigint): boolean => (attributes & flag) !== 0n
    const stated = `TD attributes ${attributes.toString(16)}`
    ensure(!has(DEBUG), 'td-debug', `${stated}: the host can read this machine's memory`)
    ensure(!has(MIGRATABLE), 'td-migratable', `${stated}: this machine can be moved to another`)
    ensure(has(SEPT_VE_DISABLE), 'td-sept-ve', `${stated}: the host can provoke faults inside`)
    ensure((attributes & ~(SEPT_VE_DISABLE | HARMLESS)) === 0n, 'td-reserved', `${stated}: a reserved bit is set`)
    found(stated)
  })
  await steps.run('td.features', (found) => {
    const xfam = littleEndian(report.xfam)
    const stated = `XFAM ${xfam.toString(16)}`
    const right = (xfam & XFAM_ALWAYS) === XFAM_ALWAYS && (xfam & ~XFAM_KNOWN) === 0n
    ensure(right, 'td-xfam', `${stated} is none that a module can give`)
    found(stated)
  })
  await steps.run('td.service', (found) => {
    const none = report.mrServiceTd?.every((byte) => byte === 0) ?? true
    ensure(none, 'td-service', 'another domain serves this one and can reach into it')
    found(report.mrServiceTd ? 'no service domain' : 'a report of TDX 1.0 names none')
  })
}
