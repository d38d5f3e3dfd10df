import * as v from 'valibot'
import { MatchResponse } from './api.ts'
import { type Bytes, concat, copy, uint64, utf8 } from './bytes.ts'
import { bytesOf, bytesUpTo, decodeCbor, encodeCbor, uint } from './cbor.ts'
import { type BrokerCode, brokerCodes, CocoonError } from './errors.ts'
import { MAX_FRAME_BYTES } from './frame.ts'
import { limits } from './network.ts'
import { Refusal } from './refusal.ts'
import { Wrap } from './request.ts'
import { SignedStatement } from './statement.ts'

/**
 * Messages on the two sockets, client to relay and relay to node. Each is binary: one byte that says which, then
 * deterministic CBOR, or for the frequent ones a fixed layout that starts with the job id. The text messages
 * `ping` and `pong` keep a socket alive without waking a sleeping relay.
 */
export const PING = 'ping'
export const PONG = 'pong'
/** The WebSocket subprotocol; a client adds its session token as a second one (headers cannot be set in browsers). */
export const SUBPROTOCOL = 'cocoon.1'

/** How a job is paid: nothing yet, vouchers later (tagged, so that adding one changes no other field). */
export const Money = v.strictTuple([v.literal('none')])
export type Money = v.InferOutput<typeof Money>

/**
 * What a private node shows of its machine: encoded evidence, and the encoded collateral that its machine carries, if any.
 * Needed where a statement names evidence that the relay does not have.
 */
export const Attested = v.strictObject({
  evidence: bytesUpTo(limits.evidence),
  collateral: v.nullable(bytesUpTo(limits.carriedCollateral)),
})
export type Attested = v.InferOutput<typeof Attested>

/** Jobs a node may hold at once, running or waiting for acknowledgement. */
export const MAX_NODE_JOBS = 256

const jobFields = {
  header: bytesUpTo(limits.object),
  /** Bytes of the whole sealed body; the first chunk is here, the rest follows in `chunk` messages. */
  bodyLength: v.pipe(uint, v.minValue(1), v.maxValue(limits.request)),
  body: bytesUpTo(limits.chunk),
  /** Digest of the statement whose prekey the wrap is for. */
  statement: bytesOf(32),
  wrap: Wrap,
  money: Money,
}

const schemas = {
  /** client: here is a job. The lease is the broker's own token. */
  open: v.pipe(
    v.strictObject({ jobId: bytesOf(32), lease: v.pipe(v.string(), v.maxLength(1024)), ...jobFields }),
    v.check((job) => job.body.length <= job.bodyLength, 'a first piece no longer than the body'),
  ),
  /** client: send the frames of this job from this one on. */
  resume: v.strictObject({ jobId: bytesOf(32), from: v.pipe(uint, v.maxValue(limits.frames)) }),
  /** relay to client: the broker's word about a job. */
  stopped: v.strictObject({
    jobId: bytesOf(32),
    code: v.picklist(Object.keys(brokerCodes) as BrokerCode[]),
    retryAfterMs: v.nullable(uint),
  }),
  /**
   * relay to client: that node cannot take the job (`code` says why); here is another, with a lease. The client appraises
   * it like any other, and no frame may have opened yet.
   */
  moved: v.strictObject({
    jobId: bytesOf(32),
    code: v.picklist(Object.keys(brokerCodes) as BrokerCode[]),
    to: v.strictObject(MatchResponse.entries),
  }),
  /** either way towards the client: the node's signed refusal. */
  refusal: Refusal,
  /** relay to node: sign this. */
  challenge: v.strictObject({ nonce: bytesOf(32), network: v.pipe(v.number(), v.safeInteger()) }),
  /** node: who I am, what I offer, and the jobs I am still working on or hold unacknowledged frames of. */
  hello: v.strictObject({
    signature: bytesOf(64),
    statement: SignedStatement,
    slots: uint,
    free: uint,
    jobs: v.pipe(v.array(bytesOf(32)), v.maxLength(MAX_NODE_JOBS)),
    attested: v.exactOptional(Attested),
  }),
  /** relay to node: the statement with this digest is what clients get from now on. */
  joined: v.strictObject({ statement: bytesOf(32) }),
  /** node: a newer statement. */
  statement: v.strictObject({ statement: SignedStatement, attested: v.exactOptional(Attested) }),
  /** node: slots changed. */
  load: v.strictObject({ slots: uint, free: uint, draining: v.boolean() }),
  /** relay to node: a job for you. */
  job: v.pipe(
    v.strictObject({ jobId: bytesOf(32), ...jobFields }),
    v.check((job) => job.body.length <= job.bodyLength, 'a first piece no longer than the body'),
  ),
  /** relay to node: nothing is known of this job here, forget it. */
  forget: v.strictObject({ jobId: bytesOf(32) }),
} as const

const kinds = {
  open: 0x01,
  resume: 0x02,
  stopped: 0x03,
  refusal: 0x04,
  moved: 0x05,
  challenge: 0x10,
  hello: 0x11,
  joined: 0x12,
  statement: 0x13,
  load: 0x14,
  job: 0x15,
  forget: 0x16,
} as const

/** Fixed layouts: `kind | jobId | …`. */
const CHUNK = 0x20
const FRAME = 0x21
const ACK = 0x22
const RESEND = 0x23
const CANCEL = 0x24
const READ = 0x25

type Schemas = typeof schemas
type Kind = keyof Schemas
type CborMessage = { [K in Kind]: { readonly kind: K } & Readonly<v.InferOutput<Schemas[K]>> }[Kind]

export type Message =
  | CborMessage
  /** client to relay to node: the next piece of a body. */
  | { readonly kind: 'chunk'; readonly jobId: Bytes; readonly body: Bytes }
  /** node to relay to client: `frame` as in frame.ts, unread here. */
  | { readonly kind: 'frame'; readonly jobId: Bytes; readonly frame: Bytes }
  /** towards the sender of frames: everything before `next` is stored, forget it. */
  | { readonly kind: 'ack'; readonly jobId: Bytes; readonly next: number }
  /** client to relay: everything before `next` was read here; send on. Says nothing about storing it. */
  | { readonly kind: 'read'; readonly jobId: Bytes; readonly next: number }
  /** relay to node: send frames again from `next` on. */
  | { readonly kind: 'resend'; readonly jobId: Bytes; readonly next: number }
  /** client to relay to node. */
  | { readonly kind: 'cancel'; readonly jobId: Bytes; readonly token: Bytes }
export type MessageOf<K extends Message['kind']> = Extract<Message, { kind: K }>

const kindOfByte = new Map<number, Kind>(Object.entries(kinds).map(([kind, byte]) => [byte, kind as Kind]))

export function encodeMessage(message: Message): Bytes {
  switch (message.kind) {
    case 'chunk':
      return concat(Uint8Array.of(CHUNK), message.jobId, message.body)
    case 'frame':
      return concat(Uint8Array.of(FRAME), message.jobId, message.frame)
    case 'ack':
      return concat(Uint8Array.of(ACK), message.jobId, uint64(message.next))
    case 'resend':
      return concat(Uint8Array.of(RESEND), message.jobId, uint64(message.next))
    case 'read':
      return concat(Uint8Array.of(READ), message.jobId, uint64(message.next))
    case 'cancel':
      return concat(Uint8Array.of(CANCEL), message.jobId, message.token)
    default: {
      const { kind, ...fields } = message
      return concat(Uint8Array.of(kinds[kind]), encodeCbor(fields))
    }
  }
}

/** Largest message of any kind. */
export const MAX_MESSAGE_BYTES = limits.chunk + 2 * limits.object

/** @throws CocoonError `broken-encoding` for anything that is not exactly one message. */
export function decodeMessage(bytes: Bytes): Message {
  if (bytes.length > MAX_MESSAGE_BYTES) throw new CocoonError('broken-encoding', 'message too large')
  const byte = bytes[0] ?? 0
  const kind = kindOfByte.get(byte)
  if (kind) {
    const fields = decodeCbor(schemas[kind] as v.GenericSchema, bytes.subarray(1), MAX_MESSAGE_BYTES)
    return { kind, ...(fields as object) } as Message
  }
  if (byte < CHUNK || byte > READ || bytes.length < 34) throw new CocoonError('broken-encoding', 'unknown message')
  const jobId = bytes.slice(1, 33)
  const rest = bytes.subarray(33)
  switch (byte) {
    case CHUNK:
      if (rest.length > limits.chunk) throw new CocoonError('broken-encoding', 'chunk too large')
      return { kind: 'chunk', jobId, body: copy(rest) }
    case FRAME:
      if (rest.length > MAX_FRAME_BYTES) throw new CocoonError('broken-encoding', 'frame too large')
      return { kind: 'frame', jobId, frame: copy(rest) }
    case CANCEL:
      if (rest.length !== 32) throw new CocoonError('broken-encoding', 'a cancel token has 32 bytes')
      return { kind: 'cancel', jobId, token: copy(rest) }
    default:
      return { kind: byte === ACK ? 'ack' : byte === READ ? 'read' : 'resend', jobId, next: sequenceOf(rest) }
  }
}

function sequenceOf(bytes: Uint8Array): number {
  if (bytes.length !== 8) throw new CocoonError('broken-encoding', 'a sequence has 8 bytes')
  const value = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0)
  if (value > BigInt(limits.frames)) throw new CocoonError('broken-encoding', 'sequence out of range')
  return Number(value)
}

/** What a node signs to join: the relay's nonce and the host it dialled, so that no other broker can pass it on. */
export function linkChallenge(nonce: Bytes, host: string): Bytes {
  return concat(nonce, utf8(host))
}
