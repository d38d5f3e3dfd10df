import type { Bytes } from '../src/index.ts'
import type { Region } from './region.ts'

/** One part of what an appraisal looks at. */
export interface Target {
  readonly name: string
  readonly bytes: Bytes
  /** The same part of another machine, as valid as this one. */
  readonly other: Bytes
  readonly regions: readonly Region[]
  /** Two parts with one essence mean the same: what differs is bytes that nobody vouches for. */
  readonly essence: (bytes: Bytes) => string
  /** Looks at everything again with this part replaced. @throws AppraisalError or CocoonError when it is refused */
  readonly check: (bytes: Bytes) => Promise<void>
}
