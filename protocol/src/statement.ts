import * as v from 'valibot'
import { type Bytes, hex, sha256 } from './bytes.ts'
import { bytesOf, bytesUpTo, decodeCbor, encodeCbor, uint } from './cbor.ts'
import { CocoonError } from './errors.ts'
import { PREKEY_BYTES } from './hpke.ts'
import { limits, PROTOCOL_VERSION } from './network.ts'
import { Price } from './price.ts'
import { purposed, type Signer, signFor, verifySignature } from './signing.ts'

export const modelId = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9._/-]{0,63}$/))

/** One model at one node, and its price. */
export const Offer = v.strictObject({
  model: modelId,
  /** Tokens of prompt and answer together. */
  context: v.pipe(uint, v.minValue(1)),
  /** Tokens of one answer. */
  maxOutput: v.pipe(uint, v.minValue(1)),
  price: Price,
  /** Tokens a second of one answer, as the node measured itself. Nobody else vouches for it. */
  speed: v.optional(v.pipe(uint, v.minValue(1))),
})
export type Offer = v.InferOutput<typeof Offer>

/** What a node's identity key signs. Times are Unix seconds of the node's clock, which alone enforces them. */
export const Statement = v.pipe(
  v.strictObject({
    version: v.literal(PROTOCOL_VERSION),
    network: v.pipe(v.number(), v.safeInteger()),
    identity: bytesOf(32),
    prekey: bytesOf(PREKEY_BYTES),
    notBefore: uint,
    useBy: uint,
    /** SHA-256 of the evidence; `null` means not attested, which only a development network accepts. */
    evidence: v.nullable(bytesOf(32)),
    /** The address that is paid, or `null` for a node that works for free. */
    payee: v.nullable(v.pipe(v.string(), v.minLength(1), v.maxLength(80))),
    offers: v.pipe(v.array(Offer), v.minLength(1), v.maxLength(32)),
    limits: v.strictObject({
      /** Bytes of a sealed body. */
      request: v.pipe(uint, v.maxValue(limits.request)),
      /** Seconds an answer may take. */
      seconds: v.pipe(uint, v.minValue(1)),
    }),
  }),
  v.check((s) => s.notBefore < s.useBy && s.useBy - s.notBefore <= MAX_STATEMENT_SECONDS, 'dates in order'),
  v.check((s) => new Set(s.offers.map((offer) => offer.model)).size === s.offers.length, 'one offer a model'),
)
export type Statement = v.InferOutput<typeof Statement>

/** A prekey lives ten minutes at most; the statement may outlive it by this grace for jobs under way. */
export const MAX_STATEMENT_SECONDS = 10 * 60 + 60

/** A statement as it travels: the exact bytes that were signed, and the signature. */
export const SignedStatement = v.strictObject({ body: bytesUpTo(limits.object), signature: bytesOf(64) })
export type SignedStatement = v.InferOutput<typeof SignedStatement>

export interface VerifiedStatement {
  readonly statement: Statement
  /** The prekey's id. Leaves the signature out, so that re-signing changes nothing. */
  readonly digest: Bytes
  readonly nodeId: string
}

/** Node id: SHA-256 of the identity key, lower-case hex. */
export async function nodeIdOf(identity: Bytes): Promise<string> {
  return hex(await sha256(identity))
}

export function statementDigest(body: Bytes): Promise<Bytes> {
  return sha256(purposed('cocoon/1 statement', body))
}

export async function signStatement(statement: Statement, signer: Signer): Promise<SignedStatement> {
  const body = encodeCbor(statement)
  return { body, signature: await signFor('cocoon/1 statement', signer, body) }
}

/**
 * @throws CocoonError `broken-encoding` when the bytes are no statement, `bad-statement` when the signature is not by
 * the identity key it names, or the network is another.
 */
export async function verifyStatement(signed: SignedStatement, network: number): Promise<VerifiedStatement> {
  const statement = decodeCbor(Statement, signed.body, limits.object)
  if (statement.network !== network) throw new CocoonError('bad-statement', 'statement is for another network')
  if (!(await verifySignature('cocoon/1 statement', statement.identity, signed.signature, signed.body))) {
    throw new CocoonError('bad-statement', 'statement is not signed by its identity key')
  }
  return { statement, digest: await statementDigest(signed.body), nodeId: await nodeIdOf(statement.identity) }
}
