import {
  base64url,
  type Bytes,
  CocoonError,
  fromBase64url,
  hex,
  linkChallenge,
  MAX_NODE_JOBS,
  type MessageOf,
  networks,
  type SignedStatement,
  type VerifiedStatement,
  verifySignature,
  verifyStatement,
} from '@cocoon/protocol'
import { attachmentOf } from './attachments.ts'
import type { Offering } from './matcher-calls.ts'
import type { Settings } from './settings.ts'

/** What the relay knows of a node's socket; survives sleep as the socket's attachment. */
export interface NodeAttachment {
  readonly role: 'node'
  readonly node: string
  /** The host the node dialled. */
  readonly host: string
  readonly region: string
  /** base64url */
  readonly challenge: string
  /** Unix milliseconds. */
  readonly opened: number
  readonly joined: boolean
  readonly slots: number
  readonly free: number
  readonly draining: boolean
}

export function nodeOf(socket: WebSocket): NodeAttachment {
  return attachmentOf(socket) as NodeAttachment
}

/** What a node says of its slots, made consistent: it can have no more than jobs, and none free while it leaves. */
export function loadOf(said: { slots: number; free: number; draining: boolean }) {
  const slots = Math.min(said.slots, MAX_NODE_JOBS)
  return { slots, free: said.draining ? 0 : Math.min(said.free, slots), draining: said.draining }
}

/**
 * Checks a hello: the statement is for our network, by the node this relay is named after, and the node signed this
 * socket's challenge.
 * @throws CocoonError saying what is wrong; its message is the close reason the provider sees.
 */
export async function verifyHello(
  hello: MessageOf<'hello'>,
  attachment: NodeAttachment,
  settings: Settings,
): Promise<VerifiedStatement> {
  const verified = await verifyOffer(hello.statement, attachment.node, settings)
  const signed = linkChallenge(fromBase64url(attachment.challenge), attachment.host)
  if (!(await verifySignature('cocoon/1 link challenge', verified.statement.identity, hello.signature, signed))) {
    throw new CocoonError('bad-statement', 'the challenge is not signed by the identity key')
  }
  return verified
}

/** @throws CocoonError */
export async function verifyOffer(
  signed: SignedStatement,
  node: string,
  settings: Settings,
): Promise<VerifiedStatement> {
  const verified = await verifyStatement(signed, networks[settings.NETWORK])
  if (verified.nodeId !== node)
    throw new CocoonError('bad-statement', 'the identity key is not the one of this node id')
  if (verified.statement.evidence === null && settings.NETWORK !== 'localnet') {
    throw new CocoonError('not-attested', 'only a development network accepts nodes without evidence')
  }
  return verified
}

/** The part of a statement's offers that this broker carries, one entry a model. */
export function offeringsOf(
  verified: VerifiedStatement,
  signed: SignedStatement,
  load: { slots: number; free: number },
  settings: Settings,
  now: number,
): Map<string, Offering> {
  const { statement, nodeId } = verified
  const carried = statement.offers.filter(({ model }) => settings.MODELS.some(({ id }) => id === model))
  if (carried.length === 0) {
    const models = settings.MODELS.map(({ id }) => id).join(', ') || 'none'
    throw new CocoonError('bad-statement', `this broker carries none of the models offered; it carries: ${models}`)
  }
  // Its own clock rules its dates; ours only says when silence means it is gone. Only the length of its validity counts.
  const useBy = now + (statement.useBy - statement.notBefore) * 1000
  return new Map(
    carried.map(({ model, price, context }) => [
      model,
      {
        node: nodeId,
        statement: signed,
        evidence: statement.evidence && hex(statement.evidence),
        price: {
          prompt: String(price.prompt),
          cached: String(price.cached),
          completion: String(price.completion),
          reasoning: String(price.reasoning),
        },
        context,
        slots: load.slots,
        free: load.free,
        useBy,
      },
    ]),
  )
}

export function newChallenge(): { bytes: Bytes; text: string } {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  return { bytes, text: base64url(bytes) }
}
