import { pins } from '#pins'
import {
  type Appraisal,
  type AppraisalInput,
  appraiseUnder,
  checkStandingUnder,
  type StandingInput,
} from './appraise.ts'
import type { Outcome } from './failure.ts'
import type { Standing } from './stamp.ts'
import { policyDigest } from './verdict-cache.ts'

/**
 * Whether a machine is private, by the roots this build was made with (SPEC.md, Appraisal). Never throws: whatever is
 * wrong with the input is a refusal with a code and what to do about it.
 */
export function appraise(input: AppraisalInput): Promise<Appraisal> {
  return appraiseUnder(pins, input)
}

/** What the owners say today, without a machine: for verdicts that are cached. Never throws. */
export function checkStanding(input: StandingInput): Promise<Outcome<Standing>> {
  return checkStandingUnder(pins, input)
}

/** Digest of this build's roots, for `verdictKey`. */
export function buildPolicy(): Promise<Uint8Array<ArrayBuffer>> {
  return policyDigest(pins)
}

/** Which roots this build has. */
export const build = pins.build

export * from './anchor.ts'
export { actionFor } from './action.ts'
export type { Appraisal, AppraisalInput, Found, PrivateAppraisal, RefusedAppraisal, StandingInput } from './appraise.ts'
export * from './claims.ts'
export * from './collateral.ts'
export * from './evidence.ts'
export { type AppraisalCode, appraisalCodes, type Failure, type Outcome } from './failure.ts'
export type { Gpu, GpuArchitecture } from './gpu/device.ts'
export * from './proof-file.ts'
export { type Platform, platformOf } from './platform.ts'
export * from './registry.ts'
export * from './registry-signing.ts'
export * from './result.ts'
export { Mark, Seen } from './sequence.ts'
export type { SnpCollateral } from './snp/verify.ts'
export * from './stamp.ts'
export * from './standing.ts'
export { readAnswer as readPcsAnswer, type TdxCollateral } from './tdx/collateral.ts'
export { prune, recall, remember, type VerdictCache, verdictKey } from './verdict-cache.ts'
export * from './workload.ts'
