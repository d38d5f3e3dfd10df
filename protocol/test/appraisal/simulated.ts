import {
  type CertificatePlan,
  encodeTdxCollateral,
  encodeQuote,
  pinned,
  simulatedMeasurements,
  type TdxPlan,
  tdxPlan,
} from '../../../localnet/src/tee/index.ts'
import type { Bytes } from '../../src/index.ts'
import { type AppraisalCode, AppraisalError, Steps } from '../../src/appraisal/failure.ts'
import { tdxChecks, type TdxInput, verifyTdx } from '../../src/appraisal/tdx/verify.ts'
import type { Blame } from '../../src/appraisal/result.ts'

/** Unix seconds; every simulated collateral is a day old then. */
export const NOW = Date.UTC(2026, 10, 22) / 1000
export const DAY = 86_400

/** A machine in order, as a plan that a test changes before it is signed. */
export async function plan(issuer: 'platform' | 'processor' = 'platform'): Promise<TdxPlan> {
  return tdxPlan({
    serial: 'of the tests',
    now: NOW,
    measured: await simulatedMeasurements('image', 'shape'),
    rtmr3: new Uint8Array(48).fill(3),
    reportData: new Uint8Array(64).fill(4),
    issuer,
  })
}

/** What may differ between two machines of the tests: the plan before it is signed, the input after. */
export interface Change {
  readonly plan?: (plan: TdxPlan) => void
  readonly input?: (input: TdxInput) => Partial<TdxInput>
}

export async function inputOf(change: Change = {}, base?: TdxPlan): Promise<TdxInput> {
  const planned = base ?? (await plan())
  change.plan?.(planned)
  const quote = await encodeQuote(planned.quote)
  const collateral = await encodeTdxCollateral(planned.collateral)
  const input: TdxInput = { quote, collateral, root: pinned.intelRoot, now: NOW }
  return { ...input, ...change.input?.(input) }
}

export const first = <T>(list: readonly T[]): T => {
  const [item] = list
  if (item === undefined) throw new RangeError('an empty list')
  return item
}

/** The plan of the PCK certificate. */
export function pck({ quote }: TdxPlan): CertificatePlan {
  const leaf = first(quote.chain)
  if (leaf instanceof Uint8Array) throw new RangeError('no PCK certificate to change')
  return leaf
}

/** 16 security versions, zeros after those given. */
export function svns(...given: number[]): Bytes {
  const all = new Uint8Array(16)
  all.set(given)
  return all
}

export interface Refusal {
  readonly code: AppraisalCode
  readonly step: string
  readonly blame: Blame
}

/** How the appraisal ended. An exception that nobody foresaw, which users see as `malformed`, goes on up here. */
export async function refusalOf(input: TdxInput): Promise<Refusal | 'accepted'> {
  const steps = new Steps(tdxChecks)
  try {
    await verifyTdx(steps, input)
    return 'accepted'
  } catch (error) {
    if (!(error instanceof AppraisalError)) throw error
    if (error.code === 'malformed' && error.cause !== undefined) throw error.cause
    const { failure } = steps.close(null, error)
    if (!failure) throw new Error('a failure that is not on record', { cause: error })
    const { code, step, blame } = failure
    return { code, step, blame }
  }
}

/** The code `run` is refused with; anything but an AppraisalError is a fault of ours and goes on up. */
export async function codeOf(run: () => unknown): Promise<AppraisalCode | 'accepted'> {
  try {
    await run()
  } catch (error) {
    if (error instanceof AppraisalError) return error.code
    throw error
  }
  return 'accepted'
}
