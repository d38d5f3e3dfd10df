import * as v from 'valibot'
import { type Bytes, equal, fromHex } from '../bytes.ts'
import { CocoonError } from '../errors.ts'

/** What the Registry contract announces: digest and sequence of the registry statement (contracts/tolk/registry.tolk). */
export interface Anchor {
  /** Null while none was announced. */
  readonly digest: Bytes | null
  readonly sequence: bigint
}

/** How a registry statement stands to the chain. */
export type Anchored =
  /** The very one that was announced. */
  | 'anchored'
  /** Newer than what was announced: not through the timelock yet. */
  | 'not-yet'
  /** Older than what was announced. */
  | 'superseded'
  /** Another one with the announced sequence. */
  | 'forked'
  /** Nothing was announced. */
  | 'unannounced'

/** What toncenter's API v2 has to be asked for; send it to `/api/v2/jsonRPC`. `address`: the Registry's, raw or friendly. */
export function anchorCall(address: string) {
  return {
    id: '1',
    jsonrpc: '2.0',
    method: 'runGetMethod',
    params: { address, method: 'registry', stack: [] },
  } as const
}

const number = v.pipe(v.string(), v.regex(/^0x[0-9a-fA-F]{1,64}$/))
const Answer = v.object({
  ok: v.literal(true),
  result: v.object({
    exit_code: v.literal(0),
    stack: v.pipe(v.array(v.tuple([v.string(), v.unknown()])), v.minLength(7)),
  }),
})
/** Places on the stack of the getter `registry`: owner, guardian, delay, digest, sequence, successor, waiting. */
const DIGEST = 3
const SEQUENCE = 4

/** @throws CocoonError `broken-encoding` for anything that is not the answer of a deployed Registry */
export function readAnchor(answer: unknown): Anchor {
  const parsed = v.safeParse(Answer, answer)
  const at = (index: number) =>
    parsed.success ? v.safeParse(number, parsed.output.result.stack[index]?.[1]) : undefined
  const [digest, sequence] = [at(DIGEST), at(SEQUENCE)]
  if (!digest?.success || !sequence?.success) {
    throw new CocoonError('broken-encoding', 'the chain shows no Registry at this address')
  }
  const value = BigInt(digest.output)
  return {
    digest: value === 0n ? null : fromHex(value.toString(16).padStart(64, '0')),
    sequence: BigInt(sequence.output),
  }
}

/** How the statement with this digest and sequence stands to what the chain announces. */
export function compareAnchor(
  anchor: Anchor,
  registry: { readonly digest: Bytes; readonly sequence: number },
): Anchored {
  if (anchor.digest === null) return 'unannounced'
  const sequence = BigInt(registry.sequence)
  if (sequence > anchor.sequence) return 'not-yet'
  if (sequence < anchor.sequence) return 'superseded'
  return equal(anchor.digest, registry.digest) ? 'anchored' : 'forked'
}
