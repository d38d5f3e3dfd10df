import { hex } from '../../bytes.ts'
import { AppraisalError, ensure } from '../failure.ts'
import { iso } from '../x509.ts'
import type { Level, PlatformLevel, TcbInfo, VersionedModule } from './collateral.ts'
import type { SgxPlatform } from './pck.ts'

/** Intel's words (PCS API v4, "Get TDX TCB Info"). */
export type TcbStatus =
  | 'UpToDate'
  | 'SWHardeningNeeded'
  | 'ConfigurationNeeded'
  | 'ConfigurationAndSWHardeningNeeded'
  | 'OutOfDate'
  | 'OutOfDateConfigurationNeeded'
  | 'Revoked'

/** What each object may say; an unknown word is an error, never a pass. */
export const platformStatuses: readonly TcbStatus[] = [
  'UpToDate',
  'SWHardeningNeeded',
  'ConfigurationNeeded',
  'ConfigurationAndSWHardeningNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'Revoked',
]
export const componentStatuses: readonly TcbStatus[] = [
  'UpToDate',
  'ConfigurationNeeded',
  'OutOfDate',
  'OutOfDateConfigurationNeeded',
  'Revoked',
]
export const moduleStatuses: readonly TcbStatus[] = ['UpToDate', 'OutOfDate', 'Revoked']

/**
 * The worst of two: whatever either one lacks, both lack. Being out of date covers what software should have hardened,
 * as in Intel's own verifier.
 */
export function worst(a: TcbStatus, b: TcbStatus): TcbStatus {
  const either = (part: string): boolean => a.includes(part) || b.includes(part)
  if (either('Revoked')) return 'Revoked'
  if (either('OutOfDate')) return either('Configuration') ? 'OutOfDateConfigurationNeeded' : 'OutOfDate'
  if (either('Configuration'))
    return either('SWHardening') ? 'ConfigurationAndSWHardeningNeeded' : 'ConfigurationNeeded'
  return either('SWHardening') ? 'SWHardeningNeeded' : 'UpToDate'
}

/**
 * The first level of the platform whose every number is reached (PCS API v4, TCB level comparison). With a module of
 * major version above 0, bytes 0 and 1 of `teeTcbSvn` are the module's and compared with its own levels.
 * @throws AppraisalError `tcb-no-level`
 */
export function matchPlatform(info: TcbInfo, platform: SgxPlatform, teeTcbSvn: Uint8Array): PlatformLevel {
  const from = (teeTcbSvn[1] ?? 0) > 0 ? 2 : 0
  const found = info.levels.find(
    (level) =>
      reaches(platform.cpuSvn, level.sgx, 0) && platform.pceSvn >= level.pceSvn && reaches(teeTcbSvn, level.tdx, from),
  )
  const stated = `CPUSVN ${hex(platform.cpuSvn)}, PCESVN ${platform.pceSvn}, TEE TCB SVN ${hex(teeTcbSvn)}`
  ensure(found !== undefined, 'tcb-no-level', `no level for ${stated}`)
  return found
}

function reaches(svns: Uint8Array, least: readonly number[], from: number): boolean {
  return least.every((svn, i) => i < from || (svns[i] ?? -1) >= svn)
}

/**
 * The identity of the TDX module that `teeTcbSvn` names, or null for major version 0.
 * @throws AppraisalError `tdx-module-unknown`
 */
export function findModule(info: TcbInfo, teeTcbSvn: Uint8Array): VersionedModule | null {
  const major = teeTcbSvn[1] ?? 0
  if (major === 0) return null
  const id = `TDX_${major.toString(16).padStart(2, '0').toUpperCase()}`
  const found = info.modules.find((module) => module.id === id)
  ensure(found !== undefined, 'tdx-module-unknown', `TCB info knows no ${id}`)
  return found
}

/** @throws AppraisalError `tdx-module-no-level` */
export function matchModule(module: VersionedModule, teeTcbSvn: Uint8Array): Level {
  const svn = teeTcbSvn[0] ?? 0
  const found = module.levels.find((level) => svn >= level.isvSvn)
  ensure(found !== undefined, 'tdx-module-no-level', `no level of ${module.id} for SVN ${svn}`)
  return found
}

/** What an owner of the registry signs so that a TCB recovery does not drop a whole fleet at once. */
export interface TcbGrace {
  /** Unix seconds; bounds every verdict it allowed. */
  readonly until: number
  /** Unix seconds: what is out of date must be fixed at least up to here. */
  readonly tcbDate: number
  readonly denied: readonly string[]
}

/** Levels merged: of the platform, its TDX module and its quoting enclave. */
export interface TcbVerdict {
  readonly status: TcbStatus
  /** Unix seconds, the earliest of the levels. */
  readonly date: number
  readonly advisories: readonly string[]
}

export function merge(levels: readonly Level[]): TcbVerdict {
  return {
    status: levels.map((level) => level.status).reduce(worst, 'UpToDate'),
    date: Math.min(...levels.map((level) => level.date)),
    advisories: [...new Set(levels.flatMap((level) => level.advisories))],
  }
}

/**
 * Accepts what is up to date, and under grace what is out of date and nothing worse. Returns until when, in Unix
 * seconds, this rule lets the verdict stand.
 * @throws AppraisalError `tcb-revoked`, `tcb-not-up-to-date`, `tcb-grace-over`, `tcb-grace-date`, `tcb-grace-advisory`
 */
export function acceptTcb(levels: readonly Level[], grace: TcbGrace | null, now: number): number {
  const { status, advisories } = merge(levels)
  const known = advisories.length > 0 ? `, ${advisories.join(', ')}` : ''
  ensure(status !== 'Revoked', 'tcb-revoked', `platform is revoked${known}`)
  if (status === 'UpToDate') return Infinity
  if (!grace) throw new AppraisalError('tcb-not-up-to-date', `platform is ${status}${known}`)
  const lacking = levels.filter((level) => level.status !== 'UpToDate')
  const outOfDate = lacking.every((level) => level.status === 'OutOfDate')
  ensure(outOfDate, 'tcb-not-up-to-date', `platform is ${status}, which no grace covers${known}`)
  ensure(now <= grace.until, 'tcb-grace-over', `platform is OutOfDate and grace ended ${iso(grace.until)}`)
  const { date } = merge(lacking)
  const recent = date >= grace.tcbDate
  ensure(recent, 'tcb-grace-date', `platform is of ${iso(date)}, ${iso(grace.tcbDate)} is the least`)
  const denied = advisories.find((id) => grace.denied.includes(id))
  ensure(denied === undefined, 'tcb-grace-advisory', `platform has ${denied}, which grace denies`)
  return grace.until
}
