import * as v from 'valibot'
import { equal } from '../bytes.ts'
import { bytesOf, uint } from '../cbor.ts'
import { type AppraisalCode, AppraisalError } from './failure.ts'

/** The newest that was seen of something that only ever moves forward. */
export const Mark = v.strictObject({ sequence: uint, digest: bytesOf(32) })
export type Mark = v.InferOutput<typeof Mark>

/** What a client keeps between runs, so that nobody can hand it an older registry statement or stamp. */
export const Seen = v.strictObject({ registry: Mark, stamp: Mark })
export type Seen = v.InferOutput<typeof Seen>

/** @throws AppraisalError `rollback` for an older one, `fork` for another one with the same number */
export function checkForward(
  seen: Mark,
  next: Mark,
  codes: { readonly rollback: AppraisalCode; readonly fork: AppraisalCode },
): void {
  if (next.sequence < seen.sequence) {
    throw new AppraisalError(codes.rollback, `number ${next.sequence}, and ${seen.sequence} was seen before`)
  }
  if (next.sequence === seen.sequence && !equal(next.digest, seen.digest)) {
    throw new AppraisalError(codes.fork, `another one with the number ${next.sequence} was seen before`)
  }
}
