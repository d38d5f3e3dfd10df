import type { Base, ScenePlan } from '../../../localnet/src/tee/index.ts'
import {
  type Appraisal,
  type AppraisalInput,
  appraiseUnder,
  type PrivateAppraisal,
} from '../../src/appraisal/appraise.ts'
import type { Pins } from '../../src/appraisal/policy.ts'
import type { Bytes } from '../../src/index.ts'
import { pins } from '../../src/appraisal/pins/development.ts'
import { inputOf, sceneOf } from './judge.ts'

export type Change = (plan: ScenePlan) => unknown

export interface Options {
  readonly base?: Base
  readonly change?: Change
  /** Changes what the client hands in, after everything was signed. */
  readonly later?: (input: AppraisalInput) => Partial<AppraisalInput>
  readonly under?: Pins
}

export async function appraised({ base = 'tdx', change, later, under = pins }: Options = {}): Promise<Appraisal> {
  const input = await inputOf(await sceneOf(base, ...(change ? [change] : [])))
  return appraiseUnder(under, { ...input, ...later?.(input) })
}

/** How an appraisal ended, in one line: `code at step: action`. */
export function outcome(appraisal: Appraisal): string {
  if (appraisal.verdict === 'private') return 'private'
  const failed = appraisal.steps.filter(({ status }) => status === 'failed')
  if (failed.length !== 1 || failed[0]?.code !== appraisal.code) throw new Error('one failure, and its own code')
  return `${appraisal.code} at ${failed[0].name}: ${appraisal.action}`
}

export const outcomeOf = async (options: Options): Promise<string> => outcome(await appraised(options))

export function passed(appraisal: Appraisal): PrivateAppraisal {
  if (appraisal.verdict === 'private') return appraisal
  throw new Error(`${appraisal.code}: ${appraisal.message}`)
}

export function flip(bytes: Uint8Array, at = 0): void {
  bytes[at] = (bytes[at] ?? 0) ^ 1
}

/** Another one, where the first may be shared. */
export function flipped(bytes: Uint8Array): Bytes {
  const other = new Uint8Array(bytes)
  flip(other)
  return other
}
