import {
  type Bytes,
  encodeCbor,
  encodeFrame,
  encodeMessage,
  limits,
  MAX_MESSAGE_BYTES,
  type Message,
  type MessageOf,
  networks,
  noVoucher,
  sealRequest,
  type SignedStatement,
  statementDigest,
  utf8,
  verifyStatement,
  wrapContentKey,
} from '@cocoon/protocol'
import { DEMO_MODEL } from '@cocoon/localnet'
import { encodeEvidence } from '@cocoon/protocol/appraisal'
import type { SeededRandom } from '../chaos/seeded-random.ts'
import { mutateBytes, mutateValue } from './mutation.ts'

/** Ids of jobs that were heard of, by anybody: what somebody else's client or node may try. */
export class JobPool {
  readonly #ids: Bytes[] = []

  add(id: Bytes): void {
    this.#ids.push(id)
    if (this.#ids.length > 200) this.#ids.shift()
  }

  any(random: SeededRandom): Bytes {
    return this.#ids.length === 0 || random.chance(0.2) ? random.bytes(32) : random.pick(this.#ids)
  }
}

/** What goes over a socket: bytes, or text. */
export type SocketInput = Uint8Array<ArrayBuffer> | string

export const clientKinds = ['open', 'chunk', 'resume', 'ack', 'cancel', 'read'] as const
export const nodeKinds = ['frame', 'refusal', 'load', 'statement'] as const
export const relayKinds = ['job', 'chunk', 'ack', 'resend', 'cancel', 'forget'] as const
const otherKinds = ['stopped', 'challenge', 'hello', 'joined'] as const
type Kind = (typeof clientKinds | typeof nodeKinds | typeof relayKinds | typeof otherKinds)[number]

/** Evidence as a liar makes it: sometimes right in form, never true. */
export function makeEvidence(random: SeededRandom): Bytes {
  if (random.chance(0.4)) return random.bytes(random.pick([0, 1, 100, 5_000, 100_000]))
  const tee = random.pick(['tdx', 'sev-snp'] as const)
  const claims = random.bytes(random.pick([0, 60, 600]))
  const quote = random.bytes(random.pick([0, 48, 1184, 5_000]))
  const gpu = random.chance(0.5) ? [] : [{ report: random.bytes(900), chain: [random.bytes(500)] }]
  const evidence = encodeEvidence({ version: 1, tee, claims, quote, gpu })
  return random.chance(0.5) ? evidence : mutateBytes(random, evidence)
}

/** What the sender of a message knows. */
export interface Known {
  readonly jobs: JobPool
  readonly statement: SignedStatement
}

/** A message of this kind that is right in form, about jobs that may exist. */
export function makeMessage(random: SeededRandom, kind: Kind, { jobs, statement }: Known): Message {
  const jobId = jobs.any(random)
  const next = random.pick([0, 1, 2, 16, 17, 8191, 8192])
  switch (kind) {
    case 'open':
      return { kind, jobId, lease: random.pick(['', 'x.y', random.word(1024)]), ...jobFields(random) }
    case 'job':
      return { kind, jobId, ...jobFields(random) }
    case 'chunk':
      return { kind, jobId, body: random.bytes(random.pick([1, 50, 500])) }
    case 'resume':
      return { kind, jobId, from: next }
    case 'ack':
    case 'read':
    case 'resend':
      return { kind, jobId, next }
    case 'cancel':
      return { kind, jobId, token: random.bytes(32) }
    case 'forget':
      return { kind, jobId }
    case 'frame':
      return { kind, jobId, frame: makeFrame(random) }
    case 'refusal':
      return { kind, jobId, code: random.pick(['busy', 'cannot-open', 'draining']), signature: random.bytes(64) }
    case 'load':
      return {
        kind,
        slots: random.pick([0, 1, 256, 1e9]),
        free: random.pick([0, 1, 300, 2 ** 53 - 1]),
        draining: random.chance(0.1),
      }
    case 'statement':
      return { kind, statement }
    case 'stopped':
      return { kind, jobId, code: 'node-lost', retryAfterMs: null }
    case 'challenge':
      return { kind, nonce: random.bytes(32), network: networks.localnet }
    case 'hello':
      return { kind, signature: random.bytes(64), statement, slots: 4, free: 4, jobs: [jobId] }
    case 'joined':
      return { kind, statement: random.bytes(32) }
  }
}

function jobFields(random: SeededRandom): Omit<MessageOf<'job'>, 'kind' | 'jobId'> {
  const header = random.chance(0.5)
    ? encodeCbor({
        version: 1,
        network: networks.localnet,
        model: DEMO_MODEL.id,
        policy: 'open',
        commit: random.bytes(32),
      })
    : random.bytes(random.below(300))
  const body = random.bytes(random.pick([0, 16, 272, 2_000]))
  const bodyLength = Math.max(1, body.length + random.pick([0, 0, 1, 1_000, limits.request - 2_000]))
  const wrap = { enc: random.bytes(1120), ciphertext: random.bytes(48) }
  return { header, bodyLength, body, statement: random.bytes(32), wrap, money: ['none'] }
}

function makeFrame(random: SeededRandom): Bytes {
  if (random.chance(0.2)) return random.bytes(random.pick([1, 8, 9, 40, 600, 65_593]))
  const sequence = random.pick([0, 0, 1, 2, 3, 16, 8191])
  const nodeNonce = sequence === 0 ? random.bytes(32) : null
  const ciphertext = random.bytes(512 * random.pick([1, 1, 2, 128]) + 16)
  return encodeFrame({ sequence, final: random.chance(0.1), nodeNonce, ciphertext })
}

/** What no honest side sends. Almost all of it must close the socket. */
export function makeBroken(random: SeededRandom, message: Message): SocketInput {
  const bytes = encodeMessage(message)
  switch (random.weighed({ value: 40, bytes: 30, text: 6, empty: 4, large: 3, unknown: 7, tail: 10 })) {
    case 'value':
      return mutateFields(random, message)
    case 'bytes':
      return mutateBytes(random, bytes)
    case 'text':
      return random.pick(['', 'ping ', 'PING', '{"kind":"open"}', random.word(2_000), '\u0000'])
    case 'empty':
      return new Uint8Array(0)
    case 'large':
      return random.bytes(1024).length > 0 ? new Uint8Array(MAX_MESSAGE_BYTES + random.pick([1, 1_000])) : bytes
    case 'unknown':
      return new Uint8Array(Buffer.concat([Uint8Array.of(random.below(256)), bytes.subarray(1)]))
    case 'tail':
      return new Uint8Array(Buffer.concat([bytes, random.bytes(1 + random.below(40))]))
  }
}

/** The same message with a field changed, missing or added, in proper CBOR where the kind has any. */
function mutateFields(random: SeededRandom, message: Message): Bytes {
  const bytes = encodeMessage(message)
  const { kind: _, ...fields } = message
  if ((bytes[0] ?? 0) >= 0x20) return mutateBytes(random, bytes)
  try {
    return new Uint8Array(Buffer.concat([bytes.subarray(0, 1), encodeCbor(mutateValue(random, fields))]))
  } catch {
    // A float, or nothing at all, has no form in our CBOR.
    return mutateBytes(random, bytes)
  }
}

/** A real question, sealed and wrapped to whoever signed this statement. */
export async function sealedJob(signed: SignedStatement, text: string): Promise<Omit<MessageOf<'job'>, 'kind'>> {
  const { statement } = await verifyStatement(signed, networks.localnet)
  const body = { model: DEMO_MODEL.id, messages: [{ role: 'user', content: text }], max_tokens: 8 }
  const request = {
    network: networks.localnet,
    model: DEMO_MODEL.id,
    policy: 'open',
    content: utf8(JSON.stringify(body)),
  } as const
  const { sealed, contentKey } = await sealRequest(request)
  const digest = await statementDigest(signed.body)
  const binding = { jobId: sealed.jobId, statement: digest, voucher: await noVoucher() }
  const { wrap } = await wrapContentKey(contentKey, statement.prekey, binding)
  const { jobId, header } = sealed
  return { jobId, header, bodyLength: sealed.body.length, body: sealed.body, statement: digest, wrap, money: ['none'] }
}
