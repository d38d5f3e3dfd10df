import {
  type Bytes,
  bytesOf,
  bytesUpTo,
  CocoonError,
  decodeCbor,
  encodeCbor,
  Final,
  hex,
  limits,
  Price,
  ResponseState,
} from '@cocoon/protocol'
import * as v from 'valibot'
import type { KeptAnswer } from './events.ts'

/** All it takes to read the answer to one attempt, at one moment. The question itself is not in it. */
export const ReadingState = v.strictObject({
  version: v.literal(1),
  /** The machine, as the device saw it when it was asked. */
  view: v.strictObject({
    nodeId: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    evidence: v.nullable(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
    standing: v.picklist(['private', 'development', 'open', 'not-attested']),
  }),
  /** Signs a refusal. */
  identity: bytesOf(32),
  /** What the wrap was bound to, beside the job id. */
  statement: bytesOf(32),
  voucher: bytesOf(32),
  /** Null where nobody is paid. */
  price: v.nullable(Price),
  cancelToken: bytesOf(32),
  response: ResponseState,
  /** The line of the answer that is not complete yet. */
  line: bytesUpTo(limits.answer),
  final: v.nullable(Final),
})
export type ReadingState = v.InferOutput<typeof ReadingState>

/** The state, and the small fields around it. */
const MAX_BYTES = limits.answer + 2 * limits.object

export function keepReading(
  state: ReadingState,
  { text, reasoning, toolCalls = [] }: Pick<KeptAnswer, 'text' | 'reasoning' | 'toolCalls'>,
): KeptAnswer {
  const { view, response } = state
  const said = { text, reasoning, ...(toolCalls.length > 0 && { toolCalls }) }
  return { jobId: hex(response.jobId), nodeId: view.nodeId, bytes: encodeCbor(state), ...said }
}

/** @throws CocoonError `unknown-job` for a record that another version wrote, or that is none. */
export function readKept(bytes: Bytes): ReadingState {
  try {
    return decodeCbor(ReadingState, bytes, MAX_BYTES)
  } catch (cause) {
    // Nobody but this device wrote it: this is no security failure, the answer is merely out of reach.
    throw new CocoonError('unknown-job', 'the record is not of this version, so the answer cannot be gone on with', {
      cause,
    })
  }
}
