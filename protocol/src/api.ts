import * as v from 'valibot'
import { base64url, fromBase64url } from './bytes.ts'
import { type BrokerCode, brokerCodes } from './errors.ts'
import { Policy } from './request.ts'
import { modelId, type SignedStatement } from './statement.ts'

/** JSON bodies of the broker's HTTP API. Bytes are base64url; amounts are decimal strings; times are Unix seconds. */
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0))
const decimal = v.pipe(v.string(), v.regex(/^\d{1,20}$/))
export const nodeId = v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))
const bytesText = (length: number) => v.pipe(v.string(), v.length(Math.ceil((length * 4) / 3)), v.regex(/^[\w-]*$/))

export const SignInRequest = v.variant('method', [
  /** `key`: an Ed25519 key of this browser, with which the session can be renewed when the init data is stale. */
  v.strictObject({
    method: v.literal('telegram'),
    initData: v.pipe(v.string(), v.maxLength(8192)),
    key: bytesText(32),
  }),
  /** The browser's key signs `cocoon/1 session renewal` over `origin | time | renewal`. */
  v.strictObject({
    method: v.literal('renewal'),
    renewal: v.pipe(v.string(), v.maxLength(1024)),
    time: count,
    signature: bytesText(64),
  }),
  /** For programs: an Ed25519 key signs `cocoon/1 sign-in` over `origin | time`. */
  v.strictObject({ method: v.literal('key'), key: bytesText(32), time: count, signature: bytesText(64) }),
])
export type SignInRequest = v.InferOutput<typeof SignInRequest>

export const Trial = v.object({
  /** Free questions left, of how many, and when they come back. */
  left: count,
  of: count,
  renews: count,
})
export type Trial = v.InferOutput<typeof Trial>

export const SignInResponse = v.object({
  token: v.string(),
  expires: count,
  /** Signs in again, with the key it was given for. */
  renewal: v.string(),
  trial: Trial,
})
export type SignInResponse = v.InferOutput<typeof SignInResponse>

export const AccountResponse = v.object({ trial: Trial })
export type AccountResponse = v.InferOutput<typeof AccountResponse>

export const PriceText = v.object({ prompt: decimal, cached: decimal, completion: decimal, reasoning: decimal })
export const ModelInfo = v.object({
  id: modelId,
  name: v.string(),
  /** Plain words about the model, from the broker's list. */
  about: v.string(),
  /** Nodes that serve it now, and their free slots. */
  nodes: count,
  free: count,
  /** The lowest price at the moment; null while no node serves it. */
  price: v.nullable(PriceText),
  context: count,
})
export type ModelInfo = v.InferOutput<typeof ModelInfo>
export const ModelsResponse = v.object({ network: v.number(), models: v.array(ModelInfo) })
export type ModelsResponse = v.InferOutput<typeof ModelsResponse>

export const MatchRequest = v.strictObject({
  model: modelId,
  policy: Policy,
  /** Nodes that were tried already. */
  exclude: v.optional(v.pipe(v.array(nodeId), v.maxLength(8)), []),
  /**
   * True ahead of need: the answer names a candidate and reserves nothing, nor does it wait for one. Its lease lives as
   * long as the statement, and the relay may answer `moved` when the node is full by then.
   */
  ahead: v.optional(v.boolean(), false),
})
export type MatchRequest = v.InferInput<typeof MatchRequest>

/** A node that may take the job: verify its statement before you believe a word of it. */
export const MatchResponse = v.object({
  node: nodeId,
  statement: v.object({ body: v.string(), signature: bytesText(64) }),
  /** Content address of the evidence; null: not attested. */
  evidence: v.nullable(v.string()),
  lease: v.string(),
  expires: count,
})
export type MatchResponse = v.InferOutput<typeof MatchResponse>

/** Digests of the collateral that can be had for a node's evidence, hex, the broker's own first. */
export const CollateralResponse = v.object({ collateral: v.pipe(v.array(nodeId), v.maxLength(4)) })
export type CollateralResponse = v.InferOutput<typeof CollateralResponse>

export const ErrorResponse = v.object({
  error: v.object({
    code: v.picklist(Object.keys(brokerCodes) as BrokerCode[]),
    message: v.string(),
    retryAfterMs: v.optional(count),
  }),
})
export type ErrorResponse = v.InferOutput<typeof ErrorResponse>

export function statementToText(signed: SignedStatement): MatchResponse['statement'] {
  return { body: base64url(signed.body), signature: base64url(signed.signature) }
}

/** @throws RangeError when the text is not base64url */
export function statementFromText(text: MatchResponse['statement']): SignedStatement {
  return { body: fromBase64url(text.body), signature: fromBase64url(text.signature) }
}

/** What a key signs to sign in. Binding the origin keeps one broker from using it at another. */
export function signInMessage(origin: string, time: number, renewal?: string): string {
  return [origin, time, ...(renewal === undefined ? [] : [renewal])].join('\n')
}
