import {
  type Bytes,
  cancelToken,
  concat,
  createPrekey,
  createSigner,
  type Exporter,
  fromHex,
  hex,
  networks,
  noVoucher,
  type Policy,
  type Prekey,
  type Random,
  responseSecret,
  type SealedRequest,
  sealRequest,
  sha256,
  type SignedStatement,
  type Signer,
  signStatement,
  type Statement,
  uint32,
  utf8,
  verifyStatement,
  type Wrap,
  type WrapBinding,
  wrapContentKey,
} from '../src/index.ts'
import { hkdf } from './by-hand.ts'

export const network = networks.localnet

/** Bytes that look random and are always the same: SHA-256(label | counter). */
export async function bytesFrom(label: string, length = 32): Promise<Bytes> {
  const blocks = Array.from({ length: Math.ceil(length / 32) }, (_, i) => sha256(utf8(label), uint32(i)))
  return concat(...(await Promise.all(blocks))).slice(0, length)
}

/** Hands out what was made before, in order: injected randomness is not asynchronous. */
export function handOut(...parts: readonly Bytes[]): Random {
  const rest = [...parts]
  return (length) => {
    const next = rest.shift()
    if (next?.length !== length) throw new RangeError(`nobody foresaw ${length} bytes of randomness`)
    return next
  }
}

export interface Node {
  readonly signer: Signer
  readonly prekeySeed: Bytes
  readonly identitySeed: Bytes
  readonly prekey: Prekey
  readonly statement: Statement
  readonly signed: SignedStatement
  readonly digest: Bytes
  readonly nodeId: string
}

export async function makeNode(label: string, change: Partial<Statement> = {}): Promise<Node> {
  const identitySeed = await bytesFrom(`${label} identity`)
  const prekeySeed = await bytesFrom(`${label} prekey`)
  const signer = await createSigner(identitySeed)
  const prekey = await createPrekey(prekeySeed)
  const price = { prompt: 100_000_000n, cached: 10_000_000n, completion: 400_000_000n, reasoning: 400_000_000n }
  const statement: Statement = {
    version: 1,
    network,
    identity: signer.publicKey,
    prekey: prekey.publicKey,
    notBefore: 1_800_000_000,
    useBy: 1_800_000_600,
    evidence: null,
    payee: null,
    offers: [{ model: 'cocoon/demo', context: 4096, maxOutput: 1024, price }],
    limits: { request: 1024 * 1024, seconds: 120 },
    ...change,
  }
  const signed = await signStatement(statement, signer)
  const { digest, nodeId } = await verifyStatement(signed, statement.network)
  return { signer, identitySeed, prekeySeed, prekey, statement, signed, digest, nodeId }
}

export interface Job {
  readonly sealed: SealedRequest
  readonly contentKey: Bytes
  readonly binding: WrapBinding
  readonly encapsulationSeed: Bytes
  readonly wrap: Wrap
  readonly exporter: Exporter
  readonly commit: Bytes
  readonly secret: Bytes
  readonly cancel: Bytes
}

export interface JobTerms {
  readonly content?: Bytes
  readonly model?: string
  readonly policy?: Policy
  readonly network?: number
  readonly voucher?: Bytes
}

/** A request sealed, wrapped to `node`, with every random byte taken from the label. */
export async function makeJob(label: string, node: Node, terms: JobTerms = {}): Promise<Job> {
  const fresh = await bytesFrom(`${label} content key`)
  const { sealed, contentKey } = await sealRequest(
    {
      network: terms.network ?? network,
      model: terms.model ?? 'cocoon/demo',
      policy: terms.policy ?? 'open',
      content: terms.content ?? utf8(`{"messages":[{"role":"user","content":"${label}"}]}`),
    },
    handOut(fresh),
  )
  const binding = { jobId: sealed.jobId, statement: node.digest, voucher: terms.voucher ?? (await noVoucher()) }
  return { sealed, contentKey, ...(await attempt(label, contentKey, node, binding)) }
}

/** One wrap of a content key, and what follows from it. */
export async function attempt(label: string, contentKey: Bytes, node: Node, binding: WrapBinding) {
  const encapsulationSeed = await bytesFrom(`${label} encapsulation`, 64)
  const { wrap, exporter } = await wrapContentKey(
    contentKey,
    node.prekey.publicKey,
    binding,
    handOut(encapsulationSeed),
  )
  return {
    binding,
    encapsulationSeed,
    wrap,
    exporter,
    commit: await hkdf(contentKey, new Uint8Array(0), 'cocoon/1 commit'),
    secret: await responseSecret(exporter),
    cancel: await cancelToken(exporter),
  }
}

/** For people and for JSON: byte strings in hex, amounts in decimal. */
export function readable(value: unknown): unknown {
  if (value instanceof Uint8Array) return hex(value)
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(readable)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, readable(item)]))
}

/** Hex with the lowest bit of one byte turned over. */
export const flip = (text: string, at = 0): string => {
  const bytes = fromHex(text)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  return hex(bytes)
}
